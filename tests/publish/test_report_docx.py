"""Reports in Word: the same text as their contents, the same bytes each time, and LibreOffice."""

import io
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import docx
import pytest

from survey.figures.office_zip import write_zip
from survey.reports.contents import Paragraph, Report, ReportKind
from survey.reports.docx_file import PLAIN_TEMPLATE, SHIPPED_TEMPLATE, write_docx
from survey.results import WaveResults
from tests.error_codes import raises_code
from tests.publish.small_evidence import small_evidence
from tests.publish.test_report_contents import FIXED, SUZHOU, counts_of, numbers_in, report
from tools.build_report_template import build_plain_template, build_template

Frozen = dict[str, WaveResults]


@pytest.fixture(scope="module")
def made(frozen: Frozen) -> Report:
    return report(frozen)


@pytest.fixture(scope="module")
def written(made: Report) -> bytes:
    return write_docx(made)


@pytest.fixture(params=["without", "with what stands beside the score"])
def made_either_way(request: pytest.FixtureRequest, made: Report, frozen: Frozen) -> Report:
    """The report, also with complaints, an experience check and opinion of the city."""
    if request.param == "without":
        return made
    return report(frozen, outside=small_evidence(request.getfixturevalue("sqlite_url")))


def test_the_text_in_word_is_that_of_the_tables(made_either_way: Report) -> None:
    """All numbers of the paragraphs of the file stand in its tables, as printed there."""
    made = made_either_way
    document = docx.Document(io.BytesIO(write_docx(made)))
    in_tables = {
        number
        for table in document.tables
        for cell in table._cells
        for number in numbers_in(cell.text)
    }
    notes = {
        number
        for paragraph in document.paragraphs
        if paragraph.style.name == "Report Note"
        for number in numbers_in(paragraph.text)
    }
    sentences = [
        paragraph.text
        for paragraph in document.paragraphs
        if paragraph.style.name in {"Body Text", "List Bullet"}
        and paragraph.text in set(made.sentences())
    ]
    told = [
        block.text
        for section in made.sections
        for block in section.blocks
        if isinstance(block, Paragraph) and not block.quiet
    ]
    assert sentences == told
    assert len(told) >= len(made.findings) + 8
    for sentence in sentences:
        assert numbers_in(sentence) <= in_tables | notes | FIXED | counts_of(made), sentence
    rows = [[cell.text for cell in row.cells] for table in document.tables for row in table.rows]
    assert [list(row) for table in made.tables() for row in table.rows] == [
        row for row in rows if row not in heads_of(made)
    ]


def heads_of(made: Report) -> list[list[str]]:
    return [[column.head for column in table.columns] for table in made.tables()]


def test_marks_date_and_wave_stand_on_every_page(made: Report, written: bytes) -> None:
    section = docx.Document(io.BytesIO(written)).sections[0]
    assert made.imprint.marks[0] in section.header.paragraphs[0].text
    foot = section.footer.paragraphs[0]
    assert made.imprint.wave in foot.text
    assert made.imprint.date in foot.text
    assert "PAGE" in foot._p.xml


def test_the_same_report_gives_the_same_bytes(frozen: Frozen, written: bytes) -> None:
    assert write_docx(report(frozen)) == written


def test_charts_say_what_they_show(made: Report, written: bytes) -> None:
    document = docx.Document(io.BytesIO(written))
    described = re.findall(r'<wp:docPr [^>]*descr="([^"]+)"', document.element.xml)
    assert len(described) == len(document.inline_shapes) >= 4


def test_the_shipped_template_is_what_its_tool_builds() -> None:
    assert SHIPPED_TEMPLATE.read_bytes() == build_template()
    assert PLAIN_TEMPLATE.read_bytes() == build_plain_template()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_chinese_signs_are_those_of_the_mainland(frozen: Frozen, language: str) -> None:
    """LibreOffice drew the signs of Hong Kong where the styles named another language."""
    content = write_docx(report(frozen, ReportKind.CITY, SUZHOU, language))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        named = re.findall(r"<w:lang [^>]*>", archive.read("word/styles.xml").decode())
    assert named
    for each in named:
        assert 'w:eastAsia="zh-CN"' in each
        assert f'w:val="{"zh-CN" if language == "zh" else "en-GB"}"' in each


def test_nothing_in_a_template_runs(made: Report, tmp_path: Path) -> None:
    """A template is a text to fill in: Python's own attributes are out of reach."""
    own = tmp_path / "own.docx"
    document = docx.Document()
    document.add_paragraph("{{ title.__class__.__mro__ }}")
    document.save(str(own))
    with raises_code("template_unusable"):
        write_docx(made, own)


def test_an_own_template_is_filled(made: Report, tmp_path: Path) -> None:
    own = tmp_path / "own.docx"
    document = docx.Document()
    document.add_paragraph("{{ area }} / {{ sections.problems.title }}")
    document.save(str(own))
    text = docx.Document(io.BytesIO(write_docx(made, own))).paragraphs[0].text
    assert text == "苏州 / 问题清单"


@pytest.mark.parametrize("content", [b"no zip", write_zip({"a.txt": b"a"})])
def test_a_file_that_is_no_word_document_is_refused(
    made: Report, tmp_path: Path, content: bytes
) -> None:
    own = tmp_path / "own.docx"
    own.write_bytes(content)
    with raises_code("template_unusable"):
        write_docx(made, own)


def test_members_have_no_times(written: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(written)) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def convert_to_pdf(content: bytes, name: str, folder: Path) -> bytes:
    """Return what LibreOffice makes of an Office file, without a screen."""
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("LIBREOFFICE IS NOT INSTALLED: whether it opens the file is not tested")
    source = folder / name
    source.write_bytes(content)
    command = [
        office, f"-env:UserInstallation=file://{folder}/profile", "--headless",
        "--convert-to", "pdf", "--outdir", str(folder), str(source),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    return source.with_suffix(".pdf").read_bytes()


def test_libreoffice_opens_the_report(written: bytes, tmp_path: Path) -> None:
    pdf = convert_to_pdf(written, "report.docx", tmp_path)
    assert pdf.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) >= 8


def test_english(frozen: Frozen) -> None:
    text = docx.Document(io.BytesIO(write_docx(report(frozen, ReportKind.CITY, SUZHOU, "en"))))
    headings = [p.text for p in text.paragraphs if p.style.name.startswith("Heading")]
    assert headings[:2] == [
        "The score, and how sure it is",
        "Better or worse: than last time, than the nation",
    ]
    assert "How to read this report" in headings
    assert [p.text for p in text.paragraphs if p.style.name == "Heading 1"] == [
        "The report",
        "Annex",
    ]
