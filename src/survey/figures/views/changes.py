"""View of what changed between two waves, with arrows only after adjustment."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from survey.access.roles import NATION
from survey.estimate.error_size import detectable_change
from survey.estimate.tree import COMPOSITE
from survey.figures.charts import ChartKind, ChartLabels
from survey.figures.charts.interval_charts import HIGHER, LOWER, UNCLEAR
from survey.figures.charts.marks import HIDDEN_ROLE
from survey.figures.views.chart_panels import ChartHeading, ChartPanel, subtitle
from survey.figures.views.chart_rows import (
    Rows,
    add_reference_row,
    counts,
    gap_rows,
    ranges,
    remarks,
)
from survey.figures.views.estimate_text import (
    EstimateDifference,
    difference_of,
    signed_ends,
    unsigned_difference,
)
from survey.figures.views.interval_table import (
    IntervalTable,
    build_interval_table,
    draw_interval_bars,
    signed_verdicts,
)
from survey.figures.views.table_slice import Floats, NamedRows, TableSlice
from survey.figures.views.view_context import ViewContext
from survey.frame.quotas import EVERYONE
from survey.locale import Message, SurveyError, Translator, msg
from survey.results import WaveResults
from survey.results.analysis import NONE
from survey.results.changes import FALL, NO_CROSSWALK, OTHER_COMPOSITE, RISE
from survey.results.crosswalk import NotComparableReason, crosswalk
from survey.results.table_columns import round_figures
from survey.results.wave_results import Filter


@dataclass(frozen=True)
class TrendFilters:
    """Choices on the page of trends: earlier wave, indicator, group, place, part of the country.

    `before` is the key of the earlier wave, None where there is none; `region3` and `size_tier`
    narrow the lists of cities, `clear_only` leaves what is significant; `against` is the reference
    of the last chart, `place` the area whose years are drawn.
    """

    before: str | None = None
    indicator: str = COMPOSITE
    group: str = EVERYONE
    place: str = NATION
    region3: str | None = None
    size_tier: str | None = None
    clear_only: bool = False
    against: str = "region3"


def listed_cities(cities: TableSlice, context: ViewContext, filters: TrendFilters) -> TableSlice:
    """Return the changes of the cities in the chosen region and size, the surest first."""
    keep = context.cities_within(
        cities.texts("area"), region3=filters.region3, size_tier=filters.size_tier
    )
    return cities.keep(keep).by_certainty()


def list_title(title: str, filters: TrendFilters, t: Translator) -> str:
    """Return the title of a list of cities; it says if only significant ones are listed."""
    return t("{title} (significant only)", title=title) if filters.clear_only else title


def describe_selection(context: ViewContext, filters: TrendFilters) -> str:
    name = context.names.indicator(filters.indicator)
    if filters.group == EVERYONE:
        return name
    group = context.names.group(filters.group)
    return context.t("{indicator}, {group}", indicator=name, group=group)


_ROLES = {RISE: HIGHER, FALL: LOWER, NONE: UNCLEAR}
_VERDICT_TEXTS: Mapping[str, Message] = {
    HIGHER: msg("Rise"),
    LOWER: msg("Fall"),
    UNCLEAR: msg("No detectable change"),
}


@dataclass(frozen=True)
class WaveYears:
    before: str
    after: str

    @property
    def labels(self) -> dict[str, str]:
        return {"before": self.before, "after": self.after}


def mark_roles(changes: TableSlice) -> list[str]:
    """Return each row's chart role: rise or fall if significant after multiple-test adjustment."""
    absent = ~changes.shown | np.isnan(changes.numbers("ci_low"))
    return [
        HIDDEN_ROLE if gone else _ROLES.get(verdict, UNCLEAR)
        for gone, verdict in zip(absent, changes.texts("verdict"), strict=True)
    ]


