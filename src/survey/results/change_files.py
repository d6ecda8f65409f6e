"""Files with the changes between the waves of a series, written when one is frozen.

The file lies with the later wave and is named by the earlier snapshot, so that a change computed
from an older snapshot is never read.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pandas as pd
from sqlmodel import Session

from survey.results.analysis import NotEstimableError
from survey.results.changes import (
    OUTDATED,
    WavesNotComparableError,
    build_change_table,
    estimate_changes,
)
from survey.results.snapshots import CELLS, changes_file, list_newest_snapshots
from survey.results.wave_data import WaveData, load_wave_data
from survey.settings import Settings
from survey.snapshot.seals import SnapshotDraft
from survey.snapshot.snapshot_files import SnapshotDamagedError, parquet_bytes
from survey.store.tables import Wave

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class _FrozenSnapshot:
    """Snapshot of a wave with the data of its tables."""

    wave: str
    order: tuple[int, str]
    sha256: str
    folder: Path
    source: WaveData


def write_changes(
    settings: Settings,
    session: Session,
    *,
    wave: Wave,
    folder: Path,
    sha256: str,
    source: WaveData,
    draft: SnapshotDraft,
) -> None:
    """Draft every change in which the snapshot in `folder` is the earlier or the later wave.

    Waves that cannot be compared are left out; the page says why.
    """
    mine = _FrozenSnapshot(wave.key, (wave.year, wave.key), sha256, folder, source)
    for other in _iter_other_waves(settings, session, wave):
        before, after = sorted((mine, other), key=lambda frozen: frozen.order)
        try:
            _write_change_table(before, after, draft)
        except WavesNotComparableError as error:
            _LOG.info("%s and %s are not compared: %s", before.wave, after.wave, error)
            _remove_change_files(draft, after.folder, before.wave)


def _iter_other_waves(
    settings: Settings, session: Session, wave: Wave
) -> Iterator[_FrozenSnapshot]:
    """Yield the newest snapshot of every other wave of the series."""
    newest = list_newest_snapshots(session, wave.series)
    for other, snapshot in sorted(newest, key=lambda pair: pair[0].key):
        if other.key == wave.key:
            continue
        folder = settings.snapshot_dir / snapshot.directory
        try:
            source = load_wave_data(session, other, folder)
        except (SnapshotDamagedError, NotEstimableError) as error:
            _LOG.warning("%s is left out of the comparisons: %s", other.key, error)
            continue
        yield _FrozenSnapshot(other.key, (other.year, other.key), snapshot.sha256, folder, source)


def _write_change_table(
    before: _FrozenSnapshot, after: _FrozenSnapshot, draft: SnapshotDraft
) -> None:
    wave_changes = estimate_changes(before.source, after.source)
    cells = [_read_cells(draft, frozen.folder) for frozen in (before, after)]
    table = build_change_table(
        wave_changes, before_cells=cells[0], after_cells=cells[1], before_wave=before.wave
    )
    _remove_change_files(
        draft, after.folder, before.wave, but=changes_file(before.wave, before.sha256)
    )
    draft.write(after.folder / changes_file(before.wave, before.sha256), parquet_bytes(table))


def _read_cells(draft: SnapshotDraft, folder: Path) -> pd.DataFrame:
    columns = ["area_level", "area", "group", "indicator", "n", "shown", "reason"]
    try:
        return pd.read_parquet(BytesIO(draft.read(folder / CELLS)), columns=columns)
    except SnapshotDamagedError as error:
        raise WavesNotComparableError(OUTDATED) from error


def _remove_change_files(draft: SnapshotDraft, folder: Path, before: str, but: str = "") -> None:
    """Remove the changes computed from older snapshots of the earlier wave."""
    for path in folder.glob(changes_file(before, "?" * 12)):
        if path.name != but:
            draft.remove(path)
