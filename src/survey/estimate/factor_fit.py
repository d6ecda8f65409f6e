"""Fit of a confirmatory factor model, with a test that the design corrects, and its invariance.

χ², CFI, TLI, RMSEA and SRMR as in R `lavaan`; formulas: `docs/measurement.md`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import nan, sqrt

import numpy as np
from scipy.special import chdtrc

from survey.estimate.arrays import Codes, Floats
from survey.estimate.factor_model import Moments, Parameters, discrepancy, fit, information, score

MAX_CFI_LOSS, MAX_RMSEA_GAIN = 0.01, 0.015
"""A fit is worse where it loses or gains more: Cheung and Rensvold (2002), Chen (2007)."""
LEVELS = ("configural", "metric", "scalar")


@dataclass(frozen=True)
class FitIndices:
    """Test and fit of a model; NaN where the model has no degrees of freedom."""

    chi2: float
    df: float
    p: float
    cfi: float
    tli: float
    rmsea: float

    @classmethod
    def of(
        cls,
        model: tuple[float, float],
        baseline: tuple[float, float],
        scales: tuple[float, float] = (1.0, 1.0),
        *,
        n: float,
        groups: int = 1,
    ) -> "FitIndices":
        """Return the indices from (χ², df) of the model and of independent items.

        Args:
            scales: what a test statistic of each is expected to be per degree of freedom under
                this design; 1 for a simple random sample of normal items.

        Source: Satorra and Bentler (1994); Brosseau-Liard and Savalei (2014).
        """
        (chi2, df), (worst, worst_df), (scale, worst_scale) = model, baseline, scales
        if df < 1:
            return cls(chi2, df, nan, nan, nan, nan)
        excess, worst_excess = chi2 - scale * df, worst - worst_scale * worst_df
        largest = max(excess, worst_excess, 0.0)
        return cls(
            chi2 / scale,
            df,
            float(chdtrc(df, chi2 / scale)),
            1 - max(excess, 0.0) / largest if largest else 1.0,
            1 - excess * worst_df / (worst_excess * df) if worst_excess else nan,
            sqrt(max(excess, 0.0) / (n * df) * groups),
        )


@dataclass(frozen=True)
class FactorFit:
    """One group's model: p items, f factors whose variances are 1."""

    indices: FitIndices
    srmr: float
    loading: Floats
    """In units of the items, shape (p,)."""
    loading_se: Floats
    """Robust standard errors, shape (p,); NaN without deviations."""
    standardised: Floats
    """Correlation of item and factor, shape (p,)."""
    correlation: Floats
    """Of the factors, shape (f, f)."""


def start_parameters(factor: Codes, moments: Moments) -> Parameters:
    """Return values to begin with: half of each item's variance explained, factors alike."""
    variance = np.diagonal(moments.covariance, axis1=1, axis2=2)
    groups, factors = len(variance), int(factor.max()) + 1
    phi = np.where(np.eye(factors, dtype=bool), 1.0, 0.5)
    return Parameters(
        factor=factor,
        loading=np.sqrt(variance / 2),
        phi=np.tile(phi, (groups, 1, 1)),
        unique=variance / 2,
        intercept=moments.mean,
        factor_mean=np.zeros((groups, factors)),
    )


def number_free(start: Parameters) -> Codes:
    """Return `free` of `fit` for groups on their own: loadings, correlations, unique variances."""
    p, (rows, columns), f = len(start.factor), start.pairs, start.phi.shape[-1]
    wanted = np.concatenate(
        [np.ones(p, bool), rows != columns, np.ones(p, bool), np.zeros(p + f, bool)]
    )
    return np.where(wanted, np.cumsum(wanted) - 1, -1)


def fit_factors(factor: Codes, moments: Moments, deviations: Floats | None) -> FactorFit | None:
    """Fit the model to the one group in `moments`; None if it cannot be fitted.

    Args:
        factor: factor of each item, 0 to f - 1, shape (p,).
        deviations: deviations of the covariances whose outer products add up to the covariance of
            the covariances, shape (J, p, p): of resamples, over √(J − 1), or linearised totals by
            PSU. None: no correction.
    """
    start = start_parameters(factor, moments)
    free = number_free(start)
    values, found = fit(start, free, moments)
    if not found.all():
        return None
    seen, n, p = moments.covariance[0], float(moments.n[0]), len(factor)
    own = np.flatnonzero(free >= 0)
    df = p * (p + 1) / 2 - len(own)
    variance = np.diag(seen)
    worst_df = p * (p - 1) / 2
    worst = n * float(np.log(variance).sum() - moments.log_determinant[0])
    inverse = np.linalg.inv(information(values)[0][np.ix_(own, own)])
    scales, error = (1.0, 1.0), np.full(p, nan)
    if deviations is not None and df:
        pull = score(values, deviations, np.zeros((len(deviations), p)))[:, own]
        turned = values.inverse[0] @ deviations
        whole = np.einsum("jab,jba->", turned, turned) / 2
        scale = n * (whole - np.einsum("ja,ab,jb->", pull, inverse, pull)) / df
        upper = np.triu(np.ones((p, p)), 1) / np.outer(variance, variance)
        scales = float(scale), float(n * (deviations**2 * upper).sum() / worst_df)
        error = np.sqrt(np.diag(inverse @ (pull.T @ pull) @ inverse)[:p])
    chi2 = n * float(discrepancy(values, moments)[0])
    spread = np.sqrt(variance)
    residual = (seen - values.sigma[0]) / np.outer(spread, spread)
    sign = _signs(values)
    return FactorFit(
        FitIndices.of((chi2, df), (worst, worst_df), scales, n=n),
        sqrt(float((np.tril(residual) ** 2).sum()) / (p * (p + 1) / 2)),
        values.loading[0] * sign[factor],
        error,
        values.loading[0] * sign[factor] / np.sqrt(np.diag(values.sigma[0])),
        values.phi[0] * np.outer(sign, sign),
    )


