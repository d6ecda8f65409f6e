"""Code lists and areas of outside evidence, versioned, with a crosswalk to the newest.

The lists are data (`seed/context/codes.csv`). A crosswalk maps a code to exactly one later code, so
that counts can be carried over; what was split has no such code and cannot be compared.
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from survey.access.roles import NATION
from survey.frame.city_frame import shipped_cities
from survey.locale import NotFoundError, label_text, labels_of, msg
from survey.settings import PROJECT_ROOT

REST = "xxxx"
NATION_TOTAL = "000000"
PROVINCE_RESIDENTS_CSV = PROJECT_ROOT / "seed" / "context" / "province_residents.csv"
_MUNICIPALITIES = frozenset({"11", "12", "31", "50"})


@lru_cache(maxsize=1)
def leaf_areas() -> tuple[str, ...]:
    """Return sorted codes of the smallest areas of complaint counts: cities, rests of provinces."""
    cities = [city.code for city in shipped_cities()]
    provinces = {code[:2] for code in cities} - _MUNICIPALITIES
    return tuple(sorted([*cities, *(province + REST for province in provinces)]))


@lru_cache(maxsize=1)
def province_names() -> Mapping[str, str]:
    """Return the Chinese name of every province by its two digits."""
    return {city.province_code: city.province_zh for city in shipped_cities()}


def total_area_of(code: str) -> str | None:
    """Return the nation or province whose total an area code means, such as 440000; else None."""
    if code in {NATION_TOTAL, NATION, "100000"}:
        return NATION
    is_province = len(code) == 6 and code.endswith("0000") and code[:2] in province_names()
    return code[:2] if is_province and code[:2] not in _MUNICIPALITIES else None


def is_within(leaf: str, area: str) -> bool:
    """Return whether smallest area `leaf` lies in `area` (nation, province) or equals it."""
    return area == NATION or leaf.startswith(area)


def leaves_within(area: str) -> tuple[str, ...]:
    """Return codes of the smallest areas that lie in `area` (nation, province) or equal it."""
    return tuple(leaf for leaf in leaf_areas() if is_within(leaf, area))


@lru_cache(maxsize=1)
def _leaf_residents() -> Mapping[str, int]:
    """Return area code -> residents of 2020, for cities and the rest of each province.

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
    """Return the residents of 2020 of the areas `leaves` together; of all, the nation's figure."""
    found = set(leaves)
    if found == set(leaf_areas()):
        return NATION_RESIDENTS_2020
    return sum(_leaf_residents()[leaf] for leaf in found)


NATION_RESIDENTS_2020 = 1_411_778_724
"""Resident population of mainland China in the 2020 census, servicemen included."""


_SEED = PROJECT_ROOT / "seed" / "context"
CODES_CSV = _SEED / "codes.csv"
CROSSWALK_CSV = _SEED / "crosswalk.csv"
ECONSUMER_CSV = _SEED / "econsumer.csv"


class CodeListName(StrEnum):
    """Name of a code list, equal to the column of counts (complaints, opinion) that it codes."""

    NATURE = "nature"
    GOODS_CLASS = "goods_class"
    CHANNEL = "channel"
    AGE_GROUP = "age_group"
    OPINION_CHANNEL = "opinion_channel"
    SENTIMENT = "sentiment"


@dataclass(frozen=True)
class ListedCode:
    """Code of one list with its names."""

    code: str
    parent: str
    """Goods or services; empty where the list has one level."""
    name_zh: str
    name_en: str
    status: str
    """`published`: as the associations print it; `assumed`: ours until they enter their own."""

    def name(self, language: str) -> str:
        return label_text(labels_of(self, "name"), language)


