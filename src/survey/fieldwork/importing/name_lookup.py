"""Cities by any of their names."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session, select

from survey.access.areas import area_filter
from survey.access.principal import Action, Principal
from survey.store.tables import City, SamplingPoint, table_of

_SUFFIXES = ("\u5e02", "\u5dde")
"""The characters for municipality and prefecture, often left out in lists."""


def city_names(*, session: Session) -> Mapping[str, str]:
    """GB/T 2260 codes, Chinese and English names, case-folded -> code; ambiguous names left out."""
    codes: defaultdict[str, set[str]] = defaultdict(set)
    for city in session.exec(select(City)):
        for name in _spellings(city):
            codes[name.casefold()].add(city.code)
    return {name: city_codes.pop() for name, city_codes in codes.items() if len(city_codes) == 1}


def _spellings(city: City) -> set[str]:
    names = {city.code, f"{city.code}.0", city.name_zh, city.name_en, f"{city.name_en} city"}
    for suffix in _SUFFIXES:
        short = city.name_zh.removesuffix(suffix)
        if len(short) > 1:
            names.add(short)
    return names


def list_importable_cities(*, session: Session, principal: Principal) -> Mapping[str, str]:
    """Code -> Chinese name of the cities that this person may import for."""
    principal.require(Action.IMPORT)
    query = select(City.code, City.name_zh).where(area_filter(principal, table_of(City).c.code))
    return {row[0]: row[1] for row in session.exec(query.order_by(City.code))}


@dataclass(frozen=True)
class PointNameIndex:
    """Code by city and name, both case-folded; names that two points of a city share are absent."""

    codes: Mapping[tuple[str, str], str]

    def code(self, city: str, name: str) -> str | None:
        return self.codes.get((city, name.casefold()))


def planned_points(*, session: Session, wave_id: UUID) -> PointNameIndex:
    query = select(SamplingPoint.city_code, SamplingPoint.code, SamplingPoint.name).where(
        SamplingPoint.wave_id == wave_id
    )
    codes_by_spelling: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for city, code, name in session.exec(query):
        for spelling in {code, code.removeprefix(f"{city}-"), name}:
            codes_by_spelling[city, spelling.strip().casefold()].add(code)
    return PointNameIndex(
        {key: codes.pop() for key, codes in codes_by_spelling.items() if len(codes) == 1}
    )


def point_code(city: str, name: str) -> str:
    """Unique in the wave and the same in the next one: a point's own name within its city."""
    return name if name.startswith(city) else f"{city}-{name}"
