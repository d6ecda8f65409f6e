"""Parking of finished interviews that are refused for reasons their sender cannot mend.

A person has answered to the end, and the link expired, the wave was closed or the questionnaire
replaced meanwhile. The interview is kept, uncounted, until a supervisor of its city decides
(docs/collecting.md). Parking is no way round a link: its token was issued for this wave and city,
or the sender is signed in and worked at this sampling point.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, or_, select, update
from sqlmodel import Session

from survey.access.audit import record
from survey.access.principal import AccessDeniedError, Principal
from survey.access.roles import Action
from survey.collection.invitations import (
    InvitationExpiredError,
    InvitationVoidedError,
    find_issued_invitation,
)
from survey.collection.submission import (
    OLDEST_START,
    InstrumentConflictError,
    SubmissionReceipt,
    check_answers,
    submit,
)
from survey.collection.submission_envelope import Submission
from survey.locale import SurveyError, msg
from survey.questionnaire.model import Instrument
from survey.store.audit_chain import HASH, answers_sha256
from survey.store.audit_events import AuditEvent
from survey.store.china_time import clamp_device_time
from survey.store.inserts import insert_if_new
from survey.store.tables import (
    AnyRow,
    InstrumentVersion,
    Invitation,
    Mode,
    ParkedInterview,
    ParkingDecision,
    ParkingReason,
    Response,
    SamplingPoint,
    Wave,
    WaveState,
    new_id,
    table_of,
)
from survey.store.tables.erasure import ERASURES
from survey.waves.instruments import InstrumentNotFoundError, load_instrument
from survey.waves.overlap import AT_OVERLAP, OVERLAPS, asked_instrument
from survey.waves.waves import WaveNotOpenError


def erase_parked(
    session: Session, parked_id: UUID, decision: ParkingDecision, **decided: Any
) -> None:
    """Set the decision on a parked interview and blank its answers and other personal data."""
    kept_code = {} if decision is ParkingDecision.WITHDRAWN else {"withdrawal_sha256": None}
    session.connection().execute(
        update(_PARKED)
        .where(_PARKED.c.id == parked_id)
        .values(decision=decision, **ERASURES[ParkedInterview].erased, **kept_code, **decided)
    )


def lock_parked_by_code(session: Session, code_sha256: str) -> list[AnyRow]:
    """Return and lock the parked interviews with this withdrawal code."""
    query = (
        select(_PARKED.c.id, _PARKED.c.decision)
        .where(_PARKED.c.withdrawal_sha256 == code_sha256)
        .order_by(_PARKED.c.id)
        .with_for_update()
    )
    return list(session.connection().execute(query))


def withdraw_parked(session: Session, parked_id: UUID, now: datetime) -> None:
    """Erase a parked interview that its respondent withdraws, and record it; no count changes."""
    erase_parked(session, parked_id, ParkingDecision.WITHDRAWN, decided_at=now)
    record(
        session=session,
        actor=None,
        event=AuditEvent.PARKED_WITHDRAWN,
        subject_id=parked_id,
        now=now,
        detail={"by": "code"},
    )


MAX_WAITING_PER_CITY = 500
"""Parked interviews of a city that may wait for a decision; further ones stay on their phones."""
MAX_WAITING_PER_SURVEYOR = 100
"""As above, of those that one signed-in surveyor sent."""

PARKABLE: Mapping[type[SurveyError], ParkingReason] = {
    InvitationExpiredError: ParkingReason.LINK_EXPIRED,
    InvitationVoidedError: ParkingReason.LINK_VOIDED,
    WaveNotOpenError: ParkingReason.WAVE_CLOSED,
    InstrumentConflictError: ParkingReason.INSTRUMENT_REPLACED,
    AccessDeniedError: ParkingReason.POINT_REASSIGNED,
}
"""Refusals of a submission after which it may be parked; after all others it is not."""
_STATES = frozenset({WaveState.OPEN, WaveState.CLOSED})
"""A wave whose figures are computed takes nothing in any more, not even to wait."""

_PARKED, _POINTS, _WAVES = table_of(ParkedInterview), table_of(SamplingPoint), table_of(Wave)
_INVITATIONS, _RESPONSES = table_of(Invitation), table_of(Response)
_VERSIONS = table_of(InstrumentVersion)


class ParkingFullError(SurveyError):
    """Raised when too many parked interviews wait already; the phone keeps this one and retries."""

    code = "parking_full"
    message = msg(
        "Your answers are safe on this device. Many others wait to be looked at, so they "
        "are sent again later."
    )


@dataclass(frozen=True)
class ParkingReceipt:
    """Proof that an interview is parked for a supervisor; sent again, it gets the same receipt."""

    parked_id: UUID
    duplicate: bool


@dataclass(frozen=True)
class _Origin:
    """Proven origin of an interview not accepted: wave, city, point, surveyor, link and mode."""

    wave_id: UUID
    city_code: str
    point_id: UUID
    surveyor_id: UUID
    invitation_id: UUID | None
    mode: Mode


def submit_or_park(
    *, session: Session, submission: Submission, principal: Principal | None, now: datetime
) -> SubmissionReceipt | ParkingReceipt:
    """Store an interview, or park it if it is refused for a reason its sender cannot mend.

    Raises:
        SurveyError: The refusal, where the interview cannot be parked either.
    """
    try:
        return submit(session=session, submission=submission, principal=principal, now=now)
    except SurveyError as refusal:
        why = PARKABLE.get(type(refusal))
        if why is None:
            raise
        receipt = _park_interview(session, submission, principal, why, now)
        if receipt is None:
            raise
        return receipt


def _park_interview(
    session: Session,
    submission: Submission,
    principal: Principal | None,
    why: ParkingReason,
    now: datetime,
) -> ParkingReceipt | None:
    """Park the interview because of `why`; None if its origin is unproven or its link was parked.

    Raises:
        InvalidAnswersError: The answers need another look first, which the respondent can take.
        ParkingFullError: Too many wait already.
    """
    known = _find_parked(session, submission.client_uuid)
    if known is not None:
        return ParkingReceipt(known, duplicate=True)
    origin = (
        _find_origin_by_link(session, submission)
        if submission.point_id is None
        else _find_origin_by_account(session, submission.point_id, principal, why)
    )
    if origin is None:
        return None
    instrument = _find_instrument(session, submission.instrument_sha256, origin)
    if instrument is None:
        return None
    parked_id = new_id()
    row = _build_parked_row(session, submission, origin, instrument, now)
    _require_room(session, origin)
    values = {**row, "id": parked_id, "why": why}
    if not insert_if_new(session.connection(), ParkedInterview, values):
        first = _find_parked(session, submission.client_uuid)
        return None if first is None else ParkingReceipt(first, duplicate=True)
    record(
        session=session,
        actor=None if origin.mode is Mode.SELF else principal,
        event=AuditEvent.PARKED_KEPT,
        subject_id=parked_id,
        now=now,
        detail={"mode": origin.mode, "why": why, HASH: answers_sha256(row["answers"])},
    )
    return ParkingReceipt(parked_id, duplicate=False)


def _find_parked(session: Session, client_uuid: UUID) -> UUID | None:
    query = select(_PARKED.c.id).where(_PARKED.c.client_uuid == client_uuid)
    parked_id: UUID | None = session.connection().execute(query).scalar_one_or_none()
    return parked_id


def _find_instrument(session: Session, sha256: str, origin: _Origin) -> Instrument | None:
    """Return the questionnaire with this hash; None unless its name is that asked at the point."""
    at_point = (
        select(asked_instrument())
        .select_from(_WAVES.join(_POINTS, _POINTS.c.wave_id == _WAVES.c.id))
        .outerjoin(OVERLAPS, AT_OVERLAP)
        .where(_POINTS.c.id == origin.point_id)
    )
    asked = load_instrument(
        session=session, instrument_id=session.connection().execute(at_point).scalar_one()
    )
    try:
        shown = load_instrument(session=session, sha256=sha256)
    except InstrumentNotFoundError:
        return None
    return shown if shown.name == asked.name else None


def _find_origin_by_link(session: Session, submission: Submission) -> _Origin | None:
    link = find_issued_invitation(session=session, token=submission.token or "")
    if link is None or link.used_at is not None or link.state not in _STATES:
        return None
    return _Origin(
        link.wave_id, link.city_code, link.point_id, link.surveyor_id, link.id, Mode.SELF
    )


def _find_origin_by_account(
    session: Session, point_id: UUID, principal: Principal | None, why: ParkingReason
) -> _Origin | None:
    """Return the origin of a surveyor's interview refused because of `why`; None if unproven."""
    if principal is None or not principal.may(Action.INTERVIEW):
        return None
    query = (
        select(_POINTS.c.wave_id, _POINTS.c.city_code, _POINTS.c.code, _WAVES.c.state)
        .join(_WAVES, _WAVES.c.id == _POINTS.c.wave_id)
        .where(_POINTS.c.id == point_id)
    )
    point = session.connection().execute(query).one_or_none()
    if point is None or not principal.covers_point(point.city_code, point.code):
        return None
    if point.state not in _STATES:
        return None
    me = principal.account_id
    if why is ParkingReason.POINT_REASSIGNED and not _has_worked_there(session, me, point_id):
        return None
    return _Origin(point.wave_id, point.city_code, point_id, me, None, Mode.ASSISTED)


