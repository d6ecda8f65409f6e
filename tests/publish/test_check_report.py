"""The report of an experience check: the words of the page behind the gate, for its readers."""

import io
from datetime import datetime, timedelta
from pathlib import Path

import docx
import pytest

from survey.access.principal import Principal
from survey.access.roles import Role
from survey.experience_checks.plan import close_experience_check
from survey.experience_checks.release import sign_experience_check
from survey.experience_checks.replies import send_to_venues
from survey.locale import NotFoundError
from survey.reports.check_report import make_check_report
from survey.reports.report_service import ReportFormat
from survey.settings import Settings
from survey.store.china_time import china_date
from survey.store.transactions import run_in_transaction
from tests.context.experience_checks.small_check import START, RunningCheck, employ, start
from tests.pdf_reading import run_poppler, squeeze
from tests.work_of import work_of

HEARD = (
    "1 venues were told what was noted. 0 replied; of {lapsed} the deadline passed "
    "without a reply; {waiting} can still reply."
)


def make(
    check: RunningCheck,
    person: Principal,
    form: ReportFormat = ReportFormat.DOCX,
    now: datetime = START,
) -> bytes:
    settings = Settings(data_dir=check.folder.parent, report_organisation="Suzhou association")
    content: bytes = run_in_transaction(
        check.url,
        lambda session: (
            make_check_report(
                work_of(session, person, now, settings=settings),
                wave_id=check.id,
                form=form,
                language="en",
            ).content
        ),
    )
    return content


def words_of(content: bytes) -> str:
    document = docx.Document(io.BytesIO(content))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    heads = [each.text for each in document.sections[0].header.paragraphs]
    return "\n".join([*heads, *(each.text for each in document.paragraphs), *cells])


def test_a_report_says_how_the_check_was_made_and_below_ten_venues_no_figure(
    sqlite_url: str, tmp_path: Path
) -> None:
    check = start(sqlite_url, tmp_path / "photos", per_type=1)
    row = check.read().venues[0]
    venue = next(each for each in check.venues() if each.code == row.code)
    check.approve(*(check.visit(who, venue.id).response_id for who in row.observers))
    analyst = employ(check.url, Role.ANALYST, "CN", "yu")
    with pytest.raises(NotFoundError):
        make(check, analyst)
    words = words_of(make(check, check.official))
    assert "Not released" in words, "whoever runs it reads it before, and it says so"
    assert "at least 10 venues with approved visits are needed" in words
    assert "Buy something for about 20 yuan" in words
    assert "Jiangsu" in words
    assert venue.name not in words
    assert "Venues are sent what was noted once a visit is approved." in words
    check.do(send_to_venues, due_on=china_date(START) + timedelta(5))
    check.do(close_experience_check)
    check.do(sign_experience_check, now=START + timedelta(6))
    words = words_of(make(check, analyst))
    assert "Not released" not in words
    # One of the three venues was visited and told; nobody replied by the deadline.
    assert HEARD.format(lapsed=0, waiting=1) in words
    late = words_of(make(check, analyst, now=START + timedelta(6)))
    assert HEARD.format(lapsed=1, waiting=0) in late
    pdf = run_poppler("pdftotext", make(check, analyst, ReportFormat.PDF))
    assert squeeze("Restaurants and markets") in squeeze(pdf)
    assert squeeze("Suzhou association") in squeeze(pdf)
