"""Propagation of the decisions for cells to the other tables that show the same figures."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.disclosure.suppression import FIGURE_COLUMNS, REASONS, apply_suppression
from survey.disclosure.totals import encode_labels

CELL_KEYS = ("area_level", "area", "group", "indicator")


def propagate_suppression(
    table: pd.DataFrame,
    cells: pd.DataFrame,
    *,
    by: Sequence[str] = CELL_KEYS,
    at: Mapping[str, str | pd.Series] | None = None,
    figures: Sequence[str] = (),
) -> pd.DataFrame:
    """Return `table` with the `shown` and `reason` of the cells its rows are about.

    Hidden rows are blanked. A row already hidden stays hidden, so that a row about several cells
    follows each in turn: `propagate_suppression(propagate_suppression(changes, before), after)`.
    The first reason stays.

    Args:
        cells: a protected table; its keys `by` name a row.
        by: key columns. Those that `table` does not have must be in `at`.
        at: fixed keys, for example `{"group": "all"}`, or one a row instead of the table's own.
        figures: columns to blank besides `FIGURE_COLUMNS` (rank, low, high, probability ...).

    Raises:
        KeyError: a row is about a cell that `cells` does not have.
    """
    row = _find_rows(table, cells, by, dict(at or {}))
    reasons = _reason_codes(cells)[row]
    if "reason" in table.columns:
        before = _reason_codes(table)
        reasons = np.where(before > 0, before, reasons)
    return apply_suppression(table, reasons.astype(np.int8), (*FIGURE_COLUMNS, *figures))


def _find_rows(
    table: pd.DataFrame,
    cells: pd.DataFrame,
    by: Sequence[str],
    fixed: Mapping[str, str | pd.Series],
) -> NDArray[np.int64]:
    """Return the row of `cells` that each row of `table` is about."""
    if not len(table):
        return np.zeros(0, dtype=np.int64)
    known, wanted, sizes = [], [], []
    for key in by:
        codes, labels = encode_labels(cells[key])
        asked, names = encode_labels(_key_column(table, key, fixed))
        place = {label: number for number, label in enumerate(labels)}
        known.append(codes)
        wanted.append(np.array([place.get(name, -1) for name in names], dtype=np.int64)[asked])
        sizes.append(len(labels))
    row_at = np.full(int(np.prod(sizes)), -1, dtype=np.int64)
    row_at[np.ravel_multi_index(tuple(known), sizes)] = np.arange(len(cells))
    is_known = np.all([codes >= 0 for codes in wanted], axis=0)
    row = np.full(len(table), -1, dtype=np.int64)
    row[is_known] = row_at[np.ravel_multi_index(tuple(c[is_known] for c in wanted), sizes)]
    if (row < 0).any():
        first = int(np.flatnonzero(row < 0)[0])
        raise KeyError(tuple(str(_key_column(table, key, fixed).iloc[first]) for key in by))
    return row


def _key_column(table: pd.DataFrame, key: str, fixed: Mapping[str, str | pd.Series]) -> pd.Series:
    if key not in fixed:
        return table[key]
    given = fixed[key]
    if isinstance(given, pd.Series):
        return given
    constant = pd.Categorical.from_codes(np.zeros(len(table), dtype=np.int8), pd.Index([given]))
    return pd.Series(constant, index=table.index)


def _reason_codes(table: pd.DataFrame) -> NDArray[np.int8]:
    codes, labels = encode_labels(table["reason"])
    return np.array([REASONS.index(label) for label in labels], dtype=np.int8)[codes]
