"""Agreement of observers: Cohen's kappa and Krippendorff's alpha, each with its interval.

Kappa (Cohen 1960) is for two observers and one item; its standard error is that of Fleiss, Cohen
and Everitt (1969). Alpha (Krippendorff 2011) takes any number of observers and gaps. The items of
one venue are not independent, so the error of alpha is the jackknife's over whole venues.

Of categories both are 1 - (1 - q) / (1 - c), q the agreement seen and c that of chance. The
interval is that of q as a share of effective answers, see `bound_share`; it has a width where all
agreed, which the usual ones have not (Zapf, Castell, Morawietz and Karch 2016). Of scores alpha is
1 - a ratio of two spreads, with a t interval on the log of that ratio.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, floor, sqrt
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from survey.estimate.arrays import Floats
from survey.estimate.intervals import bound_share, is_error_silent

MIN_UNITS = 10
"""With fewer units an interval is hardly ever shorter than the whole range."""
Metric = Literal["nominal", "interval"]


@dataclass(frozen=True)
class AgreementEstimate:
    """Coefficient of agreement with its interval; 1 is perfect agreement, 0 is that of chance."""

    value: float
    low: float
    high: float
    units: int
    """Pairs of kappa; venues of alpha."""


def round_agreement(estimate: AgreementEstimate) -> AgreementEstimate:
    """Return a coefficient as readers see it, with two decimals.

    The lower end is rounded downwards: an interval that ends in 1.00 on both sides would say that
    nothing is open.
    """
    low = floor(estimate.low * 100) / 100
    return AgreementEstimate(round(estimate.value, 2), low, round(estimate.high, 2), estimate.units)


def compute_cohen_kappa(
    table: ArrayLike, *, level: float = 0.95, minimum: int = MIN_UNITS
) -> AgreementEstimate | None:
    """Return Cohen's kappa of two observers' count table; None below `minimum` pairs.

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
    error = compute_kappa_error(share, total)
    size = _count_effective(observed, (1 - expected) * error, total)
    low, high = _bound_agreement(observed, expected, min(size, total), level)
    # Rounding may put an end that is the value itself one digit beyond it.
    return AgreementEstimate(kappa, min(low, kappa), max(high, kappa), round(total))


def _count_effective(observed: float, error: float, total: float) -> float:
    """Return the sample size at which a share has this standard `error`; without error, `total`."""
    spread = observed * (1 - observed)
    return spread / error**2 if error > 0 and spread > 0 else total


def _bound_agreement(
    observed: float, expected: float, size: float, level: float
) -> tuple[float, float]:
    """Return low and high of agreement beyond `expected`, from a share `observed` of `size`."""
    ends = bound_share(observed, size, level=level)
    low, high = (1 - (1 - float(end)) / (1 - expected) for end in ends)
    value = 1 - (1 - observed) / (1 - expected)
    return max(min(low, value), -1.0), max(high, value)


def compute_kappa_error(share: Floats, total: float) -> float:
    """Return kappa's standard error (Fleiss et al. 1969) from the table `share` of `total` pairs.

    Args:
        share: the square table, as shares of `total` pairs.
    """
    rows, columns = share.sum(axis=1), share.sum(axis=0)
    expected = float(rows @ columns)
    kappa = (float(np.trace(share)) - expected) / (1 - expected)
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
    level: float = 0.95,
    minimum: int = MIN_UNITS,
) -> AgreementEstimate | None:
    """Return Krippendorff's alpha (`metric`: nominal or interval); None below `minimum` venues.

    Args:
        venues: For each venue its units (items), each the values that the observers gave. A unit
            with a single value pairs with nothing and is left out, as the method says.
        metric: `nominal` for categories, `interval` for scores.

    None with fewer than `minimum` venues, or where only one value was ever given.
    """
    paired = [[unit for unit in units if len(unit) > 1] for units in venues]
    paired = [units for units in paired if units]
    values = sorted({value for units in paired for unit in units for value in unit})
    if len(paired) < minimum or len(values) < 2:
        return None
    position = {value: index for index, value in enumerate(values)}
    pairs = np.array([_count_coincidences(units, position) for units in paired])
    distance, whole = _compute_distances(values, metric), pairs.sum(axis=0)
    alpha = float(_compute_alpha(whole[None], distance)[0])
    # Jackknife over venues.
    without_one = _compute_alpha(whole - pairs, distance)
    known = without_one[~np.isnan(without_one)]
    error = sqrt((len(known) - 1) / len(known) * float(((known - known.mean()) ** 2).sum()))
    if metric == "interval" and not is_error_silent(error, 1):
        # Squares of errors have heavy tails: their spread is known as from a third of the venues.
        t = float(stdtrit(len(paired) / 3, (1 + level) / 2))
        factor = exp(min(t * error / (1 - alpha), 100.0))
        ends = 1 - (1 - alpha) * factor, 1 - (1 - alpha) / factor
    else:
        margins = whole.sum(axis=1)
        total = float(margins.sum())
        chance = float(margins @ (margins - 1)) / (total * (total - 1))
        observed = 1 - (1 - alpha) * (1 - chance)
        size = _count_effective(observed, (1 - chance) * error, len(paired))
        ends = _bound_agreement(observed, chance, min(size, sum(map(len, paired))), level)
    low, high = min(ends[0], alpha), max(ends[1], alpha)
    return AgreementEstimate(alpha, max(low, -1.0), high, len(paired))


def _count_coincidences(units: Sequence[Sequence[float]], position: Mapping[float, int]) -> Floats:
    """Return the coincidence matrix of one venue's `units` (values); `position`: value -> row."""
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
    """Return alpha of each matrix in `pairs` by the `distance` of values; NaN if all are equal."""
    margins = pairs.sum(axis=2)
    total = margins.sum(axis=1)
    observed = (pairs * distance).sum(axis=(1, 2))
    expected = np.einsum("si,ij,sj->s", margins, distance, margins)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(expected > 0, 1 - (total - 1) * observed / expected, np.nan))


def tabulate_pairs(
    pairs: Sequence[tuple[Hashable, Hashable]], categories: Sequence[Hashable]
) -> Floats:
    """Count pairs of `categories` in a square table: first observer in rows, second in columns."""
    position = {category: index for index, category in enumerate(categories)}
    table = np.zeros((len(categories), len(categories)))
    for first, second in pairs:
        table[position[first], position[second]] += 1
    return table
