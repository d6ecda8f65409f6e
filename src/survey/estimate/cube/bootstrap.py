"""Rao–Wu bootstrap of a cube, from products of weight factors and PSU sums."""

import numpy as np

from survey.estimate.arrays import Floats, ratio
from survey.estimate.cube.levels import LevelView
from survey.estimate.psu_sums import coverage_of


def resample(view: LevelView, factors: Floats, level: float) -> dict[str, np.ndarray]:
    """Return columns (A, G, T) of the bootstrap table, given factors (R, P) of the PSUs.

    PSUs are in row order.
    """
    sums = view.sums
    shape = (len(view.level.labels), *sums.shape)
    names = ("se", "ci_low", "ci_high", "mean", "replicates")
    columns = {name: np.full(shape, np.nan) for name in names}
    varied = (factors != 1).any(axis=0)
    for area in range(shape[0]):
        psus = np.flatnonzero(view.level.of_psu == area)
        values = _estimates(view, factors[:, psus], psus)
        if not varied[psus].any():
            values[:] = np.nan
        for name, figures in _summary(values, level).items():
            columns[name][area] = figures.reshape(sums.shape)
    asked = slice(0, sums.shape[0])
    thin = view.psus[:, asked] < 2
    for name in names[:-1]:
        columns[name][thin] = np.nan
    return {"estimate": view.estimate[:, asked], **columns}


def _estimates(view: LevelView, factors: Floats, psus: np.ndarray) -> Floats:
    """Return the replicate estimates of one area, shape (R, G * T)."""
    sums, plan = view.sums, view.sums.plan
    groups, columns = sums.shape[0], sums.rows.columns
    own = sums.moments.psu[psus, :groups].reshape(len(psus), -1)
    replicate = (factors @ own).reshape(len(factors), groups, 2 * columns)
    weight, total = replicate[..., :columns], replicate[..., columns:]
    location = ratio(total, weight) + plan.offset
    scored = weight > 0
    if scored.all():
        estimates = location @ plan.omega.T
    else:
        estimates = (location * scored) @ plan.omega.T
        estimates *= coverage_of(scored, plan.omega, sums.spec.renormalise)
    return estimates.reshape(len(factors), -1)


def _summary(values: Floats, level: float) -> dict[str, Floats]:
    """Return spread, mean, percentiles and number of replicates (R, c), leaving out NaN."""
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    filled = values if known.all() else np.where(known, values, 0.0)
    mean = ratio(filled.sum(axis=0), count.astype(np.float64), np.nan)
    deviation = (filled - mean) * known
    se = np.sqrt(ratio((deviation**2).sum(axis=0), count - 1.0, np.nan))
    low, high = _percentiles(values, count, level)
    return {"se": se, "ci_low": low, "ci_high": high, "mean": mean, "replicates": count}


def _percentiles(values: Floats, count: np.ndarray, level: float) -> tuple[Floats, Floats]:
    """Return percentiles with linear interpolation, leaving out NaN."""
    ordered = np.sort(values.T, axis=1)
    quantiles = []
    for probability in ((1 - level) / 2, (1 + level) / 2):
        place = np.maximum(count - 1, 0) * probability
        below = np.floor(place).astype(np.intp)
        line = np.arange(len(ordered))
        first = ordered[line, below]
        second = ordered[line, np.minimum(below + 1, np.maximum(count - 1, 0))]
        quantile = first + (place - below) * (second - first)
        quantiles.append(np.where(count > 1, quantile, np.nan))
    return quantiles[0], quantiles[1]
