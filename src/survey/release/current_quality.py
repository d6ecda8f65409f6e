"""Quality report of a release as it is known now; the one in its files is of the signature."""

from dataclasses import replace

from survey.access.roles import Action
from survey.access.work import Work
from survey.locale import RefusedError, msg, translator
from survey.release.publication_files import list_earlier_releases
from survey.release.quality_evidence import QualityEvidence, read_quality_evidence
from survey.release.quality_report import build_quality_report
from survey.release.reader_answers import describe_reader_answers
from survey.release.register import PUBLIC_STATES, find_publication, read_publisher
from survey.reports.plain_report import PLAIN_FORMATS, write_plain_report
from survey.reports.report_service import ReportFile, ReportFormat
from survey.results import WaveResults
from survey.results.snapshots import get_newest_snapshot
from survey.results.wave_results import open_snapshot
from survey.store.audit_events import AuditEvent
from survey.store.tables import Publication, Snapshot, Wave


def make_quality_report(work: Work, *, key: str, form: ReportFormat, language: str) -> ReportFile:
    """Make and record the quality report of a release as it is known now.

    Raises:
        PublicationNotFoundError: there is no such release.
        RefusedError: the format is neither Word nor PDF.
    """
    work.require(Action.RELEASE)
    publication, wave = find_publication(work, key=key)
    if form not in PLAIN_FORMATS:
        raise RefusedError("report_impossible", msg("The quality report is a Word or PDF file."))
    report = build_quality_report(
        work.settings,
        _open_results(work, publication, wave),
        _read_evidence(work, publication, wave, language),
        read_publisher(work.session, publication),
        language,
    )
    file = write_plain_report(report, f"{key}-quality-{language}", form)
    detail = {"form": form, "language": language, "sha256": file.sha256, "release": key}
    work.record(AuditEvent.EXPORT_REPORT, wave.key, detail)
    return file


def _open_results(work: Work, publication: Publication, wave: Wave) -> WaveResults:
    found = (
        (wave, work.session.get_one(Snapshot, publication.snapshot_id))
        if publication.snapshot_id is not None
        else get_newest_snapshot(work.session, wave.key)
    )
    results = open_snapshot(work.settings, work.session, *found)
    return results.as_released(publication.shown, publication.first_places)


def _read_evidence(
    work: Work, publication: Publication, wave: Wave, language: str
) -> QualityEvidence:
    earlier = list_earlier_releases(work.settings, work.session, wave)
    known = read_quality_evidence(work.session, publication, earlier, work.now)
    return replace(
        known,
        published_at=publication.published_at,
        is_released=publication.state in PUBLIC_STATES,
        readers=describe_reader_answers(work, wave=wave.key, t=translator(language)),
    )
