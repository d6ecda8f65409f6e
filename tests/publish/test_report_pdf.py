"""Reports as PDF: the text and the marks of the contents, embedded typefaces, the same bytes."""

import re

import pytest

from survey.access.roles import NATION
from survey.locale import translator
from survey.reports.contents import Report, ReportKind, ReportTable
from survey.reports.pdf_file import write_pdf
from survey.results import WaveResults
from tests.pdf_reading import read_pages, render, run_poppler, squeeze
from tests.publish.test_report_contents import AREAS, SUZHOU, report

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


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("kind", "area"), AREAS)
def test_a_screen_reader_is_told_the_structure(
    frozen: Frozen, kind: ReportKind, area: str, language: str
) -> None:
    made = report(frozen, kind, area, language)
    content = write_pdf(made)
    for claim in (b"pdfuaid:part>1<", b"pdfaid:part>2<", b"pdfaid:conformance>A<"):
        assert claim in content
    # Headings in Chinese are written in UTF-16.
    structure = render("pdfinfo", content, "-struct").decode(errors="replace")
    levels = [int(level) for level in re.findall(r"^ *H(\d) ", structure, re.MULTILINE)]
    parts = made.list_parts()
    assert levels.count(1) == len(parts)  # the title stands for the first part
    assert levels.count(2) == sum(len(sections) for _, sections in parts)
    assert levels[0] == 1
    assert max(levels) == 2
    blocks = [block for _, sections in parts for each in sections for block in each.blocks]
    tables = [block for block in blocks if isinstance(block, ReportTable)]
    assert len(re.findall(r"^ *Table ", structure, re.MULTILINE)) == len(tables)
    assert len(re.findall(r"^ *THead$", structure, re.MULTILINE)) == len(tables)


INTERNAL = {
    "zh": ("数值编号", "种子", "快照", "SHA", "设计效应", "deff"),
    "en": ("Ids of the figures", "seed", "Snapshot", "SHA", "Design effect", "deff"),
}


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("kind", "area"), AREAS)
def test_a_letter_of_two_pages_a_body_of_six_and_an_annex(
    frozen: Frozen, kind: ReportKind, area: str, language: str
) -> None:
    made = report(frozen, kind, area, language)
    pages = run_poppler("pdftotext", write_pdf(made)).split("\f")[:-1]
    starts = [0]
    for part in ("text", "annex"):
        title = made.words[part]
        starts.append(next(n for n, page in enumerate(pages) if title in page.splitlines()))
    letter, body = pages[: starts[1]], pages[starts[1] : starts[2]]
    assert 1 <= len(letter) <= 2
    assert 1 <= len(body) <= 6
    annex = "".join(pages[starts[2] :])
    for word in INTERNAL[language]:
        assert word not in "".join([*letter, *body])
    assert made.imprint.snapshot in squeeze(annex)
    for id_or_head in INTERNAL[language][0], INTERNAL[language][4]:
        assert squeeze(id_or_head) in squeeze(annex)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("kind", "area"), AREAS)
def test_text_of_charts_is_read_in_print(
    frozen: Frozen, kind: ReportKind, area: str, language: str
) -> None:
    made = report(frozen, kind, area, language)
    for number, page in enumerate(read_pages(write_pdf(made)), 1):
        assert not [text.text for text in page if text.size < 8], number


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_method_is_one_file_to_which_the_letter_points(frozen: Frozen, language: str) -> None:
    text = squeeze(
        run_poppler("pdftotext", write_pdf(report(frozen, ReportKind.METHOD, NATION, language)))
    )
    t = translator(language)
    for head in ("Fieldwork", "Weights", "Margins of error", "What is not shown"):
        assert squeeze(t(head)) in text
    told = report(frozen, language=language).find_section("reading")
    assert told is not None
    assert any(f"main-2024-method-CN-{language}.pdf" in block.text for block in told.blocks)


def test_nothing_is_said_to_be_missing_where_nobody_is_named(frozen: Frozen) -> None:
    made = report(frozen)
    assert not made.imprint.organisation
    text = run_poppler("pdftotext", write_pdf(made))
    assert "未填写" not in text
    assert made.words["organisation"] not in text
    assert made.words["contact"] not in text


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
