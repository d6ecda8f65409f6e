"""Workbooks of answers are read as text, and whatever cannot be trusted is refused with a place."""

from datetime import date, datetime, time, timedelta

import pytest

from survey.tabular import reading, text_table
from survey.tabular.reading import read_table
from survey.tabular.text_table import FileUnreadableError
from survey.tabular.workbook_safety import WorkbookLimits
from survey.tabular.worksheet_inspection import column_number
from tests.fieldwork.importing.answer_workbooks import (
    build_workbook,
    change_workbook,
    repack_workbook,
    sheet_xml,
)
from tests.table_rows import rows_of

GOOD = build_workbook(["city", "quality"], ["110000", 8], ["310000", 9])
FIRST = "xl/worksheets/sheet1.xml"


def test_cells_become_the_text_that_a_person_reads() -> None:
    content = build_workbook(
        ["a", "b", "c", "d", "e", "f", "g", "h"],
        [8, 8.0, 8.5, True, datetime(2024, 5, 1, 10, 30), date(2024, 5, 1), " x ", None],
        [110000, 1e20, -1, False, time(9, 5), timedelta(seconds=90), "=1", "+1"],
    )
    content = change_workbook(content, lambda sheet: setattr(sheet["G3"], "data_type", "s"))
    table = read_table(content)
    assert rows_of(table)[0][1] == [
        "8",
        "8",
        "8.5",
        "true",
        "2024-05-01 10:30:00",
        "2024-05-01",
        "x",
        "",
    ]
    cells = ["110000", "1e+20", "-1", "false", "09:05:00", "90.0", "=1", "+1"]
    assert rows_of(table)[1][1] == cells


def test_row_numbers_are_those_of_the_sheet_and_blank_rows_are_passed_over() -> None:
    content = build_workbook(["a", "b"], [None, None], ["x", 1], [None, None], [None, 2])
    table = read_table(content)
    assert rows_of(table) == [(3, ["x", "1"]), (5, ["", "2"])]
    assert (table.encoding, table.sheet, table.other_sheets) == ("Excel", "Sheet1", ())


def test_an_empty_first_column_keeps_the_header_over_its_values() -> None:
    table = read_table(build_workbook([None, "b", "c"], [None, 1, 2], ["note", 3, 4]))
    assert table.header == ("", "b", "c")
    assert rows_of(table) == [(2, ["", "1", "2"]), (3, ["note", "3", "4"])]
    bare = read_table(build_workbook([None, "b", "c"], [None, 1, 2]))
    assert dict(zip(bare.header, rows_of(bare)[0][1], strict=True))["c"] == "2"


def test_the_sheet_of_answers_is_read_wherever_it_stands_and_the_others_are_named() -> None:
    content = build_workbook(["x"], ["y"], title="cover", answers=[["quality"], [8]], more=[["z"]])
    table = read_table(content)
    assert (table.sheet, rows_of(table)) == ("answers", [(2, ["8"])])
    assert table.other_sheets == ("cover", "more")


def test_a_short_look_reads_the_beginning_only() -> None:
    content = build_workbook(["a"], *([n] for n in range(50)))
    assert len(read_table(content, most_rows=11).rows) == 10
    assert len(read_table(b"a\n" + b"1\n" * 50, most_rows=11).rows) == 10


@pytest.mark.parametrize(
    ("letters", "number"), [(b"A", 1), (b"Z", 26), (b"AA", 27), (b"XFD", 16384)]
)
def test_columns_are_counted_as_spreadsheets_do(letters: bytes, number: int) -> None:
    assert column_number(letters) == number


