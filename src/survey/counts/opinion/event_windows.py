"""Differences of daily means before, during and after an event, for autocorrelated days.

What is written on one day goes on on the next, so the days of a window are fewer observations than
they are days. The daily values of all windows are their window's mean plus an error with the
autocorrelation of first order. That is not known: the interval weighs every autocorrelation by its
restricted likelihood. The formulas stand in docs/opinion.md.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr

MIN_WINDOW_DAYS = 3
MIN_DAYS = 14
"""With fewer days in all windows together the autocorrelation cannot be told from chance."""
Floats = NDArray[np.float64]
_GRID_SIZE = 61
_TILT = 0.15
"""Power of 1 - rho by which Jeffreys' weights lean to strong autocorrelations; by the grid of
`benchmarks.truth`: without it 6.9 % of windows of seven days differed at 0.8 though none did, with
a quarter too few at 0."""
_BISECTIONS = 45


@dataclass(frozen=True)
class WindowDifference:
    """Difference of the daily means of two windows of days, with its interval."""

    value: float
    low: float
    high: float
    autocorrelation: float
    """Of one day with the next, as expected from these days."""
    days: int
    """Days of all windows, from which the error was estimated."""

    @property
    def is_clear(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0 or self.high < 0


def compare_windows(
    days: ArrayLike,
    values: ArrayLike,
    windows: ArrayLike,
    *,
    first: int,
    second: int,
    level: float = 0.95,
) -> WindowDifference | None:
    """Return mean of window `second` minus that of `first`, interval at `level`; None if too short.

    Args:
        days: Number of each day, for example its ordinal, in ascending order.
        values: One value a day; a day without one is left out by the caller.
        windows: Window of each day.

    Returns:
        None if one of the two has fewer than `MIN_WINDOW_DAYS`, all together have fewer than
        `MIN_DAYS`, or nothing varies. Other windows with fewer are left out.
    """
    at, observed = np.asarray(days, dtype=float), np.asarray(values, dtype=float)
    labels = np.asarray(windows)
    kinds, counts = np.unique(labels, return_counts=True)
    is_long = np.isin(labels, kinds[counts >= MIN_WINDOW_DAYS])
    at, observed, labels = at[is_long], observed[is_long], labels[is_long]
    kinds, counts = np.unique(labels, return_counts=True)
    if len(at) < MIN_DAYS or not {first, second} <= set(kinds.tolist()):
        return None
    membership = (labels[:, None] == kinds[None, :]).astype(float)
    means = membership / counts
    residuals = observed - membership @ (means.T @ observed)
    squares = float(residuals @ residuals)
    if squares <= 1e-12 * max(1.0, float(observed @ observed)):
        return None
    contrast = (kinds == second).astype(float) - (kinds == first)
    rhos, weights, centres, scales = weigh_autocorrelations(at, residuals, membership, contrast)
    freedom = len(at) - len(kinds)
    value = float(contrast @ (means.T @ observed))
    parts = np.array([(1 - level) / 2, (1 + level) / 2])
    low, high = _find_quantiles(parts, weights, centres, scales, freedom).tolist()
    low, high = value + min(low, 0.0), value + max(high, 0.0)
    return WindowDifference(value, low, high, float(weights @ rhos), len(at))


def weigh_autocorrelations(
    days: Floats, values: Floats, membership: Floats, contrast: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return a grid of autocorrelations, with weight, `contrast` of means and its standard error.

    Each weight is the likelihood of the residuals alone (restricted likelihood, the variance
    integrated out) times the prior; the rhos lie so that Jeffreys' prior (1 - rho^2)^(-1/2) is
    even over them. Days are made independent one after the other: y_t - rho^g y_{t-1} over
    sqrt(1 - rho^(2 g)), g the days between the two.
    """
    rhos = np.sin(np.pi * ((np.arange(_GRID_SIZE) + 0.5) / _GRID_SIZE - 0.5))
    carried = rhos[:, None] ** np.diff(days)
    spread = np.sqrt(1 - carried**2)
    columns = np.column_stack([values, membership])
    own = np.broadcast_to(columns, (len(rhos), *columns.shape)).copy()
    own[:, 1:] = (columns[1:] - carried[..., None] * columns[:-1]) / spread[..., None]
    products = own.transpose(0, 2, 1) @ own
    information, mixed = products[:, 1:, 1:], products[:, 1:, 0]
    inverse = np.linalg.inv(information)
    fitted = np.einsum("rij,rj->ri", inverse, mixed)
    left = products[:, 0, 0] - np.einsum("ri,ri->r", fitted, mixed)
    squares = np.maximum(left, 1e-12 * products[:, 0, 0])
    freedom = len(days) - membership.shape[1]
    likelihood = (
        -np.log(spread).sum(axis=1)
        - np.linalg.slogdet(information)[1] / 2
        - freedom / 2 * np.log(squares)
        - _TILT * np.log(1 - rhos)
    )
    weights = np.exp(likelihood - likelihood.max())
    errors = np.sqrt(squares / freedom * np.einsum("i,rij,j->r", contrast, inverse, contrast))
    return rhos, weights / weights.sum(), fitted @ contrast, errors


def _find_quantiles(
    parts: Floats, weights: Floats, centres: Floats, scales: Floats, freedom: int
) -> Floats:
    """Return quantiles (`parts`, 0 to 1) of a weighted mixture of t distributions, by bisection."""
    reach = 1e3 * scales.max()
    low = np.full_like(parts, centres.min() - reach)
    high = np.full_like(parts, centres.max() + reach)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        is_below = stdtr(freedom, (middle[:, None] - centres) / scales) @ weights < parts
        low, high = np.where(is_below, middle, low), np.where(is_below, high, middle)
    return np.asarray((low + high) / 2)
