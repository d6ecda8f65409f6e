"""Confidence sets for ranks: the places in a ranking that a sample tells apart."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from survey.estimate.arrays import Flags, Floats, ratio
from survey.estimate.errors import EstimateError
from survey.estimate.rank_pairs import EstimatedErrors, KnownErrors, RankPairs, deviate_squares
from survey.estimate.tree import Node, Tree


def rank_sets(
    estimate: pd.Series | npt.ArrayLike,
    se: pd.Series | npt.ArrayLike,
    *,
    df: pd.Series | npt.ArrayLike | float | None = None,
    covariance: npt.ArrayLike | None = None,
    level: float = 0.95,
    simultaneous: bool = True,
    step_down: bool = True,
    draws: int = 10_000,
    seed: int = 0,
    normal_draws: npt.ArrayLike | None = None,
) -> pd.DataFrame:
    """Rank units, 1 for the largest estimate, with a confidence set [low, high] for each rank.

    Args:
        estimate, se: one value per unit (p units); a Series gives the result its index.
        df: degrees of freedom of each `se` (one for all, or one per unit, infinity allowed). The
            errors are then taken as estimated: each draw draws them again. Without it, or with
            infinity throughout, they are taken as known.
        covariance: of the estimates (p, p); independent with variances se² unless given. Not
            together with `df`.
        simultaneous: one set for all ranks together; otherwise one for each rank by itself.
        step_down: sharpen by leaving out differences already found and drawing no new ones.
        draws, seed: standard normal draws, of `numpy.random.default_rng(seed)`.
        normal_draws: standard normals (draws, p) to use instead; multiplied by se, or by the
            transposed Cholesky factor of `covariance`.

    Returns:
        rank (1 + number of larger estimates: ties share the better rank), low, high. `attrs`
        records level, draws and seed, and for simultaneous sets the last critical value: i is
        surely above j if and only if `significant_pairs` says so with it; for known errors, if
        their difference exceeds it times the error of the difference.

    Raises:
        EstimateError: missing values, shapes that do not agree, or degrees of freedom below 1.

    Source: Mogstad, Romano, Shaikh and Wilhelm (2024), Review of Economic Studies 91. Set of j =
    [1 + units surely above, p - units surely below]; "surely" by the level quantile of the largest
    standardised difference over ordered pairs. As R `csranks(cstype="two-sided")`; with `df` see
    `survey.estimate.rank_pairs.EstimatedErrors`.
    """
    x, spread = _read_vector("estimate", estimate), _read_vector("se", se)
    if len(spread) != len(x):
        raise EstimateError("shape", name="se", found=spread.shape, expected=x.shape)
    freedom = _degrees_of_freedom(df, len(x), covariance)
    noise, deviation = _draw_errors(spread, covariance, draws, seed, normal_draws)
    pairs: RankPairs
    if freedom is None:
        standard = None if covariance is not None else ratio(noise, spread)
        pairs = KnownErrors(x, noise, deviation, standard, level, step_down)
    else:
        scale = _draw_variance_ratios(freedom, len(noise), seed)
        pairs = EstimatedErrors(x, spread, freedom, noise, scale, level, step_down)
    above, below = pairs.count_simultaneously() if simultaneous else pairs.count_unit_by_unit()
    table = pd.DataFrame(
        {"rank": 1 + (x > x[:, None]).sum(axis=1), "low": 1 + above, "high": len(x) - below},
        index=estimate.index if isinstance(estimate, pd.Series) else None,
    )
    table.attrs |= {
        "level": level,
        "draws": len(noise),
        "seed": None if normal_draws is not None else seed,
    }
    if simultaneous:
        table.attrs["critical"] = pairs.critical
    return table


def significant_pairs(
    estimate: pd.Series | npt.ArrayLike,
    se: pd.Series | npt.ArrayLike,
    critical: float,
    *,
    df: pd.Series | npt.ArrayLike | float | None = None,
) -> Flags:
    """Return flags [i, j]: unit i is significantly above j, by `critical` from `rank_sets`.

    `critical` is the one that `rank_sets` gives for the same estimates and degrees of freedom; the
    pairs are then those that its simultaneous sets count.
    """
    x, spread = _read_vector("estimate", estimate), _read_vector("se", se)
    freedom = _degrees_of_freedom(df, len(x), None)
    if freedom is None:
        return np.asarray(x[:, None] - x - np.hypot(spread, spread[:, None]) * critical > 0)
    return np.asarray(deviate_squares(x, spread, freedom) > critical)


def top_probability(
    estimate: pd.Series,
    se: pd.Series | npt.ArrayLike,
    *,
    df: pd.Series | npt.ArrayLike | float | None = None,
    top: int = 10,
    covariance: npt.ArrayLike | None = None,
    draws: int = 10_000,
    seed: int = 0,
    normal_draws: npt.ArrayLike | None = None,
) -> pd.Series:
    """Return the probability that each unit is among the `top` largest, by random draws.

    Each draw adds errors to the estimates, with `df` those of Student's t; the share of draws in
    which a unit ranks within `top`.
    """
    x, spread = _read_vector("estimate", estimate), _read_vector("se", se)
    freedom = _degrees_of_freedom(df, len(x), covariance)
    noise, _ = _draw_errors(spread, covariance, draws, seed, normal_draws)
    if freedom is not None:
        noise /= np.sqrt(_draw_variance_ratios(freedom, len(noise), seed))
    drawn = x + noise
    floor = -np.partition(-drawn, min(top, len(x)) - 1, axis=1)[:, min(top, len(x)) - 1]
    return pd.Series(
        (drawn >= floor[:, None]).mean(axis=0), index=estimate.index, name="top_probability"
    )


def rank_sensitivity(
    scores: pd.DataFrame,
    weights: pd.Series,
    *,
    spread: float = 0.2,
    draws: int = 1_000,
    seed: int = 0,
    level: float = 0.95,
    weight_draws: npt.ArrayLike | None = None,
) -> pd.DataFrame:
    """Return units' ranks by weighted `scores`, and their range as weights vary by `spread`.

    Args:
        scores: units × indicators.
        weights: one per indicator, summing to 1.
        spread: relative standard deviation of the weights. They are drawn from a Dirichlet
            distribution about `weights` whose relative variance, averaged by weight, is spread².
        weight_draws: weights (draws, indicators) to use instead, such as those of `tree_draws`.

    Returns:
        rank under `weights`, and low and high, the central `level` of ranks over the draws.
    """
    shares = weights.reindex(scores.columns)
    if missing := int(shares.isna().sum()) or int(scores.isna().to_numpy().sum()):
        raise EstimateError("missing_value", name="scores or weights", count=missing)
    if weight_draws is None:
        drawn = dirichlet_weights(shares.to_numpy(), spread, draws, np.random.default_rng(seed))
    else:
        drawn = np.asarray(weight_draws, dtype=np.float64)
    if drawn.ndim != 2 or drawn.shape[1] != len(shares):
        raise EstimateError(
            "shape", name="weight_draws", found=drawn.shape, expected=("draws", len(shares))
        )
    ranks = (-(scores.to_numpy() @ drawn.T)).argsort(axis=0).argsort(axis=0) + 1
    low, high = np.quantile(ranks, [(1 - level) / 2, (1 + level) / 2], axis=1, method="nearest")
    central = pd.Series(scores.to_numpy() @ shares.to_numpy(), index=scores.index)
    rank = central.rank(ascending=False, method="min").astype(np.int64)
    return pd.DataFrame({"rank": rank, "low": low, "high": high})


def tree_draws(
    tree: Tree, *, spread: float = 0.2, draws: int = 1_000, seed: int = 0
) -> pd.DataFrame:
    """Draw weights of the tree's lowest indicators in the composite, varied by `spread`.

    Each family is drawn by itself, as `rank_sensitivity` draws one set of weights, and multiplied
    down the tree. Returns draws × indicators that have items of their own.
    """
    rng = np.random.default_rng(seed)
    drawn: dict[str | None, Floats] = {None: np.ones(draws)}
    families: dict[str | None, list[Node]] = {}
    for node in sorted(tree.nodes, key=lambda node: node.level):
        families.setdefault(node.parent, []).append(node)
    for parent, children in families.items():
        shares = np.array([child.weight for child in children])
        moved = dirichlet_weights(shares, spread, draws, rng)
        for child, weight in zip(children, moved.T, strict=True):
            drawn[child.code] = drawn[parent] * weight
    fed = set(tree.feeds.values())
    return pd.DataFrame({code: drawn[code] for code in tree.codes if code in fed})


def dirichlet_weights(
    weights: Floats, spread: float, draws: int, rng: np.random.Generator
) -> Floats:
    """Draw Dirichlet weights (draws, k) about `weights` (k,) with relative variance spread².

    The variance is averaged by weight; a single weight stays as it is.
    """
    if len(weights) == 1:
        return np.broadcast_to(weights, (draws, 1))
    concentration = max((len(weights) - 1) / spread**2 - 1, 1.0)
    return rng.dirichlet(weights * concentration, size=draws)


def _read_vector(name: str, values: pd.Series | npt.ArrayLike) -> Floats:
    vector = np.asarray(values, dtype=np.float64)
    if missing := int(np.isnan(vector).sum()):
        raise EstimateError("missing_value", name=name, count=missing)
    return vector


def _degrees_of_freedom(
    df: pd.Series | npt.ArrayLike | float | None, units: int, covariance: npt.ArrayLike | None
) -> Floats | None:
    """Return `df` as an array of `units` values; None where every error is taken as known."""
    if df is None:
        return None
    given = _read_vector("df", df)
    if given.shape not in {(), (units,)}:
        raise EstimateError("shape", name="df", found=given.shape, expected=(units,))
    freedom = np.broadcast_to(given, (units,))
    if (freedom < 1).any():
        raise EstimateError("bad_df", value=float(freedom.min()))
    if np.isinf(freedom).all():
        return None
    if covariance is not None:
        raise EstimateError("df_with_covariance")
    return freedom


def _draw_variance_ratios(df: Floats, draws: int, seed: int) -> Floats:
    """Draw ratios of estimated to true variance, chi-squared over its df, shape (draws, p).

    They are independent of the errors, as in a normal sample: another stream of the same seed.
    """
    rng = np.random.default_rng([seed, 1])
    scale = np.ones((draws, len(df)))
    finite = np.flatnonzero(np.isfinite(df))
    half = df[finite] / 2
    scale[:, finite] = rng.standard_gamma(half, size=(draws, len(finite))) / half
    return scale


def _draw_errors(
    se: Floats,
    covariance: npt.ArrayLike | None,
    draws: int,
    seed: int,
    normal_draws: npt.ArrayLike | None,
) -> tuple[Floats, Floats]:
    """Draw errors of estimates, draws × units; return them and standard errors of differences."""
    p = len(se)
    if normal_draws is None:
        standard = np.random.default_rng(seed).standard_normal((draws, p))
    else:
        standard = np.asarray(normal_draws, dtype=np.float64)
        if standard.ndim != 2 or standard.shape[1] != p:
            raise EstimateError(
                "shape", name="normal_draws", found=standard.shape, expected=("draws", p)
            )
    if covariance is None:
        return standard * se, np.hypot(se, se[:, None])
    sigma = np.asarray(covariance, dtype=np.float64)
    if sigma.shape != (p, p):
        raise EstimateError("shape", name="covariance", found=sigma.shape, expected=(p, p))
    variance = np.diag(sigma)
    deviation = np.sqrt(np.maximum(variance + variance[:, None] - 2 * sigma, 0))
    return standard @ _compute_covariance_root(sigma).T, deviation


def _compute_covariance_root(sigma: Floats) -> Floats:
    """Return the Cholesky factor of a covariance, or the symmetric root of a singular one."""
    try:
        return np.asarray(np.linalg.cholesky(sigma), dtype=np.float64)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(sigma)
        return np.asarray((vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T)
