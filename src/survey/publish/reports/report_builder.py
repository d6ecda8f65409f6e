"""Whole reports of a city, a province and the nation, made once for every format."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

from survey.access.principal import Principal
from survey.access.roles import NATION, Action
from survey.locale import RefusedError, msg
from survey.publish.outside_evidence import OutsideEvidence
from survey.publish.problems.cited_evidence import CitedFigure
from survey.publish.problems.problem_records import ProblemRecord
from survey.publish.reports.area_sections import build_areas, build_cities
from survey.publish.reports.comparison_sections import build_leaders, build_strengths, build_tree
from survey.publish.reports.contents import Imprint, Report, ReportKind, Section
from survey.publish.reports.improvement_sections import (
    build_priorities,
    build_problems,
    describe_priorities,
)
from survey.publish.reports.method_section import build_method, build_reading
from survey.publish.reports.outside_sections import build_outside
from survey.publish.reports.people_sections import build_complaints, build_groups
from survey.publish.reports.result_sections import (
    build_change,
    build_headline,
    build_place,
    build_years,
    describe_change,
    describe_difference,
    describe_headline,
    describe_place,
)
from survey.publish.reports.scope import ReportScope
from survey.publish.reports.sentences import SentenceRules
from survey.publish.views.display_names import is_nationwide
from survey.publish.views.estimate_text import WITHHELD
from survey.publish.views.view_context import ViewContext
from survey.results import WaveInfo, WaveResults
from survey.results.domains import SHIPPED_SERIES
from survey.store.china_time import china_date, format_day
from survey.store.tables import WaveState

SECTIONS = (
    build_headline,
    build_place,
    build_years,
    build_change,
    build_areas,
    build_cities,
    build_tree,
    build_strengths,
    build_groups,
    build_complaints,
    build_outside,
    build_leaders,
    build_priorities,
    build_problems,
)
"""Sections in the order of a report; each builder returns None where it has nothing to say."""
SECTION_KEYS = (
    "headline", "place", "years", "change", "areas", "cities", "tree", "strengths", "groups",
    "complaints", "outside", "leaders", "priorities", "problems", "method", "reading",
)  # fmt: skip
"""Keys of all sections, as templates name them."""
WORDS = ("findings", "contact", "date", "snapshot", "figures", "page", "organisation")
"""Headings and labels outside the sections, as templates name them."""


NO_REPORTS = msg("This wave has no composite score, and reports are about one. See its tables.")


def build_report(
    results: WaveResults,
    *,
    principal: Principal,
    kind: ReportKind,
    area: str,
    language: str,
    rules: SentenceRules,
    organisation: str = "",
    contact: str = "",
    others: Sequence[WaveResults] = (),
    peers: tuple[str, ...] = (),
    problems: tuple[ProblemRecord, ...] = (),
    cited: Mapping[str, CitedFigure] = MappingProxyType({}),
    read_outside: Callable[[], OutsideEvidence | None] = lambda: None,
    begin_section: Callable[[Section], None] = lambda _section: None,
) -> Report:
    """Build the contents of a report; `others` are the further waves of the same series.

    `peers` are the cities that a city has chosen to be compared with, `problems` its lists of
    problems from all waves, `cited` what these cite from beside the score, `read_outside` returns
    all that stands there. All change after a release, so that a report that has to be the same
    whenever it is made again takes none of them.

    Args:
        begin_section: called with each section once it is there, before the next one is built.

    Raises:
        AccessDeniedError: the role reads no results, or the area lies outside the reader's.
        RefusedError: the wave has no such area, or its score is not shown.
    """
    wave = results.wave
    earlier = [each for each in others if (each.wave.year, each.wave.key) < (wave.year, wave.key)]
    scope = ReportScope(
        kind=kind,
        area=area,
        reading=ViewContext(results, principal, language),
        earlier=sorted(earlier, key=lambda each: (each.wave.year, each.wave.key), reverse=True),
        rules=rules.for_cities(wave.cities),
        peers=peers,
        problems=problems,
        cited=cited,
        read_outside=read_outside,
    )
    _require_score(scope)
    imprint = _build_imprint(scope, organisation, contact)
    sections: list[Section] = []
    for build in (*SECTIONS, partial(build_method, imprint=imprint), build_reading):
        section = build(scope)
        if section is not None:
            begin_section(section)
            sections.append(section)
    return Report(
        kind=kind,
        code=area,
        area=scope.name,
        language=scope.language,
        title=scope.say("title", _choose_title_case(kind, wave), area=scope.name),
        subtitle=scope.say("title", "subtitle", wave=imprint.wave),
        imprint=imprint,
        words={name: scope.say("word", name) for name in WORDS},
        findings=_list_findings(scope),
        sections=tuple(sections),
    )


def _choose_title_case(kind: ReportKind, wave: WaveInfo) -> str:
    """Return the title of a report; that on some cities together is named by them, as a city's."""
    if kind is ReportKind.NATION and not is_nationwide(wave.cities):
        kind = ReportKind.CITY
    return kind.value if wave.series in SHIPPED_SERIES else f"own_{kind.value}"


def _require_score(scope: ReportScope) -> None:
    """Raise unless the reader may see the score of the area."""
    principal = scope.reading.principal
    principal.require(Action.READ_RESULTS)
    if scope.reading.results.tree is None:
        raise RefusedError("report_impossible", NO_REPORTS)
    cells = scope.reading.cells(area_level=scope.level, area=scope.area, indicator=scope.main)
    if not len(cells):
        if scope.area != NATION:
            principal.require(Action.READ_RESULTS, scope.area)
        raise RefusedError(
            "report_impossible",
            msg("This wave has no results of the area {area}.", area=scope.area),
        )
    if not scope.figure.available:
        raise RefusedError(
            "report_impossible",
            msg("There is no report on {area}. {reason}", area=scope.name, reason=WITHHELD),
        )


def _build_imprint(scope: ReportScope, organisation: str, contact: str) -> Imprint:
    wave, manifest = scope.reading.wave, scope.reading.results.manifest
    marks = {
        "demo": wave.is_demo,
        "provisional": not wave.final,
        "unreleased": wave.state is not WaveState.RELEASED,
    }
    return Imprint(
        organisation=organisation or scope.reading.t("(organisation not stated)"),
        contact=contact or scope.reading.t("(contact not stated)"),
        wave=wave.label(scope.language),
        made_at=manifest.frozen_at,
        date=format_day(scope.reading.t, china_date(manifest.frozen_at)),
        snapshot=wave.snapshot_sha256,
        figures=wave.seal_sha256,
        marks=tuple(scope.say("mark", mark) for mark, holds in marks.items() if holds),
    )


def _list_findings(scope: ReportScope) -> tuple[str, ...]:
    """Return the key findings, a sentence each."""
    lines = [
        describe_headline(scope),
        describe_place(scope),
        describe_change(scope),
        describe_difference(scope),
    ]
    if scope.above:
        lines.append(
            scope.say("strengths", "above", list=scope.list_differences(scope.above, "above"))
        )
    if scope.below:
        lines.append(
            scope.say("strengths", "below", list=scope.list_differences(scope.below, "below"))
        )
    if scope.kind is not ReportKind.PROVINCE and scope.drivers.priorities:
        lines.append(describe_priorities(scope))
    return tuple(line for line in lines if line)
