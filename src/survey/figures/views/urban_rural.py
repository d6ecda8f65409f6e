"""View of town and countryside: both sides of a contrast, then fields of consumption."""

from dataclasses import dataclass

from survey.access.principal import Principal
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
    """A group and everybody else, with the words for both; one minus the other."""

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
    """Return traders against consumers where a wave asked both in villages, else residence."""
    return VILLAGE if VILLAGE_TRADER in results.method.groups else RESIDENCE


FIELDS = ("service", "green", "confidence", "rural", "complaint", "education")
"""Topics of consumption that town and countryside are read by, in the order of the menu."""
RESIDENCE_AREA_LEVELS = ("nation", "region3", "city")
"""Levels of the places to choose from. The four regions share names with the three."""


@dataclass(frozen=True)
class AreaFilters:
    """Filters; `place` is one of `list_area_choices`."""

    place: str = NATION
    indicator: str = COMPOSITE


@dataclass(frozen=True, eq=False)
class UrbanRuralView:
    """Answer about one place."""

    difference: EstimateDifference
    sentence: str


def list_fields(results: WaveResults) -> tuple[str, ...]:
    """Return the fields of consumption that the wave asked about."""
    asked = {measure.topic for measure in results.method.measures}
    return tuple(field for field in FIELDS if field in asked)


def build_urban_rural_view(
    *, results: WaveResults, principal: Principal, language: str, filters: AreaFilters
) -> UrbanRuralView:
    """Build the answer on town and countryside in one place.

    Raises:
        AccessDeniedError: a city outside the reader's area before the wave is released.
        RefusedError: the wave does not know who lives in the countryside.
    """
    reading = _require_place(ViewContext(results, principal, language), filters.place)
    gaps = _read_gaps(reading, filters.place, filters.indicator)
    difference = difference_of(reading.names.group(sides_of(results).group), gaps)
    name = reading.names.area(filters.place)
    return UrbanRuralView(
        difference, _describe_difference(reading, difference, filters.indicator, name)
    )


def _require_place(reading: ViewContext, place: str) -> ViewContext:
    """Return the context if the wave knows residence and the reader may see the place."""
    if sides_of(reading.results).group not in reading.results.method.groups:
        raise RefusedError(
            "residence_not_asked",
            msg("This wave does not record who lives in town or in the countryside."),
        )
    if place in reading.cities and not len(reading.cells(area_level="city", area=place)):
        reading.principal.require(Action.READ_RESULTS, place)
    return reading


def _read_gaps(reading: ViewContext, place: str, indicator: Filter) -> TableSlice:
    return reading.gaps(
        "rest",
        area_level=RESIDENCE_AREA_LEVELS,
        area=place,
        group=sides_of(reading.results).group,
        indicator=indicator,
    )


def _describe_difference(
    reading: ViewContext, difference: EstimateDifference, indicator: str, place: str
) -> str:
    t, figure, sides = reading.t, difference.figure, sides_of(reading.results)
    words = {"place": place, "indicator": reading.names.indicator(indicator)}
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


def build_residence_indicators(
    *, results: WaveResults, principal: Principal, language: str, filters: AreaFilters
) -> ChartPanel:
    """Build the chart of countryside minus town by indicator."""
    reading = _require_place(ViewContext(results, principal, language), filters.place)
    t, sides = reading.t, sides_of(results)
    codes = [COMPOSITE, *reading.level_codes(1, 2)]
    gaps = _read_gaps(reading, filters.place, codes).in_order("indicator", codes)
    return gap_chart(
        reading,
        ChartHeading(
            "residence-indicators",
            t(sides.by_indicator.msgid, place=reading.names.area(filters.place)),
            t("Indicator"),
            t(MULTIPLE_TESTING_NOTE),
        ),
        gaps,
        [reading.names.numbered(code) for code in gaps.texts("indicator")],
        key="indicator",
        this=t(sides.this),
        other=t(sides.other),
        n=gaps.max_value("n"),
    )


def build_residence_areas(
    *, results: WaveResults, principal: Principal, language: str, indicator: str, by: str
) -> IntervalTable:
    """Build the table of countryside minus town in the areas of one division of the country."""
    reading = ViewContext(results, principal, language)
    t, sides = reading.t, sides_of(results)
    gaps = reading.gaps("rest", area_level=by, group=sides.group, indicator=indicator)
    gaps = gaps.descending("difference")
    title = t(
        sides.by_area.msgid,
        indicator=reading.names.indicator(indicator),
        level=reading.names.level(by),
    )
    return gap_interval_table(
        reading,
        ChartHeading("residence-areas", title, t("Area"), t(MULTIPLE_TESTING_NOTE)),
        gaps,
        [reading.names.area(code) for code in gaps.texts("area")],
        key="area",
        this=t(sides.this),
        other=t(sides.other),
    )


def build_residence_groups(
    *, results: WaveResults, principal: Principal, language: str, filters: AreaFilters
) -> ChartPanel:
    """Build the chart of where people live and where they are registered, which differ."""
    reading = _require_place(ViewContext(results, principal, language), filters.place)
    t, known = reading.t, results.method.groups
    order = [URBAN, RURAL, *(key for key in known if key.startswith("hukou="))]
    cells = reading.cells(
        area_level=RESIDENCE_AREA_LEVELS,
        area=filters.place,
        group=order,
        indicator=filters.indicator,
    ).in_order("group", order)
    title = t(
        "{indicator} in {place} by residence and household registration",
        indicator=reading.names.indicator(filters.indicator),
        place=reading.names.area(filters.place),
    )
    residence = cells.among("group", (URBAN, RURAL))
    return score_chart(
        reading,
        ChartHeading("residence-groups", title, t("Group")),
        cells,
        [reading.names.group(key) for key in cells.texts("group")],
        key="group",
        focus=(RURAL,),
        n=residence.total("n"),
    )


def build_field_comparison(
    *, results: WaveResults, principal: Principal, language: str, place: str, field: str
) -> tuple[ChartPanel, ...]:
    """Build what town and countryside report and rate in one field of consumption."""
    reading = _require_place(ViewContext(results, principal, language), place)
    t, both = reading.t, sides_of(results)
    cells = reading.cells(
        area_level=RESIDENCE_AREA_LEVELS,
        area=place,
        group=[both.other_group, both.group],
        indicator=None,
    )
    sides = {
        t(both.other): cells.where("group", both.other_group),
        t(both.this): cells.where("group", both.group),
    }
    words = {"field": t(TOPICS[field]), "place": reading.names.area(place)}
    return topic_charts(
        reading,
        field,
        sides,
        keys=("residence-reports", "residence-ratings"),
        titles=(
            t("{field}: what people in {place} report", **words),
            t("{field}: how people in {place} rate it", **words),
        ),
        counted=tuple(sides.values()),
    )
