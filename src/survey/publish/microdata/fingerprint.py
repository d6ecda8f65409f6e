"""Fingerprint of an exported file, found again from a few of its rows.

Every export has a secret of its own, and the names of rows and of sampling points are made with
it: no two exports share a name, so any dozen rows name the account, in any order, after any
selection, in any format. The mark is gone where both columns are removed or written anew, and with
`psu` goes the only way to an honest standard error. It says whose export it was, not who passed it
on.
"""

import hashlib
import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from survey.access.principal import Principal
from survey.access.roles import Action
from survey.fieldwork.waves import get_wave
from survey.store.tables import Account, Response, RowExport, SamplingPoint

_DIGITS = 12
"""Hexadecimal: two of 62,000 rows share a name once in about 150,000 exports."""


def new_pseudonym_key() -> str:
    return secrets.token_hex(32)


def pseudonym(secret: str, kind: str, name: str) -> str:
    """Return the name of a row or point in one file; only the secret can undo it."""
    made = hmac.new(bytes.fromhex(secret), f"{kind}/{name}".encode(), hashlib.sha256)
    return made.hexdigest()[:_DIGITS]


@dataclass(frozen=True)
class TracedExport:
    """Export that names of a found copy come from; `matched` of those names are its own."""

    export_id: UUID
    account: str
    purpose: str
    made_at: datetime
    matched: int


def trace_export(
    *, session: Session, principal: Principal, wave_key: str, names: Collection[str]
) -> list[TracedExport]:
    """Find the exports of a wave that some names of rows or points were made for, best first."""
    principal.require(Action.ADMINISTER)
    wanted = {name.strip().lower() for name in names}
    wave_id = get_wave(session=session, key=wave_key).id
    responses = session.exec(select(Response.id).where(Response.wave_id == wave_id)).all()
    points = session.exec(select(SamplingPoint.code).where(SamplingPoint.wave_id == wave_id)).all()
    query = (
        select(RowExport, Account.login)
        .outerjoin(Account, col(Account.id) == col(RowExport.account_id))
        .where(RowExport.wave_id == wave_id)
    )
    traced = [
        TracedExport(
            export.id, login or "", export.purpose, export.made_at,
            sum(pseudonym(export.secret, "row", str(each)) in wanted for each in responses)
            + sum(pseudonym(export.secret, "psu", each) in wanted for each in points),
        )
        for export, login in session.exec(query)
    ]  # fmt: skip
    return sorted((entry for entry in traced if entry.matched), key=lambda entry: -entry.matched)
