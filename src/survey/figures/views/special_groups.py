"""View of the main study's special groups against everybody else, and of losses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from survey.access.roles import NATION, Action
from survey.estimate.tree import COMPOSITE
from survey.figures.views.chart_panels import ChartHeading, ChartPanel, gap_chart
from survey.figures.views.estimate_text import (
    ALONE,
    Estimate,
    EstimateDifference,
    difference_of,
    estimate_at,
    format_interval,
    unsigned_difference,
)
from survey.figures.views.measures import rates, ratings, series_chart
from survey.figures.views.table_slice import NamedRows, TableSlice
from survey.figures.views.view_context import ViewContext
from survey.frame.quotas import ELDERLY, EVERYONE, GUARDIAN, RURAL, SPECIAL_GROUPS
from survey.locale import Translator, msg
from survey.questionnaire.model import OVERALL
from survey.results import WaveResults
from survey.results.domains import SHIPPED_SERIES
from survey.results.wave_rules import declared_items

DETRIMENT = "detriment"
SERVICE = "service"
LOSS_BOUNDS = (
    ("detriment_lost", 1),
    ("detriment_ge200", 200),
    ("detriment_ge1000", 1000),
    ("detriment_ge5000", 5000),
)
"""Shares of those with a dispute who lost as many yuan or more."""
DETRIMENT_NOTES = (
    msg(
        "Asked of those who had a dispute in twelve months, about the latest one, after the "
        "method of the OECD: money lost before refunds, what came back, time, distress."
    ),
    msg(
        "Money is asked in classes, the highest (5,000 yuan and over) without an upper end: no "
        "single large loss can be read off, and none moves a figure. There is no mean; the middle "
        "loss is the amount that half of those with a dispute reach."
    ),
)
_MIDDLE = 50.0


def find_middle_loss(shares: Sequence[Estimate]) -> tuple[int, int | None]:
    """Return bounds (yuan; None: no upper) of the median loss by `shares` that lost each amount.

    The median of a share that falls with the amount, after Woodruff (1952): an amount is below the
    median where the whole interval of the share that reaches it lies above a half, and above it
    where the whole interval lies below.

    Args:
        shares: of `LOSS_BOUNDS`; those that are hidden or have no interval decide nothing.
    """
    low, high = 0, None
    for (_, amount), share in zip(LOSS_BOUNDS, shares, strict=True):
        if not share.available or share.low is None or share.high is None:
            continue
        if share.low >= _MIDDLE:
            low = amount
        if share.high < _MIDDLE and high is None:
            high = amount
    return low, high


def describe_middle_loss(shares: Sequence[Estimate], t: Translator) -> list[str]:
    """Return a sentence on the median loss by `shares` that lost each amount; none if unbounded."""
    low, high = find_middle_loss(shares)
    if high is None:
        if not low:
            return []
        return [t("The middle loss of a dispute is {low} yuan or more (95%\u00a0interval).",
                  low=f"{low:,}")]  # fmt: skip
    if high == LOSS_BOUNDS[0][1]:
        return [t("In the middle, a dispute cost no money (95%\u00a0interval).")]
    return [
        t(
            "The middle loss of a dispute lies between {low} and {high} yuan (95%\u00a0interval).",
            low=f"{low:,}",
            high=f"{high - 1:,}",
        )
    ]


_REPORTS = 3
_TOPIC_OF: Mapping[str, str] = {ELDERLY: "elderly", GUARDIAN: "minors", RURAL: "rural"}


@dataclass(frozen=True)
class GroupFilters:
    """Special group, and the indicator it is compared by."""

    group: str = SPECIAL_GROUPS[0]
    indicator: str = COMPOSITE


@dataclass(frozen=True, eq=False)
class GroupsView:
    """Answer about one special group in the nation: difference, problems, chart of all groups."""

    name: str
    difference: EstimateDifference
    sentence: str
    reports: tuple[tuple[str, Estimate], ...]
    """Problems that members of the group met most often, with the share of those asked."""
    groups: ChartPanel


def group_choices(results: WaveResults) -> tuple[str, ...]:
    """Return the special groups of a wave, and those of questions declared to make groups.

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


