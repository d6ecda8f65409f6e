"""What a freeze takes from the store, in one view of it: responses as files, rules and manifest."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from sqlmodel import Session

from survey.access.principal import Principal
from survey.access.roles import Action
from survey.access.work import Work
from survey.fieldwork.importing.target_wave import list_files_with_weights
from survey.fieldwork.progress.dispositions import Dispositions
from survey.fieldwork.progress.wave_progress import count_dispositions
from survey.fieldwork.waves import COMPUTED_STATES, require_transition
from survey.locale import labels_of
from survey.results.freeze_basis import FreezeBasis
from survey.results.freeze_progress import FreezeStage, FreezeTick, ignore_progress
from survey.results.group_questions import declared_items
from survey.results.public_cells import PublicCells, read_public_cells
from survey.results.response_source import ResponseSource
from survey.results.wave_rules import WaveRules
from survey.results.wave_snapshots import MAX_ROWS_IN_MEMORY, load_rules
from survey.settings import Settings
from survey.snapshot.response_files import ResponseFile, hash_of_files, plan_files
from survey.snapshot.response_frame import FREEZABLE
from survey.snapshot.snapshot_files import (
    SnapshotManifest,
    WeightFile,
    WithoutPoint,
    write_responses,
)
from survey.snapshot.unfinished_files import UnfinishedFiles
from survey.store.tables import Wave, WaveState


@dataclass(frozen=True)
class SnapshotOptions:
    """Decisions about the freeze of a wave."""

    final: bool = False
    release: bool = False
    without_point: WithoutPoint = WithoutPoint.REFUSE
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class WaveReading:
    """A wave as it was read, with its responses in the files of a draft folder."""

    wave: Wave
    actor: Principal
    basis: FreezeBasis
    rules: WaveRules
    folder: Path
    manifest: SnapshotManifest
    attempts: Dispositions
    public: PublicCells | None = None
    """Cells of the wave that readers have seen; None if none of it was public."""


def read_wave(
    settings: Settings,
    session: Session,
    *,
    wave: Wave,
    responses: ResponseSource,
    actor: Principal,
    options: SnapshotOptions,
    folder: Path,
    tick: FreezeTick = ignore_progress,
) -> WaveReading:
    """Read everything that the tables of a wave are computed from.

    Args:
        folder: draft that the files of the responses are written to.

    Raises:
        As `freeze_wave` does for what is wrong with the responses, the rules or the state.
    """
    actor.require(Action.ADMINISTER)
    now = datetime.now(UTC)
    final = is_final(wave, asked=options.final)
    responses.require_freezable(wave, options.without_point)
    rules = load_rules(session, wave, options.without_point, options.groups)
    # Before the rows: where the store offers no single view, a change meanwhile is still noticed.
    work = Work(session, actor, now, settings)
    basis = FreezeBasis.read(work, wave, responses, final=final)
    files = tuple(_write_files(settings, wave, responses, folder, tick))
    manifest = _build_manifest(
        wave, rules, files, final=final, left_out=basis.left_out, now=now
    ).model_copy(update=_describe_given_weights(session, wave, responses))
    # Those of provisional results are no part of the basis.
    attempts = basis.attempts or count_dispositions(work, wave.id)
    public = read_public_cells(settings, session, wave)
    return WaveReading(wave, actor, basis, rules, folder, manifest, attempts, public)


def is_final(wave: Wave, *, asked: bool) -> bool:
    """Return whether a snapshot is the wave's last.

    Raises:
        RefusedError: a last one is asked for while the wave still collects.
    """
    if wave.state in COMPUTED_STATES:
        return True
    if asked:
        require_transition(wave, WaveState.FROZEN)
    return asked


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


def _build_manifest(
    wave: Wave,
    rules: WaveRules,
    files: tuple[ResponseFile, ...],
    *,
    final: bool,
    left_out: tuple[str, ...],
    now: datetime,
) -> SnapshotManifest:
    instrument, tree = rules.instrument, rules.declared_tree
    return SnapshotManifest(
        wave=wave.key,
        series=wave.series,
        year=wave.year,
        title=labels_of(wave, "title"),
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
        frozen_at=now,
    )


def _describe_given_weights(
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
