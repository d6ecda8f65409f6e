"""View of the order of the cities and how much of it the data support."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from survey.disclosure import CityRun
from survey.estimate.tree import COMPOSITE
from survey.figures.charts import ChartKind
from survey.figures.charts.cities import ABOVE, BELOW, TIED, UNRANKED
from survey.figures.charts.interval_charts import FOCUS, ITEM
from survey.figures.charts.marks import HIDDEN_ROLE
from survey.figures.figure_table import to_list
from survey.figures.views.bands import UnnamedCityRows, band_verdicts, describe_release
from survey.figures.views.chart_panels import ChartPanel, label_intervals, score_title, subtitle
from survey.figures.views.chart_rows import Rows, add_reference_row, score_rows, score_table
from survey.figures.views.estimate_text import Estimate, estimate_at, missing_text
from survey.figures.views.national_estimate import nation_cells, reference_line
from survey.figures.views.table_slice import Floats, TableSlice
from survey.figures.views.view_context import ViewContext
from survey.frame.quotas import EVERYONE
from survey.locale import Translator
from survey.locale.figures import MISSING
from survey.results.headlines import DOMAIN
from survey.results.ranks import RANKING


@dataclass(frozen=True)
class RankingFilters:
    """Filters of the ranking: indicator, focus, parts of the country, and basis of the nation.

    `focus` is the city that the others are compared with, `region3` and `city_class` narrow the
    list, `basis` is how the nation at the dashed line is counted.
    """

    indicator: str = COMPOSITE
    basis: str = DOMAIN
    focus: str | None = None
    region3: str | None = None
    city_class: str | None = None


@dataclass(frozen=True)
class FocusChoices:
    """Cities that may be put in focus, names by code; `default` is the reader's own or None."""

    names: dict[str, str]
    default: str | None


@dataclass(frozen=True, eq=False)
class RankingView:
    """Ranking as shown: chart, named cities, sentences on the city in focus and on neighbours.

    They are empty where nothing is known.
    """

    focus: str
    neighbours: str
    chart_panel: ChartPanel
    codes: tuple[str, ...]
    """The named cities in the order of the chart."""
    named: str = ""
    """Why not every city is named; empty where all are."""


SINGLE = "single"


@dataclass(frozen=True, eq=False)
class RankedCities:
    """Cities with their ranks, ranked ones first and hidden ones last; arrays in that order."""

    cells: TableSlice
    is_separable: frozenset[tuple[str, str]]
    """Pairs of codes, the first of which is surely above the second."""
    rank: Floats
    tied: Floats
    ranked: Floats
    low: Floats
    high: Floats
    p_top: Floats
    moved_low: Floats
    moved_high: Floats

    @cached_property
    def codes(self) -> list[str]:
        return self.cells.texts("area")

    def row(self, code: str) -> int | None:
        codes = self.codes
        return codes.index(code) if code in codes else None

    def case(self, row: int) -> str:
        """Return the key of the sentence on a city's place, such as `tied` or `unranked`.

        It is `hidden`, `unranked`, `tied`, `single` (the data allow no other place), or `set`.
        """
        if not self.cells.shown[row]:
            return HIDDEN_ROLE
        if np.isnan(self.rank[row]):
            return UNRANKED
        if self.tied[row] > 0:
            return "tied"
        return SINGLE if self.low[row] == self.high[row] else "set"


def focus_choices(context: ViewContext, *, indicator: str) -> FocusChoices:
    """Return the cities whose score the reader may see, with or without a rank."""
    cells = context.cells(area_level="city", indicator=indicator)
    codes = sorted(cells.keep(cells.shown).texts("area"))
    default = context.principal.area if context.principal.area in codes else None
    return FocusChoices({code: context.names.searchable_city(code) for code in codes}, default)


@dataclass(frozen=True)
class ListedCity:
    """City with rank, possible ranks and score, in a short list of first or last places."""

    code: str
    name: str
    rank: str
    possible_ranks: str
    figure: Estimate


def list_first_and_last(
    context: ViewContext, indicator: str, count: int = 10
) -> tuple[tuple[ListedCity, ...], tuple[ListedCity, ...]]:
    """Return the cities at the first and at the last `count` places that the reader may see."""
    order = rank_cities(context, indicator)
    low, high = order.rank <= count, order.rank > np.maximum(order.ranked - count, count)
    first, last = (
        tuple(_build_listed_city(context, order, int(row)) for row in np.flatnonzero(kept))
        for kept in (low, high)
    )
    return first, last


def _build_listed_city(context: ViewContext, order: RankedCities, row: int) -> ListedCity:
    code = order.codes[row]
    return ListedCity(
        code,
        context.names.area(code),
        _format_rank(order, row, context.t),
        format_rank_set(order.low[row], order.high[row]),
        estimate_at(order.cells, row=row),
    )


def describe_rank(context: ViewContext, city: str, indicator: str) -> str:
    """Return a sentence on a city's place and possible places; empty for an unknown city."""
    order = rank_cities(context, indicator)
    row = order.row(city)
    return "" if row is None else _describe_focus(context, order, row)


