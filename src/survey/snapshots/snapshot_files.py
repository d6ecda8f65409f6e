"""Snapshots on disk: a folder per content, written whole or not at all, and its remains."""

import hashlib
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from survey.locale import SurveyError, msg
from survey.snapshots.response_files import ResponseFile, describe_file, hash_of_files, join_files
from survey.store.private_files import FILE_MODE, FOLDER_MODE

if TYPE_CHECKING:
    import pandas as pd


class WithoutPoint(StrEnum):
    """Treatment of interviews without a sampling point where others have one."""

    REFUSE = "refuse"
    STRATUM = "stratum"
    """They are a stratum of their own in each city, everybody a point."""


@dataclass(frozen=True)
class FreezeOptions:
    """Options that the user chooses for a freeze or its preview."""

    final: bool = False
    """Whether the responses become frozen, and so does the wave."""
    release: bool = False
    """Whether every reader then sees the names and scores of all cities."""
    without_point: WithoutPoint = WithoutPoint.REFUSE
    groups: tuple[str, ...] = ()
    """Questions of the form whose answers make further groups."""

    @classmethod
    def of_request(cls, kept: Mapping[str, Any]) -> "FreezeOptions":
        """Return the options from `kept`, the details of a stored request for a freeze."""
        return cls(without_point=WithoutPoint(kept["without_point"]), groups=tuple(kept["groups"]))

    def as_request(self) -> dict[str, str | list[str]]:
        """Return the options as the dictionary that a request for a freeze stores."""
        return {"without_point": self.without_point.value, "groups": list(self.groups)}


DEFAULT_OPTIONS = FreezeOptions()
"""Provisional results that refuse interviews without a point and have the usual groups."""


class WeightFile(BaseModel):
    """Hash of an imported file and the name of its column of interview weights.

    By its content: a file's name may name people, and the store forgets it after a while.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str
    column: str


class OverlapFiles(BaseModel):
    """Interviews of the earlier questionnaire that a part of the wave's points was asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    instrument: str
    instrument_version: str
    instrument_sha256: str
    responses: tuple[ResponseFile, ...]


class SnapshotManifest(BaseModel):
    """Contents of a snapshot's `manifest.json`: wave, options, and hashes of its files."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1, 2] = 2
    """1: all responses in one file; 2: in the files of `responses`."""
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
    responses: tuple[ResponseFile, ...] = ()
    """Files of the responses in the order of their names; none in format 1."""
    overlap: OverlapFiles | None = None
    """Interviews of the declared overlap, which no table counts but that of the bridge."""
    files: dict[str, str] | None = None
    """SHA-256 of every other file of the folder; none before files were sealed."""
    software: str
    frozen_at: datetime


SINGLE_FILE = "responses.parquet"
"""File of all responses in format 1."""
MANIFEST = "manifest.json"
DRAFT_PREFIX = ".draft-"
"""Of the folder beside the snapshots of a wave that a new one is written to."""


class SnapshotDamagedError(SurveyError):
    """Raised when files of a snapshot are missing or do not match their hashes."""

    code = "snapshot_damaged"


def parquet_bytes(frame: "pd.DataFrame") -> bytes:
    """Return `frame` as Parquet; equal frames give equal bytes under the same pyarrow."""
    buffer = BytesIO()
    write_parquet(frame, buffer)
    return buffer.getvalue()


def write_parquet(frame: "pd.DataFrame", file: BinaryIO) -> None:
    """Write `frame` as Parquet to an open file, with the bytes of `parquet_bytes`."""
    frame.to_parquet(file, index=False, compression="zstd")


def content_sha256(data: bytes) -> str:
    """Return the SHA-256 of bytes in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def replace_file(path: Path, data: bytes | BinaryIO) -> None:
    """Replace a file atomically: readers see the old content or the new, never a part."""
    draft = NamedTemporaryFile(dir=path.parent, prefix=".", delete=False)  # noqa: SIM115
    target = Path(draft.name)
    try:
        with draft:
            if isinstance(data, bytes):
                draft.write(data)
            else:
                data.seek(0)
                shutil.copyfileobj(data, draft)
        target.chmod(FILE_MODE)
        target.replace(path)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


