"""Progress of a wave at one moment, cut to publishable counts once its results are computed.

While a wave collects, surveyors and supervisors need every quota cell. Once it is frozen, an age by
gender count of a city is what the results keep to themselves: the weights of a frozen wave are
census divided by these very counts. So cells, groups, days and the effective size that follows from
cells are removed for everybody, and a city with few interviews has no row of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from survey.access.principal import Principal
from survey.access.roles import Action
from survey.fieldwork.forecast import EffectiveSize
from survey.fieldwork.progress.alerts import Alert, list_alerts
from survey.fieldwork.progress.area_progress import days_left, list_area_progress, total_progress
from survey.fieldwork.progress.dispositions import Dispositions, dispositions
from survey.fieldwork.progress.tallies import AreaProgress
from survey.fieldwork.waves import COMPUTED_STATES, WaveSummary, list_started_waves

MIN_CITY_INTERVIEWS = 10
"""Interviews of a city that has a row of its own, as a figure of the results needs."""
_UNKNOWN = EffectiveSize(0.0, 0.0)


def remove_cells(progress: AreaProgress) -> AreaProgress:
    """Return the progress of an area by the states of its interviews alone."""
    return replace(
        progress, cells=(), margins=(), days={}, effective=_UNKNOWN, forecast=None,
        still_missing=progress.tally.missing,
    )  # fmt: skip


def list_publishable_cities(cities: Sequence[AreaProgress]) -> tuple[AreaProgress, ...]:
    """Return the cities that may have a row of their own.

    The others are more than one, with at least `MIN_CITY_INTERVIEWS` interviews together, so that
    the sum of all cities reveals none of them.
    """
    smallest_first = sorted(cities, key=lambda city: (city.tally.counted, city.city_code or ""))
    hidden: list[AreaProgress] = []
    for city in smallest_first:
        small = city.tally.counted < MIN_CITY_INTERVIEWS
        if not small and (not hidden or _are_protected(hidden)):
            break
        hidden.append(city)
    hidden_codes = {city.city_code for city in hidden}
    return tuple(remove_cells(city) for city in cities if city.city_code not in hidden_codes)


def _are_protected(hidden: Sequence[AreaProgress]) -> bool:
    return len(hidden) > 1 and sum(city.tally.counted for city in hidden) >= MIN_CITY_INTERVIEWS


@dataclass(frozen=True)
class WaveProgress:
    """Progress of a wave at one moment."""

    wave: WaveSummary
    at: datetime
    total: AreaProgress
    cities: tuple[AreaProgress, ...]
    dispositions: Dispositions
    to_do: tuple[Alert, ...]

    @property
    def is_settled(self) -> bool:
        """Whether results are computed, so that counts by cell are no longer shown."""
        return self.wave.state in COMPUTED_STATES

    def find_area(self, city_code: str | None) -> AreaProgress:
        """Return one city; all of them together for None or a city without interviews."""
        if len(self.cities) == 1 and not self.is_settled:
            return self.cities[0]
        return next((city for city in self.cities if city.city_code == city_code), self.total)


def list_progress_waves(*, session: Session, principal: Principal) -> list[WaveSummary]:
    """Return the waves that have started, open ones first."""
    principal.require(Action.FOLLOW_FIELDWORK)
    return list_started_waves(session=session, principal=principal)


def get_progress(
    *, session: Session, principal: Principal, wave: WaveSummary, now: datetime, usual_waste: float
) -> WaveProgress:
    """Return the progress of a wave in the principal's area.

    Args:
        usual_waste: Share of void interviews above which an alert is raised.
    """
    principal.require(Action.FOLLOW_FIELDWORK)
    left = days_left(wave.state, wave.closes_on, now)
    cities = list_area_progress(session, principal, wave.id, left, now)
    total = total_progress(cities, left, now)
    if wave.state in COMPUTED_STATES:
        total, cities = remove_cells(total), list_publishable_cities(cities)
    return WaveProgress(
        wave=wave,
        at=now,
        total=total,
        cities=cities,
        dispositions=dispositions(session, principal, wave.id, total.tally, now),
        to_do=list_alerts(
            session, principal, wave.id, cities, left=left, usual_waste=usual_waste, now=now
        ),
    )
