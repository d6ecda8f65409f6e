"""Population of the cities by age and gender, for quotas and raking.

The census columns of a city give its population, its share of men and the shares aged 0-14, 15-59,
60 and over and 65 and over. Inside 0-14, 15-59, 60-64 and 65+ the national age pattern of the same
census fills in; the national share of men at each age is moved by one constant on the logit scale
until the city's own share of men is met. Both steps are our assumption, and every page that shows
the margins names them.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit, logit

from survey.frame.city_frame import FrameCity
from survey.locale import msg
from survey.settings import PROJECT_ROOT

PYRAMID_CSV = PROJECT_ROOT / "seed" / "population_2020.csv"
OLDEST = 90
"""Everybody of 80 and over is spread over the years from 80 to here."""
GENDERS = ("male", "female")
_YEAR_SHARES_70_74 = (0.236, 0.218, 0.199, 0.181, 0.166)
"""Falling by year of age; assumed, because the published table stops at five-year groups."""
_YEAR_WEIGHTS_80_PLUS = tuple(0.84**age for age in range(OLDEST - 79))
_SEGMENTS = ((0, 14), (15, 59), (60, 64), (65, OLDEST))

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class AgeStructure:
    """Array `people[city, age, gender]`, ages 0 to `OLDEST` (80 and over together)."""

    codes: tuple[str, ...]
    people: Floats

    def between(self, youngest: int, oldest: int) -> Floats:
        """Return the people of those ages, both included, by city and gender, shape (C, 2)."""
        summed: Floats = self.people[:, youngest : oldest + 1].sum(axis=1)
        return summed


def build_age_structure(cities: Sequence[FrameCity]) -> AgeStructure:
    """Return people by city, age and gender that meet each city's total and share of men."""
    nation = national_pyramid()
    both = nation.sum(axis=1)
    total = np.array([city.resident_population_2020 for city in cities], dtype=np.float64)
    shares = _compute_segment_shares(cities)
    people = np.empty((len(cities), OLDEST + 1))
    for index, (youngest, oldest) in enumerate(_SEGMENTS):
        inside = both[youngest : oldest + 1]
        people[:, youngest : oldest + 1] = np.outer(shares[:, index], inside / inside.sum())
    people *= total[:, None]
    men = people * _solve_share_of_men(people, logit(nation[:, 0] / both), cities)
    return AgeStructure(tuple(city.code for city in cities), np.stack([men, people - men], axis=2))


@lru_cache(maxsize=1)
def national_pyramid(path: Path = PYRAMID_CSV) -> Floats:
    """Return the nation's people by year of age and gender, shape (OLDEST + 1, 2)."""
    pyramid = np.zeros((OLDEST + 1, 2))
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            first, last = int(row["age_from"]), int(row["age_to"] or OLDEST)
            group = np.array([float(row["male"]), float(row["female"])])
            pyramid[first : last + 1] = np.outer(_split_band_by_year(first, last), group)
    return pyramid


def _split_band_by_year(first: int, last: int) -> Floats:
    shape = np.ones(last - first + 1)
    if first == 70:
        shape = np.array(_YEAR_SHARES_70_74)
    elif first == 80:
        shape = np.array(_YEAR_WEIGHTS_80_PLUS)
    spread: Floats = shape / shape.sum()
    return spread


def _compute_segment_shares(cities: Sequence[FrameCity]) -> Floats:
    shares = np.array(
        [
            (
                city.share_age_0_14,
                city.share_age_15_59,
                city.share_age_60_plus - city.share_age_65_plus,
                city.share_age_65_plus,
            )
            for city in cities
        ]
    )
    rounded: Floats = shares / shares.sum(axis=1, keepdims=True)
    return rounded


def _solve_share_of_men(people: Floats, national: Floats, cities: Sequence[FrameCity]) -> Floats:
    """Return shares of men by city and age: `national` curve (logit), shifted to city totals."""
    target = np.array([city.share_male for city in cities])
    weight = people / people.sum(axis=1, keepdims=True)
    shift = np.zeros(len(cities))
    for _ in range(20):
        men = expit(national[None, :] + shift[:, None])
        gap = (weight * men).sum(axis=1) - target
        shift -= gap / (weight * men * (1 - men)).sum(axis=1)
    shares: Floats = expit(national[None, :] + shift[:, None])
    return shares


