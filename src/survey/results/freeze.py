"""Freezing of a wave: from responses to a snapshot, and from it to protected tables."""

from collections.abc import Sequence
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
from survey.fieldwork.importing.target_wave import list_files_with_weights
from survey.fieldwork.instruments import load_instrument, load_tree
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
from survey.results.group_questions import declared_items
from survey.results.release import apply_release, release_request_options, require_no_announcement
from survey.results.tables import write_tables
from survey.results.wave_data import WaveData
from survey.results.wave_parts import WaveParts
from survey.results.wave_rules import WaveRules
from survey.sample.special_groups import oversampling_of
from survey.settings import Settings
from survey.snapshot.response_frame import FREEZABLE, response_frame
from survey.snapshot.seals import SEAL, SnapshotDraft
from survey.snapshot.snapshot_files import (
    MANIFEST,
    RESPONSES,
    SnapshotManifest,
    WeightFile,
    WithoutPoint,
    content_sha256,
    parquet_bytes,
    remove_on_failure,
    write_snapshot,
)
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


class NoApprovedResponsesError(SurveyError):
    """Raised when a wave has no approved response."""

    code = "nothing_to_freeze"


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
) -> FrozenWave:
    """Freeze the approved responses of a wave and compute every protected cell.

    A provisional snapshot may be made again and again. With `final`, the responses become frozen
    and so does the wave; with `release` as well, every reader sees the names and scores of all
    cities. A wave that is frozen or released stays so. `groups` are questions of the form whose
    answers make further groups.

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
        frame = read_freezable(session, wave)
        draft = SnapshotDraft(settings, session)
        frozen = freeze_frame(
            settings,
            session,
            wave=wave,
            frame=frame,
            actor=actor,
            final=final,
            release=release,
            without_point=without_point,
            groups=groups,
            made=made,
            draft=draft,
        )
        if wave.state in COMPUTED_STATES:
            _require_unchanged_responses(session, wave, frozen.rows)
        draft.install()
        return frozen

    with remove_on_failure() as made:
        return run_in_transaction(settings.store_url, freeze, long_running=True)


def freeze_request_options(
    without_point: WithoutPoint, groups: Sequence[str]
) -> dict[str, str | list[str]]:
    """Return the options of a freeze as a request for it keeps them."""
    return {"without_point": without_point.value, "groups": list(groups)}


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
    made: list[Path] | None = None,
    draft: SnapshotDraft | None = None,
) -> FrozenWave:
    """Freeze responses that were read already, as `response_frame` returns them.

    A new folder is put into `made`: it goes again when the caller's transaction fails, see
    `remove_on_failure`. With a `draft`, its files are the caller's to be moved into place.
    """
    actor.require(Action.ADMINISTER)
    final = _is_final(wave, asked=final)
    source = weigh_responses(session, wave, frame, without_point, groups)
    source = source.with_fieldwork(
        record_fieldwork(session, actor, wave, source.facts.modes, datetime.now(UTC))
    )
    data = parquet_bytes(frame)
    left_out = tuple(sorted(left_out_codes(session=session, wave_id=wave.id)))
    manifest = _manifest(
        wave,
        source,
        frame,
        content_sha256(data),
        final=final,
        without_point=without_point,
        left_out=left_out,
    ).model_copy(update=_given_weights_detail(session, wave, source))
    mine = draft or SnapshotDraft(settings, session)
    with remove_on_failure() as new:
        folder = write_snapshot(settings.snapshot_dir, manifest, data, new)
        mine.write(folder / RESPONSES, data)
        mine.write(folder / MANIFEST, manifest.model_dump_json().encode())
        cells, hidden = write_tables(folder, source, mine, settings.audit_seconds)
        write_changes(
            settings,
            session,
            wave=wave,
            folder=folder,
            sha256=manifest.responses_sha256,
            source=source,
            draft=mine,
        )
        directory = str(folder.relative_to(settings.snapshot_dir))
        seal = mine.seal(whole=folder, actor=actor, now=manifest.frozen_at)
        _register_snapshot(
            session, wave, manifest, directory, seal, actor, final=final, release=release
        )
        if draft is None:
            mine.install()
    if made is not None:
        made.extend(new)
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


def read_freezable(session: Session, wave: Wave) -> pd.DataFrame:
    """Return the responses that a freeze of the wave counts: none of cities that are left out."""
    return response_frame(
        session=session,
        wave_id=wave.id,
        instrument=load_instrument(session=session, instrument_id=wave.instrument_id),
        statuses=_statuses_to_freeze(wave),
        left_out=left_out_codes(session=session, wave_id=wave.id),
    )


def weigh_responses(
    session: Session,
    wave: Wave,
    frame: pd.DataFrame,
    without_point: WithoutPoint,
    groups: Sequence[str],
) -> WaveParts:
    """Return the responses of `frame` as a freeze of the wave weighs them.

    Raises:
        NoApprovedResponsesError: there is none; else as `WaveRules.of` and
            `WaveData.weigh`.
    """
    if frame.empty:
        raise NoApprovedResponsesError(
            msg("The wave {wave} has no approved response to freeze.", wave=wave.key)
        )
    rules = WaveRules.of(
        series=wave.series,
        instrument=load_instrument(session=session, instrument_id=wave.instrument_id),
        tree=load_tree(session=session, tree_id=wave.tree_id) if wave.tree_id else None,
        composite=wave.composite,
        oversampling=oversampling_of(session=session, wave_id=wave.id),
        without_point=without_point,
        groups=groups,
    )
    return WaveParts.of_loaded(WaveData.weigh(frame, rules))


def _get_wave_to_freeze(session: Session, key: str, *, final: bool) -> Wave:
    """Return the wave, locked with its responses if nothing may change while it is computed."""
    wave = get_wave(session=session, key=key)
    if not final and wave.state not in COMPUTED_STATES:
        return wave
    wave = lock_wave(session=session, key=key)
    lock_responses(session=session, wave_id=wave.id)
    return wave


def _statuses_to_freeze(wave: Wave) -> tuple[Status, ...]:
    """Return which responses are frozen; of a frozen wave those that were frozen before."""
    return (Status.FROZEN,) if wave.state in COMPUTED_STATES else FREEZABLE


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
    source: WaveParts,
    frame: pd.DataFrame,
    sha256: str,
    *,
    final: bool,
    without_point: WithoutPoint,
    left_out: tuple[str, ...],
) -> SnapshotManifest:
    instrument, tree = source.instrument, source.declared_tree
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
        without_question=source.without_question,
        rows=len(frame),
        cities=int(frame["city_code"].nunique()),
        statuses=tuple(status.value for status in FREEZABLE),
        without_point=without_point,
        groups=declared_items(source.grouping),
        left_out=left_out,
        responses_sha256=sha256,
        software=version("hundred-cities-survey"),
        frozen_at=datetime.now(UTC),
    )


def _given_weights_detail(session: Session, wave: Wave, source: WaveParts) -> dict[str, object]:
    """Return the manifest's fields about weights that came with the interviews."""
    if source.report.way != "given":
        return {}
    files = tuple(
        WeightFile(sha256=file.sha256, column=file.column)
        for file in list_files_with_weights(session=session, wave_id=wave.id)
    )
    return {"weights": source.report.way, "weight_files": files}


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
