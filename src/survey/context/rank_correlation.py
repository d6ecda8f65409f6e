"""Spearman's rank correlation with the interval of Bonett and Wright (2000).

Over cities it says how far two orders agree. It says nothing about people, and nothing about
causes; error in either order draws it towards zero.
"""

from dataclasses import dataclass
from math import atanh, sqrt, tanh

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm, spearmanr

MIN_CITIES = 10
"""With fewer the interval is hardly ever shorter than the whole range."""


@dataclass(frozen=True)
class RankCorrelation:
    """Correlation of two orders with its interval."""

    value: float
    low: float
    high: float
    cities: int


def compute_rank_correlation(
    first: ArrayLike, second: ArrayLike, *, level: float = 0.95
) -> RankCorrelation | None:
    """Return the correlation of the pairs without a gap.

    None if there are fewer than `MIN_CITIES`, or one of the orders is all ties.
    """
    one, other = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    known = ~(np.isnan(one) | np.isnan(other))
    one, other = one[known], other[known]
    count = len(one)
    if count < MIN_CITIES or len(np.unique(one)) < 2 or len(np.unique(other)) < 2:
        return None
    value = float(spearmanr(one, other).statistic)
    bounded = min(max(value, -0.999999), 0.999999)
    half = float(norm.ppf((1 + level) / 2)) * sqrt((1 + bounded**2 / 2) / (count - 3))
    centre = atanh(bounded)
    return RankCorrelation(value, tanh(centre - half), tanh(centre + half), count)
