"""Reasons for suppression, the columns it blanks, and the same decision in other tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Key = tuple[str, ...]
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class AdditiveTotal:
    """Total that a reader can compute: `parts` add up to `whole`, for any values of other keys.

    Where the parts do not reach the whole, what remains is a cell of its own that is never shown
    but can be worked out (people who did not state their income).
    """

    along: Key
    """Key columns in which the members differ, for example `("area_level", "area")`."""
    whole: Key
    parts: tuple[Key, ...]
    mixture: bool = False
    """The score of the whole is a known mixture of the parts' scores; counts do not add up
    (an indicator and the indicators below it)."""


@dataclass(frozen=True)
class Relation:
    """Additive total in a cube: indices along one `axis`, first of the whole, then of its parts."""

    axis: int
    members: Numbers
    mixture: bool


def relation_matrix(relations: Sequence[Relation], size: int) -> Floats:
    """Return a matrix over `size` places, a row per relation: 1 at its whole, -1 at each part."""
    matrix = np.zeros((len(relations), size))
    for row, relation in enumerate(relations):
        matrix[row, relation.members[0]] = 1.0
        matrix[row, relation.members[1:]] = -1.0
    return matrix


class CubeAxes:
    """Axes by which rows of a table form a cube, with each row's position on each axis.

    Labels are in the order of their text, so that the order of rows decides nothing.
    """

    def __init__(
        self, table: pd.DataFrame, by: Sequence[str], totals: Sequence[AdditiveTotal]
    ) -> None:
        named = list(dict.fromkeys(total.along for total in totals))
        named_columns = [column for along in named for column in along]
        if len(set(named_columns)) < len(named_columns) or not set(named_columns) <= set(by):
            raise ValueError(f"totals must name key columns, each in one axis: {named}")
        alone = [(column,) for column in by if column not in named_columns]
        self.columns = sorted([*named, *alone], key=lambda columns: list(by).index(columns[0]))
        self.labels: list[dict[Key, int]] = []
        codes = []
        for columns in self.columns:
            place, labels = _encode_keys(table[list(columns)])
            codes.append(place)
            self.labels.append({label: number for number, label in enumerate(labels)})
        self.shape = tuple(len(labels) for labels in self.labels)
        self.positions = tuple(codes)
        self.rows = np.ravel_multi_index(self.positions, self.shape).astype(np.int64)
        if len(np.unique(self.rows)) < len(self.rows):
            raise ValueError(f"rows with the same keys: {list(by)}")

    def cube(self, values: Floats, empty: float) -> Floats:
        """Return the values of the rows as a cube, with `empty` at places without a row."""
        result = np.full(self.shape, empty)
        result[self.positions] = values
        return result

    def relations(self, totals: Sequence[AdditiveTotal]) -> list[Relation]:
        """Return totals as sorted relations, if the table has the whole and at least one part."""
        relations = []
        for total in totals:
            axis = self.columns.index(total.along)
            labels = self.labels[axis]
            parts = sorted({labels[part] for part in total.parts if part in labels})
            if total.whole in labels and parts:
                members = np.array([labels[total.whole], *parts], dtype=np.int64)
                relations.append(Relation(axis, members, total.mixture))
        return sorted(
            relations,
            key=lambda relation: (relation.axis, relation.mixture, *relation.members.tolist()),
        )


def encode_labels(column: pd.Series) -> tuple[Numbers, list[str]]:
    """Return each value's index among the column's sorted distinct texts, and these texts."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, texts = column.cat.codes.to_numpy(), column.cat.categories.astype(str).to_numpy()
    else:
        codes, distinct = pd.factorize(column)
        texts = np.asarray(distinct).astype(str)
    labels, place = np.unique(texts.astype(object), return_inverse=True)
    return place.astype(np.int64)[codes], labels.tolist()


def _encode_keys(frame: pd.DataFrame) -> tuple[Numbers, list[Key]]:
    """Return the index of each row among the distinct keys of its columns, and these keys."""
    codes, labels = zip(*(encode_labels(frame[column]) for column in frame), strict=True)
    sizes = [len(names) for names in labels]
    distinct, place = np.unique(np.ravel_multi_index(codes, sizes), return_inverse=True)
    coordinates = np.unravel_index(distinct, sizes)
    keys = [
        tuple(names[number] for names, number in zip(labels, key, strict=True))
        for key in np.stack(coordinates, axis=1).tolist()
    ]
    return place.astype(np.int64), keys


