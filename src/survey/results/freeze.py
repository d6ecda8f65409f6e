"""Freezing of a wave: its responses are read and summed, its tables protected, and all is written.

The first three take minutes and hold no lock. A short transaction then checks that what was read
still holds, and registers the snapshot.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import monotonic, sleep

import pandas as pd
from pydantic import BaseModel, ConfigDict
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, select

from survey.access.principal import Principal
from survey.access.roles import Action
from survey.access.work import Work
from survey.estimate.arrays import release_freed_memory
from survey.results.change_files import (
    ComparedSnapshot,
    SeriesNeighbour,
    list_neighbours,
    write_changes,
)
from survey.results.freeze_reading import (
    AnswersConflictError,
    FreezeBasis,
    FreezeStage,
    FreezeTick,
    WaveConflictError,
    WaveReading,
    ignore_progress,
    is_final,
    read_wave,
    report_parts,
)
from survey.results.method import protect_fieldwork
from survey.results.release import apply_release, release_request_options, require_no_announcement
from survey.results.snapshots import (
    METHOD,
    get_newest_snapshot,
    open_loaded_responses,
    open_stored_responses,
)
from survey.results.tables import write_tables
from survey.results.wave_parts import MapParts
from survey.results.wave_snapshots import engine_of, open_files, open_overlap
from survey.results.whole_audits import record_whole_audit
from survey.settings import Settings
from survey.snapshots.seals import SEAL, SnapshotDraft
from survey.snapshots.snapshot_files import (
    DEFAULT_OPTIONS,
    MANIFEST,
    FreezeOptions,
    UnfinishedFiles,
    find_free_folder,
    install_snapshot,
    overlap_files,
    remove_on_failure,
    snapshot_draft,
)
from survey.store.audit_events import AuditEvent
from survey.store.engine import read_scope
from survey.store.tables import Shown, Snapshot, Wave, WaveAct, WaveState
from survey.store.transactions import (
    RowsLockedError,
    read_in_snapshot,
    run_in_transaction,
    translate_lock_errors,
)
from survey.waves.lifecycle import freeze_approved, lock_responses
from survey.waves.planning.wave_requests import confirm_act, require_confirmable
from survey.waves.waves import (
    COMPUTED_STATES,
    get_wave,
    lock_series,
    require_answers_present,
    require_transition,
)

MAX_READINGS = 2
"""Times that a wave is read and computed while it keeps changing."""
MAX_COMPARISONS = 5
"""Times that the changes are computed while other waves of the series are being frozen."""
LOCK_PAUSE_SECONDS = 2.0
"""Between two attempts to lock the series: whoever waits for one of its waves comes first."""


class FrozenWave(BaseModel):
    """Result of a freeze: counts, hash of the responses and folder of the new snapshot."""

    model_config = ConfigDict(frozen=True)

    wave: str
    rows: int
    cities: int
    cells: int
    hidden: int
    sha256: str
    directory: str
    without_point: int = 0
    """Interviews without a sampling point, counted as a stratum of their own."""


def freeze_wave(
    settings: Settings,
    *,
    wave_key: str,
    actor: Principal,
    options: FreezeOptions = DEFAULT_OPTIONS,
    engine: str | None = None,
    tick: FreezeTick = ignore_progress,
) -> FrozenWave:
    """Freeze a wave as a snapshot, summed by the engine of name `engine`; `tick` gets the progress.

    A provisional snapshot may be made again and again. With the option `final`, the responses
    become frozen and so does the wave; with `release` as well, every reader sees the names and
    scores of all cities. A wave that is frozen or released stays so. `engine` sums the parts of the
    wave instead of the engine of the settings; the figures are the same. `tick` is told every part
    that is done, and stops the freeze by raising an error; what a large wave had read is kept for
    the next freeze.

    Interviews go on being handed in and reviewed meanwhile. Final results that no longer hold all
    of them are computed once more.

    Raises:
        RefusedError: no approved responses.
        NotEstimableError: margins that cannot be met.
        RefusedError: a question in the option `groups` cannot make any.
        RefusedError: some responses lack a sampling point, and `without_point` refuses them.
        RefusedError: some responses came with a weight and others without.
        RefusedError: a final snapshot of a wave that is still collecting.
        AnswersConflictError: interviews changed again and again in the meantime.
        WaveConflictError: the wave, or another one of its series, did.
        RefusedError: published counts would tell hidden ones too closely.
        PublicCellsConflictError: further figures would be told by those that were public.
        SecondPersonRequiredError: a final snapshot that nobody else has requested.
        RefusedError: the answers of the wave are in an archive.
        RowsLockedError: a wave of the series was locked longer than work of minutes may take.
        NotFoundError, EngineError: the engine that is not there, or lost its workers.
    """
    actor.require(Action.ADMINISTER)
    with engine_of(settings, engine) as run:
        freeze = _Freeze(settings, wave_key, actor, options, run, tick)
        for _ in range(MAX_READINGS - 1):
            try:
                return freeze.make()
            except (AnswersConflictError, WaveConflictError):
                # Read again as it is now.
                continue
        return freeze.make()


def freeze_frame(
    work: Work,
    *,
    wave: Wave,
    frame: pd.DataFrame,
    options: FreezeOptions = DEFAULT_OPTIONS,
    run: MapParts | None = None,
) -> FrozenWave:
    """Freeze the responses in `frame` as a snapshot within the transaction of `work`.

    All of it is done in the transaction of the session.

    Args:
        run: maps the parts of the wave; None: in this process, at once where the wave is small.
    """
    work.require(Action.ADMINISTER)
    folders = snapshot_draft(work.settings.snapshot_dir, wave.key)
    with remove_on_failure() as made, folders as folder:
        reading = read_wave(work, wave, open_loaded_responses(frame), options, folder)
        computed = _ComputedWave.of(work.settings, reading, run)
        draft, _ = computed.draft_changes(work.session)
        return computed.install(work, wave, draft, made)


@dataclass(frozen=True)
class _Freeze:
    """Freeze of a wave from its stored responses."""

    settings: Settings
    wave_key: str
    actor: Principal
    options: FreezeOptions
    run: MapParts | None
    tick: FreezeTick

    def make(self) -> FrozenWave:
        """Read the responses, compute the protected tables and register the snapshot.

        Raises:
            AnswersConflictError, WaveConflictError: what was read no longer holds.
        """
        with snapshot_draft(self.settings.snapshot_dir, self.wave_key) as folder:
            reading = read_in_snapshot(self.settings.store_url, partial(self._read, folder))
            computed = _ComputedWave.of(self.settings, reading, self.run, self.tick)
            for _ in range(MAX_COMPARISONS):
                frozen = self._write(computed)
                if frozen is not None:
                    UnfinishedFiles(self.settings.snapshot_dir, self.wave_key).remove()
                    return frozen
        raise WaveConflictError(self.wave_key)

    def _begin_work(self, session: Session) -> Work:
        return Work(session, self.actor, datetime.now(UTC), self.settings)

    def _read(self, folder: Path, session: Session) -> WaveReading:
        wave, work = get_wave(session=session, key=self.wave_key), self._begin_work(session)
        if is_final(wave, asked=self.options.final):
            require_answers_present(session=session, wave_id=wave.id)
        # What the confirmation would raise: nobody shall wait for minutes until then.
        before = None
        for act, details in _list_acts(session, wave, self.options).items():
            require_confirmable(work, wave=wave, act=act, options=details, after=before)
            before = act
        responses = open_stored_responses(session, wave)
        return read_wave(work, wave, responses, self.options, folder, self.tick)

    def _write(self, computed: "_ComputedWave") -> FrozenWave | None:
        """Register a computed wave and return it; None if other waves' results changed meanwhile.

        Raises:
            AnswersConflictError, WaveConflictError: what was read no longer holds.
            RowsLockedError: another transaction held a wave of the series all the time.
        """
        draft, neighbours = read_in_snapshot(self.settings.store_url, computed.draft_changes)

        def register(session: Session) -> FrozenWave | None:
            work = self._begin_work(session)
            with translate_lock_errors():
                wave = _lock_wave_to_freeze(work, computed.reading)
            if list_neighbours(session, wave) != neighbours:
                return None
            # A released wave that is frozen again takes a second person as well, see `_list_acts`.
            for act, details in _list_acts(session, wave, self.options).items():
                confirm_act(work, wave=wave, act=act, options=details)
            return computed.install(work, wave, draft, made)

        with remove_on_failure(partial(_may_be_registered, self.settings)) as made:
            return self._wait_for_series(
                lambda: run_in_transaction(self.settings.store_url, register, long_running=True)
            )

    def _wait_for_series(self, register: Callable[[], FrozenWave | None]) -> FrozenWave | None:
        """Return what `register` returns; retry it while database rows of the series are locked.

        An import or an archive of another wave holds it for minutes, and what waits here was
        minutes of work. One long wait would hold the waves that were locked first.
        """
        latest = monotonic() + self.settings.database_patient_timeout
        while True:
            try:
                return register()
            except RowsLockedError:
                if monotonic() >= latest:
                    raise
                # Registering is no part of the figures; the freeze can still be cancelled.
                self.tick(FreezeStage.COMPUTING, 1, 1)
                sleep(LOCK_PAUSE_SECONDS)


def _list_acts(
    session: Session, wave: Wave, options: FreezeOptions
) -> dict[WaveAct, Mapping[str, object]]:
    """Return the acts (freeze, release) to confirm for this freeze, with the options of each."""
    acts: dict[WaveAct, Mapping[str, object]] = {}
    if options.final and wave.state not in COMPUTED_STATES:
        require_transition(wave, WaveState.FROZEN)
        acts[WaveAct.FREEZE] = options.as_request()
    if wave.state is WaveState.RELEASED:
        # Every reader sees the new figures.
        acts[WaveAct.FREEZE] = options.as_request()
    if options.release and wave.state is not WaveState.RELEASED:
        require_no_announcement(session, wave)
        acts[WaveAct.RELEASE] = release_request_options(Shown.SCORES, None)
    return acts


def _may_be_registered(settings: Settings, folder: Path) -> bool:
    """Return whether a snapshot's folder is registered in the store; True if the store fails."""
    directory = str(folder.relative_to(settings.snapshot_dir))
    names = select(Snapshot.id).where(Snapshot.directory == directory).limit(1)
    try:
        with read_scope(settings.store_url) as session:
            return session.exec(names).first() is not None
    except SQLAlchemyError:
        return True


