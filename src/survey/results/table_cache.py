"""Cache of results files, indexed to find a few rows among hundreds of thousands of cells.

Files are compared with their seals when they are read.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from threading import Lock

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet
from pydantic import ValidationError

from survey.locale import msg
from survey.results.method import MethodRecord
from survey.results.table_columns import to_published_table
from survey.snapshot.seals import read_file
from survey.snapshot.snapshot_files import SnapshotDamagedError

_ASKED_BY = ("contrast", "basis", "composite", "area_level", "area", "group", "indicator")
_Rows = NDArray[np.intp]
_Asked = tuple[tuple[str, tuple[str, ...]], ...]
_CACHE_SIZE, _MAX_CACHED_ROWS = 256, 2_000
"""Answers that are kept, the oldest given up first, and the most rows of one."""


class CategoryIndex:
    """Table with, for each of its category columns, the rows of every category.

    A question is answered from the column whose wanted categories have the fewest rows; only
    those rows are compared in the other columns.
    """

    def __init__(self, table: pd.DataFrame, columns: Sequence[str]) -> None:
        self._table = table
        self._columns = {name: _Column(table[name]) for name in columns}
        self._finish: Callable[[pd.DataFrame], pd.DataFrame] | None = None
        self._start()

    def _start(self) -> None:
        self._found: dict[_Asked, pd.DataFrame] = {}
        self._lock = Lock()

    def finished(self, finish: Callable[[pd.DataFrame], pd.DataFrame]) -> "CategoryIndex":
        """Return the same table, whose rows pass through `finish` before they are returned."""
        other = CategoryIndex.__new__(CategoryIndex)
        other._table, other._columns, other._finish = self._table, self._columns, finish
        other._start()
        return other

    def find(self, wanted: Mapping[str, Sequence[str]]) -> pd.DataFrame:
        """Return rows whose columns have one of the wanted values, in the order of the table.

        Several views of a page ask the same; the caller may still change what it gets.
        """
        asked = tuple((name, tuple(values)) for name, values in sorted(wanted.items()))
        rows = self._found.get(asked)
        if rows is None:
            rows = self._find(wanted)
            rows = rows if self._finish is None else self._finish(rows)
            self._remember(asked, rows)
        return rows.copy(deep=False)

    def _remember(self, asked: _Asked, rows: pd.DataFrame) -> None:
        if len(rows) > _MAX_CACHED_ROWS:
            return
        with self._lock:
            if len(self._found) >= _CACHE_SIZE:
                del self._found[next(iter(self._found))]
            self._found[asked] = rows

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
    """Codes of one category column, and its rows sorted by them."""

    def __init__(self, column: pd.Series) -> None:
        categories = column.cat.categories
        self.codes = column.cat.codes.to_numpy()
        self._code = {str(value): code for code, value in enumerate(categories)}
        self._order = np.argsort(self.codes, kind="stable")
        bounds = np.arange(len(categories) + 1)
        self._starts = np.searchsorted(self.codes[self._order], bounds)

    def codes_of(self, values: Sequence[str]) -> list[int]:
        """Return the codes of those values that the column has."""
        return [self._code[value] for value in dict.fromkeys(values) if value in self._code]

    def size_of(self, codes: Sequence[int]) -> int:
        return sum(int(self._starts[code + 1] - self._starts[code]) for code in codes)

    def rows_of(self, codes: Sequence[int]) -> _Rows:
        parts = [self._order[self._starts[code] : self._starts[code + 1]] for code in codes]
        return np.concatenate([np.empty(0, dtype=np.intp), *parts])


def file_age(path: Path) -> int:
    """Return when a results file was last written, in nanoseconds.

    Raises:
        SnapshotDamagedError: the file is missing.
    """
    try:
        return path.stat().st_mtime_ns
    except OSError as error:
        raise SnapshotDamagedError(
            msg("The results in {folder} are missing. Freeze the wave again.", folder=path.parent)
        ) from error


@lru_cache(maxsize=32)
def cached_table(path: Path, _age: int) -> CategoryIndex:
    """Return a results file, kept in memory until it is written anew."""
    table = _read_table(read_file(path))
    return CategoryIndex(table, [column for column in _ASKED_BY if column in table.columns])


def _read_table(content: bytes) -> pd.DataFrame:
    """Return a Parquet table whose columns lie apart in memory.

    Joining them into one block takes as long as reading the file and half as much memory again, and
    saves a twentieth of a millisecond for each taking of rows.
    """
    table: pd.DataFrame = parquet.read_table(pa.BufferReader(content)).to_pandas(
        split_blocks=True, self_destruct=True
    )
    return table


@lru_cache(maxsize=32)
def published_table(path: Path, age: int) -> CategoryIndex:
    """Return the same file as published: rounded, and with one reason for hidden rows."""
    return cached_table(path, age).finished(to_published_table)


def read_method(path: Path) -> MethodRecord:
    """Return the record of how the tables beside it were computed."""
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
                # Readers are not told where on the server the files lie.
                folder="/".join(path.parent.parts[-2:]),
            )
        ) from error
