"""What a reader of the trends page chose, and the words and cities that follow from it."""

from dataclasses import dataclass

from survey.locale import Translator
from survey.publish.views.cells import Cells
from survey.publish.views.names import COMPOSITE, NATION
from survey.publish.views.reading import EVERYONE, Reading


@dataclass(frozen=True)
class TrendFilters:
    """`before` is the key of the earlier wave, None where there is none; `region3` and `size_tier`
    narrow the lists of cities, `clear_only` leaves what is significant; `against` is the yardstick
    of the last picture, `place` the area whose years are drawn."""

    before: str | None = None
    indicator: str = COMPOSITE
    group: str = EVERYONE
    place: str = NATION
    region3: str | None = None
    size_tier: str | None = None
    clear_only: bool = False
    against: str = "region3"


def listed_cities(cities: Cells, reading: Reading, filters: TrendFilters) -> Cells:
    """The cities of the filter, largest change first, those without one last."""
    keep = reading.cities_within(
        cities.texts("area"), region3=filters.region3, size_tier=filters.size_tier
    )
    return cities.keep(keep).descending("difference")


def list_title(title: str, filters: TrendFilters, t: Translator) -> str:
    """The title of a list, which says what the reader left out of it."""
    return t("{title} (significant only)", title=title) if filters.clear_only else title


def what_is_read(reading: Reading, filters: TrendFilters) -> str:
    name = reading.names.indicator(filters.indicator)
    if filters.group == EVERYONE:
        return name
    group = reading.names.group(filters.group)
    return reading.t("{indicator}, {group}", indicator=name, group=group)
