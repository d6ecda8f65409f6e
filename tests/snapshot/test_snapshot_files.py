"""A snapshot is written whole, read back the same, and tampering is noticed."""

import os
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.snapshots import response_files
from survey.snapshots.response_files import hash_of_files, is_response_file, plan_files
from survey.snapshots.snapshot_files import (
    DRAFT_PREFIX,
    MANIFEST,
    SINGLE_FILE,
    SnapshotDamagedError,
    SnapshotManifest,
    check_snapshot,
    content_sha256,
    count_by_city,
    find_free_folder,
    install_snapshot,
    parquet_bytes,
    read_snapshot,
    remove_old_unfinished,
    snapshot_draft,
    write_responses,
)

FRAME = pd.DataFrame(
    {
        "response_id": ["a", "b", "c"],
        "city_code": pd.Categorical(["310000", "110000", "310000"]),
        "psu": pd.Categorical(["s2", "b1", "s1"]),
        "mode": pd.Categorical(["web", "web", "face"]),
        "quality": pd.array([9, -1, 4], dtype="int8"),
        "why": pd.Categorical(["price", None, "speed"], categories=["speed", "price", "never"]),
    }
)


def manifest(**fields: object) -> SnapshotManifest:
    return SnapshotManifest(
        wave="main-2024",
        series="main",
        year=2024,
        title={"zh": "", "en": "Main 2024"},
        is_demo=True,
        final=False,
        composite="item_means",
        instrument="main-2023",
        instrument_version="2023.1",
        instrument_sha256="0" * 64,
        tree=None,
        tree_sha256=None,
        rows=3,
        cities=2,
        statuses=("approved",),
        software="0.1.0",
        frozen_at=datetime(2025, 3, 1, tzinfo=UTC),
        **fields,  # type: ignore[arg-type]
    )


def write(root: Path, frame: pd.DataFrame = FRAME) -> tuple[Path, SnapshotManifest]:
    """A snapshot with a file a province."""
    with snapshot_draft(root, "main-2024") as draft:
        files = tuple(
            write_responses(draft, name, frame[frame["city_code"].isin(cities)])
            for name, cities in plan_files(dict(frame["city_code"].value_counts())).items()
        )
        declared = manifest(responses=files, responses_sha256=hash_of_files(files))
        return install_snapshot(draft, declared, find_free_folder(draft, declared)), declared


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    folder, declared = write(tmp_path)
    read, frame = read_snapshot(folder)
    assert read == declared == check_snapshot(folder)
    assert [file.name for file in read.responses] == [
        "responses-110000.parquet",
        "responses-310000.parquet",
    ]
    assert [(file.rows, file.cities, file.with_point) for file in read.responses] == [
        (1, ("110000",), 1),
        (2, ("310000",), 2),
    ]
    pd.testing.assert_frame_equal(frame, FRAME, check_dtype=False)
    assert frame["quality"].dtype == "int8"
    for name in ("city_code", "psu", "mode", "why"):
        assert list(frame[name].cat.categories) == list(FRAME[name].cat.categories), name
    assert count_by_city(folder) == {"110000": 1, "310000": 2}


def test_a_snapshot_of_format_1_stays_readable(tmp_path: Path) -> None:
    data = parquet_bytes(FRAME)
    declared = manifest(format=1, responses_sha256=content_sha256(data))
    with snapshot_draft(tmp_path, "main-2024") as draft:
        (draft / SINGLE_FILE).write_bytes(data)
        folder = install_snapshot(draft, declared, find_free_folder(draft, declared))
    read, frame = read_snapshot(folder)
    assert read.responses == ()
    pd.testing.assert_frame_equal(frame, FRAME, check_dtype=False)
    assert count_by_city(folder) == {"110000": 1, "310000": 2}


