"""View of trends: what changed between two waves, and cities beside their peers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from survey.access.principal import Principal
from survey.access.roles import NATION, Action
from survey.locale import Message, msg
from survey.publish.charts import ChartKind
from survey.publish.charts.interval_charts import HIGHER, LOWER
from survey.publish.views.changes import (
    ChangeView,
    TrendFilters,
    build_change_view,
    describe_selection,
    list_title,
    listed_cities,
)
from survey.publish.views.chart_panels import ChartHeading, ChartPanel, gap_chart
from survey.publish.views.chart_rows import classify_differences
from survey.publish.views.estimate_text import MULTIPLE_TESTING_NOTE
from survey.publish.views.view_context import ViewContext
from survey.publish.views.year_series import TrendScope, trend_chart
from survey.results import WaveResults
from survey.results.changes import CHANGE_GROUPS
from survey.sample.special_groups import EVERYONE

PEER_REFERENCES: Mapping[str, Message] = MappingProxyType(
    {
        "region3": msg("its region"),
        "size_tier": msg("cities of its size"),
        "nation": msg("the nation"),
    }
)


def peer_chart(reading: ViewContext, filters: TrendFilters) -> ChartPanel | str:
    """Return the chart of each city minus its reference."""
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
    return gap_chart(
        reading,
        ChartHeading("trends-peers", list_title(title, filters, t), t("City"), note),
        cities,
        [reading.names.area(code) for code in cities.texts("area")],
        key="area",
        this=t("Score of the city"),
        other=t("Yardstick"),
        n=cities.total("n"),
        kind=ChartKind.CITY_GAPS,
    )


TREND_AREA_LEVELS = ("nation", "region3", "size_tier", "city")
"""Levels of the places whose years are drawn. The four regions share names with the three."""


@dataclass(frozen=True, eq=False)
class TrendsView:
    change: ChangeView | None
    obstacle: str
    """Why there is no change to show; empty where there is one."""
    years: ChartPanel
    peers: ChartPanel | str
    """Or what is said where only clear differences are asked for and there is none."""


def list_followed_groups(results: WaveResults) -> tuple[str, ...]:
    """Return the groups that are followed over the years and that the wave has."""
    return tuple(group for group in CHANGE_GROUPS if group in results.method.groups)


def build_trends_view(
    *,
    results: WaveResults,
    principal: Principal,
    language: str,
    filters: TrendFilters,
    others: Sequence[WaveResults] = (),
) -> TrendsView:
    """Build everything on the page; `others` are the further waves of the same series.

    Raises:
        AccessDeniedError: a city outside the reader's area before the wave is released.
    """
    reading = ViewContext(results, principal, language)
    before = next((other for other in others if other.wave.key == filters.before), None)
    changed, obstacle = build_change_view(reading, before, filters)
    return TrendsView(
        change=changed,
        obstacle=obstacle,
        years=_years(reading, others, filters),
        peers=peer_chart(reading, filters),
    )


def _years(
    reading: ViewContext, others: Sequence[WaveResults], filters: TrendFilters
) -> ChartPanel:
    cells = reading.cells(
        area_level=TREND_AREA_LEVELS, area=filters.place, indicator=reading.main_indicator
    )
    if not len(cells):
        reading.principal.require(Action.READ_RESULTS, filters.place)
    level = cells.texts("area_level")[0] if len(cells) else "nation"
    area = filters.place if len(cells) else NATION
    scope = TrendScope(level, area, filters.group)
    return trend_chart(reading, others, filters.indicator, scope=scope, key="trends-years")
