"""Intervals on a scale and probabilities of bands, from estimates with their errors."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import special

from survey.estimate.arrays import Floats
from survey.estimate.errors import EstimateError

EDGE = 1e-9
"""Part of the scale; nearer to an end a figure is at the end."""
RARE_SHARE = 0.05
"""A rate nearer to 0 or 1 has too few of the rarer answer for an error of its own."""


def is_error_silent(se: npt.ArrayLike, size: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Return flags of standard errors that are 0, or so small beside `size` as to be rounding.

    All answers agreed; neither an interval nor a design effect can be made of such an error.
    """
    return np.asarray(np.asarray(se) <= EDGE * np.asarray(size))


def bound_interval(
    estimate: npt.ArrayLike,
    se: npt.ArrayLike,
    df: npt.ArrayLike,
    size: npt.ArrayLike,
    *,
    level: float = 0.95,
    lowest: float = 0.0,
    highest: float = 100.0,
    logit: npt.ArrayLike = False,
) -> tuple[Floats, Floats]:
    """Return intervals' low and high in `lowest` … `highest`, on log odds if `logit` or near ends.

    Args:
        estimate, se, df: of each figure; without an error or degrees of freedom (at least 1, or
            infinity) there is no interval.
        size: effective number of respondents, for figures whose error says nothing or little.
        logit: where the interval is on the log odds throughout, as for rates.

    Returns:
        The t interval where it lies on the scale; else the t interval on the log odds of the
        estimate's place on the scale (R `svyciprop(method="logit")`). Where the estimated error is
        0, since everybody in the sample agreed, where the estimate lies at an end, and for rates
        nearer to it than `RARE_SHARE`: the interval of a share of `size` answers, see
        `bound_share`. The spread of any answers on the scale is at most that of a yes or no with
        the same mean, which makes it a careful one.

    Raises:
        EstimateError: a level or a scale that is none.
    """
    if not 0 < level < 1:
        raise EstimateError("bad_level", level=level)
    if not lowest < highest:
        raise EstimateError("bad_scale", lowest=lowest, highest=highest)
    width = highest - lowest
    values = (np.asarray(array, dtype=np.float64) for array in (estimate, se, df, size))
    x, error, freedom, n = np.broadcast_arrays(*values)
    p = np.clip((x - lowest) / width, 0.0, 1.0)
    known = np.where(freedom >= 1, freedom, np.nan)
    t: Floats = np.asarray(special.stdtrit(known, (1 + level) / 2), dtype=np.float64)
    half_width = t * error / width
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = special.logit(p)
        margin = half_width / (p * (1 - p))
        by_odds = special.expit(odds - margin), special.expit(odds + margin)
    low, high = p - half_width, p + half_width
    leaves = (low < 0) | (high > 1) | np.asarray(logit)
    low, high = np.where(leaves, by_odds[0], low), np.where(leaves, by_odds[1], high)
    rare = np.asarray(logit) & (np.minimum(p, 1 - p) < RARE_SHARE)
    mute = is_error_silent(error, width) | (p <= EDGE) | (p >= 1 - EDGE)
    by_size = (mute | rare) & ~np.isnan(half_width)
    low[by_size], high[by_size] = bound_share(p[by_size], n[by_size], level=level)
    low, high = np.minimum(low, p), np.maximum(high, p)
    return lowest + low * width, lowest + high * width


def bound_share(
    share: npt.ArrayLike, size: npt.ArrayLike, *, level: float = 0.95
) -> tuple[Floats, Floats]:
    """Return low and high, within 0 … 1, of the interval of a share of `size` effective answers.

    Korn and Graubard (1998) put the answers over the design effect into Clopper and Pearson's
    interval. That one holds too often; Jeffreys' holds the level on average, with the outer ends of
    the first where all agreed (Brown, Cai and DasGupta 2001). NaN without answers.
    """
    p, n = np.broadcast_arrays(
        np.asarray(share, dtype=np.float64), np.asarray(size, dtype=np.float64)
    )
    n, tail = np.where(n > 0, n, np.nan), (1 - level) / 2
    low = special.betaincinv(n * p + 0.5, n * (1 - p) + 0.5, tail)
    high = special.betaincinv(n * p + 0.5, n * (1 - p) + 0.5, 1 - tail)
    width = -np.expm1(np.log(tail) / n)
    none, every = p <= EDGE, p >= 1 - EDGE
    low = np.select([none, every], [0 * n, 1 - width], low)
    high = np.select([none, every], [width, 0 * n + 1], high)
    return np.asarray(low), np.asarray(high)


def band_probabilities(
    estimate: npt.ArrayLike, se: npt.ArrayLike, df: npt.ArrayLike, edges: Sequence[float]
) -> Floats:
    """Return the probability that the true value lies in each band between `edges`, units × bands.

    Args:
        estimate, se, df: one value per unit (p,); without a usable error (missing or no degrees
            of freedom) the row is not-a-number, for nothing can be said.
        edges: increasing; a value on an edge belongs to the band above it.

    Returns:
        Shape (p, edges + 1); each row sums to 1.

    Raises:
        EstimateError: edges that do not increase.

    With T = (estimate - truth) / se distributed as t on df, as for the interval: the probability
    below an edge is P(T > (estimate - edge) / se). It is 97.5 % where the upper end of the 95 %
    interval touches the edge.
    """
    bounds = np.asarray(edges, dtype=np.float64)
    if (np.diff(bounds) <= 0).any():
        raise EstimateError("band_edges", edges=list(edges))
    x, spread, freedom = (
        np.asarray(values, dtype=np.float64)[:, None] for values in (estimate, se, df)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        below = special.stdtr(freedom, (bounds - x) / spread)
    below = np.where((spread == 0) & (freedom > 0), bounds > x, below)
    below = np.where(freedom > 0, below, np.nan)
    ends = np.where(np.isnan(x), np.nan, 0.0)
    cumulative = np.hstack([ends, below, ends + 1.0])
    return np.asarray(np.diff(cumulative, axis=1))
