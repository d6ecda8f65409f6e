"""Text files of rows and cells: finds encoding and delimiter, sets limits, reads columns of text.

`read_delimited` reads answers, whose rows stand or fall alone; `read_delimited_counts` counts, of
which a million rows have to fit: column by column, every repeated text once, all rows or none.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from survey.locale import msg
from survey.spreadsheets import decode_table_text
from survey.tabular.text_table import (
    MAX_COLUMNS,
    CodedColumn,
    FileUnreadableError,
    TextTable,
    build_table,
    build_too_many_columns_error,
    combine_chunks,
    header_of,
)

MAX_FILE_BYTES = 200 * 1024 * 1024
MAX_ROWS = 500_000
MAX_CELL_CHARS = 20_000
MAX_ROW_CHARS = 1_000_000
"""Characters of one row: 2,000 columns of 500 each."""
DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_ROWS = 50
_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")
_SIGNATURES = {
    b"PK\x03\x04": "Excel",
    b"\xd0\xcf\x11\xe0": "Excel 97-2003",
    b"%PDF": "PDF",
    b"\x1f\x8b": "gzip",
    b"PAR1": "Parquet",
    b"$FL2": "SPSS",
}
_PAGES = (b"<html", b"<!doctype", b"<table", b"<?xml", b"<meta", b"<head", b"<style")
MAX_COUNT_ROWS = 3_000_000
MAX_COUNT_CELLS = 40_000_000
"""Rows times columns; a delivery of every column that is known has half as many."""
_BLOCK_BYTES = 4 * 2**20


def read_delimited(content: bytes, *, most_rows: int | None = None) -> TextTable:
    """Return up to `most_rows` rows of UTF-8, UTF-16 or GB18030 text with any usual delimiter.

    Raises `FileUnreadableError` with the row where reading stopped.
    """
    text, encoding, delimiter = _open_text(content)
    records = islice(_iter_delimited_records(text, delimiter, MAX_ROWS), most_rows)
    header = header_of(next(records, (1, []))[1])
    filled = ((number, cells) for number, cells in records if any(map(str.strip, cells)))
    return build_table(header, filled, encoding=encoding, delimiter=delimiter)


def iter_text_rows(content: bytes, *, limit: int = MAX_ROWS) -> Iterator[list[str]]:
    """Yield the cells of every row of a text file, also of titles and blank rows.

    Raises `FileUnreadableError` for a file that is none, or that has more than `limit` rows.
    """
    text, _, delimiter = _open_text(content)
    lines = (line for line in _iter_lines(text) if any(map(line.count, DELIMITERS)))
    first = next(lines, "")
    if not text.startswith(first):
        delimiter = detect_delimiter(text[text.index(first) :])
    return (cells for _, cells in _iter_delimited_records(text, delimiter, limit))


def _open_text(content: bytes) -> tuple[str, str, str]:
    """Return a file's text, encoding, delimiter; raise `FileUnreadableError` for too long headers.

    A header without an end, or with too many cells, is refused first: each cell takes memory.
    """
    start = content[: 4 * MAX_ROW_CHARS]
    if len(start) < len(content) and b"\n" not in start and b"\r" not in start:
        raise _build_row_too_long_error(1)
    text, encoding = _decode_text_file(content)
    if "\0" in text:
        row = text.count("\n", 0, text.index("\0")) + 1
        raise FileUnreadableError(
            msg("Row {row} holds a NUL byte; this is not a text file.", row=row)
        )
    delimiter = detect_delimiter(text)
    end = text.find("\n", 0, MAX_ROW_CHARS)
    header = text[: MAX_ROW_CHARS if end < 0 else end]
    if '"' not in header and header.count(delimiter) >= MAX_COLUMNS:
        raise build_too_many_columns_error()
    return text, encoding, delimiter


def _build_row_too_long_error(row: int) -> FileUnreadableError:
    return FileUnreadableError(
        msg(
            "Row {row} is longer than {limit} characters; no table of interviews has such rows.",
            row=row,
            limit=f"{MAX_ROW_CHARS:,}",
        )
    )


def _iter_lines(text: str) -> Iterator[str]:
    """Yield each line with its line ending; the text is not copied as a whole."""
    for number, match in enumerate(_LINE.finditer(text), start=1):
        if match.end() - match.start() > MAX_ROW_CHARS:
            raise _build_row_too_long_error(number)
        yield match[0]


def _decode_text_file(content: bytes) -> tuple[str, str]:
    """Return a CSV file's text and encoding; raise `FileUnreadableError` for other files."""
    if len(content) > MAX_FILE_BYTES:
        raise FileUnreadableError(
            msg("The file is larger than {limit} MB. Please split it.", limit=MAX_FILE_BYTES >> 20)
        )
    for signature, kind in _SIGNATURES.items():
        if content.startswith(signature):
            raise FileUnreadableError(
                msg("This is a file of kind {kind}. Please save it as CSV (UTF-8).", kind=kind)
            )
    if content[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_PAGES):
        raise FileUnreadableError(
            msg(
                "This is a web page, whatever the file is called. Please open it and save it as "
                "CSV (UTF-8) or as an Excel workbook (.xlsx)."
            )
        )
    try:
        return decode_table_text(content)
    except UnicodeDecodeError as problem:
        row = content.count(b"\n", 0, problem.start) + 1
        raise FileUnreadableError(
            msg(
                "Row {row} is neither UTF-8 nor GB18030 text. Please save the file as CSV (UTF-8).",
                row=row,
            )
        ) from problem


