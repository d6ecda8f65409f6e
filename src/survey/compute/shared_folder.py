"""Copies of files in a folder that the workers of an engine see, for as long as they work."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
from pyarrow.fs import FileSystem, LocalFileSystem

from survey.compute.errors import FilesUnavailableError
from survey.compute.part_files import describe_unavailable, join_location, locate, open_file

_LOG = logging.getLogger(__name__)
_FOLDER_MODE = 0o700


class SharedFolder:
    """Folder for one piece of work, by path or URI; use `SharedFolder.open`."""

    def __init__(self, location: str) -> None:
        self.location = location
        self._copied: dict[str, str] = {}

    @classmethod
    @contextmanager
    def open(cls, parent: str) -> Iterator["SharedFolder"]:
        """Make a folder of its own in `parent`, and remove it with its copies at the end.

        What cannot be removed is named in the log: the work is done all the same.

        Raises:
            FilesUnavailableError: the folder cannot be reached or written.
        """
        folder = cls(join_location(parent, f"survey-{uuid4()}"))
        with _as_unavailable(parent):
            system, path = locate(folder.location)
            _create_private(system, path)
        try:
            yield folder
        finally:
            try:
                with _as_unavailable(parent):
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
            with _as_unavailable(self.location):
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


def try_shared_folder(parent: str) -> None:
    """Write a file to a folder, read it, and remove it.

    Raises:
        FilesUnavailableError: one of these failed.
    """
    with SharedFolder.open(parent) as folder, _as_unavailable(parent):
        location = join_location(folder.location, "trial")
        system, path = locate(location)
        with system.open_output_stream(path) as file:
            file.write(b"trial")
        with open_file(location) as file:
            file.read()


@contextmanager
def _as_unavailable(location: str) -> Iterator[None]:
    """Say an error of the file system in words."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise describe_unavailable(location, error) from None
