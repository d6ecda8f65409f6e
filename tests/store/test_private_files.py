"""Store and snapshots are for the account that serves alone, whatever the umask."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from survey.settings import Settings
from survey.store import schema
from survey.store.engine import dispose_engines, engine_for
from survey.store.private_files import (
    close_to_others,
    create_private_file,
    find_exposed_paths,
    is_exposed,
)


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def database_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("survey.db*"))


def test_a_new_store_and_what_lies_beside_it_are_private(tmp_path: Path, umask: None) -> None:
    settings = Settings(database_url="", data_dir=tmp_path / "data", _env_file=None)
    schema.upgrade(settings.store_url)
    with engine_for(settings.store_url).connect() as connection:
        connection.execute(text("SELECT 1"))
        files = database_files(settings.data_dir)
        assert {path.suffix for path in files} == {".db", ".db-wal", ".db-shm"}
        assert not [path for path in (*files, settings.data_dir) if is_exposed(path)]
    dispose_engines()


def test_a_store_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    settings = Settings(database_url="", data_dir=tmp_path, _env_file=None)
    schema.upgrade(settings.store_url)
    folder = settings.snapshot_dir / "main-2026" / "0123456789ab"
    folder.mkdir(parents=True)
    (folder / "cells.parquet").write_bytes(b"x")
    with engine_for(settings.store_url).connect():
        for path in (*database_files(tmp_path), folder / "cells.parquet"):
            path.chmod(0o644)
        for path in (settings.snapshot_dir, folder.parent, folder):
            path.chmod(0o755)
        exposed = set(find_exposed_paths(settings))
        assert {path.name for path in exposed} >= {
            "survey.db",
            "survey.db-wal",
            "snapshots",
            "main-2026",
            "0123456789ab",
            "cells.parquet",
        }
        close_to_others(settings)
        assert list(find_exposed_paths(settings)) == []
    dispose_engines()
    (tmp_path / "survey.db").chmod(0o644)
    with engine_for(settings.store_url).connect():
        assert not is_exposed(tmp_path / "survey.db")
    dispose_engines()


def test_a_store_in_use_keeps_its_locks(tmp_path: Path) -> None:
    """Another program that opens and closes the store must not take the write-ahead log away."""
    path = tmp_path / "survey.db"
    serving = sqlite3.connect(path)
    serving.execute("PRAGMA journal_mode=WAL")
    serving.execute("CREATE TABLE kept (n INTEGER)")
    serving.commit()
    create_private_file(path)
    visit = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute({!r}).fetchall())"
    count = "SELECT count(*) FROM kept"
    subprocess.run([sys.executable, "-c", visit.format(count), str(path)], check=True)
    serving.execute("INSERT INTO kept VALUES (1)")
    serving.commit()
    seen = subprocess.run(
        [sys.executable, "-c", visit.format(count), str(path)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert seen.stdout.strip() == "[(1,)]"
    serving.close()


def test_a_draft_that_a_freeze_removes_meanwhile_is_passed_over(tmp_path: Path) -> None:
    """The demonstration is served while its waves are being frozen."""
    settings = Settings(database_url="", data_dir=tmp_path, _env_file=None)
    draft = settings.snapshot_dir / "main-2026" / ".draft-1"
    draft.mkdir(parents=True)
    (draft / "manifest.json").write_bytes(b"{}")
    for path in (settings.snapshot_dir, draft.parent, draft, draft / "manifest.json"):
        path.chmod(0o755)
    exposed = find_exposed_paths(settings)
    seen = {next(exposed), next(exposed)}
    assert draft.parent in seen
    shutil.rmtree(draft)
    assert not {path for path in exposed if path.exists()} - seen
