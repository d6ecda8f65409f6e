"""A wave whose results are computed: how far it came, without the counts that its results hide.

While a wave collects, surveyors and supervisors need every quota cell. Once it is frozen, an age by
gender count of a city is what the results keep to themselves: the weights of a frozen wave are
census divided by these very counts. So cells, groups, days and the effective size that follows from
cells are gone for everybody, and a city with few interviews has no row of its own.
"""

from collections.abc import Sequence
from dataclasses import replace

from survey.fieldwork.forecast import EffectiveSize
from survey.fieldwork.progress.tallies import AreaProgress

MIN_CITY_INTERVIEWS = 10
"""Interviews of a city that has a row of its own, as a figure of the results needs."""
_UNKNOWN = EffectiveSize(0.0, 0.0)


def remove_cells(place: AreaProgress) -> AreaProgress:
    """A city, or all of them, by the states of its interviews alone."""
    return replace(
        place, cells=(), margins=(), days={}, effective=_UNKNOWN, forecast=None,
        still_missing=place.tally.missing,
    )  # fmt: skip


def list_publishable_cities(cities: Sequence[AreaProgress]) -> tuple[AreaProgress, ...]:
    """Cities that are shown; those that are not have at least `FEWEST` interviews together, and
    are more than one, so that the sum of all cities tells none of them."""
    smallest_first = sorted(cities, key=lambda city: (city.tally.counted, city.city_code or ""))
    hidden: list[AreaProgress] = []
    for city in smallest_first:
        small = city.tally.counted < MIN_CITY_INTERVIEWS
        if not small and (not hidden or _are_protected(hidden)):
            break
        hidden.append(city)
    gone = {city.city_code for city in hidden}
    return tuple(remove_cells(city) for city in cities if city.city_code not in gone)


def _are_protected(hidden: Sequence[AreaProgress]) -> bool:
    return len(hidden) > 1 and sum(city.tally.counted for city in hidden) >= MIN_CITY_INTERVIEWS