def detect_delimiter(text: str) -> str:
    """Return the delimiter under which most rows have the header's number of cells."""
    best, most = DELIMITERS[0], (1, 0)
    for delimiter in DELIMITERS:
        sample = csv.reader(io.StringIO(text[: 1 << 20]), delimiter=delimiter)
        try:
            widths = [len(cells) for cells in islice(sample, _SAMPLE_ROWS)]
        except csv.Error:
            continue
        if not widths or widths[0] < 2:
            continue
        agreeing = Counter(widths)[widths[0]]
        if (agreeing, widths[0]) > (most[1], most[0]):
            best, most = delimiter, (widths[0], agreeing)
    return best


def _iter_delimited_records(
    text: str, delimiter: str, limit: int
) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(_iter_lines(text), delimiter=delimiter, strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            require_row_limit(number, limit)
            yield number, cells
    except csv.Error as problem:
        raise FileUnreadableError(
            msg(
                "Row {row} cannot be read: an opening quotation mark has no proper end, or a cell "
                "is too long.",
                row=number + 1,
            )
        ) from problem


def require_row_limit(rows: int, limit: int = MAX_COUNT_ROWS) -> None:
    """Raise `FileUnreadableError` if `rows` is larger than `limit`."""
    if rows > limit:
        raise FileUnreadableError(
            msg("The file has more than {limit} rows. Please split it.", limit=limit)
        )


def _require_cell_limit(rows: int, columns: int) -> None:
    """Raise `FileUnreadableError` for too many rows or cells, counted by lines before parsing."""
    require_row_limit(rows)
    if rows * columns > MAX_COUNT_CELLS:
        raise FileUnreadableError(
            msg(
                "The file has more than {limit} cells. Please split it, or leave out columns that "
                "a delivery does not have.",
                limit=f"{MAX_COUNT_CELLS:,}",
            )
        )


def read_delimited_counts(content: bytes) -> TextTable:
    """Return the table of counts in a text file; raise `FileUnreadableError` for uneven rows."""
    text, _, delimiter = _open_text(content)
    if "\n" not in text:
        text = text.replace("\r", "\n")
    first_line = text.partition("\n")[0]
    try:
        heads = list(csv.reader([first_line.rstrip("\r")], delimiter=delimiter))
    except csv.Error as error:
        raise _build_no_table_error(error) from error
    header = header_of(heads[0] if heads else [])
    _require_cell_limit(max(map(text.count, "\n\r")), len(header))
    uneven: list[int] = []
    blank: list[int] = []

    def note_row(row: arrow_csv.InvalidRow) -> str:
        (blank if not row.text.strip(f"{delimiter} \r\n") else uneven).append(row.number or 0)
        return "skip"

    names = [str(number) for number in range(len(header))]
    try:
        table = arrow_csv.read_csv(
            io.BytesIO(text.encode()),
            read_options=arrow_csv.ReadOptions(
                use_threads=False, block_size=_BLOCK_BYTES, column_names=names, skip_rows=1
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter, ignore_empty_lines=False, invalid_row_handler=note_row
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.dictionary(pa.int32(), pa.string())),
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        raise _build_no_table_error(error) from error
    if uneven:
        raise FileUnreadableError(
            msg(
                "Row {row} has more or fewer cells than the header has columns ({width}).",
                row=min(uneven),
                width=len(header),
            )
        )
    if not table.num_rows:
        raise FileUnreadableError(msg("The file has a header but no rows."))
    require_row_limit(table.num_rows)
    columns = tuple(combine_chunks(table.column(name)) for name in names)
    require_short_cells(columns)
    numbers = np.setdiff1d(
        np.arange(2, table.num_rows + len(blank) + 2, dtype=np.int64), np.array(blank, np.int64)
    )
    return _drop_blank_rows(TextTable(header, columns, numbers))


def _drop_blank_rows(table: TextTable) -> TextTable:
    """Return the table without blank rows, which spreadsheets often leave behind."""
    filled = np.zeros(len(table.rows), dtype=bool)
    for column in table.columns:
        texts = CodedColumn.of_texts(column)
        filled |= texts.where(map(bool, texts.values))
    if filled.all():
        return table
    if not filled.any():
        raise FileUnreadableError(msg("The file has a header but no rows."))
    columns = tuple(column.filter(pa.array(filled)) for column in table.columns)
    return TextTable(table.header, columns, table.rows[filled])


def _build_no_table_error(error: Exception) -> FileUnreadableError:
    return FileUnreadableError(
        msg("The file cannot be read as a table: {why}", why=str(error)[:200])
    )


def require_short_cells(columns: Sequence[pa.DictionaryArray]) -> None:
    if any(
        len(text) > MAX_CELL_CHARS for column in columns for text in column.dictionary.to_pylist()
    ):
        raise FileUnreadableError(msg("A cell of the file is too long."))
