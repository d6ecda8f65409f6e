"""Cities by any of their names, and moments as spreadsheets write them."""

import re
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime

from sqlmodel import Session, select

from survey.fieldwork.clock import CHINA
from survey.store.tables import City

_SUFFIXES = ("\u5e02", "\u5dde")
"""The characters for municipality and prefecture, often left out in lists."""
_MOMENT = re.compile(
    r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})"
    r"(?:[ T]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]+)?)?)?\s*(Z|[+-][0-9]{2}:?[0-9]{2})?"
)


def city_names(*, session: Session) -> Mapping[str, str]:
    """GB/T 2260 codes, Chinese and English names, case-folded -> code; ambiguous names left out."""
    codes: defaultdict[str, set[str]] = defaultdict(set)
    for city in session.exec(select(City)):
        for name in _spellings(city):
            codes[name.casefold()].add(city.code)
    return {name: found.pop() for name, found in codes.items() if len(found) == 1}


def _spellings(city: City) -> set[str]:
    names = {city.code, f"{city.code}.0", city.name_zh, city.name_en, f"{city.name_en} city"}
    for suffix in _SUFFIXES:
        short = city.name_zh.removesuffix(suffix)
        if len(short) > 1:
            names.add(short)
    return names


def read_moment(text: str) -> datetime | None:
    """A moment; without a zone it is China's; None if it is none of the calendar."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=CHINA)
        if found[7] is not None:
            zone = datetime.strptime(found[7], "%z").tzinfo
            moment = moment.replace(tzinfo=zone)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
