"""Places as people write them in files, by code or name, in full or without its ending.

A text that is not understood, or means two places, is None; the check of the file then names it.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache

from survey.frame.city_frame import area_labels, shipped_cities
from survey.frame.code_lists import NATION_TOTAL, REST, leaf_areas, province_names, total_area_of
from survey.settings import PROJECT_ROOT
from survey.tabular.written_dates import fold

SEED = PROJECT_ROOT / "seed" / "context"
_ALL_DISTRICTS = "01"
"""End of a code that stands for all districts of a city together and is no district."""
_DIRECT = "90"
"""Third and fourth digit of counties that belong to no city."""
_SUFFIXES = (
    "\u7ef4\u543e\u5c14\u81ea\u6cbb\u533a", "\u58ee\u65cf\u81ea\u6cbb\u533a",
    "\u56de\u65cf\u81ea\u6cbb\u533a", "\u81ea\u6cbb\u533a", "\u81ea\u6cbb\u5dde", "\u5730\u533a",
    "\u7701", "\u5e02", "\u5dde",
)  # fmt: skip
"""What names of places end in and lists leave out: region, prefecture, province, city."""
_PREFECTURE = "\u81ea\u6cbb\u5dde"


@lru_cache(maxsize=1)
def import_words() -> Mapping[str, tuple[str, ...]]:
    """Return role (total, subtotal, note, rest, personal …) -> words that have it in files."""
    with (SEED / "import_words.csv").open(encoding="utf-8", newline="") as file:
        return {row["role"]: tuple(row["words"].split(";")) for row in csv.DictReader(file)}


def parse_place(text: str) -> str | None:
    """Return the area code of a place: city, province, its rest, the nation; districts as cities.

    A code of six digits is a city of the survey, a district or county of one, or lies in the rest
    of its province (`32xxxx`). A name that means two places, such as that of a city and of its
    province, is not understood.
    """
    plain = fold(text).removesuffix(".0")
    if re.fullmatch(r"\d{2}xxxx", plain):
        return plain
    if re.fullmatch(r"\d{6}", plain):
        return _place_of_code(plain)
    return _place_names().get(plain.replace(" ", ""))


def _place_of_code(code: str) -> str | None:
    leaves = set(leaf_areas())
    if code in leaves or total_area_of(code) is not None:
        return code
    is_municipality = f"{code[:2]}0000" in leaves
    if code[:2] not in province_names() or (
        code[4:] == _ALL_DISTRICTS and code[2:4] != _DIRECT and not is_municipality
    ):
        return None
    for larger in (f"{code[:4]}00", f"{code[:2]}0000"):
        if larger in leaves:
            return larger
    return code[:2] + REST if code[:2] + REST in leaves else None


@lru_cache(maxsize=1)
def _place_names() -> Mapping[str, str]:
    codes: defaultdict[str, set[str]] = defaultdict(set)
    for city in shipped_cities():
        for name in (*_short_names(city.name_zh), fold(city.name_en)):
            codes[name.replace(" ", "")].add(city.code)
    cities = {city.code for city in shipped_cities()}
    for province, name in province_names().items():
        if (total := f"{province}0000") in cities:
            continue
        codes[fold(area_labels()[province]["en"]).replace(" ", "")].add(total)
        for each in _short_names(name):
            codes[each].add(total)
            for rest in import_words()["rest"]:
                codes[f"{each}{rest}"].add(province + REST)
    for name in import_words()["nation"]:
        codes[name] = {NATION_TOTAL}
    return {name: found.pop() for name, found in codes.items() if len(found) == 1}


def _short_names(name: str) -> Iterable[str]:
    yield name
    if name.endswith(_PREFECTURE):
        yield from (name[:2], name[:2] + _PREFECTURE[-1])
    for suffix in _SUFFIXES:
        if name.endswith(suffix) and len(name) > len(suffix) + 1:
            yield name.removesuffix(suffix)
            return


def parse_area(text: str) -> str | None:
    """Return the area of a place (nation, province or city) by its code; None if not understood.

    What lies in no city of the survey belongs to its province. Two digits are a province.
    """
    if (plain := fold(text)) in province_names():
        return plain
    place = parse_place(text)
    if place is None:
        return None
    return total_area_of(place) or (place[:2] if place.endswith(REST) else place)
