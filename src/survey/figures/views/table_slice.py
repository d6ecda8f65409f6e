"""Rows of a results table, narrowed and ordered without making a frame at every step."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Categories:
    """Categories of a pandas column as a cache key, equal only to the same object.

    pandas calls two types of column equal when they have the same categories in another order,
    which would be other texts here.
    """

    names: pd.Index

    def __hash__(self) -> int:
        return id(self.names)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Categories) and self.names is other.names


def _convert_to_texts(column: pd.Series) -> NDArray[np.object_]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return _list_category_names(_Categories(column.dtype.categories))[
            column.cat.codes.to_numpy()
        ]
    return np.asarray(column, dtype=object)


@lru_cache(maxsize=256)
def _list_category_names(categories: _Categories) -> NDArray[np.object_]:
    """Return the names of categories, with not-a-number appended for code -1."""
    return np.append(np.asarray(categories.names, dtype=object), np.nan)


class TableSlice:
    """Some rows of a results table, in some order; columns are extracted once, on demand."""

    def __init__(self, table: pd.DataFrame, assumed_deff: float | None = None) -> None:
        self.assumed_deff = assumed_deff
        """Design effect assumed where no sampling points were recorded; else None."""
        self._table = table
        self._rows = np.arange(len(table))
        self._taken: dict[str, NDArray[Any]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def has(self, column: str) -> bool:
        return column in self._table.columns

    def numbers(self, column: str) -> Floats:
        """Return a numeric column; not-a-number where a figure is withheld or missing."""
        if column not in self._taken:
            values = self._table[column].to_numpy(dtype=np.float64, na_value=np.nan)
            self._taken[column] = values
        chosen: Floats = self._taken[column][self._rows]
        return chosen

    def aligned(self, column: str, key: str, order: Sequence[str]) -> Floats:
        """Return numeric `column` for each value of column `key` in `order`; NaN without a row."""
        place = {text: row for row, text in enumerate(self.texts(key))}
        values = np.append(self.numbers(column), np.nan)
        chosen: Floats = values[[place.get(text, -1) for text in order]]
        return chosen

    def texts(self, column: str) -> list[str]:
        if column not in self._taken:
            self._taken[column] = _convert_to_texts(self._table[column])
        return [str(value) for value in self._taken[column][self._rows]]

    @property
    def shown(self) -> NDArray[np.bool_]:
        """Return a boolean per row: whether it passed the disclosure gate."""
        return self.numbers("shown").astype(bool)

    def max_value(self, column: str) -> float | None:
        values = self.numbers(column)
        values = values[~np.isnan(values)]
        return float(values.max()) if len(values) else None

    def total(self, column: str) -> float:
        return float(np.nansum(self.numbers(column)))

    def keep(self, mask: NDArray[np.bool_] | Sequence[bool]) -> "TableSlice":
        return self._copy_with_rows(self._rows[np.asarray(mask, dtype=bool)])

    def where(self, column: str, value: str) -> "TableSlice":
        return self.among(column, (value,))

    def among(self, column: str, values: Collection[str]) -> "TableSlice":
        return self.keep([text in values for text in self.texts(column)])

    def in_order(self, column: str, order: Sequence[str]) -> "TableSlice":
        """Return the rows whose `column` is in `order`, sorted in that order."""
        place = {value: index for index, value in enumerate(order)}
        ordered = sorted(
            (place[text], row) for row, text in enumerate(self.texts(column)) if text in place
        )
        return self._copy_with_rows(self._rows[[row for _, row in ordered]])

    def take(self, rows: Sequence[int]) -> "TableSlice":
        """Return the rows at these positions, in this order."""
        return self._copy_with_rows(self._rows[np.asarray(rows, dtype=np.intp)])

    def descending(self, column: str) -> "TableSlice":
        """Return the rows by falling value of `column`, those without a value last."""
        return self._copy_with_rows(self._rows[np.argsort(-self.numbers(column), kind="stable")])

    def by_certainty(self) -> "TableSlice":
        """Return differences from the surest rise to the surest fall, those without a value last.

        The surer one is, the more margins of error it lies away from zero.
        """
        difference = self.numbers("difference")
        margin = (self.numbers("ci_high") - self.numbers("ci_low")) / 2
        # Those without an interval stand where a difference of zero would.
        sureness = np.nan_to_num(difference / np.where(margin > 0, margin, np.nan))
        sureness[np.isnan(difference)] = np.nan
        return self._copy_with_rows(self._rows[np.argsort(-sureness, kind="stable")])

    def _copy_with_rows(self, rows: NDArray[np.intp]) -> "TableSlice":
        other = TableSlice.__new__(TableSlice)
        other.assumed_deff = self.assumed_deff
        other._table, other._rows, other._taken = self._table, rows, self._taken
        return other


@dataclass(frozen=True, eq=False)
class NamedRows:
    """Rows of a table with a label for each; `key` is the column that identifies a row."""

    cells: TableSlice
    key: str
    labels: Sequence[str]
