"""View of the order of the cities and how much of it the data support."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from survey.access.principal import Principal
from survey.disclosure import CityRun
from survey.estimate.tree import COMPOSITE
from survey.figures.charts import ChartKind, ChartLabels
from survey.figures.charts.cities import ABOVE, BELOW, TIED, UNRANKED
from survey.figures.charts.interval_charts import FOCUS, ITEM
from survey.figures.charts.marks import HIDDEN
from survey.figures.figure_table import to_list
from survey.figures.views.bands import UnnamedCityRows, band_verdicts, describe_release
from survey.figures.views.chart_panels import ChartPanel, score_title, subtitle
from survey.figures.views.chart_rows import Rows, add_reference_row, score_rows, score_table
from survey.figures.views.estimate_text import Estimate, estimate_at, missing_text
from survey.figures.views.national_estimate import nation_cells, reference_line
from survey.figures.views.table_slice import Floats, TableSlice
from survey.figures.views.view_context import ViewContext
from survey.frame.quotas import EVERYONE
from survey.locale import Translator
from survey.locale.figures import MISSING
from survey.results import WaveResults
from survey.results.headlines import DOMAIN
from survey.results.ranks import RANKING


@dataclass(frozen=True)
class RankingFilters:
    """Filters of the ranking.

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
    """Cities that may be put in focus by code; `default` is the reader's own, else None."""

    names: dict[str, str]
    default: str | None


@dataclass(frozen=True, eq=False)
class RankingView:
    """View of a ranking; `focus` is about one city, `neighbours` about all of them.

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
    """Cities with their ranks in one order: ranked ones first, hidden ones last."""

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
        """Return the case of a city's place, for whoever puts it into words.

        It is `hidden`, `unranked`, `tied`, `single` (the data allow no other place), or `set`.
        """
        if not self.cells.shown[row]:
            return HIDDEN
        if np.isnan(self.rank[row]):
            return UNRANKED
        if self.tied[row] > 0:
            return "tied"
        return SINGLE if self.low[row] == self.high[row] else "set"


def focus_choices(
    *, results: WaveResults, principal: Principal, language: str, indicator: str
) -> FocusChoices:
    """Return every city that the reader may see, whether or not it is ranked."""
    reading = ViewContext(results, principal, language)
    cells = reading.cells(area_level="city", indicator=indicator)
    codes = sorted(cells.keep(cells.shown).texts("area"))
    default = principal.area if principal.area in codes else None
    return FocusChoices({code: reading.names.searchable_city(code) for code in codes}, default)


@dataclass(frozen=True)
class ListedCity:
    """City in a short list of the first or the last places."""

    code: str
    name: str
    rank: str
    possible_ranks: str
    figure: Estimate


def list_first_and_last(
    reading: ViewContext, indicator: str, count: int = 10
) -> tuple[tuple[ListedCity, ...], tuple[ListedCity, ...]]:
    """Return the cities at the first and at the last places, those that the reader may see."""
    order = rank_cities(reading, indicator)
    low, high = order.rank <= count, order.rank > np.maximum(order.ranked - count, count)
    first, last = (
        tuple(_build_listed_city(reading, order, int(row)) for row in np.flatnonzero(kept))
        for kept in (low, high)
    )
    return first, last


def _build_listed_city(reading: ViewContext, order: RankedCities, row: int) -> ListedCity:
    code = order.codes[row]
    return ListedCity(
        code,
        reading.names.area(code),
        _format_rank(order, row, reading.t),
        _format_rank_set(order.low[row], order.high[row]),
        estimate_at(order.cells, row=row),
    )


def describe_rank(reading: ViewContext, city: str, indicator: str) -> str:
    """Return the place of one city and those that the data allow; empty for an unknown city."""
    order = rank_cities(reading, indicator)
    row = order.row(city)
    return "" if row is None else _describe_focus(reading, order, row)


def build_ranking(
    *, results: WaveResults, principal: Principal, language: str, filters: RankingFilters
) -> RankingView:
    """Build the ranking in one indicator, among all cities, whichever are drawn."""
    reading = ViewContext(results, principal, language)
    order = rank_cities(reading, filters.indicator)
    at = order.row(filters.focus) if filters.focus else None
    within = reading.cities_within(
        order.codes, region3=filters.region3, city_class=filters.city_class
    )
    chosen = [row for row, kept in enumerate(within) if kept]
    headline = estimate_at(nation_cells(reading, filters.basis, filters.indicator))
    return RankingView(
        focus="" if at is None else _describe_focus(reading, order, at),
        neighbours=_describe_neighbours(reading.t, order),
        chart_panel=_build_ranking_chart(
            reading,
            order,
            at,
            filters.indicator,
            chosen,
            reference_line(reading, headline, filters.basis),
            _list_unnamed_runs(reading, filters),
        ),
        codes=tuple(order.codes[row] for row in chosen),
        named=describe_release(reading),
    )


def _list_unnamed_runs(reading: ViewContext, filters: RankingFilters) -> tuple[CityRun, ...]:
    """Return the runs of unnamed cities, for the whole country only.

    A part of it would tell where they lie.
    """
    if filters.region3 or filters.city_class:
        return ()
    return reading.results.others(reading.principal, indicator=filters.indicator)


def rank_cities(reading: ViewContext, indicator: str) -> RankedCities:
    """Return the cities that the reader may see, in the order of their ranks."""
    cities = reading.cells(area_level="city", indicator=indicator)
    rank_rows = reading.ranks(indicator)
    codes = cities.texts("area")
    rank = rank_rows.aligned("rank", "area", codes)
    estimate = cities.numbers("estimate")
    keys = np.lexsort((-estimate, np.nan_to_num(rank, nan=np.inf)))
    in_order = [codes[row] for row in keys]
    columns = ("tied", "ranked", "low", "high", "p_top")
    moved = ("sensitivity_low", "sensitivity_high")
    return RankedCities(
        cities.in_order("area", in_order),
        reading.significant_pairs(indicator),
        rank[keys],
        *(rank_rows.aligned(name, "area", in_order) for name in (*columns, *moved)),
    )


def _compare_with_city(order: RankedCities, index: int) -> list[int]:
    """Return 1 for cities surely above that at `index`, -1 for those surely below, else 0.

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
        [HIDDEN, FOCUS, UNRANKED, ABOVE, BELOW],
        default=TIED if compared else ITEM,
    )
    return to_list(roles)