def test_formulas_errors_and_mergers_are_named_with_their_cell() -> None:
    formula = change_workbook(GOOD, lambda sheet: sheet.__setitem__("B3", "=B2+1"))
    with pytest.raises(FileUnreadableError, match="cell B3: a formula"):
        read_table(formula)
    with pytest.raises(FileUnreadableError, match="cell B2: an error"):
        read_table(change_workbook(GOOD, lambda sheet: sheet.__setitem__("B2", "#N/A")))
    with pytest.raises(FileUnreadableError, match="merged"):
        read_table(change_workbook(GOOD, lambda sheet: sheet.merge_cells("A2:A3")))


def test_what_stands_in_a_sheet_that_is_not_read_does_no_harm() -> None:
    content = build_workbook(["quality"], [8], title="answers", sums=[["total"], ["=1+1"]])
    assert rows_of(read_table(content)) == [(2, ["8"])]


def test_headers_lose_line_breaks_and_what_nobody_sees() -> None:
    table = read_table(build_workbook(["quality\n(score)", "a\u200bb\t"], [1, 2]))
    assert table.header == ("quality (score)", "a b")


HOSTILE = {
    "no rows": (build_workbook(["a", "b"]), "no rows"),
    "nothing at all": (build_workbook(), "no sheet with answers"),
    "blank header": (build_workbook([None], ["x"], ["y"]), "name the columns"),
    "too many columns": (build_workbook(["x"] * 2001, ["y"]), "more than 2000 columns"),
    "a wide row": (build_workbook(["a"], ["y"] * 2001), "more than 2000 columns"),
    "a far corner": (
        change_workbook(GOOD, lambda s: s.__setitem__("XFD1048576", 1)),
        "far too many empty",
    ),
    "a corner in a bare row": (
        repack_workbook(GOOD, {FIRST: sheet_xml('<row r="1048576"><c><v>1</v></c></row>')}),
        "damaged",
    ),
    "a column beyond all sheets": (
        repack_workbook(GOOD, {FIRST: sheet_xml('<row r="1"><c r="ZZZZZ1"><v>1</v></c></row>')}),
        "damaged",
    ),
    "a row beyond all sheets": (
        repack_workbook(GOOD, {FIRST: sheet_xml('<row r="1"><c r="A99999999"><v>1</v></c></row>')}),
        "damaged",
    ),
    "a far cell in small letters": (
        repack_workbook(
            GOOD, {FIRST: sheet_xml('<row r="1"><c s="0" r="zzz1"><v>1</v></c></row>')}
        ),
        "damaged",
    ),
    "a far cell in a name of its own": (
        repack_workbook(
            GOOD, {FIRST: sheet_xml('<row r="1"><x:c r="ZZZZZ1"><v>1</v></x:c></row>')}
        ),
        "damaged",
    ),
    "a far cell in a row that is named like one": (
        repack_workbook(GOOD, {FIRST: sheet_xml('<row r="A1"><c r="ZZZZZ1"><v>1</v></c></row>')}),
        "damaged",
    ),
    "a cell without a place": (
        repack_workbook(GOOD, {FIRST: sheet_xml('<row r="1"><c t="n"><v>1</v></c></row>')}),
        "damaged",
    ),
    "a shared formula": (
        repack_workbook(
            GOOD,
            {
                FIRST: sheet_xml(
                    '<row r="1"><c r="A1"><v>1</v></c></row>'
                    '<row r="2"><c r="A2"><f t="shared" si="0"/><v>1</v></c></row>'
                )
            },
        ),
        "cell A2: a formula",
    ),
    "a formula with a prefix": (
        repack_workbook(GOOD, {FIRST: sheet_xml('<row r="1"><c r="A1"><x:f>1+1</x:f></c></row>')}),
        "a formula",
    ),
    "an entity": (
        repack_workbook(GOOD, {FIRST: b'<!DOCTYPE x [<!ENTITY a "b">]>' + sheet_xml("")}),
        "entities",
    ),
    "UTF-16": (repack_workbook(GOOD, {FIRST: sheet_xml("").decode().encode("utf-16")}), "damaged"),
    "macros": (repack_workbook(GOOD, {"xl/vbaProject.bin": b"x"}), "macros"),
    "no book": (repack_workbook(GOOD, {"xl/workbook.xml": None}), "damaged"),
    "no relations": (repack_workbook(GOOD, {"xl/_rels/workbook.xml.rels": None}), "damaged"),
    "no sheet": (repack_workbook(GOOD, {FIRST: None}), "damaged"),
    "a sheet of noise": (repack_workbook(GOOD, {FIRST: b"<worksheet><sheetData><row"}), "."),
    "no strings": (
        repack_workbook(GOOD, {FIRST: sheet_xml('<row r="1"><c r="A1" t="s"><v>99</v></c></row>')}),
        ".",
    ),
    "a path that climbs": (
        repack_workbook(
            GOOD,
            {
                "xl/_rels/workbook.xml.rels": b"<Relationships><Relationship Id='rId1' "
                b"Target='../../../etc/passwd'/></Relationships>"
            },
        ),
        "damaged",
    ),
    "half a file": (GOOD[: len(GOOD) // 2], "damaged"),
    "a zip of something": (repack_workbook(GOOD, {"[Content_Types].xml": None}), "damaged"),
    "only the signature": (b"PK\x03\x04", "damaged"),
    "encrypted or old": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "Excel 97-2003"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_workbooks_are_refused_in_words(name: str) -> None:
    content, reason = HOSTILE[name]
    with pytest.raises(FileUnreadableError, match=reason):
        read_table(content)


def test_size_is_bounded_before_anything_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    tight = WorkbookLimits(file=10**6, part=10**6, unpacked=10**6, rows=2, cells=100)
    monkeypatch.setattr(reading, "LIMITS", tight)
    with pytest.raises(FileUnreadableError, match="more than 2 rows"):
        read_table(GOOD)
    monkeypatch.setattr(reading, "LIMITS", WorkbookLimits(part=100))
    with pytest.raises(FileUnreadableError, match="too large"):
        read_table(GOOD)


def test_links_to_other_workbooks_are_not_followed() -> None:
    link = b"<externalLink xmlns='x'><externalBook r:id='rId1' xmlns:r='y'/></externalLink>"
    content = repack_workbook(GOOD, {"xl/externalLinks/externalLink1.xml": link})
    assert rows_of(read_table(content)) == rows_of(read_table(GOOD))


@pytest.mark.parametrize("rows", [1, 2, 3, 7])
def test_a_table_is_the_same_however_many_rows_are_read_at_a_time(
    monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    """Rows that are blank, too short and too long, numbers between texts, and a template's note."""
    cells: list[list[object]] = [
        ["city", "quality", "note"], ["# notes"], ["110000", 8], [], ["310000", 9.5, "x", "beyond"],
        [None, True, 7, None, "y"], ["110000", "8", date(2024, 5, 1)], [], ["#", 1], ["", "", "z"],
    ]  # fmt: skip
    workbook = build_workbook(*cells)
    template = build_workbook(*cells, title="answers", codes=[["question", "code"]])
    text = "\n".join(",".join("" if c is None else str(c) for c in row) for row in cells).encode()
    whole = [read_table(content) for content in (workbook, template, text)]
    monkeypatch.setattr(reading, "_BATCH_ROWS", rows)
    monkeypatch.setattr(text_table, "_BATCH_ROWS", rows)
    for before, content in zip(whole, (workbook, template, text), strict=True):
        table = read_table(content)
        assert list(table.iter_rows()) == list(before.iter_rows())
        assert (table.header, table.uneven) == (before.header, before.uneven)
        for place in range(len(table.header)):
            assert set(table.texts(place).values) == set(before.texts(place).of_rows())
    for content, most in ((workbook, 4), (template, 4), (text, 5)):
        short, before = read_table(content, most_rows=most), read_table(content)
        assert list(short.iter_rows()) == list(before.iter_rows())[:3]
