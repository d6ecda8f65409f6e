"""Inference for linear combinations of item means in many domains."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np

from survey.estimate.arrays import Floats, group_sum, ratio
from survey.estimate.design import Sample, Strata
from survey.estimate.domains import Domains
from survey.estimate.intervals import is_error_silent
from survey.estimate.psu_sums import Linearised, PsuSums
from survey.estimate.variance import PsuVariance, estimate_status, psu_variance, t_quantile

Deff = Literal["replace", "without", True]
"""`True` is R's name for "without"."""
DEFF_CHOICES = ("replace", "without")
ROW_BATCH_SIZE = 65_536
ROUNDING_TOLERANCE = 1e-12


@dataclass(frozen=True)
class Inference:
    """Estimates with errors, intervals, counts, deff and status, arrays domains × statistics."""

    estimate: Floats
    se: Floats
    ci_low: Floats
    ci_high: Floats
    df: Floats
    n: Floats
    n_psu: Floats
    sum_weight: Floats
    deff: Floats
    status: np.ndarray

    def columns(self) -> dict[str, np.ndarray]:
        """Return the arrays by column name, in the order of an estimate table."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True)
class InferenceInputs:
    """Point estimates, variances and counts for inference, arrays domains × statistics."""

    estimate: Floats
    magnitude: Floats
    """Magnitude of the numbers behind the estimate; smaller spread than 1e-12 of it is rounding."""
    spread: PsuVariance
    simple: Floats
    """Simple-random variance, with replacement."""
    n: Floats
    n_weighted: Floats
    """Rows with a positive weight."""
    sum_weight: Floats
    """Sum of weights."""

    def pieces(self, size: int) -> "Iterator[InferenceInputs]":
        """Yield slices of `size` domains, small enough for the processor's cache."""
        for start in range(0, len(self.estimate), size):
            part = slice(start, start + size)
            yield InferenceInputs(*(getattr(self, field.name)[part] for field in fields(self)))

    def to_inference(self, sample: Strata, level: float, deff: Deff) -> Inference:
        """Compute errors, intervals at `level`, design effects (way `deff`) and status."""
        variance = self.spread.variance
        if sample.assumed_deff is not None:
            variance = self.simple * sample.assumed_deff
        variance = np.where(
            np.isnan(self.estimate), np.nan, zero_rounding_noise(variance, self.magnitude)
        )
        simple = zero_rounding_noise(self.simple, self.magnitude)
        if deff != "replace":
            finite = np.where(
                self.sum_weight >= self.n_weighted, self.sum_weight - self.n_weighted, np.nan
            )
            simple = simple * ratio(finite, self.sum_weight)
        se, df = np.sqrt(variance), self.spread.df
        margin = t_quantile(df, level) * se
        # The simple-random variance of equal answers is what their squares lose in rounding, more
        # than 0 in some domains: the ratio to it would be a design effect of 0, or of nothing.
        silent = is_error_silent(se, self.magnitude)
        return Inference(
            estimate=self.estimate,
            se=se,
            ci_low=self.estimate - margin,
            ci_high=self.estimate + margin,
            df=df,
            n=self.n,
            n_psu=self.spread.psus * (sample.assumed_deff is None),
            sum_weight=self.sum_weight,
            deff=np.where(silent, np.nan, ratio(variance, simple, np.nan)),
            status=estimate_status(self.estimate, se, df, self.n_weighted),
        )


def infer_linear(
    sample: Sample,
    domains: Domains,
    values: Floats,
    omega: Floats,
    *,
    level: float,
    deff: Deff = "replace",
    renormalise: bool = False,
) -> Inference:
    """Estimate, by domain, the combinations `omega` (T, K) of means of `values` (n, K)."""
    sums = PsuSums.collect(sample, domains, values, omega, renormalise=renormalise)
    linearised = Linearised.of(sums)
    members, base = sums.by_domain(sums.members), sums.by_domain(sums.base)
    inputs = InferenceInputs(
        estimate=linearised.estimate,
        magnitude=estimate_magnitude(linearised),
        spread=psu_variance(
            sample, sums.psu, sums.domain, linearised.z, sums.members, domains.count
        ),
        simple=simple_random_variance(sample, domains, values, linearised, members, base),
        n=sums.by_domain(sums.rows),
        n_weighted=members,
        sum_weight=base,
    )
    return inputs.to_inference(sample, level, deff)


def estimate_magnitude(linearised: Linearised) -> Floats:
    """Return the magnitude of each estimate; a difference far below it is mere rounding."""
    sums = linearised.sums
    centre: Floats = np.abs(sums.omega) @ np.abs(sums.centre)
    return np.abs(linearised.estimate) + centre


def zero_rounding_noise(variance: Floats, size: Floats) -> Floats:
    return np.where(variance < (ROUNDING_TOLERANCE * size) ** 2, 0.0, variance)


def simple_random_variance(
    sample: Sample,
    domains: Domains,
    values: Floats,
    linearised: Linearised,
    members: Floats,
    base: Floats,
) -> Floats:
    """Return the variance under simple random sampling with replacement, (D, T); NaN where n < 2.

    R: `svyvar(x, design) / nobs`, with u the statistic's linearised value per row scaled to the
    base: sum(w u^2) / sum(w) * n / (n - 1) / n.
    """
    omega = linearised.sums.omega
    inverse = ratio(np.ones(1), linearised.mass)
    squares = np.zeros_like(base)
    rows = np.flatnonzero((domains.code >= 0) & (sample.weight > 0))
    for start in range(0, len(rows), ROW_BATCH_SIZE):
        block = rows[start : start + ROW_BATCH_SIZE]
        home = domains.code[block]
        y = values[block] - linearised.sums.centre
        y -= linearised.mean[home]
        y *= inverse[home]
        u = np.nan_to_num(y, copy=False) @ omega.T
        squares += group_sum(home, sample.weight[block, None] * u**2, domains.count)
    return ratio(squares * linearised.coverage**2 * base, members - 1, np.nan)


def effective_n(sample: Sample, domains: Domains, values: Floats) -> Floats:
    """Return Kish's effective size (sum w)² / sum w² of the scored rows, domains × columns."""
    inside = np.flatnonzero(domains.code >= 0)
    weight = sample.weight[inside, None] * ~np.isnan(values[inside])
    total = group_sum(domains.code[inside], weight, domains.count)
    square = group_sum(domains.code[inside], weight**2, domains.count)
    return ratio(total**2, square)
