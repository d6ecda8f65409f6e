"""A wave as it stands at one moment."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from survey.access.principal import Action, Principal
from survey.fieldwork.progress.alerts import Alert, list_alerts
from survey.fieldwork.progress.area_progress import days_left, list_area_progress, total_progress
from survey.fieldwork.progress.dispositions import Dispositions, dispositions
from survey.fieldwork.progress.publishable_counts import list_publishable_cities, remove_cells
from survey.fieldwork.progress.tallies import AreaProgress
from survey.fieldwork.waves import COMPUTED_STATES, WaveSummary, list_started_waves


@dataclass(frozen=True)
class WaveProgress:
    """A wave as it stands at one moment."""

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
        """One city; all of them together where it is None or has nothing yet."""
        if len(self.cities) == 1 and not self.is_settled:
            return self.cities[0]
        return next((city for city in self.cities if city.city_code == city_code), self.total)


def list_progress_waves(*, session: Session, principal: Principal) -> list[WaveSummary]:
    """Waves that have begun, those still collecting first."""
    principal.require(Action.FOLLOW_FIELDWORK)
    return list_started_waves(session=session, principal=principal)


def get_progress(
    *, session: Session, principal: Principal, wave: WaveSummary, now: datetime, usual_waste: float
) -> WaveProgress:
    """The wave in the reader's area; `usual_waste` is the share above which waste is a concern."""
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
