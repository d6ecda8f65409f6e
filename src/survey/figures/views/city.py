"""View of one city: the answer, its peers, strengths, priorities, groups, and its tabs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from survey.access.roles import NATION, Action
from survey.estimate.tree import COMPOSITE
from survey.figures.charts import ChartKind
from survey.figures.charts.interval_charts import HIGHER, LOWER, UNCLEAR
from survey.figures.charts.marks import HIDDEN_ROLE
from survey.figures.figure_table import SCORE, format_figure_id
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
    gap_table,
    score_rows,
)
from survey.figures.views.city_peers import (
    PeerReference,
    build_peer_line,
    find_reference,
    list_clear_gaps,
)
from survey.figures.views.drivers import Priority, list_city_priorities
from survey.figures.views.estimate_text import (
    ALONE,
    NO_INTERVAL,
    Estimate,
    EstimateDifference,
    decide_case,
    difference_of,
    estimate_at,
    format_interval,
    signed_ends,
    unsigned_difference,
)
from survey.figures.views.interval_table import SIGNS
from survey.figures.views.measures import TOPICS, topic_charts
from survey.figures.views.national_estimate import find_last_changes
from survey.figures.views.ranking import describe_rank
from survey.figures.views.small_areas import read_grades
from survey.figures.views.table_slice import TableSlice
from survey.figures.views.view_context import ViewContext
from survey.frame.quotas import ELDERLY, EVERYONE, GUARDIAN, RURAL
from survey.locale import Message, NotFoundError, msg
from survey.locale.figures import format_count, format_signed
from survey.results import WaveResults
from survey.results.wave_rules import declared_items

PROFILE_VARIABLES = (
    "gender",
    "age_band",
    "elderly",
    "guardian",
    "residence",
    "income",
    "education",
)


def build_city_indicators(
    context: ViewContext,
    *,
    city: str,
    against: str,
    peers: tuple[str, ...] = (),
    detail: bool = False,
) -> ChartPanel:
    """Build a city's chart of indicators and the reference `against`, with `detail` to level 3."""
    t = context.t
    codes = [COMPOSITE, *context.level_codes(*((1, 2, 3) if detail else (1, 2)))]
    cells = context.cells(area_level="city", area=city, indicator=None).in_order("indicator", codes)
    other = find_reference(context, city, against, peers, codes)
    gaps = other.gaps
    others = dict(zip(other.cells.texts("indicator"), other.cells.numbers("estimate"), strict=True))
    codes_drawn = cells.texts("indicator")
    labels = [context.names.numbered(code) for code in codes_drawn]
    name, reference = context.names.area(city), other.name
    rows = score_rows(cells, labels, t, key="indicator")
    rows["reference"] = np.array([others.get(code, np.nan) for code in codes_drawn])
    verdict_by_code = dict(zip(gaps.texts("indicator"), classify_differences(gaps), strict=True))
    rows["role"] = [
        role if role == HIDDEN_ROLE else verdict_by_code.get(code, role)
        for role, code in zip(rows["role"], codes_drawn, strict=True)
    ]
    title = t("{city} beside {yardstick}, indicator by indicator", city=name, yardstick=reference)
    return ChartPanel(
        key="city-tree",
        kind=ChartKind.DUMBBELL,
        title=title,
        subtitle=subtitle(context, score_title(t), cells.max_value("n")),
        alt=t(
            "{title}. {count} indicators. The same data follow as a table.",
            title=title,
            count=len(codes_drawn),
        ),
        text=label_intervals(t, score_title(t), t("Indicator"), (name, reference)),
        chart_rows=rows,
        table_columns=_build_indicator_table(context, cells, rows, other, name),
        note=other.note,
    )


def _build_indicator_table(
    context: ViewContext, cells: TableSlice, rows: Rows, other: PeerReference, city: str
) -> Rows:
    t = context.t
    if len(other.gaps):
        ordered = other.gaps.in_order("indicator", cells.texts("indicator"))
        names = [context.names.numbered(code) for code in ordered.texts("indicator")]
        return gap_table(ordered, names, t, name=t("Indicator"), this=city, other=other.name)
    return {
        t("Indicator"): rows["label"],
        city: cells.numbers("estimate"),
        t("95% from"): cells.numbers("ci_low"),
        t("95% to"): cells.numbers("ci_high"),
        other.name: rows["reference"],
        "n": counts(cells.numbers("n")),
    }


