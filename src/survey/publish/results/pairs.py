"""Pairs of waves: when one is frozen, its change against every other of its series is written.

The file lies with the later wave and is named by the earlier snapshot, so that a change computed
from an older snapshot is never read.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pandas as pd
from sqlmodel import Session, col, select

from survey.publish.results.analysis import NotEstimable
from survey.publish.results.changes import OUTDATED, NotComparable, changes, judged
from survey.publish.results.source import Source
from survey.publish.results.store import CELLS, changes_file
from survey.publish.results.stored import stored_source
from survey.settings import Settings
from survey.snapshot.files import SnapshotDamaged, parquet_bytes
from survey.snapshot.seals import SnapshotDraft
from survey.store.tables import Snapshot, Wave

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class _Frozen:
    """A snapshot with its tables."""

    wave: str
    order: tuple[int, str]
    sha256: str
    folder: Path
    source: Source


def write_changes(
    settings: Settings,
    session: Session,
    *,
    wave: Wave,
    folder: Path,
    sha256: str,
    source: Source,
    draft: SnapshotDraft,
) -> None:
    """Draft every change that the snapshot in `folder` takes part in, as the earlier wave or as
    the later one. Waves that cannot be compared are left out; the page says why."""
    mine = _Frozen(wave.key, (wave.year, wave.key), sha256, folder, source)
    for other in _others(settings, session, wave):
        before, after = sorted((mine, other), key=lambda frozen: frozen.order)
        try:
            _write(before, after, draft)
        except NotComparable as error:
            _LOG.info("%s and %s are not compared: %s", before.wave, after.wave, error)
            _forget(draft, after.folder, before.wave)


def _others(settings: Settings, session: Session, wave: Wave) -> Iterator[_Frozen]:
    """The newest snapshot of every other wave of the series."""
    query = (
        select(Wave, Snapshot)
        .join(Snapshot, col(Snapshot.wave_id) == col(Wave.id))
        .where(Wave.series == wave.series, Wave.id != wave.id)
        .order_by(col(Wave.key), col(Snapshot.created_at).desc())
    )
    seen: set[str] = set()
    for other, snapshot in session.exec(query):
        if other.key in seen:
            continue
        seen.add(other.key)
        folder = settings.snapshot_dir / snapshot.directory
        try:
            source = stored_source(session, other, folder)
        except (SnapshotDamaged, NotEstimable) as error:
            _LOG.warning("%s is left out of the comparisons: %s", other.key, error)
            continue
        yield _Frozen(other.key, (other.year, other.key), snapshot.sha256, folder, source)


def _write(before: _Frozen, after: _Frozen, draft: SnapshotDraft) -> None:
    wave_changes = changes(before.source, after.source)
    cells = [_cells(draft, frozen.folder) for frozen in (before, after)]
    table = judged(
        wave_changes, before_cells=cells[0], after_cells=cells[1], before_wave=before.wave
    )
    _forget(draft, after.folder, before.wave, but=changes_file(before.wave, before.sha256))
    draft.write(after.folder / changes_file(before.wave, before.sha256), parquet_bytes(table))


def _cells(draft: SnapshotDraft, folder: Path) -> pd.DataFrame:
    columns = ["area_level", "area", "group", "indicator", "n", "shown", "reason"]
    try:
        return pd.read_parquet(BytesIO(draft.read(folder / CELLS)), columns=columns)
    except SnapshotDamaged as error:
        raise NotComparable(OUTDATED) from error


def _forget(draft: SnapshotDraft, folder: Path, before: str, but: str = "") -> None:
    """Remove what was computed from older snapshots of the earlier wave."""
    for path in folder.glob(changes_file(before, "?" * 12)):
        if path.name != but:
            draft.remove(path)
