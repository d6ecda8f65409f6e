"""Tables as columns of text, with the row numbers that a person sees in the file.

Columns have few different values; each is looked at once however many rows have it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from survey.locale import SurveyError, msg

MAX_COLUMNS = 2_000
_BATCH_ROWS = 10_000
_MAX_KEY = 2**62
_FEW = 2**16
"""Combinations that are counted in a table of their own, which is faster than sorting."""
Codes = NDArray[np.intp]


class FileUnreadableError(SurveyError):
    """Raised when a whole file cannot be read as a table; nothing was stored."""

    code = "file_unreadable"


@dataclass(frozen=True, eq=False)
class CodedColumn:
    """Column stored as its distinct values, and for each row the position of its value."""

    values: Sequence[Any]
    codes: Codes

    @classmethod
    def of_texts(cls, column: pa.DictionaryArray) -> "CodedColumn":
        """Return the coded column of an Arrow column of texts, with surrounding blanks removed."""
        codes = column.indices.to_numpy(zero_copy_only=False).astype(np.intp)
        return cls([text.strip() for text in column.dictionary.to_pylist()], codes)

    def of_rows(self, rows: slice = slice(None)) -> list[Any]:
        """Return the list of values in `rows`, a slice of row positions, by default of all."""
        values: NDArray[np.object_] = np.fromiter(self.values, object, len(self.values))
        taken: list[Any] = values[self.codes[rows]].tolist()
        return taken

    def map(self, convert: Callable[[Any], Any]) -> "CodedColumn":
        """Return the column with `convert` applied once to each different value."""
        return CodedColumn([convert(value) for value in self.values], self.codes)

    def where(self, flags: Iterable[bool]) -> NDArray[np.bool_]:
        """Return a mask of rows whose value is flagged; `flags` has an entry per distinct value."""
        return np.fromiter(flags, bool, len(self.values))[self.codes]


def group_rows(columns: Sequence[CodedColumn], rows: Codes) -> tuple[Codes, Codes]:
    """Group `rows` (positions) equal in all columns; return one row a group, and each row's group.

    Returns:
        One row of each group, and the group of each row, by its place in the former.
    """
    key, bound = np.zeros(len(rows), np.int64), 1
    for column in columns:
        if bound * len(column.values) > _MAX_KEY:
            different, key = np.unique(key, return_inverse=True)
            bound = len(different)
        key = key * len(column.values) + column.codes[rows]
        bound *= len(column.values)
    if bound > _FEW:
        _, first, group = np.unique(key, return_index=True, return_inverse=True)
        return rows[first], group
    one_of = np.full(bound, -1, np.intp)
    one_of[key] = rows
    present = np.flatnonzero(one_of >= 0)
    place = np.empty(bound, np.intp)
    place[present] = np.arange(len(present))
    return one_of[present], place[key]


@dataclass(frozen=True, eq=False)
class TextTable:
    """Columns of text under the heads of a file or message, with the number of each row.

    Rows of a file are numbered as in a spreadsheet, whose header is row 1; those of a message from
    1 on. Rows without content are left out. Cells stay text: a formula is only characters here.
    """

    header: tuple[str, ...]
    columns: Sequence[pa.DictionaryArray]
    rows: NDArray[np.int64]
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    """Name of the worksheet; empty for a text file."""
    other_sheets: tuple[str, ...] = ()
    """Worksheets with content that were not read."""
    uneven: Mapping[int, int] = field(default_factory=dict)
    """Place of a row that is shorter than the header, or has content beyond it -> its cells."""

    def texts(self, place: int) -> CodedColumn:
        """Return the column at a position, with blanks around its texts removed."""
        return CodedColumn.of_texts(self.columns[place])

    def iter_rows(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Yield each row's number and its cells."""
        cells = zip(*(column.to_pylist() for column in self.columns), strict=True)
        return zip(self.rows.tolist(), cells, strict=True)


def build_table(
    header: tuple[str, ...], records: Iterable[tuple[int, list[str]]], **source: Any
) -> TextTable:
    """Return the table with `header` of records (row number, cells), encoded in batches.

    Raises:
        FileUnreadableError: There is no row.
    """
    width = len(header)
    columns = [list[pa.DictionaryArray]() for _ in header]
    numbers: list[int] = []
    uneven: dict[int, int] = {}
    batch: list[list[str]] = []

    def encode_batch() -> None:
        for parts, cells in zip(columns, zip(*batch, strict=True), strict=True):
            parts.append(pa.array(cells, pa.string()).dictionary_encode())
        batch.clear()

    for number, cells in records:
        if len(cells) != width:
            if len(cells) < width or any(map(str.strip, cells[width:])):
                uneven[len(numbers)] = len(cells)
            cells = (cells + [""] * (width - len(cells)))[:width]
        numbers.append(number)
        batch.append(cells)
        if len(batch) == _BATCH_ROWS:
            encode_batch()
    if batch:
        encode_batch()
    return join_columns(header, columns, np.array(numbers, np.int64), uneven=uneven, **source)


def join_columns(
    header: tuple[str, ...],
    columns: Sequence[Sequence[pa.DictionaryArray]],
    numbers: NDArray[np.int64],
    **source: Any,
) -> TextTable:
    """Return one table from columns given in several parts each; `numbers` are the row numbers.

    Raises:
        FileUnreadableError: There is no row.
    """
    if not len(numbers):
        raise FileUnreadableError(msg("The file has a header but no rows."))
    joined = tuple(combine_chunks(pa.chunked_array(parts)) for parts in columns)
    return TextTable(header, joined, numbers, **source)


def combine_chunks(column: pa.ChunkedArray) -> pa.DictionaryArray:
    """Return the chunks of an Arrow column as one dictionary-encoded array."""
    whole = column.unify_dictionaries().combine_chunks()
    return whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole


def header_of(cells: Sequence[str]) -> tuple[str, ...]:
    """Return the cleaned column names; raise `FileUnreadableError` for none or too many."""
    if not any(map(str.strip, cells)):
        raise FileUnreadableError(msg("The first row must name the columns; it is empty."))
    if len(cells) > MAX_COLUMNS:
        raise build_too_many_columns_error()
    return tuple(_clean_column_name(cell) for cell in cells)


def build_too_many_columns_error() -> FileUnreadableError:
    """Return the error for a file that has more than `MAX_COLUMNS` columns."""
    return FileUnreadableError(msg("The file has more than {limit} columns.", limit=MAX_COLUMNS))


def _clean_column_name(name: str) -> str:
    """Return a column name as one line of printable characters."""
    if name.isprintable():
        return name.strip()
    return " ".join("".join(c if c.isprintable() else " " for c in name).split())