def city_change_table(
    context: ViewContext, cities: TableSlice, filters: TrendFilters, years: WaveYears
) -> IntervalTable:
    t = context.t
    title = t(
        "{indicator}: change in each city from {before} to {after}",
        indicator=describe_selection(context, filters),
        **years.labels,
    )
    note = t(
        "Arrows only where the change holds after allowing for all cities being looked at together "
        "(false discovery rate 5%); narrowing the list changes nothing in that. A line that misses "
        "zero without an arrow is what chance alone brings among many cities. The smallest "
        "detectable change of a city is the one that four of five surveys of this size would find, "
        "the city being looked at alone."
    )
    return _build_change_table(
        context,
        ChartHeading("trends-cities", list_title(title, filters, t), t("City"), note),
        context.name_rows(cities, "area"),
        years,
    )


def indicator_change_table(
    context: ViewContext, nation: TableSlice, filters: TrendFilters, years: WaveYears
) -> IntervalTable:
    t = context.t
    codes = [COMPOSITE, *context.level_codes(1, 2)]
    cells = nation.in_order("indicator", codes)
    title = t(
        "{group}: change of every indicator from {before} to {after}, nation",
        group=context.names.group(filters.group),
        **years.labels,
    )
    note = t("Each indicator is judged by itself; an arrow needs a P value of at most 5%.")
    absent = [code for code in codes if code not in cells.texts("indicator")]
    if absent:
        left_out = t(
            "Not compared, because they were made of other parts or weights in {before} or did not "
            "exist: {indicators}.",
            indicators=t(", ").join(context.names.numbered(code) for code in absent),
            **years.labels,
        )
        note = f"{note} {left_out}"
    return _build_change_table(
        context,
        ChartHeading("trends-indicators", title, t("Indicator"), note),
        context.name_rows(cells, "indicator"),
        years,
    )


def _build_change_table(
    context: ViewContext, heading: ChartHeading, named: NamedRows, years: WaveYears
) -> IntervalTable:
    """Build the table of changes between the waves `years`, rows in the order of `named`."""
    t, changes, labels = context.t, named.cells, named.labels
    roles = mark_roles(changes)
    difference = changes.numbers("difference")
    columns: Rows = {
        heading.rows: list(labels),
        t("Change"): difference,
        t("95%\u00a0interval"): ranges(changes, t),
        t("Verdict"): signed_verdicts(roles, verdict_names(t), t, gaps=changes),
        t("Smallest detectable change"): _list_detectable(changes, roles),
        years.before: changes.numbers("reference"),
        years.after: changes.numbers("estimate"),
        _format_n_title(t, years.before): counts(changes.numbers("n_before")),
        _format_n_title(t, years.after): counts(changes.numbers("n")),
    }
    bars = draw_interval_bars(
        changes.numbers("ci_low"), difference, changes.numbers("ci_high"), roles
    )
    return build_interval_table(
        heading,
        change_subtitle(context, changes, years, by_city=named.key == "area"),
        changes.texts(named.key),
        columns,
        (t("Change with interval"), bars),
        _build_change_rows(changes, labels, roles, heading.rows, years, t),
        visible=[role != HIDDEN_ROLE for role in roles],
    )


def _list_detectable(changes: TableSlice, roles: Sequence[str]) -> Floats:
    """Return, where no change is detectable, the one that four of five such waves would find."""
    half_width = (changes.numbers("ci_high") - changes.numbers("ci_low")) / 2
    sizes = round_figures(detectable_change(half_width, changes.numbers("df")))
    return np.where([role == UNCLEAR for role in roles], sizes, np.nan)


def change_subtitle(
    context: ViewContext, changes: TableSlice, years: WaveYears, *, by_city: bool
) -> str:
    """Return a chart's subtitle: both `years`, unit, interval, and n (a sum if `by_city`)."""
    t = context.t
    n = changes.total("n") if by_city else changes.max_value("n")
    waves = t("Waves of {years}", years=f"{years.before}, {years.after}")
    return subtitle(context, t("Change in points"), n, wave=waves)


def verdict_names(t: Translator) -> dict[str, str]:
    """Return the words for each verdict of a change: rise, fall, no detectable change."""
    return {role: t(text) for role, text in _VERDICT_TEXTS.items()}


