"""Plan of an experience check and its steps: planned, open for visits, closed, released.

A check is a wave about venues: visits are collected with its questionnaire and reviewed by the
same states as interviews. Nothing that plans, freezes or releases waves of people knows it.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated
from uuid import UUID

from sqlalchemy import exists
from sqlmodel import col, func, select

from survey.access.audit import actor_id
from survey.access.principal import Principal
from survey.access.roles import Action
from survey.access.work import Case, Seen, Work
from survey.locale import msg
from survey.questionnaire.model import Instrument
from survey.records import Day, Key, Number, Record, Text
from survey.store.audit_events import AuditEvent, state_event
from survey.store.inserts import insert_if_new
from survey.store.tables import (
    Assignment,
    InstrumentVersion,
    SamplingPoint,
    Status,
    StudyUnit,
    VenueCheck,
    Wave,
    WaveState,
    new_id,
    table_of,
)
from survey.waves.instruments import load_instrument
from survey.waves.waves import STATE_NAMES, require_transition

CHECKS = Case(
    table=VenueCheck,
    name="experience_check",
    refused="experience_check_not_allowed",
    keeping=Action.MANAGE_VENUE_CHECKS,
    unknown=msg("There is no such experience check."),
    area=col(VenueCheck.area),
    is_demo=exists()
    .where(col(Wave.id) == VenueCheck.wave_id, col(Wave.is_demo))
    .correlate(table_of(VenueCheck)),
    is_open=col(VenueCheck.released_at).is_not(None),
    changed=msg("Somebody changed this check meanwhile. Please look at it again, then repeat."),
    not_now=msg("This is not possible while the check is in the state “{state}”."),
    states=STATE_NAMES,
    state_of=lambda check: check.wave.state,
    details=lambda check: {"key": check.wave.key},
)


def may_see_venues(principal: Principal, city_code: str) -> bool:
    """Return whether the principal may see scores of single venues of a released check."""
    answers_for_it = principal.may(Action.MANAGE_VENUE_CHECKS) or principal.may(
        Action.KEEP_PROBLEMS
    )
    return answers_for_it and principal.covers(city_code)


SERIES = "venue_checks"
MAX_OBSERVERS = 4
_UNDECIDED = (Status.SUBMITTED, Status.RETURNED, Status.CITY_APPROVED)


class ExperienceCheckPlan(Record):
    """Texts, checklist, observers and days of a check, decided before venues are drawn."""

    key: Annotated[str, Key(help=msg("Small letters, digits and hyphens, such as dining-2026."))]
    area: str
    title_zh: Annotated[str, Text(label=msg("Chinese title"), most=100, has_lines=True)]
    title_en: Annotated[str, Text(label=msg("English title"), most=100, has_lines=True)]
    scenario: Annotated[
        str,
        Text(
            label=msg("Scenario"),
            least=10,
            most=2000,
            is_long=True,
            has_lines=True,
            help=msg("What an observer does at a venue, so that all do the same."),
        ),
    ]
    """What observers do at a venue."""
    instrument_id: UUID | None
    observers: Annotated[
        int,
        Number(
            label=msg("Observers of a venue"),
            least=1,
            most=MAX_OBSERVERS,
            refusal=msg("A venue has 1 to {most} observers.", most=MAX_OBSERVERS),
        ),
    ] = 2
    opens_on: Annotated[date, Day(label=msg("First day"), may_come=True)]
    closes_on: Annotated[date, Day(label=msg("Last day"), may_come=True)]


def list_checklists(work: Work) -> Mapping[UUID, Instrument]:
    """Return `id -> questionnaire about venues`, the newest version first."""
    work.require(Action.MANAGE_VENUE_CHECKS)
    query = select(InstrumentVersion.id).order_by(col(InstrumentVersion.created_at).desc())
    loaded = {
        id_: load_instrument(session=work.session, instrument_id=id_)
        for id_ in work.session.exec(query)
    }
    return {id_: each for id_, each in loaded.items() if each.unit == "venue"}


def create_experience_check(
    work: Work, *, draft: ExperienceCheckPlan, is_demo: bool = False
) -> UUID:
    """Plan an experience check, record it, and return the id of its wave.

    Raises:
        AccessDeniedError: the area is not the principal's own.
        RefusedError: something is missing or does not fit, or the key is taken.
    """
    CHECKS.require_area(work.principal, draft.area)
    plan = _check_plan(work, draft)
    wave_id = new_id()
    wave = {
        "id": wave_id,
        "key": plan.key,
        "series": SERIES,
        "year": plan.opens_on.year,
        "title_zh": plan.title_zh,
        "title_en": plan.title_en,
        "instrument_id": plan.instrument_id,
        "tree_id": None,
        "state": WaveState.PLANNED,
        "opens_on": plan.opens_on,
        "closes_on": plan.closes_on,
        "composite": "none",
        "is_demo": is_demo or work.principal.is_demo,
        "created_at": work.now,
        "unit": StudyUnit.VENUE,
    }
    if not insert_if_new(work.session.connection(), Wave, wave):
        raise CHECKS.refuse(
            msg("There is a check or a wave with the name “{key}” already.", key=plan.key)
        )
    check = VenueCheck(
        wave_id=wave_id,
        area=plan.area,
        scenario=plan.scenario,
        observers=plan.observers,
        lock_version=0,
        planned_by=actor_id(work.principal),
    )
    work.save(
        CHECKS, check, AuditEvent.VENUE_CHECK_PLANNED, area=plan.area, observers=plan.observers
    )
    return wave_id


def _check_plan(work: Work, draft: ExperienceCheckPlan) -> ExperienceCheckPlan:
    plan = work.check(CHECKS, draft)
    if plan.instrument_id is None:
        raise CHECKS.refuse(msg("Please choose a checklist."))
    if plan.closes_on < plan.opens_on:
        raise CHECKS.refuse(msg("The last day must not lie before the first."))
    if load_instrument(session=work.session, instrument_id=plan.instrument_id).unit != "venue":
        raise CHECKS.refuse(msg("This questionnaire is not about venues."))
    return plan


def open_experience_check(work: Work, seen: Seen) -> None:
    """Open check `seen` (id, version) for visits; raise unless every venue has all its observers.

    Raises:
        RefusedError: there are no venues, or one lacks an observer.
    """
    check = work.lock(CHECKS, seen, (WaveState.PLANNED, WaveState.CLOSED))
    if check.released_at is not None:
        raise CHECKS.refuse(msg("The check is released; nothing changes."))
    query = (
        select(SamplingPoint.code, func.count(col(Assignment.id)))
        .join(Assignment, col(Assignment.point_id) == col(SamplingPoint.id), isouter=True)
        .where(SamplingPoint.wave_id == check.wave_id)
        .group_by(SamplingPoint.code)
        .order_by(SamplingPoint.code)
    )
    staffed = work.session.exec(query).all()
    if not staffed:
        raise CHECKS.refuse(msg("No venue has been drawn yet."))
    lacking = [code for code, count in staffed if count < check.observers]
    if lacking:
        raise CHECKS.refuse(
            msg(
                "{count} venues lack an observer, the first is {venue}.",
                count=len(lacking),
                venue=lacking[0],
            )
        )
    _move_check(work, check, WaveState.OPEN)


def close_experience_check(work: Work, seen: Seen) -> None:
    """Close check `seen` (id, version) for further visits; the review of those made goes on."""
    check = work.lock(CHECKS, seen, (WaveState.OPEN,))
    _move_check(work, check, WaveState.CLOSED)


def _move_check(work: Work, check: VenueCheck, to: WaveState) -> None:
    require_transition(check.wave, to)
    before, check.wave.state = check.wave.state, to
    work.save(CHECKS, check, state_event(to), **{"from": before, "to": to})
