"""A freeze file by file: by another engine, told part by part, cut off, and gone on with."""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import text

from survey.access.principal import OPERATOR
from survey.compute import FilesUnavailableError, SharedFolder
from survey.operations.data_folder import check_snapshots
from survey.results.freeze import FrozenWave, freeze_wave
from survey.results.freeze_reading import FreezeCancelledError, FreezeStage
from survey.results.snapshots import list_newest_snapshots
from survey.results.wave_snapshots import PartEngine, forgetting_parts, open_wave
from survey.settings import Settings
from survey.snapshots.snapshot_files import (
    UNFINISHED,
    SnapshotDamagedError,
    read_snapshot,
    remove_old_unfinished,
    write_responses,
)
from survey.store.engine import dispose_engines, read_scope, session_scope
from survey.store.tables import Snapshot
from tests.error_codes import raises_code

WAVE = "main-2024"


@pytest.fixture
def settings(frozen_few_cities: Path, tmp_path: Path) -> Iterator[Settings]:
    """A copy of a small wave that was frozen once, so that every freeze finds its folder."""
    shutil.copytree(frozen_few_cities, tmp_path, dirs_exist_ok=True)
    yield Settings(database_url="", data_dir=tmp_path)
    dispose_engines()


def tables(settings: Settings, frozen: FrozenWave | Snapshot) -> dict[str, bytes]:
    folder = settings.snapshot_dir / frozen.directory
    return {path.name: path.read_bytes() for path in folder.glob("*.parquet")}


def tables_at_once(settings: Settings) -> dict[str, bytes]:
    """Tables of the snapshot that was there before, of the whole wave at once."""
    with read_scope(settings.store_url) as session:
        ((_, known),) = list_newest_snapshots(session)
        return tables(settings, known)


def folders(settings: Settings) -> list[str]:
    """What lies beside the snapshot that was there before."""
    with read_scope(settings.store_url) as session:
        ((_, known),) = list_newest_snapshots(session)
    found = {
        str(path.relative_to(settings.snapshot_dir)) for path in settings.snapshot_dir.glob("*/*")
    }
    assert known.directory in found
    return sorted(name.split("/")[1] for name in found - {known.directory})


@pytest.mark.slow
def test_every_engine_gives_the_same_files(settings: Settings) -> None:
    """Whole waves at once, file by file in this process, and in two processes."""
    at_once = tables_at_once(settings)
    assert len([name for name in at_once if name.startswith("responses-")]) > 20
    for engine in ("local:2",):
        frozen = freeze_wave(settings, wave_key=WAVE, actor=OPERATOR, engine=engine)
        assert tables(settings, frozen) == at_once, engine