def _lock_wave_to_freeze(work: Work, reading: WaveReading) -> Wave:
    """Lock the rows of series and, if final, responses; raise an error if changed since `reading`.

    Raises:
        AnswersConflictError, WaveConflictError: what was read no longer holds.
    """
    session = work.session
    lock_series(session=session, series=reading.manifest.series)
    wave = get_wave(session=session, key=reading.manifest.wave)
    final = is_final(wave, asked=reading.options.final)
    if final:
        require_answers_present(session=session, wave_id=wave.id)
        lock_responses(session=session, wave_id=wave.id)
    reading.basis.require_same(
        FreezeBasis.read(
            # Links expire: the moment of the freeze is the same for both readings.
            replace(work, now=reading.manifest.frozen_at),
            wave,
            open_stored_responses(session, wave),
            final=final,
        )
    )
    return wave


@dataclass(frozen=True)
class _ComputedWave:
    """A wave with computed tables that is not yet registered in the store."""

    settings: Settings
    reading: WaveReading
    snapshot: ComparedSnapshot
    """The wave as it was summed, and the folder in which its files will lie."""
    tables: SnapshotDraft
    cells: int
    hidden: int
    run: MapParts | None

    @classmethod
    def of(
        cls,
        settings: Settings,
        reading: WaveReading,
        run: MapParts | None,
        tick: FreezeTick = ignore_progress,
    ) -> "_ComputedWave":
        """Compute the tables, but for changes, of the wave in `reading`; `run` maps its parts."""
        manifest, files = reading.manifest, reading.manifest.responses
        folder = find_free_folder(reading.folder, manifest)
        source = open_files(
            reading.folder,
            files,
            reading.rules,
            run,
            watch=lambda mapping: report_parts(mapping, tick, len(files)),
        )
        source = open_overlap(source, reading.folder, manifest, reading.earlier_rules, run)
        fieldwork = protect_fieldwork(source.facts.modes, reading.attempts, reading.errors)
        source = replace(source, fieldwork=fieldwork)
        tables = SnapshotDraft(settings)
        for file in (*files, *overlap_files(manifest)):
            tables.keep(folder / file.name, file.sha256)
        tables.write(folder / MANIFEST, manifest.model_dump_json().encode())
        cells, hidden = write_tables(folder, source, tables, settings.audit_seconds, reading.public)
        snapshot = ComparedSnapshot(reading.wave, folder, source)
        return cls(settings, reading, snapshot, tables, cells, hidden, run)

    def draft_changes(self, session: Session) -> tuple[SnapshotDraft, tuple[SeriesNeighbour, ...]]:
        """Return a draft of all files, changes between waves included, and the waves compared."""
        draft = self.tables.copy()
        neighbours = list_neighbours(session, self.reading.wave)
        write_changes(self.settings, session, self.snapshot, draft, self.run)
        release_freed_memory()
        return draft, neighbours

    def install(self, work: Work, wave: Wave, draft: SnapshotDraft, made: list[Path]) -> FrozenWave:
        """Register the snapshot and move the files of `draft` into place, just before the commit.

        Args:
            made: receives the new folder, see `remove_on_failure`.
        """
        manifest, session, folder = self.reading.manifest, work.session, self.snapshot.folder
        directory = str(folder.relative_to(folder.parent.parent))
        seal = draft.seal(session, whole=folder, actor=work.principal, now=work.now)
        register_snapshot(work, wave, self.reading, directory=directory, seal=seal)
        session.flush()
        _, snapshot = get_newest_snapshot(session, wave.key)
        record_whole_audit(work, wave, snapshot, draft.find_new(folder / METHOD))
        install_snapshot(self.reading.folder, manifest, folder, made)
        draft.install()
        return FrozenWave(
            wave=wave.key,
            rows=manifest.rows,
            cities=manifest.cities,
            cells=self.cells,
            hidden=self.hidden,
            sha256=manifest.responses_sha256,
            directory=directory,
            without_point=self.snapshot.source.facts.without_point,
        )


def register_snapshot(
    work: Work, wave: Wave, reading: WaveReading, *, directory: str, seal: str
) -> None:
    """Store and audit a snapshot in folder `directory` of hash `seal`; if final, freeze its wave.

    Args:
        directory: folder below that of all snapshots.
        seal: hash of all its files.
    """
    work.require(Action.ADMINISTER)
    manifest, release = reading.manifest, reading.options.release
    work.session.add(
        Snapshot(
            wave_id=wave.id,
            final=manifest.final,
            sha256=manifest.responses_sha256,
            directory=directory,
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
        # One state after the other, as the database demands.
        work.session.add(wave)
        if wave.state is WaveState.CLOSED:
            wave.state = WaveState.FROZEN
            work.session.flush()
        if release and wave.state is WaveState.FROZEN:
            work.require(Action.RELEASE)
            apply_release(work, wave, Shown.SCORES, None)
    work.record(
        AuditEvent.WAVE_SNAPSHOT,
        wave.id,
        {
            "sha256": manifest.responses_sha256,
            SEAL: seal,
            "final": manifest.final,
            "release": release,
            "from": before,
            "to": str(wave.state),
            **declared,
        },
    )
