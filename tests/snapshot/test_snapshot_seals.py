"""Whoever changes a file of a snapshot, or what stands beside it, is found before it is shown."""

import hashlib
import json
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from sqlmodel import col, select

from survey.access.principal import OPERATOR
from survey.compute import LocalEngine
from survey.results import list_waves, open_results
from survey.results.freeze import freeze_wave
from survey.results.recompute import recompute_wave
from survey.results.release import release_wave
from survey.results.snapshots import CELLS, changes_file, outdated_waves
from survey.results.wave_results import WaveInfo, WaveResults
from survey.settings import Settings
from survey.snapshots import seals as sealing
from survey.snapshots.response_files import hash_of_files
from survey.snapshots.seals import FILES, SEAL, find_seals, seal_of_seals
from survey.snapshots.snapshot_files import MANIFEST, SnapshotDamagedError, read_manifest
from survey.store.audit_events import AuditEvent
from survey.store.engine import dispose_engines, read_scope, session_scope
from survey.store.tables import AuditEntry, Shown, Snapshot, Wave
from tests.work_of import work_of

pytestmark = pytest.mark.slow

OLDER, WAVE = "main-2023", "main-2024"
NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture
def settings(frozen_pair: Path, tmp_path: Path) -> Iterator[Settings]:
    shutil.copytree(frozen_pair, tmp_path / "data")
    yield Settings(database_url="", data_dir=tmp_path / "data")
    dispose_engines()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "_PAUSES", (0.0,))


def info_of(settings: Settings, wave: str = WAVE) -> WaveInfo:
    with read_scope(settings.store_url) as session:
        return next(info for info in list_waves(settings, session) if info.key == wave)


def folder_of(settings: Settings, wave: str = WAVE) -> Path:
    with read_scope(settings.store_url) as session:
        query = select(Snapshot.directory).join(Wave).where(Wave.key == wave)
        return settings.snapshot_dir / session.exec(query).one()


def read_all(settings: Settings, wave: str = WAVE) -> None:
    """Whatever pages and commands read of a wave."""
    with read_scope(settings.store_url) as session:
        results = open_results(settings, session, wave)
    for read in (results.cells, results.ranks, results.headlines, results.drivers):
        read(OPERATOR)
    results.gaps(OPERATOR, contrast="rest")
    results.small_areas(OPERATOR)
    if wave == WAVE:
        results.changes(OPERATOR, before=info_of(settings, OLDER))


def read_cells(results: WaveResults) -> int:
    return len(results.cells(OPERATOR))


def add_five_points(folder: Path) -> None:
    table = pd.read_parquet(folder / CELLS)
    table.loc[(table["area"] == "110000") & (table["group"] == "all"), "estimate"] += 5
    table.to_parquet(folder / CELLS, index=False)


def recompute(settings: Settings, wave: str = WAVE) -> None:
    with session_scope(settings.store_url) as session:
        recompute_wave(work_of(session, OPERATOR, NOW, settings=settings), wave_key=wave)


def entries(settings: Settings, action: str) -> list[AuditEntry]:
    with read_scope(settings.store_url) as session:
        query = select(AuditEntry).where(AuditEntry.action == action)
        return list(session.exec(query.order_by(col(AuditEntry.sequence))))


def test_every_file_is_in_the_manifest_and_in_the_trail(settings: Settings) -> None:
    for wave in (OLDER, WAVE):
        folder = folder_of(settings, wave)
        hashes = {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()
        }
        with read_scope(settings.store_url) as session:
            assert find_seals(session, str(folder.relative_to(settings.snapshot_dir))) == hashes
        del hashes[MANIFEST]
        assert read_manifest(folder).files == hashes
        read_all(settings, wave)
        assert info_of(settings, wave).is_sealed
    # The older wave was frozen last, and has the change to the newer one in its own folder.
    sealed = entries(settings, AuditEvent.SNAPSHOT_SEALED)
    assert [entry.subject_id for entry in sealed] == [
        info_of(settings, wave).directory for wave in (WAVE, OLDER)
    ]
    assert changes_file(WAVE, info_of(settings).directory) in sealed[-1].detail[FILES]
    for entry in entries(settings, "wave.snapshot"):
        assert len(entry.detail[SEAL]) == 64


def test_five_points_more_for_beijing_are_an_error_that_names_the_file(settings: Settings) -> None:
    folder = folder_of(settings)
    add_five_points(folder)
    with pytest.raises(
        SnapshotDamagedError, match=r"The file cells\.parquet .* was changed"
    ) as raised:
        read_all(settings)
    # Officials read this on their page: the wave is named, no path of the server.
    assert f"{WAVE}/{folder.name} was changed" in str(raised.value)
    assert str(settings.data_dir) not in str(raised.value)
    recompute(settings)
    read_all(settings)


@pytest.mark.parametrize("name", ["ranks.parquet", "method.json", MANIFEST, "changes"])
def test_every_other_file_is_held_against_its_seal(settings: Settings, name: str) -> None:
    folder = folder_of(settings)
    if name == "changes":
        folder = folder_of(settings, OLDER)
    path = next(folder.glob("changes-*")) if name == "changes" else folder / name
    data = path.read_bytes()
    path.write_bytes(data.replace(b"2024", b"2025", 1) if b"2024" in data else data + b" ")
    with pytest.raises(SnapshotDamagedError, match=path.name):
        read_all(settings)


def test_hashes_cannot_be_taken_out_of_the_manifest(settings: Settings) -> None:
    """The trail knows that the snapshot was sealed."""
    folder = folder_of(settings)
    add_five_points(folder)
    plain = json.loads((folder / MANIFEST).read_text())
    del plain["files"]
    (folder / MANIFEST).write_text(json.dumps(plain))
    with pytest.raises(SnapshotDamagedError, match=MANIFEST):
        read_all(settings)


