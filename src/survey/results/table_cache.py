"""Cache of results files, indexed to find a few rows among hundreds of thousands of cells.

Files are compared with their seals when they are read.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet
from pydantic import ValidationError

from survey.estimate.arrays import release_freed_memory
from survey.locale import msg
from survey.results.method import MethodRecord
from survey.results.table_columns import WITHHELD, to_published_table
from survey.snapshots.seals import read_file
from survey.snapshots.snapshot_files import SnapshotDamagedError, short_name

_ASKED_BY = ("contrast", "basis", "composite", "area_level", "area", "group", "indicator",
             "line", "item")  # fmt: skip
_Rows = NDArray[np.int32]
_Asked = tuple[tuple[str, tuple[str, ...]], ...]
_CACHE_SIZE, _MAX_CACHED_ROWS = 256, 2_000
"""Answers that are kept, the oldest given up first, and the most rows of one."""


class CategoryIndex:
    """Table with an index of its category columns, to find rows by their values quickly.

    A question is answered from the column whose wanted categories have the fewest rows; only
    those rows are compared in the other columns.
    """

    def __init__(
        self,
        table: pd.DataFrame,
        columns: "Mapping[str, _Column]",
        finish: Callable[[pd.DataFrame], pd.DataFrame] | None = None,
    ) -> None:
        self._table, self._columns, self._finish = table, columns, finish
        self._found: dict[_Asked, pd.DataFrame] = {}
        self._lock = Lock()

    @classmethod
    def of(cls, table: pd.DataFrame, columns: Iterable[str]) -> "CategoryIndex":
        """Return an index of a table over the given category columns."""
        return cls(table, {name: _Column(table[name]) for name in columns})

    def finished(self, finish: Callable[[pd.DataFrame], pd.DataFrame]) -> "CategoryIndex":
        """Return a copy of the index whose `find` returns `finish(rows)` instead of its rows."""
        return CategoryIndex(self._table, self._columns, finish)

    def with_columns(self, table: pd.DataFrame) -> "CategoryIndex":
        """Return the same index over `table`, which has the same rows and further columns."""
        return CategoryIndex(table, self._columns, self._finish)

    def find(self, wanted: Mapping[str, Sequence[str]]) -> pd.DataFrame:
        """Return the rows with one of the wanted values in each given column, in table order.

        Several views of a page ask the same; the caller may still change what it gets.
        """
        asked = tuple((name, tuple(values)) for name, values in sorted(wanted.items()))
        rows = self._found.get(asked)
        if rows is None:
            rows = self._find(wanted)
            rows = rows if self._finish is None else self._finish(rows)
            if len(rows) <= _MAX_CACHED_ROWS:
                with self._lock:
                    if len(self._found) >= _CACHE_SIZE:
                        del self._found[next(iter(self._found))]
                    self._found[asked] = rows
        return rows.copy(deep=False)

    def _find(self, wanted: Mapping[str, Sequence[str]]) -> pd.DataFrame:
        if not wanted:
            return self._table.reset_index(drop=True)
        codes = {name: self._columns[name].codes_of(values) for name, values in wanted.items()}
        first = min(codes, key=lambda name: self._columns[name].size_of(codes[name]))
        rows = np.sort(self._columns[first].rows_of(codes[first]))
        for name in codes:
            if name != first:
                rows = rows[np.isin(self._columns[name].codes[rows], codes[name])]
        return self._table.take(rows).reset_index(drop=True)


class _Column:
    """Index of one category column: codes of its rows, and rows sorted by code."""

    def __init__(self, column: pd.Series) -> None:
        categories = column.cat.categories
        self.codes = column.cat.codes.to_numpy()
        self._code = {str(value): code for code, value in enumerate(categories)}
        # Half of the memory: no table has two thousand million rows.
        self._order = np.argsort(self.codes, kind="stable").astype(np.int32)
        bounds = np.arange(len(categories) + 1)
        self._starts = np.searchsorted(self.codes[self._order], bounds)

    def codes_of(self, values: Sequence[str]) -> list[int]:
        """Return the codes of those values that the column has."""
        return [self._code[value] for value in dict.fromkeys(values) if value in self._code]

    def size_of(self, codes: Sequence[int]) -> int:
        return sum(int(self._starts[code + 1] - self._starts[code]) for code in codes)

    def rows_of(self, codes: Sequence[int]) -> _Rows:
        parts = [self._order[self._starts[code] : self._starts[code + 1]] for code in codes]
        return np.concatenate([np.empty(0, dtype=np.int32), *parts])


def file_age(path: Path) -> int:
    """Return the modification time of a results file in nanoseconds.

    Raises:
        SnapshotDamagedError: the file is missing.
    """
    try:
        return path.stat().st_mtime_ns
    except OSError as error:
        raise SnapshotDamagedError(
            msg(
                "The results in {folder} are missing. Freeze the wave again.",
                folder=short_name(path.parent),
            )
        ) from error


@lru_cache(maxsize=32)
def cached_table(path: Path, age: int) -> CategoryIndex:
    """Return a cached index of a results file with exact values; `age` is its time of writing.

    Their values are exact still.
    """
    return _index_columns(_read_leaving_columns(path, age))


@lru_cache(maxsize=32)
def exact_table(path: Path, age: int) -> CategoryIndex:
    """Return a cached index of a file, written at `age`: unrounded, with unpublished columns."""
    kept = _read_leaving_columns(path, age)
    whole = _read_columns(read_file(path), lambda _name: True, kept)
    if whole.footer is not kept.footer:
        return _index_columns(whole)
    return cached_table(path, age).with_columns(pd.DataFrame(whole.columns, copy=False))


@dataclass(frozen=True, eq=False)
class _FileColumns:
    """Columns of one Parquet file by name, and its footer."""

    footer: parquet.FileMetaData
    columns: Mapping[str, pd.Series]


def _index_columns(file: _FileColumns) -> CategoryIndex:
    table = pd.DataFrame(file.columns, copy=False)
    return CategoryIndex.of(table, filter(file.columns.__contains__, _ASKED_BY))


@lru_cache(maxsize=32)
def _read_leaving_columns(path: Path, _age: int) -> _FileColumns:
    return _read_columns(read_file(path), lambda name: name not in WITHHELD)


def _read_columns(
    content: bytes, is_wanted: Callable[[str], bool], kept: _FileColumns | None = None
) -> _FileColumns:
    """Return the columns of Parquet `content` that `is_wanted` names, reusing those in `kept`.

    They are read one after the other: all at once need twice the memory of the table, which is most
    of what the first report of a process takes. Joining them into one block would take as long as
    reading the file, and saves a twentieth of a millisecond for each taking of rows.

    Args:
        kept: columns that are taken over if they are of the same file: it may have been written
            anew meanwhile.
    """
    file = parquet.ParquetFile(pa.BufferReader(content), pre_buffer=False)
    if kept is None or not kept.footer.equals(file.metadata):
        kept = _FileColumns(file.metadata, {})
    known = kept.columns
    columns = {
        name: known[name]
        if name in known
        else file.read([name], use_threads=False).to_pandas(self_destruct=True)[name]
        for name in filter(is_wanted, file.schema_arrow.names)
    }
    # What the largest column needed while it was read would be kept.
    release_freed_memory()
    return _FileColumns(kept.footer, columns)


@lru_cache(maxsize=32)
def published_table(path: Path, age: int) -> CategoryIndex:
    """Return a cached index of a file, written at `age`: rounded, reasons of hiding masked."""
    return cached_table(path, age).finished(to_published_table)


def read_method(path: Path) -> MethodRecord:
    """Return the cached record in a snapshot's method file. Raises `SnapshotDamagedError`."""
    return _cached_method(path, file_age(path))


@lru_cache(maxsize=32)
def _cached_method(path: Path, _age: int) -> MethodRecord:
    try:
        return MethodRecord.model_validate_json(read_file(path))
    except ValidationError as error:
        raise SnapshotDamagedError(
            msg(
                "The results in {folder} were computed by another version of the software. An "
                "administrator computes them again with the command: survey recompute",
                folder=short_name(path.parent),
            )
        ) from error
