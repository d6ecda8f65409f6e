"""Hearing of venues: they are sent what was noted, reply by a deadline, and may be revisited."""

from datetime import date
from typing import Any

from sqlmodel import Session, col, select

from survey.access.audit import actor_id
from survey.access.work import Seen, Work
from survey.collection.submission_envelope import FIRST_ROUND
from survey.comparative_tests.hearings import ReplyData, fill_in_reply, require_reply_deadline
from survey.experience_checks.plan import CHECKS
from survey.frame.sampling_plan import draw_key
from survey.locale import Message, msg
from survey.records import Text
from survey.store.audit_events import AuditEvent
from survey.store.china_time import china_date
from survey.store.tables import (
    PointDraw,
    ReplyStance,
    Response,
    SamplingPoint,
    Status,
    VenueCheck,
    VenueReply,
    VenueRevisit,
    VenueVisit,
    WaveState,
)

STANCE_NAMES: dict[ReplyStance, Message] = {
    ReplyStance.AGREES: msg("agrees"),
    ReplyStance.OBJECTS: msg("objects"),
    ReplyStance.WANTS_RETEST: msg("asks for a revisit"),
    ReplyStance.REMARKS: msg("remarks"),
}
CONTROL_REASON = "control"
"""Stored reason of a revisit that was drawn by lot."""
MIN_CONTROL = 10
"""Venues of a control: the mean of fewer is shown to nobody (`disclosure.MINIMUM_N`)."""
_RUNNING = (WaveState.OPEN, WaveState.CLOSED)


def send_to_venues(work: Work, seen: Seen, *, due_on: date) -> int:
    """Record that visited venues of `seen` were sent findings, with a deadline; return how many.

    Venues that were sent it before keep their deadline.

    Raises:
        RefusedError: no such venue is left, or the deadline does not fit.
    """
    check = work.lock(CHECKS, seen, _RUNNING)
    today = china_date(work.now)
    require_reply_deadline(work, CHECKS, due_on)
    sent = set(work.session.exec(select(VenueReply.point_id)).all())
    venues = [point for point in work.session.exec(select_visited(check)) if point not in sent]
    if not venues:
        raise CHECKS.refuse(msg("No venue is left with an approved visit that was not sent it."))
    work.session.add_all(VenueReply(point_id=id_, sent_on=today, due_on=due_on) for id_ in venues)
    work.save(
        CHECKS, check, AuditEvent.VENUE_CHECK_SENT, venues=len(venues), due_on=due_on.isoformat()
    )
    return len(venues)


def record_venue_reply(work: Work, seen: Seen, *, venue: str, data: ReplyData) -> None:
    """Record a venue's reply and the association's answer in check `seen`, replacing earlier ones.

    Raises:
        RefusedError: nothing was sent to this venue, or the day cannot be.
    """
    check = work.lock(CHECKS, seen, _RUNNING)
    point = _get_venue(work.session, check, venue)
    reply = work.session.get(VenueReply, point.id)
    if reply is None:
        raise CHECKS.refuse(msg("This venue was not sent anything yet."))
    replied = fill_in_reply(work, CHECKS, reply, data, has_lines=True)
    work.save(
        CHECKS, check, AuditEvent.VENUE_CHECK_REPLY_RECEIVED, point.id, code=point.code, **replied
    )


def order_revisit(work: Work, seen: Seen, *, venue: str, reason: str) -> None:
    """Order and record a second round of visits to a venue of check `seen`; the first one stays.

    Raises:
        RefusedError: it was not visited yet, or is revisited already.
    """
    check = work.lock(CHECKS, seen, (WaveState.OPEN,))
    point = _get_venue(work.session, check, venue)
    first = select(VenueVisit).where(VenueVisit.point_id == point.id)
    if work.session.exec(first).first() is None:
        raise CHECKS.refuse(msg("This venue was not visited yet."))
    if work.session.get(VenueRevisit, point.id) is not None:
        raise CHECKS.refuse(msg("A revisit of this venue was ordered already."))
    words = work.require_text(
        CHECKS, reason, Text(label=msg("Reason of the revisit"), has_lines=True)
    )
    work.session.add(
        VenueRevisit(
            point_id=point.id,
            reason=words,
            ordered_by=actor_id(work.principal),
            ordered_at=work.now,
        )
    )
    work.save(
        CHECKS,
        check,
        AuditEvent.VENUE_CHECK_REVISIT_ORDERED,
        point.id,
        code=point.code,
        reason=words,
    )


