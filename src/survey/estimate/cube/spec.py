"""Description of a cube: what it estimates, for whom, and how."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy.typing as npt
import pandas as pd

from survey.estimate.design import Design
from survey.estimate.errors import EstimateError
from survey.estimate.indicators import Composite, check_composite
from survey.estimate.tree import Tree

Labels = str | npt.ArrayLike | pd.Series | None
Membership = str | tuple[str, Hashable] | npt.ArrayLike | pd.Series | None
DfRule = Literal["design", "weighted"]
DF_RULES = ("design", "weighted")


@dataclass(frozen=True)
class RatingScale:
    """Scale of the rating questions; a score is (x - minimum) / (maximum - minimum) * 100."""

    minimum: int = 1
    maximum: int = 10

    @property
    def unit(self) -> float:
        """Score points, of 100, per step of the scale."""
        return 100 / (self.maximum - self.minimum)


@dataclass(frozen=True, eq=False)
class CubeSpec:
    """Statistics, area levels, groups, sampling design and options of a cube.

    Args:
        tree: indicators, weights and item columns. Item columns of the frame hold raw answers
            (int8) on the scale; negative codes are not scores.
        design: columns with weights, strata and PSUs.
        areas: area level -> column, or one label per row, or None for a single area named like
            the level (the nation). A row without a label belongs to no area. PSUs lie within
            areas.
        groups: group -> boolean column, or (column, level), or one boolean per row, or None for
            everyone. Groups may overlap.
        rates: further float columns (0/100 or any unit), NaN outside their base; each is an
            indicator of its own.
        composite, renormalise: as in `estimate_tree`.
        scale: scale of the item columns.
        centres: whole number near the middle of each rate, about which it is summed; None takes it
            from the rows, which only a cube of one part can.
        order: column whose smallest value orders strata, and areas where there are several levels;
            None takes the order of the rows, part by part.
        df_rule: "design" counts degrees of freedom as `estimate_tree` and R do; "weighted" is
            never above it and weighs each stratum's by where the group lives, see `LevelView.df`.

    Raises:
        EstimateError: no areas, no groups, or an unknown composite or rule.
    """

    tree: Tree
    design: Design
    areas: Mapping[str, Labels]
    groups: Mapping[str, Membership]
    rates: Sequence[str] = ()
    composite: Composite = "item_means"
    scale: RatingScale = RatingScale()
    renormalise: bool = False
    df_rule: DfRule = "design"
    centres: Sequence[float] | None = None
    order: str | None = None

    def __post_init__(self) -> None:
        if not self.areas:
            raise EstimateError("no_areas")
        if not self.groups:
            raise EstimateError("no_groups")
        if self.centres is not None and len(self.centres) != len(self.rates):
            raise EstimateError(
                "shape", name="centres", found=len(self.centres), expected=len(self.rates)
            )
        check_composite(self.composite)
        if self.df_rule not in DF_RULES:
            raise EstimateError(
                "not_a_choice", name="df_rule", choices=DF_RULES, value=self.df_rule
            )
