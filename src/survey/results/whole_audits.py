"""Audits of every hidden count of a snapshot, as the audit trail keeps them.

An audit holds for the table of cells that it looked at: results that are computed again are audited
again. Audits from before rates of one question were looked at together do not count.
"""

from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

import orjson
import pandas as pd
from sqlalchemy import select
from sqlmodel import Session

from survey.access.principal import Principal
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
from survey.snapshots.seals import SEAL, find_seals, open_seals, seal_of_seals
from survey.store.audit_events import AuditEvent
from survey.store.audit_writer import queued_entries
from survey.store.leases import can_start, read_notes
from survey.store.tables import AuditEntry, Snapshot, Wave, WaveState, now, table_of

_ENTRIES = table_of(AuditEntry)
_CELLS, _BASES = "cells_sha256", "bases"
AUDIT_TASK = "interval-audit"
"""Name of the lease of the audits beside the pages."""


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


@dataclass(frozen=True)
class AuditProgress:
    """How far the audit of some cells is."""

    cells: str = ""
    """Seal of the table of cells."""
    slices: int = 0
    hidden: int = 0
    audited: int = 0
    narrow: int = 0


@dataclass(frozen=True)
class AuditStanding:
    """How far the audit of the newest results of a wave is."""

    text: Message
    has_passed: bool = False
    may_start: bool = False
    """Whether it lacks and nobody makes it."""


def record_audit(work: Work, *, wave: Wave, snapshot: Snapshot, audit: CountAudit) -> None:
    """Enter an audit of a snapshot in the audit trail, with the seal that it holds for."""
    work.require(Action.ADMINISTER)
    seals = find_seals(work.session, snapshot.directory) or {}
    work.record(
        AuditEvent.WAVE_INTERVALS_AUDITED,
        wave.id,
        {
            "sha256": snapshot.sha256,
            SEAL: seal_of_seals(seals) if seals else "",
            _CELLS: identify_cells(work.session, snapshot),
            _BASES: audit.bases,
            "hidden": audit.hidden,
            "audited": audit.audited,
            "narrow": audit.narrow,
        },
    )


def record_whole_audit(work: Work, wave: Wave, snapshot: Snapshot, method: bytes | None) -> None:
    """Enter the audit by which tables were made, where it has reached every hidden count."""
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
    """Return the newest audit of every hidden count of the cells that a snapshot holds now."""
    cells = identify_cells(session, snapshot)
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


def identify_cells(session: Session, snapshot: Snapshot) -> str:
    """Return the seal of the cells; where a snapshot has none, that of its answers stands in."""
    return (find_seals(session, snapshot.directory) or {}).get(CELLS, snapshot.sha256)


def require_whole_audit(session: Session, wave: Wave, snapshot: Snapshot) -> None:
    """Raise `RefusedError` unless an audit of every hidden count found none known closely."""
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


def list_released_problems(work: Work) -> list[tuple[Wave, Message]]:
    """Return released waves whose figures failed the whole audit or have not passed one."""
    work.require(Action.RELEASE)
    problems = [
        (wave, find_audit_problem(work.session, wave, snapshot))
        for wave, snapshot in list_shown_snapshots(work.session)
        if wave.state is WaveState.RELEASED and (wave.is_demo or not work.principal.is_demo)
    ]
    return [(wave, problem) for wave, problem in problems if problem is not None]


def is_audit_due(session: Session, at: datetime) -> bool:
    """Return whether a run would begin now and have something to do."""
    return can_start(session, AUDIT_TASK, at=at) and bool(list_waiting(session))


def find_audit_standing(work: Work, wave_key: str, at: datetime) -> AuditStanding:
    """Return how far the audit of the newest results of a wave is."""
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
    """Return what was frozen for good, and lacks an audit of every hidden count."""
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
    """Result of an audit of a wave, of both snapshots where readers see an older one."""

    hidden: int
    audited: int
    programmes: int
    narrow: tuple[NarrowInterval, ...]


def audit_wave(
    settings: Settings,
    session: Session,
    *,
    wave_key: str,
    actor: Principal,
    every_cell: bool = False,
) -> WaveAudit:
    """Audit the published cells of a wave, all of them with `every_cell`.

    Where readers see an older snapshot than the newest, until a correction is published, both are
    audited: the one is public, and the other will be.

    Raises:
        SnapshotNotFoundError: the wave has no snapshot.
        SnapshotDamagedError: its responses are not those that were frozen.
    """
    actor.require(Action.ADMINISTER)
    wave, snapshots = get_current_snapshots(session, wave_key)
    audits = [
        _audit_snapshot(settings, session, wave, snapshot, actor, every_cell=every_cell)
        for snapshot in snapshots
    ]
    return WaveAudit(
        hidden=sum(each.hidden for each in audits),
        audited=sum(each.audited for each in audits),
        programmes=sum(each.programmes for each in audits),
        narrow=tuple(dict.fromkeys(cell for each in audits for cell in each.narrow)),
    )


def _audit_snapshot(
    settings: Settings,
    session: Session,
    wave: Wave,
    snapshot: Snapshot,
    actor: Principal,
    *,
    every_cell: bool,
) -> WaveAudit:
    auditor = IntervalAuditor(work=None if every_cell else audit_work_limit(settings.audit_seconds))
    narrow = AuditedCells.read(settings, session, wave, snapshot).audit(auditor)
    record_audit(
        Work(session, actor, now(), settings),
        wave=wave,
        snapshot=snapshot,
        audit=CountAudit(auditor.slices, auditor.hidden, auditor.audited, len(narrow)),
    )
    return WaveAudit(auditor.hidden, auditor.audited, auditor.programmes, narrow)


@dataclass(frozen=True)
class AuditedCells:
    """Cells of a snapshot as readers have them, and the answers behind them."""

    source: WaveParts
    published: pd.DataFrame
    seal: str

    @classmethod
    def read(
        cls, settings: Settings, session: Session, wave: Wave, snapshot: Snapshot
    ) -> "AuditedCells":
        """Read what an audit looks at.

        Raises:
            SnapshotDamagedError: the files are not those that were frozen.
        """
        source = open_wave(session, wave, settings.snapshot_dir / snapshot.directory)
        seals = open_seals(settings, session, snapshot.directory)
        published = pd.read_parquet(BytesIO(seals.read(CELLS)))
        return cls(source, published, identify_cells(session, snapshot))

    def audit(self, auditor: IntervalAuditor) -> tuple[NarrowInterval, ...]:
        """Let `auditor` look at the cells and return those that are known too closely."""
        return tuple(
            NarrowInterval(*key, low, high)
            for key, low, high in audited_cells(self.source, self.published, auditor)
        )
