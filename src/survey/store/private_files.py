"""Files of the account that serves: permissions, photos, and notes of those being written.

Work that is killed removes nothing behind itself. It leaves its note in the data folder, and nobody
holds the note's lock any more: what the note names is then removed by the next such work, or by the
server within an hour.
"""

import hashlib
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from sqlalchemy.engine import make_url

from survey.settings import Settings

FILE_MODE, FOLDER_MODE = 0o600, 0o700
_OTHERS_MODE = 0o077
SIDE_FILE_SUFFIXES = ("", "-wal", "-shm", "-journal")
"""Suffixes of the files that SQLite keeps beside a database, with its permissions."""


def create_private_file(path: Path) -> None:
    """Create an empty file that only its owner can read; close an existing one to others.

    An existing file that others may read is closed to them, if it is ours. It is not opened:
    closing it would drop the locks that this process holds on its database, and the next process
    to open that would believe to be alone and delete the write-ahead log with its content.
    """
    with suppress(OSError):
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE))
        for suffix in SIDE_FILE_SUFFIXES:
            side_file = path.with_name(path.name + suffix)
            if side_file.exists() and is_exposed(side_file):
                side_file.chmod(FILE_MODE)


def open_private(path: str, flags: int) -> int:
    """Open a file as the `opener` of `open`; a new file is readable by its owner only."""
    return os.open(path, flags, FILE_MODE)


def is_exposed(path: Path) -> bool:
    """Return whether other accounts of the machine may read a file or write to it."""
    return bool(path.stat().st_mode & _OTHERS_MODE)


def find_exposed_paths(settings: Settings) -> Iterator[Path]:
    """Yield the files of store, keys, snapshots, photos and releases that are open to others."""
    for path in _iter_private_paths(settings):
        with suppress(FileNotFoundError):
            if is_exposed(path):
                yield path


def close_to_others(settings: Settings) -> None:
    """Remove other accounts' permissions on files of the installation that this account owns."""
    for path in find_exposed_paths(settings):
        with suppress(OSError):
            path.chmod(FOLDER_MODE if path.is_dir() else FILE_MODE)


def _iter_private_paths(settings: Settings) -> Iterator[Path]:
    url = make_url(settings.store_url)
    if url.get_backend_name() == "sqlite" and url.database:
        database = Path(url.database)
        yield from (database.with_name(database.name + suffix) for suffix in SIDE_FILE_SUFFIXES)
    yield settings.own_key_file
    if settings.release_key_file is not None:
        yield settings.release_key_file
    yield from _iter_folder(settings.snapshot_dir)
    yield from _iter_folder(settings.photo_dir)
    yield from _iter_folder(settings.release_dir)


def _iter_folder(folder: Path) -> Iterator[Path]:
    """Yield a folder and everything in it; files deleted meanwhile are skipped."""
    yield folder
    for parent, folders, files in os.walk(folder):
        yield from (Path(parent, name) for name in (*folders, *files))


if sys.platform != "win32":
    from fcntl import LOCK_EX, LOCK_NB, flock

_NOTE_PREFIX = ".writing-"
RESTORE_PREFIX = ".restore-"


@contextmanager
def noted_work(data_dir: Path, *paths: Path) -> Iterator[None]:
    """Note in the data folder that `paths` are being written until the block ends."""
    remove_unfinished_work(data_dir)
    data_dir.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    note = data_dir / f"{_NOTE_PREFIX}{uuid4().hex}"
    with open(note, "w", encoding="utf-8", opener=open_private) as file:
        hold(file)
        file.write("\n".join(str(path.absolute()) for path in paths))
        file.flush()
        try:
            yield
        finally:
            note.unlink(missing_ok=True)


def hold(file: IO[Any]) -> None:
    """Lock an open file exclusively until it is closed or the process ends."""
    if sys.platform != "win32":
        flock(file, LOCK_EX)


def remove_unheld(paths: Iterable[Path]) -> None:
    """Remove the files that no process has locked."""
    for path in paths:
        with suppress(FileNotFoundError), path.open("r+b") as file:
            if _is_unheld(file):
                path.unlink()


def list_unfinished_work(data_dir: Path) -> list[Path]:
    """Return the files and folders that killed processes were writing and left behind."""
    return [path for _, paths in _read_notes(data_dir) for path in paths if path.exists()]


def remove_unfinished_work(data_dir: Path) -> None:
    """Remove files and folders that killed processes left behind, and the notes of them."""
    for note, paths in _read_notes(data_dir):
        for path in paths:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        note.unlink(missing_ok=True)


def _read_notes(data_dir: Path) -> Iterator[tuple[Path, list[Path]]]:
    """Yield each note of a process that has ended, with the paths that it names.

    A folder of a restore without a note is one of a version that made none.
    """
    noted = set()
    for note in sorted(data_dir.glob(f"{_NOTE_PREFIX}*")):
        with suppress(FileNotFoundError), note.open("r+", encoding="utf-8") as file:
            paths = [Path(line) for line in file.read().splitlines()]
            noted.update(paths)
            if paths and _is_unheld(file):
                yield note, paths
    for folder in sorted(data_dir.absolute().glob(f"{RESTORE_PREFIX}*")):
        if folder not in noted:
            yield folder / _NOTE_PREFIX, [folder]


def _is_unheld(file: IO[Any]) -> bool:
    if sys.platform == "win32":  # No lock there ends with its process: nothing is removed.
        return False
    try:
        flock(file, LOCK_EX | LOCK_NB)
    except OSError:
        return False
    return True


SUFFIX = ".jpg"
_BEING_STORED = timedelta(days=1)
"""Time within which a file may lack its row, because its transaction has not ended."""


def photo_path(folder: Path, sha256: str) -> Path:
    """Return the path of a photo's file, in a folder named by its first two hash digits."""
    return folder / sha256[:2] / f"{sha256}{SUFFIX}"


def save_photo_file(folder: Path, content: bytes) -> str:
    """Write a photo's file completely or not at all; return its SHA-256, which names it."""
    sha256 = hashlib.sha256(content).hexdigest()
    path = photo_path(folder, sha256)
    if path.exists():
        os.utime(path)  # It is as good as new: whoever deletes old files leaves it.
        return sha256
    path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    draft = path.with_name(f".{sha256}.{uuid4().hex}")
    try:
        with open(draft, "wb", opener=open_private) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    return sha256


def read_photo_file(folder: Path, sha256: str) -> bytes | None:
    """Return the content of a photo; None if the file is missing or was changed."""
    try:
        content = photo_path(folder, sha256).read_bytes()
    except OSError:
        return None
    return content if hashlib.sha256(content).hexdigest() == sha256 else None


def delete_photo_files(folder: Path, hashes: Iterable[str], at: datetime) -> int:
    """Delete photos by SHA-256, except those written just before `at`; return how many."""
    newest = (at - _BEING_STORED).timestamp()
    deleted = 0
    for path in (photo_path(folder, sha256) for sha256 in hashes):
        if path.exists() and path.stat().st_mtime < newest:
            path.unlink(missing_ok=True)
            deleted += 1
    return deleted
