"""Snapshots on disk: a folder per content with its manifest, written whole or not at all."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict

from survey.locale import SurveyError, msg
from survey.store.private_files import FILE_MODE, FOLDER_MODE


class WithoutPoint(StrEnum):
    """Treatment of interviews without a sampling point where others have one."""

    REFUSE = "refuse"
    STRATUM = "stratum"
    """They are a stratum of their own in each city, everybody a point."""


class WeightFile(BaseModel):
    """An imported file whose column gave interviews their weights.

    By its content: a file's name may name people, and the store forgets it after a while.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str
    column: str


class SnapshotManifest(BaseModel):
    """Contents of `manifest.json`, with the SHA-256 of the data file beside it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    wave: str
    series: str
    year: int
    title: dict[str, str]
    is_demo: bool
    final: bool
    composite: str
    instrument: str
    instrument_version: str
    instrument_sha256: str
    tree: str | None
    tree_sha256: str | None
    without_question: tuple[str, ...] = ()
    """Indicators of the tree that no question measures: the questionnaire declares that the others
    under their parent take their weight."""
    rows: int
    cities: int
    statuses: tuple[str, ...]
    """Which responses were taken in."""
    without_point: WithoutPoint = WithoutPoint.REFUSE
    """As whoever froze the wave chose."""
    groups: tuple[str, ...] = ()
    """Questions whose answers make further groups, as whoever froze the wave declared."""
    left_out: tuple[str, ...] = ()
    """Codes of cities that were left out of the wave."""
    weights: Literal["raked", "given"] = "raked"
    """Made here, or brought along by the interviews."""
    weight_files: tuple[WeightFile, ...] = ()
    """Where given weights come from, in the order of the imports."""
    responses_sha256: str
    files: dict[str, str] | None = None
    """SHA-256 of every other file of the folder; none before files were sealed."""
    software: str
    frozen_at: datetime


RESPONSES = "responses.parquet"
MANIFEST = "manifest.json"


class SnapshotDamagedError(SurveyError):
    """Raised when files are missing or do not match their manifest."""

    code = "snapshot_damaged"


def parquet_bytes(frame: pd.DataFrame) -> bytes:
    """Return Parquet of `frame`; equal frames give equal bytes under the same pyarrow."""
    buffer = BytesIO()
    frame.to_parquet(buffer, index=False, compression="zstd")
    return buffer.getvalue()


def content_sha256(data: bytes) -> str:
    """Return the SHA-256 of bytes in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def replace_file(path: Path, data: bytes) -> None:
    """Write a draft and rename it, so that a reader sees the old file or the new one."""
    with NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as draft:
        draft.write(data)
    target = Path(draft.name)
    target.chmod(FILE_MODE)
    target.replace(path)


@contextmanager
def remove_on_failure() -> Iterator[list[Path]]:
    """Remove the folders appended to the list when the block raises.

    A snapshot without its tables, or one that the store does not know, would be left behind.
    """
    made: list[Path] = []
    try:
        yield made
    except BaseException:
        for folder in made:
            shutil.rmtree(folder, ignore_errors=True)
            with suppress(OSError):
                folder.parent.rmdir()
        raise


def write_snapshot(
    root: Path, manifest: SnapshotManifest, responses: bytes, made: list[Path] | None = None
) -> Path:
    """Write data and manifest under `root/<wave>/<first 12 of the hash>`; return that folder.

    The folder appears by one rename, so a crash leaves either all of it or nothing. A folder that
    is already there holds the same data and is kept; one that was not is put into `made`, see
    `remove_on_failure`.
    """
    final = root / manifest.wave / manifest.responses_sha256[:12]
    if (final / MANIFEST).exists():
        return final
    for folder in (root, final.parent):
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=final.parent))
    try:
        replace_file(draft / RESPONSES, responses)
        replace_file(draft / MANIFEST, manifest.model_dump_json(indent=2).encode())
        draft.chmod(FOLDER_MODE)
        draft.replace(final)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    if made is not None:
        made.append(final)
    return final


def parse_manifest(data: bytes) -> SnapshotManifest:
    """Parse a manifest. Raises `ValueError` if it is none."""
    return SnapshotManifest.model_validate_json(data)


def read_manifest(folder: Path) -> SnapshotManifest:
    """Read a manifest. Raises `SnapshotDamagedError` if it is missing or unreadable."""
    try:
        return parse_manifest((folder / MANIFEST).read_bytes())
    except (OSError, ValueError) as error:
        raise SnapshotDamagedError(
            msg("The snapshot in {folder} cannot be read. Freeze the wave again.", folder=folder)
        ) from error


def read_snapshot(folder: Path) -> tuple[SnapshotManifest, pd.DataFrame]:
    """Read manifest and responses, after comparing the data with their hash."""
    manifest, data = _read_verified(folder)
    return manifest, pd.read_parquet(BytesIO(data))


def check_snapshot(folder: Path) -> SnapshotManifest:
    """Raise `SnapshotDamagedError` unless the data match the hash in the manifest."""
    return _read_verified(folder)[0]


def _read_verified(folder: Path) -> tuple[SnapshotManifest, bytes]:
    manifest = read_manifest(folder)
    try:
        data = (folder / RESPONSES).read_bytes()
    except OSError as error:
        raise SnapshotDamagedError(
            msg("The snapshot in {folder} cannot be read. Freeze the wave again.", folder=folder)
        ) from error
    if content_sha256(data) != manifest.responses_sha256:
        raise SnapshotDamagedError(
            msg(
                "The data of the snapshot in {folder} were changed after it was frozen.",
                folder=folder,
            )
        )
    return manifest, data
