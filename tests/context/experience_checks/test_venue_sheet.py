"""The findings sheet of a venue: what it says, what it hides, and who may make one."""

import io
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import docx
import pytest
from PIL import Image
from sqlmodel import select

from survey.access.principal import AccessDeniedError, Principal
from survey.access.roles import Role
from survey.experience_checks.replies import order_revisit, send_to_venues
from survey.experience_checks.venue_findings import get_venue_findings
from survey.figures.views.venue_findings import build_venue_findings_view
from survey.locale import NotFoundError
from survey.reports.report_service import ReportFile, ReportFormat
from survey.reports.venue_sheet import PHOTO_SIDE_PIXELS, make_venue_sheet, make_venue_sheets
from survey.settings import Settings
from survey.store.audit_events import AuditEvent
from survey.store.china_time import china_date
from survey.store.engine import read_scope
from survey.store.tables import AuditEntry, SamplingPoint
from survey.store.transactions import run_in_transaction
from tests.context.experience_checks.small_check import START, SUZHOU, RunningCheck, employ, start
from tests.error_codes import raises_code
from tests.pdf_reading import run_poppler, squeeze
from tests.work_of import work_of

SETTINGS = {"report_organisation": "苏州市消费者协会"}


@pytest.fixture
def check(sqlite_url: str, tmp_path: Path) -> RunningCheck:
    return start(sqlite_url, tmp_path / "photos", per_type=1)


def make(
    check: RunningCheck,
    service: Any = make_venue_sheet,
    person: Principal | None = None,
    **given: Any,
) -> ReportFile:
    settings = Settings(data_dir=check.folder.parent, **SETTINGS)
    file: ReportFile = run_in_transaction(
        check.url,
        lambda session: service(
            work_of(session, person or check.official, START, settings=settings),
            wave_id=check.id,
            **{"form": ReportFormat.DOCX, "language": "zh", **given},
        ),
    )
    return file


def visit_first(check: RunningCheck, *answers: dict[str, Any]) -> SamplingPoint:
    """Let the observers of the first venue visit it, a row of answers each, all approved."""
    venue = check.venues()[0]
    people = next(row for row in check.read().venues if row.code == venue.code).observers
    given = answers or ({}, {})
    sent = [check.visit(who, venue.id, **own) for who, own in zip(people, given, strict=False)]
    check.approve(*(each.response_id for each in sent))
    return venue


def words_of(content: bytes) -> str:
    document = docx.Document(io.BytesIO(content))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([each.text for each in document.paragraphs] + cells)


def test_a_sheet_says_what_was_noted_what_to_mend_and_until_when(check: RunningCheck) -> None:
    venue = visit_first(
        check,
        {"receipt": 0, "staff": "na", "remark": "服务员李晓明说没有 13812345678"},
        {"clean": "na"},
    )
    check.do(send_to_venues, due_on=china_date(START) + timedelta(10))
    words = words_of(make(check, venue=venue.code).content)
    assert venue.name in words
    assert SETTINGS["report_organisation"] in words
    assert "2026年5月30日" in words  # ten days after the sheets went out
    assert "是否提供小票" in words
    # Yes and no are words; what does not apply is no fault.
    assert "\n是\n" in words
    assert "\n否\n" in words
    assert "1 / 1" not in words
    assert "不适用" in words
    assert "13812345678" not in words
    assert "李晓明" not in words
    assert not any(observer in words for observer in check.observers)
    with read_scope(check.url) as session:
        found = get_venue_findings(
            work_of(session, check.official), wave_id=check.id, venue=venue.code
        )
    assert build_venue_findings_view(found, "en").to_mend == ("Was a receipt or invoice given?",)
    with read_scope(check.url) as session:
        made = AuditEvent.VENUE_CHECK_SHEET_MADE
        (entry,) = session.exec(select(AuditEntry).where(AuditEntry.action == made)).all()
    assert (entry.detail["code"], entry.detail["form"]) == (venue.code, "docx")


def test_photos_are_small_and_say_nothing_but_the_picture(check: RunningCheck) -> None:
    venue = visit_first(check)
    content = make(check, venue=venue.code).content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        photos = [name for name in archive.namelist() if name.startswith("word/media/")]
        assert photos
        for name in photos:
            with Image.open(io.BytesIO(archive.read(name))) as photo:
                assert max(photo.size) <= PHOTO_SIDE_PIXELS
                assert not photo.getexif()
    pdf = make(check, venue=venue.code, form=ReportFormat.PDF).content
    assert squeeze(venue.name) in squeeze(run_poppler("pdftotext", pdf))
    assert run_poppler("pdfimages", pdf, "-list").count("jpeg") == 2


def test_the_last_round_decides_what_has_to_be_mended(check: RunningCheck) -> None:
    venue = visit_first(check, {"receipt": 0}, {"receipt": 0})
    check.do(order_revisit, venue=venue.code, reason="It says that it has changed.")
    again = visit_first(check, {"receipt": 1, "staff": 2})
    words = words_of(make(check, venue=again.code, language="en").content)
    mend = words[words.index("What has to be mended") : words.index("Your reply")]
    assert "receipt" not in mend
    assert "manners" in mend
    assert "Revisit of" in words


def test_a_visit_that_waits_for_its_last_approval_stands_on_no_sheet(check: RunningCheck) -> None:
    venue = check.venues()[0]
    with raises_code("experience_check_not_allowed", match="No visit of this venue"):
        make(check, venue=venue.code)
    with raises_code("experience_check_not_allowed", match="There is no venue"):
        make(check, venue="elsewhere")


def test_only_those_who_run_the_check_make_a_sheet(check: RunningCheck) -> None:
    venue = visit_first(check)
    for role, area in (
        (Role.ANALYST, "CN"),
        (Role.CITY_OFFICIAL, SUZHOU),
        (Role.ADMINISTRATOR, "CN"),
    ):
        stranger = employ(check.url, role, area, f"x-{role}")
        for service, given in ((make_venue_sheet, {"venue": venue.code}), (make_venue_sheets, {})):
            with pytest.raises((AccessDeniedError, NotFoundError)):
                make(check, service, stranger, **given)


def test_an_archive_has_the_sheet_of_every_venue_with_an_approved_visit(
    check: RunningCheck,
) -> None:
    sent: list[UUID] = []
    for row in check.read().venues[:2]:
        point = next(each for each in check.venues() if each.code == row.code)
        sent.append(check.visit(row.observers[0], point.id).response_id)
    check.approve(*sent)
    archive = make(check, make_venue_sheets)
    with zipfile.ZipFile(io.BytesIO(archive.content)) as opened:
        assert opened.namelist() == sorted(
            f"check-2026-{row.code}-zh.docx" for row in check.read().venues[:2]
        )
