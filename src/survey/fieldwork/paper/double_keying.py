"""Double keying: serial numbers of sheets, and which of them are keyed twice."""

import hashlib
import re
import secrets
import unicodedata
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from survey.access.audit import record
from survey.access.principal import Principal
from survey.access.roles import Action
from survey.fieldwork.waves import get_wave
from survey.locale import SurveyError, msg
from survey.store.audit_events import AuditEvent
from survey.store.inserts import insert_if_new
from survey.store.tables import PaperPlan

DEFAULT_SHARE = 0.10
"""Of the sheets of a wave, keyed twice unless an administrator decides otherwise."""
_SEED_BYTES = 16
_SERIAL = re.compile(r"[A-Z0-9][A-Z0-9-]{0,19}")


class InvalidSerialError(SurveyError):
    """Raised when a text is no number of a sheet."""

    code = "serial_invalid"


def read_serial(text: str) -> str:
    """Return a sheet's number as stored: capital letters, no leading zeros.

    000123 and 123 are one sheet, so typists need not key the zeros.
    """
    plain = unicodedata.normalize("NFKC", text).strip().upper()
    serial = plain.lstrip("0") or plain[-1:]
    if not _SERIAL.fullmatch(serial):
        raise InvalidSerialError(
            msg("A sheet's number has up to 20 digits, capital letters and hyphens.")
        )
    return serial


def is_drawn(*, seed: str, serial: str, share: float) -> bool:
    """Whether a sheet is keyed twice; the same seed draws the same sheets, in any order."""
    digest = hashlib.sha256(f"{seed}/{serial}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def get_double_keying_plan(*, session: Session, wave_id: UUID, now: datetime) -> PaperPlan:
    """Return the wave's share and seed, creating and recording them the first time."""
    fresh = {
        "wave_id": wave_id,
        "share": DEFAULT_SHARE,
        "seed": secrets.token_hex(_SEED_BYTES),
        "changed_at": now,
    }
    insert_if_new(session.connection(), PaperPlan, fresh)
    return session.get_one(PaperPlan, wave_id)


def share_of(*, session: Session, principal: Principal, wave_id: UUID) -> float:
    """Return the share of sheets that is keyed twice, without creating a plan."""
    principal.require(Action.SETTLE_PAPER)
    plan = session.get(PaperPlan, wave_id)
    return DEFAULT_SHARE if plan is None else plan.share


class InvalidShareError(SurveyError):
    """Raised when a share is not between 0 and 1."""

    code = "share_invalid"


def set_share(
    *, session: Session, principal: Principal, wave_key: str, share: float, now: datetime
) -> None:
    """Set the share of sheets that is keyed twice from now on."""
    principal.require(Action.ADMINISTER)
    if not 0 <= share <= 1:
        raise InvalidShareError(msg("Please give a share from 0 to 100 per cent."))
    wave = get_wave(session=session, key=wave_key)
    plan = get_double_keying_plan(session=session, wave_id=wave.id, now=now)
    before, plan.share, plan.changed_at = plan.share, share, now
    session.add(plan)
    session.flush()
    record(
        session=session, actor=principal, event=AuditEvent.PAPER_SHARE_CHANGED,
        subject_id=wave.id, now=now, detail={"from": before, "to": share},
    )  # fmt: skip
