"""The control tower on the screen: one wave, which looks again by itself."""

from dataclasses import dataclass
from datetime import datetime

import streamlit as st

from survey.access.principal import Principal
from survey.fieldwork.begun import BegunWave
from survey.fieldwork.clock import CHINA
from survey.fieldwork.progress import (
    CellDays,
    Place,
    Progress,
    cells_by_day,
    progress_of,
    progress_waves,
)
from survey.publish.views.names import Names
from survey.sample.frame import shipped_cities
from survey.settings import Settings
from survey.store.engine import read_scope
from survey.store.tables import now
from survey.ui.filters import EVERY, filter_row, pick_begun_wave
from survey.ui.furniture import notice
from survey.ui.page import Visit, fragment
from survey.ui.progress.answer import answer, tiles
from survey.ui.progress.concerns import to_do
from survey.ui.progress.daily import cells_and_days
from survey.ui.progress.heat import heat
from survey.ui.progress.margins import groups
from survey.ui.progress.rates import days, rates
from survey.ui.progress.words import past_waste
from survey.ui.url import pick

EVERY_SECONDS = 20.0
"""How often the page looks again by itself; readers with the same area share one look."""


@dataclass(frozen=True)
class Followed:
    """What the reader follows: a wave, and the place that is shown in full."""

    wave: BegunWave
    city_code: str | None = None
    """None: all cities in reach together."""


def choose(visit: Visit) -> Followed | None:
    """The wave to follow; says what to do when none has begun."""
    t = visit.t
    with read_scope(visit.settings.store_url) as session:
        waves = progress_waves(session=session, principal=visit.principal)
    if not waves:
        notice(
            t("No fieldwork has begun yet"),
            t("Progress appears here as soon as an administrator opens a wave."),
        )
        return None
    with filter_row():
        return Followed(pick_begun_wave(visit, waves), _pick_city(visit))


def _pick_city(visit: Visit) -> str | None:
    own = [city.code for city in shipped_cities() if visit.principal.covers(city.code)]
    if len(own) < 2:
        return None
    t, names = visit.t, Names(visit.language, None)
    chosen = pick(
        t("Cell by cell for"), "city", [EVERY, *own], language=visit.language,
        show=lambda code: t("All cities") if code == EVERY else names.area(code),
    )  # fmt: skip
    return None if chosen == EVERY else chosen


@fragment(run_every=EVERY_SECONDS)
def watch(visit: Visit, followed: Followed) -> None:
    """Everything about the wave as it stands now; looks again by itself."""
    seen = _look(visit, followed.wave)
    if not seen.cities and not seen.is_settled:
        notice(
            visit.t("Nothing is planned or collected here yet"),
            visit.t("Quotas and interviews of this wave in your area appear here by themselves."),
        )
        return
    answer(visit, seen)
    tiles(visit, seen)
    to_do(visit, seen)
    heat(visit, seen)
    place = seen.place(followed.city_code)
    cells_and_days(visit, place, _by_day(visit, seen, place))
    groups(visit, place)
    days(visit.t, place)
    rates(visit, seen)
    at = f"{seen.at.astimezone(CHINA):%H:%M:%S}"
    st.caption(visit.t("As of {time} China time; looks again by itself.", time=at))


def _look(visit: Visit, wave: BegunWave) -> Progress:
    settings, person = visit.settings, visit.principal
    return _progress(
        settings.store_url, person.role, person.area, repr(wave), settings, person, wave
    )


@st.cache_resource(ttl=EVERY_SECONDS - 5, max_entries=128, show_spinner=False)
def _progress(
    store_url: str, role: str, area: str, key: str,
    _settings: Settings, _person: Principal, _wave: BegunWave,
) -> Progress:  # fmt: skip
    del store_url, role, area, key  # they are the key of the cache
    worst = max(waste for _, waste in past_waste())
    with read_scope(_settings.store_url) as session:
        return progress_of(
            session=session, principal=_person, wave=_wave, now=now(), usual_waste=worst
        )


def _by_day(visit: Visit, seen: Progress, place: Place) -> tuple[CellDays, ...]:
    settings, person = visit.settings, visit.principal
    return _days_of_cells(
        settings.store_url, person.role, person.area, place.city_code, seen.wave.key, seen.at,
        settings, person, seen, place,
    )  # fmt: skip


@st.cache_resource(ttl=EVERY_SECONDS - 5, max_entries=128, show_spinner=False)
def _days_of_cells(
    store_url: str, role: str, area: str, city_code: str | None, wave_key: str, at: datetime,
    _settings: Settings, _person: Principal, _seen: Progress, _place: Place,
) -> tuple[CellDays, ...]:  # fmt: skip
    del store_url, role, area, wave_key  # they are the key of the cache
    with read_scope(_settings.store_url) as session:
        return cells_by_day(
            session=session, principal=_person, wave=_seen.wave, cells=_place.cells,
            city_code=city_code, now=at,
        )  # fmt: skip
