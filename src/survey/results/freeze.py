"""Freezing of a wave: from responses to a snapshot, and from it to protected tables."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pandas as pd
from pydantic import BaseModel, ConfigDict
from sqlalchemy import func, select
from sqlmodel import Session

from survey.access.audit import record
from survey.access.principal import Principal
from survey.access.roles import Action
from survey.fieldwork.archived_answers import require_answers_present
from survey.fieldwork.importing.target_wave import list_files_with_weights
from survey.fieldwork.lifecycle import freeze_approved, lock_responses
from survey.fieldwork.planning.left_out_cities import left_out_codes
from survey.fieldwork.planning.wave_requests import confirm_act
from survey.fieldwork.waves import (
    COMPUTED_STATES,
    get_wave,
    lock_wave,
    require_transition,
    wave_title,
)
from survey.locale import SurveyError, msg
from survey.results.changes import write_changes
from survey.results.fieldwork_record import record_fieldwork
from survey.results.freeze_progress import FreezeStage, FreezeTick, ignore_progress, report_parts
from survey.results.group_questions import declared_items
from survey.results.release import apply_release, release_request_options, require_no_announcement
from survey.results.response_source import ResponseSource, loaded_responses, stored_responses
from survey.results.tables import write_tables
from survey.results.wave_parts import MapParts
from survey.results.wave_rules import WaveRules
from survey.results.wave_snapshots import MAX_ROWS_IN_MEMORY, engine_of, load_rules, open_files
from survey.settings import Settings
from survey.snapshot.response_files import ResponseFile, hash_of_files, plan_files
from survey.snapshot.response_frame import FREEZABLE
from survey.snapshot.seals import SEAL, SnapshotDraft
from survey.snapshot.snapshot_files import (
    MANIFEST,
    SnapshotManifest,
    WeightFile,
    WithoutPoint,
    install_snapshot,
    remove_on_failure,
    snapshot_draft,
    write_responses,
)
from survey.snapshot.unfinished_files import UnfinishedFiles
from survey.store.audit_events import AuditEvent
from survey.store.tables import (
    Response,
    Shown,
    Snapshot,
    Status,
    Wave,
    WaveAct,
    WaveState,
    table_of,
)
from survey.store.transactions import run_in_transaction


class AnswersConflictError(SurveyError):
    """Raised when an interview was withdrawn after the answers had been read."""

    code = "answers_changed"


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

    Raises:
        NoApprovedResponsesError: no approved responses.
        NotEstimableError: margins that cannot be met.
        UnfitGroupError: a question in `groups` cannot make any.
        PointsMissingError: some responses lack a sampling point, and `without_point` refuses them.
        WeightsMissingError: some responses came with a weight and others without.
        WaveTransitionNotAllowedError: a final snapshot of a wave that is still collecting.
        AnswersConflictError: an interview was withdrawn in the meantime.
        NarrowIntervalError: published counts would tell hidden ones too closely.
        SecondPersonRequiredError: a final snapshot that nobody else has requested.
        AnswersArchivedError: the answers of the wave are in an archive.
        EngineUnknownError, EngineError: the engine that is not there, or lost its workers.
    """
    actor.require(Action.ADMINISTER)

    def freeze(session: Session) -> FrozenWave:
        wave = _get_wave_to_freeze(session, wave_key, final=final)
        if final and wave.state not in COMPUTED_STATES:
            require_transition(wave, WaveState.FROZEN)
            confirm_act(
                session=session,
                principal=actor,
                wave=wave,
                act=WaveAct.FREEZE,
                options=freeze_request_options(without_point, groups),
                two_people=settings.two_person_freeze,
                now=datetime.now(UTC),
            )
        if release and wave.state is not WaveState.RELEASED:
            require_no_announcement(session, wave)
            confirm_act(
                session=session,
                principal=actor,
                wave=wave,
                act=WaveAct.RELEASE,
                options=release_request_options(Shown.SCORES, None),
                two_people=settings.two_person_freeze,
                now=datetime.now(UTC),
            )
        draft = SnapshotDraft(settings, session)
        frozen = _freeze_responses(
            settings,
            session,
            wave=wave,
            responses=stored_responses(session, wave),
            actor=actor,
            options=options,
            made=made,
            draft=draft,
            run=run,
            tick=tick,
        )
        if wave.state in COMPUTED_STATES:
            _require_unchanged_responses(session, wave, frozen.rows)
        draft.install()
        UnfinishedFiles(settings.snapshot_dir, wave.key).remove()
        return frozen

    options = _FreezeOptions(final, release, without_point, tuple(groups))
    with remove_on_failure() as made, engine_of(settings, engine) as run:
        return run_in_transaction(settings.store_url, freeze, long_running=True)


