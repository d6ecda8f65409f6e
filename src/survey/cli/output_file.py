"""Output files of commands: written as drafts, moved into place once they are recorded.

What is handed out is recorded, and what could not be written is not recorded as done. A command
therefore writes a draft beside the place of the file and records it; then the draft is moved into
place. Of a power cut between the two, an entry remains, and no file that nobody knows of.
"""

import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import typer

from survey.store.private_files import FILE_MODE, open_private

_NEW_FILE_MODE = 0o666
"""Less the umask, as of every file that a program makes."""


class OutputDraft:
    """Temporary file with the output of a command, moved to its final path once complete."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self.file = file
        self._path = path

    def write(self, content: bytes) -> None:
        """Write the whole content in place of any earlier, and flush it to the disk.

        Raises:
            BadParameter: there is no room for it.
        """
        with _wrong_usage(self._path):
            self.file.seek(0)
            self.file.truncate()
            self.file.write(content)
        self.flush()

    def flush(self) -> None:
        """Flush the content to the disk, so that writing cannot fail after it was recorded."""
        with _wrong_usage(self._path):
            self.file.flush()
            os.fsync(self.file.fileno())


def output_file(
    path: Path, *, private: bool = False, overwrite: bool = True
) -> AbstractContextManager[OutputDraft]:
    """Yield a draft moved to `path` after the block; a file there is an error unless `overwrite`.

    Record the file within the block, once its content is written. A file that is there already is
    replaced at once and keeps its owner and permissions, or stays.

    Args:
        private: Only the owner may read it, also where others could read the file before.
        overwrite: Without it, a file that is there already is wrong usage.

    Raises:
        BadParameter: nothing can be written there; nothing was done yet.
    """
    with _wrong_usage(path):
        # A pipe or a device: nothing can be moved there.
        is_special = overwrite and path.exists() and not path.is_file() and not path.is_dir()
    return _special_file(path) if is_special else _plain_file(path, private, overwrite)


@contextmanager
def standard_output() -> Iterator[OutputDraft]:
    """Yield a draft; print it to stdout after the block, or drop it on an error."""
    with tempfile.TemporaryFile() as file:
        yield OutputDraft(file, Path("-"))
        file.seek(0)
        shutil.copyfileobj(file, sys.stdout.buffer)


@contextmanager
def _special_file(path: Path) -> Iterator[OutputDraft]:
    with tempfile.TemporaryFile() as file:
        yield OutputDraft(file, path)
        file.seek(0)
        with _wrong_usage(path), path.open("wb") as target:
            shutil.copyfileobj(file, target)


@contextmanager
def _plain_file(path: Path, private: bool, overwrite: bool) -> Iterator[OutputDraft]:
    place = Path(os.path.realpath(path))
    draft = place.with_name(f".draft-{secrets.token_hex(8)}")
    with _wrong_usage(path):
        if not overwrite:
            place.touch(mode=FILE_MODE, exist_ok=False)
        elif place.exists():
            place.open("ab").close()
    try:
        with _open_draft(draft, path) as file:
            yield OutputDraft(file, path)
        with _wrong_usage(path):
            _copy_permissions(place, draft, private=private or not overwrite)
            draft.replace(place)
    except BaseException:
        draft.unlink(missing_ok=True)
        if not overwrite:
            place.unlink(missing_ok=True)
        raise


def _open_draft(draft: Path, path: Path) -> BinaryIO:
    with _wrong_usage(path):
        return open(draft, "xb", opener=open_private)


def _copy_permissions(place: Path, draft: Path, *, private: bool) -> None:
    """Give `draft` owner and mode of the file at `place`, else a new file's; 0600 if `private`."""
    if place.exists():
        before = place.stat()
        with suppress(PermissionError):
            os.chown(draft, before.st_uid, before.st_gid)
        mode = before.st_mode & 0o777
    else:
        os.umask(umask := os.umask(0))
        mode = _NEW_FILE_MODE & ~umask
    draft.chmod(FILE_MODE if private else mode)


@contextmanager
def _wrong_usage(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise typer.BadParameter(f"{path}: {error.strerror}") from error
