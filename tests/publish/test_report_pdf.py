"""Reports as PDF: the text and the marks of the contents, embedded typefaces, the same bytes."""

import pytest

from survey.reports.contents import Report, ReportKind
from survey.reports.pdf_file import write_pdf
from survey.results import WaveResults
from tests.pdf_reading import run_poppler, squeeze
from tests.publish.test_report_contents import SUZHOU, report

Frozen = dict[str, WaveResults]


@pytest.fixture(scope="module")
def made(frozen: Frozen) -> Report:
    return report(frozen)


@pytest.fixture(scope="module")
def written(made: Report) -> bytes:
    return write_pdf(made)


def test_every_finding_is_in_the_text(made: Report, written: bytes) -> None:
    text = squeeze(run_poppler("pdftotext", written))
    for finding in made.findings:
        assert squeeze(finding) in text


def test_every_page_has_marks_wave_and_number(made: Report, written: bytes) -> None:
    pages = run_poppler("pdftotext", written).split("\f")[:-1]
    assert len(pages) >= 8
    for number, page in enumerate(pages, 1):
        assert squeeze(made.imprint.marks[0]) in squeeze(page)
        assert f"{number}/{len(pages)}" in squeeze(page)
        assert squeeze(made.imprint.date) in squeeze(page)


def test_typefaces_are_embedded(written: bytes) -> None:
    lines = run_poppler("pdffonts", written).splitlines()[2:]
    assert lines
    assert all(line.split()[-5] == "yes" for line in lines), lines


def test_the_same_report_gives_the_same_bytes(frozen: Frozen, written: bytes) -> None:
    assert write_pdf(report(frozen)) == written


def test_a_title_is_no_code(frozen: Frozen) -> None:
    """Words of a report reach the template as data, never as markup."""
    made = report(frozen, ReportKind.CITY, SUZHOU, "en")
    object.__setattr__(made, "title", '#panic("x") $ [ ] * _')
    assert squeeze('#panic("x")') in squeeze(run_poppler("pdftotext", write_pdf(made))).replace(
        "“", '"'
    ).replace("”", '"')
