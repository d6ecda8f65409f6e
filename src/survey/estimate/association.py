"""Rao-Scott test of independence of two classifications, from sums that add up over strata.

Pearson's statistic of the weighted shares is divided by the design effects that matter to it, and
compared as F on d0 and d0 nu degrees of freedom (Rao and Scott 1984, second order; R
`svychisq(statistic = "F")`). The covariance between PSUs of the totals of the R x C cells is all
that is needed of the rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from scipy import special

from survey.estimate.arrays import Codes, Flags, Floats, group_sum
from survey.estimate.design import Sample

_SINGULAR = 1e-10
"""Smallest eigenvalue, as a part of the largest, at which a matrix counts as singular."""


@dataclass(frozen=True)
class CellSums:
    """Weights of R answers in C groups by PSU; P PSUs that are all of their strata."""

    weight: Floats
    """Shape (P, R, C)."""
    stratum: Codes
    """Shape (P,)."""
    scale: Floats
    """`Strata.scale` of its stratum, 0 where it does not count, shape (P,)."""

    @classmethod
    def collect(cls, sample: Sample, answer: Codes, answers: int, member: Floats) -> Self:
        """Sum rows by PSU, `answer` (n,; -1: none) and group (`member`, 0 or 1, n x C)."""
        psus = len(sample.stratum)
        # Without an answer a row weighs nothing: to take it out would copy all the others.
        given = sample.weight * (answer >= 0)
        cell = sample.psu * answers + np.maximum(answer, 0)
        weight = group_sum(cell, member, psus * answers, given)
        scale = (sample.scale * sample.counted)[sample.stratum]
        return cls(weight.reshape(psus, answers, member.shape[1]), sample.stratum, scale)

    @cached_property
    def deviation(self) -> Floats:
        """Deviation of each PSU from its stratum's mean, times the root of its scale, (P, R, C)."""
        flat = self.weight.reshape(len(self.weight), -1)
        size = np.bincount(self.stratum)
        mean = group_sum(self.stratum, flat, len(size)) / np.maximum(size, 1)[:, None]
        # A lonely stratum is centred at 0 where it counts (rule `adjust`).
        mean[size == 1] = 0.0
        off = flat - mean[self.stratum]
        off *= np.sqrt(self.scale)[:, None]
        return off.reshape(self.weight.shape)

    @cached_property
    def total(self) -> Floats:
        """Weight of each answer in each group, shape (R, C)."""
        total: Floats = self.weight.sum(axis=0)
        return total

    @cached_property
    def present(self) -> Flags:
        """Whether each PSU has people of each group who answered, shape (P, C)."""
        present: Flags = np.any(self.weight > 0, axis=1)
        return present

    def select(self, psus: Codes) -> Self:
        """Return the sums of whole strata: of these PSUs."""
        return type(self)(self.weight[psus], self.stratum[psus], self.scale[psus])

    @classmethod
    def join(cls, parts: Sequence[Self]) -> Self:
        """Return the sums of parts that share no stratum."""
        starts = np.cumsum([0, *(part.stratum.max(initial=-1) + 1 for part in parts)])
        return cls(
            np.concatenate([part.weight for part in parts]),
            np.concatenate([p.stratum + start for p, start in zip(parts, starts, strict=False)]),
            np.concatenate([part.scale for part in parts]),
        )


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
    def of(cls, cells: CellSums, groups: slice) -> Self:
        """Return the table of the answers by these of the groups, which do not overlap."""
        total = cells.total[:, groups]
        off = cells.deviation[:, :, groups].reshape(len(cells.stratum), total.size)
        present = cells.stratum[cells.present[:, groups].any(axis=1)]
        df = len(present) - int(np.count_nonzero(np.bincount(present)))
        return cls((total.shape[0], total.shape[1]), total.ravel(), off.T @ off, df)

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

    Rows and columns without anybody are left out. None as well without degrees of freedom, where
    the points do not differ at all, or where so many cells are empty that some answers cannot be
    told from groups.
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
    spread = np.linalg.eigvalsh(simple)
    if spread[0] <= _SINGULAR * spread[-1]:
        return None
    effects = np.linalg.solve(simple, scaled.T @ variance @ scaled)
    mean = float(np.trace(effects))
    if not mean > 0:
        return None
    pearson = float(((share - expected) ** 2 / expected).sum())
    ndf = mean**2 / float((effects * effects.T).sum())
    statistic = pearson / mean
    p = float(special.fdtrc(ndf, ndf * sums.df, statistic))
    return AssociationTest(statistic, ndf, ndf * sums.df, p)
