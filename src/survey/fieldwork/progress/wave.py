"""A wave as it stands at one moment."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlmodel import Session

from survey.access.principal import Action, Principal
from survey.fieldwork.begun import BegunWave, begun_waves
from survey.fieldwork.progress.concerns import ToDo, to_do
from survey.fieldwork.progress.counting import all_places, days_left, places
from survey.fieldwork.progress.dispositions import Dispositions, dispositions
from survey.fieldwork.progress.model import Place
from survey.fieldwork.progress.settled import large_enough, without_cells
from survey.fieldwork.waves import COMPUTED
from survey.store.core import table_of
from survey.store.tables import Wave

_WAVES = table_of(Wave)


@dataclass(frozen=True)
class Progress:
    """A wave as it stands at one moment."""

    wave: BegunWave
    at: datetime
    closes_on: date | None
    total: Place
    cities: tuple[Place, ...]
    dispositions: Dispositions
    to_do: tuple[ToDo, ...]

    @property
    def is_settled(self) -> bool:
        """Whether results are computed, so that counts by cell are no longer shown."""
        return self.wave.state in COMPUTED

    def place(self, city_code: str | None) -> Place:
        """One city; all of them together where it is None or has nothing yet."""
        if len(self.cities) == 1 and not self.is_settled:
            return self.cities[0]
        return next((city for city in self.cities if city.city_code == city_code), self.total)


def progress_waves(*, session: Session, principal: Principal) -> list[BegunWave]:
    """Waves that have begun, those still collecting first."""
    principal.require(Action.FOLLOW_FIELDWORK)
    return begun_waves(session=session, principal=principal)


def progress_of(
    *, session: Session, principal: Principal, wave: BegunWave, now: datetime, usual_waste: float
) -> Progress:
    """The wave in the reader's area; `usual_waste` is the share above which waste is a concern."""
    principal.require(Action.FOLLOW_FIELDWORK)
    closes_on = session.connection().execute(
        select(_WAVES.c.closes_on).where(_WAVES.c.id == wave.id)
    ).scalar_one()  # fmt: skip
    left = days_left(wave.state, closes_on, now)
    cities = places(session, principal, wave.id, left, now)
    total = all_places(cities, left, now)
    if wave.state in COMPUTED:
        total, cities = without_cells(total), large_enough(cities)
    return Progress(
        wave=wave,
        at=now,
        closes_on=closes_on,
        total=total,
        cities=cities,
        dispositions=dispositions(session, principal, wave.id, total.tally, now),
        to_do=to_do(
            session, principal, wave.id, cities, left=left, usual_waste=usual_waste, now=now
        ),
    )
