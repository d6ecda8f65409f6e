"""Computing the tables of frozen waves anew, for example after an update of the software.

The responses stay as they were frozen, and so do the snapshot, its fingerprint and the wave's
state: only what is computed from them is written again.
"""

from datetime import datetime

from sqlmodel import Session

from survey.access.audit import record
from survey.access.principal import Action, Principal
from survey.results.change_files import write_changes
from survey.results.table_versions import newest_snapshots
from survey.results.tables import write_tables
from survey.results.wave_data import load_wave_data
from survey.results.wave_results import SnapshotNotFoundError, no_snapshot_error
from survey.settings import Settings
from survey.snapshot.seals import SEAL, SnapshotDraft, read_sealed
from survey.snapshot.snapshot_files import RESPONSES
from survey.store.audit_events import AuditEvent


def recompute_wave(
    settings: Settings, session: Session, *, wave_key: str, actor: Principal, now: datetime
) -> None:
    """Write every table of the wave's newest snapshot again.

    Raises:
        SnapshotNotFoundError: the wave has no snapshot. SnapshotDamaged: its responses are not
        those that
        were frozen.
    """
    actor.require(Action.ADMINISTER)
    newest = next((pair for pair in newest_snapshots(session) if pair[0].key == wave_key), None)
    if newest is None:
        raise SnapshotNotFoundError(no_snapshot_error(wave_key))
    wave, snapshot = newest
    folder = settings.snapshot_dir / snapshot.directory
    source = load_wave_data(session, wave, folder)
    draft = SnapshotDraft(settings, session)
    write_tables(folder, source, draft, settings.audit_seconds)
    write_changes(
        settings, session, wave=wave, folder=folder, sha256=snapshot.sha256, source=source,
        draft=draft,
    )  # fmt: skip
    draft.keep(folder / RESPONSES, read_sealed(folder / RESPONSES, None))
    seal = draft.seal(whole=folder, actor=actor, now=now)
    record(
        session=session, actor=actor, event=AuditEvent.WAVE_RECOMPUTED,
        subject_id=wave.id, now=now, detail={"sha256": snapshot.sha256, SEAL: seal},
    )  # fmt: skip
    draft.install()