@contextmanager
def remove_on_failure(
    may_be_registered: Callable[[Path], bool] = lambda _folder: False,
) -> Iterator[list[Path]]:
    """Yield a list for new folders; on error remove all but those that `may_be_registered`.

    A snapshot without its tables, or one that the store does not know, would be left behind.

    Args:
        may_be_registered: whether a folder has to stay: a connection can break after the database
            has committed.
    """
    made: list[Path] = []
    try:
        yield made
    except BaseException:
        for folder in made:
            if may_be_registered(folder):
                continue
            shutil.rmtree(folder, ignore_errors=True)
            with suppress(OSError):
                folder.parent.rmdir()
        raise


@contextmanager
def snapshot_draft(root: Path, wave: str) -> Iterator[Path]:
    """Create and yield a draft folder below `root` for the wave; delete it after the block."""
    try:
        draft = _make_draft(root, wave)
    except FileNotFoundError:
        # Another freeze of the wave has just removed the folder, which was empty.
        draft = _make_draft(root, wave)
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        # Of a wave that has no other snapshot.
        with suppress(OSError):
            draft.parent.rmdir()


def _make_draft(root: Path, wave: str) -> Path:
    for folder in (root, root / wave):
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=DRAFT_PREFIX, dir=root / wave))


def write_responses(draft: Path, name: str, frame: "pd.DataFrame") -> ResponseFile:
    """Write `frame` as file `name` in the folder `draft`; return the file's manifest entry."""
    data = parquet_bytes(frame)
    replace_file(draft / name, data)
    return describe_file(name, frame, data)


def find_free_folder(draft: Path, manifest: SnapshotManifest) -> Path:
    """Return a free folder beside `draft`, named by 12 digits of the hash, perhaps with `-2`.

    Tables that were registered, and perhaps signed, stay as they are: the same responses frozen
    again get a folder of their own.
    """
    name, number = manifest.responses_sha256[:12], 1
    while (folder := draft.parent / (name if number == 1 else f"{name}-{number}")).exists():
        number += 1
    return folder


def install_snapshot(
    draft: Path, manifest: SnapshotManifest, folder: Path, made: list[Path] | None = None
) -> Path:
    """Rename the folder `draft`, with manifest, to `folder`; append it to `made` and return it.

    The folder appears by one rename, so a crash leaves either all of it or nothing. It is put into
    `made`, see `remove_on_failure`.

    Raises:
        OSError: something has come to lie there.
    """
    replace_file(draft / MANIFEST, manifest.model_dump_json(indent=2).encode())
    draft.chmod(FOLDER_MODE)
    draft.replace(folder)
    if made is not None:
        made.append(folder)
    return folder


def short_name(folder: Path) -> str:
    """Return a snapshot's folder as `wave/folder` for messages, without the server's path."""
    return "/".join(folder.parts[-2:])


def read_manifest(folder: Path) -> SnapshotManifest:
    """Return a folder's manifest. Raises `SnapshotDamagedError` if it is missing or unreadable."""
    try:
        return SnapshotManifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValueError) as error:
        raise _build_unreadable_error(folder) from error


def _build_unreadable_error(folder: Path) -> SnapshotDamagedError:
    return SnapshotDamagedError(
        msg(
            "The snapshot in {folder} cannot be read. Freeze the wave again.",
            folder=short_name(folder),
        )
    )


def read_snapshot(folder: Path) -> "tuple[SnapshotManifest, pd.DataFrame]":
    """Return a snapshot's manifest and all responses. Raises `SnapshotDamagedError`."""
    manifest = read_manifest(folder)
    hashes = response_hashes(folder, manifest)
    return manifest, join_files([read_verified(folder / name, hashes[name]) for name in hashes])


def check_snapshot(folder: Path) -> SnapshotManifest:
    """Return the manifest. Raises `SnapshotDamagedError` unless the responses match its hashes."""
    manifest = read_manifest(folder)
    for name, sha256 in response_hashes(folder, manifest).items():
        read_verified(folder / name, sha256)
    return manifest


def count_by_city(folder: Path) -> dict[str, int]:
    """Return city code -> responses of a snapshot. Raises `SnapshotDamagedError`."""
    # Not at the top: the files of a snapshot are compared with its seals without the library.
    import pandas as pd

    counts: Counter[str] = Counter()
    for name, sha256 in response_hashes(folder, read_manifest(folder)).items():
        data = BytesIO(read_verified(folder / name, sha256))
        counts.update(pd.read_parquet(data, columns=["city_code"])["city_code"].astype(str))
    return dict(counts)