def fill_remainders(
    values: Floats, relations: Sequence[Relation], complete: Sequence[Relation]
) -> None:
    """Fill, in place, each remainder cell that `complete` adds to `relations`: whole less parts."""
    for before, after in zip(relations, complete, strict=True):
        if len(after.members) > len(before.members):
            moved = np.moveaxis(values, before.axis, 0)
            whole, *parts = before.members
            moved[after.members[-1]] = moved[whole] - moved[parts].sum(axis=0)


def add_remainder_cells(
    n: Numbers, relations: Sequence[Relation]
) -> tuple[Numbers, list[Relation]]:
    """Return `n` and relations with a remainder cell where parts sum to less than the whole.

    Returns the counts with these places, and the relations with them among their parts.

    Raises:
        ValueError: parts with more respondents than their whole.
    """
    complete = list(relations)
    for number, relation in enumerate(relations):
        if relation.mixture:
            continue
        moved = np.moveaxis(n, relation.axis, 0)
        rest = moved[relation.members[0]] - moved[relation.members[1:]].sum(axis=0)
        if (rest < 0).any():
            raise ValueError(f"parts with more respondents than their whole: {relation}")
        if rest.any():
            place = n.shape[relation.axis]
            n = np.moveaxis(np.concatenate([moved, rest[None]]), 0, relation.axis)
            complete[number] = replace(relation, members=np.append(relation.members, place))
    return n, complete


MINIMUM_N = 10
"""Fewest unweighted respondents behind a figure that may be shown."""

FIGURE_COLUMNS = (
    "estimate",
    "se",
    "ci_low",
    "ci_high",
    "df",
    "n",
    "n_psu",
    "sum_weight",
    "deff",
    "reference",
    "difference",
    "p",
    "n_reference",
)
"""Columns that are blanked in a hidden row, as far as the table has them."""


class SuppressionReason(StrEnum):
    """Reason why a cell is not shown; empty for a cell that is shown.

    The order is that of the rules: a cell has the reason of the first rule that hid it.
    """

    SHOWN = ""
    EMPTY = "empty"
    TOO_FEW = "too_few"
    UNANIMOUS = "unanimous"
    DIFFERENCING = "differencing"
    SECONDARY = "secondary"


HIDDEN = "hidden"
"""The reason that readers see, whichever rule hid the cell. The rules tell counts apart: a cell
hidden for too few people has 1 to 9 of them, one hidden for another cell's sake at least 10, and
with the totals shown beside them that was enough to solve for some exactly."""
PUBLISHED_REASONS = ("", HIDDEN)
REASONS = tuple(reason.value for reason in SuppressionReason)


def apply_suppression(
    table: pd.DataFrame, reasons: NDArray[np.int8], figures: Sequence[str] = FIGURE_COLUMNS
) -> pd.DataFrame:
    """Return a copy of `table` with `shown` and `reason` from `reasons`; hidden `figures`: null.

    `reasons` are places in `REASONS`, one a row.
    """
    hidden = reasons > 0
    # Its columns are replaced one by one, so nothing of the others need be copied.
    result = table.copy(deep=False)
    result["shown"] = ~hidden
    result["reason"] = pd.Categorical.from_codes(reasons, categories=pd.Index(REASONS))
    for column in figures:
        if column in result.columns:
            values = result[column].to_numpy(dtype=float)
            result[column] = np.where(hidden, np.nan, values)
    return result


def count_hidden_by_rule(table: pd.DataFrame) -> dict[str, int]:
    """Count the rows of a protected table that each rule has hidden, by reason."""
    counted = table["reason"].value_counts()
    return {reason: int(counted.get(reason, 0)) for reason in REASONS if reason}


def mask_sensitive_reason(table: pd.DataFrame) -> pd.DataFrame:
    """Return a copy of a protected table with the reason `unanimous` replaced by `secondary`.

    The true reason would tell what it hides, that all of them gave the same answer.
    """
    codes = table["reason"].cat.codes.to_numpy()
    public_codes = np.where(
        codes == REASONS.index(SuppressionReason.UNANIMOUS),
        REASONS.index(SuppressionReason.SECONDARY),
        codes,
    )
    reason = pd.Categorical.from_codes(public_codes.astype(np.int8), categories=pd.Index(REASONS))
    return table.assign(reason=reason)


