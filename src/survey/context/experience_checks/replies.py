"""Hearing of venues: they are sent what was noted, reply by a deadline, and may be revisited."""

from datetime import date, datetime
from uuid import UUID

from sqlmodel import Session, col, select

from survey.access.audit import actor_id
from survey.access.principal import Principal
from survey.context.experience_checks.access import (
    ExperienceCheckNotAllowedError,
    lock_check,
    require_text,
    save_check,
)
from survey.context.hearings import fill_in_reply, require_reply_deadline
from survey.fieldwork.venue_visits import FIRST_ROUND
from survey.locale import Message, msg
from survey.store.audit_events import AuditEvent
from survey.store.china_time import china_date
from survey.store.tables import (
    ReplyStance,
    Response,
    SamplingPoint,
    Status,
    VenueReply,
    VenueRevisit,
    VenueVisit,
    Wave,
    WaveState,
)

STANCE_NAMES: dict[ReplyStance, Message] = {
    ReplyStance.AGREES: msg("agrees"),
    ReplyStance.OBJECTS: msg("objects"),
    ReplyStance.WANTS_RETEST: msg("asks for a revisit"),
    ReplyStance.REMARKS: msg("remarks"),
}
_RUNNING = (WaveState.OPEN, WaveState.CLOSED)


def send_to_venues(
    *,
    session: Session,
    principal: Principal,
    wave_id: UUID,
    due_on: date,
    expected_version: int,
    now: datetime,
) -> int:
    """Record that venues with approved visits were sent what was noted; return their number.

    Venues that were sent it before keep their deadline.

    Raises:
        ExperienceCheckNotAllowedError: no such venue is left, or the deadline does not fit.
    """
    check, wave = lock_check(session, principal, wave_id, expected_version, _RUNNING)
    today = china_date(now)
    require_reply_deadline(due_on, today, ExperienceCheckNotAllowedError)
    sent = set(session.exec(select(VenueReply.point_id)).all())
    visited = (
        select(VenueVisit.point_id)
        .join(Response, col(Response.id) == col(VenueVisit.response_id))
        .where(
            Response.wave_id == wave.id,
            Response.status == Status.APPROVED,
            VenueVisit.round == FIRST_ROUND,
        )
        .distinct()
    )
    venues = [point for point in session.exec(visited) if point not in sent]
    if not venues:
        raise ExperienceCheckNotAllowedError(
            msg("No venue is left with an approved visit that was not sent it.")
        )
    session.add_all(VenueReply(point_id=id_, sent_on=today, due_on=due_on) for id_ in venues)
    save_check(
        session, principal, check, wave, AuditEvent.VENUE_CHECK_SENT, now,
        venues=len(venues), due_on=due_on.isoformat(),
    )  # fmt: skip
    return len(venues)


def record_venue_reply(
    *,
    session: Session,
    principal: Principal,
    wave_id: UUID,
    venue: str,
    stance: ReplyStance,
    text: str,
    answer: str,
    received_on: date,
    expected_version: int,
    now: datetime,
) -> None:
    """Record the reply of a venue, and what the association answered; a later one replaces it.

    Raises:
        ExperienceCheckNotAllowedError: nothing was sent to this venue, or the day cannot be.
    """
    check, wave = lock_check(session, principal, wave_id, expected_version, _RUNNING)
    point = _get_venue(session, wave, venue)
    reply = session.get(VenueReply, point.id)
    if reply is None:
        raise ExperienceCheckNotAllowedError(msg("This venue was not sent anything yet."))
    replied = fill_in_reply(
        reply, stance=stance, text=text, answer=answer, received_on=received_on,
        today=china_date(now), error=ExperienceCheckNotAllowedError, require_text=require_text,
    )  # fmt: skip
    session.add(reply)
    save_check(
        session, principal, check, wave, AuditEvent.VENUE_CHECK_REPLY_RECEIVED, now,
        subject=point.id, code=point.code, **replied,
    )  # fmt: skip


def order_revisit(
    *,
    session: Session,
    principal: Principal,
    wave_id: UUID,
    venue: str,
    reason: str,
    expected_version: int,
    now: datetime,
) -> None:
    """Order a second round of visits to a venue; the first one stays beside it.

    Raises:
        ExperienceCheckNotAllowedError: it was not visited yet, or is revisited already.
    """
    check, wave = lock_check(session, principal, wave_id, expected_version, (WaveState.OPEN,))
    point = _get_venue(session, wave, venue)
    first = select(VenueVisit).where(VenueVisit.point_id == point.id)
    if session.exec(first).first() is None:
        raise ExperienceCheckNotAllowedError(msg("This venue was not visited yet."))
    if session.get(VenueRevisit, point.id) is not None:
        raise ExperienceCheckNotAllowedError(msg("A revisit of this venue was ordered already."))
    words = require_text(reason, msg("Reason of the revisit"))
    session.add(
        VenueRevisit(
            point_id=point.id, reason=words, ordered_by=actor_id(principal), ordered_at=now
        )
    )
    save_check(
        session, principal, check, wave, AuditEvent.VENUE_CHECK_REVISIT_ORDERED, now,
        subject=point.id, code=point.code, reason=words,
    )  # fmt: skip


def _get_venue(session: Session, wave: Wave, code: str) -> SamplingPoint:
    query = select(SamplingPoint).where(
        SamplingPoint.wave_id == wave.id, SamplingPoint.code == code
    )
    point = session.exec(query).one_or_none()
    if point is None:
        raise ExperienceCheckNotAllowedError(
            msg("There is no venue {code} in this check.", code=code)
        )
    return point


def waive_revisit(
    *,
    session: Session,
    principal: Principal,
    wave_id: UUID,
    venue: str,
    reason: str,
    expected_version: int,
    now: datetime,
) -> None:
    """Waive a revisit that was ordered: the check can be released without it.

    Raises:
        ExperienceCheckNotAllowedError: no revisit of this venue is awaited, or no reason is given.
    """
    check, wave = lock_check(session, principal, wave_id, expected_version, _RUNNING)
    point = _get_venue(session, wave, venue)
    revisit = session.get(VenueRevisit, point.id)
    if check.released_at is not None or revisit is None or revisit.waived_because is not None:
        raise ExperienceCheckNotAllowedError(msg("No revisit of this venue is awaited."))
    revisit.waived_because = require_text(reason, msg("Reason"))
    session.add(revisit)
    save_check(
        session, principal, check, wave, AuditEvent.VENUE_CHECK_REVISIT_WAIVED, now,
        subject=point.id, code=point.code, reason=revisit.waived_because,
    )  # fmt: skip