def test_right_hashes_in_the_manifest_do_not_help_either(settings: Settings) -> None:
    folder = folder_of(settings)
    add_five_points(folder)
    forged = json.loads((folder / MANIFEST).read_text())
    forged["files"][CELLS] = hashlib.sha256((folder / CELLS).read_bytes()).hexdigest()
    (folder / MANIFEST).write_text(json.dumps(forged))
    with pytest.raises(SnapshotDamagedError, match=MANIFEST):
        read_all(settings)


def test_a_file_that_was_not_sealed_is_not_read(settings: Settings) -> None:
    mine = next(folder_of(settings, OLDER).glob("changes-*"))
    older = info_of(settings, OLDER)
    forged = folder_of(settings) / changes_file(OLDER, older.directory)
    shutil.copy(mine, forged)
    with read_scope(settings.store_url) as session:
        results = open_results(settings, session, WAVE)
    with pytest.raises(SnapshotDamagedError, match=forged.name):
        results.changes(OPERATOR, before=older)


def unseal(settings: Settings) -> None:
    """As the version before left it: neither manifest nor trail know of hashes."""
    for wave in (OLDER, WAVE):
        folder = folder_of(settings, wave)
        plain = json.loads((folder / MANIFEST).read_text())
        del plain["files"]
        (folder / MANIFEST).write_text(json.dumps(plain))
    with session_scope(settings.store_url) as session:
        connection = session.connection()
        connection.exec_driver_sql("DROP TRIGGER tr_audit_entry_delete")
        connection.exec_driver_sql("DELETE FROM audit_entry WHERE action = 'snapshot.sealed'")


def test_what_was_frozen_before_is_read_and_says_that_it_is_not_sealed(settings: Settings) -> None:
    unseal(settings)
    read_all(settings)
    assert not info_of(settings).is_sealed
    recompute(settings, OLDER)
    assert info_of(settings, OLDER).is_sealed
    # A file was added to the other folder, which is not sealed by that: who knows what it holds.
    assert not info_of(settings).is_sealed
    read_all(settings)
    recompute(settings)
    assert info_of(settings).is_sealed
    read_all(settings)


def test_a_change_in_another_folder_is_not_sealed_with_it(settings: Settings) -> None:
    """Computing the older wave again writes into the folder of the newer one."""
    folder = folder_of(settings)
    (folder / "ranks.parquet").write_bytes(b"PAR1 forged PAR1")
    recompute(settings, OLDER)
    with pytest.raises(SnapshotDamagedError, match=r"ranks\.parquet"):
        read_all(settings)


def test_changed_responses_are_computed_from_nowhere(settings: Settings) -> None:
    """Neither with a manifest that fits them."""
    folder = folder_of(settings)
    manifest = read_manifest(folder)
    changed, *others = manifest.responses
    table = pd.read_parquet(folder / changed.name)
    table.iloc[1:].to_parquet(folder / changed.name, index=False)
    sha256 = hashlib.sha256((folder / changed.name).read_bytes()).hexdigest()
    files = (changed.model_copy(update={"sha256": sha256}), *others)
    forged = {"responses": files, "responses_sha256": hash_of_files(files)}
    (folder / MANIFEST).write_text(manifest.model_copy(update=forged).model_dump_json())
    with pytest.raises(SnapshotDamagedError):
        recompute(settings)


def test_a_release_names_what_was_released(settings: Settings) -> None:
    with session_scope(settings.store_url) as session:
        release_wave(work_of(session, OPERATOR, NOW), wave_key=WAVE, shown=Shown.SCORES)
    folder = folder_of(settings)
    with read_scope(settings.store_url) as session:
        seals = find_seals(session, str(folder.relative_to(settings.snapshot_dir)))
    assert seals is not None
    assert entries(settings, "wave.released")[-1].detail[SEAL] == seal_of_seals(seals)


def test_a_failed_freeze_leaves_files_and_seals_as_they_were(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changed(*_: object) -> None:
        raise RuntimeError("changed meanwhile")

    monkeypatch.setattr("survey.results.freeze.install_snapshot", changed)
    monkeypatch.setattr("survey.results.freeze_reading.version", lambda _: "9.9")
    with pytest.raises(RuntimeError):
        freeze_wave(settings, wave_key=WAVE, actor=OPERATOR)
    read_all(settings)
    assert read_manifest(folder_of(settings)).software != "9.9"


def test_a_reader_who_comes_between_the_files_and_their_hashes_waits(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process moves files into place and commits a moment later."""
    with read_scope(settings.store_url) as session:
        results = open_results(settings, session, WAVE)
    monkeypatch.setattr("survey.results.tables.version", lambda _: "9.9")
    slept: list[float] = []

    def commits_meanwhile(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(time, "sleep", commits_meanwhile)
    recompute(settings)  # `results` still holds the seals from before.
    results.cells(OPERATOR)
    assert results.wave.key == WAVE
    with read_scope(settings.store_url) as session:
        assert outdated_waves(settings, session) == []


def test_files_are_for_the_account_that_serves_alone(settings: Settings, frozen_pair: Path) -> None:
    for path in (frozen_pair / "snapshots").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_another_process_compares_the_files_with_the_seals_that_were_sent_along(
    settings: Settings,
) -> None:
    with read_scope(settings.store_url) as session:
        results = open_results(settings, session, WAVE)
    with LocalEngine(2) as engine:
        assert list(engine.map(read_cells, [results])) == [read_cells(results)]
    add_five_points(folder_of(settings))
    with LocalEngine(2) as engine, pytest.raises(SnapshotDamagedError):
        list(engine.map(read_cells, [results]))
