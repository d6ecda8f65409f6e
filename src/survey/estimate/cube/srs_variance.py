"""Simple-random variances of a cube.

They are the denominator of deff, and, times the assumed deff, the whole error of a sample whose
points were not recorded.
"""

from collections.abc import Sequence

import numpy as np

from survey.estimate.arrays import Floats, ratio
from survey.estimate.cube.levels import LevelView
from survey.estimate.cube.passes import ContrastProducts, DenseProducts
from survey.estimate.cube.second_pass import StatisticBasis
from survey.estimate.inference import ROUNDING_TOLERANCE


def simple_variances(views: Sequence[LevelView]) -> list[Floats]:
    """Return, per view (area level), the variance of its figures under simple random sampling."""
    variances = []
    for view, squares in zip(views, squares_of(views), strict=True):
        variances.append(ratio(squares * view.base, view.members - 1, np.nan))
    return variances


def squares_of(views: Sequence[LevelView]) -> list[Floats]:
    """Return, per view (area level), figures' weighted sums of squared linearised values."""
    dense = _compute_dense_squares(views)
    level_squares = []
    for view, rows_squares in zip(views, dense, strict=True):
        squares = _compute_small_squares(view)
        squares[..., view.sums.plan.dense] = rows_squares
        level_squares.append(squares * view.coverage**2)
    return level_squares


def contrast_squares(view: LevelView, reference: LevelView) -> Floats:
    """Return sums of w ((u - v)² - v²); u, v: linearised about the area, the larger area.

    u and v are linearised about the area and about the larger area that contains it.
    """
    basis = StatisticBasis.of(view.sums.plan.omega, mixed=False)
    (products,) = view.passes.fetch(ContrastProducts(view.level.name, reference.level.name))
    return basis.squares(view.to_areas(products))


def _compute_small_squares(view: LevelView) -> Floats:
    """Return weighted sums of squares of statistics of up to three columns, from sums by block."""
    plan, mean, inverse = view.sums.plan, view.mean, view.inverse
    total = view.to_areas(view.sums.moments.square)
    own = total - mean**2 * view.mass
    # Where all agree the two are the same but for their last digits, which are no variance.
    own = np.where(own < ROUNDING_TOLERANCE * total, 0.0, own)
    squares = (own * inverse**2) @ (plan.omega**2).T
    if len(plan.pairs):
        a, b = plan.pairs.T
        rr, ry, yr, yy = np.moveaxis(view.to_areas(view.sums.moments.product), 2, 0)
        product = yy - mean[..., a] * ry - mean[..., b] * yr + mean[..., a] * mean[..., b] * rr
        product *= inverse[..., a] * inverse[..., b]
        squares += product @ (2 * plan.omega[:, a] * plan.omega[:, b]).T
    return np.asarray(np.maximum(squares, 0))


def _compute_dense_squares(views: Sequence[LevelView]) -> list[Floats]:
    """Return weighted sums of squares of many-column statistics, by a further pass over rows."""
    plan, is_rest = views[0].sums.plan, views[0].is_rest
    basis = StatisticBasis.of(plan.omega[plan.dense], mixed=True)
    names = tuple(view.level.name for view in views)
    by_level = views[0].passes.fetch(DenseProducts(names, needs_rest=is_rest))
    return [
        basis.squares(view.to_areas(products))
        for view, products in zip(views, by_level, strict=True)
    ]
