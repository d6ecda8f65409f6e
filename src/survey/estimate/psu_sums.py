"""Sums by PSU and domain, the only part of the rows that the estimator keeps.

Every statistic is a fixed linear combination of item means, theta = sum_k omega_k ybar_k, taken in
many domains at once. Its estimate and its linearised PSU totals depend on the rows only through
sum(w r) and sum(w r y) per PSU and domain (statistics.md, "Standard errors").
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd

from survey.estimate.arrays import Codes, Flags, Floats, group_sum, ratio
from survey.estimate.design import Sample
from survey.estimate.domains import Domains


@dataclass(frozen=True)
class PsuSums:
    """Sums over the rows of m observed (PSU, domain) pairs; K items, T statistics, D domains.

    `total` is taken about `centre` (K,), the items' overall means, which keeps the arithmetic
    exact to rounding. A row is in the base of a statistic when it scores any of its items.
    """

    sample: Sample
    domains: int
    psu: Codes
    domain: Codes
    omega: Floats
    """Weight of each item in each statistic, shape (T, K)."""
    centre: Floats
    weight: Floats
    """Sum of w r, shape (m, K)."""
    total: Floats
    """Sum of w r (y - centre), shape (m, K)."""
    scores: Floats
    """Scored rows with a positive weight, shape (m, K)."""
    rows: Floats
    """Rows in the base, whatever their weight, shape (m, T)."""
    members: Floats
    """Rows in the base with a positive weight, shape (m, T)."""
    base: Floats
    """Sum of w over the base, shape (m, T)."""
    renormalise: bool = False

    @classmethod
    def collect(
        cls,
        sample: Sample,
        domains: Domains,
        values: Floats,
        omega: Floats,
        *,
        renormalise: bool = False,
    ) -> Self:
        """Sum `values` (n, K; NaN: no score) by PSU and domain, for statistics `omega` (T, K)."""
        scored = ~np.isnan(values)
        weight = sample.weight
        mass = weight @ scored
        filled = np.where(scored, values, 0.0)
        centre = ratio(weight @ filled, mass)
        filled -= scored * centre
        inside = np.flatnonzero(domains.code >= 0)
        key = sample.psu[inside] * max(domains.count, 1) + domains.code[inside]
        pair, keys = pd.factorize(key)
        pairs, weight = len(keys), weight[inside]
        scores = scored[inside].astype(np.float64)
        base = base_indicator(scores, omega)
        positive = (weight > 0).astype(np.float64)
        return cls(
            sample=sample,
            domains=domains.count,
            psu=keys // max(domains.count, 1),
            domain=keys % max(domains.count, 1),
            omega=omega,
            centre=centre,
            weight=group_sum(pair, scores, pairs, weight),
            total=group_sum(pair, filled[inside], pairs, weight),
            scores=group_sum(pair, scores, pairs, positive),
            rows=group_sum(pair, base, pairs),
            members=group_sum(pair, base, pairs, positive),
            base=group_sum(pair, base, pairs, weight),
            renormalise=renormalise,
        )

    def within(self, domain_map: Codes, domains: int) -> "PsuSums":
        """Return a copy in `domains` domains, renumbered by `domain_map`; those at -1 are dropped.

        Pairs whose domain maps to -1 leave the domain, not the sample.
        """
        moved = domain_map[self.domain]
        kept = moved >= 0
        pairs = ("psu", "weight", "total", "scores", "rows", "members", "base")
        kept_pairs = {name: getattr(self, name)[kept] for name in pairs}
        return replace(self, domains=domains, domain=moved[kept], **kept_pairs)

    def without(self, part: "PsuSums") -> "PsuSums":
        """Return these sums less those of `part`, which is a subset of each domain's rows."""
        order = np.argsort(self._key())
        place = order[np.searchsorted(self._key()[order], part._key())]

        def less(whole: Floats, removed: Floats) -> Floats:
            rest = whole.copy()
            rest[place] -= removed
            return rest

        scores = less(self.scores, part.scores)
        members = less(self.members, part.members)
        return replace(
            self,
            weight=less(self.weight, part.weight) * (scores > 0),
            total=less(self.total, part.total) * (scores > 0),
            scores=scores,
            rows=less(self.rows, part.rows),
            members=members,
            base=less(self.base, part.base) * (members > 0),
        )

    def by_domain(self, pair_values: Floats) -> Floats:
        """Return values of (PSU, domain) entries summed by domain."""
        return group_sum(self.domain, pair_values, self.domains)

    def _key(self) -> Codes:
        return self.psu * max(self.domains, 1) + self.domain


@dataclass(frozen=True)
class Linearised:
    """Estimates by domain, and the linearised totals behind them, a row per (PSU, domain) entry."""

    sums: PsuSums
    estimate: Floats
    z: Floats
    """Linearised totals, shape (m, T): sum of omega w r (y - ybar) / sum(w r) over the PSU."""
    mean: Floats
    """Item means about the centre, shape (D, K), 0 where there is no score."""
    mass: Floats
    """Sum of w r, shape (D, K)."""
    coverage: Floats
    """Factor of each statistic, shape (D, T): 1, NaN where an item is missing altogether, or the
    renormalising factor."""

    @classmethod
    def of(cls, sums: PsuSums) -> Self:
        mass = sums.by_domain(sums.weight)
        inverse = ratio(np.ones(1), mass)
        mean = sums.by_domain(sums.total) * inverse
        coverage = coverage_of(mass > 0, sums.omega, sums.renormalise)
        item_mean = (mean + sums.centre) * (mass > 0)
        estimate = (item_mean @ sums.omega.T) * coverage
        residual = sums.total - mean[sums.domain] * sums.weight
        z = ((residual * inverse[sums.domain]) @ sums.omega.T) * coverage[sums.domain]
        return cls(sums, estimate, z, mean, mass, coverage)


def base_indicator(scored: Floats, omega: Floats) -> Floats:
    """Return 1.0 where any item of a statistic is scored, else 0.0, shape (..., T)."""
    scores: Floats = scored @ (omega != 0).T
    return (scores > 0).astype(np.float64)


def coverage_of(scored: Flags, omega: Floats, renormalise: bool) -> Floats:
    """Return a factor by statistic: 1; with items unscored NaN, or a rescaling if `renormalise`.

    It is 1, or NaN where an item has none, or the factor that spreads its weight over the others.
    """
    whole = omega.sum(axis=1)
    part = scored @ omega.T
    if renormalise:
        return ratio(whole, part, np.nan)
    missing = (~scored).astype(np.float64) @ (omega != 0).T
    return np.where(missing > 0, np.nan, 1.0)
