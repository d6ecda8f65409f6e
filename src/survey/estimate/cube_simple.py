"""Simple-random variances of a cube: the denominator of deff, and, times the assumed deff, the
whole error of a sample whose points were not recorded."""

from collections.abc import Callable, Sequence

import numpy as np

from survey.estimate.arrays import Floats, add_up, ratio
from survey.estimate.cube_levels import View
from survey.estimate.cube_rows import Chunk, Rows
from survey.estimate.parallel import in_parallel


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
    plan = view.sums.plan

    def contrast(look: _Look, chunk: Chunk) -> Floats:
        own = _kernel(view, view.level.of_block[chunk.block], plan.omega)
        other = _kernel(reference, reference.level.of_block[chunk.block], plan.omega)
        return look.squares(own - other) - look.squares(other)

    return _look_through([view], plan.omega, [contrast])[0]


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
    omega = views[0].sums.plan.omega[views[0].sums.plan.dense]

    def squares_in(view: View) -> Callable[[_Look, Chunk], Floats]:
        return lambda look, chunk: look.squares(
            _kernel(view, view.level.of_block[chunk.block], omega, covered=False)
        )

    return _look_through(views, omega, [squares_in(view) for view in views])


def _look_through(
    views: Sequence[View],
    omega: Floats,
    figures: Sequence[Callable[["_Look", Chunk], Floats]],
) -> list[Floats]:
    """Figures (G, t) of every chunk, one function per view, added up to its areas (A, G, t)."""
    rows, shape = views[0].sums.rows, (len(views[0].sums.rows.member), len(omega))
    found = np.zeros((len(views), len(rows.chunks), *shape))
    home = [view.level.of_block[[chunk.block for chunk in rows.chunks]] for view in views]

    def work(chunks: Sequence[tuple[int, Chunk]]) -> None:
        look = _Look(rows, len(omega))
        for place, chunk in chunks:
            look.at(chunk)
            for codes, figure, figures_found in zip(home, figures, found, strict=True):
                if codes[place] >= 0:
                    figures_found[place] = figure(look, chunk)

    if len(omega):
        in_parallel(work, list(enumerate(rows.chunks)))
    return [
        add_up(codes, figure, len(view.level.labels))
        for view, codes, figure in zip(views, home, found, strict=True)
    ]


class _Look:
    """A second look at the rows, chunk by chunk."""

    def __init__(self, rows: Rows, statistics: int) -> None:
        self._rows, groups = rows, len(rows.member)
        self._spaces = [
            rows.workspace(lines) for lines in (2 * rows.columns, groups, statistics * groups)
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
