"""Tabs of the national overview: indicators, areas and the table of the cities."""

from dataclasses import dataclass

from survey.access.principal import Principal
from survey.publish.views.chart_panels import (
    ChartHeading,
    ChartPanel,
    score_chart,
    score_title,
    subtitle,
)
from survey.publish.views.chart_rows import Rows, classify_differences, counts, score_table
from survey.publish.views.estimate_text import estimate_at
from survey.publish.views.last_change import SIGNS
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


@dataclass(frozen=True, eq=False)
class CityTable:
    """Cities that the reader may see by name, a row each, to be sorted on screen."""

    title: str
    subtitle: str
    codes: tuple[str, ...]
    columns: Rows
    score: str
    """Name of the column with the score."""


def build_city_table(
    *, results: WaveResults, principal: Principal, language: str, indicator: str
) -> CityTable:
    """Build the table of the cities: score with interval, place and verdict, by place."""
    reading = ViewContext(results, principal, language)
    t = reading.t
    order = rank_cities(reading, indicator)
    cells, codes = order.cells, order.codes
    gaps = reading.gaps("nation", area_level="city", indicator=indicator)
    verdicts = dict(zip(gaps.texts("area"), classify_differences(gaps), strict=True))
    value = score_title(t)
    places = {
        t("Place"): counts(order.rank),
        t("Possible from place"): counts(order.low),
        t("Possible to place"): counts(order.high),
        t("Against the nation"): [SIGNS.get(verdicts.get(code, ""), "") for code in codes],
    }
    names = [reading.names.area(code) for code in codes]
    title = t("{indicator} by city", indicator=reading.names.indicator(indicator))
    return CityTable(
        title,
        subtitle(reading, value, cells.total("n")),
        tuple(codes),
        score_table(cells, names, t, name=t("City"), value=value, **places),
        value,
    )
