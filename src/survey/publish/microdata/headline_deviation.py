"""What de-identification costs the headline: the largest difference of a score, in points."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from survey.access.roles import NATION
from survey.disclosure import MINIMUM_N
from survey.estimate import Cube, CubeSpec, EstimateError
from survey.estimate.tree import COMPOSITE
from survey.publish.microdata.released_rows import HeadlineDeviation
from survey.results.wave_data import WaveData
from survey.results.wave_rules import ScoringPlan
from survey.sample.special_groups import EVERYONE

_STEP = 0.01
"""Points; said no finer, for an exact difference is one more equation about who was merged."""


@dataclass(frozen=True, eq=False)
class ScoredRows:
    """Interviews of whole cities with the columns that their scores are made of."""

    people: pd.DataFrame
    spec: CubeSpec
    plan: ScoringPlan

    @classmethod
    def of(cls, source: WaveData, people: pd.DataFrame) -> "ScoredRows":
        """Return some interviews of a wave, which have the columns of its analysis frame."""
        spec = source.build_cube_spec(
            areas={
                "nation": np.full(len(people), NATION, dtype=object),
                "city": people["city_code"].astype(str).to_numpy(dtype=object),
            },
            groups={EVERYONE: np.ones(len(people), dtype=bool)},
        )
        design = source.design
        kept = [*source.plan.tree.item_columns, design.weight, design.strata, design.psu]
        return cls(people[[name for name in kept if name is not None]], spec, source.plan)

    def __call__(self) -> tuple[pd.DataFrame, CubeSpec]:
        """Return the scores as numbers, with what is to be summed of them."""
        numbers = {
            name: self.people[name].to_numpy(dtype=float, na_value=np.nan)
            for name in self.plan.tree.item_columns
        }
        return self.people.assign(**numbers), self.spec


def compare_headlines(
    people: Sequence[ScoredRows], rows: Sequence[ScoredRows]
) -> HeadlineDeviation:
    """Compare the headline of all parts as they were frozen with that of the exported rows.

    The headline is the composite or, without a tree, every rating. Cities with too few respondents
    to be published, or without any in the file, are passed over.
    """
    plan = people[0].plan
    rows = [part for part in rows if len(part.people)]
    if not rows:
        return HeadlineDeviation(None, None)
    headline = [COMPOSITE] if plan.has_composite else list(plan.tree.variables)
    try:
        before, after = _estimate(people), _estimate(rows)
    except EstimateError:
        return HeadlineDeviation(None, None)
    before = before[(before["n"] >= MINIMUM_N) & before["indicator"].isin(headline)]
    joined = before.merge(
        after, on=["area_level", "area", "indicator"], suffixes=("_before", "_after")
    )
    distance = (joined["estimate_before"] - joined["estimate_after"]).abs()
    return HeadlineDeviation(
        _find_max_deviation(distance[joined["area_level"] == "nation"]),
        _find_max_deviation(distance[joined["area_level"] == "city"]),
    )


def _estimate(parts: Sequence[ScoredRows]) -> pd.DataFrame:
    if len(parts) == 1:
        cube = Cube.of(*parts[0]())
    else:
        spec = parts[0].spec
        named = replace(spec, areas=dict.fromkeys(spec.areas), groups=dict.fromkeys(spec.groups))
        cube = Cube.of_parts(parts, named)
    table = cube.point_estimates()
    keys = ["area_level", "area", "indicator"]
    return table.astype(dict.fromkeys(keys, str))[[*keys, "n", "estimate"]]


def _find_max_deviation(distance: pd.Series) -> float | None:
    known = distance.dropna()
    if known.empty:
        return None
    steps = math.ceil(round(float(known.max()) / _STEP, 6))
    return round(steps * _STEP, 2)
