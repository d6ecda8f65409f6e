"""Registration of a snapshot: the right to confirm it, its row, the states and the trail."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from sqlmodel import Session

from survey.access.principal import Principal
from survey.access.roles import Action
from survey.access.work import Work
from survey.results.freeze_reading import SnapshotOptions
from survey.results.release import apply_release, release_request_options, require_no_announcement
from survey.settings import Settings
from survey.snapshots.seals import SEAL
from survey.snapshots.snapshot_files import SnapshotManifest, WithoutPoint
from survey.store.audit_events import AuditEvent
from survey.store.tables import Shown, Snapshot, Wave, WaveAct, WaveState
from survey.waves.lifecycle import freeze_approved
from survey.waves.planning.wave_requests import confirm_act, require_confirmable
from survey.waves.waves import COMPUTED_STATES, require_transition


def freeze_request_options(
    without_point: WithoutPoint, groups: Sequence[str]
) -> dict[str, str | list[str]]:
    """Return the options of a freeze as a request for it keeps them."""
    return {"without_point": without_point.value, "groups": list(groups)}


def require_freeze_confirmable(
    settings: Settings, session: Session, wave: Wave, actor: Principal, options: SnapshotOptions
) -> None:
    """Raise what `confirm_freeze` would raise, and record nothing."""
    actor.require(Action.ADMINISTER)
    now, before = datetime.now(UTC), None
    for act, details in _list_acts(session, wave, options).items():
        require_confirmable(
            Work(session, actor, now, settings),
            wave=wave,
            act=act,
            options=details,
            two_people=settings.two_person_freeze,
            after=before,
        )
        before = act


def confirm_freeze(
    settings: Settings, session: Session, wave: Wave, actor: Principal, options: SnapshotOptions
) -> None:
    """Record that a second person confirms a last snapshot and its release, where that is needed.

    So it is where a released wave is frozen again.

    Raises:
        SecondPersonRequiredError, RequestConflictError: as `confirm_act` does.
        RefusedError: the wave still collects.
    """
    actor.require(Action.ADMINISTER)
    for act, details in _list_acts(session, wave, options).items():
        confirm_act(
            Work(session, actor, datetime.now(UTC), settings),
            wave=wave,
            act=act,
            options=details,
            two_people=settings.two_person_freeze,
        )


def _list_acts(
    session: Session, wave: Wave, options: SnapshotOptions
) -> dict[WaveAct, Mapping[str, object]]:
    """Return the acts that a freeze includes, with their options as they are requested."""
    acts: dict[WaveAct, Mapping[str, object]] = {}
    if options.final and wave.state not in COMPUTED_STATES:
        require_transition(wave, WaveState.FROZEN)
        acts[WaveAct.FREEZE] = freeze_request_options(options.without_point, options.groups)
    if wave.state is WaveState.RELEASED:
        # Every reader sees the new figures.
        acts[WaveAct.FREEZE] = freeze_request_options(options.without_point, options.groups)
    if options.release and wave.state is not WaveState.RELEASED:
        require_no_announcement(session, wave)
        acts[WaveAct.RELEASE] = release_request_options(Shown.SCORES, None)
    return acts


def register_snapshot(
    work: Work,
    wave: Wave,
    manifest: SnapshotManifest,
    *,
    folder: Path,
    seal: str,
    options: SnapshotOptions,
) -> None:
    """Register a snapshot in the store, and move wave and responses when it is final.

    Args:
        folder: below the folder of all snapshots.
        seal: hash of all its files.
    """
    work.require(Action.ADMINISTER)
    work.session.add(
        Snapshot(
            wave_id=wave.id,
            final=manifest.final,
            sha256=manifest.responses_sha256,
            directory=str(folder),
            rows=manifest.rows,
            created_at=manifest.frozen_at,
        )
    )
    before = str(wave.state)
    declared = {
        name: list(names)
        for name, names in (("groups", manifest.groups), ("left_out", manifest.left_out))
        if names
    }
    if manifest.final:
        if wave.state not in COMPUTED_STATES:
            freeze_approved(session=work.session, wave_id=wave.id, left_out=manifest.left_out)
        _move_to_frozen(work, wave, release=options.release)
    work.record(
        AuditEvent.WAVE_SNAPSHOT,
        wave.id,
        {
            "sha256": manifest.responses_sha256,
            SEAL: seal,
            "final": manifest.final,
            "release": options.release,
            "from": before,
            "to": str(wave.state),
            **declared,
        },
    )


def _move_to_frozen(work: Work, wave: Wave, *, release: bool) -> None:
    """Move the wave one state after the other, as the database demands."""
    work.session.add(wave)
    if wave.state is WaveState.CLOSED:
        wave.state = WaveState.FROZEN
        work.session.flush()
    if release and wave.state is WaveState.FROZEN:
        work.require(Action.RELEASE)
        apply_release(work, wave, Shown.SCORES, None)
