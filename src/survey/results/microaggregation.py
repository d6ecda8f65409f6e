"""Microaggregated scores of cities that a reader may not see by name before release.

Cities in the order of an indicator are cut into runs of at least `MIN_RUN_CITIES`, and a run is
shown by its positions and the plain mean of its scores (univariate microaggregation, Defays &
Nanopoulos 1993). The runs are the same for every reader, so two readers together learn nothing
about a third city; a run with fewer than `MIN_OUTSIDE_CITIES` cities outside the reader's area is
not shown. It has no code, name, n, interval, population or place on a map.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

MIN_RUN_CITIES = 5
MIN_OUTSIDE_CITIES = 3


@dataclass(frozen=True)
class CityRun:
    """Neighbours in the order of the cities."""

    first: int
    last: int
    """Places, counted from 1, whether or not some are shared."""
    mean: float
    """Plain mean of the scores, to one decimal."""


def microaggregate(scores: pd.DataFrame, covers: Callable[[str], bool]) -> tuple[CityRun, ...]:
    """Return the runs of one indicator, highest first.

    Args:
        scores: `area`, `estimate`: the cities that take a place, in any order.
        covers: whether a city is the reader's own.
    """
    if len(scores) < 2 * MIN_RUN_CITIES:
        return ()
    ordered = scores.sort_values(["estimate", "area"], ascending=[False, True])
    foreign = np.array([not covers(str(code)) for code in ordered["area"]])
    estimate = ordered["estimate"].to_numpy(dtype=float)
    runs = np.array_split(np.arange(len(ordered)), len(ordered) // MIN_RUN_CITIES)
    return tuple(
        CityRun(int(part[0]) + 1, int(part[-1]) + 1, round(float(estimate[part].mean()), 1))
        for part in runs
        if foreign[part].sum() >= MIN_OUTSIDE_CITIES
    )


def top_city_codes(ranks: pd.DataFrame, count: int) -> tuple[str, ...]:
    """Return the codes of the cities in the first `count` places, in the order of codes.

    No place is told. A city that shares the last place is named as well.
    """
    named = ranks.loc[ranks["rank"] <= count, "area"]
    return tuple(sorted(named.astype(str)))
