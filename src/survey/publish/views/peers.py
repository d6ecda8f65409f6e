"""Cities beside their peers: each city's score minus that of its region, size or the nation."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from survey.locale import Message, msg
from survey.publish.charts import Kind
from survey.publish.charts.gaps import HIGHER, LOWER
from survey.publish.picture import Picture
from survey.publish.views.figures import JUDGED_TOGETHER
from survey.publish.views.pictures import Heading, gap_picture
from survey.publish.views.reading import EVERYONE, Reading
from survey.publish.views.rows import verdicts
from survey.publish.views.trend_filters import (
    TrendFilters,
    list_title,
    listed_cities,
    what_is_read,
)

YARDSTICKS: Mapping[str, Message] = MappingProxyType(
    {
        "region3": msg("its region"),
        "size_tier": msg("cities of its size"),
        "nation": msg("the nation"),
    }
)


def peers_picture(reading: Reading, filters: TrendFilters) -> Picture | str:
    """Each city minus its yardstick."""
    t = reading.t
    against = filters.against if filters.against in YARDSTICKS else next(iter(YARDSTICKS))
    group = filters.group if against == "nation" else EVERYONE
    gaps = reading.gaps(against, area_level="city", group=group, indicator=filters.indicator)
    cities = listed_cities(gaps, reading, filters)
    if filters.clear_only:
        cities = cities.keep([verdict in {HIGHER, LOWER} for verdict in verdicts(cities)])
        if not len(cities) and len(gaps):
            return t("None of the chosen cities differs detectably from its yardstick.")
    title = t(
        "{indicator} in {year}: each city minus {yardstick}",
        indicator=what_is_read(reading, replace(filters, group=group)),
        year=reading.wave.year,
        yardstick=t(YARDSTICKS[against]),
    )
    part = t("The city is part of its yardstick, and the interval takes that into account.")
    note = f"{part} {t(JUDGED_TOGETHER)}"
    return gap_picture(
        reading,
        Heading("trends-peers", list_title(title, filters, t), t("City"), note),
        cities,
        [reading.names.area(code) for code in cities.texts("area")],
        key="area",
        this=t("Score of the city"),
        other=t("Yardstick"),
        n=cities.total("n"),
        kind=Kind.CITY_GAPS,
    )
