"""Agreement of observers: Cohen's kappa and Krippendorff's alpha, each with its interval.

Kappa (Cohen 1960) is for two observers and one item; its standard error is that of Fleiss, Cohen
and Everitt (1969). Alpha (Krippendorff 2011) takes any number of observers and gaps. The items of
one venue are not independent, so the interval of alpha resamples whole venues.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

RESAMPLES = 2_000
MIN_UNITS = 10
"""With fewer units an interval is hardly ever shorter than the whole range."""
Metric = Literal["nominal", "interval"]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class AgreementEstimate:
    """Coefficient of agreement with its interval; 1 is perfect, 0 is what chance gives."""

    value: float
    low: float
    high: float
    units: int
    """Pairs of kappa; venues of alpha."""


def compute_cohen_kappa(
    table: ArrayLike, *, level: float = 0.95, minimum: int = MIN_UNITS
) -> AgreementEstimate | None:
    """Return kappa of a square table of counts: first observer in rows, second in columns.

    None with fewer than `minimum` pairs, or where both observers used one and the same category
    throughout: chance alone would then give full agreement.
    """
    counts = np.asarray(table, dtype=float)
    total = float(counts.sum())
    if total < minimum or total <= 0:
        return None
    share = counts / total
    rows, columns = share.sum(axis=1), share.sum(axis=0)
    observed, expected = float(np.trace(share)), float(rows @ columns)
    if expected >= 1:
        return None
    kappa = (observed - expected) / (1 - expected)
    error = _compute_kappa_error(share, rows, columns, expected, kappa, total)
    half = float(ndtri((1 + level) / 2)) * error
    return AgreementEstimate(kappa, max(kappa - half, -1.0), min(kappa + half, 1.0), round(total))


def _compute_kappa_error(
    share: Floats, rows: Floats, columns: Floats, expected: float, kappa: float, total: float
) -> float:
    """Return the standard error of kappa (Fleiss, Cohen and Everitt 1969, formula 13)."""
    diagonal = np.diag(share)
    agreed = float((diagonal * (1 - (rows + columns) * (1 - kappa)) ** 2).sum())
    mixed = (columns[:, None] + rows[None, :]) ** 2 * share
    crossed = (1 - kappa) ** 2 * float(mixed.sum() - np.trace(mixed))
    last = (kappa - expected * (1 - kappa)) ** 2
    return sqrt(max(agreed + crossed - last, 0.0)) / ((1 - expected) * sqrt(total))


def compute_krippendorff_alpha(
    venues: Sequence[Sequence[Sequence[float]]],
    *,
    metric: Metric,
    seed: int,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    minimum: int = MIN_UNITS,
) -> AgreementEstimate | None:
    """Return alpha with a percentile interval over resampled venues.

    Args:
        venues: For each venue its units (items), each the values that the observers gave. A unit
            with a single value pairs with nothing and is left out, as the method says.
        metric: `nominal` for categories, `interval` for scores.
        seed: Recorded seed of the resampling, so that the interval can be computed again.

    None with fewer than `minimum` venues, or where only one value was ever given.
    """
    paired = [[unit for unit in units if len(unit) > 1] for units in venues]
    paired = [units for units in paired if units]
    values = sorted({value for units in paired for unit in units for value in unit})
    if len(paired) < minimum or len(values) < 2:
        return None
    position = {value: index for index, value in enumerate(values)}
    pairs = np.array([_count_coincidences(units, position) for units in paired])
    distance = _compute_distances(values, metric)
    value = _compute_alpha(pairs.sum(axis=0)[None], distance)[0]
    draws = np.random.default_rng(seed).multinomial(
        len(paired), np.full(len(paired), 1 / len(paired)), resamples
    )
    size = len(values)
    resampled = (draws @ pairs.reshape(len(paired), -1)).reshape(-1, size, size)
    alphas = _compute_alpha(resampled, distance)
    alphas = alphas[~np.isnan(alphas)]
    low, high = np.quantile(alphas, [(1 - level) / 2, (1 + level) / 2])
    return AgreementEstimate(float(value), float(low), float(high), len(paired))


def _count_coincidences(units: Sequence[Sequence[float]], position: Mapping[float, int]) -> Floats:
    """Return the coincidence matrix of the units of one venue."""
    matrix = np.zeros((len(position), len(position)))
    for unit in units:
        counts = np.zeros(len(position))
        for value in unit:
            counts[position[value]] += 1
        matrix += (np.outer(counts, counts) - np.diag(counts)) / (len(unit) - 1)
    return matrix


def _compute_distances(values: Sequence[float], metric: Metric) -> Floats:
    numbers = np.array(values, dtype=float)
    if metric == "nominal":
        return 1.0 - np.eye(len(numbers))
    return np.asarray((numbers[:, None] - numbers[None, :]) ** 2)


def _compute_alpha(pairs: Floats, distance: Floats) -> Floats:
    """Return alpha of each coincidence matrix; null where nothing varies."""
    margins = pairs.sum(axis=2)
    total = margins.sum(axis=1)
    observed = (pairs * distance).sum(axis=(1, 2))
    expected = np.einsum("si,ij,sj->s", margins, distance, margins)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(expected > 0, 1 - (total - 1) * observed / expected, np.nan))


def tabulate_pairs(
    pairs: Sequence[tuple[Hashable, Hashable]], categories: Sequence[Hashable]
) -> Floats:
    """Return the square table of counts of the pairs of two observers."""
    position = {category: index for index, category in enumerate(categories)}
    table = np.zeros((len(categories), len(categories)))
    for first, second in pairs:
        table[position[first], position[second]] += 1
    return table
