"""Filters of the review page: wave, city, state, surveyor and flags."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import streamlit as st
from sqlmodel import Session

from survey.kit.filters import filter_row, pick_city_or_all, pick_started_wave
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.url_state import pick
from survey.review.decisions import allowed_transitions
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
from survey.store.tables import Status, StudyUnit
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
    """Wave and filter of the queue that a reviewer looks at."""

    wave: WaveSummary
    filter: ReviewFilter


def requested_id(name: str = INTERVIEW_PARAMETER) -> UUID | None:
    """Return the id in the address's query parameter `name`; None if missing or malformed."""
    try:
        return UUID(st.query_params[name])
    except (KeyError, ValueError):
        return None


def select_interview(response_id: UUID, status: Status) -> None:
    """Set the filter to all interviews in `status`, of all waves and cities, and show this one."""
    narrowing = {WAVE, "city", "surveyor", "flag"}
    kept = {name: value for name, value in st.query_params.items() if name not in narrowing}
    # In one step: each change is a page to go back to.
    st.query_params.from_dict(
        kept | {"status": status.value, INTERVIEW_PARAMETER: str(response_id)}
    )


def draw_filters(page: PageContext) -> ReviewSelection | None:
    """Draw the filters and return the selection; None, with a notice, if none can be made."""
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
            status, overdue = _pick_status(page, counts, city, wave.unit)
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
    """Return the wave of the interview in the address; None without it, or if a wave is named."""
    response_id = requested_id()
    if response_id is None or WAVE in st.query_params:
        return None
    wave_id = find_wave_of(page.work(session), response_id=response_id)
    return next((wave.key for wave in waves if wave.id == wave_id), None)


def _pick_status(
    page: PageContext, counts: Mapping[str, Mapping[Status, int]], city: str | None, unit: StudyUnit
) -> tuple[Status | None, bool]:
    """Draw the choice of a state, with `counts`; return (state or None, whether only overdue)."""
    t = page.t
    cities = counts.values() if city is None else [counts.get(city, {})]
    totals = {each: sum(of.get(each, 0) for of in cities) for each in REVIEWABLE}
    choices = {each.value: f"{t(STATUS_NAMES[each])} ({count:,})" for each, count in totals.items()}
    choices[OVERDUE_OPTION] = t("submitted more than two days ago")
    choices[ALL_OPTION] = t("All states") + f" ({sum(totals.values()):,})"
    # The second approval begins where the cities have finished, once one of them has.
    has_both = Status.CITY_APPROVED in allowed_transitions(page.principal, Status.SUBMITTED)
    gives_second = Status.APPROVED in allowed_transitions(
        page.principal, Status.CITY_APPROVED, unit
    )
    is_second = gives_second and (totals[Status.CITY_APPROVED] > 0 or not has_both)
    first = Status.CITY_APPROVED if is_second else Status.SUBMITTED
    chosen = pick(page, t("State"), "status", choices, default=first.value)
    if chosen == OVERDUE_OPTION:
        return Status.SUBMITTED, True
    return None if chosen == ALL_OPTION else Status(chosen), False


def _pick_surveyor(page: PageContext, people: list[tuple[UUID, str, int]]) -> UUID | None:
    t = page.t
    known = {str(person): f"{name} ({total:,})" for person, name, total in people}
    choices = {ALL_OPTION: t("All surveyors"), **known}
    chosen = pick(page, t("Surveyor"), "surveyor", choices)
    return None if chosen == ALL_OPTION else UUID(chosen)


def _pick_flag(page: PageContext) -> str | None:
    t = page.t
    shown = {
        ALL_OPTION: t("With and without"),
        ANY_FLAG: t("With a flag"),
        RISKY: t("Risk of {score} or more", score=MIN_REVIEW_RISK),
    } | {kind.value: t(name) for kind, name in KIND_NAMES.items()}
    chosen = pick(page, t("Flags"), "flag", shown)
    return None if chosen == ALL_OPTION else chosen
