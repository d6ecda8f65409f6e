"""Before, during and after an event: differences of daily means when days resemble each other.

What is written on one day goes on on the next, so the days of a window are fewer observations than
they are days. The daily values of all windows are their window's mean plus an error with the
autocorrelation of first order; the formulas stand in docs/opinion.md.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

MIN_WINDOW_DAYS = 3
MIN_DAYS = 14
"""With fewer days in all windows together the autocorrelation cannot be told from chance."""
MAX_AUTOCORRELATION = 0.95
MIN_FREEDOM = 2.0
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class WindowDifference:
    """Difference of the mean of one window from that of another, with its interval."""

    value: float
    low: float
    high: float
    autocorrelation: float
    """Of one day with the next, between 0 and `MAX_AUTOCORRELATION`."""
    days: int
    """Days of all windows, from which the error was estimated."""

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves zero out."""
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
    """Return the mean of window `second` minus that of window `first`.

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
    rho = estimate_autocorrelation(at, residuals, len(kinds))
    contrast = means[:, kinds == second][:, 0] - means[:, kinds == first][:, 0]
    unexplained = np.eye(len(at)) - membership @ means.T
    spread = unexplained @ correlation_matrix(at, rho)
    # Satterthwaite: the residual sum of squares has this mean and these degrees of freedom.
    expected = float(np.trace(spread))
    freedom = max(expected**2 / float(np.sum(spread * spread.T)), MIN_FREEDOM)
    variance = squares / expected * contrast_variance(at, contrast, rho)
    half = float(stdtrit(freedom, (1 + level) / 2)) * sqrt(variance)
    value = float(contrast @ observed)
    return WindowDifference(value, value - half, value + half, rho, len(at))


def estimate_autocorrelation(days: Floats, residuals: Floats, means: int) -> float:
    """Return the autocorrelation of neighbouring days, corrected for the means taken out.

    Residuals of k fitted means of n days correlate too little, by about (k + (k + 2) rho) / n
    (Kendall 1954 for k = 1); what is left below 0 counts as 0, which makes no interval shorter.
    """
    count = len(days)
    neighbours = np.diff(days) == 1
    if not neighbours.any():
        return 0.0
    # Where days are missing there are fewer pairs of neighbours than days.
    mean_product = float(np.mean(residuals[1:][neighbours] * residuals[:-1][neighbours]))
    raw = mean_product * (count - 1) / float(residuals @ residuals)
    corrected = (count * raw + means) / (count - means - 2)
    return min(max(corrected, 0.0), MAX_AUTOCORRELATION)


def correlation_matrix(days: Floats, rho: float) -> Floats:
    """Return rho to the power of the days between each two."""
    matrix: Floats = rho ** np.abs(days[:, None] - days[None, :])
    return matrix


def contrast_variance(days: Floats, weights: Floats, rho: float) -> float:
    """Return the variance of a weighted sum of days, in variances of one day."""
    return float(weights @ correlation_matrix(days, rho) @ weights)