@dataclass(frozen=True)
class CodeLists:
    """All versions of all code lists, and the later codes that replace earlier ones."""

    codes: Mapping[tuple[CodeListName, str], tuple[ListedCode, ...]]
    """By list and version."""
    successors: Mapping[tuple[CodeListName, str, str], tuple[str, str]]
    """Later version and code, by list, version and code; unchanged codes are not named."""

    @property
    def versions(self) -> tuple[str, ...]:
        """Versions that a delivery can be coded by, the newest first."""
        return tuple(sorted({version for _, version in self.codes}, reverse=True))

    @property
    def newest(self) -> str:
        return self.versions[0]

    def require_version(self, version: str) -> None:
        """Raise `NotFoundError` if there is no such version."""
        if version not in self.versions:
            raise NotFoundError(
                "codes_unknown",
                msg(
                    "There is no version {version} of the code lists; there are: {known}.",
                    version=version[:20],
                    known=", ".join(self.versions),
                ),
            )

    def codes_of(self, name: CodeListName, version: str = "") -> tuple[ListedCode, ...]:
        """Return the codes of a list in its latest edition up to `version` (default: newest)."""
        wanted = version or self.newest
        own = sorted(known for key, known in self.codes if key is name)
        fitting = [known for known in own if known <= wanted] or own[:1]
        return self.codes[name, fitting[-1]]

    def to_newest(self, name: CodeListName, version: str) -> Mapping[str, str]:
        """Return (code of `version` -> code of the newest version) in the code list `name`.

        A code that is missing here was split later, or given up: it cannot be compared.
        """
        kept = {each.code for each in self.codes_of(name)}
        carried = {each.code: self._follow_successors(name, version, each.code) for each in
                   self.codes_of(name, version)}  # fmt: skip
        return {code: later for code, later in carried.items() if later in kept}

    def _follow_successors(self, name: CodeListName, version: str, code: str) -> str:
        while (name, version, code) in self.successors:
            version, code = self.successors[name, version, code]
        return code


@dataclass(frozen=True)
class ForeignCategory:
    """Category of econsumer.gov, of goods and services or of violations, and our code for it."""

    category_en: str
    category_zh: str
    code: str
    status: str
    """`published`: named so by the source; `assumed`: as the form has it, not printed anywhere."""
    source: str


@lru_cache(maxsize=1)
def econsumer_categories() -> Mapping[CodeListName, tuple[ForeignCategory, ...]]:
    """Return the categories of econsumer.gov by the list whose codes they mean.

    Raises:
        ValueError: A category means a code that the newest list does not have.
    """
    found: dict[CodeListName, list[ForeignCategory]] = {}
    with ECONSUMER_CSV.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            name = CodeListName(row.pop("list"))
            if row["code"] not in {each.code for each in shipped_code_lists().codes_of(name)}:
                raise ValueError(f"no code of {name}: {row['code']}")
            found.setdefault(name, []).append(ForeignCategory(**row))
    return {name: tuple(categories) for name, categories in found.items()}


@lru_cache(maxsize=1)
def shipped_code_lists() -> CodeLists:
    """Return the code lists that come with the platform."""
    return read_code_lists(CODES_CSV, CROSSWALK_CSV)


def read_code_lists(codes: Path, crosswalk: Path) -> CodeLists:
    """Return the code lists in the CSV file `codes`, with later codes from the file `crosswalk`.

    Raises:
        ValueError: A crosswalk names a code that is not listed, or goes back in time.
    """
    listed: dict[tuple[CodeListName, str], list[ListedCode]] = {}
    with codes.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            key = (CodeListName(row["list"]), row["version"])
            code = ListedCode(*(row[each.name] for each in fields(ListedCode)))
            listed.setdefault(key, []).append(code)
    known = {(*key, each.code) for key, codes_of in listed.items() for each in codes_of}
    successors = {}
    with crosswalk.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            name = CodeListName(row["list"])
            before = (name, row["from_version"], row["from_code"])
            after = (row["to_version"], row["to_code"])
            if not {before, (name, *after)} <= known or after[0] <= before[1]:
                raise ValueError(f"the crosswalk cannot go from {before} to {after}")
            successors[before] = after
    return CodeLists({key: tuple(each) for key, each in listed.items()}, successors)
