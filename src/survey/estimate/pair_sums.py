"""Sums of products over pairs of columns, by PSU and for each resample of the PSUs.

Weighted means, covariances and correlations that use all who answered both columns need no more.
The sums add up over PSUs, so a resample is a product of weight factors and sums.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from survey.estimate.arrays import Codes, Flags, Floats, ratio
from survey.estimate.bootstrap import rao_wu
from survey.estimate.design import Sample

_PSUS_AT_A_TIME = 64
"""Cities of small waves have two each and are multiplied together; more only take memory."""


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
        return PairTotal().add(self).total()


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


class PairTotal:
    """Adds up the sums of disjoint strata in the order in which they come."""

    def __init__(self) -> None:
        self._n = 0
        self._whole: Floats | None = None
        self._resampled: Floats | None = None
        self._is_resampled = False
        self._waiting: list[PsuPairSums] = []

    def add(self, own: PsuPairSums) -> "PairTotal":
        """Add the PSUs of more strata; resamples are made of many PSUs at a time."""
        self._n += own.n
        whole = own.sums.sum(axis=0)
        self._whole = whole if self._whole is None else self._whole + whole
        self._is_resampled = self._is_resampled or bool((own.drawn != 1).any())
        self._waiting.append(own)
        if sum(len(each.sums) for each in self._waiting) >= _PSUS_AT_A_TIME:
            self._resample()
        return self

    def total(self) -> PairSums:
        """Return what was added so far.

        Raises:
            ValueError: nothing was.
        """
        if self._waiting:
            self._resample()
        if self._whole is None or self._resampled is None:
            raise ValueError("no sums")
        resampled = self._resampled.reshape(-1, *self._whole.shape)
        return PairSums(self._n, self._whole, resampled, self._is_resampled)

    def _resample(self) -> None:
        drawn = np.concatenate([each.drawn for each in self._waiting], axis=1)
        sums = np.concatenate([each.sums for each in self._waiting])
        drawn_sums = drawn @ sums.reshape(len(sums), math.prod(sums.shape[1:]))
        if self._resampled is None:
            self._resampled = drawn_sums
        else:
            self._resampled += drawn_sums
        self._waiting.clear()


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
