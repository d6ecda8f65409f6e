"""Cells that follow from all relations taken together, though from none of them alone.

The relations are linear equations; what a reader knows of the hidden cells is that they solve
them. A hidden cell is determined exactly when every solution of the homogeneous equations is 0
there. Solutions are drawn by projecting random numbers onto the null space (conjugate gradients
on the normal equations, all indicators at once); where the draw is 0, the cell is determined.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from survey.disclosure.suppression import Flags, Floats, Relation, relation_matrix

SEED = 20241201
ZERO = 1e-4
"""A draw below this is called 0; a cell that is free falls below it about once in 10,000 times
and is then protected without need."""
_TOLERANCE = 1e-10
_STEPS = 1500
_SIFT = 25


def find_determined_cells(
    hidden: Flags, relations: Sequence[Relation], since: Flags | None = None
) -> Flags:
    """Return flags of hidden cells that totals determine; slices equal in `since` are skipped.

    Where nothing has changed `since`, which was looked at before, nothing is found again.
    """
    adding = [relation for relation in relations if not relation.mixture]
    if not adding or not hidden.any():
        return np.zeros_like(hidden)
    axes = sorted({relation.axis for relation in adding})
    others = [axis for axis in range(hidden.ndim) if axis not in axes]
    moved = hidden.transpose(*axes, *others)
    unknown = moved.reshape(*(hidden.shape[axis] for axis in axes), -1)
    flat = unknown.reshape(-1, unknown.shape[-1])
    if since is not None:
        earlier = since.transpose(*axes, *others).reshape(flat.shape)
        flat = flat & (flat != earlier).any(axis=0)
    patterns, which = np.unique(flat, axis=1, return_inverse=True)
    sums = [
        relation_matrix(
            [relation for relation in adding if relation.axis == axis], hidden.shape[axis]
        )
        for axis in axes
    ]
    free = _draw_from_null_space(_System(patterns.reshape(*unknown.shape[:-1], -1), sums))
    fixed = (np.abs(free) < ZERO).reshape(flat.shape[0], -1) & patterns
    back = fixed[:, which.ravel()].reshape(moved.shape)
    result: Flags = back.transpose(np.argsort([*axes, *others]))
    return result


@dataclass(frozen=True, eq=False)
class _Side:
    """Equations of the totals along one axis, each weighted by one over its hidden members."""

    matrix: Floats
    axis: int
    weight: Floats

    def normal(self, values: Floats) -> Floats:
        misfit = self.weight * _apply_along_axis(self.matrix, values, self.axis)
        return _apply_along_axis(self.matrix.T, misfit, self.axis)


class _System:
    """Normal equations of hidden cells' values; each last-axis index is a system of its own."""

    def __init__(self, unknown: NDArray[np.generic], sums: Sequence[Floats]) -> None:
        self.unknown, self._sums = unknown.astype(float), sums
        self._sides = [
            _Side(
                matrix,
                axis,
                1 / np.maximum(_apply_along_axis(np.abs(matrix), self.unknown, axis), 1),
            )
            for axis, matrix in enumerate(sums)
        ]

    def only(self, kept: Flags) -> "_System":
        return _System(self.unknown[..., kept], self._sums)

    def __call__(self, values: Floats) -> Floats:
        total = np.zeros_like(values)
        for side in self._sides:
            total += side.normal(values)
        total *= self.unknown
        return total


def _apply_along_axis(matrix: Floats, values: Floats, axis: int) -> Floats:
    """Return `matrix` times `values` along one axis."""
    first = np.moveaxis(values, axis, 0)
    result = (matrix @ first.reshape(len(first), -1)).reshape(len(matrix), *first.shape[1:])
    turned: Floats = np.moveaxis(result, 0, axis)
    return turned


def _draw_from_null_space(system: "_System") -> Floats:
    """Return, per system, a random change of hidden cells that leaves every total unchanged."""
    rng = np.random.default_rng(SEED)
    draw = rng.uniform(-1.0, 1.0, system.unknown.shape[:-1])[..., None] * system.unknown
    free: Floats = draw.copy()
    going = np.arange(draw.shape[-1])
    part, rest = system, system(draw)
    direction, size = rest, _sum_squares(rest)
    enough = size * _TOLERANCE**2
    for count in range(_STEPS):
        left = size > enough
        if not left.any():
            break
        if count % _SIFT == 0 and not left.all():
            going, part, rest = going[left], part.only(left), rest[..., left]
            direction, size, enough = direction[..., left], size[left], enough[left]
            left = left[left]
        image = part(direction)
        curve = np.sum(direction * image, axis=_list_inner_axes(image))
        step = np.where(left, size / np.where(left, curve, 1), 0)
        free[..., going] -= step * direction
        rest = rest - step * image
        before, size = size, np.where(left, _sum_squares(rest), size)
        direction = np.where(left, rest + size / np.where(left, before, 1) * direction, direction)
    return free


def _sum_squares(values: Floats) -> Floats:
    total: Floats = np.sum(values * values, axis=_list_inner_axes(values))
    return total


def _list_inner_axes(values: Floats) -> tuple[int, ...]:
    return tuple(range(values.ndim - 1))
