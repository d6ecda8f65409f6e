"""Cubes of a wave in parts: which indicators, areas and groups are summed, and from which rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.estimate import Cube, CubeSpec, Tree
from survey.estimate.cube.part_reader import PartSource
from survey.instrument.question_types import type_of
from survey.results.analysis import DF_RULE
from survey.results.domains import AREA_LEVELS
from survey.results.measures import Measure
from survey.results.wave_data import WaveData
from survey.results.wave_parts import ID, PartLoader, WaveParts
from survey.results.wave_rules import WaveRules, composite_of

_NOT_ASKED = -5
_SHARE_CENTRE = 50.0


@dataclass(frozen=True)
class CubeRequest:
    """Indicators, areas and groups of a cube."""

    levels: tuple[str, ...] = AREA_LEVELS
    groups: tuple[str, ...] | None = None
    """None: all of the wave."""
    measures: bool = False
    """Whether measures that are not scored are in it."""
    composite: str | None = None
    """None: the wave's own."""
    tree: Tree | None = None
    """Tree of another wave, whose questions this one may not have asked; None: the wave's own."""
    cities: frozenset[str] | None = None
    """Cities whose interviews are summed, as if there were no others; None: all."""

    def read(self, data: WaveData) -> tuple[pd.DataFrame, CubeSpec]:
        """Return the rows of a part and what is to be summed of them."""
        people, tree = data.people, self.tree or data.plan.tree
        missing: dict[str, Any] = {
            item: np.int8(_NOT_ASKED) for item in tree.item_columns if item not in people
        }
        rates = data.unscored_values() if self.measures else {}
        members = data.memberships
        groups = {name: members[name] for name in (members if self.groups is None else self.groups)}
        areas = {level: data.areas[level] for level in self.levels}
        if self.cities is not None:
            # Rows outside all areas would be summed in another order in parts than at once.
            inside = people["city_code"].astype(str).isin(self.cities).to_numpy()
            people = people[inside].reset_index(drop=True)
            rates, groups, areas = (_keep_rows(arrays, inside) for arrays in (rates, groups, areas))
        spec = data.build_cube_spec(areas, groups)
        if missing or rates:
            # A rating that is a measure has the name of its column, and takes its place.
            kept = people.drop(columns=[name for name in rates if name in people])
            added = pd.DataFrame(missing | rates, index=kept.index, copy=False)
            people = pd.concat([kept, added], axis=1)
        return people, self._complete(spec, data, ordered=ID in people)

    def declare(self, source: WaveParts) -> CubeSpec:
        """Return the same for all parts, with areas and groups that are only named."""
        spec = CubeSpec(
            tree=source.plan.tree,
            design=source.design,
            areas=dict.fromkeys(self.levels),
            groups=dict.fromkeys(source.groups if self.groups is None else self.groups),
            scale=source.plan.scale,
            df_rule=DF_RULE,
        )
        return self._complete(spec, source, ordered=True)

    def _complete(self, spec: CubeSpec, rules: WaveRules, ordered: bool) -> CubeSpec:
        rates = rules.rates if self.measures else ()
        return replace(
            spec,
            tree=self.tree or rules.plan.tree,
            composite=composite_of(self.composite or rules.composite),
            rates=tuple(measure.key for measure in rates),
            centres=tuple(_centre(measure, rules) for measure in rates),
            order=ID if ordered else None,
        )


def _keep_rows(
    arrays: Mapping[str, NDArray[Any]], kept: NDArray[np.bool_]
) -> dict[str, NDArray[Any]]:
    return {name: values[kept] for name, values in arrays.items()}


@dataclass(frozen=True)
class _CubeSource:
    """Reads a part and says what is to be summed of it."""

    part: PartLoader
    request: CubeRequest

    def __call__(self) -> tuple[pd.DataFrame, CubeSpec]:
        return self.request.read(self.part())


def build_cube(source: WaveParts, request: CubeRequest) -> Cube:
    """Sum a wave part by part; the only part of a wave in memory is looked at where it is.

    Raises:
        EstimateError: as `Cube.of_parts`.
    """
    parts: Sequence[PartSource] = [
        _CubeSource(source.parts[number], request) for number in _numbers_of_parts(source, request)
    ]
    if len(parts) == 1:
        return Cube.of(*parts[0]())
    return Cube.of_parts(parts, request.declare(source), source.run)


def _numbers_of_parts(source: WaveParts, request: CubeRequest) -> Sequence[int]:
    """Return which parts have interviews that are asked for; one without any has no sums."""
    if request.cities is None:
        return range(len(source.parts))
    return sorted({source.facts.part_of[city] for city in request.cities})


def _centre(measure: Measure, rules: WaveRules) -> float:
    """Return a whole number near most answers of a measure, known without them."""
    item = rules.instrument.by_name[measure.item]
    if measure.choices or not type_of(item).is_number:
        return _SHARE_CENTRE
    # Most numbers lie near their lower bound; the upper one only keeps slips of the pen out.
    return float(round(item.minimum or 0))
