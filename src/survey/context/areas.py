"""Areas of outside evidence: cities of the survey, and what each province has besides.

`32xxxx` stands for the areas of province 32 that are no city of the survey. It is no code of GB/T
2260 and is never a total: `320000` is the total of the province, `000000` that of the nation.
"""

import csv
from collections.abc import Iterable, Mapping
from functools import lru_cache

from survey.access.roles import NATION
from survey.sample.city_frame import shipped_cities
from survey.settings import PROJECT_ROOT

REST = "xxxx"
NATION_TOTAL = "000000"
PROVINCE_RESIDENTS_CSV = PROJECT_ROOT / "seed" / "context" / "province_residents.csv"
_MUNICIPALITIES = frozenset({"11", "12", "31", "50"})


@lru_cache(maxsize=1)
def leaf_areas() -> tuple[str, ...]:
    """Return the areas in which counts are delivered, in the order of their codes."""
    cities = [city.code for city in shipped_cities()]
    provinces = {code[:2] for code in cities} - _MUNICIPALITIES
    return tuple(sorted([*cities, *(province + REST for province in provinces)]))


@lru_cache(maxsize=1)
def province_names() -> Mapping[str, str]:
    """Return the Chinese name of every province by its two digits."""
    return {city.province_code: city.province_zh for city in shipped_cities()}


def total_area_of(code: str) -> str | None:
    """Return the larger area that a code of a total row names; None for an area of its own."""
    if code in {NATION_TOTAL, NATION, "100000"}:
        return NATION
    is_province = len(code) == 6 and code.endswith("0000") and code[:2] in province_names()
    return code[:2] if is_province and code[:2] not in _MUNICIPALITIES else None


def is_within(leaf: str, area: str) -> bool:
    """Return whether an area of counts lies in the nation, a province, or is the area itself."""
    return area == NATION or leaf.startswith(area)


def leaves_within(area: str) -> tuple[str, ...]:
    """Return the areas of counts that lie in the nation, in a province, or are the area itself."""
    return tuple(leaf for leaf in leaf_areas() if is_within(leaf, area))


@lru_cache(maxsize=1)
def _leaf_residents() -> Mapping[str, int]:
    """Return the residents of 2020 of each area: of cities, and what their provinces have besides.

    The residents of provinces are those of the census (National Bureau of Statistics, communiqué
    no. 3 of the seventh census); without servicemen they add up to 1,409,778,724.
    """
    residents = {city.code: city.resident_population_2020 for city in shipped_cities()}
    with PROVINCE_RESIDENTS_CSV.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            province = row["province"]
            if province not in _MUNICIPALITIES:
                cities = [n for code, n in residents.items() if code[:2] == province]
                residents[province + REST] = int(row["residents_2020"]) - sum(cities)
    return residents


def resident_population(leaves: Iterable[str]) -> int:
    """Return the residents of 2020 of some areas; of all of them those of the nation."""
    found = set(leaves)
    if found == set(leaf_areas()):
        return NATION_RESIDENTS_2020
    return sum(_leaf_residents()[leaf] for leaf in found)


NATION_RESIDENTS_2020 = 1_411_778_724
"""Resident population of mainland China in the 2020 census, servicemen included."""
