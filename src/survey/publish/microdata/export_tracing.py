"""Tracing of a found copy of rows to its export, and the exports whose blanks can be undone."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from survey.access.roles import Action
from survey.access.work import Work
from survey.fieldwork.waves import get_wave
from survey.publish.microdata.export import SAMPLE_MARK
from survey.publish.microdata.pseudonyms import Pseudonyms
from survey.store.audit_events import AuditEvent
from survey.store.tables import Account, AuditEntry, Response, RowExport, SamplingPoint, Wave


@dataclass(frozen=True)
class TracedExport:
    """Export that names of a found copy come from; `matched` of those names are its own."""

    export_id: UUID
    account: str
    purpose: str
    made_at: datetime
    matched: int


@dataclass(frozen=True)
class UndoableExport:
    """Ordinary file of everybody, from before files were a sample."""

    export_id: UUID
    wave_id: UUID
    wave: str
    account: str
    made_at: datetime
    rows: int


def list_undoable_exports(work: Work) -> list[UndoableExport]:
    """List files whose blanked answers the tables of their wave give back, oldest first.

    They were made before a file held nine in ten interviews. Exact files blank nothing,
    demonstrations hold nobody, and some were dealt with (`settle_undoable_exports`).
    """
    work.require(Action.ADMINISTER)
    entries = work.session.exec(
        select(AuditEntry.action, AuditEntry.detail).where(
            col(AuditEntry.action).in_(
                [AuditEvent.ROWS_EXPORTED, AuditEvent.ROWS_EXACT_EXPORTED, AuditEvent.ROWS_SETTLED]
            )
        )
    )
    safe = {
        detail["export"]
        for action, detail in entries
        if action != AuditEvent.ROWS_EXPORTED or SAMPLE_MARK in detail
    }
    query = (
        select(RowExport, Wave, Account.login)
        .join(Wave, col(Wave.id) == col(RowExport.wave_id))
        .outerjoin(Account, col(Account.id) == col(RowExport.account_id))
        .where(~col(Wave.is_demo))
        .order_by(col(RowExport.made_at))
    )
    return [
        UndoableExport(export.id, wave.id, wave.key, login or "", export.made_at, export.rows)
        for export, wave, login in work.session.exec(query)
        if str(export.id) not in safe
    ]


def settle_undoable_exports(work: Work, *, reason: str) -> list[UndoableExport]:
    """Record of all listed files that they were dealt with, and how; return them."""
    exports = list_undoable_exports(work)
    for export in exports:
        work.record(
            AuditEvent.ROWS_SETTLED,
            export.wave_id,
            {"export": str(export.export_id), "reason": reason},
        )
    return exports


def trace_export(work: Work, *, wave_key: str, names: Collection[str]) -> list[TracedExport]:
    """Find the exports of a wave that some names of rows or points were made for, best first."""
    work.require(Action.ADMINISTER)
    wanted = {name.strip().lower() for name in names}
    wave_id = get_wave(session=work.session, key=wave_key).id
    responses = work.session.exec(select(Response.id).where(Response.wave_id == wave_id)).all()
    points = work.session.exec(
        select(SamplingPoint.code).where(SamplingPoint.wave_id == wave_id)
    ).all()
    query = (
        select(RowExport, Account.login)
        .outerjoin(Account, col(Account.id) == col(RowExport.account_id))
        .where(RowExport.wave_id == wave_id)
    )
    traced = []
    for export, login in work.session.exec(query):
        pseudonyms = Pseudonyms(export.secret)
        made = pseudonyms.make_names("row", map(str, responses))
        made += pseudonyms.make_names("psu", points)
        matched = sum(name.hex() in wanted for name in made)
        traced.append(TracedExport(export.id, login or "", export.purpose, export.made_at, matched))
    return sorted((entry for entry in traced if entry.matched), key=lambda entry: -entry.matched)
