"""Files of changes: each pair of snapshots has its own, in the folder of the one frozen last.

A wave may have two snapshots that count: the newest, and the one of the release that stands, which
readers see until a correction is published. The changes of all their pairs are computed when a wave
is frozen. So publishing a correction, or taking it back, computes nothing: readers open another
pair. A freeze writes into its own folder alone: nothing of a correction lies in a folder that
readers see before its minute, and the seals of other waves stay.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO
from pathlib import Path

import pandas as pd
from sqlmodel import Session

from survey.disclosure import CELL_KEYS
from survey.estimate.arrays import release_freed_memory
from survey.results.analysis import NotEstimableError
from survey.results.changes import (
    OUTDATED,
    WavesNotComparableError,
    build_change_table,
    estimate_changes,
)
from survey.results.public_cells import PublicCells, join_public_cells, list_public_snapshots
from survey.results.snapshots import CELLS, list_changes_paths, list_current_snapshots
from survey.results.wave_parts import MapParts, WaveParts
from survey.results.wave_snapshots import open_wave
from survey.settings import Settings
from survey.snapshots.seals import SnapshotDraft, find_seals
from survey.snapshots.snapshot_files import MANIFEST, SnapshotDamagedError, parquet_bytes
from survey.store.tables import Snapshot, Wave

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class ComparedSnapshot:
    """Snapshot of a wave with its responses, from which changes between waves are estimated."""

    wave: Wave
    folder: Path
    source: WaveParts
    frozen_at: datetime | None = None
    """None while it is being frozen."""

    @property
    def order(self) -> tuple[int, str]:
        return self.wave.year, self.wave.key


def write_changes(
    settings: Settings,
    session: Session,
    mine: ComparedSnapshot,
    draft: SnapshotDraft,
    run: MapParts | None = None,
) -> None:
    """Add to `draft` the changes between the snapshot `mine` and each other wave of its series.

    Waves that cannot be compared are left out; the page says why.
    """
    for other in _iter_other_snapshots(settings, session, mine.wave, run):
        before, after = sorted((mine, other), key=lambda compared: compared.order)
        path = _find_path(mine, other)
        try:
            table = _build_table(settings, session, before, after, draft)
        except WavesNotComparableError as error:
            _LOG.info("%s and %s are not compared: %s", before.wave.key, after.wave.key, error)
            if path.exists():
                draft.remove(path)
        else:
            draft.write(path, parquet_bytes(table))


@dataclass(frozen=True)
class SeriesNeighbour:
    """Current snapshot of another wave of the series: its folder, and hashes to notice changes."""

    wave: str
    directory: str
    sha256: str
    manifest_sha256: str | None
    """Seal of its manifest, which names the seals of all its files; None without seals."""


def list_neighbours(session: Session, wave: Wave) -> tuple[SeriesNeighbour, ...]:
    """Return the current snapshots of all other waves of the series, which changes depend on.

    A recomputation keeps the responses and may change any table. Even where it keeps the cells, its
    files are in place a moment before their seals, and until then nothing is computed from them.
    """
    return tuple(
        SeriesNeighbour(
            other.key,
            snapshot.directory,
            snapshot.sha256,
            (find_seals(session, snapshot.directory) or {}).get(MANIFEST),
        )
        for other, snapshot in list_current_snapshots(session, wave.series)
        if other.key != wave.key
    )


def _iter_other_snapshots(
    settings: Settings, session: Session, wave: Wave, run: MapParts | None
) -> Iterator[ComparedSnapshot]:
    """Yield newest and shown snapshot of each other wave of the series; `run` maps their parts."""
    current = list_current_snapshots(session, wave.series)
    for other, snapshot in sorted(current, key=lambda pair: pair[0].key):
        if other.key == wave.key:
            continue
        folder = settings.snapshot_dir / snapshot.directory
        try:
            source = open_wave(session, other, folder, run)
        except (SnapshotDamagedError, NotEstimableError) as error:
            _LOG.warning("%s is left out of the comparisons: %s", other.key, error)
            continue
        yield ComparedSnapshot(other, folder, source, snapshot.created_at)


def _find_path(mine: ComparedSnapshot, other: ComparedSnapshot) -> Path:
    """Return the path of two snapshots' changes: an existing file, else in the later folder."""
    before, after = sorted((mine, other), key=lambda compared: compared.order)
    paths = list_changes_paths(before.folder, after.folder)
    for path in paths:
        if path.exists():
            return path
    assert other.frozen_at is not None
    is_last = mine.frozen_at is None or mine.frozen_at >= other.frozen_at
    last = mine if is_last else other
    return next(path for path in paths if path.parent == last.folder)


def _build_table(
    settings: Settings,
    session: Session,
    before: ComparedSnapshot,
    after: ComparedSnapshot,
    draft: SnapshotDraft,
) -> pd.DataFrame:
    wave_changes = estimate_changes(before.source, after.source)
    release_freed_memory()
    cells = [_read_cells(session, draft, compared.folder) for compared in (before, after)]
    return build_change_table(
        wave_changes,
        before_cells=cells[0],
        after_cells=cells[1],
        before_wave=before.wave.key,
        public=_read_public_changes(settings, session, before, after, draft),
    )


def _read_cells(session: Session, draft: SnapshotDraft, folder: Path) -> pd.DataFrame:
    columns = ["area_level", "area", "group", "indicator", "n", "shown", "reason"]
    try:
        return pd.read_parquet(BytesIO(draft.read(session, folder / CELLS)), columns=columns)
    except SnapshotDamagedError as error:
        raise WavesNotComparableError(OUTDATED) from error


def _read_public_changes(
    settings: Settings,
    session: Session,
    before: ComparedSnapshot,
    after: ComparedSnapshot,
    draft: SnapshotDraft,
) -> PublicCells | None:
    """Return changes that older public snapshots of both waves showed, read by `draft`; else None.

    None if there are none. What cannot be read any more is left out and named in the log.
    """
    older = [_list_older_folders(settings, session, each) for each in (before, after)]
    tables = []
    for first in older[0]:
        for second in older[1]:
            if (first, second) == (before.folder, after.folder):
                continue
            path = next(filter(Path.exists, list_changes_paths(first, second)), None)
            if path is None:
                continue
            try:
                content = draft.read(session, path)
            except SnapshotDamagedError as error:
                _LOG.warning("what %s hid is not known any more: %s", path.name, error)
                continue
            tables.append(pd.read_parquet(BytesIO(content), columns=[*CELL_KEYS, "shown"]))
    return replace(join_public_cells(tables), hides_added=True) if tables else None


def _list_older_folders(
    settings: Settings, session: Session, compared: ComparedSnapshot
) -> list[Path]:
    """Return folders of a wave's public snapshots not newer than `compared`, and that one's."""

    def is_older(snapshot: Snapshot) -> bool:
        return compared.frozen_at is None or snapshot.created_at <= compared.frozen_at

    public = list_public_snapshots(session, compared.wave)
    if not public:
        return []
    folders = [settings.snapshot_dir / each.directory for each in filter(is_older, public)]
    return list(dict.fromkeys([*folders, compared.folder]))
