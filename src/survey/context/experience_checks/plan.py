"""Plan of an experience check and its steps: planned, open for visits, closed, released.

A check is a wave about venues: visits are collected with its questionnaire and reviewed by the
same states as interviews. Nothing that plans, freezes or releases waves of people knows it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from sqlmodel import Session, col, func, select

from survey.access.audit import actor_id
from survey.access.roles import Action
from survey.access.work import Work
from survey.context.experience_checks.access import (
    ExperienceCheckNotAllowedError,
    lock_check,
    require_area_of_check,
    require_text,
    save_check,
)
from survey.context.hearings import require_heard
from survey.fieldwork.instruments import load_instrument
from survey.fieldwork.venue_visits import SECOND_ROUND
from survey.fieldwork.waves import require_transition
from survey.instrument.model import Instrument
from survey.locale import msg
from survey.store.audit_events import AuditEvent, wave_event
from survey.store.china_time import china_date
from survey.store.inserts import insert_if_new
from survey.store.tables import (
    Assignment,
    InstrumentVersion,
    Response,
    SamplingPoint,
    Status,
    StudyUnit,
    VenueCheck,
    VenueReply,
    VenueRevisit,
    VenueVisit,
    Wave,
    WaveState,
    new_id,
)

SERIES = "venue_checks"
MAX_OBSERVERS = 4
_KEY = re.compile(r"[a-z0-9][a-z0-9-]{2,39}")
_UNDECIDED = (Status.SUBMITTED, Status.RETURNED, Status.CITY_APPROVED)


@dataclass(frozen=True)
class ExperienceCheckPlan:
    """What is decided about a check before a venue is drawn."""

    key: str
    area: str
    title_zh: str
    title_en: str
    scenario: str
    """What observers do at a venue."""
    instrument_id: UUID | None
    opens_on: date
    closes_on: date
    observers: int = 2


def list_checklists(work: Work) -> Mapping[UUID, Instrument]:
    """Return the questionnaires about venues, the newest version first."""
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
    """Plan a check and return the id of its wave.

    Raises:
        AccessDeniedError: the area is not the principal's own.
        ExperienceCheckNotAllowedError: something is missing or does not fit, or the key is taken.
    """
    require_area_of_check(work.principal, draft.area)
    plan = _clean_plan(work.session, draft)
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
        raise ExperienceCheckNotAllowedError(
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
    stored = work.session.get(Wave, wave_id)
    assert stored is not None
    save_check(
        work,
        check,
        stored,
        AuditEvent.VENUE_CHECK_PLANNED,
        area=plan.area,
        observers=plan.observers,
    )
    return wave_id


def _clean_plan(session: Session, plan: ExperienceCheckPlan) -> ExperienceCheckPlan:
    problems = (
        (
            not _KEY.fullmatch(plan.key),
            msg("The short name has 3 to 40 small letters, digits and hyphens."),
        ),
        (plan.instrument_id is None, msg("Please choose a checklist.")),
        (plan.closes_on < plan.opens_on, msg("The last day must not lie before the first.")),
        (
            not 1 <= plan.observers <= MAX_OBSERVERS,
            msg("A venue has 1 to {most} observers.", most=MAX_OBSERVERS),
        ),
    )
    for wrong, problem in problems:
        if wrong:
            raise ExperienceCheckNotAllowedError(problem)
    assert plan.instrument_id is not None
    if load_instrument(session=session, instrument_id=plan.instrument_id).unit != "venue":
        raise ExperienceCheckNotAllowedError(msg("This questionnaire is not about venues."))
    return replace(
        plan,
        title_zh=require_text(plan.title_zh, msg("Chinese title"), most=100),
        title_en=require_text(plan.title_en, msg("English title"), most=100),
        scenario=require_text(plan.scenario, msg("Scenario"), least=10, most=2000),
    )


def open_experience_check(work: Work, *, wave_id: UUID, expected_version: int) -> None:
    """Open a check for visits: every venue has all its observers.

    Raises:
        ExperienceCheckNotAllowedError: there are no venues, or one lacks an observer.
    """
    states = (WaveState.PLANNED, WaveState.CLOSED)
    check, wave = lock_check(work, wave_id, expected_version, states)
    if check.released_at is not None:
        raise ExperienceCheckNotAllowedError(msg("The check is released; nothing changes."))
    query = (
        select(SamplingPoint.code, func.count(col(Assignment.id)))
        .join(Assignment, col(Assignment.point_id) == col(SamplingPoint.id), isouter=True)
        .where(SamplingPoint.wave_id == wave.id)
        .group_by(SamplingPoint.code)
        .order_by(SamplingPoint.code)
    )
    staffed = work.session.exec(query).all()
    if not staffed:
        raise ExperienceCheckNotAllowedError(msg("No venue has been drawn yet."))
    lacking = [code for code, count in staffed if count < check.observers]
    if lacking:
        raise ExperienceCheckNotAllowedError(
            msg(
                "{count} venues lack an observer, the first is {venue}.",
                count=len(lacking),
                venue=lacking[0],
            )
        )
    _move_check(work, check, wave, WaveState.OPEN)


def close_experience_check(work: Work, *, wave_id: UUID, expected_version: int) -> None:
    """Close a check: no visit arrives any more, review goes on."""
    check, wave = lock_check(work, wave_id, expected_version, (WaveState.OPEN,))
    _move_check(work, check, wave, WaveState.CLOSED)


def release_experience_check(work: Work, *, wave_id: UUID, expected_version: int) -> None:
    """Release a check for good to everybody who reads results.

    Raises:
        ExperienceCheckNotAllowedError: visits wait for review, none was approved, a venue can
            still reply, a revisit is neither done nor waived, or it is released already.
    """
    check, wave = lock_check(work, wave_id, expected_version, (WaveState.CLOSED,))
    if check.released_at is not None:
        raise ExperienceCheckNotAllowedError(msg("The check is released already."))
    counts = dict(
        work.session.exec(
            select(Response.status, func.count())
            .where(Response.wave_id == wave.id)
            .group_by(Response.status)
        ).all()
    )
    waiting = sum(counts.get(status, 0) for status in _UNDECIDED)
    if waiting:
        raise ExperienceCheckNotAllowedError(
            msg("{count} visits still wait for their review.", count=waiting)
        )
    if not counts.get(Status.APPROVED):
        raise ExperienceCheckNotAllowedError(msg("No visit has been approved."))
    _require_hearing(work.session, wave, work.now)
    check.released_at, check.released_by = work.now, actor_id(work.principal)
    save_check(work, check, wave, AuditEvent.VENUE_CHECK_RELEASED, visits=counts[Status.APPROVED])


def _require_hearing(session: Session, wave: Wave, now: datetime) -> None:
    """Raise unless every venue replied or had its time, and revisits are done or waived."""
    of_wave = (
        select(SamplingPoint.name, VenueReply)
        .join(VenueReply, col(VenueReply.point_id) == col(SamplingPoint.id))
        .where(SamplingPoint.wave_id == wave.id)
        .order_by(SamplingPoint.code)
    )
    require_heard(session.exec(of_wave).all(), china_date(now), ExperienceCheckNotAllowedError)
    revisited = (
        select(VenueVisit.point_id)
        .join(Response, col(Response.id) == col(VenueVisit.response_id))
        .where(Response.status == Status.APPROVED, VenueVisit.round == SECOND_ROUND)
    )
    awaited = session.exec(
        select(SamplingPoint.name)
        .join(VenueRevisit, col(VenueRevisit.point_id) == col(SamplingPoint.id))
        .where(
            SamplingPoint.wave_id == wave.id,
            col(VenueRevisit.waived_because).is_(None),
            col(SamplingPoint.id).not_in(revisited),
        )
        .order_by(SamplingPoint.code)
    ).all()
    if awaited:
        raise ExperienceCheckNotAllowedError(
            msg(
                "{count} revisits were ordered and not made, the first at {venue}. Please have "
                "them made, or waive them with a reason.",
                count=len(awaited),
                venue=awaited[0],
            )
        )


def _move_check(work: Work, check: VenueCheck, wave: Wave, to: WaveState) -> None:
    require_transition(wave, to)
    before, wave.state = wave.state, to
    work.session.add(wave)
    save_check(work, check, wave, wave_event(to), None, **{"from": before, "to": to})
