"""Report of an experience check: how it was made, what was found, how far observers agree.

It draws on what the reader sees on the page, behind the gate; below ten venues it says so in words.
"""

from collections.abc import Sequence
from uuid import UUID

from survey.access.work import Work
from survey.experience_checks.reading import ExperienceCheckDetail, get_experience_check
from survey.figures.views.check_figures import ALL_TYPES, CheckFigures, build_check_figures
from survey.figures.views.display_names import DisplayNames
from survey.figures.views.experience_check import (
    ExperienceCheckView,
    Table,
    build_experience_check_view,
    describe_hearing,
    name_area,
)
from survey.locale import Translator, label_text, translator
from survey.reports.contents import Block, BulletList, Column, Paragraph, ReportSection, ReportTable
from survey.reports.plain_report import PlainContents, build_plain_report, write_plain_report
from survey.reports.report_service import ReportFile, ReportFormat
from survey.store.audit_events import AuditEvent
from survey.store.china_time import format_day


def make_check_report(
    work: Work, *, wave_id: UUID, form: ReportFormat, language: str
) -> ReportFile:
    """Make and record the report of an experience check that the principal may read.

    Raises:
        AccessDeniedError, NotFoundError: the principal may not read it.
    """
    check = get_experience_check(work, wave_id=wave_id)
    figures = build_check_figures(check)
    view, t = build_experience_check_view(check, figures, language), translator(language)
    summary = check.summary
    contents = PlainContents(
        title=view.title,
        subtitle=t("Report of an experience check"),
        about=view.title,
        marks={"demo": summary.is_demo, "unreleased": summary.released_at is None},
        sections=(
            ReportSection("answer", t("In short"), tuple(map(Paragraph, view.sentences))),
            _build_how(check, view, t, language),
            _build_scores(view, t),
            _build_findings(figures, view, language),
            _build_agreement(view, t),
            _build_notes(view, t),
        ),
    )
    report = build_plain_report(work.settings, language, contents, now=work.now)
    file = write_plain_report(report, f"{summary.key}-{language}", form)
    detail = {"form": form, "language": language, "sha256": file.sha256}
    work.record(AuditEvent.EXPORT_REPORT, summary.key, detail)
    return file


def _build_how(
    check: ExperienceCheckDetail, view: ExperienceCheckView, t: Translator, language: str
) -> ReportSection:
    """Return how the check was made: scenario, days, observers, checklist, draw of venues."""
    summary = check.summary
    facts = [
        (t("Scenario"), check.scenario),
        (t("Checklist"), label_text(check.instrument.title, language)),
        (t("Observers of a venue"), str(check.observers)),
        (t("First day"), format_day(t, summary.opens_on) if summary.opens_on else "–"),
        (t("Last day"), format_day(t, summary.closes_on) if summary.closes_on else "–"),
        (t("Run in"), DisplayNames(language, None).area(summary.area)),
        (t("Hearing of venues"), describe_hearing(check, t)),
    ]
    columns = (Column(t("What"), 2), Column(t("In this check"), 7))
    blocks: list[Block] = [ReportTable(t("How the check was made"), columns, tuple(facts))]
    if view.draw:
        blocks.append(Paragraph(view.draw, quiet=True))
    return ReportSection("how", t("How the check was made"), tuple(blocks))


def _build_scores(view: ExperienceCheckView, t: Translator) -> ReportSection | None:
    if not view.scores[1]:
        return None
    table = _table_of(t("Scores by area and type of venue"), view.scores, (3, 3, 1, 2, 1), 2)
    return ReportSection("scores", t("Scores"), (table,))


def _build_findings(
    figures: CheckFigures, view: ExperienceCheckView, language: str
) -> ReportSection | None:
    """Return what was found of each item, in all venues and in each area that may be shown."""
    t = translator(language)
    tables = tuple(
        _table_of(
            name_area(area, language), table, (4.4, 1.6, 2.6, 2.6, *[1.2] * (len(table[0]) - 4)), 1
        )
        for area, table in view.findings.items()
        if figures.scores.get((area, ALL_TYPES)) is not None
    )
    return ReportSection("findings", t("What was found"), tables) if tables else None


def _build_agreement(view: ExperienceCheckView, t: Translator) -> ReportSection:
    said: tuple[Block, ...] = tuple(map(Paragraph, view.agreement_sentences))
    table = _table_of(t("Agreement of observers"), view.agreement, (4, 1, 1.2, 2.4, 2.4), 1)
    return ReportSection("agreement", t("Agreement of observers"), (*said, table))


def _build_notes(view: ExperienceCheckView, t: Translator) -> ReportSection:
    return ReportSection("notes", t("How to read this"), (BulletList(view.notes),))


def _table_of(title: str, table: Table, shares: Sequence[float], first_number: int) -> ReportTable:
    """Return a table of a view; columns from `first_number` on hold numbers."""
    heads, rows = table
    columns = tuple(
        Column(head, share, is_number=place >= first_number)
        for place, (head, share) in enumerate(zip(heads, shares, strict=True))
    )
    return ReportTable(title, columns, rows)
