"""Inference for linear combinations of item means in many domains: the core of every table."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from survey.estimate.arrays import Floats, group_sum, ratio
from survey.estimate.design import Sample
from survey.estimate.domains import Domains
from survey.estimate.sums import Linearised, PsuSums
from survey.estimate.variance import Spread, spread, status, t_quantile

Deff = Literal["replace", "without"]
DEFF_CHOICES = ("replace", "without")
ROWS_AT_ONCE = 65_536
ROUNDING = 1e-12


@dataclass(frozen=True)
class Inference:
    """Everything a row of an estimate table needs, each array of shape (D, T)."""

    linearised: Linearised
    estimate: Floats
    se: Floats
    ci_low: Floats
    ci_high: Floats
    df: Floats
    n: Floats
    members: Floats
    n_psu: Floats
    sum_weight: Floats
    deff: Floats
    status: np.ndarray

    def columns(self) -> dict[str, np.ndarray]:
        """The columns of the contract, in its order."""
        names = ("estimate", "se", "ci_low", "ci_high", "df", "n", "n_psu", "sum_weight")
        return {name: getattr(self, name) for name in (*names, "deff", "status")}


def infer(
    sample: Sample,
    domains: Domains,
    values: Floats,
    omega: Floats,
    *,
    level: float,
    deff: Deff = "replace",
    renormalise: bool = False,
) -> Inference:
    """Estimate `omega` (T, K) combinations of the means of `values` (n, K) in every domain."""
    sums = PsuSums.collect(sample, domains, values, omega, renormalise=renormalise)
    linearised = Linearised.of(sums)
    spreads = spread(sample, sums.psu, sums.domain, linearised.z, sums.members, domains.count)
    members, base = sums.by_domain(sums.members), sums.by_domain(sums.base)
    simple = simple_random_variance(sample, domains, values, linearised, members, base)
    variance = design_variance(sample, spreads, simple, linearised)
    reference = simple
    if deff == "without":
        reference = simple * np.where(base >= members, ratio(base - members, base), np.nan)
    se = np.sqrt(variance)
    margin = t_quantile(spreads.df, level) * se
    return Inference(
        linearised=linearised,
        estimate=linearised.estimate,
        se=se,
        ci_low=linearised.estimate - margin,
        ci_high=linearised.estimate + margin,
        df=spreads.df,
        n=sums.by_domain(sums.rows),
        members=members,
        n_psu=np.zeros_like(spreads.psus) if sample.assumed_deff else spreads.psus,
        sum_weight=base,
        deff=ratio(variance, reference, np.nan),
        status=status(linearised.estimate, se, spreads.df, members),
    )


def design_variance(
    sample: Sample, spreads: Spread, simple: Floats, linearised: Linearised
) -> Floats:
    """The PSU variance, or the assumed deff times the simple-random one; rounding dust is 0."""
    variance = spreads.variance
    if sample.assumed_deff is not None:
        variance = np.where(np.isnan(linearised.estimate), np.nan, simple * sample.assumed_deff)
    return without_dust(variance, magnitude(linearised))


def magnitude(linearised: Linearised) -> Floats:
    """Size of the numbers behind an estimate, shape (D, T), to tell rounding from variation."""
    sums = linearised.sums
    centre: Floats = np.abs(sums.omega) @ np.abs(sums.centre)
    return np.abs(linearised.estimate) + centre


def without_dust(variance: Floats, size: Floats) -> Floats:
    return np.where(variance < (ROUNDING * size) ** 2, 0.0, variance)


def simple_random_variance(
    sample: Sample,
    domains: Domains,
    values: Floats,
    linearised: Linearised,
    members: Floats,
    base: Floats,
) -> Floats:
    """Variance under simple random sampling with replacement, shape (D, T); NaN where n < 2.

    R: `svyvar(x, design) / nobs`, with u the statistic's linearised value per row scaled to the
    base: sum(w u^2) / sum(w) * n / (n - 1) / n.
    """
    omega = linearised.sums.omega
    inverse = ratio(np.ones(1), linearised.mass)
    squares = np.zeros_like(base)
    rows = np.flatnonzero((domains.code >= 0) & (sample.weight > 0))
    for start in range(0, len(rows), ROWS_AT_ONCE):
        block = rows[start : start + ROWS_AT_ONCE]
        home = domains.code[block]
        y = values[block] - linearised.sums.centre
        y -= linearised.mean[home]
        y *= inverse[home]
        u = np.nan_to_num(y, copy=False) @ omega.T
        squares += group_sum(home, sample.weight[block, None] * u**2, domains.count)
    squares *= linearised.coverage**2 * base**2
    size = magnitude(linearised) * np.sqrt(base)
    squares = without_dust(squares, size)
    return ratio(squares, base * (members - 1), np.nan)


def effective_n(sample: Sample, domains: Domains, values: Floats) -> Floats:
    """Kish effective sample size (sum w)^2 / sum w^2 of the scored rows, shape (D, K)."""
    inside = np.flatnonzero(domains.code >= 0)
    weight = sample.weight[inside, None] * ~np.isnan(values[inside])
    total = group_sum(domains.code[inside], weight, domains.count)
    square = group_sum(domains.code[inside], weight**2, domains.count)
    return ratio(total**2, square)
