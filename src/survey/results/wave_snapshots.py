"""Waves opened from the files of their responses: all rows in memory, or part by part."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlmodel import Session

from survey.compute import SharedFolder, open_engine, open_file
from survey.frame.quotas import oversampling_of
from survey.results.wave_parts import LoadedPart, MapParts, PartLoader, WaveData, WaveParts
from survey.results.wave_rules import WaveRules
from survey.settings import Settings
from survey.snapshots.response_files import ResponseFile, join_files, read_file
from survey.snapshots.seals import find_seals, read_sealed
from survey.snapshots.snapshot_files import (
    MANIFEST,
    FreezeOptions,
    SnapshotManifest,
    overlap_files,
    read_manifest,
    read_snapshot,
    read_verified,
    response_hashes,
    verify_content,
)
from survey.store.tables import Wave
from survey.waves.instruments import find_tree, load_instrument, load_tree
from survey.waves.overlap import find_overlap

MAX_ROWS_IN_MEMORY = 250_000
"""Rows of a wave that one process sums at once: some 200 MB, and no file is read twice."""
_LOCAL = "local"


MAX_KEPT_ROWS = 50_000
"""Rows of parts that a process keeps for the next pass over them: some 40 MB."""
_KEPT_PARTS: dict[tuple[str, Path], WaveData] = {}
"""Parts that this process has read and weighed."""


@dataclass(frozen=True)
class PartEngine:
    """Engine that maps a function over parts of a wave, and the folder its workers read from."""

    map: MapParts
    shared: SharedFolder | None = None
    """None: the workers see the data folder."""

    def __call__(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterable[Any]:
        """Apply the function to the items and return the results in their order."""
        return self.map(function, items)


@contextmanager
def engine_of(settings: Settings, name: str | None = None) -> Iterator[PartEngine | None]:
    """Yield the opened engine `name` (default: of the settings); None if it is this process.

    Args:
        name: another engine than that of the settings.

    Raises:
        NotFoundError: there is no engine of this name.
        FilesUnavailableError: the folder for the files of its parts cannot be used.
    """
    engine = name or settings.engine
    opened = open_engine(
        engine, python=settings.engine_python, start_seconds=settings.engine_start_seconds
    )
    with ExitStack() as stack:
        stack.enter_context(opened)
        shared = None
        if settings.engine_files and engine != _LOCAL:
            shared = stack.enter_context(SharedFolder.open(settings.engine_files))
        stack.enter_context(forgetting_parts())
        yield None if engine == _LOCAL else PartEngine(opened.map, shared)


@contextmanager
def forgetting_parts() -> Iterator[None]:
    """Clear the kept rows of parts when the block ends, to free memory."""
    try:
        yield
    finally:
        _KEPT_PARTS.clear()


def _keep_part(key: tuple[str, Path], data: WaveData) -> None:
    """Keep a part that was read; where there are too many rows, the latest ones make room.

    Parts are read in turn, pass after pass: if the oldest went, none would be there when its turn
    comes.
    """
    opened, _ = key
    for other in [other for other in _KEPT_PARTS if other[0] != opened]:
        del _KEPT_PARTS[other]
    rows = len(data.people) + sum(len(kept.people) for kept in _KEPT_PARTS.values())
    while _KEPT_PARTS and rows > MAX_KEPT_ROWS:
        rows -= len(_KEPT_PARTS.popitem()[1].people)
    _KEPT_PARTS[key] = data


@dataclass(frozen=True, eq=False)
class PartFile:
    """Loader of a part (some cities of a wave) whose rows are in a file of a snapshot."""

    path: Path
    sha256: str
    rules: WaveRules
    others_have_points: bool
    opened: str
    """Name of the opening that it belongs to, whose parts all have the same rules."""
    copy: str = field(default="", repr=False)
    """Location of the copy that the workers of an engine read instead."""

    def __call__(self) -> WaveData:
        """Read and weigh the rows. Raises as `WaveData.weigh`, and `SnapshotDamagedError`."""
        key = self.opened, self.path
        data = _KEPT_PARTS.get(key)
        if data is None:
            frame = read_file(self._read())
            data = WaveData.weigh(frame, self.rules, others_have_points=self.others_have_points)
            _keep_part(key, data)
        return data

    def _read(self) -> bytes:
        if self.copy:
            with open_file(self.copy) as file:
                return verify_content(file.read(), self.sha256, self.path.parent)
        # An error of a file, not a damaged snapshot: another worker may see the folder.
        self.path.stat()
        return read_verified(self.path, self.sha256)


def open_files(
    folder: Path,
    files: Sequence[ResponseFile],
    rules: WaveRules,
    run: MapParts | None = None,
    *,
    watch: Callable[[MapParts], MapParts] = lambda mapping: mapping,
) -> WaveParts:
    """Return a wave with responses in `files` of `folder`; `run` maps its parts, `watch` wraps it.

    Args:
        run: maps the parts of the wave; None: in this process, at once where the wave is small.
        watch: changes the mapping so that it tells what is done.

    Raises:
        As `WaveData.weigh`, and `SnapshotDamagedError`.
    """
    if run is None and sum(file.rows for file in files) <= MAX_ROWS_IN_MEMORY:
        frame = join_files([read_verified(folder / file.name, file.sha256) for file in files])
        return WaveParts.of_loaded(WaveData.weigh(frame, rules), watch(map))
    shared = run.shared if isinstance(run, PartEngine) else None
    return WaveParts.open(rules, _part_files(folder, files, rules, shared), watch(run or map))


def _part_files(
    folder: Path, files: Sequence[ResponseFile], rules: WaveRules, shared: SharedFolder | None
) -> list[PartFile]:
    have_points = any(file.with_point for file in files)
    opened = str(uuid4())
    return [
        PartFile(
            path := folder / file.name, file.sha256, rules, have_points, opened,
            copy="" if shared is None else shared.copy(path, file.sha256),
        )
        for file in files
    ]  # fmt: skip


@contextmanager
def opened_parts(session: Session, wave: Wave, folder: Path) -> Iterator[Sequence[PartLoader]]:
    """Yield loaders of a snapshot's parts of some cities each; just one if the wave is small.

    Raises:
        SnapshotDamagedError: the responses are missing or are not the ones frozen.
    """
    if sum(file.rows for file in read_manifest(folder).responses) <= MAX_ROWS_IN_MEMORY:
        yield (LoadedPart(load_wave_data(session, wave, folder)),)
        return
    _require_sealed(session, folder)
    manifest = read_manifest(folder)
    rules = load_rules(session, wave, manifest)
    with forgetting_parts():
        yield _part_files(folder, manifest.responses, rules, shared=None)


def load_wave_data(session: Session, wave: Wave, folder: Path) -> WaveData:
    """Return all rows of a wave with weights, from its snapshot in `folder`.

    Raises:
        SnapshotDamagedError: the responses are missing or are not the ones frozen.
    """
    _require_sealed(session, folder)
    manifest, frame = read_snapshot(folder)
    return WaveData.weigh(frame, load_rules(session, wave, manifest))


def open_wave(session: Session, wave: Wave, folder: Path, run: MapParts | None = None) -> WaveParts:
    """Return a wave from its snapshot in `folder`; `run` maps its parts as in `open_files`.

    Raises:
        SnapshotDamagedError: the responses are missing or are not the ones frozen.
    """
    manifest = read_manifest(folder)
    if not manifest.responses:
        return WaveParts.of_loaded(load_wave_data(session, wave, folder))
    _require_sealed(session, folder)
    opened = open_files(folder, manifest.responses, load_rules(session, wave, manifest), run)
    earlier = load_earlier_rules(session, wave, manifest)
    return open_overlap(opened, folder, manifest, earlier, run)


def open_overlap(
    wave: WaveParts,
    folder: Path,
    manifest: SnapshotManifest,
    rules: WaveRules | None,
    run: MapParts | None = None,
) -> WaveParts:
    """Return `wave` with the interviews of its overlap by their `rules`, where there are any."""
    files = overlap_files(manifest)
    if rules is None or not files:
        return wave
    return replace(wave, earlier=open_files(folder, files, rules, run))


def _require_sealed(session: Session, folder: Path) -> None:
    """Raise `SnapshotDamagedError` if manifest or responses do not match their recorded hashes."""
    seals = find_seals(session, f"{folder.parent.name}/{folder.name}")
    read_sealed(folder / MANIFEST, seals)
    manifest = read_manifest(folder)
    overlap = [file.name for file in overlap_files(manifest)]
    for name in (*response_hashes(folder, manifest), *overlap):
        read_sealed(folder / name, seals)


def load_earlier_rules(
    session: Session, wave: Wave, options: FreezeOptions | SnapshotManifest
) -> WaveRules | None:
    """Return the rules of the interviews of a wave's overlap; None if it declared none."""
    overlap = find_overlap(session=session, wave_id=wave.id)
    if overlap is None:
        return None
    instrument = load_instrument(session=session, instrument_id=overlap.instrument_id)
    return WaveRules.of(
        series=wave.series,
        instrument=instrument,
        tree=find_tree(session=session, name=instrument.tree),
        composite=wave.composite,
        oversampling=oversampling_of(session=session, wave_id=wave.id),
        options=FreezeOptions(without_point=options.without_point),
    )


def load_rules(
    session: Session, wave: Wave, options: FreezeOptions | SnapshotManifest
) -> WaveRules:
    """Return the rules of a stored wave with the options of a freeze. Raises as `WaveRules.of`."""
    return WaveRules.of(
        series=wave.series,
        instrument=load_instrument(session=session, instrument_id=wave.instrument_id),
        tree=load_tree(session=session, tree_id=wave.tree_id) if wave.tree_id else None,
        composite=wave.composite,
        oversampling=oversampling_of(session=session, wave_id=wave.id),
        options=options,
    )