def _signs(values: Parameters) -> Floats:
    """Return −1 for factors whose loadings point down, else 1, shape (f,)."""
    total = np.bincount(values.factor, values.loading[0])
    return np.where(total < 0, -1.0, 1.0)


@dataclass(frozen=True)
class InvarianceStep:
    """Fit with form (configural), loadings (metric), or intercepts too (scalar) held equal."""

    level: str
    indices: FitIndices
    cfi_loss: float
    """Against the step before; NaN for the first."""
    rmsea_gain: float
    holds: bool
    """Whether this step and all before it fit no worse than the bounds allow."""


def invariance_steps(factor: Codes, moments: Moments) -> tuple[InvarianceStep, ...]:
    """Fit the groups in `moments` with more and more parameters equal; stop where a fit fails.

    χ² is not corrected for the design: the bounds come from simulations of the plain statistic,
    and a common factor of all χ² nearly cancels in the differences.
    """
    steps: list[InvarianceStep] = []
    start = start_parameters(factor, moments)
    values, found = fit(start, number_free(start), moments)
    if not found.all():
        return ()
    for level in LEVELS:
        free = _shared_parameters(values, level)
        if level != "configural":
            values, found = fit(_equal_start(values, level), free, moments)
            if not found.all():
                break
        steps.append(_judge(level, _indices(values, free, moments), steps))
    return tuple(steps)


def _shared_parameters(values: Parameters, level: str) -> Codes:
    """Return `free` of `fit` (B, m): the first group's factors have variance 1 and mean 0."""
    groups, p, f = len(values.loading), len(values.factor), values.phi.shape[-1]
    (rows, columns), equal_loadings, equal_intercepts = (
        values.pairs,
        level != "configural",
        level == "scalar",
    )
    first = np.arange(groups)[:, None] == 0
    own_scale = equal_loadings & ~first
    blocks = [
        (np.ones((groups, p), bool), equal_loadings),
        ((rows != columns) | np.broadcast_to(own_scale, (groups, len(rows))), False),
        (np.ones((groups, p), bool), False),
        (np.ones((groups, p), bool), equal_intercepts),
        (np.broadcast_to(~first & equal_intercepts, (groups, f)), False),
    ]
    numbers, next_number = [], 0
    for wanted, equal in blocks:
        counted = wanted[:1] if equal else wanted
        number = np.where(counted, next_number + np.cumsum(counted).reshape(counted.shape) - 1, -1)
        numbers.append(np.broadcast_to(number, wanted.shape))
        next_number += int(counted.sum())
    return np.concatenate(numbers, axis=1)


def _equal_start(values: Parameters, level: str) -> Parameters:
    """Return values to begin with, in which what `level` holds equal is that of the first group."""
    if level == "metric":
        sign = np.sign(values.loading.sum(axis=1, keepdims=True))
        return replace(
            values, loading=np.repeat(np.abs(values.loading[:1] * sign[:1]), len(sign), 0)
        )
    return replace(values, intercept=np.repeat(values.intercept[:1], len(values.loading), 0))


def _indices(values: Parameters, free: Codes, moments: Moments) -> FitIndices:
    groups, p = moments.mean.shape
    chi2 = float(moments.n @ discrepancy(values, moments))
    variance = np.diagonal(moments.covariance, axis1=1, axis2=2)
    worst = np.log(variance).sum(axis=1) - moments.log_determinant
    df = groups * (p * (p + 1) / 2 + p) - (int(free.max()) + 1)
    baseline = float(moments.n @ worst), groups * p * (p - 1) / 2
    return FitIndices.of((chi2, df), baseline, n=float(moments.n.sum()), groups=groups)


def _judge(level: str, indices: FitIndices, before: Sequence[InvarianceStep]) -> InvarianceStep:
    if not before:
        return InvarianceStep(level, indices, nan, nan, True)
    last = before[-1]
    loss, gain = last.indices.cfi - indices.cfi, indices.rmsea - last.indices.rmsea
    holds = last.holds and loss <= MAX_CFI_LOSS and gain <= MAX_RMSEA_GAIN
    return InvarianceStep(level, indices, loss, gain, holds)
