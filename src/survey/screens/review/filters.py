"""Filters of the review page: wave, city, state, surveyor and flags."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import streamlit as st
from sqlmodel import Session

from survey.access.roles import Action
from survey.kit.filters import filter_row, pick_city_or_all, pick_started_wave
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.url_state import pick
from survey.review.quality.flags import KIND_NAMES, MIN_REVIEW_RISK
from survey.review.review_queue import (
    ANY_FLAG,
    REVIEWABLE,
    RISKY,
    ReviewFilter,
    count_by_status,
    find_wave_of,
    list_review_waves,
    list_surveyors,
)
from survey.store.tables import Status
from survey.waves.lifecycle import STATUS_NAMES
from survey.waves.waves import WaveSummary

ALL_OPTION = "all"
OVERDUE_OPTION = "overdue"
"""Those of the submitted that have waited too long."""
WAVE = "wave"
"""The address names the wave: `?wave=<key>`."""
INTERVIEW_PARAMETER = "interview"
"""The address names the interview on the screen: `?interview=<id>`."""


@dataclass(frozen=True)
class ReviewSelection:
    """Wave and filter of the interviews under review."""

    wave: WaveSummary
    filter: ReviewFilter


def requested_id() -> UUID | None:
    """Return the interview that the address names; None if it names none."""
    try:
        return UUID(st.query_params[INTERVIEW_PARAMETER])
    except (KeyError, ValueError):
        return None


def select_interview(response_id: UUID, status: Status) -> None:
    """Choose the selection of all interviews of this state, with this one on the screen."""
    narrowing = {WAVE, "city", "surveyor", "flag"}
    kept = {name: value for name, value in st.query_params.items() if name not in narrowing}
    # In one step: each change is a page to go back to.
    st.query_params.from_dict(
        kept | {"status": status.value, INTERVIEW_PARAMETER: str(response_id)}
    )


def draw_filters(page: PageContext) -> ReviewSelection | None:
    """Draw the filters and return the selection; None if there is nothing to review yet."""
    t = page.t
    with page.read() as work:
        waves = list_review_waves(work)
        if not waves:
            draw_notice(
                t("There is nothing to review yet"),
                t("Interviews appear here as soon as a wave is open and the first ones arrive."),
            )
            return None
        linked = _find_wave_of_link(work.session, page, waves)
        with filter_row():
            wave = pick_started_wave(page, waves, default=linked)
            if wave is None:
                return None
            counts = count_by_status(work, wave_id=wave.id)
            city = pick_city_or_all(page, list(counts))
            status, overdue = _pick_status(page, counts, city)
            people = (
                list_surveyors(work, wave_id=wave.id, city_code=city)
                if city is not None and city in counts
                else []
            )
            surveyor = _pick_surveyor(page, people)
            flag = _pick_flag(page)
    return ReviewSelection(
        wave, ReviewFilter(wave.id, status, city, surveyor, flag, overdue=overdue)
    )


def _find_wave_of_link(
    session: Session, page: PageContext, waves: Sequence[WaveSummary]
) -> str | None:
    """Return the wave of the interview that the address names, if it names no wave."""
    response_id = requested_id()
    if response_id is None or WAVE in st.query_params:
        return None
    wave_id = find_wave_of(page.work(session), response_id=response_id)
    return next((wave.key for wave in waves if wave.id == wave_id), None)


def _pick_status(
    page: PageContext, counts: Mapping[str, Mapping[Status, int]], city: str | None
) -> tuple[Status | None, bool]:
    """Return the chosen state, and whether only what has waited too long is meant."""
    t = page.t
    cities = counts.values() if city is None else [counts.get(city, {})]

    def show(code: str) -> str:
        if code == OVERDUE_OPTION:
            return t("submitted more than two days ago")
        states = REVIEWABLE if code == ALL_OPTION else (Status(code),)
        total = sum(of.get(status, 0) for of in cities for status in states)
        name = t("All states") if code == ALL_OPTION else t(STATUS_NAMES[Status(code)])
        return f"{name} ({total:,})"

    # The second approval begins where the cities have finished.
    is_second = page.principal.may(Action.APPROVE_FINALLY)
    first = Status.CITY_APPROVED if is_second else Status.SUBMITTED
    chosen = pick(
        t("State"),
        "status",
        [*(status.value for status in REVIEWABLE), OVERDUE_OPTION, ALL_OPTION],
        show=show,
        language=page.language,
        default=first.value,
    )
    if chosen == OVERDUE_OPTION:
        return Status.SUBMITTED, True
    return None if chosen == ALL_OPTION else Status(chosen), False


def _pick_surveyor(page: PageContext, people: list[tuple[UUID, str, int]]) -> UUID | None:
    t = page.t
    known = {str(person): f"{name} ({total:,})" for person, name, total in people}
    chosen = pick(
        t("Surveyor"),
        "surveyor",
        [ALL_OPTION, *known],
        language=page.language,
        show=lambda code: known.get(code, t("All surveyors")),
    )
    return None if chosen == ALL_OPTION else UUID(chosen)


def _pick_flag(page: PageContext) -> str | None:
    t = page.t
    shown = {
        ALL_OPTION: t("With and without"),
        ANY_FLAG: t("With a flag"),
        RISKY: t("Risk of {score} or more", score=MIN_REVIEW_RISK),
    } | {kind.value: t(name) for kind, name in KIND_NAMES.items()}
    chosen = pick(t("Flags"), "flag", list(shown), show=shown.__getitem__, language=page.language)
    return None if chosen == ALL_OPTION else chosen
