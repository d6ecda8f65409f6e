"""Mean of two waves of a repeated survey, with the covariance of shared sampling points."""

from dataclasses import dataclass

import numpy as np
from scipy import special

from survey.estimate.arrays import Floats
from survey.estimate.bounds import bound_interval

Two = tuple[Floats, Floats]
"""A figure of the earlier and of the later wave, a value a domain."""


@dataclass(frozen=True, eq=False)
class Pooled:
    """Means with their intervals, NaN where one of the waves or their change is unknown."""

    estimate: Floats
    low: Floats
    high: Floats


def pooled_mean(
    estimate: Two,
    se: Two,
    df: Two,
    *,
    change_se: Floats,
    level: float,
    scale: tuple[float, float] | None = None,
) -> Pooled:
    """Return the mean of two waves, each counted alike, with its interval.

    V = (V1 + V2 + 2 Cov) / 4 with 2 Cov = V1 + V2 - V(change), so that the points that served both
    waves count; t with the smaller df of the two. All arrays have one value a domain. Figures on a
    `scale` have an interval on it, see `bound_interval`.
    """
    variance = (se[0] ** 2 + se[1] ** 2) / 2 - change_se**2 / 4
    known = variance > 0
    mean = np.where(known, (estimate[0] + estimate[1]) / 2, np.nan)
    least = np.minimum(df[0], df[1])
    if scale is not None:
        low, high = bound_interval(
            mean, np.sqrt(variance, where=known, out=np.full_like(mean, np.nan)), least, least + 1,
            level=level, lowest=scale[0], highest=scale[1],
        )  # fmt: skip
        return Pooled(mean, low, high)
    half_width = special.stdtrit(np.where(least > 0, least, np.nan), (1 + level) / 2) * np.sqrt(
        np.where(known, variance, np.nan)
    )
    return Pooled(mean, mean - half_width, mean + half_width)
