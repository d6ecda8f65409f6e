"""Reading of delivered counts into text columns, with the number that a person finds each row by.

A million rows have to fit: text files are read column by column, every repeated text once.
"""

import csv as text_csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

from survey.fieldwork.importing.rejections import FileUnreadableError
from survey.fieldwork.importing.table_reading import (
    MAX_CELL_CHARS,
    check_first_line,
    check_width,
    decode_text_file,
    detect_delimiter,
    header_of,
    read_table,
)
from survey.locale import msg

MAX_COUNT_ROWS = 3_000_000
MAX_COUNT_CELLS = 40_000_000
"""Rows times columns; a delivery of every column that is known has half as many."""
MAX_EXACT_FLOAT = 1e15
_XLSX = b"PK\x03\x04"
_BLOCK_BYTES = 4 * 2**20


@dataclass(frozen=True, eq=False)
class TextTable:
    """Columns of text by the head they have in the file, and the number of each row.

    Rows of a file are numbered as in a spreadsheet, whose header is row 1; those of a message from
    1 on.
    """

    header: tuple[str, ...]
    columns: Sequence[pa.DictionaryArray]
    rows: NDArray[np.int64]


class _RecordColumns(Sequence[pa.DictionaryArray]):
    """Columns of a message, each built when a check asks for it.

    A row may name columns that nothing knows: of one such row and many empty ones all cells
    together would take gigabytes.
    """

    def __init__(self, records: Sequence[Mapping[str, object]], names: Sequence[str]) -> None:
        self._records, self._names = records, names

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, place: Any) -> Any:
        name = self._names[place]
        cells = [_format_cell(record.get(name)) for record in self._records]
        column = pa.array(cells, pa.string()).dictionary_encode()
        _require_short_cells((column,))
        return column


def read_text_table(content: bytes) -> TextTable:
    """Read a CSV file or an Excel workbook.

    Raises:
        FileUnreadableError: There is no readable table in it.
    """
    if content.startswith(_XLSX):
        return _read_workbook(content)
    return _read_text(content)


def table_of_records(records: Sequence[Mapping[str, object]]) -> TextTable:
    """Return the table of a message, which has one object a row; what is missing is empty.

    A column is built when it is asked for, and raises `FileUnreadableError` as well if a text in it
    is too long.

    Raises:
        FileUnreadableError: There is no row, or there are too many columns.
    """
    if not records:
        raise FileUnreadableError(msg("The message has no rows."))
    _require_row_limit(len(records))
    names = list(dict.fromkeys(name for record in records for name in record))
    header = header_of(names)
    rows = np.arange(1, len(records) + 1, dtype=np.int64)
    return TextTable(header, _RecordColumns(records, names), rows)


def plain_number(value: object) -> object:
    """Return a whole number without its point: many programs write every number with one."""
    if isinstance(value, float) and value.is_integer() and abs(value) < MAX_EXACT_FLOAT:
        return int(value)
    return value


def _format_cell(value: object) -> str:
    """Return a value as a workbook has it."""
    return "" if value is None else str(plain_number(value))


def _require_row_limit(rows: int) -> None:
    if rows > MAX_COUNT_ROWS:
        raise FileUnreadableError(
            msg("The file has more than {limit} rows. Please split it.", limit=MAX_COUNT_ROWS)
        )


def _require_cell_limit(rows: int, columns: int) -> None:
    """Refuse by the number of lines, before a cell is built."""
    _require_row_limit(rows)
    if rows * columns > MAX_COUNT_CELLS:
        raise FileUnreadableError(
            msg(
                "The file has more than {limit} cells. Please split it, or leave out columns that "
                "a delivery does not have.",
                limit=f"{MAX_COUNT_CELLS:,}",
            )
        )


def _read_workbook(content: bytes) -> TextTable:
    table = read_table(content)
    numbers = np.array([number for number, _ in table.rows], dtype=np.int64)
    width = len(table.header)
    columns = zip(*(cells[:width] for _, cells in table.rows), strict=True)
    arrays = tuple(pa.array(cells, pa.string()).dictionary_encode() for cells in columns)
    return TextTable(table.header, arrays, numbers)


def _read_text(content: bytes) -> TextTable:
    check_first_line(content)
    text, _ = decode_text_file(content)
    if "\0" in text:
        row = text.count("\n", 0, text.index("\0")) + 1
        raise FileUnreadableError(
            msg("Row {row} holds a NUL byte; this is not a text file.", row=row)
        )
    if "\n" not in text:
        text = text.replace("\r", "\n")
    delimiter = detect_delimiter(text)
    check_width(text, delimiter)
    first_line = text.partition("\n")[0]
    header = header_of(next(iter(_split_line(first_line, delimiter)), []))
    _require_cell_limit(max(map(text.count, "\n\r")), len(header))
    uneven: list[int] = []
    blank: list[int] = []

    def note_row(row: csv.InvalidRow) -> str:
        (blank if not row.text.strip(f"{delimiter} \r\n") else uneven).append(row.number or 0)
        return "skip"

    try:
        table = csv.read_csv(
            io.BytesIO(text.encode()),
            read_options=csv.ReadOptions(
                use_threads=False,
                block_size=_BLOCK_BYTES,
                column_names=[str(number) for number in range(len(header))],
                skip_rows=1,
            ),
            parse_options=csv.ParseOptions(
                delimiter=delimiter, ignore_empty_lines=False, invalid_row_handler=note_row
            ),
            convert_options=csv.ConvertOptions(
                column_types={
                    str(number): pa.dictionary(pa.int32(), pa.string())
                    for number in range(len(header))
                },
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
    _require_row_limit(table.num_rows)
    columns = tuple(_combine_chunks(table.column(number)) for number in range(len(header)))
    _require_short_cells(columns)
    numbers = np.setdiff1d(
        np.arange(2, table.num_rows + len(blank) + 2, dtype=np.int64), np.array(blank, np.int64)
    )
    return _drop_blank_rows(TextTable(header, columns, numbers))


def _drop_blank_rows(table: TextTable) -> TextTable:
    """Return the rows with content; spreadsheets leave empty ones behind."""
    filled = np.zeros(len(table.rows), dtype=bool)
    for column in table.columns:
        is_text = np.array([bool(text.strip()) for text in column.dictionary.to_pylist()], bool)
        filled |= is_text[column.indices.to_numpy(zero_copy_only=False)]
    if filled.all():
        return table
    if not filled.any():
        raise FileUnreadableError(msg("The file has a header but no rows."))
    columns = tuple(column.filter(pa.array(filled)) for column in table.columns)
    return TextTable(table.header, columns, table.rows[filled])


def _split_line(line: str, delimiter: str) -> list[list[str]]:
    try:
        return list(text_csv.reader([line.rstrip("\r")], delimiter=delimiter))
    except text_csv.Error as error:
        raise _build_no_table_error(error) from error


def _build_no_table_error(error: Exception) -> FileUnreadableError:
    return FileUnreadableError(
        msg("The file cannot be read as a table: {why}", why=str(error)[:200])
    )


def _combine_chunks(column: pa.ChunkedArray) -> pa.DictionaryArray:
    whole = column.unify_dictionaries().combine_chunks()
    return whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole


def _require_short_cells(columns: Sequence[pa.DictionaryArray]) -> None:
    if any(
        len(text) > MAX_CELL_CHARS for column in columns for text in column.dictionary.to_pylist()
    ):
        raise FileUnreadableError(msg("A cell of the file is too long."))
