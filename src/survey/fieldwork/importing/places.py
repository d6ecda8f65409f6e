"""Cities by any of their names."""

from collections import defaultdict
from collections.abc import Mapping

from sqlmodel import Session, select

from survey.access.principal import Action, Principal
from survey.fieldwork.reach import within_reach
from survey.store.core import table_of
from survey.store.tables import City

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


def cities_within(*, session: Session, principal: Principal) -> Mapping[str, str]:
    """Code -> Chinese name of the cities that this person may import for."""
    principal.require(Action.IMPORT)
    query = select(City.code, City.name_zh).where(within_reach(principal, table_of(City).c.code))
    return {row[0]: row[1] for row in session.exec(query.order_by(City.code))}
