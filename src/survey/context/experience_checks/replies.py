"""Hearing of venues: they are sent what was noted, reply by a deadline, and may be revisited."""

from datetime import date
from uuid import UUID

from sqlmodel import Session, col, select

from survey.access.audit import actor_id
from survey.access.work import Work
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


def send_to_venues(work: Work, *, wave_id: UUID, due_on: date, expected_version: int) -> int:
    """Record that venues with approved visits were sent what was noted; return their number.

    Venues that were sent it before keep their deadline.

    Raises:
        ExperienceCheckNotAllowedError: no such venue is left, or the deadline does not fit.
    """
    check, wave = lock_check(work, wave_id, expected_version, _RUNNING)
    today = china_date(work.now)
    require_reply_deadline(due_on, today, ExperienceCheckNotAllowedError)
    sent = set(work.session.exec(select(VenueReply.point_id)).all())
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
    venues = [point for point in work.session.exec(visited) if point not in sent]
    if not venues:
        raise ExperienceCheckNotAllowedError(
            msg("No venue is left with an approved visit that was not sent it.")
        )
    work.session.add_all(VenueReply(point_id=id_, sent_on=today, due_on=due_on) for id_ in venues)
    save_check(
        work,
        check,
        wave,
        AuditEvent.VENUE_CHECK_SENT,
        venues=len(venues),
        due_on=due_on.isoformat(),
    )
    return len(venues)


def record_venue_reply(
    work: Work,
    *,
    wave_id: UUID,
    venue: str,
    stance: ReplyStance,
    text: str,
    answer: str,
    received_on: date,
    expected_version: int,
) -> None:
    """Record the reply of a venue, and what the association answered; a later one replaces it.

    Raises:
        ExperienceCheckNotAllowedError: nothing was sent to this venue, or the day cannot be.
    """
    check, wave = lock_check(work, wave_id, expected_version, _RUNNING)
    point = _get_venue(work.session, wave, venue)
    reply = work.session.get(VenueReply, point.id)
    if reply is None:
        raise ExperienceCheckNotAllowedError(msg("This venue was not sent anything yet."))
    replied = fill_in_reply(
        reply, stance=stance, text=text, answer=answer, received_on=received_on,
        today=china_date(work.now), error=ExperienceCheckNotAllowedError, require_text=require_text,
    )  # fmt: skip
    work.session.add(reply)
    save_check(
        work,
        check,
        wave,
        AuditEvent.VENUE_CHECK_REPLY_RECEIVED,
        subject=point.id,
        code=point.code,
        **replied,
    )


def order_revisit(
    work: Work, *, wave_id: UUID, venue: str, reason: str, expected_version: int
) -> None:
    """Order a second round of visits to a venue; the first one stays beside it.

    Raises:
        ExperienceCheckNotAllowedError: it was not visited yet, or is revisited already.
    """
    check, wave = lock_check(work, wave_id, expected_version, (WaveState.OPEN,))
    point = _get_venue(work.session, wave, venue)
    first = select(VenueVisit).where(VenueVisit.point_id == point.id)
    if work.session.exec(first).first() is None:
        raise ExperienceCheckNotAllowedError(msg("This venue was not visited yet."))
    if work.session.get(VenueRevisit, point.id) is not None:
        raise ExperienceCheckNotAllowedError(msg("A revisit of this venue was ordered already."))
    words = require_text(reason, msg("Reason of the revisit"))
    work.session.add(
        VenueRevisit(
            point_id=point.id,
            reason=words,
            ordered_by=actor_id(work.principal),
            ordered_at=work.now,
        )
    )
    save_check(
        work,
        check,
        wave,
        AuditEvent.VENUE_CHECK_REVISIT_ORDERED,
        subject=point.id,
        code=point.code,
        reason=words,
    )


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
    work: Work, *, wave_id: UUID, venue: str, reason: str, expected_version: int
) -> None:
    """Waive a revisit that was ordered: the check can be released without it.

    Raises:
        ExperienceCheckNotAllowedError: no revisit of this venue is awaited, or no reason is given.
    """
    check, wave = lock_check(work, wave_id, expected_version, _RUNNING)
    point = _get_venue(work.session, wave, venue)
    revisit = work.session.get(VenueRevisit, point.id)
    if check.released_at is not None or revisit is None or revisit.waived_because is not None:
        raise ExperienceCheckNotAllowedError(msg("No revisit of this venue is awaited."))
    revisit.waived_because = require_text(reason, msg("Reason"))
    work.session.add(revisit)
    save_check(
        work,
        check,
        wave,
        AuditEvent.VENUE_CHECK_REVISIT_WAIVED,
        subject=point.id,
        code=point.code,
        reason=revisit.waived_because,
    )
