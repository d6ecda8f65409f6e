"""Areas of outside evidence: cities of the survey, and what each province has besides.

`32xxxx` stands for the areas of province 32 that are no city of the survey. It is no code of GB/T
2260 and is never a total: `320000` is the total of the province, `000000` that of the nation.
"""

from collections.abc import Mapping
from functools import lru_cache

from survey.access.roles import NATION
from survey.sample.city_frame import shipped_cities

REST = "xxxx"
NATION_TOTAL = "000000"
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


def resident_population(area: str) -> int | None:
    """Return the residents of 2020 of a city or municipality; None where the frame has none."""
    by_code = {city.code: city.resident_population_2020 for city in shipped_cities()}
    if area in _MUNICIPALITIES:
        area += "0000"
    return by_code.get(area) or (NATION_RESIDENTS_2020 if area == NATION else None)


NATION_RESIDENTS_2020 = 1_411_778_724
"""Resident population of mainland China in the 2020 census, servicemen included."""
