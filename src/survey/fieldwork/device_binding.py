"""Binding of an invitation to the device that opened it first (docs/collecting.md).

The device holds a secret in a cookie. What it shows is the proof, a hash of secret and wave: the
same phone is recognised within a wave and not from one wave to the next. The store keeps the hash
of the proof.
"""

from datetime import datetime
from secrets import compare_digest
from uuid import UUID

from sqlalchemy import bindparam, func, select, update
from sqlmodel import Session

from survey.access.audit import record
from survey.access.tokens import digest
from survey.locale import SurveyError, msg
from survey.store.audit_events import AuditEvent
from survey.store.tables import AnyRow, Invitation, Wave, WaveState, table_of

_INVITATIONS, _WAVES = table_of(Invitation), table_of(Wave)
_BIND = (
    update(_INVITATIONS)
    .where(_INVITATIONS.c.id == bindparam("invitation"), _INVITATIONS.c.device_sha256.is_(None))
    .values(
        device_sha256=bindparam("device"),
        opened_at=func.coalesce(_INVITATIONS.c.opened_at, bindparam("now")),
    )
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
    .values(
        device_sha256=bindparam("device"),
        opened_at=func.coalesce(_INVITATIONS.c.opened_at, bindparam("now")),
    )
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

    def __init__(self) -> None:
        super().__init__(
            msg("Each code is for one device, and this one was opened on another already.")
        )


def device_proof(wave_id: UUID, secret: str) -> str:
    """Return the hash by which a device is recognised within a wave."""
    return digest(f"{wave_id}:{secret}")


def belongs_to_device(invitation: AnyRow, proof: str) -> bool:
    """Whether the invitation is bound to this device, or to none yet."""
    bound = invitation.device_sha256
    return bound is None or compare_digest(bound, digest(proof))


def bind_unopened(*, session: Session, token: str, proof: str, now: datetime) -> bool:
    """Bind an unopened invitation to this device; return False where `bind_device` must decide.

    Reads, decides and writes in one statement: nearly every link is opened once.
    """
    values = {"digest": digest(token), "device": digest(proof), "now": now}
    opened = session.connection().execute(_OPEN, values).scalar_one_or_none()
    if opened is None:
        return False
    _record_opened(session, opened, now)
    return True


def bind_device(*, session: Session, invitation: AnyRow, proof: str, now: datetime) -> None:
    """Bind an invitation to this device for good.

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
    _record_opened(session, invitation.id, now)


def _record_opened(session: Session, invitation_id: UUID, now: datetime) -> None:
    record(
        session=session, actor=None, event=AuditEvent.INVITATION_OPENED,
        subject_id=invitation_id, now=now,
    )  # fmt: skip


def record_other_device(*, session: Session, token: str, now: datetime) -> None:
    """Record that another device was refused; the first time goes into the audit trail."""
    values = {"digest": digest(token), "now": now}
    marked = session.connection().execute(_MARK, values).scalar_one_or_none()
    if marked is not None:
        record(
            session=session, actor=None, event=AuditEvent.INVITATION_REFUSED_ELSEWHERE,
            subject_id=marked, now=now,
        )  # fmt: skip
