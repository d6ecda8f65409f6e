"""A wave as parts of whole cities: its data, and what all its tables need of every part.

Each part is read, weighed and summed on its own, here or in another process; what comes back are
arrays by city, never by respondent, and they are joined in an order that does not depend on the
parts. A wave in memory is the case of one part.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
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
    """Weighted respondents of a wave, or of some of its cities, with the rules of the wave."""

    people: pd.DataFrame
    """Approved responses with weights and derived groups, a row a respondent."""
    report: WeightingReport
    without_point: int = 0
    """Interviews that lack a sampling point and are a stratum of their own."""

    @classmethod
    def weigh(
        cls, frame: pd.DataFrame, rules: WaveRules, *, others_have_points: bool = False
    ) -> "WaveData":
        """Return `frame` (whole cities) weighted by `rules`; `others_have_points`: other cities do.

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
        """Area level -> area of each respondent."""
        return area_labels(self.people["city_code"], self.cities)

    @cached_property
    def memberships(self) -> Mapping[str, NDArray[np.bool_]]:
        """Group -> whether each respondent belongs to it."""
        further = (
            membership for question in self.grouping for membership in question.members(self.people)
        )
        return group_memberships(self.people, self.series) | dict(further)

    def build_cube_spec(
        self, areas: Mapping[str, NDArray[np.object_]], groups: Mapping[str, NDArray[np.bool_]]
    ) -> CubeSpec:
        """Return what to sum: the tree's indicators by each respondent's `areas` and `groups`."""
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
        """Return measure -> its value for each respondent, without ratings that are scored."""
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
    """Facts about the respondents of a part (some cities), or of all parts of a wave together."""

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
    """Return variable -> largest number of its groups that one respondent belongs to."""
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
    """Loader of a part (some cities of a wave) whose rows are in memory already."""

    data: WaveData

    def __call__(self) -> WaveData:
        return self.data


@dataclass(frozen=True, eq=False, kw_only=True)
class WaveParts(WaveRules):
    """A wave as loaders of its parts (some cities each), with rules and facts for its tables."""

    parts: tuple[PartLoader, ...]
    facts: PartFacts
    run: MapParts = map
    fieldwork: FieldworkRecord | None = None
    """As it was counted at the freeze."""
    earlier: "WaveParts | None" = None
    """Interviews of the overlap with the earlier questionnaire; None without any."""

    @classmethod
    def of_loaded(cls, data: WaveData, run: MapParts = map) -> Self:
        """Return a wave whose rows are in memory, as one part; `run` maps functions over parts."""
        return cls(**data.as_fields(), parts=(LoadedPart(data),), facts=PartFacts.of(data), run=run)

    @classmethod
    def open(cls, rules: WaveRules, parts: Sequence[PartLoader], run: MapParts = map) -> Self:
        """Return a wave of these parts, read once for facts; `run` maps a function over parts.

        Args:
            run: applies a function to the parts and returns the results in their order.

        Raises:
            As `WaveData.weigh`.
        """
        facts = PartFacts.join(list(run(_facts_of, parts)))
        return cls(**rules.as_fields(), parts=tuple(parts), facts=facts, run=run)

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
        """Area level -> area of each city of `city_codes`."""
        return area_labels(pd.Series(self.city_codes), self.cities)


def _facts_of(part: PartLoader) -> PartFacts:
    return PartFacts.of(part())
