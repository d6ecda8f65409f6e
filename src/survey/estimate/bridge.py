"""Bridge between two questionnaires: the step of a series, smoothed, carried over, and planned.

A part of the sampling points of a wave, drawn by chance, is asked the earlier questionnaire. The
step is what the later one gives more, by the estimator of changes (van den Brakel and Roels 2010);
over the areas it is smoothed by the Fay–Herriot model without covariates (docs/bridge.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil, sqrt
from typing import ClassVar, Self

import numpy as np
import pandas as pd
from scipy import special

from survey.estimate.arrays import Floats
from survey.estimate.errors import EstimateError
from survey.estimate.small_area import fay_herriot
from survey.estimate.tree import Tree


@dataclass(frozen=True)
class BridgedTree(Tree):
    """Tree of which some statistics are estimated, under the names of another tree."""

    names: Mapping[str, str] = field(default_factory=dict)
    """Name of each statistic -> its code in this tree."""
    folds_equal: ClassVar[bool] = False
    """Two statistics may be one in this tree and two in the other."""

    @classmethod
    def select(cls, tree: Tree, names: Mapping[str, str]) -> Self:
        return cls(tree.nodes, tree.items, tree.item_weights, names)

    @property
    def variables(self) -> tuple[str, ...]:
        return tuple(self.names)

    @cached_property
    def omega(self) -> Floats:
        tree = Tree(self.nodes, self.items, self.item_weights)
        return tree.omega[[tree.variables.index(code) for code in self.names.values()]]


@dataclass(frozen=True)
class SmoothedSteps:
    """Steps of areas with their mean squared errors, by area."""

    step: Floats
    mse: Floats
    own: Floats
    """Weight of the area's own step beside that of all areas: 1 where nothing was smoothed."""


def smooth_steps(direct: Floats, variance: Floats, *, fewest: int) -> SmoothedSteps:
    """Return steps of areas, each drawn to the mean step as far as its `variance` is large.

    An area without a step of its own (NaN) has the mean one. With fewer than `fewest` areas, or
    where the model finds no end, steps stay as they are.
    """
    seen = ~np.isnan(direct) & (variance > 0)
    values = np.where(seen, direct, np.nan)
    if seen.sum() >= fewest:
        none = pd.DataFrame(index=range(len(direct)))
        try:
            model = fay_herriot(
                pd.Series(values), np.where(seen, variance, np.nan), none, likelihood="adjusted"
            )
        except EstimateError:
            pass
        else:
            own = np.where(seen, model.shrinkage.to_numpy(), 0.0)
            return SmoothedSteps(model.eblup.to_numpy(), model.mse.to_numpy(), own)
    return SmoothedSteps(values, np.where(seen, variance, np.nan), np.ones(len(direct)))


def carried_variance(steps: SmoothedSteps, step: Floats, later: Floats, earlier: Floats) -> Floats:
    """Return the variance of scores of the later questionnaire less their steps.

    Such a score is (1 - g) of what the later one gave and g of what the earlier one did, g being
    the weight of the area's own step, and the rest of the step's error.

    Args:
        step, later, earlier: variances of the area's own step and of both its scores.
    """
    own = np.where(np.isnan(step), 0.0, steps.own)
    step, earlier = np.nan_to_num(step), np.nan_to_num(earlier)
    covariance = np.where(own > 0, (later + earlier - step) / 2, 0.0)
    scores = (1 - own) ** 2 * later + own**2 * earlier + 2 * own * (1 - own) * covariance
    return np.asarray(scores + np.maximum(steps.mse - own**2 * step, 0.0))


def carry(
    score: tuple[float, float, float], step: tuple[float, float, float]
) -> tuple[float, float, float]:
    """Return a score of another wave plus the step, each with ends of its interval.

    The two have independent errors, so squares of half-widths add up on either side.
    """
    (value, low, high), (more, step_low, step_high) = score, step
    below = sqrt((value - low) ** 2 + (more - step_low) ** 2)
    above = sqrt((high - value) ** 2 + (step_high - more) ** 2)
    carried = value + more
    return carried, carried - below, carried + above


def plan_smaller_part(
    half_width: float, *, total: int, spread: float, deff: float, level: float = 0.95
) -> int | None:
    """Return how many of `total` interviews the smaller side of a difference needs.

    The difference, such as the step of an overlap, is to have an interval of ± `half_width`.

    Args:
        spread: standard deviation of one respondent's score.
        deff: design effect of a score.

    Returns:
        None if even half of the interviews are too few.
    """
    # 1 / m + 1 / (total - m) may be at most this.
    allowed = (half_width / float(special.ndtri((1 + level) / 2)) / spread) ** 2 / deff
    if half_width <= 0 or allowed * total < 4:
        return None
    return ceil((total - sqrt(total**2 - 4 * total / allowed)) / 2)
