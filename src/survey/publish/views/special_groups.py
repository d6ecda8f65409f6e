"""View of the main study's special groups against everybody else."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from survey.access.principal import Principal
from survey.access.roles import NATION
from survey.estimate.tree import COMPOSITE
from survey.publish.charts import ChartKind
from survey.publish.views.chart_panels import ChartHeading, ChartPanel, gap_chart
from survey.publish.views.estimate_text import (
    MULTIPLE_TESTING_NOTE,
    EstimateDifference,
    difference_of,
    unsigned_difference,
)
from survey.publish.views.measures import rates, series_chart
from survey.publish.views.table_slice import TableSlice
from survey.publish.views.view_context import ViewContext
from survey.results import WaveResults
from survey.results.domains import SHIPPED_SERIES
from survey.results.group_questions import declared_items
from survey.sample.special_groups import ELDERLY, EVERYONE, GUARDIAN, RURAL, SPECIAL_GROUPS

_TOPIC_OF: Mapping[str, str] = MappingProxyType(
    {ELDERLY: "elderly", GUARDIAN: "minors", RURAL: "rural"}
)


@dataclass(frozen=True)
class GroupFilters:
    """Special group, and the indicator it is compared by."""

    group: str = SPECIAL_GROUPS[0]
    indicator: str = COMPOSITE


@dataclass(frozen=True, eq=False)
class GroupsView:
    name: str
    difference: EstimateDifference
    sentence: str
    groups: ChartPanel
    indicators: ChartPanel
    cities: ChartPanel
    hidden_cities: int
    topic: ChartPanel | None
    """Chart of the questions asked of this group alone, if there are any."""

    @property
    def chart_panels(self) -> tuple[ChartPanel, ...]:
        every = (self.groups, self.indicators, self.cities, self.topic)
        return tuple(panel for panel in every if panel is not None)


def group_choices(results: WaveResults) -> tuple[str, ...]:
    """Return the special groups that the wave has and those declared for it.

    Of a study of one's own all groups.
    """
    if results.wave.series not in SHIPPED_SERIES:
        return tuple(group for group in results.method.groups if group != EVERYONE)
    declared = declared_items(results.method.grouping)
    special = tuple(group for group in SPECIAL_GROUPS if group in results.method.groups)
    return special + tuple(
        group
        for group in results.method.groups
        if group not in special and group.partition("=")[0] in declared
    )


def build_special_groups_view(
    *, results: WaveResults, principal: Principal, language: str, filters: GroupFilters
) -> GroupsView:
    """Build the view of one group of the main study against everybody else."""
    reading = ViewContext(results, principal, language)
    known = list(group_choices(results))
    group = filters.group if filters.group in known else next(iter(known), filters.group)
    name = reading.names.group(group)
    nation = reading.gaps(
        "rest", area_level="nation", area=NATION, group=known, indicator=filters.indicator
    )
    difference = difference_of(name, nation.where("group", group))
    gaps = reading.gaps("rest", area_level="city", group=group, indicator=filters.indicator)
    cities = gaps.descending("difference")
    return GroupsView(
        name=name,
        difference=difference,
        sentence=_sentence(reading, difference, filters.indicator),
        groups=_groups(reading, nation.in_order("group", known), filters.indicator),
        indicators=_indicators(reading, group, name),
        cities=_cities(reading, cities, name, filters.indicator),
        hidden_cities=int((~cities.shown).sum()),
        topic=_topic(reading, group, name),
    )


def _sentence(reading: ViewContext, difference: EstimateDifference, indicator: str) -> str:
    t = reading.t
    figure = difference.figure
    if not figure.available or figure.estimate is None or difference.reference is None:
        return t("A comparison of this group with everybody else is not available.")
    words = {
        "group": difference.name,
        "indicator": reading.names.indicator(indicator),
        **unsigned_difference(figure),
    }
    if not difference.is_clear:
        return t("{group}, {indicator}: no detectable difference from everybody else.", **words)
    if difference.is_higher:
        return t(
            "{group}, {indicator}: {size} points higher than everybody else "
            "(95% interval {low} to {high}).",
            **words,
        )
    return t(
        "{group}, {indicator}: {size} points lower than everybody else "
        "(95% interval {low} to {high}).",
        **words,
    )


def _groups(reading: ViewContext, gaps: TableSlice, indicator: str) -> ChartPanel:
    t = reading.t
    title = t(
        "{indicator}: each special group minus everybody else",
        indicator=reading.names.indicator(indicator),
    )
    return gap_chart(
        reading,
        ChartHeading("groups-nation", title, t("Special group")),
        gaps,
        [reading.names.group(key) for key in gaps.texts("group")],
        key="group",
        this=t("Group"),
        other=t("Everybody else"),
        n=reading.wave.n,
    )


def _indicators(reading: ViewContext, group: str, name: str) -> ChartPanel:
    t = reading.t
    codes = [COMPOSITE, *reading.level_codes(1, 2)]
    gaps = reading.gaps("rest", area_level="nation", area=NATION, group=group, indicator=codes)
    gaps = gaps.in_order("indicator", codes)
    title = t("{group} minus everybody else, by indicator", group=name)
    return gap_chart(
        reading,
        ChartHeading("groups-indicators", title, t("Indicator")),
        gaps,
        [reading.names.numbered(code) for code in gaps.texts("indicator")],
        key="indicator",
        this=name,
        other=t("Everybody else"),
        n=gaps.max_value("n"),
    )


def _cities(reading: ViewContext, gaps: TableSlice, name: str, indicator: str) -> ChartPanel:
    t = reading.t
    title = t(
        "{group} minus everybody else, {indicator}, by city",
        group=name,
        indicator=reading.names.indicator(indicator),
    )
    few = t("In a single city few members of a group were interviewed, so most lines are long.")
    note = f"{few} {t(MULTIPLE_TESTING_NOTE)}"
    return gap_chart(
        reading,
        ChartHeading("groups-cities", title, t("City"), note),
        gaps,
        [reading.names.area(code) for code in gaps.texts("area")],
        key="area",
        this=name,
        other=t("Everybody else"),
        n=gaps.total("n"),
        kind=ChartKind.CITY_GAPS,
    )


def _topic(reading: ViewContext, group: str, name: str) -> ChartPanel | None:
    topic = _TOPIC_OF.get(group)
    if topic is None:
        return None
    cells = reading.cells(area_level="nation", area=NATION, group=group, indicator=None)
    heading = ChartHeading(
        "groups-topic",
        reading.t("What {group} report", group=name),
        reading.t("Question"),
    )
    return series_chart(
        reading, heading, {name: cells}, rates(reading, (topic,)), n=cells.max_value("n")
    )