def mask_reasons(table: pd.DataFrame) -> pd.DataFrame:
    """Return a copy of a protected table with one reason and no status for all hidden rows.

    The status of a hidden row would tell as well: `empty` that nobody is in it, `not_estimable`
    that all of them come from one sampling point.
    """
    hidden = ~table["shown"].to_numpy(dtype=bool)
    neutral_reason = pd.Categorical.from_codes(
        hidden.astype(np.int8), _get_shared_index(PUBLISHED_REASONS)
    )
    result = table.assign(reason=neutral_reason)
    if "status" in table.columns:
        codes, labels = encode_labels(table["status"])
        every = (*labels, "") if "" not in labels else tuple(labels)
        codes = np.where(hidden, every.index(""), codes).astype(np.int8)
        result["status"] = pd.Categorical.from_codes(codes, _get_shared_index(every))
    return result


@lru_cache(maxsize=64)
def _get_shared_index(labels: tuple[str, ...]) -> pd.Index:
    """Return one cached index for equal labels, so that comparing categories is fast."""
    return pd.Index(labels)


CELL_KEYS = ("area_level", "area", "group", "indicator")


def propagate_suppression(
    table: pd.DataFrame,
    cells: pd.DataFrame,
    *,
    by: Sequence[str] = CELL_KEYS,
    at: Mapping[str, str | pd.Series] | None = None,
    figures: Sequence[str] = (),
) -> pd.DataFrame:
    """Return a copy of `table`, rows hidden if the row of `cells` with their keys `by` is hidden.

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
    reasons = find_cell_reasons(table, cells, by=by, at=at)
    if "reason" in table.columns:
        reasons = take_first_reasons(encode_reasons(table), reasons)
    return apply_suppression(table, reasons, (*FIGURE_COLUMNS, *figures))


def find_cell_reasons(
    table: pd.DataFrame,
    cells: pd.DataFrame,
    *,
    by: Sequence[str] = CELL_KEYS,
    at: Mapping[str, str | pd.Series] | None = None,
) -> NDArray[np.int8]:
    """Return, for each row of `table`, the reason code of the row of `cells` with its keys `by`.

    Arguments and errors are those of `propagate_suppression`.
    """
    return encode_reasons(cells)[_find_rows(table, cells, by, dict(at or {}))]


def take_first_reasons(first: NDArray[np.int8], *further: NDArray[np.int8]) -> NDArray[np.int8]:
    """Return each row's first reason code above 0 (shown), from `first`, then further arrays."""
    result = first
    for reasons in further:
        result = np.where(result > 0, result, reasons)
    return result


def _find_rows(
    table: pd.DataFrame,
    cells: pd.DataFrame,
    by: Sequence[str],
    fixed: Mapping[str, str | pd.Series],
) -> NDArray[np.int64]:
    """Return, for each row of `table`, the row number in `cells` with its keys, or `fixed` ones."""
    if not len(table):
        return np.zeros(0, dtype=np.int64)
    known, row = np.zeros(len(cells), dtype=np.int64), np.zeros(len(table), dtype=np.int64)
    is_known, size = np.ones(len(table), dtype=bool), 1
    for key in by:
        codes, labels = encode_labels(cells[key])
        asked, names = encode_labels(_get_key_column(table, key, fixed))
        place = {label: number for number, label in enumerate(labels)}
        wanted = np.array([place.get(name, -1) for name in names], dtype=np.int64)[asked]
        is_known &= wanted >= 0
        size *= len(labels)
        known = known * len(labels) + codes
        row = row * len(labels) + wanted
    # Every combination of labels has its place, many more than there are cells.
    row_at = np.full(size, -1, dtype=np.int32)
    row_at[known] = np.arange(len(cells))
    row = np.where(is_known, row_at[np.where(is_known, row, 0)], -1)
    if (row < 0).any():
        first = int(np.flatnonzero(row < 0)[0])
        raise KeyError(tuple(str(_get_key_column(table, key, fixed).iloc[first]) for key in by))
    return row


def _get_key_column(
    table: pd.DataFrame, key: str, fixed: Mapping[str, str | pd.Series]
) -> pd.Series:
    if key not in fixed:
        return table[key]
    given = fixed[key]
    if isinstance(given, pd.Series):
        return given
    constant = pd.Categorical.from_codes(np.zeros(len(table), dtype=np.int8), pd.Index([given]))
    return pd.Series(constant, index=table.index)


def encode_reasons(table: pd.DataFrame) -> NDArray[np.int8]:
    """Return the reason of each row of a protected table as a position in `REASONS`."""
    codes, labels = encode_labels(table["reason"])
    return np.array([REASONS.index(label) for label in labels], dtype=np.int8)[codes]
