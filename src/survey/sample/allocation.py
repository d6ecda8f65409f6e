"""How many interviews a city gets, and how they divide over its quota cells.

The survey asks for an error of at most 5 points at 95 % in every city: 384 interviews if they were
a simple random sample, times the planning design effect of 1.4, is **538, the floor**. The total is
shared in proportion to population; cities that would fall below the floor are raised to it and the
rest is shared again among the others, until none is below:

    n_c = max(floor, (total - floor x raised cities) x N_c / population of the others)

rounded by largest remainders, so that the sum is exactly the total.
"""

from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt
import pandas as pd

from survey.locale import SurveyError, msg
from survey.sample.population_margins import PopulationMargins

SIMPLE_RANDOM_N = 384
PLANNED_DEFF = 1.4
FLOOR = ceil(SIMPLE_RANDOM_N * PLANNED_DEFF)
TOTAL = 62_000


class AllocationError(SurveyError):
    code = "allocation"


@dataclass(frozen=True)
class Allocation:
    """Interviews by city (`size`, index city code) and what was asked for."""

    size: pd.Series
    total: int
    floor: int


def allocate(population: pd.Series, *, total: int = TOTAL, floor: int = FLOOR) -> Allocation:
    """Divide `total` interviews over the cities of `population` (index city code, people)."""
    if total < floor * len(population):
        raise AllocationError(
            msg(
                "{total} interviews cannot give {cities} cities {floor} each.",
                total=total,
                cities=len(population),
                floor=floor,
            )
        )
    exact = _raised_to_floor(population.to_numpy(dtype=np.float64), total, floor)
    size = pd.Series(largest_remainders(exact, total), index=population.index, name="size")
    return Allocation(size, total, floor)


def quota_targets(
    margins: PopulationMargins, size: pd.Series, *, reserve: float = 0.0
) -> pd.DataFrame:
    """Interviews by city and cell of `margins`: its table with `target` instead of `population`.

    Within a city the targets follow the population and add up to the city's size. `reserve` asks
    for that share more in every cell, rounded up, for what review will take away.
    """
    pieces = []
    for code, cells in margins.table.groupby("city_code", sort=False):
        wanted = int(size.loc[code])
        people = cells["population"].to_numpy(dtype=np.float64)
        target = largest_remainders(wanted * people / people.sum(), wanted)
        if reserve:
            target = np.ceil(target * (1 + reserve)).astype(np.int64)
        pieces.append(cells.drop(columns="population").assign(target=target))
    return pd.concat(pieces, ignore_index=True)


def largest_remainders(exact: npt.NDArray[np.float64], total: int) -> npt.NDArray[np.int64]:
    """Whole numbers near `exact` that add up to `total`; ties go to the first."""
    whole = np.floor(exact + 1e-9).astype(np.int64)
    left = total - int(whole.sum())
    order = np.argsort(-(exact - whole), kind="stable")
    whole[order[:left]] += 1
    return whole


def _raised_to_floor(
    people: npt.NDArray[np.float64], total: int, floor: int
) -> npt.NDArray[np.float64]:
    """Proportional to population, cities below the floor raised to it, the others scaled down."""
    fixed = np.zeros(len(people), dtype=bool)
    while True:
        free = total - floor * int(fixed.sum())
        share = np.where(fixed, 0.0, people)
        exact = np.where(fixed, float(floor), free * share / max(share.sum(), 1.0))
        below = ~fixed & (exact < floor)
        if not below.any():
            return exact
        fixed |= below
