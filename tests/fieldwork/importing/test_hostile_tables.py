"""Whatever is handed in as a CSV is read as a person sees it, or refused in words; never half."""

import gzip
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from survey.access.principal import OPERATOR
from survey.collection.importing.import_plan import plan_import
from survey.collection.importing.target_wave import ImportRequest
from survey.locale import SurveyError
from survey.store.engine import read_scope
from survey.tabular.reading import read_table
from survey.tabular.text_table import FileUnreadableError
from tests.work_of import work_of

UNREADABLE = {
    "nothing": b"",
    "a byte order mark": b"\xef\xbb\xbf",
    "blanks": b" \n \n",
    "a header": b"city,quality\n",
    "a header and blank rows": b"city,quality\n,\n , \n",
    "a blank header": b",,\n1,2,3\n",
    "a NUL byte": b"city,quality\n1\x00,2\n",
    "zeros": b"\x00" * 1000,
    "half of UTF-16": "city,quality\n1,2\n".encode("utf-16")[:-1],
    "UTF-32": "city,quality\n1,2\n".encode("utf-32"),
    "neither UTF-8 nor GB18030": b"city\n\xff\xff\xff\n",
    "an open quotation mark": b'city,quality\n"1,2\n3,4\n',
    "a quotation mark inside": b'city,quality\n"1"x,2\n',
    "a cell of a megabyte": b"city\n" + b"x" * 2**20,
    "a million columns": b",".join([b"x"] * 10**6) + b"\n1\n",
    "2001 columns": b",".join(b"c%d" % n for n in range(2001)) + b"\n1\n",
    "a PDF": b"%PDF-1.7\n1,2\n",
    "gzip": gzip.compress(b"city,quality\n1,2\n"),
    "Parquet": b"PAR1" + b"\x00" * 100,
    "SPSS": b"$FL2@(#) SPSS DATA FILE",
    "an old workbook": b"\xd0\xcf\x11\xe0" + b"x" * 100,
    "a web page": b"<html><body><table><tr><td>1</td></tr></table></body></html>",
    "a web page after a mark": b"\xef\xbb\xbf\r\n  <!DOCTYPE html><html></html>",
    "a bare table": b"<TABLE><tr><td>city</td></tr></TABLE>",
    "a workbook as XML": b'<?xml version="1.0"?><Workbook xmlns="urn:x"/>',
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_is_no_table_is_refused_in_words(name: str) -> None:
    with pytest.raises(FileUnreadableError) as refused:
        read_table(UNREADABLE[name])
    assert str(refused.value)


FIVE_MILLION = 5_000_000
HUGE = {
    "five million columns": (lambda: b",".join([b"x"] * FIVE_MILLION) + b"\n1\n", 8),
    "five million quoted columns": (lambda: b",".join([b'"x"'] * FIVE_MILLION) + b"\n1\n", 8),
    "as many with semicolons and no end": (lambda: b";".join([b"x"] * FIVE_MILLION), 8),
    "as many in the second row": (lambda: b"a,b\n" + b",".join([b"x"] * FIVE_MILLION) + b"\n", 40),
    "one endless line": (lambda: b"x" * 4 * FIVE_MILLION, 8),
    "a quotation mark that never closes": (lambda: b'a,b\n"' + b"x\n" * 2 * FIVE_MILLION, 60),
    "a quotation mark that never closes in one line": (lambda: b'"' + b"x," * 2 * FIVE_MILLION, 8),
}


@pytest.mark.parametrize(("make", "megabytes"), HUGE.values(), ids=HUGE)
def test_what_is_far_too_wide_is_refused_without_being_cut_into_cells(
    make: Callable[[], bytes], megabytes: int
) -> None:
    """Each cell takes sixty bytes and more: five million of them 300 MB, for a file of 10 MB."""
    content = make()
    tracemalloc.start()
    try:
        with pytest.raises(FileUnreadableError):
            read_table(content, most_rows=300)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < megabytes * 10**6


def test_the_widest_table_that_is_allowed_is_read() -> None:
    header = b",".join(b"c%d" % n for n in range(2000))
    row = b",".join([b"x" * 400] * 2000)
    table = read_table(header + b"\r\n" + row + b"\r" + row + b"\n" + row)
    assert (len(table.header), len(table.rows)) == (2000, 3)


HEAD = b"city,quality,gender,birth_year,topics,comment\n"
ROWS = {
    "a short row": (b"110000,8", 1),
    "a long row": (b"110000,8,male,1980,,,x", 1),
    "blank cells beyond the header": (b"110000,8,male,1980,,,,,", 0),
    "a formula as a score": (b"110000,=8,male,1980,,", 1),
    "a command as a score": (b"110000,\"=cmd|'/c calc'!A0\",male,1980,,", 1),
    "a formula as a comment": (b"110000,8,male,1980,,=1+1", 0),
    "an at sign": (b"110000,@SUM(1),male,1980,,", 1),
    "infinity": (b"110000,inf,male,1980,,", 1),
    "not a number": (b"110000,nan,male,1980,,", 1),
    "a huge exponent": (b"110000,1e99,male,1980,,", 1),
    "hundreds of digits": (b"110000," + b"9" * 400 + b",male,1980,,", 1),
    "a negative score": (b"110000,-8,male,1980,,", 1),
    "half a score": (b"110000,8.5,male,1980,,", 1),
    "a whole score with a point": (b"110000,8.0,male,1980,,", 0),
    "full-width digits": ("110000,８,male,1980,,".encode(), 0),
    "a hexadecimal": (b"110000,0x8,male,1980,,", 1),
    "an underscore": (b"110000,1_0,male,1980,,", 1),
    "a truth value": (b"110000,true,male,1980,,", 1),
    "capital letters": (b"110000,8,MALE,1980,,", 0),
    "another choice": (b"110000,8,robot,1980,,", 1),
    "one unknown of several": (b"110000,8,male,1980,food wine,", 1),
    "the same choice twice": (b"110000,8,male,1980,food food,", 0),
    "a script": (b"110000,8,<script>alert(1)</script>,1980,,", 1),
    "a script as a comment": (b"110000,8,male,1980,,<script>alert(1)</script>", 0),
    "an injection": (b'"110000\'; DROP TABLE wave; --",8,male,1980,,', 1),
    "a year before all": (b"110000,8,male,1850,,", 1),
    "a code with a blank": (b"11 0000,8,male,1980,,", 1),
    "a code of a spreadsheet": (b"110000.0,8,male,1980,,", 0),
    "a comment too long": (b"110000,8,male,1980,," + b"x" * 2001, 1),
    "control characters": (b"110000,8,male,1980,,a\x07b\x1bc", 0),
    "right to left": ("110000,8,male,1980,,\u202eabc".encode(), 0),
    "lines in a comment": (b'110000,8,male,1980,,"a\nb"', 0),
    "emoji": ("110000,8,male,1980,,👍🏽".encode(), 0),
}


@pytest.fixture
def check(field: Any) -> Any:
    def one(content: bytes) -> Any:
        request = ImportRequest(content, field.instrument, "abroad-2024")
        with read_scope(field.url) as session:
            return plan_import(work_of(session, OPERATOR, field.now), request=request)

    return one


def test_each_row_stands_or_falls_alone_and_says_where(check: Any) -> None:
    content = HEAD + b"\n".join(row for row, _ in ROWS.values())
    plan = check(content)
    refused = {rejection.row for rejection in plan.rejected}
    expected = {number for number, (_, wrong) in enumerate(ROWS.values(), start=2) if wrong}
    assert refused == expected
    assert len(plan.accepted) + plan.rejected_rows == len(ROWS)


@pytest.mark.parametrize(
    "header",
    [
        b"city,quality,quality",
        b"city,a/quality,b/quality",
        b"city,City,quality",
        b"quality",
        b"city,nothing",
        b"city,quality,point,POINT",
        b"city,start_note,stop_note",
    ],
)
def test_headers_that_cannot_be_meant_are_refused(check: Any, header: bytes) -> None:
    cells = b",".join([b"110000"] * (header.count(b",") + 1))
    with pytest.raises(SurveyError):
        check(header + b"\n" + cells + b"\n")