def _describe_focus(reading: ViewContext, order: RankedCities, at: int) -> str:
    t = reading.t
    city = reading.names.area(order.codes[at])
    case = order.case(at)
    if case == HIDDEN:
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
    """Return how many neighbours differ; empty for a reader who does not see every rank."""
    placed = np.flatnonzero(~np.isnan(order.rank))
    if len(placed) < 2 or len(placed) != order.ranked[placed[0]]:
        return ""
    codes = [order.codes[row] for row in placed]
    clear, pairs = sum(pair in order.is_separable for pair in pairwise(codes)), len(placed) - 1
    if not clear:
        return t("None of the {pairs} neighbouring places differ clearly.", pairs=pairs)
    return t("{clear} of the {pairs} neighbouring places differ clearly.", clear=clear, pairs=pairs)


def _format_rank(order: RankedCities, row: int, t: Translator) -> str:
    """Return the rank, marked where other cities share it."""
    if np.isnan(order.rank[row]):
        return MISSING
    rank = int(order.rank[row])
    return t("{rank} (tied)", rank=rank) if order.tied[row] > 0 else str(rank)


def _build_ranking_chart(
    reading: ViewContext,
    order: RankedCities,
    focus: int | None,
    indicator: str,
    keep: Sequence[int],
    reference: tuple[str, float] | None,
    unnamed: Sequence[CityRun],
) -> ChartPanel:
    t = reading.t
    roles = _choose_roles(order, focus)
    cells = order.cells.in_order("area", [order.codes[row] for row in keep])
    names = [reading.names.area(code) for code in cells.texts("area")]
    ranks = [_format_rank(order, row, t) for row in keep]
    sets = [_format_rank_set(order.low[row], order.high[row]) for row in keep]
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
    among = UnnamedCityRows(unnamed, [float(score) for score in cells.numbers("estimate")])
    rows = among.chart_rows(rows, t)
    value = score_title(t)
    title = t(
        "{indicator} by city ({count})",
        indicator=reading.names.indicator(indicator),
        count=len(cells),
    )
    allowed = t("Possible places")
    return ChartPanel(
        key="overview-cities",
        kind=ChartKind.RANKING,
        title=title,
        subtitle=subtitle(reading, value, cells.total("n")),
        alt=_describe_chart(reading, order, focus, title),
        text=ChartLabels(
            value=value,
            name=t("City"),
            interval=t("95%\u00a0interval"),
            n="n",
            series=(t("Place, city"), allowed),
        ),
        chart_rows=rows
        if reference is None
        else add_reference_row(rows, reference, value="estimate"),
        table_columns=among.table(
            _build_listing_columns(reading, order, roles, keep, cells, indicator), t
        ),
        note=_describe_marks(reading, order, focus, reference),
    )


