"""Invitations: one-time links for one interview each, issued by a surveyor.

A link belongs to one wave, city, sampling point and surveyor. The token is shown once; the store
keeps its hash. A link that was opened in time may still be answered within
`COMPLETION_GRACE_PERIOD`, because an interview made without a network arrives late. It belongs to
the device that opened it first (`survey.collection.invitations`).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from secrets import compare_digest
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, func, select, update
from sqlmodel import Session, col
from sqlmodel import select as select_model

from survey.access.audit import record
from survey.access.principal import AccessDeniedError
from survey.access.roles import Action
from survey.access.secret_hashes import digest, is_token_form, new_token
from survey.access.work import Work
from survey.locale import SurveyError, labels_of, msg
from survey.store.audit_events import AuditEvent
from survey.store.tables import (
    AnyRow,
    City,
    InstrumentVersion,
    Invitation,
    SamplingPoint,
    Wave,
    WaveState,
    new_id,
    table_of,
)
from survey.waves.assignments import get_assigned_point, require_people
from survey.waves.overlap import AT_OVERLAP, OVERLAPS, asked_instrument
from survey.waves.quota_counts import FullQuotaGroup, list_full_groups
from survey.waves.waves import WaveNotOpenError

TOKEN_BITS = 128
INVITATION_LIFETIME = timedelta(hours=24)
COMPLETION_GRACE_PERIOD = timedelta(days=7)

_INVITATIONS, _WAVES = table_of(Invitation), table_of(Wave)
_POINTS = table_of(SamplingPoint)
_CITIES, _VERSIONS = table_of(City), table_of(InstrumentVersion)

_BY_TOKEN = (
    select(
        _INVITATIONS, _WAVES.c.state, asked_instrument().label("instrument_id"), _WAVES.c.is_demo
    )
    .join(_WAVES, _WAVES.c.id == _INVITATIONS.c.wave_id)
    .outerjoin(_POINTS, _POINTS.c.id == _INVITATIONS.c.point_id)
    .outerjoin(OVERLAPS, AT_OVERLAP)
    .where(_INVITATIONS.c.token_sha256 == bindparam("digest"))
)
_PAGE_BY_TOKEN = (
    _BY_TOKEN.add_columns(_CITIES.c.name_zh, _CITIES.c.name_en, _VERSIONS.c.sha256)
    .join(_VERSIONS, _VERSIONS.c.id == asked_instrument())
    .join(_CITIES, _CITIES.c.code == _INVITATIONS.c.city_code)
)
_BINDING = {
    "device_sha256": bindparam("device"),
    "opened_at": func.coalesce(_INVITATIONS.c.opened_at, bindparam("now")),
}
_BIND = (
    update(_INVITATIONS)
    .where(_INVITATIONS.c.id == bindparam("invitation"), _INVITATIONS.c.device_sha256.is_(None))
    .values(**_BINDING)
)
_OPEN = (
    update(_INVITATIONS)
    .where(
        _INVITATIONS.c.token_sha256 == bindparam("digest"),
        _INVITATIONS.c.device_sha256.is_(None),
        _INVITATIONS.c.used_at.is_(None),
        _INVITATIONS.c.voided_at.is_(None),
        _INVITATIONS.c.expires_at > bindparam("now"),
        select(_WAVES.c.id)
        .where(_WAVES.c.id == _INVITATIONS.c.wave_id, _WAVES.c.state == WaveState.OPEN)
        .exists(),
    )
    .values(**_BINDING)
    .returning(_INVITATIONS.c.id)
)
_MARK = (
    update(_INVITATIONS)
    .where(
        _INVITATIONS.c.token_sha256 == bindparam("digest"),
        _INVITATIONS.c.other_device_at.is_(None),
        _INVITATIONS.c.used_at.is_(None),
    )
    .values(other_device_at=bindparam("now"))
    .returning(_INVITATIONS.c.id)
)


class OpenedOnOtherDeviceError(SurveyError):
    """Raised when an invitation was opened on another device already."""

    code = "opened_elsewhere"
    message = msg("Each code is for one device, and this one was opened on another already.")


def device_proof(wave_id: UUID, secret: str) -> str:
    """Return the hash of wave and device's cookie `secret`, by which the wave knows the device."""
    return digest(f"{wave_id}:{secret}")


def belongs_to_device(invitation: AnyRow, proof: str) -> bool:
    """Return whether an invitation is bound to the device with `proof`, or to none yet."""
    bound = invitation.device_sha256
    return bound is None or compare_digest(bound, digest(proof))


