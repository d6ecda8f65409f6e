"""File permissions: files of the store belong to the account that serves, whatever the umask."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from sqlalchemy.engine import make_url

from survey.settings import Settings

FILE_MODE, FOLDER_MODE = 0o600, 0o700
_OTHERS_MODE = 0o077
SIDE_FILE_SUFFIXES = ("", "-wal", "-shm", "-journal")
"""Suffixes of the files that SQLite keeps beside a database, with its permissions."""


def create_private_file(path: Path) -> None:
    """Create an empty file that only its owner can read; keep an existing one.

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
    """Open a file for `open(opener=…)`; a new file is readable by its owner only."""
    return os.open(path, flags, FILE_MODE)


def is_exposed(path: Path) -> bool:
    """Return whether other accounts of the machine may read a file or write to it."""
    return bool(path.stat().st_mode & _OTHERS_MODE)


def find_exposed_paths(settings: Settings) -> Iterator[Path]:
    """Yield the files of store, key and snapshots that other accounts may read."""
    for path in _iter_private_paths(settings):
        with suppress(FileNotFoundError):
            if is_exposed(path):
                yield path


def close_to_others(settings: Settings) -> None:
    """Remove the permissions of other accounts; files of another account stay as they are."""
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
    """Yield a folder and all that is in it; what a freeze removes meanwhile is passed over."""
    yield folder
    for parent, folders, files in os.walk(folder):
        yield from (Path(parent, name) for name in (*folders, *files))
