"""Whether an item that a group answers differently is found, and how often another is named."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from survey.estimate.arrays import Flags, Floats
from survey.estimate.item_bias import count_answers, judge_purified, rest_bands

ITEMS, CHOICES = 8, 10
POINTS, PEOPLE = 100, 20
BIASED = 3
"""Item that the second group is planted to answer lower."""
ASSUMED_DEFF = 1.4
_BETWEEN_POINTS = 0.3
"""Standard deviation of the points' satisfaction; that of people is 1."""
_BY_POINT = 0.15
"""Standard deviation of what the points answer to one item alone."""
_LOADING = 1.8


@dataclass(frozen=True)
class Named:
    """Shares of waves that name the planted item, and of other items that are named."""

    found: float
    false: float


def measure_bias(shift: float, *, waves: int, impact: float = 0.0, seed: int = 0) -> Named:
    """Return what is named where one group answers one item lower by `shift` log odds.

    Groups are towns and countryside, by point, and three ages within points.

    Args:
        impact: standard deviations by which the second group is less satisfied indeed.
    """
    rng = np.random.default_rng(seed)
    found, false = [], []
    for _ in range(waves):
        named = _name_items(rng, shift, impact)
        for flagged in named.values():
            found.append(flagged[BIASED])
            false.append(np.delete(flagged, BIASED))
    return Named(float(np.mean(found)), float(np.mean(false)))


def _name_items(rng: np.random.Generator, shift: float, impact: float) -> Mapping[str, Flags]:
    size = POINTS * PEOPLE
    point = np.repeat(np.arange(POINTS), PEOPLE)
    groups = {"residence": point % 2, "age": rng.integers(0, 3, size)}
    second = {name: (codes == 1) * 1.0 for name, codes in groups.items()}
    satisfied = rng.normal(0, 1, size) + rng.normal(0, _BETWEEN_POINTS, POINTS)[point]
    satisfied -= impact * second["residence"] + impact * second["age"]
    line = _LOADING * satisfied[:, None] + rng.normal(0, _BY_POINT, (POINTS, ITEMS))[point]
    line[:, BIASED] -= shift * (second["residence"] + second["age"])
    line += rng.logistic(0, 1, line.shape)
    answers = np.digitize(line, np.linspace(-6.5, 3.5, CHOICES - 1))
    answers[rng.random(answers.shape) < 0.05] = -1
    scores = np.where(answers >= 0, answers / (CHOICES - 1) * 100.0, np.nan)

    def count(pure: Mapping[str, Flags]) -> dict[str, Floats]:
        return {
            name: count_answers(
                answers, rest_bands(scores, items), groups[name], (3, CHOICES)
            ).astype(np.float64)
            for name, items in pure.items()
        }

    found = judge_purified(count, dict.fromkeys(groups, ITEMS), ASSUMED_DEFF)
    return {name: bias.flagged for name, bias in found.items()}


def print_grid(waves: int) -> None:
    """Print shares of waves that find the planted item, and of other items that are named."""
    print("item bias: shift in log odds, impact in standard deviations: found, false")
    for shift, impact in ((0.0, 0.0), (0.0, 0.5), (0.6, 0.0), (0.8, 0.0), (0.8, 0.5), (1.2, 0.3)):
        named = measure_bias(shift, waves=waves, impact=impact)
        print(f"{shift:4.1f} {impact:4.1f} {named.found:.1%} {named.false:.1%}", flush=True)