def build_special_groups_view(context: ViewContext, *, filters: GroupFilters) -> GroupsView:
    """Build the answer about a group: its difference from everybody else in the nation."""
    known = list(group_choices(context.results))
    group = filters.group if filters.group in known else next(iter(known), filters.group)
    name = context.names.group(group)
    nation = context.gaps(
        "rest", area_level="nation", area=NATION, group=known, indicator=filters.indicator
    )
    difference = difference_of(name, nation.where("group", group))
    return GroupsView(
        name=name,
        difference=difference,
        sentence=_describe_difference(context, difference, filters.indicator),
        reports=_list_most_reported(context, group),
        groups=_build_group_chart(context, nation.in_order("group", known), filters.indicator),
    )


def build_group_indicators(context: ViewContext, *, group: str, area: str = NATION) -> ChartPanel:
    """Build the chart of a group minus everybody else, by indicator, in the nation or a city.

    Raises:
        AccessDeniedError: a city outside the reader's area before the wave is released.
    """
    t, level = context.t, "nation" if area == NATION else "city"
    codes = [COMPOSITE, *context.level_codes(1, 2)]
    if context.results.tree is None:
        codes = [OVERALL, *(measure.key for measure in ratings(context))]
    gaps = context.gaps("rest", area_level=level, area=area, group=group, indicator=codes)
    if area != NATION and not len(gaps):
        context.principal.require(Action.READ_RESULTS, area)
    gaps = gaps.in_order("indicator", codes)
    name = context.names.group(group)
    labels = [context.names.indicator(code) for code in gaps.texts("indicator")]
    title = t(
        "{area}: {group} minus everybody else, by indicator",
        area=context.names.area(area),
        group=name,
    )
    return gap_chart(
        context,
        ChartHeading(f"groups-indicators-{level}", title, t("Indicator")),
        NamedRows(gaps, "indicator", labels),
        this=name,
        other=t("Everybody else"),
        n=gaps.max_value("n"),
    )


def build_group_reports(context: ViewContext, *, group: str) -> ChartPanel | None:
    """Build the chart of questions asked of this group alone; None where there are none."""
    topic = _TOPIC_OF.get(group)
    if topic is None:
        return None
    cells = context.cells(area_level="nation", area=NATION, group=group, indicator=None)
    name = context.names.group(group)
    heading = ChartHeading(
        "groups-topic", context.t("What {group} report", group=name), context.t("Question")
    )
    return series_chart(
        context, heading, {name: cells}, rates(context, (topic,)), n=cells.max_value("n")
    )


def _list_most_reported(context: ViewContext, group: str) -> tuple[tuple[str, Estimate], ...]:
    """Return the problems reported by the largest shares of a group, as (name, share)."""
    topic = _TOPIC_OF.get(group)
    if topic is None:
        return ()
    problems = [measure.key for measure in rates(context, (topic,)) if measure.direction == "lower"]
    cells = context.cells(area_level="nation", area=NATION, group=group, indicator=problems)
    cells = cells.keep(cells.shown).descending("estimate")
    names = [context.names.indicator(code) for code in cells.texts("indicator")]
    return tuple(
        (names[row], estimate_at(cells, row=row)) for row in range(min(len(names), _REPORTS))
    )


def _describe_difference(
    context: ViewContext, difference: EstimateDifference, indicator: str
) -> str:
    t = context.t
    figure = difference.figure
    if not figure.available or figure.estimate is None or difference.reference is None:
        return t("A comparison of this group with everybody else is not available.")
    words = {
        "group": difference.name,
        "indicator": context.names.indicator(indicator),
        **unsigned_difference(figure),
    }
    if difference.case == ALONE:
        words["interval"] = format_interval(figure.low, figure.high, t)
        return t(
            "{group}, {indicator}: taken alone, the group seems to differ from everybody else "
            "({interval}); judged together with all other groups that is not enough to be sure.",
            **words,
        )
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


def _build_group_chart(context: ViewContext, gaps: TableSlice, indicator: str) -> ChartPanel:
    t = context.t
    title = t(
        "{indicator}: each special group minus everybody else",
        indicator=context.names.indicator(indicator),
    )
    return gap_chart(
        context,
        ChartHeading("groups-nation", title, t("Special group")),
        context.name_rows(gaps, "group"),
        this=t("Group"),
        other=t("Everybody else"),
        n=context.wave.n,
    )
