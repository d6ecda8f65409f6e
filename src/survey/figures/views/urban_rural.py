"""View of town and countryside: both sides of a contrast, then fields of consumption."""

from dataclasses import dataclass

from survey.access.roles import NATION, Action
from survey.estimate.tree import COMPOSITE
from survey.figures.views.chart_panels import ChartHeading, ChartPanel, gap_chart, score_chart
from survey.figures.views.estimate_text import (
    ALONE,
    MULTIPLE_TESTING_NOTE,
    EstimateDifference,
    difference_of,
    format_interval,
    unsigned_difference,
)
from survey.figures.views.interval_table import IntervalTable, gap_interval_table
from survey.figures.views.measures import TOPICS, topic_charts
from survey.figures.views.table_slice import TableSlice
from survey.figures.views.view_context import ViewContext
from survey.frame.quotas import RURAL, URBAN, VILLAGE_CONSUMER, VILLAGE_TRADER
from survey.locale import Message, RefusedError, msg
from survey.results import WaveResults
from survey.results.wave_results import Filter


@dataclass(frozen=True)
class ContrastSides:
    """The two groups that a contrast compares, such as countryside and town, with their names."""

    group: str
    other_group: str
    this: Message
    other: Message
    both: tuple[Message, Message]
    """The two within a sentence."""
    by_indicator: Message
    by_area: Message
    higher: Message
    lower: Message


RESIDENCE = ContrastSides(
    RURAL,
    URBAN,
    msg("Countryside"),
    msg("Town"),
    (msg("countryside"), msg("town")),
    msg("Countryside minus town in {place}, by indicator"),
    msg("{indicator}: countryside minus town, {level}"),
    msg(
        "{place}, {indicator}: the countryside is {size} points higher than town "
        "(95%\u00a0interval {low} to {high})."
    ),
    msg(
        "{place}, {indicator}: the countryside is {size} points lower than town "
        "(95%\u00a0interval {low} to {high})."
    ),
)
VILLAGE = ContrastSides(
    VILLAGE_TRADER,
    VILLAGE_CONSUMER,
    msg("Traders"),
    msg("Consumers"),
    (msg("traders"), msg("consumers")),
    msg("Traders minus consumers in villages of {place}, by indicator"),
    msg("{indicator}: traders minus consumers in villages, {level}"),
    msg(
        "{place}, {indicator}: traders in villages rate it {size} points higher than consumers "
        "(95%\u00a0interval {low} to {high})."
    ),
    msg(
        "{place}, {indicator}: traders in villages rate it {size} points lower than consumers "
        "(95%\u00a0interval {low} to {high})."
    ),
)


def sides_of(results: WaveResults) -> ContrastSides:
    """Return the two groups compared: village traders and consumers if asked, else by residence."""
    return VILLAGE if VILLAGE_TRADER in results.method.groups else RESIDENCE


FIELDS = ("service", "green", "confidence", "rural", "complaint", "education")
"""Topics of consumption that town and countryside are read by, in the order of the menu."""
RESIDENCE_AREA_LEVELS = ("nation", "region3", "city")
"""Levels of the places to choose from. The four regions share names with the three."""


@dataclass(frozen=True)
class AreaFilters:
    """Place and indicator that the page shows; `place` is one of `list_area_choices`."""

    place: str = NATION
    indicator: str = COMPOSITE


@dataclass(frozen=True, eq=False)
class UrbanRuralView:
    """Difference between countryside and town in one place, and the sentence on it."""

    difference: EstimateDifference
    sentence: str


def list_fields(results: WaveResults) -> tuple[str, ...]:
    """Return the fields of consumption that the wave asked about."""
    asked = {measure.topic for measure in results.method.measures}
    return tuple(field for field in FIELDS if field in asked)


def build_urban_rural_view(context: ViewContext, *, filters: AreaFilters) -> UrbanRuralView:
    """Build the answer on countryside minus town in one place.

    Raises:
        AccessDeniedError: a city outside the reader's area before the wave is released.
        RefusedError: the wave does not know who lives in the countryside.
    """
    context = _require_place(context, filters.place)
    gaps = _read_gaps(context, filters.place, filters.indicator)
    difference = difference_of(context.names.group(sides_of(context.results).group), gaps)
    name = context.names.area(filters.place)
    return UrbanRuralView(
        difference, _describe_difference(context, difference, filters.indicator, name)
    )


def _require_place(context: ViewContext, place: str) -> ViewContext:
    """Raise unless the wave records residence and the reader may see `place`; return `context`."""
    if sides_of(context.results).group not in context.results.method.groups:
        raise RefusedError(
            "residence_not_asked",
            msg("This wave does not record who lives in town or in the countryside."),
        )
    if place in context.cities and not len(context.cells(area_level="city", area=place)):
        context.principal.require(Action.READ_RESULTS, place)
    return context


