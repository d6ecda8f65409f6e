"""View of the national overview: the answer, the cities that stand out, the years, its tabs."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from survey.access.roles import NATION
from survey.estimate.tree import COMPOSITE
from survey.figures.charts import ChartKind
from survey.figures.charts.interval_charts import HIGHER, LOWER, UNCLEAR
from survey.figures.charts.marks import HIDDEN_ROLE
from survey.figures.figure_table import SCORE, format_figure_id, to_list
from survey.figures.views.bands import BandVerdict, band_verdicts, describe_release
from survey.figures.views.chart_panels import (
    ChartHeading,
    ChartPanel,
    label_intervals,
    score_chart,
    score_title,
    subtitle,
)
from survey.figures.views.chart_rows import (
    Rows,
    classify_differences,
    counts,
    ranges,
    roles_of_areas,
    score_table,
)
from survey.figures.views.error_budget import describe_selection
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
    """First-level indicator with its score and, in few words, its change since the wave before."""

    name: str
    figure: Estimate
    change: str


@dataclass(frozen=True)
class CityDifferenceCounts:
    """Numbers of cities significantly above the nation, significantly below it, and neither."""

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
    selection: str
    """What a quota sample may move the composite by."""
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
    context: ViewContext,
    *,
    filters: OverviewFilters,
    others: Sequence[WaveResults] = (),
    is_earlier_unread: bool = False,
) -> OverviewView:
    """Build the overview's first screen; `is_earlier_unread`: a damaged wave is not in `others`."""
    indicator = filters.indicator
    nation = nation_cells(context, filters.basis)
    headline = estimate_at(nation.where("indicator", indicator))
    cities = context.cells(area_level="city", indicator=indicator)
    gaps = context.gaps("nation", area_level="city", indicator=indicator)
    first_level = context.level_codes(1)[:_MAX_TILES]
    changes = find_last_changes(
        context,
        others,
        level="nation",
        area=NATION,
        indicators=[indicator, *first_level],
        is_earlier_unread=is_earlier_unread,
    )
    standing = _count_verdicts(gaps)
    first, last = list_first_and_last(context, indicator)
    return OverviewView(
        headline=headline,
        sentences=(
            context.t(
                "{indicator} in the nation, from {n} valid interviews in {cities} cities.",
                indicator=context.names.indicator(indicator),
                n=f"{context.wave.n if headline.n is None else headline.n:,d}",
                cities=context.wave.cities,
            ),
            changes.sentence(indicator, context.t),
            _describe_lowest_score(context, nation, indicator),
        ),
        band=_find_band(context, filters.basis) if indicator == COMPOSITE else None,
        counted=describe_basis(context, filters.basis, indicator),
        selection=describe_selection(context) if indicator == COMPOSITE else "",
        tiles=_build_tiles(context, nation, first_level, changes),
        standing=standing,
        first=first,
        last=last,
        unlisted=_describe_unlisted(context, first + last),
        city_map=_build_map(context, cities, gaps, standing),
        trend=trend_chart(context, others, indicator),
        figure_id=format_figure_id(
            wave=context.results.wave.key,
            area_level="nation",
            area=NATION,
            indicator=indicator,
            measure=SCORE,
        )
        if filters.basis == DOMAIN
        else "",
    )


def _find_band(context: ViewContext, basis: str) -> BandVerdict | None:
    """Return the band of the national composite, counted by `basis`."""
    wanted: dict[str, Filter] = {"indicator": COMPOSITE}
    if basis == CITY_WEIGHTED:
        wanted |= {"basis": basis, "composite": context.wave.composite}
    else:
        wanted |= {"area_level": "nation", "group": EVERYONE}
    return band_verdicts(context, [NATION], **wanted)[0]


def _describe_lowest_score(context: ViewContext, nation: TableSlice, indicator: str) -> str:
    """Return a sentence on the lowest part of an indicator; empty with fewer than two parts."""
    parts = nation.in_order("indicator", context.parts_of(indicator))
    estimates = parts.numbers("estimate")
    if np.isfinite(estimates).sum() < 2:
        return ""
    row = int(np.nanargmin(estimates))
    return context.t(
        "Lowest score among its parts: {indicator} ({score}).",
        indicator=context.names.indicator(parts.texts("indicator")[row]),
        score=format_estimate(estimate_at(parts, row=row), context.t),
    )


def _build_tiles(
    context: ViewContext, nation: TableSlice, codes: Sequence[str], changes: LastChanges
) -> tuple[ScoreTile, ...]:
    return tuple(
        ScoreTile(
            context.names.indicator(code),
            estimate_at(nation.where("indicator", code)),
            changes.short(code, context.t),
        )
        for code in codes
    )


def _count_verdicts(gaps: TableSlice) -> CityDifferenceCounts | None:
    if not len(gaps):
        return None
    counts = Counter(classify_differences(gaps))
    return CityDifferenceCounts(counts[HIGHER], counts[LOWER], counts[UNCLEAR])


