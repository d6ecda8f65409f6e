"""Importance and performance of predictors with their resamples.

Weighted correlations need only sums of products, and these add up over PSUs. A resample is then a
product of weight factors and sums, and all resamples of a domain are decomposed together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from survey.estimate.arrays import Flags, Floats, limit_to_one_thread, ratio
from survey.estimate.design import Design, Sample, numbers, read_weight
from survey.estimate.errors import EstimateError
from survey.estimate.pair_sums import PairSums, PsuPairSums, pair_sums

FLAT = 1e-12
MAX_R_SQUARED = 1 + 1e-9
"""More than all of the differences, but for rounding, nobody can explain."""


def relative_weights(
    x: pd.DataFrame | npt.ArrayLike, y: pd.Series | npt.ArrayLike, weight: pd.Series | npt.ArrayLike
) -> pd.Series:
    """Return Johnson's relative weights: each predictor's (`x`) share of explained variance of `y`.

    Args:
        x: predictors (n, k), NaN for no score.
        y: outcome (n,), NaN for no score.
        weight: sampling weights (n,).

    Returns:
        One non-negative value per column of `x`; they sum to R² (`attrs["r_squared"]`).

    Raises:
        EstimateError: shapes that do not agree, a column that does not vary, or correlations that
            no population has (R² above 1).

    Source: Johnson (2000), Multivariate Behavioral Research 35. Correlations are weighted and
    pairwise: each uses the respondents who scored both variables; small negative eigenvalues
    that this can bring are set to 0.
    """
    x = x if isinstance(x, pd.DataFrame) else pd.DataFrame(np.asarray(x))
    outcome = np.asarray(y, dtype=np.float64)
    mass = np.asarray(weight, dtype=np.float64)
    for name, values in (("y", outcome), ("weight", mass)):
        if values.shape != (len(x),):
            raise EstimateError("shape", name=name, found=values.shape, expected=(len(x),))
    table = np.column_stack([x.to_numpy(np.float64, na_value=np.nan), outcome])
    correlation = _compute_correlations(table, mass, [*map(str, x.columns), "y"])
    values, vectors = np.linalg.eigh(correlation[:-1, :-1])
    root = np.sqrt(np.maximum(values, 0.0))
    half = (vectors * root) @ vectors.T
    beta = (vectors * ratio(np.ones(1), root)) @ vectors.T @ correlation[:-1, -1]
    weights = pd.Series(half**2 @ beta**2, index=x.columns, name="relative_weight")
    weights.attrs["r_squared"] = float(weights.sum())
    if weights.attrs["r_squared"] > MAX_R_SQUARED:
        raise EstimateError("no_population")
    return weights


def _compute_correlations(table: Floats, weight: Floats, names: list[str]) -> Floats:
    """Return weighted correlations (k, k) of columns; raise an error naming a constant one."""
    scored = (~np.isnan(table)).astype(np.float64)
    middle = ratio(weight @ np.nan_to_num(table), weight @ scored)
    centred = np.where(scored > 0, table - middle, 0.0)
    weighted = scored * weight[:, None]
    mass = scored.T @ weighted
    mean = ratio((centred * weight[:, None]).T @ scored, mass)
    second = ratio((centred**2 * weight[:, None]).T @ scored, mass)
    variance = second - mean**2
    covariance = ratio(centred.T @ (centred * weight[:, None]), mass) - mean * mean.T
    flat = np.flatnonzero(~(np.diag(variance) > 1e-12 * (1 + middle**2)))
    if flat.size:
        raise EstimateError("constant", column=names[int(flat[0])])
    return ratio(covariance, np.sqrt(np.maximum(variance * variance.T, 0)))


@dataclass(frozen=True)
class DriverMatrix:
    """Importance and performance of K predictors in one domain, as estimated and in R resamples.

    `importance` are Johnson's relative weights (they sum to R squared), `performance` the weighted
    means of the predictors. The resamples are NaN where a column does not vary in one or its
    correlations are those of no population; there are none where there is nothing to resample.
    """

    names: tuple[str, ...]
    n: int
    """Rows of the domain with a positive weight that score the outcome and any predictor."""
    importance: Floats
    """Shape (K,); NaN when `constant` names a column, and where R² would be above 1."""
    performance: Floats
    """Shape (K,)."""
    importances: Floats
    """Shape (R, K)."""
    performances: Floats
    """Shape (R, K)."""
    constant: str | None
    """The first column that does not vary in the domain, if any."""

    @property
    def r_squared(self) -> float:
        """R²: the share of the outcome's variance that the predictors explain."""
        return float(self.importance.sum())


def driver_matrix(
    frame: pd.DataFrame,
    predictors: Sequence[str],
    outcome: str,
    design: Design,
    *,
    domains: Mapping[str, Flags],
    replicates: int = 500,
    seed: int = 0,
) -> dict[str, DriverMatrix]:
    """Estimate importance of `predictors` for `outcome` and their means, by domain, resampled.

    Args:
        frame: the whole sample; NaN for no score. Domains are never made by dropping rows.
        domains: name -> which rows belong to it; they may overlap.
        replicates, seed: as `bootstrap`: the same resamples of the same PSUs.

    Returns:
        Domain -> what `relative_weights` and weighted means give for it, once with the weights as
        they are and once for each resample.

    Raises:
        EstimateError: as `bootstrap`; fewer than two predictors, or a design without PSUs.

    Source: Johnson (2000); Rao, Wu and Yue (1992). Equal to `bootstrap` of `relative_weights`.
    """
    if len(predictors) < 2:
        raise EstimateError("too_few_predictors", count=len(predictors))
    if design.psu is None:
        raise EstimateError("needs_points")
    names = [*predictors, outcome]
    table = np.column_stack([numbers(frame, name) for name in names])
    weight = read_weight(frame, design.weight)
    known = ~np.isnan(table)
    centre = ratio(weight @ np.where(known, table, 0.0), weight @ known.astype(np.float64))
    with limit_to_one_thread():
        sums = driver_sums(
            frame,
            predictors,
            outcome,
            design,
            domains=domains,
            centre=centre,
            replicates=replicates,
            seed=seed,
        )
        return {name: matrix_of(own.total(), names, centre) for name, own in sums.items()}