def freeze_request_options(
    without_point: WithoutPoint, groups: Sequence[str]
) -> dict[str, str | list[str]]:
    """Return the options of a freeze as a request for it keeps them."""
    return {"without_point": without_point.value, "groups": list(groups)}


@dataclass(frozen=True)
class _FreezeOptions:
    final: bool = False
    release: bool = False
    without_point: WithoutPoint = WithoutPoint.REFUSE
    groups: tuple[str, ...] = ()


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

    Args:
        run: maps the parts of the wave; None: in this process, at once where the wave is small.
    """
    actor.require(Action.ADMINISTER)
    draft = SnapshotDraft(settings, session)
    with remove_on_failure() as made:
        frozen = _freeze_responses(
            settings,
            session,
            wave=wave,
            responses=loaded_responses(frame),
            actor=actor,
            options=_FreezeOptions(final, release, without_point, tuple(groups)),
            made=made,
            draft=draft,
            run=run,
        )
        draft.install()
    return frozen


def _freeze_responses(
    settings: Settings,
    session: Session,
    *,
    wave: Wave,
    responses: ResponseSource,
    actor: Principal,
    options: _FreezeOptions,
    made: list[Path],
    draft: SnapshotDraft,
    run: MapParts | None,
    tick: FreezeTick = ignore_progress,
) -> FrozenWave:
    """Write the responses and draft all tables; the new folder is put into `made`."""
    final = _is_final(wave, asked=options.final)
    responses.require_freezable(wave, options.without_point)
    rules = load_rules(session, wave, options.without_point, options.groups)
    with snapshot_draft(settings.snapshot_dir, wave.key) as folder:
        files = tuple(_write_files(settings, wave, responses, folder, tick))
        left_out = tuple(sorted(left_out_codes(session=session, wave_id=wave.id)))
        manifest = _manifest(wave, rules, files, final=final, left_out=left_out).model_copy(
            update=_given_weights_detail(session, wave, responses)
        )
        folder = install_snapshot(folder, manifest, made)
    source = open_files(
        folder, files, rules, run, watch=lambda mapping: report_parts(mapping, tick, len(files))
    )
    fieldwork = record_fieldwork(session, actor, wave, source.facts.modes, datetime.now(UTC))
    source = source.with_fieldwork(fieldwork)
    for file in files:
        draft.keep(folder / file.name, file.sha256)
    draft.write(folder / MANIFEST, manifest.model_dump_json().encode())
    cells, hidden = write_tables(folder, source, draft, settings.audit_seconds)
    write_changes(
        settings,
        session,
        wave=wave,
        folder=folder,
        sha256=manifest.responses_sha256,
        source=source,
        draft=draft,
        run=run,
    )
    directory = str(folder.relative_to(settings.snapshot_dir))
    seal = draft.seal(whole=folder, actor=actor, now=manifest.frozen_at)
    _register_snapshot(
        session, wave, manifest, directory, seal, actor, final=final, release=options.release
    )
    return FrozenWave(
        wave=wave.key,
        rows=manifest.rows,
        cities=manifest.cities,
        cells=cells,
        hidden=hidden,
        sha256=manifest.responses_sha256,
        directory=directory,
        without_point=source.facts.without_point,
    )


def _write_files(
    settings: Settings, wave: Wave, responses: ResponseSource, draft: Path, tick: FreezeTick
) -> Iterator[ResponseFile]:
    """Write the responses file by file; those of a large wave that was cut off are not read again.

    A small wave is read faster than anybody could want to go on with it.
    """
    planned = plan_files(responses.rows_of_city)
    large = responses.rows > MAX_ROWS_IN_MEMORY and responses.fingerprint is not None
    kept = UnfinishedFiles(settings.snapshot_dir, wave.key)
    for done, (name, cities) in enumerate(planned.items()):
        tick(FreezeStage.READING, done, len(planned))
        if not large or responses.fingerprint is None:
            yield write_responses(draft, name, responses.read(cities))
            continue
        fingerprint = responses.fingerprint(cities)
        file = kept.link_into(draft, name, fingerprint)
        if file is None:
            file = write_responses(draft, name, responses.read(cities))
            kept.keep(draft, file, fingerprint)
        yield file


def _get_wave_to_freeze(session: Session, key: str, *, final: bool) -> Wave:
    """Return the wave, locked with its responses if nothing may change while it is computed."""
    wave = get_wave(session=session, key=key)
    if not final and wave.state not in COMPUTED_STATES:
        return wave
    wave = lock_wave(session=session, key=key)
    require_answers_present(session=session, wave_id=wave.id)
    lock_responses(session=session, wave_id=wave.id)
    return wave


def _is_final(wave: Wave, *, asked: bool) -> bool:
    """Return whether this snapshot is the wave's last."""
    if wave.state in COMPUTED_STATES:
        return True
    if asked:
        require_transition(wave, WaveState.FROZEN)
    return asked


