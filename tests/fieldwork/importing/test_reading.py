"""Files as people save them are read; what is not such a file is refused with its row."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.tabular import text_files
from survey.tabular.text_files import DELIMITERS, read_delimited
from survey.tabular.text_table import FileUnreadableError
from tests.table_rows import rows_of

TEXT = "城市,得分\n北京,8\n上海,9\n"


@pytest.mark.parametrize(
    ("encoding", "named"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8"),
        ("gb18030", "GB18030"),
        ("gbk", "GB18030"),
        ("utf-16", "UTF-16"),
    ],
)
def test_every_usual_encoding_reads_the_same(encoding: str, named: str) -> None:
    table = read_delimited(TEXT.encode(encoding))
    assert table.header == ("城市", "得分")
    assert rows_of(table) == [(2, ["北京", "8"]), (3, ["上海", "9"])]
    assert table.encoding == named


@pytest.mark.parametrize("delimiter", DELIMITERS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_every_usual_separator_is_found(delimiter: str, newline: str) -> None:
    text = newline.join(delimiter.join(row) for row in (["a", "b", "c"], ["1", "2", "3"]))
    table = read_delimited(text.encode())
    assert (table.delimiter, table.header) == (delimiter, ("a", "b", "c"))
    assert rows_of(table) == [(2, ["1", "2", "3"])]


def test_separators_inside_quotes_or_comments_do_not_mislead() -> None:
    text = 'a;b\n"x, y, z";1\n"p, q, r";2\n'
    table = read_delimited(text.encode())
    assert table.delimiter == ";"
    assert rows_of(table)[0] == (2, ["x, y, z", "1"])


def test_one_column_is_a_file_too() -> None:
    assert rows_of(read_delimited(b"score\n8\n9\n")) == [(2, ["8"]), (3, ["9"])]


def test_blank_rows_are_passed_over_and_numbers_stay_those_of_the_spreadsheet() -> None:
    table = read_delimited(b"a,b\n\n1,2\n , \n3,4\n")
    assert rows_of(table) == [(3, ["1", "2"]), (5, ["3", "4"])]


def test_a_cell_may_hold_line_breaks_and_quotes() -> None:
    table = read_delimited(b'a,b\n"two\nlines","say ""hi"""\n3,4\n')
    assert rows_of(table) == [(2, ["two\nlines", 'say "hi"']), (3, ["3", "4"])]


def test_formulas_are_only_characters() -> None:
    cell = '=HYPERLINK("http://x")'
    buffer = io.StringIO()
    csv.writer(buffer).writerows([["a", "b"], [cell, "+1-1"]])
    assert rows_of(read_delimited(buffer.getvalue().encode())) == [(2, [cell, "+1-1"])]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "first row"),
        (b"\n\n", "first row"),
        (b"a,b\n", "no rows"),
        (b"a,b\n\n,\n", "no rows"),
        (b",,\n1,2,3\n", "first row"),
        (b'a,b\n1,2\n"open,3\n4,5\n', "Row 3"),
        (b'a,b\n1,"x"y\n', "Row 2"),
        (b"a,b\n1,\x00\n", "Row 2"),
        (b"a,b\n1,2\n3,\xff\xff\xff\n", "Row 3"),
        (b"\xff\xfea\x00\x00\xd8", "Row"),
        (b"PK\x03\x04rest", "Excel"),
        (b"\xd0\xcf\x11\xe0rest", "Excel"),
        (b"%PDF-1.7", "PDF"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"PAR1", "Parquet"),
        (b"a,b\n1," + b"x" * 200_000, "Row 2"),
        (",".join(map(str, range(2001))).encode() + b"\n1\n", "columns"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_what_is_no_table_is_refused_and_says_where(content: bytes, says: str) -> None:
    with pytest.raises(FileUnreadableError, match=says):
        read_delimited(content)


def test_limits_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_files, "MAX_ROWS", 3)
    with pytest.raises(FileUnreadableError, match="more than 3 rows"):
        read_delimited(b"a\n1\n2\n3\n")
    monkeypatch.setattr(text_files, "MAX_FILE_BYTES", 10)
    with pytest.raises(FileUnreadableError, match="MB"):
        read_delimited(b"a\n1\n2\n3\n4\n5\n")


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), max_size=12)


@given(
    rows=st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=8),
    encoding=st.sampled_from(["utf-8", "utf-8-sig"]),
)
def test_what_was_written_is_read(rows: list[list[str]], encoding: str) -> None:
    buffer = io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerows([["a", "b", "c"], *rows])
    kept = [(n, row) for n, row in enumerate(rows, 2) if any(map(str.strip, row))]
    content = buffer.getvalue().encode(encoding)
    if kept:
        assert rows_of(read_delimited(content)) == kept
    else:
        with pytest.raises(FileUnreadableError):
            read_delimited(content)


@given(content=st.binary(max_size=300))
def test_any_bytes_are_a_table_or_a_clear_refusal(content: bytes) -> None:
    try:
        table = read_delimited(content)
    except FileUnreadableError:
        return
    assert table.header
    assert len(table.rows)
