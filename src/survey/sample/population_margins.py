"""Population margins: what quotas aim at and what weights are raked to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from survey.locale import msg
from survey.sample.age_structure import GENDERS, OLDEST, AgeStructure, Floats, build_age_structure
from survey.sample.city_frame import FrameCity

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
    """Population by city and cell.

    `table` has the columns `city_code`, those in `cells`, and `population` (people, fractional).
    """

    table: pd.DataFrame
    cells: tuple[str, ...]
    source: str
    year: int
    status: str
    """`derived`: census totals with an assumption inside; an association enters `official` ones."""

    def city_totals(self) -> pd.Series:
        """Population of the margins by city: the declared city weight."""
        return self.table.groupby("city_code")["population"].sum()


def main_margins(
    cities: Sequence[FrameCity], bands: Mapping[str, tuple[int, int]] = MAIN_BANDS
) -> PopulationMargins:
    """Age band x gender of the population aged 15-70."""
    return _margins_by_band(cities, bands)


def elderly_margins(cities: Sequence[FrameCity]) -> PopulationMargins:
    """Age band x gender of the population aged 60 and over."""
    return _margins_by_band(cities, ELDERLY_BANDS)


def minors_margins(cities: Sequence[FrameCity]) -> PopulationMargins:
    """School stage of the population under 18."""
    ages = build_age_structure(cities)
    stages = {name: _people(ages, *limits) for name, limits in _STAGE_AGES.items()}
    teens = _people(ages, 15, 17)
    stages["senior"] = teens * _SENIOR_SHARE
    stages["vocational_other"] = teens * (1 - _SENIOR_SHARE)
    frames = [
        pd.DataFrame({"city_code": ages.codes, "school_stage": name, "population": people})
        for name, people in stages.items()
    ]
    return _margins(frames, ("school_stage",), _SCHOOL)


def _margins_by_band(
    cities: Sequence[FrameCity], bands: Mapping[str, tuple[int, int]]
) -> PopulationMargins:
    ages = build_age_structure(cities)
    frames = [
        pd.DataFrame(
            {
                "city_code": ages.codes,
                "age_band": band,
                "gender": gender,
                "population": ages.between(*limits)[:, place],
            }
        )
        for band, limits in bands.items()
        for place, gender in enumerate(GENDERS)
    ]
    return _margins(frames, ("age_band", "gender"), _CENSUS)


def _people(ages: AgeStructure, youngest: int, oldest: int) -> Floats:
    people: Floats = np.sum(ages.between(youngest, oldest), axis=1)
    return people


def _margins(frames: list[pd.DataFrame], cells: tuple[str, ...], source: str) -> PopulationMargins:
    table = pd.concat(frames, ignore_index=True)
    order = table.groupby(list(cells), sort=False).ngroup()
    table = table.assign(order=order).sort_values(["city_code", "order"]).drop(columns="order")
    return PopulationMargins(table.reset_index(drop=True), cells, source, CENSUS_YEAR, "derived")