def build_city_groups(context: ViewContext, *, city: str) -> ChartPanel:
    """Build the chart of scores of respondent groups in a city, with a line at everyone's score."""
    t = context.t
    cells = context.cells(area_level="city", area=city, group=None)
    headline = estimate_at(cells.where("group", EVERYONE))
    name = context.names.area(city)
    order = [
        key
        for variable in (*PROFILE_VARIABLES, *declared_items(context.results.method.grouping))
        for key in context.results.method.groups
        if key.partition("=")[0] == variable
    ]
    groups = cells.in_order("group", order)
    indicator = context.names.indicator(COMPOSITE)
    heading = ChartHeading(
        "city-groups",
        t("{indicator} of groups in {city}", indicator=indicator, city=name),
        t("Group"),
        t("Dashed line: all respondents of {city}. Groups overlap.", city=name),
    )
    return score_chart(
        context,
        heading,
        context.name_rows(groups, "group"),
        n=headline.n,
        reference=None if headline.estimate is None else (name, headline.estimate),
    )


def build_city_measures(context: ViewContext, *, city: str, topic: str) -> tuple[ChartPanel, ...]:
    """Build charts of the rates and of the ratings on a topic, for a city and the nation."""
    t, name = context.t, context.names.area(city)
    everyone = context.cells(area_level="city", area=city, indicator=None)
    nation = context.cells(area_level="nation", area=NATION, indicator=None)
    others = {name: everyone, t("Nation"): nation}
    words = {"city": name, "topic": t(TOPICS[topic]) if topic in TOPICS else topic}
    return topic_charts(
        context,
        topic,
        others,
        keys=("city-reports", "city-ratings"),
        titles=(
            t("{topic}: what people in {city} report", **words),
            t("{topic}: how people in {city} rate it", **words),
        ),
        counted=(everyone,),
    )


MAX_STRENGTHS = 3
_FOLLOWED_GROUPS = (ELDERLY, GUARDIAN, RURAL)


@dataclass(frozen=True)
class GroupGap:
    """Special group's difference from everybody else in a city, in words, with reliability."""

    name: str
    sign: str
    text: str


@dataclass(frozen=True, eq=False)
class CityView:
    """First screen of a city; `headline` may be hidden, then all that follows is empty."""

    name: str
    location: str
    """Province, region and class, and from how many interviews the score is."""
    headline: Estimate
    sentences: tuple[str, ...] = ()
    """Place, change since last time, and difference from the nation."""
    difference: EstimateDifference | None = None
    peers: ChartPanel | None = None
    """The city among those it is compared with; None where the reader may see none of them."""
    strengths: tuple[EstimateDifference, ...] = ()
    priorities: tuple[Priority, ...] = ()
    no_priorities: str = ""
    """Why there are no priorities; empty where there are some."""
    both: tuple[str, ...] = ()
    """Names of the priorities that are strengths against the nation."""
    groups: tuple[GroupGap, ...] = ()
    figure_id: str = ""
    """Id under which releases hold the headline."""


def city_choices(context: ViewContext) -> dict[str, str]:
    """Return (code -> searchable name) of the cities that the reader may open, sorted by code."""
    return {code: context.names.searchable_city(code) for code in context.list_areas("city")}


def build_city_profile(
    context: ViewContext,
    *,
    city: str,
    against: str = "nation",
    peers: tuple[str, ...] = (),
    others: Sequence[WaveResults] = (),
    is_earlier_unread: bool = False,
) -> CityView:
    """Build a city's first screen, compared with `against` (such as peers) and waves `others`.

    Args:
        peers: cities that the city has chosen to be compared with.

    Raises:
        AccessDeniedError: the city is outside the reader's area and the wave is not released.
        NotFoundError: the wave has no such city.
    """
    t, main = context.t, COMPOSITE
    if city not in context.list_areas("city"):
        context.principal.require(Action.READ_RESULTS, city)
        raise NotFoundError("unknown_city", msg("This wave has no city {code}.", code=city))
    headline = estimate_at(context.cells(area_level="city", area=city))
    if not headline.available:
        return CityView(context.names.area(city), _locate_city(context, city, headline), headline)
    overall = difference_of(
        context.names.indicator(main),
        context.gaps("nation", area_level="city", area=city, indicator=main),
    )
    changes = find_last_changes(
        context, others, level="city", area=city, is_earlier_unread=is_earlier_unread
    )
    strengths = [pair for pair in list_clear_gaps(context, city) if pair[1].is_higher]
    priorities, no_priorities = list_city_priorities(context, city)
    return CityView(
        name=context.names.area(city),
        location=_locate_city(context, city, headline),
        headline=headline,
        sentences=(
            describe_rank(context, city, main),
            changes.sentence(main, t),
            compare_with_nation(context, overall),
        ),
        difference=overall,
        peers=build_peer_line(context, city, against, peers),
        strengths=tuple(difference for _, difference in strengths[:MAX_STRENGTHS]),
        priorities=priorities,
        no_priorities=no_priorities,
        both=tuple(
            priority.name
            for priority in priorities
            if priority.code in [code for code, _ in strengths]
        ),
        groups=_list_group_gaps(context, city),
        figure_id=format_figure_id(
            wave=context.results.wave.key,
            area_level="city",
            area=city,
            indicator=main,
            measure=SCORE,
        ),
    )