@pytest.mark.slow
def test_copies_for_workers_are_gone_after_the_freeze(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shared = tmp_path_factory.mktemp("shared folder")
    apart = settings.model_copy(update={"engine_files": shared.as_uri()})
    at_once = tables_at_once(settings)
    seen: set[str] = set()

    def watch(stage: FreezeStage, done: int, _total: int) -> None:
        seen.update(path.name for path in shared.glob("*/*.parquet"))
        if stage is FreezeStage.COMPUTING and done == 3:
            raise FreezeCancelledError

    with pytest.raises(FreezeCancelledError):
        freeze_wave(apart, wave_key=WAVE, actor=OPERATOR, engine="local:2", tick=watch)
    assert len(seen) > 20
    assert list(shared.iterdir()) == []
    frozen = freeze_wave(apart, wave_key=WAVE, actor=OPERATOR, engine="local:2")
    assert list(shared.iterdir()) == []
    assert tables(settings, frozen) == at_once


@pytest.mark.slow
@pytest.mark.usefixtures("large")
def test_workers_read_copies_and_no_others(settings: Settings) -> None:
    with read_scope(settings.store_url) as session:
        ((wave, known),) = list_newest_snapshots(session)
        folder = settings.snapshot_dir / known.directory
        whole = [part() for part in open_wave(session, wave, folder).parts]
        with SharedFolder.open((settings.data_dir / "shared").as_uri()) as shared:
            source = open_wave(session, wave, folder, PartEngine(map, shared))
            for path in folder.glob("responses-*.parquet"):
                path.unlink()
            for part, data in zip(source.parts, whole, strict=True):
                pd.testing.assert_frame_equal(part().people, data.people)
            (first, *_) = (settings.data_dir / "shared").glob("*/*.parquet")
            first.write_bytes(b"another wave")
            with forgetting_parts():
                pass
            with pytest.raises(SnapshotDamagedError):
                [part() for part in source.parts]


@pytest.mark.slow
def test_a_folder_for_copies_that_is_away_is_said_before_anything_is_read(
    settings: Settings,
) -> None:
    away = settings.model_copy(update={"engine_files": "gopher://host/waves"})
    with pytest.raises(FilesUnavailableError):
        freeze_wave(away, wave_key=WAVE, actor=OPERATOR, engine="local:2")
    assert folders(settings) == []


@pytest.mark.slow
def test_an_unknown_engine_is_said_before_anything_is_read(settings: Settings) -> None:
    with raises_code("engine_unknown"):
        freeze_wave(settings, wave_key=WAVE, actor=OPERATOR, engine="cloud")
    assert folders(settings) == []


class Cancelling:
    """Cancels at a stage after some parts, and remembers what it was told."""

    def __init__(self, stage: FreezeStage | None = None, after: int = 0) -> None:
        self.stage, self.after = stage, after
        self.told: list[tuple[FreezeStage, int, int]] = []

    def __call__(self, stage: FreezeStage, done: int, total: int) -> None:
        self.told.append((stage, done, total))
        if stage is self.stage and done >= self.after:
            raise FreezeCancelledError


@pytest.mark.slow
@pytest.mark.parametrize("stage", list(FreezeStage))
def test_a_cancelled_freeze_leaves_nothing(settings: Settings, stage: FreezeStage) -> None:
    with pytest.raises(FreezeCancelledError):
        freeze_wave(settings, wave_key=WAVE, actor=OPERATOR, tick=Cancelling(stage, 1))
    assert folders(settings) == []


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every wave is a large one."""
    for module in ("freeze_reading", "wave_snapshots"):
        monkeypatch.setattr(f"survey.results.{module}.MAX_ROWS_IN_MEMORY", 0)


@pytest.mark.slow
@pytest.mark.usefixtures("large")
def test_a_large_wave_goes_on_from_the_files_that_were_finished(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FreezeCancelledError):
        freeze_wave(
            settings, wave_key=WAVE, actor=OPERATOR, tick=Cancelling(FreezeStage.READING, 5)
        )
    assert folders(settings) == [UNFINISHED]
    kept = settings.snapshot_dir / WAVE / UNFINISHED
    names = sorted(path.name for path in kept.glob("*.parquet"))
    assert len(names) == 5
    assert [finding.passed for finding in check_snapshots(settings)] == [True, True]
    (kept / names[0]).write_bytes(b"half a file")
    with session_scope(settings.store_url) as session:
        city = names[1].removeprefix("responses-")[:2]
        session.connection().execute(
            text(
                "UPDATE response SET status = 'city_approved', lock_version = lock_version + 1 "
                "WHERE id = (SELECT id FROM response WHERE status = 'approved' "
                "AND city_code LIKE :city LIMIT 1)"
            ),
            {"city": f"{city}%"},
        )
    dispose_engines()
    written: list[str] = []
    write = write_responses

    def counting(draft: Path, name: str, frame):  # type: ignore[no-untyped-def]
        written.append(name)
        return write(draft, name, frame)

    monkeypatch.setattr("survey.results.freeze_reading.write_responses", counting)
    watch = Cancelling()
    frozen = freeze_wave(settings, wave_key=WAVE, actor=OPERATOR, tick=watch)
    assert not set(names[2:]) & set(written), "what fits is not read again"
    assert {names[0], names[1]} <= set(written), (
        "neither a damaged file nor a changed city is taken"
    )
    assert not kept.exists()
    stages = {stage for stage, _, _ in watch.told}
    assert stages == set(FreezeStage)
    assert all(done <= total for _, done, total in watch.told)
    resumed = tables(settings, frozen)
    again = freeze_wave(settings, wave_key=WAVE, actor=OPERATOR)
    assert tables(settings, again) == resumed
    monkeypatch.undo()
    assert tables(settings, freeze_wave(settings, wave_key=WAVE, actor=OPERATOR)) == resumed
    _, rows = read_snapshot(settings.snapshot_dir / frozen.directory)
    assert len(rows) == frozen.rows


@pytest.mark.slow
@pytest.mark.usefixtures("large")
def test_what_nobody_goes_on_with_is_removed_after_a_day(settings: Settings) -> None:
    with pytest.raises(FreezeCancelledError):
        freeze_wave(
            settings, wave_key=WAVE, actor=OPERATOR, tick=Cancelling(FreezeStage.READING, 2)
        )
    assert remove_old_unfinished(settings.snapshot_dir) == 0
    yesterday = time.time() - 25 * 3600
    for path in (settings.snapshot_dir / WAVE / UNFINISHED).iterdir():
        os.utime(path, (yesterday, yesterday))
    assert remove_old_unfinished(settings.snapshot_dir) == 4, "two files and what is said of them"
    assert folders(settings) == []
