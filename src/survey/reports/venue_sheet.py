"""Findings sheet of a venue: what was noted, photos, what to mend, and until when to reply.

It is for the venue alone, so only those who run the check make one, and each leaves an entry in the
trail. It names no observer.
"""

from dataclasses import replace
from uuid import UUID

from survey.access.work import Work
from survey.collection.photos.photo_storage import read_visit_photo
from survey.compute.photo_cleaning import shrink_photo
from survey.experience_checks.plan import CHECKS
from survey.experience_checks.venue_findings import (
    VenueFindings,
    get_venue_findings,
    list_venue_findings,
)
from survey.figures.office_zip import write_zip
from survey.figures.views.experience_check import name_area, name_type
from survey.figures.views.venue_findings import build_venue_findings_view, name_visit
from survey.locale import Translator, label_text, msg, translator
from survey.reports.contents import (
    Block,
    BulletList,
    Column,
    Paragraph,
    Report,
    ReportPhoto,
    ReportSection,
    ReportTable,
)
from survey.reports.plain_report import PlainContents, build_plain_report, write_plain_report
from survey.reports.report_batch import ARCHIVE_MEDIA_TYPE
from survey.reports.report_service import ReportFile, ReportFormat
from survey.store.audit_events import AuditEvent
from survey.store.china_time import format_day

PHOTO_SIDE_PIXELS = 640
"""Longest side of a photo on a sheet: enough to see a price, and small enough to be sent on."""
MAX_PHOTOS, MAX_SHEETS = 12, 100


def make_venue_sheet(
    work: Work, *, wave_id: UUID, venue: str, form: ReportFormat, language: str
) -> ReportFile:
    """Make and record the findings sheet of the venue with code `venue`, in Word or as PDF.

    Raises:
        AccessDeniedError, NotFoundError: the principal does not run the check.
        RefusedError: there is no such venue, or no visit of it was approved yet.
    """
    findings = get_venue_findings(work, wave_id=wave_id, venue=venue)
    if not findings.approved:
        raise CHECKS.refuse(msg("No visit of this venue has been approved yet."))
    return _make_sheet(work, findings, form, language)


def make_venue_sheets(
    work: Work, *, wave_id: UUID, form: ReportFormat, language: str
) -> ReportFile:
    """Make and record the sheets of all venues with an approved visit, as one ZIP archive.

    Raises: as `make_venue_sheet`; also for more than `MAX_SHEETS` venues.
    """
    found = [each for each in list_venue_findings(work, wave_id=wave_id) if each.approved]
    if not found:
        raise CHECKS.refuse(msg("No visit has been approved."))
    if len(found) > MAX_SHEETS:
        raise CHECKS.refuse(
            msg(
                "An archive has the sheets of at most {most} venues. Please take the sheets one "
                "by one.",
                most=MAX_SHEETS,
            )
        )
    files = [_make_sheet(work, each, form, language) for each in found]
    return ReportFile(
        f"{found[0].check.summary.key}-{language}.zip",
        ARCHIVE_MEDIA_TYPE,
        write_zip({file.name: file.content for file in files}),
    )


def _make_sheet(
    work: Work, findings: VenueFindings, form: ReportFormat, language: str
) -> ReportFile:
    check, venue = findings.check.summary, findings.venue
    # A visit that waits for its last approval can still be sent back.
    report = _build_sheet(work, replace(findings, visits=findings.approved), language)
    file = write_plain_report(report, f"{check.key}-{venue.code}-{language}", form)
    work.record(
        AuditEvent.VENUE_CHECK_SHEET_MADE,
        check.id,
        {
            "key": check.key,
            "code": venue.code,
            "form": form,
            "language": language,
            "sha256": file.sha256,
        },
    )
    return file


def _build_sheet(work: Work, findings: VenueFindings, language: str) -> Report:
    t, check, venue = translator(language), findings.check.summary, findings.venue
    kind, city = name_type(venue.venue_type, language), name_area(venue.city, language)
    contents = PlainContents(
        title=t("Findings of an experience check"),
        subtitle=f"{venue.name} · {kind} · {city}",
        about=label_text(check.title, language, check.key),
        marks={"demo": check.is_demo, "unreleased": check.released_at is None},
        sections=(
            *_build_findings(findings, language),
            _build_reply(findings, t),
            _build_photos(work, findings, language),
        ),
    )
    return build_plain_report(work.settings, language, contents, now=work.now)


def _build_findings(findings: VenueFindings, language: str) -> list[ReportSection]:
    """Return what was noted, remarks, and what has to be mended, a section each."""
    t, view = translator(language), build_venue_findings_view(findings, language)
    visits = findings.approved
    days = t(", ").join(dict.fromkeys(format_day(t, visit.visited_on) for visit in visits))
    how = t(
        "Observers visited this venue as any consumer would, without saying who they were, on "
        "{days}. What follows is what they noted, each without knowing what another did.",
        days=days,
    )
    heads, rows = view.table
    columns = (Column(heads[0], 4), *(Column(head, 1.6) for head in heads[1:]))
    table = ReportTable(t("What was noted, item by item"), columns, rows, " ".join(view.notes))
    mend: Block = (
        BulletList(view.to_mend)
        if view.to_mend
        else Paragraph(t("Nothing was noted that has to be mended."))
    )
    sections = [
        ReportSection("noted", t("What was noted"), (Paragraph(how), table)),
        ReportSection("mend", t("What has to be mended"), (mend,)),
    ]
    if view.remarks:
        told = (
            BulletList(view.remarks),
            Paragraph(t("Names and numbers that tell who somebody is are masked."), quiet=True),
        )
        sections.insert(1, ReportSection("remarks", t("Remarks"), told))
    return sections


def _build_reply(findings: VenueFindings, t: Translator) -> ReportSection:
    reply = findings.venue.reply
    until = (
        t("Please reply by {day}.", day=format_day(t, reply.due_on))
        if reply
        else t("The last day of a reply is told when this sheet is handed over.")
    )
    ways = t(
        "You may agree, object, add a remark, or ask for a revisit. Your reply stands beside what "
        "was noted, and nothing is released before it is there or its day is over."
    )
    return ReportSection("reply", t("Your reply"), (Paragraph(until), Paragraph(ways)))


def _build_photos(work: Work, findings: VenueFindings, language: str) -> ReportSection | None:
    t, photos = translator(language), []
    for visit, item, photo_id in list(findings.iter_photos())[:MAX_PHOTOS]:
        stored = read_visit_photo(work, folder=work.settings.photo_dir, photo_id=photo_id)
        small = shrink_photo(stored.content, PHOTO_SIDE_PIXELS)
        title = f"{label_text(item.label, language, item.name)} · {name_visit(visit, t)}"
        photos.append(ReportPhoto(small.content, small.width, small.height, title))
    return ReportSection("photos", t("Photos"), tuple(photos)) if photos else None
