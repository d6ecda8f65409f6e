"""Reports for a reader: access, the waves they draw on, the file, and its entry in the trail."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from importlib import import_module
from types import MappingProxyType

from sqlmodel import Session, col, select

from survey.access.principal import Principal
from survey.access.roles import NATION, Action
from survey.access.work import Work
from survey.evidence_city.outside_city import OutsideEvidence, read_outside_evidence
from survey.figures.views.view_context import ViewContext
from survey.locale import RefusedError, msg
from survey.rectification.cited_evidence import CitedFigures, find_cited_figures
from survey.rectification.problem_records import ProblemRecord, list_all_problems
from survey.reports.contents import (
    Report,
    ReportEdition,
    ReportKind,
    ReportPublisher,
    name_report_file,
)
from survey.reports.easy_page import build_easy_page
from survey.reports.large_print import enlarge_report
from survey.reports.pictures import ReportPictures, report_pictures
from survey.reports.report_builder import build_report
from survey.reports.rule_check import read_rules
from survey.reports.scope import ReportScope
from survey.results import WaveResults, list_waves, open_results
from survey.results.peer_differences import list_all_peers
from survey.results.row_selection import open_known_results
from survey.settings import Settings
from survey.store.audit_events import AuditEvent
from survey.store.engine import read_scope
from survey.store.tables import Publication, PublicationLogo, Wave


class ReportFormat(StrEnum):
    """Format of a report, as its file name ends."""

    DOCX = "docx"
    PDF = "pdf"
    PPTX = "pptx"


_OFFICE = "application/vnd.openxmlformats-officedocument"
MEDIA_TYPES: Mapping[ReportFormat, str] = MappingProxyType(
    {
        ReportFormat.DOCX: f"{_OFFICE}.wordprocessingml.document",
        ReportFormat.PDF: "application/pdf",
        ReportFormat.PPTX: f"{_OFFICE}.presentationml.presentation",
    }
)


@dataclass(frozen=True)
class ReportOrder:
    """Order of one report: area, format, language and edition."""

    kind: ReportKind
    area: str
    form: ReportFormat
    language: str
    edition: ReportEdition = ReportEdition.STANDARD

    def name_file(self, wave: str) -> str:
        """Return the name of the file of this report on a wave."""
        return name_report_file(wave, self.kind, self.area, self.language, self.form, self.edition)

    def require_offered(self) -> None:
        """Raise `RefusedError` unless the edition is made of such an area and in this format."""
        if self.edition is ReportEdition.STANDARD:
            return
        if self.form is ReportFormat.PPTX or self.kind is ReportKind.METHOD:
            raise RefusedError(
                "report_impossible",
                msg("Large print and the easy-to-read page are Word or PDF files of an area."),
            )
        if self.edition is ReportEdition.EASY and self.kind is not ReportKind.CITY:
            raise RefusedError("report_impossible", msg("The easy-to-read page is of a city."))


@dataclass(frozen=True)
class ReportFile:
    """Content of one report's file, with its name and media type."""

    name: str
    media_type: str
    content: bytes

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of the content, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, eq=False)
class ReportWaves:
    """Results, peers and problem lists from which the reports of one wave are made."""

    results: WaveResults
    others: Sequence[WaveResults]
    peers: Mapping[str, tuple[str, ...]]
    """City -> the cities that it has chosen to be compared with; told to readers of its area."""
    problems: Mapping[str, tuple[ProblemRecord, ...]] = field(default_factory=dict)
    """City -> its problem lists from the waves of the series, for readers with the right."""
    has_outside: bool = False
    """Whether reports of cities take what stands beside the score, which goes on changing."""
    publisher: ReportPublisher = field(default_factory=ReportPublisher)
    """Of the wave's newest release, where the settings name none."""


def open_report_waves(settings: Settings, session: Session, wave_key: str) -> ReportWaves:
    """Open the results of a wave and of the other waves of its series, peers and problem lists."""
    results = open_known_results(settings, session, wave_key)
    others = tuple(
        open_results(settings, session, wave.key)
        for wave in list_waves(settings, session, results.wave.series)
        if wave.key != results.wave.key
    )
    problems = list_all_problems(session, results.wave.series)
    publisher = find_publisher(session, wave_key)
    peers = list_all_peers(session)
    return ReportWaves(results, others, peers, problems, has_outside=True, publisher=publisher)


def find_publisher(session: Session, wave_key: str = "") -> ReportPublisher:
    """Return who publishes the newest release, of one wave or of any; empty without a release."""
    newest = (
        select(Publication.issuer, Publication.contact, PublicationLogo.content)
        .join(Wave, col(Wave.id) == col(Publication.wave_id))
        .outerjoin(PublicationLogo, col(PublicationLogo.sha256) == col(Publication.logo_sha256))
        .order_by(col(Publication.planned_at).desc())
    )
    row = session.exec(newest.where(Wave.key == wave_key) if wave_key else newest).first()
    return (
        ReportPublisher() if row is None else ReportPublisher(row[0] or "", row[1], row[2] or b"")
    )