def _transition_to_frozen(
    session: Session, wave: Wave, actor: Principal, now: datetime, *, release: bool
) -> None:
    """Move the wave one state after the other, as the database demands."""
    session.add(wave)
    if wave.state is WaveState.CLOSED:
        wave.state = WaveState.FROZEN
        session.flush()
    if release and wave.state is WaveState.FROZEN:
        actor.require(Action.RELEASE)
        apply_release(session, wave, actor, Shown.SCORES, None, now)


def _manifest(
    wave: Wave,
    rules: WaveRules,
    files: tuple[ResponseFile, ...],
    *,
    final: bool,
    left_out: tuple[str, ...],
) -> SnapshotManifest:
    instrument, tree = rules.instrument, rules.declared_tree
    return SnapshotManifest(
        wave=wave.key,
        series=wave.series,
        year=wave.year,
        title=wave_title(wave),
        is_demo=wave.is_demo,
        final=final,
        composite=wave.composite,
        instrument=instrument.name,
        instrument_version=instrument.version,
        instrument_sha256=instrument.sha256,
        tree=tree.name if tree else None,
        tree_sha256=tree.sha256 if tree else None,
        without_question=rules.without_question,
        rows=sum(file.rows for file in files),
        cities=sum(len(file.cities) for file in files),
        statuses=tuple(status.value for status in FREEZABLE),
        without_point=rules.point_rule,
        groups=declared_items(rules.grouping),
        left_out=left_out,
        responses_sha256=hash_of_files(files),
        responses=files,
        software=version("hundred-cities-survey"),
        frozen_at=datetime.now(UTC),
    )


def _given_weights_detail(
    session: Session, wave: Wave, responses: ResponseSource
) -> dict[str, object]:
    """Return the manifest's fields about weights that came with the interviews."""
    if not responses.have_weights:
        return {}
    files = tuple(
        WeightFile(sha256=file.sha256, column=file.column)
        for file in list_files_with_weights(session=session, wave_id=wave.id)
    )
    return {"weights": "given", "weight_files": files}


def _require_unchanged_responses(session: Session, wave: Wave, rows: int) -> None:
    """Raise an error if an interview was withdrawn since the answers were read."""
    response = table_of(Response)
    query = select(func.count()).where(
        response.c.wave_id == wave.id, response.c.status == Status.FROZEN
    )
    if session.connection().execute(query).scalar_one() != rows:
        raise AnswersConflictError(
            msg("Interviews changed while the wave was being frozen. Please freeze it again.")
        )


def _register_snapshot(
    session: Session,
    wave: Wave,
    manifest: SnapshotManifest,
    directory: str,
    seal: str,
    actor: Principal,
    *,
    final: bool,
    release: bool,
) -> None:
    """Register the snapshot in the store, and move wave and responses when it is final."""
    session.add(
        Snapshot(
            wave_id=wave.id,
            final=final,
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
    if final:
        if wave.state not in COMPUTED_STATES:
            freeze_approved(session=session, wave_id=wave.id, left_out=manifest.left_out)
        _transition_to_frozen(session, wave, actor, manifest.frozen_at, release=release)
    record(
        session=session,
        actor=actor,
        event=AuditEvent.WAVE_SNAPSHOT,
        subject_id=wave.id,
        now=manifest.frozen_at,
        detail={
            "sha256": manifest.responses_sha256,
            SEAL: seal,
            "final": final,
            "release": release,
            "from": before,
            "to": str(wave.state),
            **declared,
        },
    )
