"""Editions of reports: large print loses nothing and fits, the easy page says what is published."""

import io
import re
import zipfile
from dataclasses import replace

import pytest

from survey.access.principal import OPERATOR
from survey.access.roles import NATION
from survey.figures.views.view_context import ViewContext
from survey.reports.contents import (
    BulletList,
    Paragraph,
    Report,
    ReportChart,
    ReportEdition,
    ReportKind,
    ReportTable,
)
from survey.reports.docx_file import PLAIN_TEMPLATE, write_docx
from survey.reports.easy_page import build_easy_page
from survey.reports.large_print import enlarge_report
from survey.reports.pdf_file import write_pdf
from survey.reports.report_service import ReportFormat, ReportOrder
from survey.reports.rule_check import read_rules
from survey.reports.scope import ReportScope
from survey.results import WaveResults
from tests.error_codes import raises_code
from tests.pdf_reading import read_pages, render, run_poppler, squeeze
from tests.publish.test_report_contents import (
    AREAS,
    FIXED,
    SUZHOU,
    numbers_in,
    numbers_of_tables,
    report,
)

Frozen = dict[str, WaveResults]
_RIGHT_MARGIN_POINTS = 68
_HANGING_POINTS = 9
"""How far a Chinese full stop of 18 points may hang over the end of a line."""


def easy_page(frozen: Frozen, language: str = "zh", area: str = SUZHOU) -> Report:
    context = ViewContext(frozen["main-2024"], OPERATOR, language)
    scope = ReportScope(ReportKind.CITY, area, context, [frozen["main-2023"]], read_rules())
    return build_easy_page(scope)


def without_charts(made: Report) -> Report:
    """Return a report of text and tables alone: letters inside a chart have sizes of their own."""
    return replace(
        made,
        sections=tuple(
            replace(each, blocks=tuple(b for b in each.blocks if not isinstance(b, ReportChart)))
            for each in made.sections
        ),
    )


@pytest.mark.parametrize(("kind", "area"), AREAS)
def test_large_print_holds_every_sentence_and_every_cell(
    frozen: Frozen, kind: ReportKind, area: str
) -> None:
    usual = report(frozen, kind, area)
    large = enlarge_report(usual)
    assert set(usual.sentences()) <= set(large.sentences())
    for before, after in zip(usual.tables(), large.tables(), strict=True):
        said = squeeze("".join(text for row in after.rows for text in row))
        heads = squeeze("".join(column.head for column in after.columns)) + said
        assert len(before.rows) == len(after.rows)
        assert (before.title, before.note, before.ids) == (after.title, after.note, after.ids)
        for texts in ([column.head for column in before.columns], *before.rows):
            assert all(squeeze(text) in heads for text in texts)
    charts = [b for each in large.sections for b in each.blocks if isinstance(b, ReportChart)]
    assert all(chart.panel.alt in set(large.sentences()) for chart in charts)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_large_print_has_large_letters_in_one_column_that_fits(
    frozen: Frozen, language: str
) -> None:
    content = write_pdf(without_charts(enlarge_report(report(frozen, language=language))))
    assert {text.size for page in read_pages(content) for text in page} >= {16, 18}
    assert not [text for page in read_pages(content) for text in page if text.size < 16]
    boxes = run_poppler("pdftotext", content, "-bbox")
    width = float(re.findall(r'<page width="([\d.]+)"', boxes)[0])
    ends = map(float, re.findall(r'xMax="([\d.]+)"', boxes))
    assert max(ends) <= width - _RIGHT_MARGIN_POINTS + _HANGING_POINTS


def test_a_screen_reader_is_told_the_structure_of_large_print(frozen: Frozen) -> None:
    made = enlarge_report(report(frozen))
    content = write_pdf(made)
    for claim in (b"pdfuaid:part>1<", b"pdfaid:part>2<", b"pdfaid:conformance>A<"):
        assert claim in content
    structure = render("pdfinfo", content, "-struct").decode(errors="replace")
    levels = [int(level) for level in re.findall(r"^ *H(\d) ", structure, re.MULTILINE)]
    assert levels[0] == 1
    assert levels.count(2) == len(made.sections)
    tables = [b for each in made.sections for b in each.blocks if isinstance(b, ReportTable)]
    assert len(re.findall(r"^ *Table ", structure, re.MULTILINE)) == len(tables)
    assert len(re.findall(r"^ *THead$", structure, re.MULTILINE)) == len(tables)


def test_word_has_the_same_letters(frozen: Frozen) -> None:
    easy, large = easy_page(frozen), enlarge_report(report(frozen))
    for content in (write_docx(without_charts(large)), write_docx(easy, PLAIN_TEMPLATE)):
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            for name in file.namelist():
                if re.fullmatch(r"word/(styles|document|header\d*|footer\d*)\.xml", name):
                    sizes = re.findall(r'<w:sz w:val="(\d+)"', file.read(name).decode())
                    assert all(int(size) >= 32 for size in sizes), name


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_figure_of_the_easy_page_stands_in_the_report(frozen: Frozen, language: str) -> None:
    usual, easy = report(frozen, language=language), easy_page(frozen, language)
    known = numbers_of_tables(usual) | FIXED
    said = [*easy.sentences(), easy.score, easy.interval]
    assert not {text: odd for text in said if (odd := numbers_in(text) - known)}
    assert easy.score == usual.score
    low, high = re.findall(r"\d+\.\d", easy.interval)
    result = easy.find_section("easy_result")
    assert result is not None
    assert any(low in b.text and high in b.text for b in result.blocks if isinstance(b, Paragraph))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_easy_page_is_short_and_marked_and_large(frozen: Frozen, language: str) -> None:
    made = easy_page(frozen, language)
    keys = ["asked", "result", "compared", "parts", "meaning", "ask"]
    assert [section.key for section in made.sections] == [f"easy_{key}" for key in keys]
    assert not [b for each in made.sections for b in each.blocks
                if not isinstance(b, Paragraph | BulletList)]  # fmt: skip
    content = write_pdf(made)
    pages = run_poppler("pdftotext", content).split("\f")[:-1]
    assert len(pages) <= 3
    assert all(squeeze(made.imprint.marks[0]) in squeeze(page) for page in pages)
    assert not [text for page in read_pages(content) for text in page if text.size < 16]
    assert b"pdfuaid:part>1<" in content
    structure = render("pdfinfo", content, "-struct").decode(errors="replace")
    assert len(re.findall(r"^ *H2 ", structure, re.MULTILINE)) == len(keys)


def test_no_edition_is_made_of_what_it_is_not_offered_for() -> None:
    orders = [
        ReportOrder(ReportKind.CITY, SUZHOU, ReportFormat.PPTX, "zh", ReportEdition.LARGE),
        ReportOrder(ReportKind.METHOD, NATION, ReportFormat.PDF, "zh", ReportEdition.LARGE),
        ReportOrder(ReportKind.PROVINCE, "32", ReportFormat.PDF, "zh", ReportEdition.EASY),
    ]
    for order in orders:
        with raises_code("report_impossible"):
            order.require_offered()
    easy = ReportOrder(ReportKind.CITY, SUZHOU, ReportFormat.PDF, "zh", ReportEdition.EASY)
    easy.require_offered()
    assert easy.name_file("main-2024") == f"main-2024-city-{SUZHOU}-zh-easy.pdf"
