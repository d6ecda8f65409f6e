"""Whole reports of a city, a province and the nation with their method, for every format."""

from collections.abc import Callable
from dataclasses import replace

from survey.access.roles import NATION, Action
from survey.figures.views.display_names import is_nationwide
from survey.figures.views.estimate_text import WITHHELD, margin_of_error_caveat
from survey.figures.views.method import MethodView, build_method_view
from survey.figures.views.view_context import Facts
from survey.locale import RefusedError, Translator, msg
from survey.locale.figures import format_count, format_score
from survey.reports.comparison_sections import build_leaders, build_strengths, build_tree
from survey.reports.contents import (
    BulletList,
    Column,
    Imprint,
    Paragraph,
    Report,
    ReportKind,
    ReportPart,
    ReportSection,
    ReportTable,
    name_report_file,
)
from survey.reports.improvement_sections import build_actions, build_priorities, build_problems
from survey.reports.method_sections import build_errors, build_question_quality
from survey.reports.people_sections import (
    build_areas,
    build_cities,
    build_complaints,
    build_groups,
    build_outside,
    build_standouts,
)
from survey.reports.pictures import set_text
from survey.reports.result_sections import (
    build_change,
    build_compared,
    build_headline,
    build_place,
    build_years,
)
from survey.reports.scope import ReportScope
from survey.results import WaveResults
from survey.results.domains import MAIN_SERIES, SHIPPED_SERIES
from survey.store.china_time import china_date, format_day
from survey.store.tables import WaveState

_READING_RULES = 8
_STRATEGY = "strategy"
_DISCLOSURES = (
    _STRATEGY, "sponsor", "instrument", "population", "recruitment", "modes", "dates", "precision",
    "weighting", "processing", "limits",
)  # fmt: skip


def build_method(scope: ReportScope, imprint: Imprint) -> ReportSection | None:
    """Build the annex's section on method: what is disclosed, with who publishes and the date."""
    caveat = set_text(margin_of_error_caveat(scope.figure, scope.context.t), scope.language)
    disclosures = _build_disclosures(scope, _view_method(scope), imprint)
    return scope.section("method", [Paragraph(caveat), disclosures])


def _view_method(scope: ReportScope) -> MethodView:
    results = scope.context.results
    return build_method_view(
        wave=results.wave,
        manifest=results.manifest,
        method=results.method,
        tree=results.tree,
        language=scope.language,
    )


def _build_method_facts(scope: ReportScope) -> ReportSection | None:
    """Build the section with all that was recorded on weights, errors …, a table each."""
    t, view = scope.context.t, _view_method(scope)
    tables = (
        (t("Where the figures come from"), view.snapshot),
        (t("Fieldwork"), view.fieldwork),
        (t("Weights"), view.weights),
        (t("Margins of error"), view.errors),
        (t("What is not shown"), view.disclosure),
        (t("Places of the cities"), view.ranks),
        (t("Change between waves"), view.change),
        (t("Special groups by city"), view.small_areas),
        (t("What drives satisfaction"), view.drivers),
    )
    return scope.section(
        "facts", [_build_facts_table(scope, title, facts) for title, facts in tables if facts]
    )


def _build_facts_table(scope: ReportScope, title: str, facts: Facts) -> ReportTable:
    t = scope.context.t
    columns = (Column(t("Choice"), 3), Column(t("In this wave"), 7))
    rows = tuple((name, cut_hash(value)) for name, value in facts)
    return ReportTable(title, columns, rows)


def cut_hash(value: str) -> str:
    """Return a SHA-256 in groups of sixteen digits, so that it can wrap; other texts unchanged."""
    if len(value) == 64 and " " not in value:
        return " ".join(value[start : start + 16] for start in range(0, 64, 16))
    return value


