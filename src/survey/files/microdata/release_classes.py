"""Classes of rows that share city, stratum, weight and labels, merged until large enough.

The weights of a city are census figures over counts, one for each age band and gender, so a weight
is the name of a cell: whoever groups equal weights reads age and gender where they were blanked.
Therefore weight and labels are coarsened together. Within a stratum the interviews of one cell are
a class; a class that is too small is merged with its nearest neighbour, the interviews of a merge
get the mean of their weights (their sum stays), and a label in which they differ is blanked for all
of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd


_DIGITS = 12
"""Significant digits of a weight in a file: sums hold, and no noise of the raking tells cells."""
_NOISE = 1e-9
"""Relative; weights of a city that differ by less are one weight."""
_UNIT = {"gender": 100, "age_band": 10}
"""Distance of two labels for each step between them; 1 for every other column."""


@dataclass(frozen=True, eq=False)
class _Class:
    """Rows that share weight and labels, with the labels' codes before merging."""

    rows: NDArray[np.int64]
    labels: frozenset[tuple[int, ...]]

    @property
    def order(self) -> tuple[int, list[tuple[int, ...]], int]:
        return len(self.rows), sorted(self.labels), int(self.rows[0])

    def joined(self, other: "_Class") -> "_Class":
        return _Class(np.concatenate([self.rows, other.rows]), self.labels | other.labels)


def merge_classes(
    people: pd.DataFrame,
    *,
    city: str,
    stratum: str,
    weight: str,
    labels: Sequence[str],
    minimum: int,
) -> pd.DataFrame:
    """Return weight and `labels` by row, merged until `minimum` rows share each combination.

    Args:
        people: rows with `city`, `stratum`, `weight` and the columns `labels`; every stratum lies
            in a city and has at least `minimum` rows.

    Returns:
        The columns `weight` and `labels`, aligned with `people`. The weights of every stratum, and
        so of every city, add up to what they did, to 12 digits.
    """
    result = people[[weight, *labels]].copy()
    weights, distinct = _remove_noise(people[weight], people[city])
    positions = np.empty((len(people), len(labels)), dtype=np.int64)
    for column, name in enumerate(labels):
        positions[:, column] = _find_category_positions(people[name])
    units = np.array([_UNIT.get(name, 1) for name in labels])
    merged = weights.copy()
    differs = np.zeros((len(people), len(labels)), dtype=bool)
    for cells in _iterate_cells_by_stratum(people[stratum], positions, distinct):
        start = _group_by_weight(
            [_Class(cell, frozenset({tuple(positions[cell[0]].tolist())})) for cell in cells],
            minimum,
        )
        for release_class in _merge_small_classes(start, units, minimum):
            merged[release_class.rows] = float(f"{weights[release_class.rows].mean():.{_DIGITS}g}")
            for column in range(len(labels)):
                differs[release_class.rows, column] = (
                    len({label[column] for label in release_class.labels}) > 1
                )
    result[weight] = merged
    for column, name in enumerate(labels):
        result.loc[differs[:, column], name] = None
    return result


def _iterate_cells_by_stratum(
    stratum: pd.Series, positions: NDArray[np.int64], weights: NDArray[np.int64]
) -> Iterator[list[NDArray[np.int64]]]:
    """Yield per stratum a list of arrays: numbers of rows with equal labels and weight."""
    if not len(stratum):
        return
    of_row, _ = pd.factorize(stratum.astype(str), sort=True)
    # The last key is the first to sort by; rows that share all stay in their order.
    order = np.lexsort((weights, *positions.T[::-1], of_row))
    keys = np.column_stack((of_row, positions, weights))[order]
    differs = np.diff(keys, axis=0) != 0
    strata = np.flatnonzero(differs[:, 0]) + 1
    cells = np.flatnonzero(differs.any(axis=1)) + 1
    for first, last in pairwise((0, *strata.tolist(), len(order))):
        inside = cells[(cells > first) & (cells < last)]
        yield np.split(order[first:last], inside - first)


def _remove_noise(weights: pd.Series, city: pd.Series) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return weights with rounding noise removed by city, and by row the number of its weight."""
    table = pd.DataFrame({"city": city.astype(str), "weight": weights.astype(float)})
    ordered = table.sort_values(["city", "weight"])
    step = ordered["weight"] > ordered["weight"].shift(1) * (1 + _NOISE)
    begins = step | (ordered["city"] != ordered["city"].shift(1))
    distinct = begins.astype(np.int64).cumsum().reindex(table.index)
    same = table["weight"].groupby(distinct).transform("mean")
    return same.to_numpy(dtype=float), np.asarray(distinct, dtype=np.int64)


def _find_category_positions(column: pd.Series) -> NDArray[np.int64]:
    """Return by row the position of its label among all categories; a missing label is last."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, count = column.cat.codes.to_numpy(dtype=np.int64), len(column.cat.categories)
    else:
        codes, distinct = pd.factorize(column.astype("string"), sort=True)
        count = len(distinct)
    return np.where(codes < 0, count, codes).astype(np.int64)


def _group_by_weight(classes: list[_Class], minimum: int) -> list[_Class]:
    """Return classes, those of equal labels joined with the next weight up to `minimum` rows.

    Weights that came with the interviews may differ in every row; the mean of neighbouring weights
    is near to each of them. `classes` are in the order of their labels and weights.
    """
    joined: list[_Class] = []
    for release_class in classes:
        before = joined[-1] if joined else None
        if before and before.labels == release_class.labels and len(before.rows) < minimum:
            joined[-1] = before.joined(release_class)
        else:
            joined.append(release_class)
    for place in range(len(joined) - 1, 0, -1):
        last, before = joined[place], joined[place - 1]
        if last.labels == before.labels and len(last.rows) < minimum:
            joined[place - 1 : place + 1] = [before.joined(last)]
    return joined


def _merge_small_classes(
    classes: list[_Class], units: NDArray[np.int64], minimum: int
) -> list[_Class]:
    """Return a stratum's classes, the smallest merged with its nearest until none is too small."""
    left = list(classes)
    while len(left) > 1:
        small = min(left, key=lambda candidate: candidate.order)
        if len(small.rows) >= minimum:
            break
        left.remove(small)
        near = min(
            left,
            key=lambda candidate: (_measure_distance(small, candidate, units), candidate.order),
        )
        left.remove(near)
        left.append(small.joined(near))
    return left


def _measure_distance(first: _Class, other: _Class, units: NDArray[np.int64]) -> int:
    """Return the least distance of two classes' labels, each column multiplied by its unit."""
    return min(
        int((np.abs(np.subtract(left, right)) * units).sum())
        for left, right in product(first.labels, other.labels)
    )
