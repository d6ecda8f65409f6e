"""Audit of a frozen wave: the bounds that its published counts put on each hidden one."""

from dataclasses import dataclass
from io import BytesIO

import pandas as pd
from sqlmodel import Session

from survey.access.principal import Principal
from survey.access.roles import Action
from survey.access.work import Work
from survey.disclosure import IntervalAuditor
from survey.results.disclosure_inputs import audited_cells
from survey.results.snapshots import CELLS, get_current_snapshots
from survey.results.tables import audit_work_limit
from survey.results.wave_parts import WaveParts
from survey.results.wave_snapshots import open_wave
from survey.results.whole_audits import CountAudit, identify_cells, record_audit
from survey.settings import Settings
from survey.snapshot.seals import open_seals
from survey.store.tables import Snapshot, Wave, now


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
