"""Computing the tables of frozen waves anew, for example after an update of the software.

The responses stay as they were frozen, and so do the snapshot, its fingerprint and the wave's
state: only what is computed from them is written again.
"""

from datetime import datetime
from pathlib import Path

from sqlmodel import Session, col, select

from survey.access.audit import record
from survey.access.principal import Action, Principal
from survey.publish.results.pairs import write_changes
from survey.publish.results.store import METHOD, NothingFrozen, nothing_frozen, read_method
from survey.publish.results.stored import stored_source
from survey.publish.results.tables import write_tables
from survey.settings import Settings
from survey.snapshot import SnapshotDamaged
from survey.store.tables import Snapshot, Wave


def outdated_waves(settings: Settings, session: Session) -> list[str]:
    """Keys of the waves whose tables are missing or were computed by another version."""
    return [
        wave.key
        for wave, snapshot in _newest(session)
        if not _is_current(settings.snapshot_dir / snapshot.directory)
    ]


def recompute_wave(
    settings: Settings, session: Session, *, wave_key: str, actor: Principal, now: datetime
) -> None:
    """Write every table of the wave's newest snapshot again.

    Raises:
        NothingFrozen: the wave has no snapshot. SnapshotDamaged: its responses are not those that
        were frozen.
    """
    actor.require(Action.ADMINISTER)
    found = next((pair for pair in _newest(session) if pair[0].key == wave_key), None)
    if found is None:
        raise NothingFrozen(nothing_frozen(wave_key))
    wave, snapshot = found
    folder = settings.snapshot_dir / snapshot.directory
    source = stored_source(session, wave, folder)
    write_tables(folder, source)
    write_changes(
        settings, session, wave=wave, folder=folder, sha256=snapshot.sha256, source=source
    )
    record(
        session=session, actor=actor, action="wave.recomputed", subject_kind="wave",
        subject_id=wave.id, now=now, detail={"sha256": snapshot.sha256},
    )  # fmt: skip


def _newest(session: Session) -> list[tuple[Wave, Snapshot]]:
    """Every wave that was frozen, with its newest snapshot, the oldest wave first."""
    query = (
        select(Wave, Snapshot)
        .join(Snapshot, col(Snapshot.wave_id) == col(Wave.id))
        .order_by(col(Wave.year), col(Wave.key), col(Snapshot.created_at))
    )
    return list({wave.key: (wave, snapshot) for wave, snapshot in session.exec(query)}.values())


def _is_current(folder: Path) -> bool:
    try:
        read_method(folder / METHOD)
    except SnapshotDamaged:
        return False
    return True
