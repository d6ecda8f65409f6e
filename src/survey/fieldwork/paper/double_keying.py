"""Double keying: numbers of sheets, which are keyed twice, and the errors that this shows."""

import hashlib
import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import Session

from survey.access.principal import area_filter
from survey.access.roles import Action
from survey.access.work import Work
from survey.fieldwork.quality.interviewer_effect import wilson
from survey.fieldwork.waves import get_wave
from survey.locale import SurveyError, msg
from survey.store.audit_events import AuditEvent
from survey.store.inserts import insert_if_new
from survey.store.tables import Account, PaperKeying, PaperPlan, PaperSheet, SheetState, table_of

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


def share_of(work: Work, *, wave_id: UUID) -> float:
    """Return the share of sheets that is keyed twice, without creating a plan."""
    work.require(Action.SETTLE_PAPER)
    plan = work.session.get(PaperPlan, wave_id)
    return DEFAULT_SHARE if plan is None else plan.share


class InvalidShareError(SurveyError):
    """Raised when a share is not between 0 and 1."""

    code = "share_invalid"


def set_share(work: Work, *, wave_key: str, share: float) -> None:
    """Set the share of sheets that is keyed twice from now on."""
    work.require(Action.ADMINISTER)
    if not 0 <= share <= 1:
        raise InvalidShareError(msg("Please give a share from 0 to 100 per cent."))
    wave = get_wave(session=work.session, key=wave_key)
    plan = get_double_keying_plan(session=work.session, wave_id=wave.id, now=work.now)
    before, plan.share, plan.changed_at = plan.share, share, work.now
    work.session.add(plan)
    work.session.flush()
    work.record(AuditEvent.PAPER_SHARE_CHANGED, wave.id, {"from": before, "to": share})


_SHEETS, _KEYINGS, _ACCOUNTS = table_of(PaperSheet), table_of(PaperKeying), table_of(Account)


@dataclass(frozen=True)
class TypistErrors:
    """Keyings and errors of one typist in a wave. Rates are shares of fields, 0 to 1."""

    name: str
    login: str
    keyed: int
    """Keyings, verdicts aside."""
    checked: int
    """Of these, sheets that were keyed twice and settled: what errors are counted on."""
    fields: int
    errors: int
    rate: float | None
    low: float | None
    high: float | None
    """Wilson's 95% interval, as if errors fell independently of each other."""


def count_unsettled(work: Work, *, wave_key: str) -> dict[SheetState, int]:
    """Count sheets in the principal's area that are no response yet, by what they wait for."""
    work.require(Action.REVIEW)
    wave = get_wave(session=work.session, key=wave_key)
    query = (
        select(_SHEETS.c.state, func.count().label("sheets"))
        .where(
            _SHEETS.c.wave_id == wave.id,
            _SHEETS.c.state != SheetState.SETTLED,
            area_filter(work.principal, _SHEETS.c.city_code),
        )
        .group_by(_SHEETS.c.state)
    )
    counts = {row.state: row.sheets for row in work.session.connection().execute(query)}
    return {state: counts.get(state, 0) for state in (SheetState.SECOND, SheetState.VERDICT)}


def list_typist_errors(work: Work, *, wave_key: str) -> list[TypistErrors]:
    """Return typists of the principal's area, most errors in a hundred fields first."""
    work.require(Action.REVIEW)
    wave = get_wave(session=work.session, key=wave_key)
    query = (
        select(
            _ACCOUNTS.c.name,
            _ACCOUNTS.c.login,
            func.count().label("keyed"),
            func.count(_KEYINGS.c.fields).label("checked"),
            func.coalesce(func.sum(_KEYINGS.c.fields), 0).label("fields"),
            func.coalesce(func.sum(_KEYINGS.c.errors), 0).label("errors"),
        )
        .join(_SHEETS, _SHEETS.c.id == _KEYINGS.c.sheet_id)
        .join(_ACCOUNTS, _ACCOUNTS.c.id == _KEYINGS.c.account_id)
        .where(
            _SHEETS.c.wave_id == wave.id,
            _KEYINGS.c.number <= 2,
            area_filter(work.principal, _SHEETS.c.city_code),
        )
        .group_by(_ACCOUNTS.c.id, _ACCOUNTS.c.name, _ACCOUNTS.c.login)
    )
    rows = [
        _build_typist_errors(
            row.name, row.login, row.keyed, row.checked, int(row.fields), int(row.errors)
        )
        for row in work.session.connection().execute(query)
    ]
    return sorted(rows, key=lambda row: (-(row.rate if row.rate is not None else -1), row.login))


def _build_typist_errors(
    name: str, login: str, keyed: int, checked: int, fields: int, errors: int
) -> TypistErrors:
    if not fields:
        return TypistErrors(name, login, keyed, checked, 0, 0, None, None, None)
    low, high = wilson(errors, fields)
    return TypistErrors(name, login, keyed, checked, fields, errors, errors / fields, low, high)
