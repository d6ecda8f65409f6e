"""Estimates of every cell and every gap of a wave."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from survey.estimate import Cube, EstimateError
from survey.estimate.tree import COMPOSITE
from survey.instrument.question_types import type_of
from survey.locale import msg
from survey.results.analysis import NotEstimableError
from survey.results.domains import AREA_LEVELS
from survey.results.inference import bound_difference_intervals, bound_rate_intervals
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
    gaps: pd.DataFrame
    """Differences, as `WaveResults.gaps` without `shown` and `reason`."""

    @cached_property
    def cities(self) -> pd.DataFrame:
        """Cells of the cities, everyone in them."""
        cells = self.cells
        return cells[(cells["area_level"] == "city") & (cells["group"] == EVERYONE)]


def estimate_wave(source: WaveParts) -> WaveEstimates:
    """Estimate every area, group and indicator of `source`.

    A measure of the same name as a rating that is estimated on its own is that rating.
    """
    plan = source.plan
    try:
        sums = build_cube(source, CubeRequest(measures=True))
        with sums.prepared(table=True):
            cells = sums.table(level=source.level)
        differences = _build_gaps(sums, plan.tree.variables, source.level)
        shares = [measure.key for measure in source.rates if measure.choices]
        numbers = _count_measures(source)
        cells = bound_rate_intervals(
            cells, shares, level=source.level, deff=overall_deff(source), unbounded=numbers
        )
        differences = bound_difference_intervals(differences, numbers)
    except EstimateError as error:
        raise NotEstimableError(
            msg("The estimates cannot be computed: {reason}", reason=error)
        ) from error
    return WaveEstimates(
        source,
        _drop_composite_without_tree(cells, source),
        _drop_composite_without_tree(differences, source),
    )


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


def _build_gaps(sums: Cube, scores: Collection[str], level: float) -> pd.DataFrame:
    """Return the differences of a wave.

    Each group against the rest of its area, each area against the nation, and the `scores` of each
    city against its peers.
    """
    rest = sums.gaps(level=level).rename(columns={"rest": "reference", "n_rest": "n_reference"})
    parts = [rest.assign(contrast="rest")]
    with sums.prepared(against=_contrasts()):
        tables = [(pair, _reference_differences(sums, *pair, level)) for pair in _contrasts()]
    for (_, reference), table in tables:
        if reference == "nation":
            parts.append(table)
            continue
        parts.append(table[(table["group"] == EVERYONE) & table["indicator"].isin(list(scores))])
    joined = pd.concat(parts, ignore_index=True)
    keys = ["contrast", "area_level", "area", "group", "indicator", "status"]
    return joined.astype(dict.fromkeys(keys, "category"))


def _contrasts() -> tuple[tuple[str, str], ...]:
    """Return the levels whose areas are read against a larger one, each with that one's level."""
    smaller = [area_level for area_level in AREA_LEVELS if area_level != "nation"]
    return (*((area_level, "nation") for area_level in smaller), *(("city", p) for p in PEERS))


def _reference_differences(
    sums: Cube, area_level: str, reference: str, level: float
) -> pd.DataFrame:
    table = sums.against(area_level, reference, level=level).drop(columns="reference")
    return table.rename(columns={"reference_estimate": "reference"}).assign(contrast=reference)


def _drop_composite_without_tree(table: pd.DataFrame, source: WaveParts) -> pd.DataFrame:
    """Drop the composite where there is no tree: it would be the mean over all ratings.

    The estimator's notes on its strata go: pandas would copy them with every selection.
    """
    table.attrs = {}
    if source.plan.has_composite:
        return table
    return table[table["indicator"] != COMPOSITE].reset_index(drop=True)
