"""A snapshot is written whole, read back the same, and tampering is noticed."""

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from survey.snapshot.snapshot_files import (
    RESPONSES,
    SnapshotDamagedError,
    SnapshotManifest,
    content_sha256,
    parquet_bytes,
    read_snapshot,
    write_snapshot,
)

FRAME = pd.DataFrame({"response_id": ["a", "b"], "quality": pd.array([9, -1], dtype="int8")})


def manifest(data: bytes) -> SnapshotManifest:
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
        rows=2,
        cities=1,
        statuses=("approved",),
        responses_sha256=content_sha256(data),
        software="0.1.0",
        frozen_at=datetime(2025, 3, 1, tzinfo=UTC),
    )


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    data = parquet_bytes(FRAME)
    folder = write_snapshot(tmp_path, manifest(data), data)
    read, frame = read_snapshot(folder)
    assert read == manifest(data)
    pd.testing.assert_frame_equal(frame, FRAME, check_dtype=False)
    assert frame["quality"].dtype == "int8"


def test_the_same_frame_gives_the_same_bytes_and_the_same_folder(tmp_path: Path) -> None:
    data = parquet_bytes(FRAME)
    assert parquet_bytes(FRAME.copy()) == data
    first = write_snapshot(tmp_path, manifest(data), data)
    assert write_snapshot(tmp_path, manifest(data), data) == first
    assert [path.name for path in first.parent.iterdir()] == [first.name]


def test_changed_data_are_refused(tmp_path: Path) -> None:
    data = parquet_bytes(FRAME)
    folder = write_snapshot(tmp_path, manifest(data), data)
    (folder / RESPONSES).write_bytes(parquet_bytes(FRAME.assign(quality=[10, 10])))
    with pytest.raises(SnapshotDamagedError, match="changed"):
        read_snapshot(folder)


def test_a_missing_snapshot_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SnapshotDamagedError, match="Freeze the wave again"):
        read_snapshot(tmp_path / "gone")


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = parquet_bytes(FRAME)

    def full_disk(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("survey.snapshot.snapshot_files.replace_file", full_disk)
    with pytest.raises(OSError, match="space"):
        write_snapshot(tmp_path, manifest(data), data)
    assert list((tmp_path / "main-2024").iterdir()) == []
