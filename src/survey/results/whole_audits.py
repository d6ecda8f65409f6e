"""Audits of every hidden count of a snapshot, as the audit trail keeps them.

An audit holds for the table of cells that it looked at: results that are computed again are audited
again. Audits from before rates of one question were looked at together do not count.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO

import pandas as pd
from sqlalchemy import select
from sqlmodel import Session

from survey.access.roles import Action
from survey.access.work import Work
from survey.disclosure import IntervalAuditor
from survey.locale import Message, RefusedError, msg
from survey.results.disclosure_inputs import audited_cells
from survey.results.method import MethodRecord
from survey.results.snapshots import (
    CELLS,
    SnapshotNotFoundError,
    get_current_snapshots,
    get_newest_snapshot,
    list_current_snapshots,
    list_shown_snapshots,
)
from survey.results.tables import audit_work_limit
from survey.results.wave_parts import WaveParts
from survey.results.wave_snapshots import open_wave
from survey.settings import Settings
from survey.snapshots.seals import SEAL, find_seal, find_seals, list_details, open_seals
from survey.store.audit_events import AuditEvent
from survey.store.leases import can_start, read_notes
from survey.store.tables import AuditEntry, Snapshot, Wave, WaveState, now, table_of

_ENTRIES = table_of(AuditEntry)
_CELLS, _BASES = "cells_sha256", "bases"
AUDIT_TASK = "interval-audit"
"""Name of the lease of the audits beside the pages."""


@dataclass(frozen=True)
class CountAudit:
    """Numbers of hidden counts in a snapshot: all, audited, and those bounded too narrowly."""

    bases: int
    hidden: int
    audited: int
    narrow: int

    @property
    def is_whole(self) -> bool:
        return self.audited == self.hidden


@dataclass(frozen=True)
class AuditProgress:
    """Progress of a running audit of a table of cells, as its lease stores it."""

    cells: str = ""
    """Seal of the table of cells."""
    slices: int = 0
    hidden: int = 0
    audited: int = 0
    narrow: int = 0


@dataclass(frozen=True)
class AuditStanding:
    """State of the audit of hidden counts of a wave's newest results, with a text for screens."""

    text: Message
    has_passed: bool = False
    may_start: bool = False
    """Whether it lacks and nobody makes it."""


def record_audit(work: Work, *, wave: Wave, snapshot: Snapshot, audit: CountAudit) -> None:
    """Record an audit of a snapshot's hidden counts, with the hash of its cells, in the trail."""
    work.require(Action.ADMINISTER)
    work.record(
        AuditEvent.WAVE_INTERVALS_AUDITED,
        wave.id,
        {
            "sha256": snapshot.sha256,
            SEAL: find_seal(work.session, snapshot.directory),
            _CELLS: identify_cells(work.session, snapshot),
            _BASES: audit.bases,
            "hidden": audit.hidden,
            "audited": audit.audited,
            "narrow": audit.narrow,
        },
    )


def record_whole_audit(work: Work, wave: Wave, snapshot: Snapshot, method: bytes | None) -> None:
    """Record the audit that the file `method` reports, if it reached every hidden count."""
    audit = MethodRecord.model_validate_json(method).interval_audit if method else None
    if audit is None or audit.not_reached:
        return
    record_audit(
        work,
        wave=wave,
        snapshot=snapshot,
        audit=CountAudit(audit.bases, audit.hidden, audit.audited, narrow=0),
    )


def find_whole_audit(session: Session, wave: Wave, snapshot: Snapshot) -> CountAudit | None:
    """Return the newest complete audit of a snapshot's cells as they are now; None without one."""
    cells = identify_cells(session, snapshot)
    for detail in list_details(session, AuditEvent.WAVE_INTERVALS_AUDITED, str(wave.id)):
        if detail.get(_CELLS) == cells:
            audit = CountAudit(
                *(int(detail[name]) for name in (_BASES, "hidden", "audited", "narrow"))
            )
            if audit.is_whole:
                return audit
    return None


def is_signed_after_audit(session: Session, wave: Wave, *, release: str, seal: str) -> bool:
    """Return whether a release was signed under `seal` after an audit that joined questions' rates.

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


def identify_cells(session: Session, snapshot: Snapshot) -> str:
    """Return the SHA-256 of a snapshot's file of cells, or of its responses if it has no seals."""
    return (find_seals(session, snapshot.directory) or {}).get(CELLS, snapshot.sha256)


def require_whole_audit(session: Session, wave: Wave, snapshot: Snapshot) -> None:
    """Raise `RefusedError` unless a complete audit found no hidden count known too closely."""
    problem = find_audit_problem(session, wave, snapshot)
    if problem is not None:
        raise RefusedError(
            "audit_missing",
            msg(
                "Nothing is signed. {problem} The audit takes some minutes; the release register "
                "says how far it is. On the server: survey disclosure audit --wave {wave} --all",
                problem=problem,
                wave=wave.key,
            ),
        )


def find_audit_problem(session: Session, wave: Wave, snapshot: Snapshot) -> Message | None:
    """Return why a snapshot has not passed the audit of hidden counts; None if it has passed."""
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


def list_released_problems(work: Work) -> list[tuple[Wave, Message]]:
    """Return (wave, reason) of released waves that failed or lack a complete audit of counts."""
    work.require(Action.RELEASE)
    problems = [
        (wave, find_audit_problem(work.session, wave, snapshot))
        for wave, snapshot in list_shown_snapshots(work.session)
        if wave.state is WaveState.RELEASED and (wave.is_demo or not work.principal.is_demo)
    ]
    return [(wave, problem) for wave, problem in problems if problem is not None]


