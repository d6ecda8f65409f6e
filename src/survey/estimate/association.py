"""Rao-Scott test of independence of two classifications, from sums that add up over parts.

Pearson's statistic of the weighted shares is divided by the design effects that matter to it, and
compared as F on d0 and d0 nu degrees of freedom (Rao and Scott 1984, second order; R
`svychisq(statistic = "F")`). The covariance between PSUs of the totals of the R x C cells is all
that is needed of the rows.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy import special

from survey.estimate.arrays import Codes, Floats, group_sum, weighted_count
from survey.estimate.design import Sample


@dataclass(frozen=True)
class CrossSums:
    """Weights of the R x C cells of a table, flat in C order, and their covariance."""

    shape: tuple[int, int]
    total: Floats
    """Weight of each cell, shape (R C,)."""
    covariance: Floats
    """Of the totals, between PSUs within strata, shape (R C, R C)."""
    df: int
    """PSUs with members less strata with members."""

    @classmethod
    def collect(cls, sample: Sample, row: Codes, column: Codes, shape: tuple[int, int]) -> Self:
        """Sum rows by cell; `row` and `column` are codes, -1 where there is no answer."""
        size, psus = shape[0] * shape[1], len(sample.stratum)
        inside = np.flatnonzero((row >= 0) & (column >= 0) & (sample.weight > 0))
        psu, cell = sample.psu[inside], row[inside] * shape[1] + column[inside]
        by_psu = weighted_count(psu * size + cell, sample.weight[inside], psus * size)
        by_psu = by_psu.reshape(psus, size)
        mean = group_sum(sample.stratum, by_psu, len(sample.units)) / sample.psus[:, None]
        # A lonely stratum is centred at 0 where it counts (rule `adjust`).
        mean[sample.psus == 1] = 0.0
        off = by_psu - mean[sample.stratum]
        factor = (sample.scale * sample.counted)[sample.stratum]
        present = np.unique(psu)
        return cls(
            shape=shape,
            total=by_psu.sum(axis=0),
            covariance=off.T @ (off * factor[:, None]),
            df=len(present) - len(np.unique(sample.stratum[present])),
        )

    def add(self, other: Self) -> Self:
        """Return the sums of both; they share no stratum."""
        return type(self)(
            self.shape,
            self.total + other.total,
            self.covariance + other.covariance,
            self.df + other.df,
        )


@dataclass(frozen=True)
class AssociationTest:
    """F statistic with its degrees of freedom, and the P value of independence."""

    statistic: float
    ndf: float
    ddf: float
    p: float


def check_association(sums: CrossSums) -> AssociationTest | None:
    """Return the Rao-Scott test of a table; None if it has fewer than two rows or columns.

    Rows and columns without anybody are left out. None as well without degrees of freedom, or where
    the points do not differ at all.
    """
    table = sums.total.reshape(sums.shape)
    rows, columns = np.flatnonzero(table.sum(axis=1)), np.flatnonzero(table.sum(axis=0))
    if min(len(rows), len(columns)) < 2 or sums.df < 1:
        return None
    kept = (rows[:, None] * sums.shape[1] + columns).ravel()
    weight = sums.total[kept].sum()
    share = sums.total[kept] / weight
    centring = np.eye(len(kept)) - share[:, None]
    variance = centring @ (sums.covariance[np.ix_(kept, kept)] / weight**2) @ centring.T
    expected = np.outer(*(table[np.ix_(rows, columns)].sum(axis=axis) for axis in (1, 0))).ravel()
    expected /= weight**2
    contrast = np.kron(*(np.eye(k)[:, 1:] - 1 / k for k in (len(rows), len(columns))))
    inverse = np.divide(1.0, share, out=np.zeros_like(share), where=share > 0)[:, None]
    scaled = inverse * contrast
    simple = contrast.T @ scaled
    effects = np.linalg.solve(simple, scaled.T @ variance @ scaled)
    mean = float(np.trace(effects))
    if not mean > 0:
        return None
    pearson = float(((share - expected) ** 2 / expected).sum())
    ndf = mean**2 / float(np.trace(effects @ effects))
    statistic = pearson / mean
    p = float(special.fdtrc(ndf, ndf * sums.df, statistic))
    return AssociationTest(statistic, ndf, ndf * sums.df, p)
