"""Exchanges of respondents that keep all totals, to free cells that these determine.

An exchange along one axis moves a respondent from one part to another and changes every whole
that has only one of the two: a city against a city, with those of their provinces and tiers that
differ. Exchanges of all axes, multiplied, change no relation; hide the cells they touch, and none
of these can be determined. For each determined cell the exchange is taken that hides the fewest
respondents more.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, islice, product

import numpy as np

from survey.disclosure.suppression import Flags, Floats, Numbers, Relation, relation_matrix

_FORBIDDEN_COST = 1e15
_MAX_ARRIVALS = 20_000
_BATCH_SIZE = 1024
_PRODUCT_ROWS = 64
"""Exchanges along the first axis that are multiplied with all of the other axes at once."""


@dataclass(frozen=True, eq=False)
class AxisMoves:
    """Changes of counts along one axis that keep every total true, as flags of cells (m, size)."""

    exchanges: Flags
    arrivals: Flags
    """One respondent more in a whole and in one part of each of its relations; for a whole that
    no exchange touches."""

    def touching(self, place: int) -> Flags:
        fit = self.exchanges[self.exchanges[:, place]]
        return fit if len(fit) else self.arrivals[self.arrivals[:, place]]


@dataclass(frozen=True, eq=False)
class CubeMoves:
    """Changes of counts that keep every total true, for each axis of a cube that has totals."""

    axes: tuple[int, ...]
    moves: tuple[AxisMoves, ...]

    @classmethod
    def of(cls, relations: Sequence[Relation], shape: Sequence[int]) -> "CubeMoves":
        adding = [relation for relation in relations if not relation.mixture]
        axes = tuple(sorted({relation.axis for relation in adding}))
        moves = [
            _build_axis_moves(
                [relation for relation in adding if relation.axis == axis], shape[axis]
            )
            for axis in axes
        ]
        return cls(axes, tuple(moves))


def _build_axis_moves(relations: Sequence[Relation], size: int) -> AxisMoves:
    sums = relation_matrix(relations, size)
    lifted = _lift_matrix(sums)
    wholes = {int(relation.members[0]) for relation in relations}
    parts = sorted({int(part) for relation in relations for part in relation.members[1:]} - wholes)
    pairs = np.array(list(combinations(parts, 2)), dtype=np.int64).reshape(-1, 2)
    exchanges = (
        lifted[batch[:, 0]] - lifted[batch[:, 1]]
        for batch in np.split(pairs, range(_BATCH_SIZE, len(pairs), _BATCH_SIZE))
    )
    arrivals = chain([lifted[parts]], _iter_arrivals(relations, wholes, size))
    return AxisMoves(_find_neutral_changes(exchanges, sums), _find_neutral_changes(arrivals, sums))


def _find_neutral_changes(changes: Iterable[Floats], sums: Floats) -> Flags:
    """Return cells (flags, m × size) of changes that alter no total of `sums` (a row per total).

    Most change one, so all of them together would take many times the memory of what is kept.
    """
    return np.concatenate([change[(change @ sums.T == 0).all(axis=1)] != 0 for change in changes])


def _iter_arrivals(relations: Sequence[Relation], wholes: set[int], size: int) -> Iterator[Floats]:
    """Yield batches of changes that add a person to one of `wholes` and to a part per relation.

    A whole with more than `_MAX_ARRIVALS` ways has none.
    """
    for whole in sorted(wholes):
        ways = [
            relation.members[1:].tolist() for relation in relations if relation.members[0] == whole
        ]
        if math.prod(len(parts) for parts in ways) <= _MAX_ARRIVALS:
            places = product(*ways)
            while batch := list(islice(places, _BATCH_SIZE)):
                arrivals = np.zeros((len(batch), size))
                arrivals[:, whole] = 1.0
                for column in np.array(batch, dtype=np.int64).T:
                    arrivals[np.arange(len(batch)), column] += 1.0
                yield arrivals


def _lift_matrix(sums: Floats) -> Floats:
    """Return a 0/1 matrix: places that, by `sums`, also count a person of each place."""
    size = sums.shape[1]
    lifted = np.eye(size)
    for _ in range(len(sums)):
        above = np.zeros_like(lifted)
        for row in sums:
            above[:, row > 0] = np.maximum(above[:, row > 0], lifted @ (row < 0)[:, None] > 0)
        wider = np.maximum(lifted, above)
        if (wider == lifted).all():
            break
        lifted = wider
    return lifted


def protect_determined_cells(
    hidden: Flags, leaking: Flags, price: Floats, exchanges: CubeMoves
) -> tuple[Flags, Flags]:
    """Return `hidden` with the cheapest cells that unfix cells of `leaking`, and those still fixed.

    `price` is that of hiding a cell; infinite for one without respondents.
    """
    axes, moves = exchanges.axes, exchanges.moves
    others = [axis for axis in range(hidden.ndim) if axis not in axes]
    order = [*axes, *others]
    shape = [hidden.shape[axis] for axis in order]
    flat = [*shape[: len(axes)], -1]
    result = hidden.transpose(order).reshape(flat).copy()
    waiting = leaking.transpose(order).reshape(flat).copy()
    prices = price.transpose(order).reshape(flat)
    for place in np.argwhere(waiting):
        *at, column = place
        if waiting[tuple(place)]:
            left = np.where(
                result[..., column] & np.isfinite(prices[..., column]), 0.0, prices[..., column]
            )
            touched = _find_cheapest_move(left, at, moves)
            if touched is not None:
                result[(*touched, column)] = True
                waiting[(*touched, column)] = False
    back = np.argsort(order)
    return (result.reshape(shape).transpose(back), waiting.reshape(shape).transpose(back))


def _find_cheapest_move(
    price: Floats, at: Sequence[int], moves: Sequence[AxisMoves]
) -> tuple[Numbers, ...] | None:
    """Return the cells of the change through `at` that is cheapest by `price`; else None."""
    fit = [move.touching(int(here)) for move, here in zip(moves, at, strict=True)]
    if any(len(move) == 0 for move in fit):
        return None
    prices = np.minimum(price, _FORBIDDEN_COST)
    first, *further = (move.astype(float) for move in fit)
    cheapest, best = _FORBIDDEN_COST, None
    # All products together would be the largest array of a freeze.
    for start in range(0, len(first), _PRODUCT_ROWS):
        total = prices
        for axis, move in enumerate((first[start : start + _PRODUCT_ROWS], *further)):
            total = np.moveaxis(np.tensordot(move, total, axes=(1, axis)), 0, axis)
        row, *others = np.unravel_index(int(total.argmin()), total.shape)
        if total[row, *others] < cheapest:
            cheapest, best = total[row, *others], (start + row, *others)
    if best is None:
        return None
    chosen = (np.flatnonzero(move[row]) for move, row in zip(fit, best, strict=True))
    return np.ix_(*chosen)