def is_audit_due(session: Session, at: datetime) -> bool:
    """Return whether an audit run could start at this time and has snapshots to audit."""
    return can_start(session, AUDIT_TASK, at=at) and bool(list_waiting(session))


def find_audit_standing(work: Work, wave_key: str, at: datetime) -> AuditStanding:
    """Return the state of the audit of a wave's newest results, for the release register."""
    work.require(Action.RELEASE)
    try:
        wave, snapshot = get_newest_snapshot(work.session, wave_key)
    except SnapshotNotFoundError as error:
        return AuditStanding(error.message)
    audit = find_whole_audit(work.session, wave, snapshot)
    if audit is not None:
        problem = find_audit_problem(work.session, wave, snapshot)
        passed = msg("passed: {hidden} hidden counts", hidden=f"{audit.hidden:,}")
        return AuditStanding(problem or passed, has_passed=problem is None)
    is_idle = can_start(work.session, AUDIT_TASK, at=at)
    progress = read_progress(work.session)
    if progress.cells != identify_cells(work.session, snapshot) or not progress.hidden:
        return AuditStanding(msg("still to pass; it has not begun"), may_start=is_idle)
    counts = {"audited": f"{progress.audited:,}", "hidden": f"{progress.hidden:,}"}
    if is_idle:
        return AuditStanding(
            msg("stopped after {audited} of {hidden} hidden counts", **counts), may_start=True
        )
    return AuditStanding(msg("{audited} of {hidden} hidden counts so far", **counts))


def list_waiting(session: Session) -> list[tuple[Wave, Snapshot]]:
    """Return the current final snapshots, with their waves, that lack a complete audit."""
    return [
        (wave, snapshot)
        for wave, snapshot in list_current_snapshots(session)
        if snapshot.final and find_whole_audit(session, wave, snapshot) is None
    ]


def read_progress(session: Session) -> AuditProgress:
    notes = read_notes(session, AUDIT_TASK)
    return AuditProgress(
        str(notes.get("cells", "")),
        *(int(notes.get(name, 0)) for name in ("slices", "hidden", "audited", "narrow")),
    )


@dataclass(frozen=True)
class NarrowInterval:
    """Hidden cell and the numbers between which its count is known to lie."""

    area_level: str
    area: str
    group: str
    indicator: str
    low: int
    high: int


@dataclass(frozen=True)
class WaveAudit:
    """Result of an audit of a wave, summed over its current snapshots (one or two)."""

    hidden: int
    audited: int
    programmes: int
    narrow: tuple[NarrowInterval, ...]


def audit_wave(work: Work, *, wave_key: str, every_cell: bool = False) -> WaveAudit:
    """Audit a wave's hidden counts, all of them if `every_cell`, else for a set time; record it.

    Where readers see an older snapshot than the newest, until a correction is published, both are
    audited: the one is public, and the other will be.

    Raises:
        SnapshotNotFoundError: the wave has no snapshot.
        SnapshotDamagedError: its responses are not those that were frozen.
    """
    work.require(Action.ADMINISTER)
    wave, snapshots = get_current_snapshots(work.session, wave_key)
    seconds = 0.0 if every_cell else work.settings.audit_seconds
    audits = [_audit_snapshot(work, wave, snapshot, seconds) for snapshot in snapshots]
    return WaveAudit(
        hidden=sum(each.hidden for each in audits),
        audited=sum(each.audited for each in audits),
        programmes=sum(each.programmes for each in audits),
        narrow=tuple(dict.fromkeys(cell for each in audits for cell in each.narrow)),
    )


def _audit_snapshot(work: Work, wave: Wave, snapshot: Snapshot, seconds: float) -> WaveAudit:
    auditor = IntervalAuditor(work=audit_work_limit(seconds))
    narrow = AuditedCells.read(work.settings, work.session, wave, snapshot).audit(auditor)
    audit = CountAudit(auditor.slices, auditor.hidden, auditor.audited, len(narrow))
    # An audit may take hours, so its entry has the time of its end.
    record_audit(replace(work, now=now()), wave=wave, snapshot=snapshot, audit=audit)
    return WaveAudit(auditor.hidden, auditor.audited, auditor.programmes, narrow)


@dataclass(frozen=True)
class AuditedCells:
    """Published cells of a snapshot with the responses behind them, ready for an audit."""

    source: WaveParts
    published: pd.DataFrame
    seal: str

    @classmethod
    def read(
        cls, settings: Settings, session: Session, wave: Wave, snapshot: Snapshot
    ) -> "AuditedCells":
        """Return the published cells and responses of a snapshot.

        Raises:
            SnapshotDamagedError: the files are not those that were frozen.
        """
        source = open_wave(session, wave, settings.snapshot_dir / snapshot.directory)
        seals = open_seals(settings, session, snapshot.directory)
        published = pd.read_parquet(BytesIO(seals.read(CELLS)))
        return cls(source, published, identify_cells(session, snapshot))

    def audit(self, auditor: IntervalAuditor) -> tuple[NarrowInterval, ...]:
        """Audit the cells with `auditor`; return hidden ones whose count is bounded too closely."""
        return tuple(
            NarrowInterval(*key, low, high)
            for key, low, high in audited_cells(self.source, self.published, auditor)
        )
