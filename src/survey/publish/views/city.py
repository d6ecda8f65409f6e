"""View of one city: the answer, its peers, strengths, priorities and special groups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from survey.access.principal import Principal
from survey.access.roles import Action
from survey.estimate.tree import COMPOSITE
from survey.locale import Message, NotFoundError, msg
from survey.locale.figures import format_count, format_signed
from survey.publish.charts.interval_charts import HIGHER, LOWER, UNCLEAR
from survey.publish.charts.marks import HIDDEN
from survey.publish.figure_table import SCORE, format_figure_id
from survey.publish.views.chart_panels import ChartPanel
from survey.publish.views.chart_rows import classify_differences
from survey.publish.views.city_peers import build_peer_line
from survey.publish.views.drivers import Priority, list_city_priorities
from survey.publish.views.estimate_text import (
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
from survey.publish.views.last_change import SIGNS, find_last_changes
from survey.publish.views.ranking import describe_rank
from survey.publish.views.table_slice import TableSlice
from survey.publish.views.view_context import ViewContext
from survey.results import WaveResults
from survey.results.small_areas import Grade
from survey.sample.special_groups import ELDERLY, GUARDIAN, RURAL

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