def draw_revisit_control(work: Work, seen: Seen, *, count: int) -> int:
    """Order a second visit of `count` venues drawn among those not chosen; return how many.

    Chance makes venues that were chosen for a bad visit look better the second time. What the drawn
    ones did stands beside them. They are those whose SHA-256 of seed and code is smallest, with the
    seed by which the check's venues were drawn.

    Raises:
        RefusedError: none was chosen to be revisited, a control was drawn before, or too few other
            venues have an approved visit.
    """
    check = work.lock(CHECKS, seen, (WaveState.OPEN,))
    query = (
        select(SamplingPoint, VenueRevisit)
        .join(VenueRevisit, col(VenueRevisit.point_id) == col(SamplingPoint.id), isouter=True)
        .where(
            SamplingPoint.wave_id == check.wave_id, col(SamplingPoint.id).in_(select_visited(check))
        )
    )
    venues = work.session.exec(query).all()
    ordered = [revisit for _, revisit in venues if revisit is not None]
    if not ordered:
        raise CHECKS.refuse(msg("No venue was chosen to be revisited yet."))
    if any(revisit.is_control for revisit in ordered):
        raise CHECKS.refuse(msg("A control was drawn already; it is not drawn until it pleases."))
    others = [point for point, revisit in venues if revisit is None]
    if not MIN_CONTROL <= count <= len(others):
        raise CHECKS.refuse(
            msg(
                "A control has at least {least} venues, and {count} others have an approved visit.",
                least=MIN_CONTROL,
                count=len(others),
            )
        )
    draw = select(PointDraw.seed).where(PointDraw.wave_id == check.wave_id)
    seed = work.session.exec(draw.order_by(col(PointDraw.drawn_at).desc())).first() or 0
    drawn = sorted(others, key=lambda point: draw_key(point.code, seed))[:count]
    work.session.add_all(
        VenueRevisit(
            point_id=point.id,
            reason=CONTROL_REASON,
            is_control=True,
            ordered_by=actor_id(work.principal),
            ordered_at=work.now,
        )
        for point in drawn
    )
    codes = sorted(point.code for point in drawn)
    work.save(CHECKS, check, AuditEvent.VENUE_CHECK_CONTROL_DRAWN, seed=seed, venues=codes)
    return len(drawn)


def select_visited(check: VenueCheck) -> Any:
    """Return the query for the ids of venues of a check with an approved first visit."""
    return (
        select(VenueVisit.point_id)
        .join(Response, col(Response.id) == col(VenueVisit.response_id))
        .where(
            Response.wave_id == check.wave_id,
            Response.status == Status.APPROVED,
            VenueVisit.round == FIRST_ROUND,
        )
        .distinct()
    )


def _get_venue(session: Session, check: VenueCheck, code: str) -> SamplingPoint:
    query = select(SamplingPoint).where(
        SamplingPoint.wave_id == check.wave_id, SamplingPoint.code == code
    )
    point = session.exec(query).one_or_none()
    if point is None:
        raise CHECKS.refuse(msg("There is no venue {code} in this check.", code=code))
    return point


def waive_revisit(work: Work, seen: Seen, *, venue: str, reason: str) -> None:
    """Waive and record an ordered revisit in check `seen`, so that it can be released without.

    Raises:
        RefusedError: no revisit of this venue is awaited, or no reason is given.
    """
    check = work.lock(CHECKS, seen, _RUNNING)
    point = _get_venue(work.session, check, venue)
    revisit = work.session.get(VenueRevisit, point.id)
    if check.released_at is not None or revisit is None or revisit.waived_because is not None:
        raise CHECKS.refuse(msg("No revisit of this venue is awaited."))
    revisit.waived_because = work.require_text(
        CHECKS, reason, Text(label=msg("Reason"), has_lines=True)
    )
    work.session.add(revisit)
    work.save(
        CHECKS,
        check,
        AuditEvent.VENUE_CHECK_REVISIT_WAIVED,
        point.id,
        code=point.code,
        reason=revisit.waived_because,
    )
