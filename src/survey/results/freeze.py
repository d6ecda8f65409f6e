"""Freezing of a wave: from responses to a snapshot, and from it to protected tables.

Reading and computing take minutes and hold no lock. A short transaction then checks that what was
read still holds, and registers the snapshot.
"""

from collections.abc import Callable, Sequence
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
from survey.results.change_files import SeriesNeighbour, list_neighbours, write_changes
from survey.results.freeze_reading import (
    AnswersConflictError,
    FreezeBasis,
    FreezeStage,
    FreezeTick,
    SnapshotOptions,
    WaveConflictError,
    WaveReading,
    ignore_progress,
    is_final,
    read_wave,
    report_parts,
)
from survey.results.freeze_registration import (
    confirm_freeze,
    register_snapshot,
    require_freeze_confirmable,
)
from survey.results.method import protect_fieldwork
from survey.results.snapshots import (
    METHOD,
    get_newest_snapshot,
    open_loaded_responses,
    open_stored_responses,
)
from survey.results.tables import write_tables
from survey.results.wave_parts import MapParts, WaveParts
from survey.results.wave_snapshots import engine_of, open_files
from survey.results.whole_audits import record_whole_audit
from survey.settings import Settings
from survey.snapshots.seals import SnapshotDraft
from survey.snapshots.snapshot_files import (
    MANIFEST,
    UnfinishedFiles,
    WithoutPoint,
    find_free_folder,
    install_snapshot,
    remove_on_failure,
    snapshot_draft,
)
from survey.store.engine import read_scope
from survey.store.tables import Snapshot, Wave
from survey.store.transactions import (
    RowsLockedError,
    read_in_snapshot,
    run_in_transaction,
    translate_lock_errors,
)
from survey.waves.lifecycle import lock_responses
from survey.waves.waves import get_wave, lock_series, require_answers_present

MAX_READINGS = 2
"""Times that a wave is read and computed while it keeps changing."""
MAX_COMPARISONS = 5
"""Times that the changes are computed while other waves of the series are being frozen."""
LOCK_PAUSE_SECONDS = 2.0
"""Between two attempts to lock the series: whoever waits for one of its waves comes first."""


