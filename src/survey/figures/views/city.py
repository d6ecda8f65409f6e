"""View of one city: the answer, its peers, strengths, priorities, groups, and its tabs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from survey.access.principal import Principal
from survey.access.roles import NATION, Action
from survey.estimate.tree import COMPOSITE
from survey.figures.charts import ChartKind, ChartLabels
from survey.figures.charts.interval_charts import HIGHER, LOWER, UNCLEAR
from survey.figures.charts.marks import HIDDEN
from survey.figures.figure_table import SCORE, format_figure_id
from survey.figures.views.chart_panels import (
    ChartHeading,
    ChartPanel,
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
from survey.figures.views.city_peers import build_peer_line, find_reference
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
from survey.figures.views.measures import TOPICS, topic_charts
from survey.figures.views.national_estimate import SIGNS, find_last_changes
from survey.figures.views.ranking import describe_rank
from survey.figures.views.table_slice import TableSlice
from survey.figures.views.view_context import ViewContext
from survey.frame.quotas import ELDERLY, EVERYONE, GUARDIAN, RURAL
from survey.locale import Message, NotFoundError, msg
from survey.locale.figures import format_count, format_signed
from survey.results import WaveResults
from survey.results.small_areas import Grade
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
    *,
    results: WaveResults,
    principal: Principal,
    language: str,
    city: str,
    against: str,
    peers: tuple[str, ...] = (),
    detail: bool = False,
) -> ChartPanel:
    """Build the chart of a city beside its reference, two or three levels of indicators."""
    reading = ViewContext(results, principal, language)
    t = reading.t
    codes = [COMPOSITE, *reading.level_codes(*((1, 2, 3) if detail else (1, 2)))]
    cells = reading.cells(area_level="city", area=city, indicator=None).in_order("indicator", codes)
    other = find_reference(reading, city, against, peers, codes)
    gaps = other.gaps
    others = dict(zip(other.cells.texts("indicator"), other.cells.numbers("estimate"), strict=True))
    codes_drawn = cells.texts("indicator")
    labels = [reading.names.numbered(code) for code in codes_drawn]
    name, reference = reading.names.area(city), other.name
    rows = score_rows(cells, labels, t, key="indicator")
    rows["reference"] = np.array([others.get(code, np.nan) for code in codes_drawn])
    verdict_by_code = dict(zip(gaps.texts("indicator"), classify_differences(gaps), strict=True))
    rows["role"] = [
        role if role == HIDDEN else verdict_by_code.get(code, role)
        for role, code in zip(rows["role"], codes_drawn, strict=True)
    ]
    title = t("{city} beside {yardstick}, indicator by indicator", city=name, yardstick=reference)
    return ChartPanel(
        key="city-tree",
        kind=ChartKind.DUMBBELL,
        title=title,
        subtitle=subtitle(reading, score_title(t), cells.max_value("n")),
        alt=t(
            "{title}. {count} indicators. The same data follow as a table.",
            title=title,
            count=len(codes_drawn),
        ),
        text=ChartLabels(
            value=score_title(t),
            name=t("Indicator"),
            interval=t("95%\u00a0interval"),
            n="n",
            series=(name, reference),
        ),
        chart_rows=rows,
        table_columns=_build_indicator_table(reading, cells, rows, gaps, labels, name, reference),
        note=other.note,
    )


def _build_indicator_table(
    reading: ViewContext,
    cells: TableSlice,
    rows: Rows,
    gaps: TableSlice,
    labels: list[str],
    city: str,
    reference: str,
) -> Rows:
    t = reading.t
    if len(gaps):
        ordered = gaps.in_order("indicator", cells.texts("indicator"))
        names = [reading.names.numbered(code) for code in ordered.texts("indicator")]
        return gap_table(ordered, names, t, name=t("Indicator"), this=city, other=reference)
    return {
        t("Indicator"): labels,
        city: cells.numbers("estimate"),
        t("95% from"): cells.numbers("ci_low"),
        t("95% to"): cells.numbers("ci_high"),
        reference: rows["reference"],
        "n": counts(cells.numbers("n")),
    }


def build_city_groups(
    *, results: WaveResults, principal: Principal, language: str, city: str
) -> ChartPanel:
    """Build the chart of the groups of a city, beside all its respondents."""
    reading = ViewContext(results, principal, language)
    t = reading.t
    cells = reading.cells(area_level="city", area=city, group=None)
    headline = estimate_at(cells.where("group", EVERYONE))
    name = reading.names.area(city)
    order = [
        key
        for variable in (*PROFILE_VARIABLES, *declared_items(results.method.grouping))
        for key in results.method.groups
        if key.partition("=")[0] == variable
    ]
    groups = cells.in_order("group", order)
    indicator = reading.names.indicator(COMPOSITE)
    heading = ChartHeading(
        "city-groups",
        t("{indicator} of groups in {city}", indicator=indicator, city=name),
        t("Group"),
        t("Dashed line: all respondents of {city}. Groups overlap.", city=name),
    )
    return score_chart(
        reading,
        heading,
        groups,
        [reading.names.group(key) for key in groups.texts("group")],
        key="group",
        n=headline.n,
        reference=None if headline.estimate is None else (name, headline.estimate),
    )


def build_city_measures(
    *, results: WaveResults, principal: Principal, language: str, city: str, topic: str
) -> tuple[ChartPanel, ...]:
    """Build charts of what people report on a topic and how they rate it, beside the nation."""
    reading = ViewContext(results, principal, language)
    t, name = reading.t, reading.names.area(city)
    everyone = reading.cells(area_level="city", area=city, indicator=None)
    nation = reading.cells(area_level="nation", area=NATION, indicator=None)
    others = {name: everyone, t("Nation"): nation}
    words = {"city": name, "topic": t(TOPICS[topic]) if topic in TOPICS else topic}
    return topic_charts(
        reading,
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
    """Special group of a city against the rest of it: sign, difference in words and grade."""

    name: str
    sign: str
    text: str


@dataclass(frozen=True, eq=False)
class CityView:
    """First screen of a city; without a score that may be shown there is nothing to say of it."""

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


def city_choices(*, results: WaveResults, principal: Principal, language: str) -> dict[str, str]:
    """Return code and name of the cities that the reader may open, in the frame's order."""
    reading = ViewContext(results, principal, language)
    return {code: reading.names.searchable_city(code) for code in reading.list_areas("city")}


