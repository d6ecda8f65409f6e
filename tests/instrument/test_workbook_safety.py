"""Files that nobody should open: refused with a clear error, quickly, and nothing is written."""

import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from survey.locale import translator
from survey.questionnaire.xlsform.import_log import XlsformError
from survey.questionnaire.xlsform.reader import read_xlsform
from survey.tabular import workbook_safety
from survey.tabular.workbook_safety import WorkbookError
from tests.instrument.workbooks import form

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return form(tmp_path, [("type", "name", "label"), ("text", "q", "Q")])


def repacked(source: Path, changes: dict[str, bytes | None], name: str = "new.xlsx") -> Path:
    """The workbook with parts replaced, added or (None) removed."""
    target = source.parent / name
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.namelist():
            if entry not in changes:
                new.writestr(entry, old.read(entry))
        for entry, content in changes.items():
            if content is not None:
                new.writestr(entry, content)
    return target


def refusal(path: Path) -> str:
    with pytest.raises(WorkbookError) as caught:
        read_xlsform(path)
    assert translator("zh")(caught.value.message)
    return str(caught.value)


def sheet_part(source: Path) -> bytes:
    return zipfile.ZipFile(source).read("xl/worksheets/sheet1.xml")


def test_the_good_one_is_read(good):
    assert read_xlsform(repacked(good, {})).instrument.by_name["q"]


def test_macros(good, tmp_path):
    assert "macros" in refusal(repacked(good, {"xl/vbaProject.bin": b"x"}))
    types = zipfile.ZipFile(good).read("[Content_Types].xml")
    macro = types.replace(
        b"openxmlformats-officedocument.spreadsheetml.sheet.main",
        b"ms-excel.sheet.macroEnabled.main",
    )
    assert macro != types
    assert "macros" in refusal(repacked(good, {"[Content_Types].xml": macro}))
    assert "macros" in refusal(good.rename(tmp_path / "form.xlsm"))
    ole = tmp_path / "old.xls"
    ole.write_bytes(OLE + b"\x00" * 600 + "_VBA_PROJECT".encode("utf-16-le"))
    assert "macros" in refusal(ole)


def test_unused_macro_content_types_are_no_macros(good):
    """Some programs declare a default type for .bin files that they do not write."""
    types = zipfile.ZipFile(good).read("[Content_Types].xml")
    declared = types.replace(
        b"<Override",
        b'<Default Extension="bin" ContentType='
        b'"application/vnd.ms-excel.sheet.binary.macroEnabled.main"/><Override',
        1,
    )
    assert declared != types
    assert read_xlsform(repacked(good, {"[Content_Types].xml": declared})).instrument


@pytest.mark.parametrize("name", ["locked.xlsx", "locked.xls"])
def test_encrypted(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(OLE + b"\x00" * 1_000 + "EncryptedPackage".encode("utf-16-le") + b"\x00" * 99)
    assert "password" in refusal(path)


def test_zip_bomb_by_content(good):
    bomb = b"<worksheet>" + b" " * (workbook_safety.MAX_PART + 1)
    path = repacked(good, {"xl/worksheets/sheet1.xml": bomb})
    assert path.stat().st_size < 100_000
    assert "too large" in refusal(path)


def test_zip_bomb_by_many_parts(good):
    part = b" " * (8 * 2**20)
    assert "too large" in refusal(repacked(good, {f"xl/media/{n}.bin": part for n in range(9)}))
    many = {f"xl/{number}.txt": b"" for number in range(workbook_safety.MAX_ENTRIES + 1)}
    assert "too large" in refusal(repacked(good, many))


def test_too_many_rows_and_cells(good):
    rows = b"".join(
        b"<row><c t='n'><v>1</v></c></row>" for _ in range(workbook_safety.MAX_ROWS + 1)
    )
    sheet = b"<worksheet><sheetData>" + rows + b"</sheetData></worksheet>"
    assert "rows" in refusal(repacked(good, {"xl/worksheets/sheet1.xml": sheet}))


def test_too_many_questions(tmp_path):
    rows = [("note", None, "x")] * 5_001
    assert "5000 rows" in refusal(form(tmp_path, [("type", "name", "label"), *rows]))


def test_a_far_cell_costs_nothing(good):
    """One cell in the last row and column must not make a million empty ones."""
    part = sheet_part(good)
    far = b'<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row>'
    path = repacked(
        good, {"xl/worksheets/sheet1.xml": part.replace(b"</sheetData>", far + b"</sheetData>")}
    )
    assert read_xlsform(path).instrument.by_name["q"]


@pytest.mark.parametrize(
    "head",
    [
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd">',
    ],
)
def test_entities(good, head):
    part = sheet_part(good)
    path = repacked(good, {"xl/worksheets/sheet1.xml": head + part})
    assert "entities" in refusal(path)
    hidden = (head.decode() + part.decode()).encode("utf-16")
    assert "damaged" in refusal(repacked(good, {"xl/worksheets/sheet1.xml": hidden}))


def test_doctype_across_a_chunk_border(good):
    padding = b" " * (2**16 - 4)
    path = repacked(good, {"xl/styles.xml": padding + b'<!DOCTYPE x [<!ENTITY a "a">]>'})
    assert "entities" in refusal(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"PK\x03\x04",
        OLE,
        OLE + b"\x00" * 512,
        b"\x00" * 1_000,
        b"PK\x05\x06" + b"\x00" * 18,
    ],
)
@pytest.mark.parametrize("suffix", [".xlsx", ".xls"])
def test_what_is_no_workbook(tmp_path, content, suffix):
    path = tmp_path / f"form{suffix}"
    path.write_bytes(content)
    refusal(path)