def build_ranking(context: ViewContext, *, filters: RankingFilters) -> RankingView:
    """Build the ranking by one indicator; ranks are over all cities, the chart has the chosen."""
    order = rank_cities(context, filters.indicator)
    at = order.row(filters.focus) if filters.focus else None
    within = context.cities_within(
        order.codes, region3=filters.region3, city_class=filters.city_class
    )
    chosen = [row for row, kept in enumerate(within) if kept]
    headline = estimate_at(nation_cells(context, filters.basis, filters.indicator))
    return RankingView(
        focus="" if at is None else _describe_focus(context, order, at),
        neighbours=_describe_neighbours(context.t, order),
        chart_panel=_build_ranking_chart(
            context, order, at, filters, chosen, reference_line(context, headline, filters.basis)
        ),
        codes=tuple(order.codes[row] for row in chosen),
        named=describe_release(context),
    )


def _list_unnamed_runs(context: ViewContext, filters: RankingFilters) -> tuple[CityRun, ...]:
    """Return runs of neighbouring unnamed cities; none if only a part of the country is listed.

    A part of it would tell where they lie.
    """
    if filters.region3 or filters.city_class:
        return ()
    return context.results.others(context.principal, indicator=filters.indicator)


def rank_cities(context: ViewContext, indicator: str) -> RankedCities:
    """Return the cities that the reader may see, ordered by rank, with their rank figures."""
    cities = context.cells(area_level="city", indicator=indicator)
    rank_rows = context.ranks(indicator)
    codes = cities.texts("area")
    rank = rank_rows.aligned("rank", "area", codes)
    estimate = cities.numbers("estimate")
    keys = np.lexsort((-estimate, np.nan_to_num(rank, nan=np.inf)))
    in_order = [codes[row] for row in keys]
    columns = ("tied", "ranked", "low", "high", "p_top")
    moved = ("sensitivity_low", "sensitivity_high")
    return RankedCities(
        cities.in_order("area", in_order),
        context.significant_pairs(indicator),
        rank[keys],
        *(rank_rows.aligned(name, "area", in_order) for name in (*columns, *moved)),
    )


def _compare_with_city(order: RankedCities, index: int) -> list[int]:
    """Return 1 for cities significantly above that at `index`, -1 for those below, else 0.

    The pairs are those that the sets of ranks count; see `survey.estimate.rank_sets`.
    """
    own = order.codes[index]
    return [
        ((code, own) in order.is_separable) - ((own, code) in order.is_separable)
        for code in order.codes
    ]


def _choose_roles(order: RankedCities, focus: int | None) -> list[str]:
    placed = ~np.isnan(order.rank)
    absent = ~order.cells.shown | np.isnan(order.cells.numbers("estimate"))
    compared = focus is not None and placed[focus]
    apart = np.array(
        _compare_with_city(order, focus) if focus is not None and compared else placed * 0
    )
    own = np.arange(len(placed)) == (-1 if focus is None else focus)
    roles = np.select(
        [absent, own, ~placed, apart > 0, apart < 0],
        [HIDDEN_ROLE, FOCUS, UNRANKED, ABOVE, BELOW],
        default=TIED if compared else ITEM,
    )
    return to_list(roles)


def _describe_focus(context: ViewContext, order: RankedCities, at: int) -> str:
    t = context.t
    city = context.names.area(order.codes[at])
    case = order.case(at)
    if case == HIDDEN_ROLE:
        return f"{city}: {missing_text(False, t)}"
    if case == UNRANKED:
        return t(
            "{city} takes no place: that needs at least {n} interviews and a margin of error.",
            city=city,
            n=RANKING.ranked_from_n,
        )
    low, high = int(order.low[at]), int(order.high[at])
    place = _format_rank(order, at, t)
    if case == SINGLE:
        return t(
            "{city}: place {place} of {ranked}, and the data allow no other.",
            city=city,
            place=place,
            ranked=int(order.ranked[at]),
        )
    return t(
        "{city}: place {place} of {ranked}. The data are compatible with any place from {low} to "
        "{high}; {count} cities cannot be told apart from it.",
        city=city,
        place=place,
        ranked=int(order.ranked[at]),
        low=low,
        high=high,
        count=high - low,
    )


def _describe_neighbours(t: Translator, order: RankedCities) -> str:
    """Say how many pairs of neighbours in rank differ significantly; empty if ranks are hidden."""
    placed = np.flatnonzero(~np.isnan(order.rank))
    if len(placed) < 2 or len(placed) != order.ranked[placed[0]]:
        return ""
    codes = [order.codes[row] for row in placed]
    clear, pairs = sum(pair in order.is_separable for pair in pairwise(codes)), len(placed) - 1
    if not clear:
        return t("None of the {pairs} neighbouring places differ clearly.", pairs=pairs)
    return t("{clear} of the {pairs} neighbouring places differ clearly.", clear=clear, pairs=pairs)