def build_city_profile(
    *,
    results: WaveResults,
    principal: Principal,
    language: str,
    city: str,
    against: str = "nation",
    peers: tuple[str, ...] = (),
    others: Sequence[WaveResults] = (),
    is_earlier_unread: bool = False,
) -> CityView:
    """Build the first screen of a city; `others` are the further waves of the same series.

    Args:
        peers: cities that the city has chosen to be compared with.

    Raises:
        AccessDeniedError: the city is outside the reader's area and the wave is not released.
        NotFoundError: the wave has no such city.
    """
    reading = ViewContext(results, principal, language)
    t, main = reading.t, COMPOSITE
    if city not in reading.list_areas("city"):
        principal.require(Action.READ_RESULTS, city)
        raise NotFoundError("unknown_city", msg("This wave has no city {code}.", code=city))
    headline = estimate_at(reading.cells(area_level="city", area=city))
    if not headline.available:
        return CityView(reading.names.area(city), _locate_city(reading, city, headline), headline)
    gaps = reading.gaps(
        "nation", area_level="city", area=city, indicator=[main, *reading.lowest_codes]
    )
    overall = difference_of(reading.names.indicator(main), gaps.where("indicator", main))
    changes = find_last_changes(
        reading, others, level="city", area=city, is_earlier_unread=is_earlier_unread
    )
    strengths = _list_strengths(reading, gaps.in_order("indicator", reading.lowest_codes))
    priorities, no_priorities = list_city_priorities(reading, city)
    return CityView(
        name=reading.names.area(city),
        location=_locate_city(reading, city, headline),
        headline=headline,
        sentences=(
            describe_rank(reading, city, main),
            changes.sentence(main, t),
            compare_with_nation(reading, overall),
        ),
        difference=overall,
        peers=build_peer_line(reading, city, against, peers),
        strengths=tuple(difference for _, difference in strengths[:MAX_STRENGTHS]),
        priorities=priorities,
        no_priorities=no_priorities,
        both=tuple(
            priority.name
            for priority in priorities
            if priority.code in [code for code, _ in strengths]
        ),
        groups=_list_group_gaps(reading, city),
        figure_id=format_figure_id(
            wave=results.wave.key, area_level="city", area=city, indicator=main, measure=SCORE
        ),
    )


