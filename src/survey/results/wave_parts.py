"""A wave as parts of whole cities: its data, and what all its tables need of every part.

Each part is read, weighed and summed on its own, here or in another process; what comes back are
arrays by city, never by respondent, and they are joined in an order that does not depend on the
parts. A wave in memory is the case of one part.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

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
from survey.results.method import FieldworkRecord
from survey.results.wave_rules import WaveRules, composite_of
from survey.results.weighting import WeightingReport, WeightSpread, join_reports
from survey.snapshots.response_frame import RESPONSE_COLUMNS


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


ID, MODE = RESPONSE_COLUMNS[0], "mode"
PartLoader = Callable[[], WaveData]
"""Reads and weighs the rows of a part: an object of plain values, sent to other processes."""
MapParts = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]
"""Applies a function to the items and returns what it returns, in their order."""


@dataclass(frozen=True)
class PartFacts:
    """Facts about the rows of a part, or of all parts together."""

    weights: WeightSpread
    report: WeightingReport
    design: Design
    groups: tuple[str, ...]
    """Groups of people, everyone first."""
    most_groups: Mapping[str, int]
    """Variable -> most of its groups that one respondent belongs to."""
    modes: Mapping[str, int]
    """Mode -> interviews."""
    first_ids: frozenset[str]
    """The first interview of every city."""
    without_point: int
    part_of: Mapping[str, int]
    """City code -> number of its part."""

    @classmethod
    def of(cls, data: WaveData) -> "PartFacts":
        people = data.people
        spread = WeightSpread.of(people[data.design.weight], people["city_code"])
        first = people.groupby(people["city_code"].astype(str))[ID].min() if ID in people else ()
        modes = people[MODE].value_counts() if MODE in people else pd.Series(dtype=int)
        return cls(
            weights=spread,
            report=data.report,
            design=data.design,
            groups=tuple(data.memberships),
            most_groups=count_most_groups(data.memberships),
            modes={str(mode): int(count) for mode, count in modes.items()},
            first_ids=frozenset(str(first_id) for first_id in first),
            without_point=data.without_point,
            part_of=dict.fromkeys(spread.by_city.index, 0),
        )

    @classmethod
    def join(cls, parts: Sequence["PartFacts"]) -> "PartFacts":
        """Join the facts of all parts of a wave.

        Raises:
            ValueError: parts with other groups or another design.
        """
        first = parts[0]
        if any((part.groups, part.design) != (first.groups, first.design) for part in parts):
            raise ValueError("the parts of a wave have the same groups and the same design")
        spread = WeightSpread.join([part.weights for part in parts])
        variables = dict.fromkeys(name for part in parts for name in part.most_groups)
        return cls(
            weights=spread,
            report=join_reports([part.report for part in parts], spread),
            design=first.design,
            groups=first.groups,
            most_groups={
                name: max(part.most_groups.get(name, 0) for part in parts) for name in variables
            },
            modes=dict(sum((Counter(part.modes) for part in parts), Counter())),
            first_ids=frozenset().union(*(part.first_ids for part in parts)),
            without_point=sum(part.without_point for part in parts),
            part_of={city: place for place, part in enumerate(parts) for city in part.part_of},
        )


def count_most_groups(memberships: Mapping[str, NDArray[np.bool_]]) -> dict[str, int]:
    """Return the most groups of each variable that one respondent belongs to."""
    named = [group for group in memberships if "=" in group]
    return {
        variable: int(
            np.sum(
                [memberships[group] for group in named if group.split("=")[0] == variable], axis=0
            ).max(initial=0)
        )
        for variable in dict.fromkeys(group.split("=")[0] for group in named)
    }


@dataclass(frozen=True, eq=False)
class LoadedPart:
    """Part whose rows are in memory."""

    data: WaveData

    def __call__(self) -> WaveData:
        return self.data


@dataclass(frozen=True, eq=False, kw_only=True)
class WaveParts(WaveRules):
    """A wave that its tables can be made of."""

    parts: tuple[PartLoader, ...]
    facts: PartFacts
    run: MapParts = map
    fieldwork: FieldworkRecord | None = None
    """As it was counted at the freeze."""

    @classmethod
    def of_loaded(cls, data: WaveData, run: MapParts = map) -> Self:
        """Return a wave in memory as its only part."""
        return cls(**data.as_fields(), parts=(LoadedPart(data),), facts=PartFacts.of(data), run=run)

    @classmethod
    def open(cls, rules: WaveRules, parts: Sequence[PartLoader], run: MapParts = map) -> Self:
        """Look at every part once for the facts that all tables need.

        Args:
            run: applies a function to the parts and returns the results in their order.

        Raises:
            As `WaveData.weigh`.
        """
        facts = PartFacts.join(list(run(_facts_of, parts)))
        return cls(**rules.as_fields(), parts=tuple(parts), facts=facts, run=run)

    def with_fieldwork(self, fieldwork: FieldworkRecord | None) -> Self:
        """Return the same wave with the record of its fieldwork."""
        return replace(self, fieldwork=fieldwork)

    @property
    def report(self) -> WeightingReport:
        return self.facts.report

    @property
    def design(self) -> Design:
        return self.facts.design

    @property
    def groups(self) -> tuple[str, ...]:
        return self.facts.groups

    @property
    def city_codes(self) -> pd.Index:
        """Codes of the cities that have interviews, sorted."""
        return self.facts.weights.by_city.index

    @cached_property
    def areas(self) -> Mapping[str, NDArray[np.object_]]:
        """Area of each city of `city_codes`, by area level."""
        return area_labels(pd.Series(self.city_codes), self.cities)


def _facts_of(part: PartLoader) -> PartFacts:
    return PartFacts.of(part())
