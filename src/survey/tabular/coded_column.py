"""Columns of few different values, each looked at once however many rows have it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_MAX_KEY = 2**62
_FEW = 2**16
"""Combinations that are counted in a table of their own, which is faster than sorting."""
Codes = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class CodedColumn:
    """A column as its different values, and the place among them of the value of each row."""

    values: Sequence[Any]
    codes: Codes

    @classmethod
    def of_texts(cls, column: pa.DictionaryArray) -> "CodedColumn":
        """Return an Arrow column of texts, without the blanks around them."""
        codes = column.indices.to_numpy(zero_copy_only=False).astype(np.intp)
        return cls([text.strip() for text in column.dictionary.to_pylist()], codes)

    def of_rows(self, rows: slice = slice(None)) -> list[Any]:
        """Return the value of each of the rows."""
        values: NDArray[np.object_] = np.fromiter(self.values, object, len(self.values))
        taken: list[Any] = values[self.codes[rows]].tolist()
        return taken

    def map(self, convert: Callable[[Any], Any]) -> "CodedColumn":
        """Return the column with each value converted."""
        return CodedColumn([convert(value) for value in self.values], self.codes)

    def where(self, flags: Iterable[bool]) -> NDArray[np.bool_]:
        """Return the rows whose value is flagged; `flags` are in the order of `values`."""
        return np.fromiter(flags, bool, len(self.values))[self.codes]


def group_rows(columns: Sequence[CodedColumn], rows: Codes) -> tuple[Codes, Codes]:
    """Group rows by their values in several columns.

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
