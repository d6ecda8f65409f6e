"""Trends and comparisons: what changed between two waves, and cities beside their peers."""

from collections.abc import Sequence
from dataclasses import dataclass

from survey.access.principal import Action, Principal
from survey.publish.picture import Picture
from survey.publish.results import WaveResults
from survey.publish.results.changes import GROUPS as FOLLOWED
from survey.publish.views.changes import ChangeView, change
from survey.publish.views.names import NATION
from survey.publish.views.peers import peers_picture
from survey.publish.views.reading import Reading
from survey.publish.views.trend import Place, trend_picture
from survey.publish.views.trend_filters import TrendFilters

PLACES = ("nation", "region3", "size_tier", "city")
"""Levels of the places whose years are drawn. The four regions share names with the three."""


@dataclass(frozen=True, eq=False)
class TrendsView:
    change: ChangeView | None
    obstacle: str
    """Why there is no change to show; empty where there is one."""
    years: Picture
    peers: Picture | str
    """Or what is said where only clear differences are asked for and there is none."""


def followed(results: WaveResults) -> tuple[str, ...]:
    """The groups that are followed over the years and that the wave knows."""
    return tuple(group for group in FOLLOWED if group in results.method.groups)


def trends(
    *,
    results: WaveResults,
    principal: Principal,
    language: str,
    filters: TrendFilters,
    others: Sequence[WaveResults] = (),
) -> TrendsView:
    """Everything on the page; `others` are the further waves of the same series.

    Raises:
        AccessDenied: a city outside the reader's area before the wave is released.
    """
    reading = Reading(results, principal, language)
    before = next((other for other in others if other.wave.key == filters.before), None)
    changed, obstacle = change(reading, before, filters)
    return TrendsView(
        change=changed,
        obstacle=obstacle,
        years=_years(reading, others, filters),
        peers=peers_picture(reading, filters),
    )


def _years(reading: Reading, others: Sequence[WaveResults], filters: TrendFilters) -> Picture:
    cells = reading.cells(area_level=PLACES, area=filters.place, indicator=reading.main_indicator)
    if not len(cells):
        reading.principal.require(Action.READ_RESULTS, filters.place)
    level = cells.texts("area_level")[0] if len(cells) else "nation"
    area = filters.place if len(cells) else NATION
    place = Place(level, area, filters.group)
    return trend_picture(reading, others, filters.indicator, place=place, key="trends-years")
