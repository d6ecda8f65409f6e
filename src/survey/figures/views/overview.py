"""View of the national overview: the answer, the cities that stand out, the years, its tabs."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from survey.access.principal import Principal
from survey.access.roles import NATION
from survey.estimate.tree import COMPOSITE
from survey.figures.charts import ChartKind, ChartLabels
from survey.figures.charts.interval_charts import HIGHER, LOWER, UNCLEAR
from survey.figures.charts.marks import HIDDEN
from survey.figures.figure_table import SCORE, format_figure_id, to_list
from survey.figures.views.bands import BandVerdict, band_verdicts, describe_release
from survey.figures.views.chart_panels import (
    ChartHeading,
    ChartPanel,
    score_chart,
    score_title,
    subtitle,
)
from survey.figures.views.chart_rows import (
    Rows,
    classify_differences,
    counts,
    known_role,
    ranges,
    score_table,
)
from survey.figures.views.estimate_text import Estimate, estimate_at, format_estimate
from survey.figures.views.interval_table import (
    SIGNS,
    IntervalTable,
    build_interval_table,
    draw_interval_bars,
)
from survey.figures.views.national_estimate import (
    LastChanges,
    describe_basis,
    find_last_changes,
    nation_cells,
    reference_line,
)
from survey.figures.views.ranking import ListedCity, list_first_and_last, rank_cities
from survey.figures.views.table_slice import TableSlice
from survey.figures.views.trends import trend_chart
from survey.figures.views.view_context import ViewContext
from survey.frame.quotas import EVERYONE
from survey.results import WaveResults
from survey.results.headlines import CITY_WEIGHTED, DOMAIN
from survey.results.ranks import RANKING
from survey.results.wave_results import Filter

_MAX_TILES = 8
"""Most tiles of a questionnaire without an indicator tree, whose ratings may be many."""


@dataclass(frozen=True)
class OverviewFilters:
    """Filters of the overview; `basis` is how the nation is counted."""

    indicator: str = COMPOSITE
    basis: str = DOMAIN


@dataclass(frozen=True)
class ScoreTile:
    """First-level indicator beside the headline, with its change in few words."""

    name: str
    figure: Estimate
    change: str


@dataclass(frozen=True)
class CityDifferenceCounts:
    """Numbers of cities that differ clearly from the nation, all judged together."""

    higher: int
    lower: int
    unclear: int


@dataclass(frozen=True, eq=False)
class OverviewView:
    headline: Estimate
    sentences: tuple[str, ...]
    """What the number is, whether it is better or worse than last time, and where to look."""
    band: BandVerdict | None
    """Band of the composite; None where nothing can be said."""
    counted: str
    """Sentence on the basis of the national figure, and what the others give."""
    tiles: tuple[ScoreTile, ...]
    standing: CityDifferenceCounts | None
    first: tuple[ListedCity, ...]
    last: tuple[ListedCity, ...]
    unlisted: str
    """Why there are no first and last places, or not all of them; empty where all are listed."""
    city_map: ChartPanel
    trend: ChartPanel
    figure_id: str = ""
    """Id under which releases hold the headline; empty where they hold it on another basis."""


def build_overview(
    *,
    results: WaveResults,
    principal: Principal,
    language: str,
    filters: OverviewFilters,
    others: Sequence[WaveResults] = (),
    is_earlier_unread: bool = False,
) -> OverviewView:
    """Build the first screen of the page; `others` are the further waves of the same series."""
    reading = ViewContext(results, principal, language)
    indicator = filters.indicator
    nation = nation_cells(reading, filters.basis)
    headline = estimate_at(nation.where("indicator", indicator))
    cities = reading.cells(area_level="city", indicator=indicator)
    gaps = reading.gaps("nation", area_level="city", indicator=indicator)
    first_level = reading.level_codes(1)[:_MAX_TILES]
    changes = find_last_changes(
        reading,
        others,
        level="nation",
        area=NATION,
        indicators=[indicator, *first_level],
        is_earlier_unread=is_earlier_unread,
    )
    standing = _count_verdicts(gaps)
    first, last = list_first_and_last(reading, indicator)
    return OverviewView(
        headline=headline,
        sentences=(
            _describe_sample(reading, headline, indicator),
            changes.sentence(indicator, reading.t),
            _describe_lowest_score(reading, nation, indicator),
        ),
        band=_find_band(reading, filters.basis) if indicator == COMPOSITE else None,
        counted=describe_basis(reading, filters.basis, indicator),
        tiles=_build_tiles(reading, nation, first_level, changes),
        standing=standing,
        first=first,
        last=last,
        unlisted=_describe_unlisted(reading, first + last),
        city_map=_build_map(reading, cities, gaps, standing),
        trend=trend_chart(reading, others, indicator),
        figure_id=format_figure_id(
            wave=results.wave.key,
            area_level="nation",
            area=NATION,
            indicator=indicator,
            measure=SCORE,
        )
        if filters.basis == DOMAIN
        else "",
    )


def _find_band(reading: ViewContext, basis: str) -> BandVerdict | None:
    """Return the band of the national composite on the basis shown."""
    wanted: dict[str, Filter] = {"indicator": COMPOSITE}
    if basis == CITY_WEIGHTED:
        wanted |= {"basis": basis, "composite": reading.wave.composite}
    else:
        wanted |= {"area_level": "nation", "group": EVERYONE}
    return band_verdicts(reading, [NATION], **wanted)[0]


def _describe_sample(reading: ViewContext, headline: Estimate, indicator: str) -> str:
    return reading.t(
        "{indicator} in the nation, from {n} valid interviews in {cities} cities.",
        indicator=reading.names.indicator(indicator),
        n=f"{reading.wave.n if headline.n is None else headline.n:,d}",
        cities=reading.wave.cities,
    )


def _describe_lowest_score(reading: ViewContext, nation: TableSlice, indicator: str) -> str:
    """Return which part of the indicator scores lowest; empty where it has no two parts."""
    parts = nation.in_order("indicator", reading.parts_of(indicator))
    estimates = parts.numbers("estimate")
    if np.isfinite(estimates).sum() < 2:
        return ""
    row = int(np.nanargmin(estimates))
    return reading.t(
        "Lowest score among its parts: {indicator} ({score}).",
        indicator=reading.names.indicator(parts.texts("indicator")[row]),
        score=format_estimate(estimate_at(parts, row=row), reading.t),
    )


def _build_tiles(
    reading: ViewContext, nation: TableSlice, codes: Sequence[str], changes: LastChanges
) -> tuple[ScoreTile, ...]:
    return tuple(
        ScoreTile(
            reading.names.indicator(code),
            estimate_at(nation.where("indicator", code)),
            changes.short(code, reading.t),
        )
        for code in codes
    )


def _count_verdicts(gaps: TableSlice) -> CityDifferenceCounts | None:
    if not len(gaps):
        return None
    counts = Counter(classify_differences(gaps))
    return CityDifferenceCounts(counts[HIGHER], counts[LOWER], counts[UNCLEAR])


def _describe_unlisted(reading: ViewContext, listed: Sequence[ListedCity]) -> str:
    release = describe_release(reading)
    if listed or release:
        return release
    return reading.t(
        "No city takes a place: that needs at least {n} interviews and a margin of error.",
        n=RANKING.ranked_from_n,
    )


def _build_map(
    reading: ViewContext,
    cities: TableSlice,
    gaps: TableSlice,
    standing: CityDifferenceCounts | None,
) -> ChartPanel:
    """Return the map of the cities, whose points say whether they differ from the nation."""
    t = reading.t
    known = np.array([code in reading.cities for code in cities.texts("area")], dtype=bool)
    cities = cities.keep(cities.shown & ~np.isnan(cities.numbers("estimate")) & known)
    codes = cities.texts("area")
    labels = [reading.names.area(code) for code in codes]
    roles = dict(zip(gaps.texts("area"), classify_differences(gaps), strict=True))
    point_roles = [_drawn_role_of(roles.get(code)) for code in codes]
    counted = standing or CityDifferenceCounts(0, 0, len(codes))
    series = (
        t("Above the nation {count}", count=counted.higher),
        t("Below {count}", count=counted.lower),
        t("Not told apart {count}", count=counted.unclear),
    )
    names = {
        HIGHER: t("Clearly above the nation"),
        LOWER: t("Clearly below the nation"),
        UNCLEAR: t("Not told apart"),
    }
    title = t("Where cities differ from the nation")
    value = score_title(t)
    verdict = {t("Verdict"): [names[role] for role in point_roles]}
    return ChartPanel(
        key="overview-map",
        kind=ChartKind.MAP,
        title=title,
        subtitle=subtitle(reading, value, cities.total("n")),
        alt=t(
            "{title}. Points by longitude and latitude: {higher} cities clearly above the nation, "
            "{lower} clearly below. The same data follow as a table.",
            title=title,
            higher=point_roles.count(HIGHER),
            lower=point_roles.count(LOWER),
        ),
        text=ChartLabels(
            value=value, name=t("City"), interval=t("95%\u00a0interval"), n="n", series=series
        ),
        chart_rows={
            "code": codes,
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
            "City points without boundaries; a click opens the city. All cities are judged "
            "together: of those marked at most 5% are expected to be marked by chance."
        ),
    )


def _drawn_role_of(role: str | None) -> str:
    return UNCLEAR if role is None or role == HIDDEN else role


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
