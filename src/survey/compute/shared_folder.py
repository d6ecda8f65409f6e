"""Copies of files in a folder that the workers of an engine see, for as long as they work."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pyarrow as pa
import uuid_utils
from pyarrow.fs import FileSelector, FileSystem, LocalFileSystem

from survey.compute.errors import FilesUnavailableError
from survey.compute.part_files import describe_unavailable, join_location, locate, open_file

_LOG = logging.getLogger(__name__)
_FOLDER_MODE = 0o700
_PREFIX = "survey-"
"""Of the folders' names, whose rest is a UUIDv7: object stores keep no time of a folder."""
_KEPT_SECONDS = 24 * 3600


class SharedFolder:
    """Folder for one piece of work, by path or URI; use `SharedFolder.open`."""

    def __init__(self, location: str) -> None:
        self.location = location
        self._copied: dict[str, str] = {}

    @classmethod
    @contextmanager
    def open(cls, parent: str) -> Iterator["SharedFolder"]:
        """Make a folder of its own in `parent`, and remove it with its copies at the end.

        What cannot be removed is named in the log: the work is done all the same. Folders that
        processes left behind when they were killed are removed a day later.

        Raises:
            FilesUnavailableError: the folder cannot be reached or written.
        """
        folder = cls(join_location(parent, f"{_PREFIX}{uuid_utils.uuid7()}"))
        with _translate_file_errors(parent):
            system, path = locate(folder.location)
            _create_private(system, path)
        try:
            _remove_abandoned(parent)
            yield folder
        finally:
            try:
                with _translate_file_errors(parent):
                    system.delete_dir(path)
            except FilesUnavailableError as error:
                _LOG.error("copies of interviews stay in %s: %s", path, error)

    def copy(self, path: Path, sha256: str) -> str:
        """Return the location of a copy of the file whose content has this hash.

        Raises:
            FileNotFoundError: there is no such file here.
            FilesUnavailableError: the folder cannot be written.
        """
        if sha256 not in self._copied:
            content = path.read_bytes()
            location = join_location(self.location, f"{sha256}{path.suffix}")
            with _translate_file_errors(self.location):
                system, target = locate(location)
                with system.open_output_stream(target) as file:
                    file.write(content)
            self._copied[sha256] = location
        return self._copied[sha256]


def _create_private(system: FileSystem, path: str) -> None:
    """Create a folder that nobody else on this machine may enter; a store has its own rules."""
    system.create_dir(path)
    if isinstance(system, LocalFileSystem):
        Path(path).chmod(_FOLDER_MODE)


def _remove_abandoned(parent: str) -> None:
    """Remove the folders of earlier work that have been there for a day: they hold interviews.

    What cannot be listed or removed is named in the log: no work has to wait for it.
    """
    oldest = time.time() - _KEPT_SECONDS
    try:
        system, path = locate(parent)
        for entry in system.get_file_info(FileSelector(path)):
            began = _find_start(entry.base_name)
            if began is not None and began < oldest:
                system.delete_dir(entry.path)
                _LOG.warning("copies of interviews that were left in %s are removed", entry.path)
    except (FilesUnavailableError, pa.ArrowException, OSError) as error:
        _LOG.error("copies of interviews may have been left in %s: %s", parent, error)


def _find_start(name: str) -> float | None:
    """Return when the work began that a folder was made for; None if it is no such folder."""
    if not name.startswith(_PREFIX):
        return None
    try:
        number = UUID(name.removeprefix(_PREFIX))
    except ValueError:
        return None
    return (number.int >> 80) / 1000 if number.version == 7 else None


def try_shared_folder(parent: str) -> None:
    """Write a file to a folder, read it, and remove it.

    Raises:
        FilesUnavailableError: one of these failed.
    """
    with SharedFolder.open(parent) as folder, _translate_file_errors(parent):
        location = join_location(folder.location, "trial")
        system, path = locate(location)
        with system.open_output_stream(path) as file:
            file.write(b"trial")
        with open_file(location) as file:
            file.read()


@contextmanager
def _translate_file_errors(location: str) -> Iterator[None]:
    """Say an error of the file system in words."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise describe_unavailable(location, error) from None
