"""Population of each city by year of age and gender, 2020.

The census columns of a city give its population, its share of men and the shares aged 0-14, 15-59,
60 and over and 65 and over. Inside 0-14, 15-59, 60-64 and 65+ the national age pattern of the same
census fills in; the national share of men at each age is moved by one constant on the logit scale
until the city's own share of men is met. Those two steps are our assumption and are said wherever
the margins are shown.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from survey.sample.city_frame import FrameCity
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
    """`people[c, age, gender]`, ages 0 to `OLDEST` (80 and over together), genders `GENDERS`."""

    codes: tuple[str, ...]
    people: Floats

    def between(self, youngest: int, oldest: int) -> Floats:
        """People of those ages, both included, by city and gender, shape (C, 2)."""
        summed: Floats = self.people[:, youngest : oldest + 1].sum(axis=1)
        return summed


def build_age_structure(cities: Sequence[FrameCity]) -> AgeStructure:
    """Fill in every city; the cities' populations and shares of men are met exactly."""
    nation = national_pyramid()
    both = nation.sum(axis=1)
    total = np.array([city.resident_population_2020 for city in cities], dtype=np.float64)
    shares = _segment_shares(cities)
    people = np.empty((len(cities), OLDEST + 1))
    for place, (youngest, oldest) in enumerate(_SEGMENTS):
        inside = both[youngest : oldest + 1]
        people[:, youngest : oldest + 1] = np.outer(shares[:, place], inside / inside.sum())
    people *= total[:, None]
    men = people * _share_of_men(people, logit(nation[:, 0] / both), cities)
    return AgeStructure(tuple(city.code for city in cities), np.stack([men, people - men], axis=2))


@lru_cache(maxsize=1)
def national_pyramid(path: Path = PYRAMID_CSV) -> Floats:
    """People by single year of age and gender, shape (OLDEST + 1, 2), five-year groups spread."""
    pyramid = np.zeros((OLDEST + 1, 2))
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            first, last = int(row["age_from"]), int(row["age_to"] or OLDEST)
            group = np.array([float(row["male"]), float(row["female"])])
            pyramid[first : last + 1] = np.outer(_spread_over_years(first, last), group)
    return pyramid


def _spread_over_years(first: int, last: int) -> Floats:
    shape = np.ones(last - first + 1)
    if first == 70:
        shape = np.array(_YEAR_SHARES_70_74)
    elif first == 80:
        shape = np.array(_YEAR_WEIGHTS_80_PLUS)
    spread: Floats = shape / shape.sum()
    return spread


def _segment_shares(cities: Sequence[FrameCity]) -> Floats:
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


def _share_of_men(people: Floats, national: Floats, cities: Sequence[FrameCity]) -> Floats:
    """Newton's method for the one constant a city that meets its share of men."""
    target = np.array([city.share_male for city in cities])
    weight = people / people.sum(axis=1, keepdims=True)
    shift = np.zeros(len(cities))
    for _ in range(20):
        men = expit(national[None, :] + shift[:, None])
        gap = (weight * men).sum(axis=1) - target
        shift -= gap / (weight * men * (1 - men)).sum(axis=1)
    shares: Floats = expit(national[None, :] + shift[:, None])
    return shares