MAIN_BANDS = {
    "15-24": (15, 24),
    "25-34": (25, 34),
    "35-44": (35, 44),
    "45-54": (45, 54),
    "55-70": (55, 70),
}
SPLIT_BANDS = {
    **{band: limits for band, limits in MAIN_BANDS.items() if band != "55-70"},
    "55-59": (55, 59),
    "60-70": (60, 70),
}
"""For a main wave that asks people of 60 and over more often than others."""
ELDERLY_BANDS = {"60-69": (60, 69), "70-79": (70, 79), "80+": (80, OLDEST)}
CENSUS_YEAR = 2020
_CENSUS = msg(
    "2020 census: city population, sex and age shares; within 0-14, 15-59, 60-64 and 65+ "
    "the national age and sex pattern of the same census (assumption)"
).msgid
_SCHOOL = msg(
    "2020 census: city population, sex and age shares; within 0-14, 15-59, 60-64 and 65+ "
    "the national age and sex pattern of the same census (assumption); school stage by age, "
    "15-17 split 60 : 40 between senior and other (assumption)"
).msgid
_SENIOR_SHARE = 0.6
_STAGE_AGES = {"preschool": (0, 5), "primary": (6, 11), "junior": (12, 14)}


@dataclass(frozen=True)
class PopulationMargins:
    """Population of cities by cell (age band and gender, or school stage), with its source.

    `table` has the columns `city_code`, those in `cells`, and `population` (people, fractional).
    """

    table: pd.DataFrame
    cells: tuple[str, ...]
    source: str
    year: int
    status: str
    """`derived`: census totals with an assumption inside; an association enters `official` ones."""

    def city_totals(self) -> pd.Series:
        """Return population by city code, summed over its cells; it is the weight of the city."""
        return self.table.groupby("city_code")["population"].sum()


def main_margins(
    cities: Sequence[FrameCity], bands: Mapping[str, tuple[int, int]] = MAIN_BANDS
) -> PopulationMargins:
    """Return the population by city, age band and gender; `bands`: name -> first and last age."""
    ages = build_age_structure(cities)
    frames = [
        pd.DataFrame(
            {
                "city_code": ages.codes,
                "age_band": band,
                "gender": gender,
                "population": ages.between(*limits)[:, index],
            }
        )
        for band, limits in bands.items()
        for index, gender in enumerate(GENDERS)
    ]
    return _build_margins(frames, ("age_band", "gender"), _CENSUS)


def elderly_margins(cities: Sequence[FrameCity]) -> PopulationMargins:
    """Return the population aged 60 and over by city, age band and gender."""
    return main_margins(cities, ELDERLY_BANDS)


def minors_margins(cities: Sequence[FrameCity]) -> PopulationMargins:
    """Return the population under 18 by city and school stage."""
    ages = build_age_structure(cities)
    stages = {name: ages.between(*limits).sum(axis=1) for name, limits in _STAGE_AGES.items()}
    teens = ages.between(15, 17).sum(axis=1)
    stages["senior"] = teens * _SENIOR_SHARE
    stages["vocational_other"] = teens * (1 - _SENIOR_SHARE)
    frames = [
        pd.DataFrame({"city_code": ages.codes, "school_stage": name, "population": people})
        for name, people in stages.items()
    ]
    return _build_margins(frames, ("school_stage",), _SCHOOL)


def _build_margins(
    frames: list[pd.DataFrame], cells: tuple[str, ...], source: str
) -> PopulationMargins:
    table = pd.concat(frames, ignore_index=True)
    order = table.groupby(list(cells), sort=False).ngroup()
    table = table.assign(order=order).sort_values(["city_code", "order"]).drop(columns="order")
    return PopulationMargins(table.reset_index(drop=True), cells, source, CENSUS_YEAR, "derived")
