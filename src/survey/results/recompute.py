"""Recomputation of the tables of frozen waves, and of what of them is published.

The responses stay as they were frozen, and so do the snapshot, its fingerprint and the wave's
state: only what is computed from them is written again.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from io import BytesIO

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlmodel import Session

from survey.access.roles import Action
from survey.access.work import Work
from survey.locale import ConflictError, msg
from survey.results.change_files import ComparedSnapshot, write_changes
from survey.results.error_evidence import collect_error_evidence
from survey.results.method import find_fieldwork, protect_fieldwork
from survey.results.method_sheets import KEYS as SHEET_KEYS
from survey.results.method_sheets import SHEETS
from survey.results.public_cells import PublicCells, read_public_cells
from survey.results.snapshots import (
    CELLS,
    DRIVERS,
    GAPS,
    HEADLINES,
    METHOD,
    RANKS,
    SMALL_AREAS,
    changes_file,
    find_altered_tables,
    get_current_snapshots,
    list_published_snapshots,
    list_shown_snapshots,
)
from survey.results.table_columns import TEXTS, to_published_table
from survey.results.tables import write_tables
from survey.results.wave_snapshots import open_wave
from survey.results.whole_audits import record_whole_audit
from survey.review.progress.wave_progress import count_dispositions
from survey.settings import Settings
from survey.snapshots.seals import SEAL, SnapshotDraft, find_seals, read_sealed
from survey.snapshots.snapshot_files import (
    SnapshotDamagedError,
    content_sha256,
    overlap_files,
    read_manifest,
    response_hashes,
)
from survey.store.audit_events import AuditEvent
from survey.store.tables import Snapshot, Wave, WaveState
from survey.waves.waves import lock_series

FIGURES: Mapping[str, tuple[str, ...]] = {
    CELLS: ("estimate", "ci_low", "ci_high", "n"),
    GAPS: ("difference", "ci_low", "ci_high", "n", "verdict"),
    RANKS: ("rank", "low", "high"),
    DRIVERS: ("importance", "importance_low", "importance_high", "agreement", "priority"),
    SMALL_AREAS: ("model", "model_low", "model_high"),
    HEADLINES: ("estimate", "ci_low", "ci_high", "n"),
    **{sheet.file: tuple(sheet.columns) for sheet in SHEETS.values()},
}
"""Columns that files of a release print, by table."""
CHANGES = ("difference", "ci_low", "ci_high", "n_after", "verdict")
"""The same of the changes from another wave."""
_KEYS = (*SHEET_KEYS, "contrast", "basis", "composite")


def require_same_figures(settings: Settings, session: Session, draft: SnapshotDraft) -> None:
    """Raise `ConflictError` if `draft` would change a figure, as printed, of a published release.

    To be called before the draft is sealed: what was published is known by the seals until then.

    Raises:
        ConflictError: a published figure would change or vanish; or a table of them
            was lost, and the draft does not restore its bytes.
    """
    changes = {
        changes_file(wave.key, snapshot.directory): CHANGES
        for wave, snapshot in list_shown_snapshots(session)
        if wave.state is WaveState.RELEASED
    }
    for publication, snapshot in list_published_snapshots(session):
        release = publication.key
        seals = find_seals(session, snapshot.directory) or {}
        folder = settings.snapshot_dir / snapshot.directory
        for name, columns in {**FIGURES, **changes}.items():
            if name not in seals or not draft.replaces(folder / name):
                continue
            after = draft.find_new(folder / name)
            if after is not None and content_sha256(after) == seals[name]:
                continue
            try:
                before = read_sealed(folder / name, seals)
            except SnapshotDamagedError as error:
                raise ConflictError(
                    "published_figures_changed",
                    msg(
                        "Nothing was written: {file} of the published release {release} was "
                        "changed or lost, and this version does not make the same file again. "
                        "Restore it from a backup.",
                        file=name,
                        release=release,
                    ),
                ) from error
            _compare(before, after, columns, release)


def _compare(before: bytes, after: bytes | None, columns: Sequence[str], release: str) -> None:
    """Raise `ConflictError`, naming `release`, if figures in `columns` differ in `after`."""
    old = _read_printed(before, columns)
    new = old.iloc[:0] if after is None else _read_printed(after, columns)
    keys = [name for name in _KEYS if name in old and name in new]
    joined = old.merge(new, on=keys, how="left", suffixes=("", "_after"), validate="1:1")
    is_changed = np.zeros(len(joined), dtype=bool)
    for name in columns:
        if name in old:
            is_changed |= ~_is_same(joined, name)
    if is_changed.any():
        first = joined[is_changed].iloc[0]
        raise ConflictError(
            "published_figures_changed",
            msg(
                "Nothing was written: {count} figures of the published release {release} would "
                "change, the first at {place}. Freeze the wave again and publish a correction, "
                "which shows before and after.",
                count=int(is_changed.sum()),
                release=release,
                place=" · ".join(str(first[name]) for name in keys),
            ),
        )


def _read_printed(table: bytes, columns: Sequence[str]) -> pd.DataFrame:
    """Return keys and rounded figures of a Parquet table, without rows that have no figure."""
    frame = pd.read_parquet(BytesIO(table))
    wanted = {*_KEYS, *columns, "shown", "reason"}
    printed = to_published_table(frame[[name for name in frame if name in wanted]])
    keys = [name for name in _KEYS if name in printed]
    printed[keys] = printed[keys].astype(str)
    figures = [name for name in columns if name in printed]
    has_figure = printed[[name for name in figures if name not in TEXTS]].notna().any(axis=1)
    return printed.loc[has_figure, [*keys, *figures]]


def _is_same(joined: pd.DataFrame, name: str) -> NDArray[np.bool_]:
    """Return a mask of rows in which columns `name` and `name_after` are equal or both null."""
    before = joined[name].astype(object)
    after = joined.get(f"{name}_after", pd.Series(np.nan, index=joined.index)).astype(object)
    same: NDArray[np.bool_] = ((before == after) | (before.isna() & after.isna())).to_numpy(bool)
    return same


_LOG = logging.getLogger(__name__)


def list_altered_tables(work: Work, *, wave_key: str) -> tuple[str, ...]:
    """Return the names of a wave's results files that were changed after they had been sealed.

    `recompute_wave` replaces them.

    Raises:
        SnapshotNotFoundError: the wave has no snapshot.
    """
    work.require(Action.ADMINISTER)
    _, snapshots = get_current_snapshots(work.session, wave_key)
    altered = (
        find_altered_tables(work.settings, work.session, each.directory) for each in snapshots
    )
    return tuple(sorted({name for names in altered for name in names}))


def recompute_wave(work: Work, *, wave_key: str) -> None:
    """Compute and write all tables of a wave's newest snapshot again; locks the series.

    So are those of the snapshot that readers see, where a release shows an older one.

    Raises:
        ConflictError: a figure of a release that stands would change.
        SnapshotNotFoundError: the wave has no snapshot.
        SnapshotDamagedError: its responses are not those that were frozen.
    """
    work.require(Action.ADMINISTER)
    wave, _ = get_current_snapshots(work.session, wave_key)
    # A freeze that ends meanwhile would leave changes of two versions in the folders of the series.
    lock_series(session=work.session, series=wave.series)
    wave, snapshots = get_current_snapshots(work.session, wave_key)
    # What a release shows comes first: it alone may be refused, with nothing in place yet.
    for snapshot in reversed(snapshots):
        # In place before the next one is computed, which compares files with their new seals.
        _draft_tables(work, wave, snapshot).install()


def _draft_tables(work: Work, wave: Wave, snapshot: Snapshot) -> SnapshotDraft:
    """Compute a snapshot's tables as a draft and record their hashes in the audit trail."""
    altered = find_altered_tables(work.settings, work.session, snapshot.directory)
    for name in altered:
        _LOG.warning(
            "%s of %s was changed after it was sealed; it is computed again", name, wave.key
        )
    folder = work.settings.snapshot_dir / snapshot.directory
    source = open_wave(work.session, wave, folder)
    # Counted at the freeze: retention deletes later what the attempts are counted from.
    fieldwork = (
        protect_fieldwork(
            source.facts.modes,
            count_dispositions(work, wave.id),
            collect_error_evidence(work, wave),
        )
        if METHOD in altered
        else find_fieldwork(folder / METHOD)
    )
    source = replace(source, fieldwork=fieldwork)
    draft = SnapshotDraft(work.settings)
    public = _find_public_cells(work.settings, work.session, wave)
    write_tables(folder, source, draft, work.settings.audit_seconds, public)
    mine = ComparedSnapshot(wave, folder, source, snapshot.created_at)
    write_changes(work.settings, work.session, mine, draft)
    manifest = read_manifest(folder)
    overlap = {file.name: file.sha256 for file in overlap_files(manifest)}
    for name, sha256 in (response_hashes(folder, manifest) | overlap).items():
        draft.keep(folder / name, sha256)
    require_same_figures(work.settings, work.session, draft)
    seal = draft.seal(work.session, whole=folder, actor=work.principal, now=work.now)
    work.record(AuditEvent.WAVE_RECOMPUTED, wave.id, {"sha256": snapshot.sha256, SEAL: seal})
    record_whole_audit(work, wave, snapshot, draft.find_new(folder / METHOD))
    return draft


def _find_public_cells(settings: Settings, session: Session, wave: Wave) -> PublicCells | None:
    """Return the cells of a wave that readers have seen; None if there are none or all are lost.

    Lost ones are what is to be made again. Cells that nobody has seen are hidden where they would
    be told: an update must not leave a wave without tables.
    """
    try:
        public = read_public_cells(settings, session, wave)
    except SnapshotDamagedError as error:
        _LOG.warning("what was hidden in %s is not known: %s", wave.key, error)
        return None
    return None if public is None else replace(public, hides_added=True)
