"""One reader for CSV files, sheets of workbooks and JSON messages, as columns of text.

A worksheet is inspected before it is parsed.
"""

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa
from python_calamine import CalamineWorkbook, SheetTypeEnum

from survey.locale import msg
from survey.tabular.text_files import (
    read_delimited,
    read_delimited_counts,
    require_row_limit,
    require_short_cells,
)
from survey.tabular.text_table import (
    MAX_COLUMNS,
    CodedColumn,
    FileUnreadableError,
    TextTable,
    build_too_many_columns_error,
    header_of,
    join_columns,
)
from survey.tabular.workbook_safety import WorkbookError, WorkbookLimits, check_spreadsheet
from survey.tabular.worksheet_inspection import build_damaged_error, inspect_sheet

XLSX = b"PK\x03\x04"
MAX_EXACT_FLOAT = 1e15
_BATCH_ROWS = 10_000
ANSWERS, CODES = "answers", "codes"
"""Worksheets of our own template."""
REMARK = "#"
"""Start of the rows of the template that explain the columns and are no interviews."""
LIMITS = WorkbookLimits(
    file=60 * 2**20, part=400 * 2**20, unpacked=600 * 2**20, rows=200_000, cells=8_000_000
)


def read_table(content: bytes, *, most_rows: int | None = None) -> TextTable:
    """Return the table of survey answers in a CSV or .xlsx file, of at most `most_rows` rows.

    Args:
        most_rows: Read only so many rows, for a preview.

    Raises:
        FileUnreadableError: There is no readable table in the file.
    """
    if not content.startswith(XLSX):
        return read_delimited(content, most_rows=most_rows)
    try:
        check_spreadsheet(content, LIMITS)
    except WorkbookError as error:
        raise FileUnreadableError(error.message) from error
    with reporting_damage():
        return _read_workbook(content, most_rows)


@contextmanager
def reporting_damage() -> Iterator[None]:
    """Within the block, raise `FileUnreadableError` for whatever a damaged workbook makes fail."""
    try:
        yield
    except FileUnreadableError:
        raise
    except BaseException as error:
        # A damaged workbook fails in as many ways as the parsers behind have errors; a panic of
        # the one in Rust is no ordinary exception.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise build_damaged_error() from error


def read_text_table(content: bytes) -> TextTable:
    """Return the table of counts from outside sources in a delivered CSV or .xlsx file.

    Raises:
        FileUnreadableError: There is no readable table in it.
    """
    return read_table(content) if content.startswith(XLSX) else read_delimited_counts(content)


def _read_workbook(content: bytes, most_rows: int | None) -> TextTable:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        looks = {
            sheet.name: inspect_sheet(archive, sheet.name)
            for sheet in workbook.sheets_metadata
            if sheet.typ is SheetTypeEnum.WorkSheet
        }
    filled = [name for name, look in looks.items() if look.filled]
    if not filled:
        raise FileUnreadableError(msg("The workbook has no sheet with answers."))
    title = ANSWERS if ANSWERS in filled else filled[0]
    if (problem := looks[title].problem) is not None:
        raise problem
    is_template = {ANSWERS, CODES} <= set(filled)
    others = () if is_template else tuple(name for name in filled if name != title)
    reader = _SheetReader(is_template, most_rows)
    reader.read(iter(workbook.get_sheet_by_name(title).iter_rows()))
    return reader.build(encoding="Excel", sheet=title, other_sheets=others)


