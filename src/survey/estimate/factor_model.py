"""Confirmatory factor model in which each item measures one factor: maximum likelihood.

Everything is computed from means and covariances, which add up over the parts of a wave. The
design corrects the test through the spread of the covariances: their deviations in resamples of
PSUs, or their linearised PSU totals, give the same thing.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import lstsq

from survey.estimate.arrays import Codes, Flags, Floats

CLOSE = 1e-22
"""Square of a step, in standard errors of one respondent, below which a fit has converged."""
ROUNDING = 1e-12
MAX_STEPS = 200
_HALVINGS = 12


@dataclass(frozen=True)
class Moments:
    """Means and covariances of B groups or resamples of p items, and their respondents."""

    covariance: Floats
    """Shape (B, p, p), divided by the sum of weights."""
    mean: Floats
    """Shape (B, p)."""
    n: Floats
    """Shape (B,)."""

    @cached_property
    def log_determinant(self) -> Floats:
        """log|S|, shape (B,); infinity where items tell nothing of their own."""
        return _log_determinant(self.covariance)


@dataclass(frozen=True)
class Parameters:
    """Parameters of B groups or resamples: Σ = ΛΦΛ' + Ψ, μ = ν + Λκ; p items, f factors."""

    factor: Codes
    """Factor of each item, shape (p,)."""
    loading: Floats
    """Shape (B, p)."""
    phi: Floats
    """Covariances of the factors, shape (B, f, f)."""
    unique: Floats
    """Variances of the items that no factor explains, shape (B, p)."""
    intercept: Floats
    """Shape (B, p)."""
    factor_mean: Floats
    """Shape (B, f)."""

    @cached_property
    def lambda_(self) -> Floats:
        """Λ, shape (B, p, f)."""
        return self.loading[..., None] * np.eye(self.phi.shape[-1])[self.factor]

    @cached_property
    def sigma(self) -> Floats:
        """Covariances of the items that the model implies, shape (B, p, p)."""
        own = self.unique[..., None] * np.eye(len(self.factor))
        return self.lambda_ @ self.phi @ self.lambda_.swapaxes(-1, -2) + own

    @cached_property
    def inverse(self) -> Floats:
        """Σ⁻¹, shape (B, p, p)."""
        return np.asarray(np.linalg.inv(self.sigma))

    @cached_property
    def mu(self) -> Floats:
        """Means that the model implies, shape (B, p)."""
        return self.intercept + (self.lambda_ @ self.factor_mean[..., None])[..., 0]

    @property
    def pairs(self) -> tuple[Codes, Codes]:
        """Rows and columns of the factors' variances and covariances, as `flat` has them."""
        return np.triu_indices(self.phi.shape[-1])

    @property
    def flat(self) -> Floats:
        """Loadings, covariances of factors, unique variances, intercepts, factor means; (B, m)."""
        own = self.phi[:, *self.pairs]
        return np.concatenate(
            [self.loading, own, self.unique, self.intercept, self.factor_mean], axis=1
        )

    def replace_flat(self, flat: Floats) -> "Parameters":
        """Return parameters of the same factors with the values `flat`, shape (B, m)."""
        p, f, (rows, columns) = len(self.factor), self.phi.shape[-1], self.pairs
        ends = np.cumsum([p, len(rows), p, p])
        loading, own, unique, intercept, mean = np.split(flat, ends, axis=1)
        phi = np.empty((len(flat), f, f))
        phi[:, rows, columns] = phi[:, columns, rows] = own
        return Parameters(self.factor, loading, phi, unique, intercept, mean)


