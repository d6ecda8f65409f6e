"""View of the national overview: the answer, the cities that stand out, and the years."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from survey.access.principal import Principal
from survey.access.roles import NATION
from survey.estimate.tree import COMPOSITE
from survey.publish.charts import ChartKind, ChartLabels
from survey.publish.charts.interval_charts import HIGHER, LOWER, UNCLEAR
from survey.publish.charts.marks import HIDDEN
from survey.publish.figure_table import SCORE, format_figure_id
from survey.publish.views.bands import BandVerdict, band_verdicts
from survey.publish.views.chart_panels import ChartPanel, score_title, subtitle
from survey.publish.views.chart_rows import classify_differences, ranges, score_table
from survey.publish.views.estimate_text import Estimate, estimate_at, format_estimate
from survey.publish.views.last_change import LastChanges, find_last_changes
from survey.publish.views.national_estimate import describe_basis, nation_cells
from survey.publish.views.ranking import ListedCity, list_first_and_last
from survey.publish.views.table_slice import TableSlice
from survey.publish.views.unnamed_cities import describe_release
from survey.publish.views.view_context import ViewContext
from survey.publish.views.year_series import trend_chart
from survey.results import WaveResults
from survey.results.headlines import CITY_WEIGHTED, DOMAIN
from survey.results.ranks import RANKING
from survey.results.wave_results import Filter
from survey.sample.special_groups import EVERYONE

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
