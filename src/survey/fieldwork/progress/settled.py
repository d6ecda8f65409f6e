"""A wave whose results are computed: how far it came, without the counts that its results hide.

While a wave collects, surveyors and supervisors need every quota cell. Once it is frozen, an age by
gender count of a city is what the results keep to themselves: the weights of a frozen wave are
census divided by these very counts. So cells, groups, days and the effective size that follows from
cells are gone for everybody, and a city with few interviews has no row of its own.
"""

from collections.abc import Sequence
from dataclasses import replace

from survey.fieldwork.pace import EffectiveSize
from survey.fieldwork.progress.model import Place

FEWEST = 10
"""Interviews of a city that has a row of its own, as a figure of the results needs."""
_UNKNOWN = EffectiveSize(0.0, 0.0)


def without_cells(place: Place) -> Place:
    """A city, or all of them, by the states of its interviews alone."""
    return replace(
        place, cells=(), margins=(), days={}, effective=_UNKNOWN, forecast=None,
        still_missing=place.tally.missing,
    )  # fmt: skip


def large_enough(cities: Sequence[Place]) -> tuple[Place, ...]:
    """Cities that are shown; those that are not have at least `FEWEST` interviews together, and
    are more than one, so that the sum of all cities tells none of them."""
    smallest_first = sorted(cities, key=lambda city: (city.tally.counted, city.city_code or ""))
    hidden: list[Place] = []
    for city in smallest_first:
        small = city.tally.counted < FEWEST
        if not small and (not hidden or _tell_nobody(hidden)):
            break
        hidden.append(city)
    gone = {city.city_code for city in hidden}
    return tuple(without_cells(city) for city in cities if city.city_code not in gone)


def _tell_nobody(hidden: Sequence[Place]) -> bool:
    return len(hidden) > 1 and sum(city.tally.counted for city in hidden) >= FEWEST
