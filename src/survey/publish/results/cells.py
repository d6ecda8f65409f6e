"""Every cell and every gap of a wave, computed once."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd

from survey.estimate import Cube, EstimateError
from survey.locale import msg
from survey.publish.results.analysis import NotEstimable
from survey.publish.results.domains import AREA_LEVELS
from survey.publish.results.intervals import bounded
from survey.publish.results.measures import measure_values
from survey.publish.results.source import Source

COMPOSITE = "composite"


@dataclass(frozen=True, eq=False)
class Estimated:
    """All figures of a wave before the gate; nobody reads them, tables are made from them."""

    source: Source
    cells: pd.DataFrame
    """A row an area, group and indicator, as `WaveResults.cells` without `shown` and `reason`."""
    gaps: pd.DataFrame
    """Differences, as `WaveResults.gaps` without `shown` and `reason`."""

    @cached_property
    def cities(self) -> pd.DataFrame:
        """Cells of the cities, everyone in them."""
        cells = self.cells
        return cells[(cells["area_level"] == "city") & (cells["group"] == "all")]


def estimated(source: Source) -> Estimated:
    """Estimate every area, group and indicator of `source`.

    A measure of the same name as a rating that is estimated on its own is that rating.
    """
    plan, people = source.plan, source.people
    taken = set(plan.tree.item_columns)
    rates = {
        measure.key: measure_values(measure, source.instrument.by_name[measure.item], people)
        for measure in source.measures
        if measure.key not in taken
    }
    try:
        sums = Cube.of(
            people.assign(**rates),
            plan.tree,
            source.design,
            areas=source.areas,
            groups=source.memberships,
            rates=tuple(rates),
            composite=_composite(source.composite),
            scale=plan.scale,
        )
        cells, differences = sums.table(level=source.level), _gaps(sums, source.level)
        shares = [m.key for m in source.measures if m.choices and m.key in rates]
        weight = people[source.design.weight].to_numpy(dtype=float)
        kish = float(np.mean(weight**2) / np.mean(weight) ** 2)
        cells = bounded(cells, shares, level=source.level, kish_deff=kish)
    except EstimateError as error:
        raise NotEstimable(
            msg("The estimates cannot be computed: {reason}", reason=error)
        ) from error
    return Estimated(source, _kept(cells, source), _kept(differences, source))


def _gaps(sums: Cube, level: float) -> pd.DataFrame:
    """Each group against the rest of its area, and each area against the nation."""
    rest = sums.gaps(level=level).rename(columns={"rest": "reference", "n_rest": "n_reference"})
    parts = [rest.assign(contrast="rest")]
    for area_level in AREA_LEVELS:
        if area_level != "nation":
            table = sums.against(area_level, "nation", level=level)
            table = table.drop(columns="reference").rename(
                columns={"reference_estimate": "reference"}
            )
            parts.append(table.assign(contrast="nation"))
    joined = pd.concat(parts, ignore_index=True)
    keys = ["contrast", "area_level", "area", "group", "indicator", "status"]
    return joined.astype(dict.fromkeys(keys, "category"))


def _kept(table: pd.DataFrame, source: Source) -> pd.DataFrame:
    """Without a tree the mean over all ratings is nobody's score, so it is not offered."""
    if source.plan.has_composite:
        return table
    return table[table["indicator"] != COMPOSITE].reset_index(drop=True)


def _composite(name: str) -> Literal["item_means", "per_respondent"]:
    return "per_respondent" if name == "per_respondent" else "item_means"