def _read_gaps(context: ViewContext, place: str, indicator: Filter) -> TableSlice:
    return context.gaps(
        "rest",
        area_level=RESIDENCE_AREA_LEVELS,
        area=place,
        group=sides_of(context.results).group,
        indicator=indicator,
    )


def _describe_difference(
    context: ViewContext, difference: EstimateDifference, indicator: str, place: str
) -> str:
    t, figure, sides = context.t, difference.figure, sides_of(context.results)
    words = {"place": place, "indicator": context.names.indicator(indicator)}
    if not figure.available or figure.estimate is None:
        return t(
            "{place}: {this} and {other} cannot be compared here.",
            **words,
            this=t(sides.both[0]),
            other=t(sides.both[1]),
        )
    if difference.case == ALONE:
        words["interval"] = format_interval(figure.low, figure.high, t)
        return t(
            "{place}, {indicator}: taken alone, {this} and {other} seem to differ ({interval}); "
            "judged together with all other places that is not enough to be sure.",
            **words,
            this=t(sides.both[0]),
            other=t(sides.both[1]),
        )
    if not difference.is_clear:
        return t(
            "{place}, {indicator}: no detectable difference between {this} and {other}.",
            **words,
            this=t(sides.both[0]),
            other=t(sides.both[1]),
        )
    words |= unsigned_difference(figure)
    chosen = sides.higher if difference.is_higher else sides.lower
    return t(chosen.msgid, **words)


def build_residence_indicators(context: ViewContext, *, filters: AreaFilters) -> ChartPanel:
    """Build the chart of countryside minus town in one place, by indicator."""
    context = _require_place(context, filters.place)
    t, sides = context.t, sides_of(context.results)
    codes = [COMPOSITE, *context.level_codes(1, 2)]
    gaps = _read_gaps(context, filters.place, codes).in_order("indicator", codes)
    return gap_chart(
        context,
        ChartHeading(
            "residence-indicators",
            t(sides.by_indicator.msgid, place=context.names.area(filters.place)),
            t("Indicator"),
            t(MULTIPLE_TESTING_NOTE),
        ),
        context.name_rows(gaps, "indicator"),
        this=t(sides.this),
        other=t(sides.other),
        n=gaps.max_value("n"),
    )


def build_residence_areas(context: ViewContext, *, indicator: str, by: str) -> IntervalTable:
    """Build the table of countryside minus town by area of one level (`by`)."""
    t, sides = context.t, sides_of(context.results)
    gaps = context.gaps("rest", area_level=by, group=sides.group, indicator=indicator)
    gaps = gaps.by_certainty()
    title = t(
        sides.by_area.msgid,
        indicator=context.names.indicator(indicator),
        level=context.names.level(by),
    )
    return gap_interval_table(
        context,
        ChartHeading("residence-areas", title, t("Area"), t(MULTIPLE_TESTING_NOTE)),
        context.name_rows(gaps, "area"),
        this=t(sides.this),
        other=t(sides.other),
    )


def build_residence_groups(context: ViewContext, *, filters: AreaFilters) -> ChartPanel:
    """Build the chart of scores by residence and by household registration in one place."""
    context = _require_place(context, filters.place)
    t, known = context.t, context.results.method.groups
    order = [URBAN, RURAL, *(key for key in known if key.startswith("hukou="))]
    cells = context.cells(
        area_level=RESIDENCE_AREA_LEVELS,
        area=filters.place,
        group=order,
        indicator=filters.indicator,
    ).in_order("group", order)
    title = t(
        "{indicator} in {place} by residence and household registration",
        indicator=context.names.indicator(filters.indicator),
        place=context.names.area(filters.place),
    )
    residence = cells.among("group", (URBAN, RURAL))
    return score_chart(
        context,
        ChartHeading("residence-groups", title, t("Group")),
        context.name_rows(cells, "group"),
        focus=(RURAL,),
        n=residence.total("n"),
    )


def build_field_comparison(
    context: ViewContext, *, place: str, field: str
) -> tuple[ChartPanel, ...]:
    """Build the charts of what town and countryside report and rate on one topic."""
    context = _require_place(context, place)
    t, both = context.t, sides_of(context.results)
    cells = context.cells(
        area_level=RESIDENCE_AREA_LEVELS,
        area=place,
        group=[both.other_group, both.group],
        indicator=None,
    )
    sides = {
        t(both.other): cells.where("group", both.other_group),
        t(both.this): cells.where("group", both.group),
    }
    words = {"field": t(TOPICS[field]), "place": context.names.area(place)}
    return topic_charts(
        context,
        field,
        sides,
        keys=("residence-reports", "residence-ratings"),
        titles=(
            t("{field}: what people in {place} report", **words),
            t("{field}: how people in {place} rate it", **words),
        ),
        counted=tuple(sides.values()),
    )