def _format_rank(order: RankedCities, row: int, t: Translator) -> str:
    """Format a city's rank, with a remark where other cities share it; a dash without one."""
    if np.isnan(order.rank[row]):
        return MISSING
    rank = int(order.rank[row])
    return t("{rank} (tied)", rank=rank) if order.tied[row] > 0 else str(rank)


def _build_ranking_chart(
    context: ViewContext,
    order: RankedCities,
    focus: int | None,
    filters: RankingFilters,
    keep: Sequence[int],
    reference: tuple[str, float] | None,
) -> ChartPanel:
    t, indicator = context.t, filters.indicator
    roles = _choose_roles(order, focus)
    cells = order.cells.in_order("area", [order.codes[row] for row in keep])
    names = [context.names.area(code) for code in cells.texts("area")]
    ranks = [_format_rank(order, row, t) for row in keep]
    sets = [format_rank_set(order.low[row], order.high[row]) for row in keep]
    labels = [
        f"{rank}  {name}\n{rank_set}"
        for rank, name, rank_set in zip(ranks, names, sets, strict=True)
    ]
    rows: Rows = {
        **score_rows(cells, labels, t, key="area"),
        "role": [roles[row] for row in keep],
        "city": names,
        "places": sets,
    }
    scores = [float(score) for score in cells.numbers("estimate")]
    among = UnnamedCityRows(_list_unnamed_runs(context, filters), scores)
    rows = among.chart_rows(rows, t)
    value = score_title(t)
    title = t(
        "{indicator} by city ({count})",
        indicator=context.names.indicator(indicator),
        count=len(cells),
    )
    return ChartPanel(
        key="overview-cities",
        kind=ChartKind.RANKING,
        title=title,
        subtitle=subtitle(context, value, cells.total("n")),
        alt=_describe_chart(context, order, focus, title),
        text=label_intervals(t, value, t("City"), (t("Place, city"), t("Possible places"))),
        chart_rows=rows
        if reference is None
        else add_reference_row(rows, reference, value="estimate"),
        table_columns=among.table(
            _build_listing_columns(context, order, roles, keep, cells, indicator), t
        ),
        note=_describe_marks(context, order, focus, reference),
    )


def _build_listing_columns(
    context: ViewContext,
    order: RankedCities,
    roles: Sequence[str],
    keep: Sequence[int],
    cells: TableSlice,
    indicator: str,
) -> Rows:
    t = context.t
    against = {
        TIED: t("not told apart"),
        ABOVE: t("clearly above"),
        BELOW: t("clearly below"),
        FOCUS: t("in focus"),
    }
    columns: Rows = {
        t("Place"): [_format_rank(order, row, t) for row in keep],
        t("Possible places"): [format_rank_set(order.low[row], order.high[row]) for row in keep],
        t("Against the city in focus"): [against.get(roles[row], "") for row in keep],
        t("Probability of the first {top} (%)", top=RANKING.top): np.round(order.p_top[keep] * 100),
    }
    if indicator == COMPOSITE:
        columns[t("Places under other weights")] = [
            format_rank_set(order.moved_low[row], order.moved_high[row]) for row in keep
        ]
        bands = band_verdicts(
            context, cells.texts("area"), area_level="city", group=EVERYONE, indicator=indicator
        )
        columns[t("Band")] = [
            band.label if band is not None and shown else ""
            for band, shown in zip(bands, cells.shown, strict=True)
        ]
    names = [context.names.area(code) for code in cells.texts("area")]
    return score_table(cells, names, t, name=t("City"), value=score_title(t), **columns)


def format_rank_set(low: float, high: float) -> str:
    """Format possible ranks such as `3–9`; a dash where there are none."""
    if np.isnan(low) or np.isnan(high):
        return MISSING
    return str(int(low)) if low == high else f"{int(low)}–{int(high)}"


def _describe_marks(
    context: ViewContext,
    order: RankedCities,
    focus: int | None,
    reference: tuple[str, float] | None,
) -> str:
    t = context.t
    parts = []
    if focus is not None and not np.isnan(order.rank[focus]):
        parts.append(
            t(
                "Shaded: cities that cannot be told apart from {city}, all pairs compared at once "
                "at 95%. Triangles: clearly above or below it.",
                city=context.names.area(order.codes[focus]),
            )
        )
    parts.append(t("Hollow circle: fewer than {n} interviews, no place.", n=RANKING.ranked_from_n))
    if reference is not None:
        parts.append(t("Dashed line: {name}.", name=reference[0]))
    return " ".join(parts)


def _describe_chart(
    context: ViewContext, order: RankedCities, focus: int | None, title: str
) -> str:
    t = context.t
    sentence = "" if focus is None else _describe_focus(context, order, focus)
    sentence = sentence or _describe_neighbours(t, order) or t("No place can be told.")
    return t("{title}. {said} The same data follow as a table.", title=title, said=sentence)
