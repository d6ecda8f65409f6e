"""Simple-random variances of a cube: the denominator of deff, and, times the assumed deff, the
whole error of a sample whose points were not recorded."""

from collections.abc import Sequence

import numpy as np

from survey.estimate.arrays import Floats, ratio
from survey.estimate.cube_levels import View
from survey.estimate.cube_rows import Chunk


def simple_variances(views: Sequence[View]) -> list[Floats]:
    """Simple-random variance (with replacement) of every figure, one (A, G, T) per level."""
    found = []
    for view, squares in zip(views, squares_of(views), strict=True):
        found.append(ratio(squares * view.base, view.members - 1, np.nan))
    return found


def squares_of(views: Sequence[View]) -> list[Floats]:
    """Sum of w u^2, u the linearised value of a row over its weight, one (A, G, T) per level."""
    dense = _dense_squares(views)
    found = []
    for view, rows_squares in zip(views, dense, strict=True):
        squares = _small_squares(view)
        squares[..., view.sums.plan.dense] = rows_squares
        found.append(squares * view.coverage**2)
    return found


def contrast_squares(view: View, reference: View) -> Floats:
    """Sum over the rows of each area of w (u - v)^2 - w v^2, with u and v linearised about the
    area and about the larger area that contains it, shape (A, G, T)."""
    sums, omega = view.sums, view.sums.plan.omega
    found = np.zeros((len(view.level.labels), *sums.moments.n.shape[1:]))
    look = _Look(view, len(omega))
    for chunk in sums.rows.chunks:
        if (area := view.level.of_block[chunk.block]) < 0:
            continue
        look.at(chunk)
        own = _kernel(view, area, omega)
        other = _kernel(reference, reference.level.of_block[chunk.block], omega)
        found[area] += look.squares(own - other)
        found[area] -= look.squares(other)
    return found


def _small_squares(view: View) -> Floats:
    """Sum of w u^2 from squares and products of pairs, exact for up to three columns."""
    plan, mean, inverse = view.sums.plan, view.mean, view.inverse
    own = view.to_areas(view.sums.moments.square) - mean**2 * view.mass
    squares = (own * inverse**2) @ (plan.omega**2).T
    if len(plan.pairs):
        a, b = plan.pairs.T
        rr, ry, yr, yy = np.moveaxis(view.to_areas(view.sums.moments.product), 2, 0)
        product = yy - mean[..., a] * ry - mean[..., b] * yr + mean[..., a] * mean[..., b] * rr
        product *= inverse[..., a] * inverse[..., b]
        squares += product @ (2 * plan.omega[:, a] * plan.omega[:, b]).T
    return np.asarray(np.maximum(squares, 0))


def _dense_squares(views: Sequence[View]) -> list[Floats]:
    """Sum of w u^2 over the rows for statistics of many columns, (A, G, dense) per level."""
    sums = views[0].sums
    groups, omega = len(sums.rows.member), sums.plan.omega[sums.plan.dense]
    found = [np.zeros((len(view.level.labels), groups, len(omega))) for view in views]
    if not len(omega):
        return found
    look = _Look(views[0], len(omega))
    for chunk in sums.rows.chunks:
        look.at(chunk)
        for view, squares in zip(views, found, strict=True):
            if (area := view.level.of_block[chunk.block]) >= 0:
                squares[area] += look.squares(_kernel(view, area, omega, covered=False))
    return found


class _Look:
    """A second look at the rows, chunk by chunk."""

    def __init__(self, view: View, statistics: int) -> None:
        self._rows, groups = view.sums.rows, len(view.sums.rows.member)
        self._spaces = [
            self._rows.workspace(lines)
            for lines in (2 * self._rows.columns, groups, statistics * groups)
        ]

    def at(self, chunk: Chunk) -> None:
        self._features = self._rows.features(chunk, self._spaces[0])
        self._mass = self._rows.mass(chunk, self._spaces[1])

    def squares(self, kernel: Floats) -> Floats:
        """Sum over the chunk's rows of w u^2, u = kernel (t * G, 2K) @ features, shape (G, t)."""
        groups, rows = self._mass.shape
        u = np.matmul(kernel, self._features, out=self._spaces[2][:, :rows])
        u *= u
        return np.asarray(np.vecdot(u.reshape(-1, groups, rows), self._mass)).T


def _kernel(view: View, area: int, omega: Floats, *, covered: bool = True) -> Floats:
    """Matrix that turns the rows' features into u of every group, shape (t * G, 2K)."""
    slope = omega[:, None, :] * view.inverse[area]
    if covered:
        slope *= view.coverage[area].T[:, :, None]
    kernel = np.concatenate([-view.mean[area] * slope, slope], axis=2)
    return kernel.reshape(-1, kernel.shape[2])
