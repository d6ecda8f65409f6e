"""Items that groups answer differently although they are equally satisfied (DIF).

An ordinal logistic model explains the answer to one item by the band of the rest score, the mean of
the other items, and by the group. It needs only how many people of each group and band gave each
answer, and these counts add up over the parts of a wave.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from scipy.special import chdtrc, expit, logit

from survey.estimate.arrays import Codes, Flags, Floats, ratio
from survey.estimate.change import benjamini_hochberg

BANDS = 20
LARGE_EFFECT = 0.4255
"""Log odds, one point on the delta scale: from here the Educational Testing Service speaks of
more than a negligible difference (Zieky 1993)."""
MAX_FALSE = 0.05
MIN_PURE = 3
"""Items that a rest score needs after those that were flagged have left it."""
MAX_STEPS = 50
CLOSE = 1e-9
"""Square of a step in standard errors below which a fit has converged."""
ROUNDING = 1e-12
_RIDGE = 1e-9


def rest_bands(scores: Floats, items: Flags) -> Codes:
    """Return the band of the mean of the other flagged items, for each person and item (n, K).

    Args:
        scores: 0 to 100, shape (n, K); NaN for no answer.
        items: which of the items enter the rest score, shape (K,).

    Returns:
        0 to `BANDS` - 1; -1 for people who did not answer at least half of them.
    """
    known = ~np.isnan(scores) & items
    filled = np.where(known, scores, 0.0)
    total = filled.sum(axis=1, keepdims=True) - filled
    answered = known.sum(axis=1, keepdims=True) - known
    wanted = items.sum() - items
    mean = ratio(total, answered.astype(np.float64))
    band = np.minimum((mean * BANDS / 100).astype(np.intp), BANDS - 1)
    return np.where((2 * answered >= wanted) & (answered > 0), band, -1)


def count_answers(answers: Codes, bands: Codes, group: Codes, shape: tuple[int, int]) -> Codes:
    """Return how many people there are of each item, group, band and answer.

    Args:
        answers: 0 to C - 1, -1 for none, shape (n, K).
        bands: -1 for none, shape (n, K).
        group: 0 to G - 1, -1 for none, shape (n,).
        shape: G and C.

    Returns:
        Shape (K, G, BANDS, C).
    """
    groups, choices = shape
    cells = groups * BANDS * choices
    counts = np.empty((answers.shape[1], groups, BANDS, choices), dtype=np.int64)
    for item, (answer, band) in enumerate(zip(answers.T, bands.T, strict=True)):
        used = (answer >= 0) & (band >= 0) & (group >= 0)
        cell = (group[used] * BANDS + band[used]) * choices + answer[used]
        counts[item] = np.bincount(cell, minlength=cells).reshape(groups, BANDS, choices)
    return counts


@dataclass(frozen=True)
class ItemBias:
    """How K items are answered by G groups that are equally satisfied."""

    effect: Floats
    """Log odds of a higher answer less those of all people, shape (K, G); NaN where unknown."""
    points: Floats
    """Mean difference from all people of the same band, in points of 100, shape (K, G)."""
    p: Floats
    """That no group differs, shape (K,)."""
    flagged: Flags
    """Shape (K,): a difference between groups that is certain, and large enough to matter."""


Key = TypeVar("Key", bound=Hashable)
"""A comparison: of some items over some groups."""


def judge_purified(
    count: Callable[[Mapping[Key, Flags]], Mapping[Key, Floats]],
    items: Mapping[Key, int],
    deff: float,
) -> Mapping[Key, ItemBias]:
    """Return how items are answered by groups, with rest scores from which flagged items are out.

    Where some items are flagged at first and `MIN_PURE` are not, all are judged once more.

    Args:
        count: returns counts as `count_answers`, by comparison, with the items of its rest scores.
        items: comparison -> number of its items.
    """
    counted = count({key: np.ones(number, dtype=bool) for key, number in items.items()})
    found = {key: judge_items(counts, deff) for key, counts in counted.items()}
    pure = {key: ~bias.flagged for key, bias in found.items() if bias.flagged.any()}
    pure = {key: kept for key, kept in pure.items() if kept.sum() >= MIN_PURE}
    counted = count(pure) if pure else {}
    return found | {key: judge_items(counts, deff) for key, counts in counted.items()}


def judge_items(counts: Floats, deff: float) -> ItemBias:
    """Fit the model of each item to `counts` (K, G, BANDS, C), and flag the items that differ.

    Args:
        deff: how much less people who were asked together tell than a simple random sample.

    Returns:
        P values are those of the likelihood-ratio test over `deff`. Flagged: adjusted by Benjamini
        and Hochberg over the items at most 0.05, and two groups differ by `LARGE_EFFECT` at least.

    Source: Zumbo (1999); French and Miller (1996).
    """
    fits = [_fit_item(table.astype(np.float64)) for table in counts]
    effect = np.stack([found[0] for found in fits])
    change = np.array([found[1] for found in fits])
    known = np.isfinite(effect)
    df = known.sum(axis=1) - 1
    p = np.where(df > 0, chdtrc(np.maximum(df, 1), np.maximum(change, 0.0) / deff), np.nan)
    adjusted = benjamini_hochberg(p, np.zeros(len(p), dtype=np.int64))
    spread = np.where(known, effect, -np.inf).max(axis=1) - np.where(known, effect, np.inf).min(
        axis=1
    )
    flagged = (adjusted <= MAX_FALSE) & (spread >= LARGE_EFFECT)
    return ItemBias(effect, _standardised_points(counts), p, np.asarray(flagged))


def _standardised_points(counts: Floats) -> Floats:
    """Return each group's mean less that of all in the same bands, over the group's bands (K, G).

    Source: Dorans and Kulick (1986).
    """
    scale = np.linspace(0.0, 100.0, counts.shape[-1])
    size = counts.sum(axis=-1).astype(np.float64)
    total = counts @ scale
    expected = ratio(total.sum(axis=1), size.sum(axis=1))
    off = total.sum(axis=-1) - (size * expected[:, None]).sum(axis=-1)
    return ratio(off, size.sum(axis=-1), np.nan)


def _fit_item(table: Floats) -> tuple[Floats, float]:
    """Return the groups' effects about their mean (G,), and the change of deviance they make.

    Answers, bands and groups that nobody has are left out.
    """
    groups = table.sum(axis=(1, 2)) > 0
    used = table[groups][:, table.sum(axis=(0, 2)) > 0][:, :, table.sum(axis=(0, 1)) > 0]
    effect = np.full(len(table), np.nan)
    if used.shape[0] < 2 or used.shape[2] < 2:
        return effect, 0.0
    bands = np.tile(np.eye(used.shape[1])[:, 1:], (used.shape[0], 1))
    group = np.repeat(np.eye(used.shape[0])[:, 1:], used.shape[1], axis=0)
    cells = used.reshape(-1, used.shape[2])
    _, alone = fit_ordinal(cells, bands)
    slope, whole = fit_ordinal(cells, np.hstack([bands, group]))
    own = np.append(0.0, slope[bands.shape[1] :])
    effect[groups] = own - own @ used.sum(axis=(1, 2)) / used.sum()
    return effect, alone - whole


def fit_ordinal(counts: Floats, design: Floats) -> tuple[Floats, float]:
    """Fit P(answer ≤ c) = logit⁻¹(θ_c − design β) by Newton's method; return β and the deviance.

    Args:
        counts: people in each cell (m) with each answer (C), shape (m, C).
        design: explanatory variables of each cell, shape (m, q).

    Source: McCullagh (1980).
    """
    below = counts.shape[1] - 1
    size = counts.sum(axis=1, keepdims=True)
    share = counts.sum(axis=0) / counts.sum()
    theta = logit(np.cumsum(share)[:-1])
    # Newton's method begins where the cells' own log odds lie, on average, beside those of all.
    own = logit(np.cumsum(counts + share, axis=1)[:, :-1] / (size + 1))
    root = np.sqrt(size)
    line = np.linalg.lstsq(root * design, root[:, 0] * (theta - own).mean(axis=1))[0]
    middle = float((size[:, 0] @ (design @ line)) / size.sum())
    values = np.append(theta + middle, line)
    deviance, slope, curvature = _ordinal_terms(counts, design, values)
    for _ in range(MAX_STEPS):
        step = np.linalg.solve(curvature + _RIDGE * np.eye(len(values)), slope)
        if abs(step @ slope) < CLOSE:
            break
        for halving in range(20):
            moved = values + step / 2**halving
            there = _ordinal_terms(counts, design, moved)
            if there[0] - deviance < ROUNDING * abs(deviance):
                break
        else:
            break
        values, (deviance, slope, curvature) = moved, there
    return values[below:], deviance


def _ordinal_terms(counts: Floats, design: Floats, values: Floats) -> tuple[float, Floats, Floats]:
    """Return deviance, gradient of the log likelihood, and expected information at `values`."""
    cells, below = len(counts), counts.shape[1] - 1
    theta, beta = values[:below], values[below:]
    edge = expit(theta - (design @ beta)[:, None])
    bounds = np.hstack([np.zeros((cells, 1)), edge, np.ones((cells, 1))])
    share = np.diff(bounds, axis=1)
    if (share <= 0).any():
        return np.inf, values, np.eye(len(values))
    dense = edge * (1 - edge)
    # Derivative of each answer's probability by the thresholds and by the linear predictor.
    by_theta = np.zeros((cells, below + 1, below))
    place = np.arange(below)
    by_theta[:, place, place] = dense
    by_theta[:, place + 1, place] = -dense
    by_line = -by_theta.sum(axis=2)
    turned = np.concatenate([by_theta, by_line[:, :, None] * design[:, None, :]], axis=2)
    flat = turned.reshape(-1, len(values))
    slope = flat.T @ (counts / share).ravel()
    weight = (counts.sum(axis=1, keepdims=True) / share).reshape(-1, 1)
    return float(-2 * (counts * np.log(share)).sum()), slope, flat.T @ (weight * flat)
