"""Release of an experience check: what must be over before it, and the signatures of two people."""

import hashlib
from contextlib import suppress
from typing import Any
from uuid import UUID

from sqlmodel import col, func, select

from survey.access.approval import NextSignature
from survey.access.audit import actor_id
from survey.access.principal import list_areas_above
from survey.access.work import Seen, Work
from survey.collection.submission_envelope import SECOND_ROUND
from survey.comparative_tests.hearings import require_heard
from survey.experience_checks.plan import CHECKS
from survey.experience_checks.replies import select_visited
from survey.locale import RefusedError, msg
from survey.store.audit_chain import canonical_json
from survey.store.audit_events import AuditEvent
from survey.store.tables import (
    Response,
    SamplingPoint,
    Status,
    VenueCheck,
    VenueReply,
    VenueRevisit,
    VenueVisit,
    WaveState,
)
from survey.waves.planning.wave_requests import find_wave_signature, sign_release

_UNDECIDED = (Status.SUBMITTED, Status.RETURNED, Status.CITY_APPROVED)


def sign_experience_check(work: Work, seen: Seen, *, releases: bool | None = None) -> bool:
    """Sign check `seen` (id, version), and release it by the last signature; return whether.

    It is released to everybody who reads results; that cannot be undone.

    Args:
        releases: What the person was told that this signature does; None where nobody was told.

    Raises:
        RefusedError: visits wait for review, none was approved, a venue can still reply, a revisit
            is neither done nor waived, it is released already, or the signature would do something
            else than the person was told.
        SecondPersonRequiredError: the principal gave the first signature.
    """
    check = work.lock(CHECKS, seen, (WaveState.CLOSED,))
    approved = _require_releasable(work, check)
    if releases is not None and releases != _find_next_signature(work, check).releases:
        raise CHECKS.refuse(
            msg("Meanwhile it has changed what a signature does. Please read again and sign then.")
        )
    options = _list_what_is_signed(work, check)
    areas = list_areas_above(check.area)
    if not sign_release(work, wave=check.wave, options=options, action=CHECKS.keeping, areas=areas):
        return False
    check.released_at, check.released_by = work.now, actor_id(work.principal)
    work.save(CHECKS, check, AuditEvent.VENUE_CHECK_RELEASED, visits=approved)
    return True


def is_check_to_sign(work: Work, *, wave_id: UUID) -> bool:
    """Return whether a check waits for only the principal's signature."""
    check = work.find(CHECKS, wave_id, CHECKS.keeping)
    if check.wave.state is not WaveState.CLOSED:
        return False
    with suppress(RefusedError):
        _require_releasable(work, check)
        return not _find_next_signature(work, check).awaited
    return False


def _require_releasable(work: Work, check: VenueCheck) -> int:
    """Raise `RefusedError` unless review and hearing of a check are over; return its visits."""
    if check.released_at is not None:
        raise CHECKS.refuse(msg("The check is released already."))
    counts = dict(
        work.session.exec(
            select(Response.status, func.count())
            .where(Response.wave_id == check.wave_id)
            .group_by(Response.status)
        ).all()
    )
    waiting = sum(counts.get(status, 0) for status in _UNDECIDED)
    if waiting:
        raise CHECKS.refuse(msg("{count} visits still wait for their review.", count=waiting))
    if not counts.get(Status.APPROVED):
        raise CHECKS.refuse(msg("No visit has been approved."))
    _require_hearing(work, check)
    return counts[Status.APPROVED]


def find_check_signature(work: Work, *, wave_id: UUID) -> NextSignature:
    """Return what the principal's signature of a check would do now, or who is to sign instead."""
    return _find_next_signature(work, work.find(CHECKS, wave_id, CHECKS.keeping))


def _find_next_signature(work: Work, check: VenueCheck) -> NextSignature:
    return find_wave_signature(
        work,
        wave=check.wave,
        options=_list_what_is_signed(work, check),
        action=CHECKS.keeping,
        areas=list_areas_above(check.area),
    )


def _list_what_is_signed(work: Work, check: VenueCheck) -> dict[str, Any]:
    """Return the hash of approved visits and replies as they are now: another one, signed anew."""
    visits = work.session.exec(
        select(Response.id, Response.lock_version)
        .where(Response.wave_id == check.wave_id, Response.status == Status.APPROVED)
        .order_by(col(Response.id))
    ).all()
    replies = work.session.exec(
        select(VenueReply)
        .join(SamplingPoint, col(SamplingPoint.id) == col(VenueReply.point_id))
        .where(SamplingPoint.wave_id == check.wave_id)
        .order_by(col(VenueReply.point_id))
    ).all()
    document = [
        [[str(id_), version] for id_, version in visits],
        [reply.model_dump(mode="json") for reply in replies],
    ]
    return {"sha256": hashlib.sha256(canonical_json(document)).hexdigest()}


def _require_hearing(work: Work, check: VenueCheck) -> None:
    """Raise while a venue was not heard, may still reply, or an ordered revisit is open."""
    of_wave = (
        select(SamplingPoint.name, VenueReply)
        .join(VenueReply, col(VenueReply.point_id) == col(SamplingPoint.id))
        .where(SamplingPoint.wave_id == check.wave_id)
        .order_by(SamplingPoint.code)
    )
    heard = work.session.exec(of_wave).all()
    told = {reply.point_id for _, reply in heard}
    untold = work.session.exec(
        select(SamplingPoint.name)
        .where(col(SamplingPoint.id).in_(select_visited(check)), col(SamplingPoint.id).not_in(told))
        .order_by(SamplingPoint.code)
    ).all()
    if untold:
        raise CHECKS.refuse(
            msg(
                "{count} venues were not told what was noted, the first is {venue}.",
                count=len(untold),
                venue=untold[0],
            )
        )
    require_heard(work, CHECKS, heard)
    revisited = (
        select(VenueVisit.point_id)
        .join(Response, col(Response.id) == col(VenueVisit.response_id))
        .where(Response.status == Status.APPROVED, VenueVisit.round == SECOND_ROUND)
    )
    awaited = work.session.exec(
        select(SamplingPoint.name)
        .join(VenueRevisit, col(VenueRevisit.point_id) == col(SamplingPoint.id))
        .where(
            SamplingPoint.wave_id == check.wave_id,
            col(VenueRevisit.waived_because).is_(None),
            col(SamplingPoint.id).not_in(revisited),
        )
        .order_by(SamplingPoint.code)
    ).all()
    if awaited:
        raise CHECKS.refuse(
            msg(
                "{count} revisits were ordered and not made, the first at {venue}. Please have "
                "them made, or waive them with a reason.",
                count=len(awaited),
                venue=awaited[0],
            )
        )