def bind_unopened(*, session: Session, token: str, proof: str, now: datetime) -> bool:
    """Open a valid, unopened invitation and bind it to the device with `proof`; else return False.

    Reads, decides and writes in one statement: nearly every link is opened once.
    """
    values = {"digest": digest(token), "device": digest(proof), "now": now}
    opened = session.connection().execute(_OPEN, values).scalar_one_or_none()
    if opened is None:
        return False
    _record_event(session, AuditEvent.INVITATION_OPENED, opened, now)
    return True


def bind_device(*, session: Session, invitation: AnyRow, proof: str, now: datetime) -> None:
    """Bind an invitation for good to the device with `proof`; raise if it is bound to another one.

    Raises:
        OpenedOnOtherDeviceError: Another device was faster.
    """
    if invitation.device_sha256 is not None:
        if belongs_to_device(invitation, proof):
            return
        raise OpenedOnOtherDeviceError
    values = {"invitation": invitation.id, "device": digest(proof), "now": now}
    if session.connection().execute(_BIND, values).rowcount != 1:
        raise OpenedOnOtherDeviceError
    _record_event(session, AuditEvent.INVITATION_OPENED, invitation.id, now)


def _record_event(session: Session, event: AuditEvent, invitation_id: UUID, now: datetime) -> None:
    record(session=session, actor=None, event=event, subject_id=invitation_id, now=now)


def record_other_device(*, session: Session, token: str, now: datetime) -> None:
    """Record once, also in the audit trail, that an invitation was refused to a second device."""
    values = {"digest": digest(token), "now": now}
    marked = session.connection().execute(_MARK, values).scalar_one_or_none()
    if marked is not None:
        _record_event(session, AuditEvent.INVITATION_REFUSED_ELSEWHERE, marked, now)


class InvitationNotFoundError(SurveyError):
    """Raised when no invitation has this token."""

    code = "invitation_unknown"
    message = msg("This link is not valid. Please ask the surveyor for a new one.")


class InvitationExpiredError(SurveyError):
    """Raised when an invitation can no longer be opened."""

    code = "invitation_expired"
    message = msg("This link has expired. Please ask the surveyor for a new one.")


class InvitationUsedError(SurveyError):
    """Raised when an invitation was answered already."""

    code = "invitation_used"
    message = msg("This link has already been used for an interview. Thank you for taking part.")


class InvitationVoidedError(SurveyError):
    """Raised when an invitation was taken back."""

    code = "invitation_voided"
    message = msg("This code was taken back. Please ask the surveyor for a new one.")


class InvitationState(StrEnum):
    """State of a one-time link for its surveyor: issued, opened, answered, expired and so on."""

    ISSUED = "issued"
    OPENED = "opened"
    OTHER_DEVICE = "elsewhere"
    """Opened, and another device was refused since."""
    ANSWERED = "answered"
    EXPIRED = "expired"
    VOIDED = "voided"


@dataclass(frozen=True)
class IssuedInvitation:
    """New one-time link with its secret token, of which only a hash is stored."""

    invitation_id: UUID
    token: str
    expires_at: datetime


@dataclass(frozen=True)
class InvitationPageData:
    """Data with which a respondent's page begins: city, questionnaire, full quotas, proof."""

    city_name: Mapping[str, str]
    instrument_sha256: str
    is_demo: bool
    full: tuple[FullQuotaGroup, ...]
    """Who is not needed any more, at this moment."""
    proof: str
    """By which the page shows again that it is the same device."""


def issue_invitation(
    work: Work,
    *,
    wave_key: str,
    point_id: UUID,
    lifetime: timedelta = INVITATION_LIFETIME,
    ready_made: bool = False,
) -> IssuedInvitation:
    """Issue a one-time link for the principal's point; `ready_made` if a screen keeps it for later.

    Args:
        ready_made: Whether the code waits on a screen until somebody scans it.
    """
    point = get_assigned_point(work, point_id=point_id)
    if point.wave_key != wave_key:
        raise AccessDeniedError(msg("This sampling point is not assigned to you."))
    require_people(point)
    if point.wave_state != WaveState.OPEN:
        raise WaveNotOpenError
    token = new_token(bits=TOKEN_BITS)
    invitation = Invitation(
        id=new_id(),
        token_sha256=digest(token),
        wave_id=point.wave_id,
        city_code=point.city_code,
        point_id=point.point_id,
        surveyor_id=work.principal.account_id,
        issued_at=work.now,
        expires_at=work.now + lifetime,
        ready_made=ready_made,
    )
    work.session.add(invitation)
    work.session.flush()
    work.record(
        AuditEvent.INVITATION_ISSUED, invitation.id, {"wave": wave_key, "point": str(point_id)}
    )
    return IssuedInvitation(invitation.id, token, invitation.expires_at)


