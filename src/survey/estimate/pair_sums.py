"""Sums of products over pairs of columns, by PSU and for each resample of the PSUs.

Weighted means, covariances and correlations that use all who answered both columns need no more.
The sums add up over PSUs, so a resample is a product of weight factors and sums.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from survey.estimate.arrays import Codes, Flags, Floats, ratio
from survey.estimate.bootstrap import rao_wu
from survey.estimate.design import Sample


@dataclass(frozen=True)
class PsuPairSums:
    """Sums of products in one domain by PSU, with each resample's weight factors by PSU.

    Small enough to send: the sums of all resamples are thirty times as large.
    """

    n: int
    """Counted rows with a positive weight."""
    sums: Floats
    """Weight, first of a pair, its square and the product, shape (P, 4, K, K)."""
    drawn: Floats
    """Weight factors, shape (R, P)."""

    def total(self) -> "PairSums":
        """Return the sums over all PSUs, with weights as they are and for each resample."""
        psus, shape = len(self.sums), self.sums.shape[1:]
        return PairSums(
            n=self.n,
            whole=self.sums.sum(axis=0),
            resampled=(self.drawn @ self.sums.reshape(psus, math.prod(shape))).reshape(-1, *shape),
            is_resampled=bool((self.drawn != 1).any()),
        )


@dataclass(frozen=True)
class PairSums:
    """Sums of products in one domain over some PSUs; sums of disjoint strata can be added up."""

    n: int
    """Counted rows with a positive weight."""
    whole: Floats
    """Weight, first of a pair, its square and the product, shape (4, K, K)."""
    resampled: Floats
    """The same of each resample, shape (R, 4, K, K)."""
    is_resampled: bool
    """Whether any stratum has PSUs to draw from."""

    def add(self, other: "PairSums") -> "PairSums":
        """Add the other sums to these arrays in place, and return all of them."""
        np.add(self.whole, other.whole, out=self.whole)
        np.add(self.resampled, other.resampled, out=self.resampled)
        return replace(
            self, n=self.n + other.n, is_resampled=self.is_resampled or other.is_resampled
        )


def pair_sums(
    table: Floats,
    sample: Sample,
    *,
    domains: Mapping[str, Flags],
    counted: Flags,
    centre: Floats,
    resamples: tuple[int, int],
) -> dict[str, PsuPairSums]:
    """Return domain -> sums of products about `centre` by PSU; `sample` must hold whole strata.

    Args:
        table: values, shape (n, K); NaN for no answer.
        domains: name -> which rows belong to it.
        counted: rows that count for `n`.
        centre: value about which each column is summed, shape (K,); near its mean, and the same
            for all that is added up.
        resamples: number of resamples and seed, as in `bootstrap`.
    """
    factors = rao_wu(sample, *resamples)
    order = np.argsort(sample.psu, kind="stable")
    found = {}
    for name, member in domains.items():
        rows = order[member[order]]
        weight, scored = sample.weight[rows], ~np.isnan(table[rows])
        centred = np.where(scored, table[rows] - centre, 0.0)
        sums, psus = _sum_pairs_by_psu(centred, scored.astype(np.float64), weight, sample.psu[rows])
        n = int((counted[rows] & (weight > 0)).sum())
        found[name] = PsuPairSums(n, sums, factors[:, psus])
    return found


def _sum_pairs_by_psu(
    centred: Floats, known: Floats, weight: Floats, psu: Codes
) -> tuple[Floats, Codes]:
    """Return sums of weights and products by PSU for pairs of columns (`known`: scored), and PSUs.

    Weight, first of the pair, its square and the product, shape (P, 4, K, K).
    """
    psus, starts = np.unique(psu, return_index=True)
    bounds = np.append(starts, len(psu))
    width = centred.shape[1]
    sums = np.empty((len(psus), 4, width, width))
    heavy = weight[:, None] * np.hstack([known, centred, centred**2])
    for place in range(len(psus)):
        part = slice(bounds[place], bounds[place + 1])
        rows = heavy[part].T
        both = rows @ known[part]
        sums[place, :3] = both.reshape(3, width, width)
        sums[place, 3] = rows[width : 2 * width] @ centred[part]
    return sums, psus


def pair_covariances(sums: Floats) -> Floats:
    """Return weighted pairwise covariances (..., K, K) from sums (..., 4, K, K).

    Each uses the weighted respondents who answered both, divided by their weight; 0 without any.
    """
    mass, first, _, product = (sums[..., part, :, :] for part in range(4))
    mean = ratio(first, mass)
    return ratio(product, mass) - mean * mean.swapaxes(-1, -2)


def pair_means(sums: Floats, centre: Floats) -> Floats:
    """Return weighted means (..., K) of the columns from sums (..., 4, K, K) about `centre`."""
    mass, first = (np.diagonal(sums[..., part, :, :], axis1=-2, axis2=-1) for part in range(2))
    return ratio(first, mass, np.nan) + centre
