"""Declaration of the cells that add up to each other, and their places in a cube."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Key = tuple[str, ...]
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class AdditiveTotal:
    """Sum that a reader can compute: `parts` make up `whole`, whatever the other keys are.

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
    """Total in places of one axis of a cube, the whole first."""

    axis: int
    members: Numbers
    mixture: bool


def relation_matrix(relations: Sequence[Relation], size: int) -> Floats:
    """Return one row per relation over the places of its axis: the whole 1, each part -1."""
    matrix = np.zeros((len(relations), size))
    for row, relation in enumerate(relations):
        matrix[row, relation.members[0]] = 1.0
        matrix[row, relation.members[1:]] = -1.0
    return matrix


class CubeAxes:
    """Axes of a table as a cube; key columns that a total names together are one axis.

    Labels are in the order of their text, so that the order of rows decides nothing.
    """

    def __init__(
        self, table: pd.DataFrame, by: Sequence[str], totals: Sequence[AdditiveTotal]
    ) -> None:
        self.columns = _order_axes(by, totals)
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
        """Return the values of the rows by place; `empty` where there is no row."""
        result = np.full(self.shape, empty)
        result[self.positions] = values
        return result

    def relations(self, totals: Sequence[AdditiveTotal]) -> list[Relation]:
        """Return the totals whose whole and at least one part are in the table."""
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


def _order_axes(by: Sequence[str], totals: Sequence[AdditiveTotal]) -> list[Key]:
    """Return the axes in the order of `by`."""
    named = list(dict.fromkeys(total.along for total in totals))
    named_columns = [column for along in named for column in along]
    if len(set(named_columns)) < len(named_columns) or not set(named_columns) <= set(by):
        raise ValueError(f"totals must name key columns, each in one axis: {named}")
    alone = [(column,) for column in by if column not in named_columns]
    return sorted([*named, *alone], key=lambda columns: list(by).index(columns[0]))


def encode_labels(column: pd.Series) -> tuple[Numbers, list[str]]:
    """Return the place of each value among the distinct ones in text order, and these texts."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, texts = column.cat.codes.to_numpy(), column.cat.categories.astype(str).to_numpy()
    else:
        codes, distinct = pd.factorize(column)
        texts = np.asarray(distinct).astype(str)
    labels, place = np.unique(texts.astype(object), return_inverse=True)
    return place.astype(np.int64)[codes], labels.tolist()


def _encode_keys(frame: pd.DataFrame) -> tuple[Numbers, list[Key]]:
    """Return the place of each row among the distinct keys of several columns, and these keys."""
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
    """Fill the places that `add_remainder_cells` added: what the parts leave of the whole."""
    for before, after in zip(relations, complete, strict=True):
        if len(after.members) > len(before.members):
            moved = np.moveaxis(values, before.axis, 0)
            whole, *parts = before.members
            moved[after.members[-1]] = moved[whole] - moved[parts].sum(axis=0)


def add_remainder_cells(
    n: Numbers, relations: Sequence[Relation]
) -> tuple[Numbers, list[Relation]]:
    """Add a place for each relation whose parts do not reach the whole.

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