def _format_n_title(t: Translator, year: str) -> str:
    return t("n in {year}", year=year)


def _build_change_rows(
    changes: TableSlice,
    labels: Sequence[str],
    roles: Sequence[str],
    name: str,
    years: WaveYears,
    t: Translator,
) -> Rows:
    return {
        name: list(labels),
        years.before: changes.numbers("reference"),
        years.after: changes.numbers("estimate"),
        t("Change"): changes.numbers("difference"),
        t("95%\u00a0from"): changes.numbers("ci_low"),
        t("95%\u00a0to"): changes.numbers("ci_high"),
        _format_n_title(t, years.before): counts(changes.numbers("n_before")),
        _format_n_title(t, years.after): counts(changes.numbers("n")),
        t("Verdict"): ["" if role == HIDDEN_ROLE else t(_VERDICT_TEXTS[role]) for role in roles],
        t("Smallest detectable change"): _list_detectable(changes, roles),
        t("Remark"): remarks(changes, changes.numbers("ci_low"), t),
    }


@dataclass(frozen=True, eq=False)
class ChangeView:
    """Answer on what changed in the nation and in how many cities."""

    before: str
    """Year of the earlier wave, as it stands in a sentence."""
    difference: EstimateDifference
    sentence: str
    counted: str
    funnel: ChartPanel


def build_change_view(
    context: ViewContext, before: WaveResults | None, filters: TrendFilters
) -> tuple[ChangeView | None, str]:
    """Build the view of the change since the wave `before`; else return None and the reason."""
    changes, obstacle = find_changes(
        context, before, filters, area_level=["nation", "city"], indicator=filters.indicator
    )
    if changes is None or before is None:
        return None, obstacle
    years = wave_years(context, before)
    nation, cities = changes.where("area_level", "nation"), changes.where("area_level", "city")
    difference = difference_of(context.names.group(filters.group), nation)
    return ChangeView(
        before=context.t("the year {year}", year=years.before),
        difference=difference,
        sentence=_describe_change(context, difference, mark_roles(nation), filters, years),
        counted=_count_sentence(context, cities),
        funnel=_build_change_funnel(context, cities, difference, filters, years),
    ), ""


def wave_years(context: ViewContext, before: WaveResults) -> WaveYears:
    return WaveYears(str(before.wave.year), str(context.wave.year))


def find_changes(
    context: ViewContext,
    before: WaveResults | None,
    filters: TrendFilters,
    *,
    area_level: Filter,
    indicator: Filter,
) -> tuple[TableSlice | None, str]:
    """Return the changes since the wave `before` and no text; else None and the reason."""
    t = context.t
    if before is None:
        return None, t(
            "A change needs two waves of the same series, and there is none before this one. "
            "Please choose a later wave above. If there is no other, changes appear here as soon "
            "as a second wave has been frozen."
        )
    obstacle = find_obstacle(context, before, filters.indicator)
    if obstacle:
        return None, obstacle
    try:
        return context.changes(
            before.wave, area_level=area_level, group=filters.group, indicator=indicator
        ), ""
    except SurveyError as error:
        return None, t(error.message)


def _build_change_funnel(
    context: ViewContext,
    cities: TableSlice,
    nation: EstimateDifference,
    filters: TrendFilters,
    years: WaveYears,
) -> ChartPanel:
    """Build the chart of city changes by margin of error; the nation's change is a dashed line."""
    t, roles = context.t, mark_roles(cities)
    title = t(
        "{indicator}: change of all cities from {before} to {after}",
        indicator=describe_selection(context, filters),
        **years.labels,
    )
    names = [context.names.area(code) for code in cities.texts("area")]
    rows = funnel_rows(cities, names, roles, t)
    if nation.figure.available and nation.figure.estimate is not None:
        rows = add_reference_row(rows, (t("Nation"), nation.figure.estimate), value="difference")
    counted = {role: roles.count(role) for role in (HIGHER, LOWER, UNCLEAR)}
    return ChartPanel(
        key="trends-funnel",
        kind=ChartKind.FUNNEL,
        title=title,
        subtitle=change_subtitle(context, cities, years, by_city=True),
        alt=t(
            "{title}. {rise} rise, {fall} fall, {none} show no detectable change. The same data "
            "follow as a table.",
            title=title,
            rise=counted[HIGHER],
            fall=counted[LOWER],
            none=counted[UNCLEAR],
        ),
        text=ChartLabels(
            value=t("Change in points"),
            name=t("City"),
            interval=t("95%\u00a0interval"),
            n=t("Margin of error in points: the farther left, the surer"),
            series=tuple(verdict_names(t).values()),
        ),
        chart_rows=rows,
        table_columns=_build_change_rows(cities, names, roles, t("City"), years, t),
        note=t(
            "Between the slanting lines a change does not stand out from zero. Outside them and "
            "still a ring: what chance alone brings among many cities. Dashed: the nation."
        ),
    )