def discrepancy(values: Parameters, moments: Moments) -> Floats:
    """Return log|Σ| + tr(S Σ⁻¹) − log|S| − p of each group (B,); infinity outside the model."""
    own, off = _log_determinant(values.sigma), moments.mean - values.mu
    inside = np.isfinite(own)
    if inside.all():
        inverse = values.inverse
    else:
        inverse = np.zeros_like(values.sigma)
        inverse[inside] = np.linalg.inv(values.sigma[inside])
    spread = moments.covariance + off[:, :, None] * off[:, None, :]
    # Without the p that both traces hold there is less to round.
    trace = (inverse * (spread - values.sigma)).sum(axis=(1, 2))
    return np.where(inside, own - moments.log_determinant + trace, np.inf)


def _log_determinant(matrices: Floats) -> Floats:
    """Return log|M| of symmetric matrices (B, p, p); infinity for those that are not positive."""
    try:
        roots = np.linalg.cholesky(matrices)
    except np.linalg.LinAlgError:
        values = np.linalg.eigvalsh(matrices)
        logarithms = np.log(np.where(values > 0, values, 1.0)).sum(axis=1)
        return np.where(values[:, 0] > 0, logarithms, np.inf)
    return np.asarray(2 * np.log(np.diagonal(roots, axis1=1, axis2=2)).sum(axis=1))


def score(values: Parameters, deviation: Floats, off: Floats) -> Floats:
    """Return half the derivative of −discrepancy by `flat` (B, m), where S − Σ is `deviation`.

    Args:
        deviation: shape (J, p, p), with the outer product of `off`, means less μ (J, p); J is B,
            or any number where B is 1.
    """
    inverse = values.inverse
    turned = inverse @ deviation @ inverse
    rows, columns = values.pairs
    items = np.arange(len(values.factor))
    by_loading = (turned @ values.lambda_ @ values.phi)[:, items, values.factor]
    pull = (inverse @ off[..., None])[..., 0]
    by_loading = by_loading + pull * values.factor_mean[:, values.factor]
    own = (values.lambda_.swapaxes(1, 2) @ turned @ values.lambda_)[:, rows, columns]
    return np.concatenate(
        [
            by_loading,
            own * np.where(rows == columns, 0.5, 1.0),
            np.diagonal(turned, axis1=1, axis2=2) / 2,
            pull,
            (values.lambda_.swapaxes(1, 2) @ pull[..., None])[..., 0],
        ],
        axis=1,
    )


def information(values: Parameters) -> Floats:
    """Return expected information by `flat`, of one respondent, shape (B, m, m)."""
    inverse, factor, (rows, columns) = values.inverse, values.factor, values.pairs
    size, factors = len(factor), values.phi.shape[-1]
    lam = values.lambda_
    through = lam @ values.phi
    u, x = inverse @ through, inverse @ lam
    within = through.swapaxes(1, 2) @ u
    w, y = lam.swapaxes(1, 2) @ x, lam.swapaxes(1, 2) @ u
    kappa = values.factor_mean[:, factor]
    halved = np.where(rows == columns, 0.5, 1.0)
    crossed = u[:, :, factor]
    loading = inverse * within[:, factor][:, :, factor] + crossed * crossed.swapaxes(1, 2)
    loading = loading + inverse * kappa[:, :, None] * kappa[:, None, :]
    # Against the factors' covariances, with the item's factor as the second of each pair.
    by_factor = y.swapaxes(1, 2)[:, factor]
    loading_phi = halved * (
        x[:, :, rows] * by_factor[:, :, columns] + x[:, :, columns] * by_factor[:, :, rows]
    )
    phi = np.outer(halved, halved) * (
        w[:, rows][:, :, rows] * w[:, columns][:, :, columns]
        + w[:, rows][:, :, columns] * w[:, columns][:, :, rows]
    )
    phi_unique = (halved * x[:, :, rows] * x[:, :, columns]).swapaxes(1, 2)
    # Means tell nothing of the factors' covariances and of the unique variances.
    none = np.zeros((len(u), len(rows), size)), np.zeros((len(u), size, factors))
    upper = (
        (loading, loading_phi, inverse * crossed.swapaxes(1, 2), kappa[:, :, None] * inverse,
         kappa[:, :, None] * x),
        (phi, phi_unique, none[0], np.zeros((len(u), len(rows), factors))),
        (inverse**2 / 2, np.zeros_like(inverse), none[1]),
        (inverse, x),
        (w,),
    )  # fmt: skip
    blocks = [
        [upper[i][j - i] if i <= j else upper[j][i - j].swapaxes(1, 2) for j in range(5)]
        for i in range(5)
    ]
    return np.concatenate([np.concatenate(row, axis=2) for row in blocks], axis=1)


