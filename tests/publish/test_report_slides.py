"""Reports as slides: ten of them, in the words of the report, marked, the same bytes each time."""

import io
from pathlib import Path

import pytest
from pptx import Presentation

from survey.access.roles import NATION
from survey.reports.contents import Report, ReportKind, ReportTable
from survey.reports.slides import MAX_SLIDES, write_slides
from survey.results import WaveResults
from tests.publish.test_report_contents import AREAS, SUZHOU, report
from tests.publish.test_report_docx import convert_to_pdf

Frozen = dict[str, WaveResults]


def texts_of(slide) -> list[str]:  # type: ignore[no-untyped-def]
    texts = [shape.text_frame.text for shape in slide.shapes if shape.has_text_frame]
    for shape in slide.shapes:
        if shape.has_table:
            texts += [cell.text for row in shape.table.rows for cell in row.cells]
    return texts


@pytest.fixture(scope="module")
def made(frozen: Frozen) -> Report:
    return report(frozen)


@pytest.fixture(scope="module")
def written(made: Report) -> bytes:
    return write_slides(made)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("kind", "area"), [(ReportKind.CITY, SUZHOU), (ReportKind.NATION, NATION)])
def test_ten_slides_each_marked_and_numbered(
    frozen: Frozen, kind: ReportKind, area: str, language: str
) -> None:
    made = report(frozen, kind, area, language)
    slides = list(Presentation(io.BytesIO(write_slides(made))).slides)
    assert len(slides) == MAX_SLIDES
    for number, slide in enumerate(slides, 1):
        texts = texts_of(slide)
        assert made.imprint.marks[0] in texts
        assert f"{number} / {MAX_SLIDES}" in texts


def test_slides_say_nothing_that_the_report_does_not(made: Report, written: bytes) -> None:
    known = set(made.sentences()) | {
        cell.replace("\n", "  ") for table in made.tables() for row in table.rows for cell in row
    }
    known |= {column.head for table in made.tables() for column in table.columns}
    for slide in list(Presentation(io.BytesIO(written)).slides)[1:]:
        for shape in slide.shapes:
            if shape.has_table:
                cells = {cell.text for row in shape.table.rows for cell in row.cells}
                assert cells <= known


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("kind", "area"), AREAS)
def test_tables_are_short_and_the_last_slide_asks_for_decisions(
    frozen: Frozen, kind: ReportKind, area: str, language: str
) -> None:
    made = report(frozen, kind, area, language)
    slides = list(Presentation(io.BytesIO(write_slides(made))).slides)
    for slide in slides:
        tables = [shape.table for shape in slide.shapes if shape.has_table]
        assert all(len(table.rows) <= 7 + 1 for table in tables), "seven, and the head"
        assert len(tables) <= 1
    asked = texts_of(slides[-1])
    assert {"zh": "请您决定", "en": "For you to decide"}[language] in asked
    actions = made.find_section("actions")
    assert actions is not None
    (table,) = (block for block in actions.blocks if isinstance(block, ReportTable))
    assert 1 <= len(table.rows) <= 3
    assert {cell for row in table.rows for cell in row} <= set(asked)


def test_the_same_report_gives_the_same_bytes(frozen: Frozen, written: bytes) -> None:
    assert write_slides(report(frozen)) == written


def test_libreoffice_opens_the_slides(written: bytes, tmp_path: Path) -> None:
    assert convert_to_pdf(written, "report.pptx", tmp_path).startswith(b"%PDF")
