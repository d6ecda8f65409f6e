"""View of the national overview: headline, first-level scores, areas, map, years."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from survey.access.principal import Principal
from survey.access.roles import NATION
from survey.estimate.tree import COMPOSITE
from survey.publish.charts import ChartKind, ChartLabels
from survey.publish.charts.interval_charts import HIGHER, LOWER, UNCLEAR
from survey.publish.views.bands import BandVerdict, band_verdicts
from survey.publish.views.chart_panels import (
    ChartHeading,
    ChartPanel,
    score_chart,
    score_title,
    subtitle,
)
from survey.publish.views.chart_rows import classify_differences, ranges, score_table
from survey.publish.views.estimate_text import Estimate, estimate_at
from survey.publish.views.national_estimate import describe_basis, nation_cells, reference_line
from survey.publish.views.table_slice import TableSlice
from survey.publish.views.view_context import ViewContext
from survey.publish.views.year_series import trend_chart
from survey.results import WaveResults
from survey.results.headlines import CITY_WEIGHTED, DOMAIN
from survey.results.wave_results import Filter
from survey.sample.special_groups import EVERYONE

_MAX_TILES = 8
"""Most tiles of a questionnaire without an indicator tree, whose ratings may be many."""
AREA_CHOICES = ("region3", "region", "city_class", "size_tier", "retail_tier", "province")


@dataclass(frozen=True)
class OverviewFilters:
    """Filters of the overview; `by` groups the areas, `basis` is how the nation is counted."""

    indicator: str = COMPOSITE
    basis: str = DOMAIN
    by: str = "region3"


@dataclass(frozen=True)
class ScoreTile:
    """First-level indicator beside the headline."""

    name: str
    figure: Estimate


@dataclass(frozen=True)
class CityDifferenceCounts:
    """Numbers of cities that differ clearly from the nation, all judged together."""

    higher: int
    lower: int
    unclear: int


@dataclass(frozen=True, eq=False)
class OverviewView:
    title: str
    headline: Estimate
    sentence: str
    band: BandVerdict | None
    """Band of the composite; None where nothing can be said."""
    counted: str
    """Sentence on the basis of the national figure, and what the others give."""
    tiles: tuple[ScoreTile, ...]
    standing: CityDifferenceCounts | None
    indicators: ChartPanel
    city_map: ChartPanel
    areas: ChartPanel
    trend: ChartPanel


def build_overview(
    *,
    results: WaveResults,
    principal: Principal,
    language: str,
    filters: OverviewFilters,
    others: Sequence[WaveResults] = (),
) -> OverviewView:
    """Build everything on the page; `others` are the further waves of the same series."""
    reading = ViewContext(results, principal, language)
    nation = nation_cells(reading, filters.basis)
    at_indicator = nation.where("indicator", filters.indicator)
    headline = estimate_at(at_indicator)
    cells = reading.cells(indicator=filters.indicator)
    cities = cells.where("area_level", "city")
    gaps = reading.gaps("nation", area_level="city", indicator=filters.indicator)
    return OverviewView(
        title=reading.wave.label(reading.language),
        headline=headline,
        sentence=_sentence(reading, headline, filters),
        band=_band(reading, filters.basis) if filters.indicator == COMPOSITE else None,
        counted=describe_basis(reading, filters.basis, filters.indicator),
        tiles=_tiles(reading, nation),
        standing=_count_verdicts(gaps),
        indicators=_indicators(reading, nation),
        city_map=_map(reading, cities, gaps, headline),
        areas=_areas(reading, cells, headline, filters),
        trend=trend_chart(reading, others, filters.indicator),
    )


def _band(reading: ViewContext, basis: str) -> BandVerdict | None:
    """Return the band of the national composite on the basis shown."""
    wanted: dict[str, Filter] = {"indicator": COMPOSITE}
    if basis == CITY_WEIGHTED:
        wanted |= {"basis": basis, "composite": reading.wave.composite}
    else:
        wanted |= {"area_level": "nation", "group": EVERYONE}
    return band_verdicts(reading, [NATION], **wanted)[0]


def _sentence(reading: ViewContext, headline: Estimate, filters: OverviewFilters) -> str:
    t = reading.t
    return t(
        "{indicator} in the nation, from {n} valid interviews in {cities} cities.",
        indicator=reading.names.indicator(filters.indicator),
        n=f"{reading.wave.n if headline.n is None else headline.n:,d}",
        cities=reading.wave.cities,
    )


def _tiles(reading: ViewContext, nation: TableSlice) -> tuple[ScoreTile, ...]:
    return tuple(
        ScoreTile(reading.names.indicator(code), estimate_at(nation.where("indicator", code)))
        for code in reading.level_codes(1)[:_MAX_TILES]
    )


def _count_verdicts(gaps: TableSlice) -> CityDifferenceCounts | None:
    if not len(gaps):
        return None
    counts = Counter(classify_differences(gaps))
    return CityDifferenceCounts(counts[HIGHER], counts[LOWER], counts[UNCLEAR])


def _indicators(reading: ViewContext, nation: TableSlice) -> ChartPanel:
    t = reading.t
    codes = reading.level_codes(1, 2)
    cells = nation.in_order("indicator", codes)
    return score_chart(
        reading,
        ChartHeading("overview-indicators", _indicators_title(reading), t("Indicator")),
        cells,
        [reading.names.numbered(code) for code in cells.texts("indicator")],
        key="indicator",
        focus=reading.level_codes(1) if reading.codes else (),
        n=cells.max_value("n"),
    )


def _indicators_title(reading: ViewContext) -> str:
    if reading.codes:
        return reading.t("First- and second-level indicators")
    return reading.t("The ratings of this form")


def _areas(
    reading: ViewContext, cells: TableSlice, headline: Estimate, filters: OverviewFilters
) -> ChartPanel:
    t = reading.t
    level = filters.by if filters.by in AREA_CHOICES else AREA_CHOICES[0]
    areas = cells.where("area_level", level).descending("estimate")
    title = t(
        "{indicator} by area: {level}",
        indicator=reading.names.indicator(filters.indicator),
        level=reading.names.level(level),
    )
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


def _map(
    reading: ViewContext,
    cities: TableSlice,
    gaps: TableSlice,
    headline: Estimate,
) -> ChartPanel:
    """Return the map of the cities, whose points say whether they differ from the nation."""
    t = reading.t
    known = np.array([code in reading.cities for code in cities.texts("area")], dtype=bool)
    cities = cities.keep(cities.shown & ~np.isnan(cities.numbers("estimate")) & known)
    codes = cities.texts("area")
    labels = [reading.names.area(code) for code in codes]
    roles = dict(zip(gaps.texts("area"), classify_differences(gaps), strict=True))
    series = (t("Clearly above the nation"), t("Clearly below the nation"), t("Not told apart"))
    value = score_title(t)
    point_roles = [_known(roles.get(code)) for code in codes]
    title = t("Where cities differ from the nation")
    names = {HIGHER: series[0], LOWER: series[1], UNCLEAR: series[2]}
    verdict = {t("Verdict"): [names[role] for role in point_roles]}
    return ChartPanel(
        key="overview-map",
        kind=ChartKind.MAP,
        title=title,
        subtitle=subtitle(reading, value, headline.n),
        alt=t(
            "{title}. Points by longitude and latitude: {higher} cities clearly above the nation, "
            "{lower} clearly below. The same data follow as a table.",
            title=title,
            higher=point_roles.count(HIGHER),
            lower=point_roles.count(LOWER),
        ),
        text=ChartLabels(
            value=value, name=t("City"), interval=t("95% interval"), n="n", series=series
        ),
        chart_rows={
            "label": labels,
            "lon": [reading.cities[code].lon for code in codes],
            "lat": [reading.cities[code].lat for code in codes],
            "estimate": cities.numbers("estimate"),
            "n": cities.numbers("n"),
            "range": ranges(cities, t),
            "role": point_roles,
        },
        table_columns=score_table(cities, labels, t, name=t("City"), value=value, **verdict),
        note=t(
            "City points without boundaries. All cities are judged together: of those marked at "
            "most 5% are expected to be marked by chance."
        ),
    )


def _known(role: object) -> str:
    return role if isinstance(role, str) and role in {HIGHER, LOWER} else UNCLEAR