def _locate_city(context: ViewContext, code: str, headline: Estimate) -> str:
    city, t = context.cities.get(code), context.t
    areas = (
        (city.province_code, city.region3, city.city_class, city.size_tier.value) if city else ()
    )
    parts = [*map(context.names.area, areas)]
    if context.results.tree is not None:
        score = context.names.indicator(COMPOSITE)
        if headline.n is not None:
            score = t("{indicator}, {n} valid interviews", indicator=score, n=f"{headline.n:,d}")
        parts.append(score)
    return " · ".join(parts)


def compare_with_nation(context: ViewContext, difference: EstimateDifference) -> str:
    """Return in a sentence whether a city's score lies above or below the nation's."""
    t = context.t
    figure, case = difference.figure, difference.case
    if case == HIDDEN_ROLE:
        return t("A comparison with the nation is not available.")
    if case == NO_INTERVAL:
        return t("No detectable difference from the nation; no interval can be given.")
    if case == ALONE:
        interval = format_interval(figure.low, figure.high, t)
        if figure.interval_side > 0:
            return t(
                "Taken alone, this city looks higher than the nation ({interval}); judged together "
                "with all other cities that is not enough to be sure.",
                interval=interval,
            )
        return t(
            "Taken alone, this city looks lower than the nation ({interval}); judged together "
            "with all other cities that is not enough to be sure.",
            interval=interval,
        )
    if case == UNCLEAR:
        return t(
            "No detectable difference from the nation (95%\u00a0interval of the difference {low} "
            "to {high}).",
            **signed_ends(figure),
        )
    words = unsigned_difference(figure)
    if difference.is_higher:
        return t("{size} points above the nation (95%\u00a0interval {low} to {high}).", **words)
    return t("{size} points below the nation (95%\u00a0interval {low} to {high}).", **words)


_GROUP_WORDS: Mapping[str, Message] = {
    HIGHER: msg("{difference} ({interval})"),
    LOWER: msg("{difference} ({interval})"),
    UNCLEAR: msg("{difference} ({interval}), not told apart"),
    ALONE: msg("{difference} ({interval}), not sure together with the others"),
}


def _list_group_gaps(context: ViewContext, city: str) -> tuple[GroupGap, ...]:
    """Return special groups' differences from the rest of a city, with reliability grades."""
    groups = [group for group in _FOLLOWED_GROUPS if group in context.results.method.groups]
    gaps = context.gaps("rest", area_level="city", area=city, group=groups)
    grades = read_grades(context, city, groups)
    roles = dict(zip(gaps.texts("group"), classify_differences(gaps), strict=True))
    return tuple(
        _build_group_gap(
            context,
            group,
            gaps.where("group", group),
            roles.get(group, HIDDEN_ROLE),
            grades.get(group),
        )
        for group in groups
    )


def _build_group_gap(
    context: ViewContext, group: str, gaps: TableSlice, role: str, grade: str | None
) -> GroupGap:
    t, name = context.t, context.names.group(group)
    figure = estimate_at(gaps, value="difference")
    if role not in _GROUP_WORDS or figure.estimate is None:
        return GroupGap(name, "", t("too few answers to tell"))
    words = t(
        _GROUP_WORDS[decide_case(figure, role)].msgid,
        difference=format_signed(figure.estimate),
        interval=format_interval(figure.low, figure.high, t),
    )
    n = format_count(figure.n)
    if grade:
        words = t("{words} · grade {grade}", words=words, grade=grade)
    return GroupGap(name, SIGNS[role], t("{words} · n = {n}", words=words, n=n))