def funnel_rows(
    cities: TableSlice, names: Sequence[str], roles: Sequence[str], t: Translator
) -> Rows:
    """Return chart rows of city changes, labelled by `names`, each with its margin of error."""
    low, high = cities.numbers("ci_low"), cities.numbers("ci_high")
    return gap_rows(cities, names, t, key="area") | {
        "margin": np.round((high - low) / 2, 1),
        "role": list(roles),
    }


def find_obstacle(context: ViewContext, before: WaveResults, indicator: str) -> str:
    """Return why an indicator cannot be compared with an earlier wave; empty where it can."""
    t, tree = context.t, context.results.tree
    if before.wave.composite != context.wave.composite:
        return t(OTHER_COMPOSITE)
    if tree is None or before.tree is None:
        return t("Changes between waves are computed for questionnaires with an indicator tree.")
    mapping = crosswalk(before.tree, tree)
    if mapping is None:
        return t(NO_CROSSWALK)
    words = {"indicator": context.names.indicator(indicator), "before": str(before.wave.year)}
    if mapping.why_not.get(indicator) is NotComparableReason.NEW:
        return t("{indicator} did not exist in {before}, so there is no change to show.", **words)
    if indicator not in mapping.before_of:
        return t(
            "{indicator} was made of other parts or weights in {before}. A difference would show "
            "the new recipe, not consumers, so none is shown. Please choose another indicator.",
            **words,
        )
    return ""


def _describe_change(
    context: ViewContext,
    change: EstimateDifference,
    roles: list[str],
    filters: TrendFilters,
    years: WaveYears,
) -> str:
    t, figure = context.t, change.figure
    words = {"indicator": describe_selection(context, filters), **years.labels}
    if roles in ([], [HIDDEN_ROLE]) or figure.estimate is None:
        return t("{indicator}: the change from {before} to {after} cannot be shown.", **words)
    if roles == [UNCLEAR]:
        return t(
            "{indicator}: no detectable change from {before} to {after} in the nation "
            "(95%\u00a0interval of the change {low} to {high}).",
            **signed_ends(figure),
            **words,
        )
    words |= unsigned_difference(figure)
    if roles == [HIGHER]:
        return t(
            "{indicator}: {size} points higher in {after} than in {before} in the nation "
            "(95%\u00a0interval {low} to {high}).",
            **words,
        )
    return t(
        "{indicator}: {size} points lower in {after} than in {before} in the nation "
        "(95%\u00a0interval {low} to {high}).",
        **words,
    )


def _count_sentence(context: ViewContext, cities: TableSlice) -> str:
    t, counts = context.t, Counter(mark_roles(cities))
    sentence = t(
        "Of {count} cities {rise} rose and {fall} fell; {none} show no detectable change.",
        count=len(cities),
        rise=counts[HIGHER],
        fall=counts[LOWER],
        none=counts[UNCLEAR],
    )
    if not counts[HIDDEN_ROLE]:
        return sentence
    return t(
        "{counted} {hidden} are not shown: too few interviews, or to protect personal data.",
        counted=sentence,
        hidden=counts[HIDDEN_ROLE],
    )
