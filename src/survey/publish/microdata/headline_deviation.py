"""Deviation of the headline computed from exported rows from the published one."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from survey.access.roles import NATION
from survey.disclosure import MINIMUM_N
from survey.estimate import Cube, EstimateError
from survey.estimate.tree import COMPOSITE
from survey.results.wave_data import WaveData
from survey.sample.special_groups import EVERYONE

_STEP = 0.01
"""Points; said no finer, for an exact difference is one more equation about who was merged."""


@dataclass(frozen=True)
class HeadlineDeviation:
    """Largest differences in points, rounded up to a hundredth; null without a figure."""

    everyone: float | None
    """All rows of the file together: the nation, or the area of the account."""
    largest_city: float | None


def compute_headline_deviation(
    source: WaveData, people: pd.DataFrame, rows: pd.DataFrame
) -> HeadlineDeviation:
    """Compare the headline of `people`, as they were frozen, with that of exported `rows`.

    Both have the columns of the analysis frame. The headline is the composite or, without a tree,
    every rating. Cities with too few respondents to be published are passed over.
    """
    headline = [COMPOSITE] if source.plan.has_composite else list(source.plan.tree.variables)
    try:
        before, after = (_headlines(source, table) for table in (people, rows))
    except EstimateError:
        return HeadlineDeviation(None, None)
    before = before[(before["n"] >= MINIMUM_N) & before["indicator"].isin(headline)]
    joined = before.merge(
        after, on=["area_level", "area", "indicator"], suffixes=("_before", "_after")
    )
    distance = (joined["estimate_before"] - joined["estimate_after"]).abs()
    return HeadlineDeviation(
        _max_deviation(distance[joined["area_level"] == "nation"]),
        _max_deviation(distance[joined["area_level"] == "city"]),
    )


def _headlines(source: WaveData, people: pd.DataFrame) -> pd.DataFrame:
    items = list(source.plan.tree.item_columns)
    scored = people.assign(
        **{name: people[name].to_numpy(dtype=float, na_value=np.nan) for name in items}
    )
    spec = replace(
        source.cube_spec,
        areas={
            "nation": np.full(len(people), NATION, dtype=object),
            "city": people["city_code"].astype(str).to_numpy(dtype=object),
        },
        groups={EVERYONE: np.ones(len(people), dtype=bool)},
    )
    table = Cube.of(scored, spec).table(level=source.level)
    keys = ["area_level", "area", "indicator"]
    return table.astype(dict.fromkeys(keys, str))[[*keys, "n", "estimate"]]


def _max_deviation(distance: pd.Series) -> float | None:
    known = distance.dropna()
    if known.empty:
        return None
    steps = math.ceil(round(float(known.max()) / _STEP, 6))
    return round(steps * _STEP, 2)