class FrozenWave(BaseModel):
    """Result of a freeze."""

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
    final: bool = False,
    release: bool = False,
    without_point: WithoutPoint = WithoutPoint.REFUSE,
    groups: Sequence[str] = (),
    engine: str | None = None,
    tick: FreezeTick = ignore_progress,
) -> FrozenWave:
    """Freeze the approved responses of a wave and compute every protected cell.

    A provisional snapshot may be made again and again. With `final`, the responses become frozen
    and so does the wave; with `release` as well, every reader sees the names and scores of all
    cities. A wave that is frozen or released stays so. `groups` are questions of the form whose
    answers make further groups. `engine` sums the parts of the wave instead of the engine of the
    settings; the figures are the same. `tick` is told every part that is done, and stops the freeze
    by raising an error; what a large wave had read is kept for the next freeze.

    Interviews go on being handed in and reviewed meanwhile. Final results that no longer hold all
    of them are computed once more.

    Raises:
        RefusedError: no approved responses.
        NotEstimableError: margins that cannot be met.
        RefusedError: a question in `groups` cannot make any.
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
    options = SnapshotOptions(final, release, without_point, tuple(groups))
    with engine_of(settings, engine) as run:
        for _ in range(MAX_READINGS - 1):
            try:
                return _freeze_once(settings, wave_key, actor, options, run, tick)
            except (AnswersConflictError, WaveConflictError):
                # Read again as it is now.
                continue
        return _freeze_once(settings, wave_key, actor, options, run, tick)


def freeze_frame(
    settings: Settings,
    session: Session,
    *,
    wave: Wave,
    frame: pd.DataFrame,
    actor: Principal,
    final: bool = False,
    release: bool = False,
    without_point: WithoutPoint = WithoutPoint.REFUSE,
    groups: Sequence[str] = (),
    run: MapParts | None = None,
) -> FrozenWave:
    """Freeze responses that were read already, as `response_frame` returns them.

    All of it is done in the transaction of `session`.

    Args:
        run: maps the parts of the wave; None: in this process, at once where the wave is small.
    """
    actor.require(Action.ADMINISTER)
    options = SnapshotOptions(final, release, without_point, tuple(groups))
    with remove_on_failure() as made, snapshot_draft(settings.snapshot_dir, wave.key) as folder:
        reading = read_wave(
            settings,
            session,
            wave=wave,
            responses=open_loaded_responses(frame),
            actor=actor,
            options=options,
            folder=folder,
        )
        computed = _ComputedWave.of(settings, reading, run)
        draft, _ = computed.draft_changes(settings, session)
        work = Work(session, actor, datetime.now(UTC), settings)
        return computed.install(work, wave, draft, options, made)


def _freeze_once(
    settings: Settings,
    wave_key: str,
    actor: Principal,
    options: SnapshotOptions,
    run: MapParts | None,
    tick: FreezeTick,
) -> FrozenWave:
    """Read, compute and register a wave.

    Raises:
        AnswersConflictError, WaveConflictError: what was read no longer holds.
    """

    def read(session: Session) -> WaveReading:
        wave = get_wave(session=session, key=wave_key)
        if is_final(wave, asked=options.final):
            require_answers_present(session=session, wave_id=wave.id)
        require_freeze_confirmable(settings, session, wave, actor, options)
        return read_wave(
            settings,
            session,
            wave=wave,
            responses=open_stored_responses(session, wave),
            actor=actor,
            options=options,
            folder=folder,
            tick=tick,
        )

    with snapshot_draft(settings.snapshot_dir, wave_key) as folder:
        computed = _ComputedWave.of(settings, read_in_snapshot(settings.store_url, read), run, tick)
        for _ in range(MAX_COMPARISONS):
            frozen = _register(settings, computed, actor, options, tick)
            if frozen is not None:
                UnfinishedFiles(settings.snapshot_dir, wave_key).remove()
                return frozen
    raise WaveConflictError(wave_key)


def _register(
    settings: Settings,
    computed: "_ComputedWave",
    actor: Principal,
    options: SnapshotOptions,
    tick: FreezeTick,
) -> FrozenWave | None:
    """Register a computed wave; None if other results of the series have come meanwhile.

    Raises:
        AnswersConflictError, WaveConflictError: what was read no longer holds.
        RowsLockedError: another transaction held a wave of the series all the time.
    """
    draft, neighbours = read_in_snapshot(
        settings.store_url, lambda session: computed.draft_changes(settings, session)
    )

    def register(session: Session) -> FrozenWave | None:
        work = Work(session, actor, datetime.now(UTC), settings)
        with translate_lock_errors():
            wave = _lock_wave_to_freeze(work, computed.reading, options)
        if list_neighbours(session, wave) != neighbours:
            return None
        confirm_freeze(settings, session, wave, actor, options)
        return computed.install(work, wave, draft, options, made)

    with remove_on_failure(partial(_may_be_registered, settings)) as made:
        return _wait_for_series(
            lambda: run_in_transaction(settings.store_url, register, long_running=True),
            settings.database_patient_timeout,
            tick,
        )


def _may_be_registered(settings: Settings, folder: Path) -> bool:
    """Return whether the store names the folder of a snapshot, or cannot be asked."""
    directory = str(folder.relative_to(settings.snapshot_dir))
    names = select(Snapshot.id).where(Snapshot.directory == directory).limit(1)
    try:
        with read_scope(settings.store_url) as session:
            return session.exec(names).first() is not None
    except SQLAlchemyError:
        return True


def _wait_for_series(
    register: Callable[[], FrozenWave | None], patience: float, tick: FreezeTick
) -> FrozenWave | None:
    """Register again and again while the rows of the series are locked.

    An import or an archive of another wave holds it for minutes, and what waits here was minutes of
    work. One long wait would hold the waves that were locked first.
    """
    latest = monotonic() + patience
    while True:
        try:
            return register()
        except RowsLockedError:
            if monotonic() >= latest:
                raise
            # Registering is no part of the figures; the freeze can still be cancelled.
            tick(FreezeStage.COMPUTING, 1, 1)
            sleep(LOCK_PAUSE_SECONDS)


def _lock_wave_to_freeze(work: Work, reading: WaveReading, options: SnapshotOptions) -> Wave:
    """Lock the series, and the responses if none may change, and require what was read.

    Raises:
        AnswersConflictError, WaveConflictError: what was read no longer holds.
    """
    session = work.session
    lock_series(session=session, series=reading.manifest.series)
    wave = get_wave(session=session, key=reading.manifest.wave)
    final = is_final(wave, asked=options.final)
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
    """A wave with its tables, of which nothing is registered yet."""

    reading: WaveReading
    source: WaveParts
    tables: SnapshotDraft
    folder: Path
    """Where its files will lie."""
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
        """Compute every table but the changes."""
        manifest, files = reading.manifest, reading.manifest.responses
        folder = find_free_folder(reading.folder, manifest)
        source = open_files(
            reading.folder,
            files,
            reading.rules,
            run,
            watch=lambda mapping: report_parts(mapping, tick, len(files)),
        )
        source = source.with_fieldwork(protect_fieldwork(source.facts.modes, reading.attempts))
        tables = SnapshotDraft(settings)
        for file in files:
            tables.keep(folder / file.name, file.sha256)
        tables.write(folder / MANIFEST, manifest.model_dump_json().encode())
        cells, hidden = write_tables(folder, source, tables, settings.audit_seconds, reading.public)
        return cls(reading, source, tables, folder, cells, hidden, run)

    def draft_changes(
        self, settings: Settings, session: Session
    ) -> tuple[SnapshotDraft, tuple[SeriesNeighbour, ...]]:
        """Return all files with the changes from and to the other waves, and what these are."""
        draft = self.tables.copy()
        wave = self.reading.wave
        neighbours = list_neighbours(session, wave)
        write_changes(
            settings,
            session,
            wave=wave,
            folder=self.folder,
            frozen_at=None,
            source=self.source,
            draft=draft,
            run=self.run,
        )
        release_freed_memory()
        return draft, neighbours

    def install(
        self,
        work: Work,
        wave: Wave,
        draft: SnapshotDraft,
        options: SnapshotOptions,
        made: list[Path],
    ) -> FrozenWave:
        """Register the snapshot and move its files into place, the last act before the commit.

        Args:
            made: receives the new folder, see `remove_on_failure`.
        """
        manifest, session = self.reading.manifest, work.session
        register_snapshot(
            work,
            wave,
            manifest,
            folder=self.folder.relative_to(self.folder.parent.parent),
            seal=draft.seal(session, whole=self.folder, actor=work.principal, now=work.now),
            options=options,
        )
        session.flush()
        _, snapshot = get_newest_snapshot(session, wave.key)
        record_whole_audit(work, wave, snapshot, draft.find_new(self.folder / METHOD))
        install_snapshot(self.reading.folder, manifest, self.folder, made)
        draft.install()
        return FrozenWave(
            wave=wave.key,
            rows=manifest.rows,
            cities=manifest.cities,
            cells=self.cells,
            hidden=self.hidden,
            sha256=manifest.responses_sha256,
            directory=str(self.folder.relative_to(self.folder.parent.parent)),
            without_point=self.source.facts.without_point,
        )
