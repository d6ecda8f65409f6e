"""Internal consistency of items, and reliability of the means of areas.

Everything is computed from covariances of the items, so that all resamples of a wave can be
treated together: covariances have the shape (..., k, k), and results the shape (...).
"""

from dataclasses import dataclass
from math import nan

import numpy as np

from survey.estimate.arrays import Codes, Flags, Floats, ratio
from survey.estimate.factor_fit import number_free, start_parameters
from survey.estimate.factor_model import Moments, Parameters, fit

WANTED_RELIABILITY = 0.9
FEW_STEPS = 10
"""From the values of the whole most resamples need four; the few that need more are left out."""
NEARLY = 1e-8
"""For resamples, whose interval has two decimals: see `factor_model.CLOSE`."""
_NOTHING = 1e-8
"""An eigenvalue of correlations that is nothing but rounding."""


def cronbach_alpha(covariance: Floats) -> Floats:
    """Return α = k/(k − 1) (1 − Σ variances / variance of the sum), (...); Cronbach (1951)."""
    k = covariance.shape[-1]
    own = np.trace(covariance, axis1=-2, axis2=-1)
    whole = covariance.sum(axis=(-2, -1))
    return np.asarray(k / (k - 1) * (1 - ratio(own, whole, np.nan)))


def alpha_if_dropped(covariance: Floats) -> Floats:
    """Return α of the other items, for each item (..., k); NaN where fewer than two are left."""
    k = covariance.shape[-1]
    if k < 3:
        return np.full(covariance.shape[:-1], np.nan)
    others = [np.delete(np.arange(k), item) for item in range(k)]
    parts = [cronbach_alpha(covariance[..., left[:, None], left]) for left in others]
    return np.stack(parts, axis=-1)


def item_rest_correlation(covariance: Floats) -> Floats:
    """Return each item's correlation with the sum of the others, shape (..., k)."""
    own = np.diagonal(covariance, axis1=-2, axis2=-1)
    row = covariance.sum(axis=-1)
    with_rest = row - own
    rest = covariance.sum(axis=(-2, -1))[..., None] - 2 * row + own
    return ratio(with_rest, np.sqrt(np.maximum(own * rest, 0)), np.nan)


def split_half(covariance: Floats) -> Floats:
    """Return the reliability of odd against even items, 2r/(1 + r), (...); Spearman, Brown (1910).

    Items are numbered as in the questionnaire.
    """
    sides: list[Codes] = [np.arange(start, covariance.shape[-1], 2) for start in (0, 1)]
    first, second, both = (
        covariance[..., one[:, None], other].sum(axis=(-2, -1))
        for one, other in ((sides[0], sides[0]), (sides[1], sides[1]), (sides[0], sides[1]))
    )
    r = ratio(both, np.sqrt(np.maximum(first * second, 0)), np.nan)
    return np.asarray(ratio(2 * r, 1 + r, np.nan))


def mcdonald_omega(covariance: Floats) -> Floats:
    """Return ω = 1 − Σ unique variances / variance of the sum, for covariances (B, k, k).

    Unique variances are those of one factor, by maximum likelihood; the fits of all but the first
    begin with its values. NaN for fewer than three items, and where no factor fits.

    Args:
        covariance: of the whole sample, then of its resamples.

    Source: McDonald (1999).
    """
    omega, k = np.full(len(covariance), np.nan), covariance.shape[-1]
    if k == 3:
        return _three_item_omega(covariance)
    usable = np.flatnonzero(_is_positive(covariance))
    if k < 3 or usable[:1].tolist() != [0]:
        return omega
    whole, others = (
        Moments(covariance[rows], np.zeros((len(rows), k)), np.ones(len(rows)))
        for rows in (usable[:1], usable[1:])
    )
    start = start_parameters(np.zeros(k, dtype=np.intp), whole)
    free = number_free(start)
    values, found = fit(start, free, whole)
    omega[:1] = np.where(found, _compute_omega(values, whole), np.nan)
    if found[0] and len(others.n):
        near = start_parameters(start.factor, others)
        near = near.replace_flat(np.repeat(values.flat, len(others.n), axis=0))
        values, found = fit(near, free, others, close=NEARLY, steps=FEW_STEPS)
        omega[usable[1:]] = np.where(found, _compute_omega(values, others), np.nan)
    return omega


def _three_item_omega(covariance: Floats) -> Floats:
    """Return ω of three items, whose covariances one factor explains fully, shape (B,)."""
    first, second, third = (covariance[:, i, j] for i, j in ((0, 1), (0, 2), (1, 2)))
    product = np.where(_is_positive(covariance), first * second * third, 0.0)
    explained = sum(ratio(product, np.square(each), np.nan) for each in (first, second, third))
    whole = covariance.sum(axis=(1, 2))
    own = np.trace(covariance, axis1=1, axis2=2) - explained
    share = 1 - ratio(own, whole, np.nan)
    return np.where(product > 0, share, np.nan)


def _compute_omega(values: Parameters, moments: Moments) -> Floats:
    whole = moments.covariance.sum(axis=(1, 2))
    return np.asarray(1 - ratio(values.unique.sum(axis=1), whole, np.nan))


def has_population(covariance: Floats) -> Flags:
    """Return which covariances (..., k, k) some population has; pairwise ones need not, (...)."""
    return _smallest_eigenvalue(covariance) > -_NOTHING


def _is_positive(covariance: Floats) -> Flags:
    """Return which covariances belong to items that vary and tell different things."""
    return _smallest_eigenvalue(covariance) > _NOTHING


def _smallest_eigenvalue(covariance: Floats) -> Floats:
    """Return the smallest eigenvalue of the correlations, shape (...)."""
    spread = np.sqrt(np.maximum(np.diagonal(covariance, axis1=-2, axis2=-1), 0))
    scale = spread[..., :, None] * spread[..., None, :]
    return np.asarray(np.linalg.eigvalsh(ratio(covariance, scale))[..., 0])


@dataclass(frozen=True)
class MeanReliability:
    """How much of the spread of areas' means is real: 1 is all, 0 is chance alone."""

    reliability: float
    areas: int
    needed_n: float
    """Interviews an area would need for a reliability of 0.9; NaN where nothing is real."""


def mean_reliability(mean: Floats, se: Floats, n: Floats) -> MeanReliability | None:
    """Return 1 − mean(SE²)/variance of the means over areas (m,); None for fewer than three areas.

    A smaller error is thought to come from more interviews alone: n SE² stays as it is.
    """
    known = np.isfinite(mean) & np.isfinite(se) & (n > 0)
    if known.sum() < 3:
        return None
    noise = float((se[known] ** 2).mean())
    seen = float(mean[known].var(ddof=1))
    real = seen - noise
    if real <= 0:
        return MeanReliability(0.0, int(known.sum()), nan)
    one = float((n[known] * se[known] ** 2).mean())
    needed = one / real * WANTED_RELIABILITY / (1 - WANTED_RELIABILITY)
    return MeanReliability(real / seen, int(known.sum()), needed)