def _build_disclosures(scope: ReportScope, view: MethodView, imprint: Imprint) -> ReportTable:
    t, results = scope.context.t, scope.context.results
    manifest, method = results.manifest, results.method
    words = {
        "organisation": imprint.organisation,
        "contact": imprint.contact,
        "instrument": f"{manifest.instrument} {manifest.instrument_version}",
        "cities": str(manifest.cities),
        "date": imprint.date,
        "year": str(manifest.year),
        "n": format_count(manifest.rows),
        "own": format_count(scope.figure.n),
        "area": scope.name,
        "interval": scope.interval(scope.figure),
        "deff": format_score(method.weighting.kish_deff),
        "effective": dict(view.weights).get(t("Effective number of interviews"), ""),
        "minimum": str(method.minimum_n),
        "modes": dict(view.fieldwork)[t("Modes of the interviews")],
        "margin": dict(view.weights).get(t("Raked to"), ""),
    }
    unsaid = {"sponsor"} if not imprint.organisation else set()
    if scope.kind is ReportKind.METHOD:  # that of each area is in its report
        unsaid.add("precision")
    keys = [key for key in _DISCLOSURES if key not in unsaid]
    rows = tuple(
        (
            str(number),
            scope.say("disclosure", f"{key}_name"),
            scope.say("disclosure", _choose_disclosure_case(key, results, imprint), **words),
        )
        for number, key in enumerate(keys, 1)
    )
    columns = (
        Column(t("No."), 0.8, is_number=True),
        Column(t("Disclosure"), 2.6),
        Column(t("In this wave"), 7),
    )
    return ReportTable(t("Disclosures (AAPOR Transparency Initiative)"), columns, rows)


def _choose_disclosure_case(key: str, results: WaveResults, imprint: Imprint) -> str:
    """Return the sentence rule by which the method section states the disclosure `key`."""
    method, series = results.method, results.wave.series
    is_own = series not in SHIPPED_SERIES
    if key == "limits" and not imprint.contact:
        return "limits_alone"
    if key == "weighting":
        if method.weighting.way == "given":
            return "weighting_given"
        return key if method.weighting.margin else "weighting_totals"
    if key == "population" and series != MAIN_SERIES:
        return "population_own" if is_own else f"population_{series}"
    if key == "recruitment" and is_own:
        return "recruitment_own" if method.assumed_deff is None else "recruitment_no_points"
    return f"{key}_own" if key == _STRATEGY and is_own else key


def build_reading(scope: ReportScope) -> ReportSection | None:
    """Build the end of the letter: what an interval says, and what stands where."""
    wave, language = scope.context.wave.key, scope.language
    file = name_report_file(wave, ReportKind.METHOD, NATION, language, "pdf")
    lines = (scope.say("reading", "2"), scope.say("reading", "parts", file=file))
    return scope.section("reading", [Paragraph(line, quiet=True) for line in lines])


def _build_guide(scope: ReportScope) -> ReportSection | None:
    """Build the section of the method file on how to read reports, a rule a line."""
    lines = tuple(scope.say("reading", str(number + 1)) for number in range(_READING_RULES))
    return scope.section("guide", [BulletList(lines)])


