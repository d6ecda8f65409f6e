"""What a reviewer looks through: wave, city, state, surveyor, flags."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import streamlit as st
from sqlmodel import Session

from survey.access.principal import Action
from survey.fieldwork.begun import BegunWave
from survey.fieldwork.lifecycle import STATUS_NAMES
from survey.fieldwork.quality.kinds import KIND_NAMES
from survey.fieldwork.review import (
    ANY_FLAG,
    REVIEWABLE,
    Filter,
    review_waves,
    surveyors,
    tally,
    wave_of,
)
from survey.publish.views.names import Names
from survey.store.engine import read_scope
from survey.store.tables import Status
from survey.ui.filters import filter_row, pick_begun_wave
from survey.ui.furniture import notice
from survey.ui.page import Visit
from survey.ui.review.outcome import asked_for
from survey.ui.url import pick

ALL = "all"
WAVE = "wave"
"""The address names the wave: `?wave=<key>`."""


@dataclass(frozen=True)
class Choice:
    """What the reviewer wants to look through."""

    wave: BegunWave
    filter: Filter


def choose(visit: Visit) -> Choice | None:
    """The filters; says what to do when there is nothing to review yet."""
    t = visit.t
    with read_scope(visit.settings.store_url) as session:
        waves = review_waves(session=session, principal=visit.principal)
        if not waves:
            notice(
                t("There is nothing to review yet"),
                t("Interviews appear here as soon as a wave is open and the first ones arrive."),
            )
            return None
        _follow_link(session, visit, waves)
        with filter_row():
            wave = pick_begun_wave(visit, waves)
            counts = tally(session=session, principal=visit.principal, wave_id=wave.id)
            city = _pick_city(visit, counts)
            status = _pick_status(visit, counts, city)
            people = (
                surveyors(
                    session=session, principal=visit.principal, wave_id=wave.id, city_code=city
                )
                if city is not None and city in counts
                else []
            )
            surveyor = _pick_surveyor(visit, people)
            flag = _pick_flag(visit)
    return Choice(wave, Filter(wave.id, status, city, surveyor, flag))


def _follow_link(session: Session, visit: Visit, waves: Sequence[BegunWave]) -> None:
    """A link that names an interview alone opens the queue of that interview's wave."""
    response_id = asked_for()
    if response_id is None or WAVE in st.query_params:
        return
    wave_id = wave_of(session=session, principal=visit.principal, response_id=response_id)
    key = next((wave.key for wave in waves if wave.id == wave_id), None)
    if key is not None:
        st.query_params[WAVE] = key


def _pick_city(visit: Visit, counts: Mapping[str, Mapping[Status, int]]) -> str | None:
    t, names = visit.t, Names(visit.language, None)
    options = list(counts) if len(counts) == 1 else [ALL, *counts]
    chosen = pick(
        t("City"), "city", options or [ALL], language=visit.language,
        show=lambda code: t("All cities") if code == ALL else names.area(code),
    )  # fmt: skip
    return None if chosen == ALL else chosen


def _pick_status(
    visit: Visit, counts: Mapping[str, Mapping[Status, int]], city: str | None
) -> Status | None:
    t = visit.t
    cities = counts.values() if city is None else [counts.get(city, {})]

    def show(code: str) -> str:
        states = REVIEWABLE if code == ALL else (Status(code),)
        total = sum(of.get(status, 0) for of in cities for status in states)
        name = t("All states") if code == ALL else t(STATUS_NAMES[Status(code)])
        return f"{name} ({total:,})"

    # The association begins where the cities have finished.
    first = Status.CITY_APPROVED if visit.principal.may(Action.ADMINISTER) else Status.SUBMITTED
    chosen = pick(
        t("State"), "status", [*(status.value for status in REVIEWABLE), ALL],
        show=show, language=visit.language, default=first.value,
    )  # fmt: skip
    return None if chosen == ALL else Status(chosen)


def _pick_surveyor(visit: Visit, people: list[tuple[UUID, str, int]]) -> UUID | None:
    t = visit.t
    known = {str(person): f"{name} ({total:,})" for person, name, total in people}
    chosen = pick(
        t("Surveyor"), "surveyor", [ALL, *known], language=visit.language,
        show=lambda code: known.get(code, t("All surveyors")),
    )  # fmt: skip
    return None if chosen == ALL else UUID(chosen)


def _pick_flag(visit: Visit) -> str | None:
    t = visit.t
    shown = {ALL: t("With and without"), ANY_FLAG: t("With a flag")} | {
        kind.value: t(name) for kind, name in KIND_NAMES.items()
    }
    chosen = pick(t("Flags"), "flag", list(shown), show=shown.__getitem__, language=visit.language)
    return None if chosen == ALL else chosen
