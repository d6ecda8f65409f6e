"""Generalised variance function: what error to expect of a figure, from the errors of many.

log V = a + b log n + c log(m (100 - m)), m the figure on 0-100, by least squares (Wolter,
Introduction to Variance Estimation, 2007, chapter 7). b is near -1 and c near 1 where design
effects are alike. The constant is moved so that the mean of V / expected V is 1: the mean of
logarithms alone is too low, since each V is itself an estimate (Duan, JASA 78, 1983).
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from survey.estimate.arrays import Floats

MIN_FIGURES = 30
"""Fewer figures give no function."""
_MIDDLE = (5.0, 95.0)
"""Per cents between which the middle 90 % lie."""


@dataclass(frozen=True)
class VarianceFunction:
    """Expected variance of a figure by its respondents and its value, and how well it holds."""

    constant: float
    by_n: float
    by_spread: float
    r_squared: float
    """Part of the variation of log V that it explains."""
    low: float
    high: float
    """The middle 90 % of actual over expected standard errors."""

    @classmethod
    def fit(cls, variance: Floats, n: Floats, figure: Floats) -> Self | None:
        """Fit to figures with a positive variance inside the scale; None for too few of them."""
        spread = figure * (100 - figure)
        usable = (variance > 0) & (n > 0) & (spread > 0)
        logs = [np.log(each[usable]) for each in (variance, n, spread)]
        if usable.sum() < MIN_FIGURES or np.ptp(logs[1]) == 0:
            return None
        known = np.column_stack([np.ones(len(logs[0])), *logs[1:]])
        found = np.linalg.lstsq(known, logs[0], rcond=None)[0]
        residual = logs[0] - known @ found
        shift = np.log(np.exp(residual).mean())
        errors = np.exp((residual - shift) / 2)
        low, high = np.percentile(errors, _MIDDLE)
        r_squared = 1 - residual.var() / logs[0].var()
        return cls(
            float(found[0] + shift), float(found[1]), float(found[2]), float(r_squared), float(low),
            float(high),
        )  # fmt: skip

    def error(self, n: float, figure: float) -> float:
        """Return the standard error to expect of a figure of `n` respondents."""
        spread = figure * (100 - figure)
        log = self.constant + self.by_n * np.log(n) + self.by_spread * np.log(spread)
        return float(np.exp(log / 2))


def error_of_variance(df: float) -> float:
    """Return the relative standard error of a variance on `df` degrees of freedom, sqrt(2 / df)."""
    return float(np.sqrt(2 / df))
