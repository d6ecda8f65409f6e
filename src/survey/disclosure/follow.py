"""The same decision wherever a figure appears: other tables follow the cells."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.disclosure.reasons import FIGURES, REASONS, decided

CELL_KEYS = ("area_level", "area", "group", "indicator")


def follow(
    table: pd.DataFrame,
    cells: pd.DataFrame,
    *,
    by: Sequence[str] = CELL_KEYS,
    at: Mapping[str, str | pd.Series] | None = None,
    figures: Sequence[str] = (),
) -> pd.DataFrame:
    """`table` with the `shown` and `reason` of the cells its rows are about, hidden ones blanked.

    A row already hidden stays hidden, so that a row about several cells follows each in turn:
    `follow(follow(changes, before), after)`. The first reason stays.

    Args:
        cells: a protected table; its keys `by` name a row.
        by: key columns. Those that `table` does not have must be in `at`.
        at: fixed keys, for example `{"group": "all"}`, or one a row instead of the table's own.
        figures: columns to blank besides `FIGURES` (rank, low, high, probability ...).

    Raises:
        KeyError: a row is about a cell that `cells` does not have.
    """
    fixed = dict(at or {})
    wanted = pd.DataFrame({key: _texts(table, key, fixed) for key in by}, index=table.index)
    known = pd.DataFrame({key: cells[key].astype(str).astype(object) for key in by})
    for key in by:
        levels = pd.Index(known[key].unique())
        known[key], wanted[key] = (
            levels.get_indexer(known[key]),
            levels.get_indexer(wanted[key]),
        )
    size = [int(known[key].max()) + 1 if len(known) else 0 for key in by]
    place = np.full(int(np.prod(size)), -1, dtype=np.int64)
    place[_number(known, by, size)] = np.arange(len(known))
    missing = (wanted < 0).any(axis=1).to_numpy()
    row = np.full(len(table), -1, dtype=np.int64)
    row[~missing] = place[_number(wanted[~missing], by, size)]
    if (row < 0).any():
        first = int(np.flatnonzero(row < 0)[0])
        raise KeyError(tuple(_texts(table, key, fixed).iloc[first] for key in by))
    reasons = _codes(cells)[row]
    if "reason" in table.columns:
        before = _codes(table)
        reasons = np.where(before > 0, before, reasons)
    return decided(table, reasons.astype(np.int8), (*FIGURES, *figures))


def _texts(table: pd.DataFrame, key: str, fixed: Mapping[str, str | pd.Series]) -> pd.Series:
    if key in fixed:
        given = fixed[key]
        return given if isinstance(given, pd.Series) else pd.Series(given, table.index, object)
    return table[key].astype(str).astype(object)


def _number(keys: pd.DataFrame, by: Sequence[str], size: Sequence[int]) -> NDArray[np.int64]:
    if not len(keys):
        return np.zeros(0, dtype=np.int64)
    columns = tuple(keys[key].to_numpy() for key in by)
    return np.ravel_multi_index(columns, size).astype(np.int64)


def _codes(table: pd.DataFrame) -> NDArray[np.int8]:
    column = pd.Categorical(table["reason"].astype(object), categories=list(REASONS))
    return column.codes.astype(np.int8)