def _has_worked_there(session: Session, account_id: UUID, point_id: UUID) -> bool:
    """Return whether the surveyor issued links or made interviews at the point."""
    query = select(
        or_(
            exists().where(
                _INVITATIONS.c.surveyor_id == account_id, _INVITATIONS.c.point_id == point_id
            ),
            exists().where(
                _RESPONSES.c.surveyor_id == account_id, _RESPONSES.c.point_id == point_id
            ),
        )
    )
    return bool(session.connection().execute(query).scalar_one())


def _build_parked_row(
    session: Session, submission: Submission, origin: _Origin, instrument: Instrument, now: datetime
) -> dict[str, Any]:
    started = clamp_device_time(submission.started_at, now=now, oldest=OLDEST_START)
    checked = check_answers(submission, instrument, started)
    version = select(_VERSIONS.c.id).where(_VERSIONS.c.sha256 == instrument.sha256)
    return {
        **vars(origin),
        "client_uuid": submission.client_uuid,
        "instrument_id": session.connection().execute(version).scalar_one(),
        "language": submission.language,
        "started_at": started,
        "duration_seconds": submission.duration_seconds,
        "stopped": submission.stopped is not None,
        "answers": dict(checked.answers),
        "timings": submission.timings_of(checked.answers),
        "withdrawal_sha256": submission.withdrawal_sha256,
        "parked_at": now,
    }


def _require_room(session: Session, origin: _Origin) -> None:
    query = select(
        func.count(), func.count().filter(_PARKED.c.surveyor_id == origin.surveyor_id)
    ).where(_PARKED.c.city_code == origin.city_code, _PARKED.c.decision.is_(None))
    of_city, of_surveyor = session.connection().execute(query).one()
    sent_signed_in = origin.mode is not Mode.SELF
    if of_city >= MAX_WAITING_PER_CITY or (
        sent_signed_in and of_surveyor >= MAX_WAITING_PER_SURVEYOR
    ):
        raise ParkingFullError
