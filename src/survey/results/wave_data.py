"""Rows of a wave that its tables are computed from: people with weights, groups and design."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.estimate import CubeSpec, Design
from survey.results.analysis import (
    DF_RULE,
    add_weights,
    analysis_frame,
    resolve_missing_points,
    sampling_design,
)
from survey.results.domains import area_labels, group_memberships
from survey.results.measures import measure_values
from survey.results.wave_rules import WaveRules, composite_of
from survey.results.weighting import WeightingReport


@dataclass(frozen=True, eq=False, kw_only=True)
class WaveData(WaveRules):
    """Rows of a wave, or of whole cities of it, that are ready to be estimated."""

    people: pd.DataFrame
    """Approved responses with weights and derived groups, a row a respondent."""
    report: WeightingReport
    without_point: int = 0
    """Interviews that lack a sampling point and are a stratum of their own."""

    @classmethod
    def weigh(
        cls, frame: pd.DataFrame, rules: WaveRules, *, others_have_points: bool = False
    ) -> "WaveData":
        """Weigh the responses of `frame`, all of its cities.

        Args:
            others_have_points: whether interviews of other cities have sampling points.

        Raises:
            NotEstimableError: margins that cannot be met.
            RefusedError: some responses lack a point, and the rules refuse them.
            RefusedError: some responses came with a weight and others without.
        """
        frame, alone = resolve_missing_points(
            frame, rules.point_rule, others_have_points=others_have_points
        )
        people, report = add_weights(
            analysis_frame(frame, rules.series), rules.series, rules.oversampling
        )
        return cls(**rules.as_fields(), people=people, report=report, without_point=alone)

    @cached_property
    def design(self) -> Design:
        return sampling_design(self.people)

    @cached_property
    def areas(self) -> Mapping[str, NDArray[np.object_]]:
        """Area of each respondent by area level."""
        return area_labels(self.people["city_code"], self.cities)

    @cached_property
    def memberships(self) -> Mapping[str, NDArray[np.bool_]]:
        """Membership of each respondent by group."""
        further = (
            membership for question in self.grouping for membership in question.members(self.people)
        )
        return group_memberships(self.people, self.series) | dict(further)

    def build_cube_spec(
        self, areas: Mapping[str, NDArray[np.object_]], groups: Mapping[str, NDArray[np.bool_]]
    ) -> CubeSpec:
        """Return every indicator of the tree in these areas and groups; measures are not in it."""
        return CubeSpec(
            tree=self.plan.tree,
            design=self.design,
            areas=areas,
            groups=groups,
            composite=composite_of(self.composite),
            scale=self.plan.scale,
            df_rule=DF_RULE,
        )

    def unscored_values(self) -> dict[str, NDArray[np.float64]]:
        """Return each respondent's value of every measure that is not a rating of the plan."""
        return {
            measure.key: measure_values(measure, self.instrument.by_name[measure.item], self.people)
            for measure in self.rates
        }