def _locate_city(reading: ViewContext, code: str, headline: Estimate) -> str:
    city, t = reading.cities.get(code), reading.t
    areas = (
        (city.province_code, city.region3, city.city_class, city.size_tier.value) if city else ()
    )
    parts = [*map(reading.names.area, areas)]
    if reading.results.tree is not None:
        score = reading.names.indicator(COMPOSITE)
        if headline.n is not None:
            score = t("{indicator}, {n} valid interviews", indicator=score, n=f"{headline.n:,d}")
        parts.append(score)
    return " · ".join(parts)


def compare_with_nation(reading: ViewContext, difference: EstimateDifference) -> str:
    """Return whether a city's score is above or below the nation's, in a sentence."""
    t = reading.t
    figure, case = difference.figure, difference.case
    if case == HIDDEN:
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


def _list_strengths(reading: ViewContext, gaps: TableSlice) -> list[tuple[str, EstimateDifference]]:
    """Return the indicators clearly above the nation by code, the largest difference first."""
    differences = [
        (code, difference_of(reading.names.indicator(code), gaps, row))
        for row, code in enumerate(gaps.texts("indicator"))
    ]
    clear = [pair for pair in differences if pair[1].is_higher]
    return sorted(clear, key=lambda pair: -(pair[1].figure.estimate or 0.0))


_GROUP_WORDS: Mapping[str, Message] = MappingProxyType(
    {
        HIGHER: msg("{difference} ({interval})"),
        LOWER: msg("{difference} ({interval})"),
        UNCLEAR: msg("{difference} ({interval}), not told apart"),
        ALONE: msg("{difference} ({interval}), not sure together with the others"),
    }
)


def _list_group_gaps(reading: ViewContext, city: str) -> tuple[GroupGap, ...]:
    """Return a line on each special group of the wave: its gap to the rest, and its grade."""
    groups = [group for group in _FOLLOWED_GROUPS if group in reading.results.method.groups]
    gaps = reading.gaps("rest", area_level="city", area=city, group=groups)
    direct = TableSlice(
        reading.results.small_areas(reading.principal, area=city, group=groups, indicator=COMPOSITE)
    )
    grades = dict(zip(direct.texts("group"), direct.texts("grade"), strict=True))
    roles = dict(zip(gaps.texts("group"), classify_differences(gaps), strict=True))
    return tuple(
        _build_group_gap(
            reading, group, gaps.where("group", group), roles.get(group, HIDDEN), grades.get(group)
        )
        for group in groups
    )


def _build_group_gap(
    reading: ViewContext, group: str, gaps: TableSlice, role: str, grade: str | None
) -> GroupGap:
    t, name = reading.t, reading.names.group(group)
    figure = estimate_at(gaps, value="difference")
    if role not in _GROUP_WORDS or figure.estimate is None:
        return GroupGap(name, "", t("too few answers to tell"))
    words = t(
        _GROUP_WORDS[decide_case(figure, role)].msgid,
        difference=format_signed(figure.estimate),
        interval=format_interval(figure.low, figure.high, t),
    )
    n = format_count(figure.n)
    if grade in {Grade.A, Grade.B, Grade.C}:
        words = t("{words} · grade {grade}", words=words, grade=grade)
    return GroupGap(name, SIGNS[role], t("{words} · n = {n}", words=words, n=n))