def driver_sums(
    frame: pd.DataFrame,
    predictors: Sequence[str],
    outcome: str,
    design: Design,
    *,
    domains: Mapping[str, Flags],
    centre: Floats,
    replicates: int,
    seed: int,
) -> dict[str, PsuPairSums]:
    """Return domain -> sums of products about `centre` by PSU; `frame` must hold whole strata.

    Args:
        centre: value about which each predictor and the outcome are summed, shape (K + 1,); near
            its mean, and the same for all that is added up.
    """
    table = np.column_stack([numbers(frame, name) for name in (*predictors, outcome)])
    scored = ~np.isnan(table)
    return pair_sums(
        table,
        Sample.read(frame, design),
        domains={name: _find_member_rows(frame, rows) for name, rows in domains.items()},
        counted=scored[:, -1] & scored[:, :-1].any(axis=1),
        centre=centre,
        resamples=(replicates, seed),
    )


def matrix_of(sums: PairSums, names: Sequence[str], centre: Floats) -> DriverMatrix:
    """Return importance and mean of `names` but the last, the outcome, from sums about `centre`.

    Args:
        names: the predictors, then the outcome.
    """
    whole = _replicate_weights(sums.whole[None], centre)
    flat = np.flatnonzero(~whole.varies[0])
    resampled = _replicate_weights(sums.resampled[: None if sums.is_resampled else 0], centre)
    return DriverMatrix(
        names=tuple(names[:-1]),
        n=sums.n,
        importance=whole.importance[0],
        performance=whole.performance[0],
        importances=resampled.importance,
        performances=resampled.performance,
        constant=names[int(flat[0])] if flat.size else None,
    )


def priorities(
    importance: Floats, performance: Floats, *, best: float = 100.0, most: int = 3
) -> Flags:
    """Return flags of up to `most` predictors: important, below average and short of `best`.

    Those that weigh at least as much as the average predictor and score at most the average
    score; of these, the `most` with the largest importance x (best - score), which is how far
    the outcome is held back by what is missing there. There may be fewer, or none.
    """
    share = ratio(importance, importance.sum(axis=-1, keepdims=True), np.nan)
    candidate = (share >= share.mean(axis=-1, keepdims=True)) & (
        performance <= performance.mean(axis=-1, keepdims=True)
    )
    urgency = np.where(candidate, share * (best - performance), -np.inf)
    order = np.argsort(-urgency, axis=-1, kind="stable")
    chosen = np.zeros(urgency.shape, dtype=bool)
    np.put_along_axis(chosen, order[..., :most], True, axis=-1)
    return np.asarray(chosen & candidate)


def _find_member_rows(frame: pd.DataFrame, member: Flags) -> Flags:
    rows = np.asarray(member, dtype=bool)
    if rows.shape != (len(frame),):
        raise EstimateError("shape", name="domain", found=rows.shape, expected=(len(frame),))
    return rows


@dataclass(frozen=True)
class _ReplicateWeights:
    """Relative weights and means of each resample, and which columns vary in it."""

    importance: Floats
    performance: Floats
    varies: Flags


def _replicate_weights(sums: Floats, middle: Floats) -> _ReplicateWeights:
    """Return relative weights and means of each resample, from sums taken about `middle`."""
    mass, first, square, product = (sums[:, part] for part in range(4))
    mean = ratio(first, mass)
    variance = ratio(square, mass) - mean**2
    covariance = ratio(product, mass) - mean * mean.swapaxes(1, 2)
    own = np.diagonal(variance, axis1=1, axis2=2)
    varies = np.asarray(own > FLAT * (1 + middle**2))
    spread = np.sqrt(np.maximum(variance * variance.swapaxes(1, 2), 0))
    correlation = ratio(covariance, spread)
    usable: Flags = np.logical_and.reduce(varies, axis=1)
    importance = np.full((len(sums), len(middle) - 1), np.nan)
    importance[usable] = _compute_johnson_weights(correlation[usable])
    means = middle + np.diagonal(mean, axis1=1, axis2=2)
    performance = np.where(np.diagonal(mass, axis1=1, axis2=2) > 0, means, np.nan)[:, :-1]
    return _ReplicateWeights(importance, np.where(usable[:, None], performance, np.nan), varies)


def _compute_johnson_weights(correlation: Floats) -> Floats:
    """Return Johnson's relative weights from correlations (R, K + 1, K + 1), the outcome last.

    NaN where they explain more than there is: pairwise correlations of few people can be those of
    no population.
    """
    values, vectors = np.linalg.eigh(correlation[:, :-1, :-1])
    root = np.sqrt(np.maximum(values, 0.0))[:, None, :]
    turned = vectors.swapaxes(1, 2)
    half = (vectors * root) @ turned
    inner = turned @ correlation[:, :-1, -1:]
    beta = vectors @ (inner * ratio(np.ones(1), root).swapaxes(1, 2))
    weights = (half**2 @ beta**2)[..., 0]
    return np.where(weights.sum(axis=1, keepdims=True) <= MAX_R_SQUARED, weights, np.nan)
