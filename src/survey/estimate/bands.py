"""Probabilities that a true score lies in each of several bands."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import special

from survey.estimate.arrays import Floats
from survey.estimate.errors import EstimateError


def band_probabilities(
    estimate: npt.ArrayLike, se: npt.ArrayLike, df: npt.ArrayLike, edges: Sequence[float]
) -> Floats:
    """Return the probability that the true value lies in each band between `edges`.

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
