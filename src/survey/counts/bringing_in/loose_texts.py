"""Texts as people write them, made into the texts that the check of counts accepts.

Every function returns None for a text that it does not understand; the check then names it.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from survey.counts.count_declaration import CountKind
from survey.counts.count_kinds import PERIOD, WEEK, parse_week
from survey.frame.city_frame import shipped_cities
from survey.frame.code_lists import (
    NATION_TOTAL,
    REST,
    CodeListName,
    CodeLists,
    leaf_areas,
    province_names,
    total_area_of,
)
from survey.settings import PROJECT_ROOT
from survey.tabular.written_dates import fold, parse_date

SEED = PROJECT_ROOT / "seed" / "context"
_WEEK = re.compile(r"(\d{4})\s*\u5e74\s*\u7b2c?\s*(\d{1,2})\s*\u5468")
MONTH_ALONE = re.compile(r"(\d{1,2})\s*\u6708(?:\u4efd)?")
"""A month without its year, as the head of a column has it."""
_NUMBER = re.compile(
    r"(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)\s*([\u5343\u4e07\u4ebf]?)\s*"
    r"[\u4ef6\u6761\u8d77\u5143\u6b21\u7b14]?"
)
SCALES = {"": 1, "\u5343": 1_000, "\u4e07": 10_000, "\u4ebf": 100_000_000}
"""Thousand, ten thousand, hundred million."""
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
_IGNORED = re.compile(r"[\s\u3001,;/()\u2014\u2013-]+")
_ENDINGS = ("\u7c7b", "\u670d\u52a1")
"""Class, service: what names of classes end in and lists leave out."""


@lru_cache(maxsize=1)
def import_words() -> Mapping[str, tuple[str, ...]]:
    """Return role (total, subtotal, note, rest, personal …) -> words that have it in files."""
    with (SEED / "import_words.csv").open(encoding="utf-8", newline="") as file:
        return {row["role"]: tuple(row["words"].split(";")) for row in csv.DictReader(file)}


def parse_month(text: str) -> str | None:
    """Return a month such as `2025-04`; a day only if it is the first, as Excel makes months."""
    found = parse_date(text)
    return f"{found[0]:04}-{found[1]:02}" if found and found[2] in {None, 1} else None


def parse_month_of_day(text: str) -> str | None:
    """Return the month of a day or of a month."""
    found = parse_date(text)
    return f"{found[0]:04}-{found[1]:02}" if found else None


def parse_day(text: str) -> str | None:
    """Return a day such as `2025-04-30`."""
    found = parse_date(text)
    return f"{found[0]:04}-{found[1]:02}-{found[2]:02}" if found and found[2] else None


def parse_week_or_day(text: str) -> str | None:
    """Return the week (`2025W05`) of a day, or of a week as people write it."""
    return parse_week(parse_day(text) or _WEEK.sub(r"\1W\2", fold(text)))


def parse_number(text: str, factor: int = 1) -> str | None:
    """Return a number from 0 on times `factor` in plain digits: full width, 1,234 and 3.2 wan."""
    match = _NUMBER.fullmatch(fold(text))
    if match is None:
        return None
    try:
        number = Decimal(match[1].replace(",", "")) * SCALES[match[2]] * factor
    except InvalidOperation:
        return None
    plain = f"{number:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


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


def fold_name(text: str) -> str:
    """Return the name of a code without what people write differently: marks, blanks, ending."""
    plain = _IGNORED.sub("", fold(text))
    for ending in _ENDINGS:
        plain = plain.removesuffix(ending) or plain
    return plain


def code_parser(
    kind: CountKind, key: str, lists: CodeLists, version: str
) -> Callable[[str], str | None]:
    """Return the function from a text to what the check accepts in a column of codes."""
    listed = lists.codes_of(kind.codes[key], version)
    codes: defaultdict[str, set[str]] = defaultdict(set)
    for each in listed:
        for name in (each.code, each.name_zh, each.name_en):
            codes[fold_name(name)].add(each.code)
    found = {name: codes_of.pop() for name, codes_of in codes.items() if len(codes_of) == 1}
    if kind.total_names:
        found |= {fold_name(word): kind.total_names[0] for word in import_words()["total"]}
    return lambda text: found.get(fold_name(text))


def key_parsers(
    kind: CountKind, lists: CodeLists, version: str, *, of_cases: bool = False
) -> Mapping[str, Callable[[str], str | None]]:
    """Return, for each key column, the function from a text to what the check accepts.

    Args:
        of_cases: Whether a day stands for its month.
    """
    parse_period = parse_month_of_day if of_cases else parse_month
    parse_when = {WEEK: parse_week_or_day, PERIOD: parse_period}.get(kind.when, parse_day)
    parsers: dict[str, Callable[[str], str | None]] = {kind.when: parse_when, "area": parse_place}
    for key, each in kind.keys.items():
        if isinstance(each, CodeListName):
            parsers[key] = code_parser(kind, key, lists, version)
        elif key not in parsers:
            total = {fold_name(word) for word in import_words()["total"]}
            parsers[key] = lambda text, total=total: "" if fold_name(text) in total else text  # type: ignore[misc]
    return parsers
