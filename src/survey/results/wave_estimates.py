"""Estimates of every cell and every gap of a wave, from the cubes of its parts."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.estimate import Cube, CubeSpec, EstimateError, Tree
from survey.estimate.arrays import release_freed_memory
from survey.estimate.cube.part_reader import PartSource
from survey.estimate.tree import COMPOSITE
from survey.frame.quotas import EVERYONE
from survey.locale import msg
from survey.questionnaire.question_types import type_of
from survey.results.analysis import (
    DF_RULE,
    NotEstimableError,
    bound_difference_intervals,
    bound_rate_intervals,
    pool_design_effects,
)
from survey.results.domains import AREA_LEVELS
from survey.results.measures import Measure
from survey.results.wave_parts import ID, PartLoader, WaveData, WaveParts
from survey.results.wave_rules import WaveRules, composite_of

_NOT_ASKED = -5
_SHARE_CENTRE = 50.0


@dataclass(frozen=True)
class CubeRequest:
    """Indicators, areas and groups that a cube (sums by area and group) shall have."""

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
        """Return a part's respondents as a table, and the specification of what to sum by what."""
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
        """Return the cube specification for all parts: names of areas and groups, not rows."""
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
    """Callable that returns one part's respondents and the specification of their cube of sums."""

    part: PartLoader
    request: CubeRequest

    def __call__(self) -> tuple[pd.DataFrame, CubeSpec]:
        return self.request.read(self.part())


def build_cube(source: WaveParts, request: CubeRequest) -> Cube:
    """Return a wave's sums by area and group, part by part; a single part in this process.

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
    """Return the indices of the parts with interviews of the requested cities, by default all."""
    if request.cities is None:
        return range(len(source.parts))
    return sorted({source.facts.part_of[city] for city in request.cities})


def _centre(measure: Measure, rules: WaveRules) -> float:
    """Return a number near most values of a measure, subtracted before products are summed."""
    item = rules.instrument.by_name[measure.item]
    if measure.choices or not type_of(item).is_number:
        return _SHARE_CENTRE
    # Most numbers lie near their lower bound; the upper one only keeps slips of the pen out.
    return float(round(item.minimum or 0))


PEERS = ("region3", "size_tier")
"""Area levels whose areas are the peers that a city is read against."""


@dataclass(frozen=True, eq=False)
class WaveEstimates:
    """Estimates of all cells of a wave, before the disclosure gate."""

    source: WaveParts
    cells: pd.DataFrame
    """A row an area, group and indicator, as `WaveResults.cells` without `shown` and `reason`."""

    def of_everyone(self) -> "WaveEstimates":
        """Return the same estimates with only the cells of all respondents, to free memory."""
        return replace(self, cells=self.cells[self.cells["group"] == EVERYONE])

    def differences(self) -> Iterator[pd.DataFrame]:
        """Yield tables of differences (columns of `WaveResults.gaps`) before the disclosure gate.

        One table a contrast and an area level: all together take as much memory as everything else
        of a freeze. The wave is summed anew, since its sums would lie in memory while the gate
        decides.

        Raises:
            NotEstimableError: the responses do not carry the estimates.
        """
        scores, unbounded = self.source.plan.tree.variables, _count_measures(self.source)

        def bound(table: pd.DataFrame) -> pd.DataFrame:
            release_freed_memory()
            bounded = bound_difference_intervals(table, unbounded)
            return _drop_composite_without_tree(bounded, self.source)

        with translate_estimate_errors():
            sums = build_cube(self.source, CubeRequest(measures=True)).without_rows()
            release_freed_memory()
            # No name here or below holds a table while the next step works on it.
            yield from map(bound, _iter_differences(sums, scores, self.source.level))

    @cached_property
    def cities(self) -> pd.DataFrame:
        """Cells of all respondents (no group) in each city."""
        cells = self.cells
        return cells[(cells["area_level"] == "city") & (cells["group"] == EVERYONE)]


def estimate_wave(source: WaveParts) -> WaveEstimates:
    """Return the estimates of all areas, groups and indicators of a wave.

    A measure of the same name as a rating that is estimated on its own is that rating.
    """
    with translate_estimate_errors():
        sums = build_cube(source, CubeRequest(measures=True))
        release_freed_memory()
        with sums.prepared(table=True):
            cells = sums.table(level=source.level)
        del sums
        shares = [measure.key for measure in source.rates if measure.choices]
        counts = _count_measures(source)
        deff = pool_design_effects(cells, otherwise=overall_deff(source), unbounded=counts)
        cells = bound_rate_intervals(cells, shares, level=source.level, deff=deff, unbounded=counts)
    return WaveEstimates(source, _drop_composite_without_tree(cells, source))


@contextmanager
def translate_estimate_errors() -> Iterator[None]:
    """Translate an `EstimateError` of the block into `NotEstimableError`."""
    try:
        yield
    except EstimateError as error:
        raise NotEstimableError(
            msg("The estimates cannot be computed: {reason}", reason=error)
        ) from error


def overall_deff(source: WaveParts) -> float:
    """Return the wave's design effect: of the weights, times the assumed one without PSUs."""
    return source.facts.weights.kish_deff * (source.design.assumed_deff or 1.0)


def _count_measures(source: WaveParts) -> list[str]:
    """Return the keys of measures that are means of counts, such as complaints, without a scale."""
    return [
        measure.key
        for measure in source.measures
        if not measure.choices and type_of(source.instrument.by_name[measure.item]).is_number
    ]


def _iter_differences(sums: Cube, scores: Collection[str], level: float) -> Iterator[pd.DataFrame]:
    """Yield the tables of differences of a wave, by contrast and area level.

    Each group against the rest of its area, each area against the nation, and the `scores` of each
    city against its peers.
    """
    yield from map(_name_rest_as_reference, sums.iter_gaps(level=level))
    with sums.prepared(against=_list_contrasts()):
        for area_level, reference in _list_contrasts():
            yield _compute_reference_differences(sums, area_level, reference, scores, level)


def _name_rest_as_reference(gaps: pd.DataFrame) -> pd.DataFrame:
    names = {"rest": "reference", "n_rest": "n_reference"}
    return gaps.rename(columns=names).assign(contrast="rest")


def _list_contrasts() -> tuple[tuple[str, str], ...]:
    """Return (area level, reference level) of each comparison of areas with larger ones."""
    smaller = [area_level for area_level in AREA_LEVELS if area_level != "nation"]
    return (*((area_level, "nation") for area_level in smaller), *(("city", p) for p in PEERS))


def _compute_reference_differences(
    sums: Cube, area_level: str, reference: str, scores: Collection[str], level: float
) -> pd.DataFrame:
    group = None if reference == "nation" else EVERYONE
    table = sums.against(area_level, reference, level=level, group=group)
    table = table.drop(columns="reference").rename(columns={"reference_estimate": "reference"})
    table = table.assign(contrast=reference)
    if group is None:
        return table
    return table[table["indicator"].isin(list(scores))].reset_index(drop=True)


def _drop_composite_without_tree(table: pd.DataFrame, source: WaveParts) -> pd.DataFrame:
    """Return the table without rows of the composite where the wave has no tree.

    The estimator's notes on its strata go: pandas would copy them with every selection.
    """
    table.attrs = {}
    if source.plan.has_composite:
        return table
    return table[table["indicator"] != COMPOSITE].reset_index(drop=True)