def test_a_draft_of_a_killed_freeze_is_removed_after_a_day(tmp_path: Path) -> None:
    """All interviews of a wave lie in it, also those that are withdrawn later."""
    folder, _ = write(tmp_path)
    drafts = [tmp_path / wave / f"{DRAFT_PREFIX}x1" for wave in ("main-2024", "main-2023")]
    for draft in drafts:
        draft.mkdir(parents=True)
        write_responses(draft, "responses-110000.parquet", FRAME)
    old = time.time() - 25 * 3600
    for path in (drafts[0], drafts[0] / "responses-110000.parquet", folder):
        os.utime(path, (old, old))
    assert remove_old_unfinished(tmp_path) == 1
    assert [path.name for path in folder.parent.iterdir()] == [folder.name], "the snapshot stays"
    assert drafts[1].exists(), "its freeze may still run"
    os.utime(drafts[1], (old, old))
    assert remove_old_unfinished(tmp_path) == 1
    assert not drafts[1].parent.exists()
    assert check_snapshot(folder).wave == "main-2024"


def test_a_folder_that_another_freeze_has_just_removed_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, removed = tempfile.mkdtemp, []

    def make_too_late(*, prefix: str, dir: Path) -> str:
        if not removed:
            removed.append(dir)
            dir.rmdir()
        return make(prefix=prefix, dir=dir)

    monkeypatch.setattr(tempfile, "mkdtemp", make_too_late)
    folder, _ = write(tmp_path)
    assert removed == [folder.parent]
    assert check_snapshot(folder).wave == "main-2024"


@given(st.dictionaries(st.sampled_from([f"{p}{c}00" for p in (11, 37, 44) for c in range(10, 16)]),
                       st.integers(1, 60_000)))  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_every_city_is_in_one_file_and_no_file_is_large_but_for_one_city(
    rows: dict[str, int],
) -> None:
    files = plan_files(rows)
    assert sorted(city for cities in files.values() for city in cities) == sorted(rows)
    for name, cities in files.items():
        assert is_response_file(name)
        size = sum(rows[city] for city in cities)
        assert size <= response_files.MAX_PART_ROWS or len(cities) == 1


def test_the_same_frame_gives_the_same_bytes_in_a_folder_of_its_own(tmp_path: Path) -> None:
    """What was registered, and perhaps signed, is never written over."""
    assert parquet_bytes(FRAME.copy()) == parquet_bytes(FRAME)
    folders = [write(tmp_path)[0] for _ in range(3)]
    assert [folder.name.partition("-")[2] for folder in folders] == ["", "2", "3"]
    assert len({folder.name.partition("-")[0] for folder in folders}) == 1
    assert {path.name for path in folders[0].parent.iterdir()} == {path.name for path in folders}
    contents = [{path.name: path.read_bytes() for path in each.iterdir()} for each in folders]
    assert contents[0] == contents[1] == contents[2]


def test_a_folder_that_is_taken_meanwhile_is_not_written_over(tmp_path: Path) -> None:
    folder, declared = write(tmp_path)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with snapshot_draft(tmp_path, "main-2024") as draft:
        (draft / "other.parquet").write_bytes(b"of another freeze")
        with pytest.raises(OSError, match="not empty"):
            install_snapshot(draft, declared, folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_changed_data_are_refused(tmp_path: Path) -> None:
    folder, declared = write(tmp_path)
    changed = folder / declared.responses[1].name
    changed.write_bytes(parquet_bytes(FRAME.assign(quality=[10, 10, 10])))
    for read in (read_snapshot, check_snapshot, count_by_city):
        with pytest.raises(SnapshotDamagedError, match="changed"):
            read(folder)
    changed.unlink()
    with pytest.raises(SnapshotDamagedError, match="cannot be read"):
        read_snapshot(folder)


def test_a_file_that_is_no_longer_named_is_noticed(tmp_path: Path) -> None:
    """A manifest without a file of the snapshot does not fit its own hash."""
    folder, declared = write(tmp_path)
    less = declared.model_copy(update={"responses": declared.responses[:1]})
    (folder / MANIFEST).write_text(less.model_dump_json())
    with pytest.raises(SnapshotDamagedError, match="changed"):
        read_snapshot(folder)


def test_a_missing_snapshot_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SnapshotDamagedError, match="Freeze the wave again"):
        read_snapshot(tmp_path / "gone")


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("survey.snapshots.snapshot_files.replace_file", full_disk)
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path)
    assert list(tmp_path.iterdir()) == []
