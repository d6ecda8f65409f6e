"""Recomputation of the tables of frozen waves, for example after an update.

The responses stay as they were frozen, and so do the snapshot, its fingerprint and the wave's
state: only what is computed from them is written again.
"""

import logging
from dataclasses import replace

from sqlmodel import Session

from survey.access.principal import Principal
from survey.access.roles import Action
from survey.access.work import Work
from survey.fieldwork.waves import lock_series
from survey.results.change_files import write_changes
from survey.results.fieldwork_record import find_fieldwork, record_fieldwork
from survey.results.public_cells import PublicCells, read_public_cells
from survey.results.published_figures import require_same_figures
from survey.results.snapshots import METHOD, find_altered_tables, get_current_snapshots
from survey.results.tables import write_tables
from survey.results.wave_snapshots import open_wave
from survey.results.whole_audits import record_whole_audit
from survey.settings import Settings
from survey.snapshot.seals import SEAL, SnapshotDraft
from survey.snapshot.snapshot_files import SnapshotDamagedError, read_manifest, response_hashes
from survey.store.audit_events import AuditEvent
from survey.store.tables import Snapshot, Wave

_LOG = logging.getLogger(__name__)


def list_altered_tables(
    settings: Settings, session: Session, *, wave_key: str, actor: Principal
) -> tuple[str, ...]:
    """Return the files of a wave's results that were changed after they had been sealed.

    `recompute_wave` replaces them.

    Raises:
        SnapshotNotFoundError: the wave has no snapshot.
    """
    actor.require(Action.ADMINISTER)
    _, snapshots = get_current_snapshots(session, wave_key)
    altered = (find_altered_tables(settings, session, each.directory) for each in snapshots)
    return tuple(sorted({name for names in altered for name in names}))


def recompute_wave(work: Work, *, wave_key: str) -> None:
    """Write every table of a wave's newest snapshot again; the series is locked meanwhile.

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
    """Compute and seal the tables of one snapshot."""
    altered = find_altered_tables(work.settings, work.session, snapshot.directory)
    for name in altered:
        _LOG.warning(
            "%s of %s was changed after it was sealed; it is computed again", name, wave.key
        )
    folder = work.settings.snapshot_dir / snapshot.directory
    source = open_wave(work.session, wave, folder)
    # Counted at the freeze: retention deletes later what the attempts are counted from.
    fieldwork = (
        record_fieldwork(work, wave, source.facts.modes)
        if METHOD in altered
        else find_fieldwork(folder / METHOD)
    )
    source = source.with_fieldwork(fieldwork)
    draft = SnapshotDraft(work.settings)
    public = _find_public_cells(work.settings, work.session, wave)
    write_tables(folder, source, draft, work.settings.audit_seconds, public)
    write_changes(
        work.settings,
        work.session,
        wave=wave,
        folder=folder,
        frozen_at=snapshot.created_at,
        source=source,
        draft=draft,
    )
    for name, sha256 in response_hashes(folder, read_manifest(folder)).items():
        draft.keep(folder / name, sha256)
    require_same_figures(work.settings, work.session, draft)
    seal = draft.seal(work.session, whole=folder, actor=work.principal, now=work.now)
    work.record(AuditEvent.WAVE_RECOMPUTED, wave.id, {"sha256": snapshot.sha256, SEAL: seal})
    record_whole_audit(work, wave, snapshot, draft.find_new(folder / METHOD))
    return draft


def _find_public_cells(settings: Settings, session: Session, wave: Wave) -> PublicCells | None:
    """Return the cells that readers have seen; None if there are none, or all are lost.

    Lost ones are what is to be made again. Cells that nobody has seen are hidden where they would
    be told: an update must not leave a wave without tables.
    """
    try:
        public = read_public_cells(settings, session, wave)
    except SnapshotDamagedError as error:
        _LOG.warning("what was hidden in %s is not known: %s", wave.key, error)
        return None
    return None if public is None else replace(public, hides_added=True)