SECTIONS = (
    build_headline,
    build_compared,
    build_standouts,
    build_actions,
    build_reading,
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
"""Sections of letter and body in order; each builder returns None where it has nothing to say."""
SECTION_KEYS = (
    "headline", "compared", "standouts", "actions", "reading", "place", "years", "change", "areas",
    "cities", "tree", "strengths", "groups", "complaints", "outside", "leaders", "priorities",
    "problems", "tables", "method",
)  # fmt: skip
"""Keys of all sections, as templates name them."""
WORDS = (
    "findings", "contact", "date", "snapshot", "figures", "page", "organisation", "text", "annex",
    "decide",
)  # fmt: skip
"""Headings and labels outside the sections, as templates name them."""


NO_REPORTS = msg("This wave has no composite score, and reports are about one. See its tables.")


def build_report(
    scope: ReportScope, begin_section: Callable[[ReportSection], None] = lambda _section: None
) -> Report:
    """Build the whole report of an area; `begin_section` is called with each section once built.

    Args:
        begin_section: called with each section once it is there, before the next one is built.

    Raises:
        AccessDeniedError: the role reads no results, or the area lies outside the reader's.
        RefusedError: the wave has no such area, or its score is not shown.
    """
    report = begin_report(scope)
    imprint = report.imprint
    sections: list[ReportSection] = []
    details: list[ReportTable] = []
    for build in _METHOD_SECTIONS if scope.kind is ReportKind.METHOD else SECTIONS:
        section = build(scope)
        if section is None:
            continue
        section, annexed = _move_details(section, scope.context.t)
        details += annexed
        if section.blocks:
            begin_section(section)
            sections.append(section)
    annex = (scope.section("tables", details), build_method(scope, imprint))
    sections += filter(None, annex)
    return replace(
        report,
        findings=tuple(
            block.text
            for section in sections
            if section.part is ReportPart.LETTER
            for block in section.blocks
            if isinstance(block, Paragraph) and not block.quiet
        ),
        sections=tuple(sections),
    )


def begin_report(scope: ReportScope) -> Report:
    """Return the report of an area without its sections: title, imprint, score and words.

    Raises:
        AccessDeniedError: the role reads no results, or the area lies outside the reader's.
        RefusedError: the wave has no such area, or its score is not shown.
    """
    _require_score(scope)
    imprint = _build_imprint(scope)
    return Report(
        area=scope.name,
        language=scope.language,
        title=scope.say("title", _choose_title_case(scope), area=scope.name),
        subtitle=scope.say("title", "subtitle", wave=imprint.wave),
        imprint=imprint,
        score=_write_answer(scope, "score"),
        interval=_write_answer(scope, "range"),
        words={name: scope.say("word", name) for name in WORDS},
        findings=(),
        sections=(),
    )


def _write_answer(scope: ReportScope, case: str) -> str:
    """Return the `score` or its `range` in a few words; empty where there is none."""
    figure = scope.figure
    has_range = figure.low is not None and figure.high is not None
    if scope.kind is ReportKind.METHOD or (case == "range" and not has_range):
        return ""
    names = {"score": figure.estimate, "low": figure.low, "high": figure.high}
    words = {name: format_score(number) for name, number in names.items() if number is not None}
    return scope.say("headline", case, **words)


_METHOD_SECTIONS = (_build_guide, build_question_quality, build_errors, _build_method_facts)


def _move_details(section: ReportSection, t: Translator) -> tuple[ReportSection, list[ReportTable]]:
    """Return a section as it stands in letter or body, and the whole tables for the annex."""
    tables = [block for block in section.blocks if isinstance(block, ReportTable)]
    kept = tuple(
        block.without_details(t) if isinstance(block, ReportTable) else block
        for block in section.blocks
        if not (isinstance(block, ReportTable) and block.is_annexed)
    )
    return replace(section, blocks=kept), [table for table in tables if table.has_details]


def _choose_title_case(scope: ReportScope) -> str:
    """Return the case of the title rule; a wave of few cities is titled as a city is."""
    kind, wave = scope.kind, scope.context.wave
    if kind is ReportKind.NATION and not is_nationwide(wave.cities):
        kind = ReportKind.CITY
    return kind.value if wave.series in SHIPPED_SERIES else f"own_{kind.value}"


def _require_score(scope: ReportScope) -> None:
    """Raise unless the wave has the area and the reader may see its score."""
    principal = scope.context.principal
    principal.require(Action.READ_RESULTS)
    if scope.context.results.tree is None:
        raise RefusedError("report_impossible", NO_REPORTS)
    if scope.kind is ReportKind.METHOD:
        return
    cells = scope.context.cells(area_level=scope.level, area=scope.area, indicator=scope.main)
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


def _build_imprint(scope: ReportScope) -> Imprint:
    wave, manifest = scope.context.wave, scope.context.results.manifest
    marks = {
        "demo": wave.is_demo,
        "provisional": not wave.final,
        "unreleased": wave.state is not WaveState.RELEASED,
    }
    return Imprint(
        organisation=scope.publisher.organisation,
        contact=scope.publisher.contact,
        logo=scope.publisher.logo,
        wave=wave.label(scope.language),
        made_at=manifest.frozen_at,
        date=format_day(scope.context.t, china_date(manifest.frozen_at)),
        snapshot=wave.snapshot_sha256,
        figures=wave.seal_sha256,
        marks=tuple(scope.say("mark", mark) for mark, holds in marks.items() if holds),
    )
