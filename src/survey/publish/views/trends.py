"""Views of trends: what changed between two waves, cities beside their peers, and years."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from survey.access.principal import Principal
from survey.access.roles import NATION, Action
from survey.estimate.tree import COMPOSITE
from survey.locale import Message, msg
from survey.publish.charts.interval_charts import HIGHER, LOWER
from survey.publish.views.changes import (
    ChangeView,
    TrendFilters,
    build_change_view,
    city_change_table,
    describe_selection,
    find_changes,
    indicator_change_table,
    list_title,
    listed_cities,
    wave_years,
)
from survey.publish.views.chart_panels import ChartHeading, ChartPanel
from survey.publish.views.chart_rows import classify_differences
from survey.publish.views.estimate_text import MULTIPLE_TESTING_NOTE
from survey.publish.views.interval_table import IntervalTable, gap_interval_table
from survey.publish.views.last_change import EARLIER_UNREAD
from survey.publish.views.view_context import ViewContext
from survey.publish.views.year_series import TrendScope, trend_chart
from survey.results import WaveResults
from survey.results.changes import CHANGE_GROUPS, FALL, RISE
from survey.sample.special_groups import EVERYONE

PEER_REFERENCES: Mapping[str, Message] = MappingProxyType(
    {
        "region3": msg("its region"),
        "size_tier": msg("cities of its size"),
        "nation": msg("the nation"),
    }
)


TREND_AREA_LEVELS = ("nation", "region3", "size_tier", "city")
"""Levels of the places whose years are drawn. The four regions share names with the three."""


def list_followed_groups(results: WaveResults) -> tuple[str, ...]:
    """Return the groups that are followed over the years and that the wave has."""
    return tuple(group for group in CHANGE_GROUPS if group in results.method.groups)


def build_trends_answer(
    *,
    results: WaveResults,
    principal: Principal,
    language: str,
    filters: TrendFilters,
    others: Sequence[WaveResults] = (),
    is_earlier_unread: bool = False,
) -> tuple[ChangeView | None, str]:
    """Build the answer on the change, or the reason why there is none.

    Args:
        others: Further waves of the same series.
        is_earlier_unread: There is an earlier wave that is not among them: it is damaged.
    """
    reading = ViewContext(results, principal, language)
    before = _find_wave_before(others, filters)
    if before is None and is_earlier_unread:
        return None, reading.t(EARLIER_UNREAD)
    return build_change_view(reading, before, filters)


def _find_wave_before(others: Sequence[WaveResults], filters: TrendFilters) -> WaveResults | None:
    return next((other for other in others if other.wave.key == filters.before), None)


def build_city_changes(
    *,
    results: WaveResults,
    principal: Principal,
    language: str,
    filters: TrendFilters,
    others: Sequence[WaveResults] = (),
) -> IntervalTable | str:
    """Build the table of the cities' changes, or what is said where there is none to list."""
    reading = ViewContext(results, principal, language)
    before = _find_wave_before(others, filters)
    cities, obstacle = find_changes(
        reading, before, filters, area_level="city", indicator=filters.indicator
    )
    if cities is None or before is None:
        return obstacle
    listed = listed_cities(cities, reading, filters)
    if filters.clear_only:
        listed = listed.among("verdict", (RISE, FALL))
        if not len(listed):
            return reading.t("None of the chosen cities shows a detectable change.")
    return city_change_table(reading, listed, filters, wave_years(reading, before))


def build_indicator_changes(
    *,
    results: WaveResults,
    principal: Principal,
    language: str,
    filters: TrendFilters,
    others: Sequence[WaveResults] = (),
) -> IntervalTable | str:
    """Build the table of the indicators' changes in the nation, or why there is none."""
    reading = ViewContext(results, principal, language)
    before = _find_wave_before(others, filters)
    codes = [COMPOSITE, *reading.level_codes(1, 2)]
    nation, obstacle = find_changes(reading, before, filters, area_level="nation", indicator=codes)
    if nation is None or before is None:
        return obstacle
    return indicator_change_table(reading, nation, filters, wave_years(reading, before))


def build_peer_gaps(
    *, results: WaveResults, principal: Principal, language: str, filters: TrendFilters
) -> IntervalTable | str:
    """Build the table of each city minus its reference, or what is said where none is clear."""
    reading = ViewContext(results, principal, language)
    t = reading.t
    against = filters.against if filters.against in PEER_REFERENCES else next(iter(PEER_REFERENCES))
    group = filters.group if against == "nation" else EVERYONE
    gaps = reading.gaps(against, area_level="city", group=group, indicator=filters.indicator)
    cities = listed_cities(gaps, reading, filters)
    if filters.clear_only:
        cities = cities.keep(
            [verdict in {HIGHER, LOWER} for verdict in classify_differences(cities)]
        )
        if not len(cities) and len(gaps):
            return t("None of the chosen cities differs detectably from its yardstick.")
    title = t(
        "{indicator} in {year}: each city minus {yardstick}",
        indicator=describe_selection(reading, replace(filters, group=group)),
        year=reading.wave.year,
        yardstick=t(PEER_REFERENCES[against]),
    )
    part = t("The city is part of its yardstick, and the interval takes that into account.")
    note = f"{part} {t(MULTIPLE_TESTING_NOTE)}"
    heading = ChartHeading("trends-peers", list_title(title, filters, t), t("City"), note)
    return gap_interval_table(
        reading,
        heading,
        cities,
        [reading.names.area(code) for code in cities.texts("area")],
        key="area",
        this=t("Score of the city"),
        other=t("Yardstick"),
    )


def build_years(
    *,
    results: WaveResults,
    principal: Principal,
    language: str,
    filters: TrendFilters,
    others: Sequence[WaveResults] = (),
) -> ChartPanel:
    """Build the chart of one area over the years.

    Raises:
        AccessDeniedError: a city outside the reader's area before the wave is released.
    """
    reading = ViewContext(results, principal, language)
    cells = reading.cells(
        area_level=TREND_AREA_LEVELS, area=filters.place, indicator=reading.area_indicator
    )
    if not len(cells):
        principal.require(Action.READ_RESULTS, filters.place)
    level = cells.texts("area_level")[0] if len(cells) else "nation"
    area = filters.place if len(cells) else NATION
    scope = TrendScope(level, area, filters.group)
    return trend_chart(reading, others, filters.indicator, scope=scope, key="trends-years")