def test_a_zip_that_is_no_workbook(tmp_path):
    path = tmp_path / "form.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert "not an Excel workbook" in refusal(path)


@pytest.mark.parametrize("name", ["missing.xlsx", "form.pdf", "form", "form.xlsb"])
def test_missing_and_foreign_files(tmp_path, name):
    path = tmp_path / name
    if name != "missing.xlsx":
        path.write_bytes(b"PK\x03\x04")
    refusal(path)


def test_a_folder_and_a_huge_file(tmp_path):
    folder = tmp_path / "folder.xlsx"
    folder.mkdir()
    refusal(folder)
    huge = tmp_path / "huge.xlsx"
    with huge.open("wb") as file:
        file.truncate(workbook_safety.MAX_FILE + 1)
    assert "too large" in refusal(huge)


@pytest.mark.parametrize(
    ("part", "content"),
    [
        ("xl/workbook.xml", b"<workbook>"),
        ("xl/workbook.xml", b""),
        ("xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row><c t='s'><v>99999</v></c></row>"),
        ("xl/worksheets/sheet1.xml", None),
        ("xl/_rels/workbook.xml.rels", None),
        ("[Content_Types].xml", b"<Types/>"),
    ],
)
def test_damaged_parts(good, part, content):
    refusal(repacked(good, {part: content}))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_flipped_bytes_are_read_or_refused(good, data):
    content = bytearray(good.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        position = data.draw(st.integers(0, len(content) - 1))
        content[position] = data.draw(st.integers(0, 255))
    path = good.parent / "flipped.xlsx"
    path.write_bytes(content)
    try:
        assert read_xlsform(path).instrument
    except (WorkbookError, XlsformError):
        return


def test_a_sheet_that_claims_to_be_smaller_than_it_is(good):
    part = sheet_part(good).replace(b'<dimension ref="A1:C2"', b'<dimension ref="A1"')
    assert b'"A1"' in part
    assert read_xlsform(repacked(good, {"xl/worksheets/sheet1.xml": part})).instrument.by_name["q"]


def test_formulas_are_read_as_their_values_and_links_are_not_followed(good):
    part = sheet_part(good).replace(
        b"</sheetData>",
        b'<row r="3"><c r="A3" t="str"><f>1+1</f><v>text</v></c>'
        b'<c r="B3" t="str"><f>[1]Sheet1!A1</f><v>linked</v></c>'
        b'<c r="C3" t="str"><v>L</v></c></row></sheetData>',
    )
    path = repacked(
        good,
        {
            "xl/worksheets/sheet1.xml": part,
            "xl/externalLinks/externalLink1.xml": b"<externalLink/>",
        },
    )
    assert "linked" in read_xlsform(path).instrument.by_name


def test_reading_leaves_nothing_behind(tmp_path, good):
    before = sorted(tmp_path.iterdir())
    with pytest.raises(WorkbookError):
        read_xlsform(repacked(good, {"xl/vbaProject.bin": b"x"}, "bad.xlsx"))
    assert sorted(tmp_path.iterdir()) == sorted([*before, tmp_path / "bad.xlsx"])


@pytest.mark.parametrize(
    "content",
    [b",".join([b"x"] * 4_000_000), b"survey\n" + b"|" * 17_000, b"a\n" * 40_001, b"a\r" * 40_001],
    ids=["columns", "bars", "lines", "old lines"],
)
def test_a_text_form_with_far_too_many_cells_is_not_parsed(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "form.csv"
    path.write_bytes(content)
    assert "more than 40000 rows or 800000 cells" in refusal(path)
