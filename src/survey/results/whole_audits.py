"""Audits of every hidden count of a snapshot, as the audit trail keeps them.

An audit holds for the table of cells that it looked at: results that are computed again are audited
again. Audits from before rates of one question were looked at together do not count.
"""

from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import select
from sqlmodel import Session

from survey.access.audit import record
from survey.access.principal import Principal
from survey.access.roles import Action
from survey.locale import Message, SurveyError, msg
from survey.results.snapshots import CELLS, list_shown_snapshots
from survey.snapshot.seals import SEAL, Seals, find_seals, seal_of_seals
from survey.store.audit_events import AuditEvent
from survey.store.audit_writer import queued_entries
from survey.store.tables import AuditEntry, Snapshot, Wave, WaveState, table_of

_ENTRIES = table_of(AuditEntry)
_CELLS, _BASES = "cells_sha256", "bases"


class AuditMissingError(SurveyError):
    """Raised when not every hidden count of a snapshot has been audited, or one is known."""

    code = "audit_missing"


@dataclass(frozen=True)
class CountAudit:
    """Extent and result of an audit of the hidden counts of a snapshot."""

    bases: int
    hidden: int
    audited: int
    narrow: int

    @property
    def is_whole(self) -> bool:
        return self.audited == self.hidden


def record_audit(
    session: Session,
    *,
    actor: Principal,
    wave: Wave,
    snapshot: Snapshot,
    audit: CountAudit,
    now: datetime,
) -> None:
    """Enter an audit of a snapshot in the audit trail, with the seal that it holds for."""
    actor.require(Action.ADMINISTER)
    seals = find_seals(session, snapshot.directory) or {}
    record(
        session=session,
        actor=actor,
        event=AuditEvent.WAVE_INTERVALS_AUDITED,
        subject_id=wave.id,
        now=now,
        detail={
            "sha256": snapshot.sha256,
            SEAL: seal_of_seals(seals) if seals else "",
            _CELLS: _identify_cells(seals, snapshot),
            _BASES: audit.bases,
            "hidden": audit.hidden,
            "audited": audit.audited,
            "narrow": audit.narrow,
        },
    )


def find_whole_audit(session: Session, wave: Wave, snapshot: Snapshot) -> CountAudit | None:
    """Return the newest audit of every hidden count of the cells that a snapshot holds now."""
    cells = _identify_cells(find_seals(session, snapshot.directory) or {}, snapshot)
    action, subject = AuditEvent.WAVE_INTERVALS_AUDITED, str(wave.id)
    query = (
        select(_ENTRIES.c.detail)
        .where(_ENTRIES.c.subject_id == subject, _ENTRIES.c.action == action)
        .order_by(_ENTRIES.c.sequence.desc())
    )
    queued = (
        orjson.loads(entry.detail)
        for entry in reversed(queued_entries(session))
        if entry.action == action and entry.subject_id == subject
    )
    for detail in (*queued, *session.connection().execute(query).scalars()):
        if detail.get(_CELLS) == cells:
            audit = CountAudit(
                *(int(detail[name]) for name in (_BASES, "hidden", "audited", "narrow"))
            )
            if audit.is_whole:
                return audit
    return None


def is_signed_after_audit(session: Session, wave: Wave, *, release: str, seal: str) -> bool:
    """Return whether rates of one question had been audited together when a release was signed.

    Its files were built for the first signature under its seal. The order is that of the trail:
    clocks of several servers differ.
    """

    def find_first(event: AuditEvent, subject: str, key: str, value: str | None = None) -> int:
        query = select(_ENTRIES.c.sequence, _ENTRIES.c.detail).where(
            _ENTRIES.c.subject_id == subject, _ENTRIES.c.action == event
        )
        found = session.connection().execute(query.order_by(_ENTRIES.c.sequence))
        return next(
            (number for number, detail in found if key in detail and value in {None, detail[key]}),
            0,
        )

    audited = find_first(AuditEvent.WAVE_INTERVALS_AUDITED, str(wave.id), _BASES)
    signed = find_first(AuditEvent.RELEASE_SIGNED, release, "seal_sha256", seal)
    return 0 < audited < signed


def _identify_cells(seals: Seals, snapshot: Snapshot) -> str:
    """Return the seal of the cells; where a snapshot has none, that of its answers stands in."""
    return seals.get(CELLS, snapshot.sha256)


def require_whole_audit(session: Session, wave: Wave, snapshot: Snapshot) -> None:
    """Raise `AuditMissingError` unless an audit of every hidden count found none known closely."""
    problem = find_audit_problem(session, wave, snapshot)
    if problem is not None:
        raise AuditMissingError(
            msg(
                "Nothing is signed. {problem} The audit takes some minutes; those who run the "
                "server start it: survey disclosure audit --wave {wave} --all",
                problem=problem,
                wave=wave.key,
            )
        )


def find_audit_problem(session: Session, wave: Wave, snapshot: Snapshot) -> Message | None:
    """Return what the audit of a snapshot lacks; None where it has passed."""
    audit = find_whole_audit(session, wave, snapshot)
    if audit is None:
        return msg(
            "Not every hidden count of {wave} has been audited yet: whether published counts tell "
            "one is unknown.",
            wave=wave.key,
        )
    if audit.narrow:
        return msg(
            "Published counts of {wave} tell {count} hidden ones to within fewer than 10 people. "
            "Freeze the wave again without a bound on the audit (SURVEY_AUDIT_SECONDS=0).",
            wave=wave.key,
            count=audit.narrow,
        )
    return None


def list_released_problems(session: Session, principal: Principal) -> list[tuple[Wave, Message]]:
    """Return released waves whose figures failed the whole audit or have not passed one."""
    principal.require(Action.RELEASE)
    problems = [
        (wave, find_audit_problem(session, wave, snapshot))
        for wave, snapshot in list_shown_snapshots(session)
        if wave.state is WaveState.RELEASED and (wave.is_demo or not principal.is_demo)
    ]
    return [(wave, problem) for wave, problem in problems if problem is not None]
