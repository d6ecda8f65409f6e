"""View of a special group by city: the direct figures and what stands beside them.

A model estimate is never drawn, named or listed as if it were a direct figure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from survey.access.principal import Principal
from survey.locale import Translator, msg
from survey.publish.chart_panel import ChartPanel
from survey.publish.charts import ChartKind, ChartLabels
from survey.publish.charts.small_areas import GRADE_C, UNGRADED
from survey.publish.views.chart_panels import score_title, subtitle
from survey.publish.views.chart_rows import Rows, counts, ranges, ranges_of
from survey.publish.views.estimate_text import UNRELIABLE, missing_text
from survey.publish.views.small_area_comparison import (
    ComparisonColumn,
    SmallAreaFilters,
    compare_with_direct,
)
from survey.publish.views.table_slice import TableSlice
from survey.publish.views.view_context import ViewContext
from survey.results import WaveResults
from survey.results.small_areas import OVERALL, Grade, select_special_groups

ORIENTATION = msg("For orientation only")


@dataclass(frozen=True, eq=False)
class SmallAreasView:
    sentence: str
    """Sentence on the number of cities with each grade."""
    counts: Mapping[str, int]
    """Grade -> number of cities."""
    cities: ChartPanel


def band_choices(results: WaveResults) -> tuple[str, ...]:
    """Return the groups of a wave that are followed city by city."""
    return tuple(select_special_groups(results.method.groups, results.wave.series))


def build_small_area_view(
    *,
    results: WaveResults,
    principal: Principal,
    language: str,
    filters: SmallAreaFilters,
    others: Sequence[WaveResults] = (),
) -> SmallAreasView:
    """Build the view of one group; `others` are waves of the series, for pooling."""
    reading = ViewContext(results, principal, language)
    indicator = filters.indicator if reading.codes else OVERALL
    cells = TableSlice(
        results.small_areas(principal, group=filters.group, indicator=indicator)
    ).descending("estimate")
    comparison = compare_with_direct(reading, cells, filters, indicator, others)
    grade_codes = cells.texts("grade")
    number = {grade.value: grade_codes.count(grade.value) for grade in Grade}
    return SmallAreasView(
        sentence=_sentence(reading.t, number),
        counts=number,
        cities=_small_area_chart(reading, cells, filters.group, indicator, comparison),
    )


def _sentence(t: Translator, number: Mapping[str, int]) -> str:
    return t(
        "Of the direct figures by city {a} have grade A, {b} grade B and {c} grade C (for "
        "orientation only); in {hidden} cities none is shown.",
        a=number[Grade.A],
        b=number[Grade.B],
        c=number[Grade.C],
        hidden=number[Grade.SUPPRESSED],
    )


def _small_area_chart(
    reading: ViewContext,
    cells: TableSlice,
    group: str,
    indicator: str,
    comparison: ComparisonColumn | None,
) -> ChartPanel:
    t = reading.t
    title = t(
        "{group}, {indicator}: direct figures by city and their grades",
        group=reading.names.group(group),
        indicator=reading.names.indicator(indicator),
    )
    names = [reading.names.area(code) for code in cells.texts("area")]
    grades = (
        t("Direct, grade A: n from 100, margin up to 3"),
        t("Direct, grade B: n from 30"),
        t("Direct, grade C: for orientation only"),
    )
    note = t(
        "The letter behind a city is the grade of its direct figure. It speaks of the margin of "
        "error, not of the city."
    )
    return ChartPanel(
        key="groups-small-areas",
        kind=ChartKind.GRADED_CITIES,
        title=title,
        subtitle=subtitle(reading, score_title(t), cells.total("n")),
        alt=t(
            "{title}. {count} cities with a direct figure. The same data follow as a table.",
            title=title,
            count=int(cells.shown.sum()),
        ),
        text=ChartLabels(
            value=score_title(t),
            name=t("City"),
            interval=t("95%\u00a0interval"),
            n="n",
            series=(*grades, *([comparison.name] if comparison else [])),
        ),
        chart_rows=_chart_rows(cells, names, comparison, t),
        table_columns=_table_rows(cells, names, comparison, t),
        note=f"{note} {comparison.note}" if comparison else note,
    )


def _chart_rows(
    cells: TableSlice, names: list[str], comparison: ComparisonColumn | None, t: Translator
) -> Rows:
    grades = cells.texts("grade")
    estimate = cells.numbers("estimate")
    drawn = cells.shown & ~np.isnan(estimate)
    role = [grade if there else UNGRADED for grade, there in zip(grades, drawn, strict=True)]
    nothing = np.full(len(names), np.nan)
    return {
        "code": cells.texts("area"),
        "label": [
            name if letter == UNGRADED else f"{name}  {letter}"
            for name, letter in zip(names, role, strict=True)
        ],
        "estimate": estimate,
        "ci_low": cells.numbers("ci_low"),
        "ci_high": cells.numbers("ci_high"),
        "n": cells.numbers("n"),
        "range": ranges(cells, t),
        "role": role,
        "note": [
            "" if there else missing_text(bool(shown), t)
            for there, shown in zip(drawn, cells.shown, strict=True)
        ],
        "remark": [t(ORIENTATION) if letter == GRADE_C else "" for letter in role],
        "beside": comparison.estimate if comparison else nothing,
        "beside_low": comparison.low if comparison else nothing,
        "beside_high": comparison.high if comparison else nothing,
        "beside_range": ranges_of(comparison.low, comparison.high, t)
        if comparison
        else [""] * len(names),
    }


def _table_rows(
    cells: TableSlice, names: list[str], comparison: ComparisonColumn | None, t: Translator
) -> Rows:
    grades = cells.texts("grade")
    careful = [
        grade == Grade.C or status == UNRELIABLE
        for grade, status in zip(grades, cells.texts("status"), strict=True)
    ]
    estimate = cells.numbers("estimate")
    table: Rows = {
        t("City"): names,
        t("Grade"): [grade if grade != Grade.SUPPRESSED else "" for grade in grades],
        t("Direct figure"): estimate,
        t("95%\u00a0from"): cells.numbers("ci_low"),
        t("95%\u00a0to"): cells.numbers("ci_high"),
        "n": counts(cells.numbers("n")),
        t("Remark"): [
            missing_text(bool(shown), t)
            if not shown or np.isnan(value)
            else (t(ORIENTATION) if orient else "")
            for shown, value, orient in zip(cells.shown, estimate, careful, strict=True)
        ],
    }
    if comparison is None:
        return table
    words = {"what": comparison.name}
    table[comparison.name] = comparison.estimate
    table[t("{what}: 95%\u00a0from", **words)] = comparison.low
    table[t("{what}: 95%\u00a0to", **words)] = comparison.high
    if comparison.own_weight is not None:
        table[t("Weight of the direct figure in it (%)")] = comparison.own_weight
    table[t("{what}: remark", **words)] = list(comparison.remarks)
    return table
