"""Parts are read by path or by URI, from this machine or a mounted folder."""

import shutil
import tempfile
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pandas as pd
import pytest
from pyarrow.fs import LocalFileSystem

from survey.compute import FilesUnavailableError, SharedFolder, list_files, open_file

MOUNTED = Path("/dev/shm")


@pytest.fixture(params=["here", "mounted"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """Three files and something else, in the test's folder or in one that is mounted."""
    if request.param == "mounted" and not MOUNTED.is_mount():
        pytest.skip(f"{MOUNTED} is not mounted")
    place = Path(tempfile.mkdtemp(dir=MOUNTED)) if request.param == "mounted" else tmp_path
    for number in (2, 0, 1):
        pd.DataFrame({"n": [number]}).to_parquet(place / f"part {number}.parquet")
    (place / "manifest.json").write_text("{}")
    (place / "z.parquet").mkdir()
    yield place
    if place != tmp_path:
        shutil.rmtree(place)


@pytest.mark.parametrize("as_uri", [False, True])
def test_files_come_in_the_order_of_their_names(folder: Path, as_uri: bool) -> None:
    found = list_files(folder.as_uri() if as_uri else folder)
    assert len(found) == 3
    numbers = []
    for location in found:
        with open_file(location) as file:
            numbers.append(pd.read_parquet(file)["n"].item())
    assert numbers == [0, 1, 2]


def test_a_path_may_be_relative(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert list_files(".", ".json") == ("./manifest.json",)
    with open_file("manifest.json") as file:
        assert file.read() == b"{}"


def test_what_is_not_there_or_cannot_be_reached_is_said(tmp_path: Path) -> None:
    for location in (tmp_path / "none.parquet", (tmp_path / "none.parquet").as_uri()):
        with pytest.raises(FileNotFoundError), open_file(location):
            pass
    with (
        pytest.raises(FilesUnavailableError, match="gopher://host/wave cannot be reached") as odd,
        open_file("gopher://key:" + "secret@host/wave?token=secret"),
    ):
        pass
    assert "secret" not in str(odd.value)


def test_hadoop_without_its_library_says_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ARROW_LIBHDFS_DIR", "HADOOP_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    with (
        pytest.raises(FilesUnavailableError, match="needs Hadoop's libhdfs") as missing,
        SharedFolder.open("hdfs://guest:secret@127.0.0.1:9/wave"),
    ):
        pass
    assert "hdfs://127.0.0.1:9/wave" in str(missing.value)
    assert "secret" not in str(missing.value)


def test_a_file_system_stays_as_long_as_a_file_of_it_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one of HDFS closes its connection as it goes, and its open files with it."""
    (tmp_path / "part").write_bytes(b"rows")
    made = []

    def locate_and_watch(location: str) -> tuple[LocalFileSystem, str]:
        system = LocalFileSystem()
        made.append(weakref.ref(system))
        return system, location

    monkeypatch.setattr("survey.compute.part_files.locate", locate_and_watch)
    with open_file(str(tmp_path / "part")) as file:
        assert made[0]() is not None
        assert file.read() == b"rows"
    assert file.closed
    assert made[0]() is None


def test_copies_are_private_and_what_cannot_be_removed_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "part.parquet").write_bytes(b"rows")
    with SharedFolder.open(str(tmp_path / "shared")) as folder:
        copied = Path(folder.copy(tmp_path / "part.parquet", "f00d"))
        assert copied.read_bytes() == b"rows"
        assert copied.parent.stat().st_mode & 0o077 == 0
    assert not copied.parent.exists()
    # The work is done, so this is no error of the work.
    with SharedFolder.open(str(tmp_path / "shared")) as folder:
        Path(folder.location).rmdir()
    assert folder.location in caplog.text


def test_what_a_killed_process_left_is_removed_after_a_day(tmp_path: Path) -> None:
    """All interviews of a wave lie in it, also those that are withdrawn later."""
    hours_ago = [
        tmp_path / f"survey-{UUID(int=(milliseconds << 80) + (7 << 76) + (2 << 62))}"
        for milliseconds in (int(1000 * (time.time() - hours * 3600)) for hours in (25, 23))
    ]
    others = [tmp_path / name for name in ("survey-2026", f"survey-{uuid4()}", "snapshots")]
    for folder in (*hours_ago, *others):
        folder.mkdir()
        (folder / "f00d.parquet").write_bytes(b"rows")
    with SharedFolder.open(tmp_path.as_uri()):
        pass
    assert [folder.exists() for folder in (*hours_ago, *others)] == [False, True, True, True, True]
