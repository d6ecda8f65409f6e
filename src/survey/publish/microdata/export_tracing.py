"""Tracing of a found copy of rows to the export that it comes from."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from survey.access.principal import Principal
from survey.access.roles import Action
from survey.fieldwork.waves import get_wave
from survey.publish.microdata.pseudonyms import Pseudonyms
from survey.store.tables import Account, Response, RowExport, SamplingPoint


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
    traced = []
    for export, login in session.exec(query):
        pseudonyms = Pseudonyms(export.secret)
        made = pseudonyms.make_names("row", map(str, responses))
        made += pseudonyms.make_names("psu", points)
        matched = sum(name.hex() in wanted for name in made)
        traced.append(TracedExport(export.id, login or "", export.purpose, export.made_at, matched))
    return sorted((entry for entry in traced if entry.matched), key=lambda entry: -entry.matched)