def _build_listing_columns(
    reading: ViewContext,
    order: RankedCities,
    roles: Sequence[str],
    keep: Sequence[int],
    cells: TableSlice,
    indicator: str,
) -> Rows:
    t = reading.t
    against = {
        TIED: t("not told apart"),
        ABOVE: t("clearly above"),
        BELOW: t("clearly below"),
        FOCUS: t("in focus"),
    }
    columns: Rows = {
        t("Place"): [_format_rank(order, row, t) for row in keep],
        t("Possible places"): [_format_rank_set(order.low[row], order.high[row]) for row in keep],
        t("Against the city in focus"): [against.get(roles[row], "") for row in keep],
        t("Probability of the first {top} (%)", top=RANKING.top): np.round(order.p_top[keep] * 100),
    }
    if indicator == COMPOSITE:
        columns[t("Places under other weights")] = [
            _format_rank_set(order.moved_low[row], order.moved_high[row]) for row in keep
        ]
        bands = band_verdicts(
            reading, cells.texts("area"), area_level="city", group=EVERYONE, indicator=indicator
        )
        columns[t("Band")] = [
            band.label if band is not None and shown else ""
            for band, shown in zip(bands, cells.shown, strict=True)
        ]
    names = [reading.names.area(code) for code in cells.texts("area")]
    return score_table(cells, names, t, name=t("City"), value=score_title(t), **columns)


def _format_rank_set(low: float, high: float) -> str:
    if np.isnan(low) or np.isnan(high):
        return MISSING
    return str(int(low)) if low == high else f"{int(low)}–{int(high)}"


def _describe_marks(
    reading: ViewContext,
    order: RankedCities,
    focus: int | None,
    reference: tuple[str, float] | None,
) -> str:
    t = reading.t
    parts = []
    if focus is not None and not np.isnan(order.rank[focus]):
        parts.append(
            t(
                "Shaded: cities that cannot be told apart from {city}, all pairs compared at once "
                "at 95%. Triangles: clearly above or below it.",
                city=reading.names.area(order.codes[focus]),
            )
        )
    parts.append(t("Hollow circle: fewer than {n} interviews, no place.", n=RANKING.ranked_from_n))
    if reference is not None:
        parts.append(t("Dashed line: {name}.", name=reference[0]))
    return " ".join(parts)


def _describe_chart(
    reading: ViewContext, order: RankedCities, focus: int | None, title: str
) -> str:
    t = reading.t
    sentence = "" if focus is None else _describe_focus(reading, order, focus)
    sentence = sentence or _describe_neighbours(t, order) or t("No place can be told.")
    return t("{title}. {said} The same data follow as a table.", title=title, said=sentence)
