"""Charts of complaint statistics: shares in two years, monthly rates of areas, scores by rate.

They draw full counts of a system, so none has an interval; what is kept back is not drawn.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from survey.access.roles import NATION
from survey.counts.complaint_lists import LensShare
from survey.counts.complaint_tables import ComplaintYear
from survey.counts.complaint_view import name_area
from survey.counts.complaints.sums import per_100_000
from survey.counts.count_declaration import TOTAL
from survey.figures.charts import ChartKind, ChartLabels
from survey.figures.charts.interval_charts import FOCUS, ITEM
from survey.figures.charts.marks import REFERENCE
from survey.figures.views.chart_panels import ChartPanel
from survey.frame.code_lists import leaves_within, resident_population
from survey.locale import Translator, translator
from survey.locale.figures import format_quantity

MAX_AREAS = 6
_CITY_CODE_LENGTH = 6


def build_share_chart(
    *, shares: Sequence[LensShare], title: str, years: tuple[int, int], t: Translator
) -> ChartPanel:
    """Return the chart of each code's share of complaints, this year and the year before."""
    known = [each for each in shares if each.share is not None]
    names = [each.name for each in known]
    now = [np.nan if each.share is None else each.share for each in known]
    then = [np.nan if each.then is None else each.then for each in known]
    this_year, year_before = (str(year) for year in years)
    value = t("Per cent of the complaints accepted")
    compares = any(not np.isnan(share) for share in then)
    return ChartPanel(
        key="complaint-shares",
        kind=ChartKind.SHARES,
        title=title,
        subtitle=t(
            "Filled: {year}; hollow: {before}, the same months", year=this_year, before=year_before
        )
        if compares
        else t(
            "{year}; the year before was not delivered for the same areas and months",
            year=this_year,
        ),
        alt=t(
            "{title}. {count} rows, the largest: {name}. The same data follow as a table.",
            title=title,
            count=len(names),
            name=names[0] if names else "–",
        ),
        text=ChartLabels(value=value, name=t("Code"), series=(this_year, year_before)),
        chart_rows={"label": names, "now": now, "then": then} if names else {},
        table_columns={t("Code"): names, this_year: now, year_before: then},
    )


def build_month_chart(*, year: ComplaintYear, area: str, language: str) -> ChartPanel:
    """Return one small chart per area of monthly complaints per 100,000 residents, on one scale."""
    t = translator(language)
    areas = _list_compared_areas(year, area)
    rates = {code: _compute_monthly_rates(year, code) for code in areas}
    rates = {code: months for code, months in rates.items() if months}
    largest = max((rate for months in rates.values() for rate in months.values()), default=0.0)
    rows: dict[str, list[object]] = {
        name: [] for name in ("row", "month", "level", "value", "label", "role")
    }
    for number, (code, months) in enumerate(rates.items()):
        for month, rate in months.items():
            cells = (
                number, month, number - 0.7 * rate / largest, rate, name_area(code, language),
                FOCUS if code == area else ITEM,
            )  # fmt: skip
            for name, cell in zip(rows, cells, strict=True):
                rows[name].append(cell)
    names = tuple(name_area(code, language) for code in rates)
    title = t("Month by month, beside other areas")
    return ChartPanel(
        key="complaint-months",
        kind=ChartKind.MONTHS,
        title=title,
        subtitle=t(
            "Complaints accepted per 100,000 residents of what was delivered, {year}; all on one "
            "scale, the highest point is {largest}",
            year=year.year,
            largest=format_quantity(largest, 1),
        ),
        alt=t(
            "{title}. {areas}. The same data follow as a table.",
            title=title,
            areas=t(", ").join(names),
        ),
        text=ChartLabels(
            value=t("Per 100,000 residents"), name=t("Area"), n=t("Month"), series=names
        ),
        chart_rows=rows if rates and largest else {},
        table_columns={
            t("Area"): rows["label"],
            t("Month"): [f"{year.year}-{month:0>2}" for month in map(str, rows["month"])],
            t("Per 100,000 residents"): rows["value"],
        },
        note=t("A gap in a line: kept back, or not delivered."),
    )


def _list_compared_areas(year: ComplaintYear, area: str) -> list[str]:
    """Return codes of the area, the nation, and cities nearby with most complaints."""
    around = area[:2] if area != NATION and _has_neighbours(year, area) else ""
    cities = [
        (row["accepted"] or 0.0, code)
        for (code, _), row in year.by_lens[TOTAL].items()
        if row is not None and len(code) == _CITY_CODE_LENGTH and code.isdigit()
        and code.startswith(around)
    ]  # fmt: skip
    largest = [code for _, code in sorted(cities, reverse=True)]
    return list(dict.fromkeys([area, NATION, *largest]))[:MAX_AREAS]


def _has_neighbours(year: ComplaintYear, area: str) -> bool:
    cities = {code for code, _ in year.by_lens[TOTAL] if len(code) == _CITY_CODE_LENGTH}
    return sum(code.isdigit() and code[:2] == area[:2] for code in cities) > 1


def _compute_monthly_rates(year: ComplaintYear, area: str) -> dict[int, float]:
    """Return month number -> complaints per 100,000 residents, without hidden months."""
    rates = {}
    for month in year.months:
        row = year.by_month.get((area, month))
        came = [leaf for leaf in leaves_within(area) if month in year.delivered.get(leaf, ())]
        rate = None if row is None else per_100_000(row["accepted"], resident_population(came))
        if rate is not None:
            rates[int(month[5:])] = rate
    return rates


@dataclass(frozen=True)
class ScoredCity:
    """City with its satisfaction score and its recorded complaints per 100,000 residents."""

    code: str
    name: str
    score: float
    rate: float


def build_scatter(
    *, cities: Sequence[ScoredCity], city: str, name: str, note: str, t: Translator
) -> ChartPanel:
    """Return the chart of score against complaints: a point per city, `city` marked, medians."""
    title = t("Score and complaints of the cities")
    rows: Mapping[str, Sequence[object]] = {
        "code": [each.code for each in cities] + [""],
        "label": [each.name for each in cities] + [""],
        "across": [each.score for each in cities]
        + [_compute_median([each.score for each in cities])],
        "up": [each.rate for each in cities] + [_compute_median([each.rate for each in cities])],
        "role": [FOCUS if each.code == city else ITEM for each in cities] + [REFERENCE],
    }
    vertical = t("Complaints per 100,000 residents")
    return ChartPanel(
        key=f"beside-scatter-{city}",
        kind=ChartKind.SCATTER,
        title=title,
        subtitle=t("{count} cities; dashed: the medians", count=len(cities)),
        alt=t(
            "{title}. {count} cities. The same data follow as a table.",
            title=title,
            count=len(cities),
        ),
        text=ChartLabels(
            value=t("Score (0–100)"), name=t("City"), series=(name, t("Other cities"), vertical)
        ),
        chart_rows=dict(rows) if cities else {},
        table_columns={
            t("City"): [each.name for each in cities],
            t("Score"): [each.score for each in cities],
            vertical: [each.rate for each in cities],
        },
        note=note,
    )


def _compute_median(values: Sequence[float]) -> float:
    return float(np.median(values)) if values else float("nan")
