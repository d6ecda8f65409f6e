"""Bias that selection may have left in weighted means, from what is known of the population.

The measure is the standardised measure of unadjusted bias of Little, West, Boonstra and Hu (2020),
Journal of Survey Statistics and Methodology 8, 932-964. The proxy X is the regression of the answer
Y on variables Z whose population means are known and were not used for the weights. With r the
correlation of X and Y,

    SMUB(phi) = (phi + (1 - phi) r) / (phi r + 1 - phi) x (mean of X - population mean of X) / sd(X)

Phi says on what the selection depends: 0 on the proxy alone, 1 on the answer alone. It cannot be
estimated, so that the measure is an interval from phi = 0 to phi = 1. Times the standard deviation
of Y it is a bias in points.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from survey.estimate.arrays import Codes, Floats, group_sum, ratio, weighted_count

PHI = (0.0, 0.5, 1.0)
STRONG_CORRELATION = 0.4
"""Below it the authors found that the measure says little of the true bias."""


@dataclass(frozen=True)
class ProxyMoments:
    """Weighted sums of an answer Y and q variables Z in D domains; parts of a sample add up."""

    weight: Floats
    """Sum of w, shape (D,)."""
    total: Floats
    """Sum of w (y, z), shape (D, 1 + q)."""
    square: Floats
    """Sum of w (y, z)(y, z)', shape (D, 1 + q, 1 + q)."""

    @classmethod
    def collect(cls, values: Floats, weight: Floats, domain: Codes, domains: int) -> Self:
        """Sum `values` (n, 1 + q): Y, then Z; rows with a NaN or outside the domains are left out.

        Args:
            domain: 0 … domains - 1 of each row, -1 for rows in none.
        """
        rows = np.flatnonzero((domain >= 0) & ~np.isnan(values).any(axis=1))
        y, w, home = values[rows], weight[rows], domain[rows]
        width = y.shape[1]
        products = (y[:, :, None] * y[:, None, :]).reshape(len(y), width * width)
        return cls(
            weight=weighted_count(home, w, domains),
            total=group_sum(home, y, domains, w),
            square=group_sum(home, products, domains, w).reshape(domains, width, width),
        )

    @property
    def mean(self) -> Floats:
        return ratio(self.total, self.weight[:, None], np.nan)

    def pooled_covariance(self) -> Floats:
        """Return the covariance of Y and Z within domains, (1 + q, 1 + q); 0 without anybody."""
        known = self.weight > 0
        mean, w = self.mean[known], self.weight[known]
        within = self.square[known].sum(axis=0) - np.einsum("d,di,dj->ij", w, mean, mean)
        return ratio(within, np.asarray(w.sum()), 0.0)


@dataclass(frozen=True)
class SelectionBias:
    """Bias of the means of Y in D domains under selection of P strengths phi."""

    correlation: float
    """Of proxy and answer within domains; NaN where the proxy does not vary."""
    deviation: Floats
    """Mean of the proxy less that of the population, over the proxy's sd, shape (D,)."""
    standardised: Floats
    """SMUB, in standard deviations of Y, shape (D, P)."""
    points: Floats
    """The same in the unit of Y, shape (D, P)."""

    @property
    def is_weak(self) -> bool:
        """Whether Z says so little of Y that the measure is a direction rather than a size."""
        return not self.correlation >= STRONG_CORRELATION


def measure_selection_bias(
    mean: Floats, covariance: Floats, population: Floats, *, phi: Sequence[float] = PHI
) -> SelectionBias:
    """Return SMUB of the means of Y in domains that share one regression of Y on Z.

    Args:
        mean: weighted means of Y and Z in the sample, shape (D, 1 + q).
        covariance: of Y and Z, shape (1 + q, 1 + q), see `ProxyMoments.pooled_covariance`.
        population: means of Z in the population, shape (D, q).
        phi: strengths between 0 and 1.

    NaN where Z does not vary or has nothing to do with Y.
    """
    slope = np.linalg.lstsq(covariance[1:, 1:], covariance[1:, 0], rcond=1e-10)[0]
    spread, sd = float(slope @ covariance[1:, 1:] @ slope), np.sqrt(covariance[0, 0])
    strength = np.asarray(phi, dtype=np.float64)
    known = spread > 1e-12 * covariance[0, 0]
    r = float(np.sqrt(min(spread, sd**2)) / sd) if known else np.nan
    gap = (mean[:, 1:] - population) @ slope
    deviation = gap / np.sqrt(spread) if known else np.full(len(gap), np.nan)
    factor = (strength + (1 - strength) * r) / (strength * r + 1 - strength)
    standardised = deviation[:, None] * factor
    return SelectionBias(r, deviation, standardised, standardised * sd)
