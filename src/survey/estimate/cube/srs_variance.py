"""Simple-random variances of a cube.

They are the denominator of deff, and, times the assumed deff, the whole error of a sample whose
points were not recorded.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from survey.estimate.arrays import Floats, ratio
from survey.estimate.cube.levels import LevelView
from survey.estimate.cube.rows import Chunk, CubeRows

MIX_TOLERANCE = 1e-14


def simple_variances(views: Sequence[LevelView]) -> list[Floats]:
    """Return the simple-random variance (with replacement) of every figure, (A, G, T) per level."""
    variances = []
    for view, squares in zip(views, squares_of(views), strict=True):
        variances.append(ratio(squares * view.base, view.members - 1, np.nan))
    return variances


def squares_of(views: Sequence[LevelView]) -> list[Floats]:
    """Return the sum of w u^2, u a row's linearised value over its weight, (A, G, T) per level."""
    dense = _dense_squares(views)
    level_squares = []
    for view, rows_squares in zip(views, dense, strict=True):
        squares = _small_squares(view)
        squares[..., view.sums.plan.dense] = rows_squares
        level_squares.append(squares * view.coverage**2)
    return level_squares


def contrast_squares(view: LevelView, reference: LevelView) -> Floats:
    """Return the sum over the rows of each area of w (u - v)^2 - w v^2, shape (A, G, T).

    u and v are linearised about the area and about the larger area that contains it.
    """
    basis = StatisticBasis.of(view.sums.plan.omega, mixed=False)
    second_pass = _SecondPass(view.sums.rows, basis)
    own, other = _kernels(view, basis, covered=True), _kernels(reference, basis, covered=True)
    products = np.zeros((len(view.level.labels), len(basis.pairs), len(view.sums.rows.member)))
    for chunk in view.sums.rows.chunks:
        area, larger = (level.of_block[chunk.block] for level in (view.level, reference.level))
        if area < 0:
            continue
        second_pass.at(chunk)
        whole = [kernel[larger] for kernel in other]
        gap = [kernel[area] - wide for kernel, wide in zip(own, whole, strict=True)]
        products[area] += second_pass.products(gap) - second_pass.products(whole)
    return basis.squares(products)


def _small_squares(view: LevelView) -> Floats:
    """Return the sum of w u^2 from squares and products of pairs, exact for up to three columns."""
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


def _dense_squares(views: Sequence[LevelView]) -> list[Floats]:
    """Return the sum of w u^2 over the rows for statistics of many columns, (A, G, dense)."""
    sums = views[0].sums
    basis = StatisticBasis.of(sums.plan.omega[sums.plan.dense], mixed=True)
    shape = (len(basis.pairs), len(sums.rows.member))
    level_products = [np.zeros((len(view.level.labels), *shape)) for view in views]
    if len(basis.omega):
        second_pass = _SecondPass(sums.rows, basis)
        kernels = [_kernels(view, basis, covered=False) for view in views]
        for chunk in sums.rows.chunks:
            second_pass.at(chunk)
            for view, kernel, products in zip(views, kernels, level_products, strict=True):
                if (area := view.level.of_block[chunk.block]) >= 0:
                    products[area] += second_pass.products([lines[area] for lines in kernel])
    return [basis.squares(products) for products in level_products]


@dataclass(frozen=True)
class StatisticBasis:
    """Statistics of which the others are linear combinations.

    The composite is a combination of the first-level indicators, and so are its linearised values.
    """

    omega: Floats
    """Shape (b, K)."""
    mix: Floats
    """Each statistic as a combination of the basis, shape (t, b)."""
    pairs: list[tuple[int, int]]
    """Products of two basis statistics that some statistic needs."""

    @classmethod
    def of(cls, omega: Floats, *, mixed: bool) -> "StatisticBasis":
        """Return a basis of `omega` (t, K), or, not `mixed`, every statistic by itself."""
        chosen: list[int] = []
        mix = np.zeros((len(omega), len(omega)))
        smallest_first = np.argsort((omega != 0).sum(axis=1), kind="stable")
        for t in smallest_first if mixed else range(len(omega)):
            share = np.zeros(len(chosen))
            if mixed and chosen:
                share = np.linalg.lstsq(omega[chosen].T, omega[t], rcond=None)[0]
            if mixed and np.allclose(share @ omega[chosen], omega[t], rtol=0, atol=MIX_TOLERANCE):
                mix[t, : len(chosen)] = share
            else:
                mix[t, len(chosen)] = 1.0
                chosen.append(int(t))
        mix = mix[:, : len(chosen)]
        needed = np.abs(mix).T @ np.abs(mix) > 0
        pairs = [(a, b) for a in range(len(chosen)) for b in range(a + 1) if needed[a, b]]
        return cls(omega[chosen], mix, pairs)

    def squares(self, products: Floats) -> Floats:
        """Return sums of w u^2 by statistic (A, G, t) from sums of products (A, pairs, G)."""
        share = np.array([self.mix[:, a] * self.mix[:, b] * (1 + (a != b)) for a, b in self.pairs])
        share = share.reshape(len(self.pairs), len(self.mix))
        return np.asarray(products.transpose(0, 2, 1) @ share)


class _SecondPass:
    """Second pass over the rows, chunk by chunk."""

    def __init__(self, rows: CubeRows, basis: StatisticBasis) -> None:
        self._rows, self._pairs = rows, basis.pairs
        columns = [np.flatnonzero(line) for line in basis.omega]
        self._lines = [np.concatenate([c, rows.columns + c]) for c in columns]
        self._spaces = rows.workspace(2 * rows.columns), rows.workspace(len(rows.member))

    def at(self, chunk: Chunk) -> None:
        features = self._rows.features(chunk, self._spaces[0])
        self._mass = self._rows.mass(chunk, self._spaces[1])
        self._features = [features[lines] for lines in self._lines]

    def products(self, kernels: Sequence[Floats]) -> Floats:
        """Return the sum over the chunk's rows of w u_a u_b, u = kernel (G, 2k) @ features."""
        u = [kernel @ features for kernel, features in zip(kernels, self._features, strict=True)]
        weighted = [values * self._mass for values in u]
        return np.array([np.vecdot(weighted[a], u[b]) for a, b in self._pairs])


def _kernels(view: LevelView, basis: StatisticBasis, *, covered: bool) -> list[Floats]:
    """Return matrices (A, G, 2k) that turn the rows' features into u of every group.

    One per statistic of the basis; `covered` multiplies by the coverage of the statistic in the
    same place.
    """
    kernels = []
    for t, line in enumerate(basis.omega):
        columns = np.flatnonzero(line)
        slope = line[columns] * view.inverse[..., columns]
        if covered:
            slope *= np.nan_to_num(view.coverage[..., t, None])
        kernels.append(np.concatenate([-view.mean[..., columns] * slope, slope], axis=2))
    return kernels
