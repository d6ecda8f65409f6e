"""Which frozen waves have tables of this version; asked at every start, so it reads little."""

from sqlmodel import Session, col, select

from survey.results.table_cache import read_method
from survey.results.wave_results import METHOD
from survey.settings import Settings
from survey.snapshot.seals import open_seals
from survey.snapshot.snapshot_files import SnapshotDamagedError
from survey.store.tables import Snapshot, Wave


def outdated_waves(settings: Settings, session: Session) -> list[str]:
    """Keys of the waves whose tables are missing or were computed by another version."""
    return [
        wave.key
        for wave, snapshot in newest_snapshots(session)
        if not _is_current(settings, session, snapshot.directory)
    ]


def newest_snapshots(session: Session) -> list[tuple[Wave, Snapshot]]:
    """Every wave that was frozen, with its newest snapshot, the oldest wave first."""
    query = (
        select(Wave, Snapshot)
        .join(Snapshot, col(Snapshot.wave_id) == col(Wave.id))
        .order_by(col(Wave.year), col(Wave.key), col(Snapshot.created_at))
    )
    return list({wave.key: (wave, snapshot) for wave, snapshot in session.exec(query)}.values())


def _is_current(settings: Settings, session: Session, directory: str) -> bool:
    try:
        read_method(open_seals(settings, session, directory).folder / METHOD)
    except SnapshotDamagedError:
        return False
    return True