def fit(
    start: Parameters,
    free: Codes,
    moments: Moments,
    *,
    close: float = CLOSE,
    steps: int = MAX_STEPS,
) -> tuple[Parameters, Flags]:
    """Fit by Fisher scoring; return the parameters, and which groups converged, shape (B,).

    Args:
        free: number of the free parameter behind each entry of `flat`, -1 for one that keeps the
            value of `start`. Shape (B, m): equal numbers are equal parameters, and all groups
            converge together. Shape (m,): each group has parameters of its own.
        close, steps: see `CLOSE`, and the steps after which a group counts as not converged.
    """
    values, joint = start, free.ndim == 2
    weight = moments.n / moments.n.sum() if joint else np.ones(len(moments.n))
    used = free >= 0
    loss = discrepancy(values, moments)
    found = np.zeros(len(loss), dtype=bool)
    if not np.isfinite(loss).all():
        return values, found
    for _ in range(steps):
        off = moments.mean - values.mu
        deviation = moments.covariance + off[:, :, None] * off[:, None, :] - values.sigma
        gradient = weight[:, None] * score(values, deviation, off) * used
        step = _solve(free, gradient, weight[:, None, None] * information(values))
        gain = (step * gradient).sum(axis=1)
        found = np.abs(gain.sum() if joint else gain) < close
        found = np.broadcast_to(found, loss.shape)
        if found.all():
            break
        values, loss, stuck = _move(values, step, moments, loss, weight if joint else None)
        if (found | stuck).all():
            break
    return values, found


def _move(
    values: Parameters, step: Floats, moments: Moments, loss: Floats, weight: Floats | None
) -> tuple[Parameters, Floats, Flags]:
    """Return values moved by `step`, halved until the loss falls, their loss, and who stays.

    Args:
        weight: of the groups whose losses count together; None: each counts on its own.
    """
    size = np.ones(len(loss))
    for _ in range(_HALVINGS):
        moved = values.replace_flat(values.flat + step * size[:, None])
        there = discrepancy(moved, moments)
        worse = there - loss > ROUNDING
        if weight is not None:
            worse = np.full(len(loss), weight @ there - weight @ loss > ROUNDING)
        if not worse.any():
            return moved, there, worse
        size = np.where(worse, size / 2, size)
    kept = values.replace_flat(values.flat + step * np.where(worse, 0.0, size)[:, None])
    return kept, discrepancy(kept, moments), worse


def _solve(free: Codes, gradient: Floats, curvature: Floats) -> Floats:
    """Return the step of each entry of `flat`, shape (B, m)."""
    step = np.zeros_like(gradient)
    if free.ndim == 1:
        own = np.flatnonzero(free >= 0)
        step[:, own] = np.linalg.solve(curvature[:, own[:, None], own], gradient[:, own, None])[
            ..., 0
        ]
        return step
    # What is not free is summed as one parameter more, and left out.
    q = int(free.max()) + 1
    place = np.where(free >= 0, free, q)
    pairs = place[:, :, None] * (q + 1) + place[:, None, :]
    total = np.bincount(pairs.ravel(), curvature.ravel(), (q + 1) ** 2).reshape(q + 1, q + 1)
    pull = np.bincount(place.ravel(), gradient.ravel(), q + 1)
    found = lstsq(total[:q, :q], pull[:q], lapack_driver="gelsy")[0]
    return np.append(found, 0.0)[place]
