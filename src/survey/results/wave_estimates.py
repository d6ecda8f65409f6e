"""Estimates of every cell and every gap of a wave."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import pandas as pd

from survey.estimate import Cube, EstimateError
from survey.estimate.arrays import release_freed_memory
from survey.estimate.tree import COMPOSITE
from survey.instrument.question_types import type_of
from survey.locale import msg
from survey.results.analysis import NotEstimableError
from survey.results.domains import AREA_LEVELS
from survey.results.inference import (
    bound_difference_intervals,
    bound_rate_intervals,
    pool_design_effects,
)
from survey.results.wave_cubes import CubeRequest, build_cube
from survey.results.wave_parts import WaveParts
from survey.sample.special_groups import EVERYONE

PEERS = ("region3", "size_tier")
"""Area levels whose areas are the peers that a city is read against."""


@dataclass(frozen=True, eq=False)
class WaveEstimates:
    """Figures of a wave before the disclosure gate, from which its tables are made."""

    source: WaveParts
    cells: pd.DataFrame
    """A row an area, group and indicator, as `WaveResults.cells` without `shown` and `reason`."""

    def of_everyone(self) -> "WaveEstimates":
        """Return the same figures without the cells of groups, which no table needs after them."""
        return replace(self, cells=self.cells[self.cells["group"] == EVERYONE])

    def differences(self) -> Iterator[pd.DataFrame]:
        """Yield differences, as `WaveResults.gaps` without `shown` and `reason`.

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

        try:
            sums = build_cube(self.source, CubeRequest(measures=True)).without_rows()
            release_freed_memory()
            # No name here or below holds a table while the next step works on it.
            yield from map(bound, _iter_differences(sums, scores, self.source.level))
        except EstimateError as error:
            raise _build_not_estimable_error(error) from error

    @cached_property
    def cities(self) -> pd.DataFrame:
        """Cells of the cities, everyone in them."""
        cells = self.cells
        return cells[(cells["area_level"] == "city") & (cells["group"] == EVERYONE)]


def estimate_wave(source: WaveParts) -> WaveEstimates:
    """Estimate every area, group and indicator of `source`.

    A measure of the same name as a rating that is estimated on its own is that rating.
    """
    try:
        sums = build_cube(source, CubeRequest(measures=True))
        release_freed_memory()
        with sums.prepared(table=True):
            cells = sums.table(level=source.level)
        del sums
        shares = [measure.key for measure in source.rates if measure.choices]
        counts = _count_measures(source)
        deff = pool_design_effects(cells, otherwise=overall_deff(source), unbounded=counts)
        cells = bound_rate_intervals(cells, shares, level=source.level, deff=deff, unbounded=counts)
    except EstimateError as error:
        raise _build_not_estimable_error(error) from error
    return WaveEstimates(source, _drop_composite_without_tree(cells, source))


def _build_not_estimable_error(error: EstimateError) -> NotEstimableError:
    return NotEstimableError(msg("The estimates cannot be computed: {reason}", reason=error))


def overall_deff(source: WaveParts) -> float:
    """Return what the weights cost, times the assumed design effect where points are unknown."""
    return source.facts.weights.kish_deff * (source.design.assumed_deff or 1.0)


def _count_measures(source: WaveParts) -> list[str]:
    """Return measures that count something, such as complaints, and lie on no scale."""
    return [
        measure.key
        for measure in source.measures
        if not measure.choices and type_of(source.instrument.by_name[measure.item]).is_number
    ]


def _iter_differences(sums: Cube, scores: Collection[str], level: float) -> Iterator[pd.DataFrame]:
    """Yield the differences of a wave.

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
    """Return the levels whose areas are read against a larger one, each with that one's level."""
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
    """Drop the composite where there is no tree: it would be the mean over all ratings.

    The estimator's notes on its strata go: pandas would copy them with every selection.
    """
    table.attrs = {}
    if source.plan.has_composite:
        return table
    return table[table["indicator"] != COMPOSITE].reset_index(drop=True)