def is_link_token(text: str) -> bool:
    """Return whether a text has the form of an invitation's token; nothing is looked up."""
    return is_token_form(text, bits=TOKEN_BITS)


def require_link_form(token: str | None) -> None:
    """Raise `InvitationNotFoundError` for a text without the form of a token; None passes."""
    if token is not None and not is_link_token(token):
        raise InvitationNotFoundError


def find_issued_invitation(*, session: Session, token: str) -> AnyRow | None:
    """Return the row of an invitation with its wave's state, usable or not; None if unknown."""
    return session.connection().execute(_BY_TOKEN, {"digest": digest(token)}).one_or_none()


def get_usable_invitation(*, session: Session, token: str, now: datetime) -> AnyRow:
    """Return row and wave state of an invitation; raise if unknown, used, void or expired."""
    return _require_usable(session, _BY_TOKEN, token, now)


def _require_usable(session: Session, by_token: Select[Any], token: str, now: datetime) -> AnyRow:
    row = session.connection().execute(by_token, {"digest": digest(token)}).one_or_none()
    if row is None:
        raise InvitationNotFoundError
    if row.used_at is not None:
        raise InvitationUsedError
    if row.voided_at is not None:
        raise InvitationVoidedError
    if now >= row.expires_at + (
        COMPLETION_GRACE_PERIOD if row.opened_at is not None else timedelta(0)
    ):
        raise InvitationExpiredError
    if row.state != WaveState.OPEN:
        raise WaveNotOpenError
    return row


def read_invitation(
    *, session: Session, token: str, now: datetime, secret: str = "", proof: str = ""
) -> InvitationPageData:
    """Return what an invitation's page shows a device of `proof` or cookie `secret`; write nothing.

    The device shows `proof`, or has it computed from its cookie's `secret`.

    Raises:
        OpenedOnOtherDeviceError: The invitation belongs to another device.
    """
    invitation = _require_usable(session, _PAGE_BY_TOKEN, token, now)
    proof = proof or device_proof(invitation.wave_id, secret)
    if not belongs_to_device(invitation, proof):
        raise OpenedOnOtherDeviceError
    return InvitationPageData(
        city_name=labels_of(invitation, "name"),
        instrument_sha256=invitation.sha256,
        is_demo=invitation.is_demo,
        full=list_full_groups(
            session=session, wave_id=invitation.wave_id, city_code=invitation.city_code
        ),
        proof=proof,
    )


def open_invitation(*, session: Session, token: str, proof: str, now: datetime) -> None:
    """Mark an invitation as opened and bind it to the device with `proof`; raise if another has it.

    Opening it again after a reload is no second use.

    Raises:
        OpenedOnOtherDeviceError: The invitation belongs to another device.
    """
    if not bind_unopened(session=session, token=token, proof=proof, now=now):
        invitation = get_usable_invitation(session=session, token=token, now=now)
        bind_device(session=session, invitation=invitation, proof=proof, now=now)


def get_invitation_states(
    work: Work, *, invitation_ids: Collection[UUID]
) -> dict[UUID, InvitationState]:
    """Return id -> state for those of `invitation_ids` that the principal issued."""
    work.require(Action.INTERVIEW)
    query = select_model(Invitation).where(
        col(Invitation.id).in_(invitation_ids), Invitation.surveyor_id == work.principal.account_id
    )
    return {row.id: invitation_state(row, work.now) for row in work.session.exec(query)}


def invitation_state(invitation: Invitation, now: datetime) -> InvitationState:
    """Return the state of an invitation; an answer counts before everything else."""
    if invitation.used_at is not None:
        return InvitationState.ANSWERED
    if invitation.voided_at is not None:
        return InvitationState.VOIDED
    if invitation.opened_at is not None:
        elsewhere = invitation.other_device_at is not None
        return InvitationState.OTHER_DEVICE if elsewhere else InvitationState.OPENED
    return InvitationState.EXPIRED if now >= invitation.expires_at else InvitationState.ISSUED