def make_report_file(
    settings: Settings, waves: ReportWaves, *, principal: Principal, order: ReportOrder
) -> ReportFile:
    """Make the file of one report for a reader; the caller records it with `record_reports`.

    Raises:
        AccessDeniedError: the role reads no results, or the area lies outside the reader's.
        RefusedError: the wave has no such area, its score is not shown, or the edition is not made
            of it.
    """
    order.require_offered()
    readable = principal.may(Action.READ_PROBLEMS) and principal.covers(order.area)
    problems = waves.problems.get(order.area, ()) if readable else ()
    with report_pictures(is_large=order.edition is ReportEdition.LARGE) as pictures:
        scope = ReportScope(
            order.kind,
            order.area,
            ViewContext(waves.results, principal, order.language),
            waves.others,
            read_rules(settings.report_rules),
            publisher=ReportPublisher(
                settings.report_organisation or waves.publisher.organisation,
                settings.report_contact or waves.publisher.contact,
                waves.publisher.logo,
            ),
            peers=waves.peers.get(order.area, ()) if principal.covers(order.area) else (),
            problems=problems,
            cited=_read_cited(settings, principal, problems, order),
            read_outside=partial(_read_outside, settings, waves, principal, order),
        )
        report = _build_edition(scope, order.edition, pictures)
        content = _WRITERS[order.form](report, settings, pictures)
    wave = waves.results.wave.key
    return ReportFile(order.name_file(wave), MEDIA_TYPES[order.form], content)


def _build_edition(scope: ReportScope, edition: ReportEdition, pictures: ReportPictures) -> Report:
    if edition is ReportEdition.EASY:
        return build_easy_page(scope)
    report = build_report(scope, pictures.begin)
    return enlarge_report(report) if edition is ReportEdition.LARGE else report


def order_method(language: str) -> ReportOrder:
    """Return the order of the method of a wave, which goes with its reports as one PDF."""
    return ReportOrder(ReportKind.METHOD, NATION, ReportFormat.PDF, language)


def _read_outside(
    settings: Settings, waves: ReportWaves, principal: Principal, order: ReportOrder
) -> OutsideEvidence | None:
    if not waves.has_outside or order.kind is not ReportKind.CITY:
        return None
    with read_scope(settings.store_url) as session:
        return read_outside_evidence(
            Work(session, principal, datetime.now(UTC), settings),
            city=order.area,
            wave_year=waves.results.wave.year,
        )


def _read_cited(
    settings: Settings,
    principal: Principal,
    problems: tuple[ProblemRecord, ...],
    order: ReportOrder,
) -> CitedFigures:
    if not any(each.evidence or each.reference for each in problems):
        return CitedFigures()
    with read_scope(settings.store_url) as session:
        return find_cited_figures(
            Work(session, principal, datetime.now(UTC), settings),
            city_code=order.area,
            problems=problems,
            language=order.language,
        )


def _write_docx(report: Report, settings: Settings, pictures: ReportPictures) -> bytes:
    """Return the report as Word in the settings' template; raise `RefusedError` if unusable."""
    from survey.reports.docx_file import PLAIN_TEMPLATE, write_docx

    if report.edition is ReportEdition.EASY:
        return write_docx(report, PLAIN_TEMPLATE, pictures)
    if settings.report_template is not None:
        from survey.reports.template_check import require_usable_template

        require_usable_template(settings.report_template)
    return write_docx(report, settings.report_template, pictures)


def _write_pdf(report: Report, _settings: Settings, pictures: ReportPictures) -> bytes:
    from survey.reports.pdf_file import write_pdf

    return write_pdf(report, pictures)


def _write_slides(report: Report, _settings: Settings, pictures: ReportPictures) -> bytes:
    from survey.reports.slides import write_slides

    return write_slides(report, pictures)


_WRITERS: Mapping[ReportFormat, Callable[[Report, Settings, ReportPictures], bytes]] = {
    ReportFormat.DOCX: _write_docx,
    ReportFormat.PDF: _write_pdf,
    ReportFormat.PPTX: _write_slides,
}
"""Each imports the library of its format when it is called: a command writes one of them."""


def import_writers() -> None:
    """Import the writers of all formats, so that nobody waits for it at the first report."""
    for name in ("docx_file", "template_check", "pdf_file", "slides"):
        import_module(f"survey.reports.{name}")


def record_reports(
    work: Work, *, waves: ReportWaves, files: Sequence[tuple[ReportOrder, ReportFile]]
) -> None:
    """Add an audit entry for each of the (order, file) pairs of reports that were made."""
    work.require(Action.READ_RESULTS)
    wave = waves.results.wave
    for order, file in files:
        work.record(
            AuditEvent.EXPORT_REPORT,
            wave.key,
            {
                "area": order.area,
                "form": order.form.value,
                "language": order.language,
                "edition": order.edition.value,
                "snapshot": wave.snapshot_sha256,
                "sha256": file.sha256,
            },
        )


def read_report_waves(settings: Settings, wave_key: str) -> ReportWaves:
    """Open the results for reports of a wave, in a database session of their own."""
    with read_scope(settings.store_url) as session:
        return open_report_waves(settings, session, wave_key)
