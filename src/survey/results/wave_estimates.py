"""Estimates of every cell and every gap of a wave."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from survey.estimate import Cube, EstimateError
from survey.estimate.tree import COMPOSITE
from survey.instrument.question_types import type_of
from survey.locale import msg
from survey.results.analysis import NotEstimableError
from survey.results.domains import AREA_LEVELS
from survey.results.inference import bound_difference_intervals, bound_rate_intervals
from survey.results.wave_data import WaveData
from survey.sample.special_groups import EVERYONE

PEERS = ("region3", "size_tier")
"""Area levels whose areas are the peers that a city is read against."""


@dataclass(frozen=True, eq=False)
class WaveEstimates:
    """Figures of a wave before the disclosure gate, from which its tables are made."""

    source: WaveData
    cells: pd.DataFrame
    """A row an area, group and indicator, as `WaveResults.cells` without `shown` and `reason`."""
    gaps: pd.DataFrame
    """Differences, as `WaveResults.gaps` without `shown` and `reason`."""

    @cached_property
    def cities(self) -> pd.DataFrame:
        """Cells of the cities, everyone in them."""
        cells = self.cells
        return cells[(cells["area_level"] == "city") & (cells["group"] == EVERYONE)]


def estimate_wave(source: WaveData) -> WaveEstimates:
    """Estimate every area, group and indicator of `source`.

    A measure of the same name as a rating that is estimated on its own is that rating.
    """
    plan, people = source.plan, source.people
    rates = source.unscored_values()
    try:
        sums = Cube.of(people.assign(**rates), replace(source.cube_spec, rates=tuple(rates)))
        cells = sums.table(level=source.level)
        differences = _build_gaps(sums, plan.tree.variables, source.level)
        shares = [m.key for m in source.measures if m.choices and m.key in rates]
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


def overall_deff(source: WaveData) -> float:
    """Return what the weights cost, times the assumed design effect where points are unknown."""
    weight = source.people[source.design.weight].to_numpy(dtype=float)
    kish = float(np.mean(weight**2) / np.mean(weight) ** 2)
    return kish * (source.design.assumed_deff or 1.0)


def _count_measures(source: WaveData) -> list[str]:
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
    smaller = [area_level for area_level in AREA_LEVELS if area_level != "nation"]
    parts += [_reference_differences(sums, area_level, "nation", level) for area_level in smaller]
    for peers in PEERS:
        table = _reference_differences(sums, "city", peers, level)
        parts.append(table[(table["group"] == EVERYONE) & table["indicator"].isin(list(scores))])
    joined = pd.concat(parts, ignore_index=True)
    keys = ["contrast", "area_level", "area", "group", "indicator", "status"]
    return joined.astype(dict.fromkeys(keys, "category"))


def _reference_differences(
    sums: Cube, area_level: str, reference: str, level: float
) -> pd.DataFrame:
    table = sums.against(area_level, reference, level=level).drop(columns="reference")
    return table.rename(columns={"reference_estimate": "reference"}).assign(contrast=reference)


def _drop_composite_without_tree(table: pd.DataFrame, source: WaveData) -> pd.DataFrame:
    """Drop the composite where there is no tree: it would be the mean over all ratings.

    The estimator's notes on its strata go: pandas would copy them with every selection.
    """
    table.attrs = {}
    if source.plan.has_composite:
        return table
    return table[table["indicator"] != COMPOSITE].reset_index(drop=True)
