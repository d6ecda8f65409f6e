"""Tabs of the national overview: indicators, areas and the table of the cities."""

import numpy as np

from survey.access.principal import Principal
from survey.publish.charts.marks import HIDDEN
from survey.publish.column_tables import to_list
from survey.publish.views.chart_panels import (
    ChartHeading,
    ChartPanel,
    score_chart,
    score_title,
    subtitle,
)
from survey.publish.views.chart_rows import (
    Rows,
    classify_differences,
    counts,
    known_role,
    ranges,
    score_table,
)
from survey.publish.views.estimate_text import estimate_at
from survey.publish.views.interval_table import (
    SIGNS,
    IntervalTable,
    build_interval_table,
    draw_interval_bars,
)
from survey.publish.views.national_estimate import nation_cells, reference_line
from survey.publish.views.overview import OverviewFilters
from survey.publish.views.ranking import rank_cities
from survey.publish.views.view_context import ViewContext
from survey.results import WaveResults

AREA_CHOICES = ("region3", "region", "city_class", "size_tier", "retail_tier", "province")


def build_overview_indicators(
    *, results: WaveResults, principal: Principal, language: str, basis: str
) -> ChartPanel:
    """Build the chart of the first two levels of indicators in the nation."""
    reading = ViewContext(results, principal, language)
    t = reading.t
    cells = nation_cells(reading, basis).in_order("indicator", reading.level_codes(1, 2))
    title = t("First- and second-level indicators")
    if not reading.codes:
        title = t("The ratings of this form")
    return score_chart(
        reading,
        ChartHeading("overview-indicators", title, t("Indicator")),
        cells,
        [reading.names.numbered(code) for code in cells.texts("indicator")],
        key="indicator",
        focus=reading.level_codes(1) if reading.codes else (),
        n=cells.max_value("n"),
    )


def build_overview_areas(
    *, results: WaveResults, principal: Principal, language: str, filters: OverviewFilters, by: str
) -> ChartPanel:
    """Build the chart of the areas of one division of the country, highest first."""
    reading = ViewContext(results, principal, language)
    t = reading.t
    level = by if by in AREA_CHOICES else AREA_CHOICES[0]
    cells = reading.cells(area_level=level, indicator=filters.indicator)
    areas = cells.descending("estimate")
    title = t(
        "{indicator} by area: {level}",
        indicator=reading.names.indicator(filters.indicator),
        level=reading.names.level(level),
    )
    headline = estimate_at(nation_cells(reading, filters.basis, filters.indicator))
    reference = reference_line(reading, headline, filters.basis)
    note = "" if reference is None else t("Dashed line: {name}.", name=reference[0])
    return score_chart(
        reading,
        ChartHeading("overview-areas", title, t("Area"), note),
        areas,
        [reading.names.area(area) for area in areas.texts("area")],
        key="area",
        n=areas.total("n"),
        reference=reference,
    )


def build_city_table(
    *,
    results: WaveResults,
    principal: Principal,
    language: str,
    indicator: str,
    own_area: bool = False,
) -> IntervalTable:
    """Build the table of the cities: score with interval, place and verdict, by place.

    Args:
        own_area: Leave out cities outside the area of the reader.
    """
    reading = ViewContext(results, principal, language)
    t = reading.t
    order = rank_cities(reading, indicator)
    cells, codes = order.cells, order.codes
    gaps = reading.gaps("nation", area_level="city", indicator=indicator)
    verdicts = dict(zip(gaps.texts("area"), classify_differences(gaps), strict=True))
    roles = [
        HIDDEN if gone else known_role(verdicts.get(code))
        for gone, code in zip(~cells.shown, codes, strict=True)
    ]
    value, names = score_title(t), [reading.names.area(code) for code in codes]
    places = {
        t("Place"): counts(order.rank),
        t("Possible from place"): counts(order.low),
        t("Possible to place"): counts(order.high),
        t("Against the nation"): [SIGNS.get(role, "") for role in roles],
    }
    columns: Rows = {
        t("City"): names,
        value: cells.numbers("estimate"),
        t("95%\u00a0interval"): ranges(cells, t),
        **places,
        "n": counts(cells.numbers("n")),
    }
    title = t("{indicator} by city", indicator=reading.names.indicator(indicator))
    nation = reading.nation(indicator).estimate
    ends = cells.numbers("ci_low"), cells.numbers("estimate"), cells.numbers("ci_high")
    line = t("The line in the column of bars is the score of the nation.")
    kept = [row for row, code in enumerate(codes) if not own_area or principal.covers(code)]

    def narrow(whole: Rows) -> Rows:
        return {name: [to_list(values)[row] for row in kept] for name, values in whole.items()}

    bars = draw_interval_bars(*ends, roles, origin=nation)
    return build_interval_table(
        ChartHeading("cities", title, t("City"), "" if nation is None else line),
        subtitle(reading, value, float(np.nansum(cells.numbers("n")[kept]))),
        [codes[row] for row in kept],
        narrow(columns),
        (t("Score with interval"), [bars[row] for row in kept]),
        narrow(score_table(cells, names, t, name=t("City"), value=value, **places)),
        visible=[roles[row] != HIDDEN for row in kept],
        is_signed=False,
    )