def overlap_files(manifest: SnapshotManifest) -> tuple[ResponseFile, ...]:
    """Return the files of the interviews of an overlap; none without one."""
    return manifest.overlap.responses if manifest.overlap else ()


def response_hashes(folder: Path, manifest: SnapshotManifest) -> dict[str, str]:
    """Return file of responses -> SHA-256 in the manifest. Raises `SnapshotDamagedError`."""
    if not manifest.responses:
        return {SINGLE_FILE: manifest.responses_sha256}
    if hash_of_files(manifest.responses) != manifest.responses_sha256:
        raise _build_changed_data_error(folder)
    return {file.name: file.sha256 for file in manifest.responses}


def read_verified(path: Path, sha256: str) -> bytes:
    """Return a file's content. Raises `SnapshotDamagedError` if missing or not of hash `sha256`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _build_unreadable_error(path.parent) from error
    return verify_content(data, sha256, path.parent)


def verify_content(data: bytes, sha256: str, folder: Path) -> bytes:
    """Return `data` unchanged; raise `SnapshotDamagedError`, naming `folder`, for another hash."""
    if content_sha256(data) != sha256:
        raise _build_changed_data_error(folder)
    return data


def _build_changed_data_error(folder: Path) -> SnapshotDamagedError:
    return SnapshotDamagedError(
        msg(
            "The data of the snapshot in {folder} were changed after it was frozen.",
            folder=short_name(folder),
        )
    )


UNFINISHED = ".unfinished"
"""Folder of kept files beside the snapshots of a wave."""
MAX_AGE_SECONDS = 24 * 3600


class _KeptFile(BaseModel):
    """Description of a response file kept for reuse, with a fingerprint of its stored responses."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fingerprint: str
    file: ResponseFile


class UnfinishedFiles:
    """Response files of a wave that an interrupted freeze has left for the next one to reuse."""

    def __init__(self, root: Path, wave: str) -> None:
        self._folder = root / wave / UNFINISHED

    def link_into(self, draft: Path, name: str, fingerprint: str) -> ResponseFile | None:
        """Link a kept file into folder `draft`; return its entry, None for another fingerprint."""
        try:
            kept = _KeptFile.model_validate_json(self._locate_description(name).read_bytes())
            if kept.fingerprint != fingerprint:
                return None
            os.link(self._folder / name, draft / name)
            # Compared where it now lies: another freeze may replace the kept one.
            read_verified(draft / name, kept.file.sha256)
        except (OSError, ValidationError, SnapshotDamagedError):
            (draft / name).unlink(missing_ok=True)
            return None
        return kept.file

    def keep(self, draft: Path, file: ResponseFile, fingerprint: str) -> None:
        """Keep a file of folder `draft` by hard link, if possible, under this fingerprint."""
        # A freeze does not need it, and another freeze of the wave may remove the folder.
        with suppress(OSError):
            self._folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            self._locate_description(file.name).unlink(missing_ok=True)
            (self._folder / file.name).unlink(missing_ok=True)
            os.link(draft / file.name, self._folder / file.name)
            kept = _KeptFile(fingerprint=fingerprint, file=file)
            replace_file(self._locate_description(file.name), kept.model_dump_json().encode())

    def remove(self) -> None:
        """Remove all kept files of the wave."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _locate_description(self, name: str) -> Path:
        return self._folder / f"{name}.json"


def remove_old_unfinished(root: Path, *, max_age_seconds: float = MAX_AGE_SECONDS) -> int:
    """Remove kept files and drafts that are too old; return the number of removed files.

    A draft is as old as the last file that was written to it.
    """
    oldest = time.time() - max_age_seconds
    removed = 0
    for path in root.glob(f"*/{UNFINISHED}/*"):
        # A freeze may remove or replace files at this moment.
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < oldest:
                path.unlink()
                removed += 1
    for draft in root.glob(f"*/{DRAFT_PREFIX}*"):
        with suppress(FileNotFoundError):
            if draft.stat().st_mtime < oldest:
                removed += len(list(draft.iterdir()))
                shutil.rmtree(draft, ignore_errors=True)
                # Of a wave that has no snapshot.
                with suppress(OSError):
                    draft.parent.rmdir()
    for folder in root.glob(f"*/{UNFINISHED}"):
        with suppress(OSError):
            folder.rmdir()
    return removed