class _SheetReader:
    """Reader of one worksheet, which turns batches of rows into columns of text."""

    def __init__(self, is_template: bool, most_rows: int | None) -> None:
        self._is_template, self._most_rows = is_template, most_rows
        self._header: tuple[str, ...] = ()
        self._columns: list[list[pa.DictionaryArray]] = []
        self._numbers: list[int] = []
        self._uneven: dict[int, int] = {}

    def read(self, rows: Iterator[Sequence[object]]) -> None:
        head = [format_cell(value) for value in next(rows, ())]
        while head and not head[-1]:
            head.pop()
        self._header = header_of(head)
        self._columns = [[] for _ in self._header]
        first = 2
        while batch := list(islice(rows, _BATCH_ROWS)):
            self._read_batch(first, batch)
            first += len(batch)
            if self._most_rows is not None and len(self._numbers) >= self._most_rows - 1:
                return

    def build(self, **source: Any) -> TextTable:
        numbers = np.array(self._numbers, np.int64)
        return join_columns(self._header, self._columns, numbers, uneven=self._uneven, **source)

    def _read_batch(self, first: int, batch: Sequence[Sequence[object]]) -> None:
        columns = [encode_cells(values) for values in zip(*batch, strict=True)]
        width = np.zeros(len(batch), np.int64)
        for place, texts in enumerate(map(CodedColumn.of_texts, columns), start=1):
            width[texts.where(map(bool, texts.values))] = place
        if width.max(initial=0) > MAX_COLUMNS:
            raise build_too_many_columns_error()
        kept = width > 0
        if self._is_template:
            texts = CodedColumn.of_texts(columns[0])
            kept &= ~texts.where(text.startswith(REMARK) for text in texts.values)
        if self._most_rows is not None:
            kept &= np.cumsum(kept) < self._most_rows - len(self._numbers)
        for place in np.flatnonzero(width[kept] > len(self._header)).tolist():
            self._uneven[len(self._numbers) + place] = int(width[kept][place])
        self._numbers += (np.flatnonzero(kept) + first).tolist()
        absent = encode_cells([""] * len(batch))
        for place, parts in enumerate(self._columns):
            column = columns[place] if place < len(columns) else absent
            if not kept.all():
                # Texts of rows that are left out are no texts of the column.
                column = column.filter(pa.array(kept)).cast(pa.string()).dictionary_encode()
            parts.append(column)


def encode_cells(values: Sequence[object]) -> pa.DictionaryArray:
    """Return a column's values as dictionary-encoded texts; equal values are formatted once."""
    kinds = set(map(type, values))
    if bool in kinds or {int, float} <= kinds:
        # Equal to a number and yet another text: True is 1, and an int has all its digits.
        return pa.array([format_cell(value) for value in values], pa.string()).dictionary_encode()
    if kinds == {str}:
        column = pa.array(values, pa.string()).dictionary_encode()
        texts, codes = column.dictionary.to_pylist(), column.indices
    else:
        different = dict.fromkeys(values)
        place = {value: number for number, value in enumerate(different)}
        texts = list(different)
        codes = pa.array(np.fromiter(map(place.__getitem__, values), np.int32, len(values)))
    return pa.DictionaryArray.from_arrays(codes, pa.array(map(format_cell, texts), pa.string()))


def format_cell(value: object) -> str:
    """Return a cell's value as text; whole numbers have no decimal point, dates are ISO 8601."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(plain_number(value))
    if isinstance(value, datetime):
        return value.replace(microsecond=0).isoformat(" ")
    if isinstance(value, timedelta):
        return str(value.total_seconds())
    if isinstance(value, date | time):
        return value.isoformat()
    return "" if value is None else str(value)


class _RecordColumns(Sequence[pa.DictionaryArray]):
    """Columns of a JSON message, each built only when a check asks for it.

    A row may name columns that nothing knows: of one such row and many empty ones all cells
    together would take gigabytes.
    """

    def __init__(self, records: Sequence[Mapping[str, object]], names: Sequence[str]) -> None:
        self._records, self._names = records, names

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, place: Any) -> Any:
        sent = (record.get(self._names[place]) for record in self._records)
        cells = ["" if value is None else str(plain_number(value)) for value in sent]
        column = pa.array(cells, pa.string()).dictionary_encode()
        require_short_cells((column,))
        return column


def table_of_records(records: Sequence[Mapping[str, object]]) -> TextTable:
    """Return the table of a JSON message with one object per row; missing values are empty.

    A column is built when it is asked for, and raises `FileUnreadableError` as well if a text in it
    is too long.

    Raises:
        FileUnreadableError: There is no row, or there are too many columns.
    """
    if not records:
        raise FileUnreadableError(msg("The message has no rows."))
    require_row_limit(len(records))
    names = list(dict.fromkeys(name for record in records for name in record))
    header = header_of(names)
    rows = np.arange(1, len(records) + 1, dtype=np.int64)
    return TextTable(header, _RecordColumns(records, names), rows)


def plain_number(value: object) -> object:
    """Return a float without fraction as an int, any other value unchanged: 40.0 is 40."""
    if isinstance(value, float) and value.is_integer() and abs(value) < MAX_EXACT_FLOAT:
        return int(value)
    return value