def _describe_unlisted(context: ViewContext, listed: Sequence[ListedCity]) -> str:
    release = describe_release(context)
    if listed or release:
        return release
    return context.t(
        "No city takes a place: that needs at least {n} interviews and a margin of error.",
        n=RANKING.ranked_from_n,
    )


def _build_map(
    context: ViewContext,
    cities: TableSlice,
    gaps: TableSlice,
    standing: CityDifferenceCounts | None,
) -> ChartPanel:
    """Build the map of cities marked by their verdict in `gaps`; `standing`: verdict counts."""
    t = context.t
    known = np.array([code in context.cities for code in cities.texts("area")], dtype=bool)
    cities = cities.keep(cities.shown & ~np.isnan(cities.numbers("estimate")) & known)
    codes = cities.texts("area")
    labels = [context.names.area(code) for code in codes]
    point_roles = roles_of_areas(codes, gaps)
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
        subtitle=subtitle(context, value, cities.total("n")),
        alt=t(
            "{title}. Points by longitude and latitude: {higher} cities clearly above the nation, "
            "{lower} clearly below. The same data follow as a table.",
            title=title,
            higher=point_roles.count(HIGHER),
            lower=point_roles.count(LOWER),
        ),
        text=label_intervals(t, value, t("City"), series),
        chart_rows={
            "code": codes,
            "label": labels,
            "lon": [context.cities[code].lon for code in codes],
            "lat": [context.cities[code].lat for code in codes],
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


AREA_CHOICES = ("region3", "region", "city_class", "size_tier", "retail_tier", "province")


def build_overview_indicators(context: ViewContext, *, basis: str) -> ChartPanel:
    """Build the chart of the nation's indicators of two levels, the nation counted by `basis`."""
    t = context.t
    cells = nation_cells(context, basis).in_order("indicator", context.level_codes(1, 2))
    title = t("First- and second-level indicators")
    if not context.codes:
        title = t("The ratings of this form")
    return score_chart(
        context,
        ChartHeading("overview-indicators", title, t("Indicator")),
        context.name_rows(cells, "indicator"),
        focus=context.level_codes(1) if context.codes else (),
        n=cells.max_value("n"),
    )


def build_overview_areas(context: ViewContext, *, filters: OverviewFilters, by: str) -> ChartPanel:
    """Build the chart of scores by area of one level (`by`), the highest first."""
    t = context.t
    level = by if by in AREA_CHOICES else AREA_CHOICES[0]
    cells = context.cells(area_level=level, indicator=filters.indicator)
    areas = cells.descending("estimate")
    title = t(
        "{indicator} by area: {level}",
        indicator=context.names.indicator(filters.indicator),
        level=context.names.level(level),
    )
    headline = estimate_at(nation_cells(context, filters.basis, filters.indicator))
    reference = reference_line(context, headline, filters.basis)
    note = "" if reference is None else t("Dashed line: {name}.", name=reference[0])
    return score_chart(
        context,
        ChartHeading("overview-areas", title, t("Area"), note),
        context.name_rows(areas, "area"),
        n=areas.total("n"),
        reference=reference,
    )


def build_city_table(
    context: ViewContext, *, indicator: str, own_area: bool = False
) -> IntervalTable:
    """Build the table of cities by rank, with intervals and verdicts; `own_area`: no others.

    Args:
        own_area: Leave out cities outside the area of the reader.
    """
    t = context.t
    order = rank_cities(context, indicator)
    cells, codes = order.cells, order.codes
    gaps = context.gaps("nation", area_level="city", indicator=indicator)
    roles = np.where(cells.shown, roles_of_areas(codes, gaps), HIDDEN_ROLE).tolist()
    value, names = score_title(t), [context.names.area(code) for code in codes]
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
    title = t("{indicator} by city", indicator=context.names.indicator(indicator))
    nation = context.nation(indicator).estimate
    ends = cells.numbers("ci_low"), cells.numbers("estimate"), cells.numbers("ci_high")
    line = t("The line in the column of bars is the score of the nation.")
    kept = [row for row, code in enumerate(codes) if not own_area or context.principal.covers(code)]

    def narrow(whole: Rows) -> Rows:
        return {name: [to_list(values)[row] for row in kept] for name, values in whole.items()}

    bars = draw_interval_bars(*ends, roles, origin=nation)
    return build_interval_table(
        ChartHeading("cities", title, t("City"), "" if nation is None else line),
        subtitle(context, value, float(np.nansum(cells.numbers("n")[kept]))),
        [codes[row] for row in kept],
        narrow(columns),
        (t("Score with interval"), [bars[row] for row in kept]),
        narrow(score_table(cells, names, t, name=t("City"), value=value, **places)),
        visible=[roles[row] != HIDDEN_ROLE for row in kept],
        is_signed=False,
    )
