"""Files of the parts of a wave, at a path, a URI or in a shared folder, and their errors."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit
from uuid import UUID

import pyarrow as pa
import uuid_utils
from pyarrow.fs import FileSelector, FileSystem, FileType, LocalFileSystem

from survey.locale import SurveyError, msg


class FilesUnavailableError(SurveyError):
    """Raised for files at a location of unknown scheme or whose host cannot be reached."""

    code = "files_unreachable"


class EngineError(SurveyError):
    """Raised when an engine cannot be started or loses its workers for good."""

    code = "engine_failed"


_ANY_SCHEME = "://"
_HADOOP_SCHEMES = ("hdfs", "viewfs")


def locate(location: str | Path) -> tuple[FileSystem, str]:
    """Return the pyarrow file system of a path or URI, and the path in it; raise if unreachable.

    Args:
        location: a path, or `file://…`, `s3://bucket/…`, `hdfs://host:port/…` and what else
            pyarrow knows, with its options after `?`.

    Raises:
        FilesUnavailableError: pyarrow does not know the scheme, or cannot reach the host.
    """
    if _ANY_SCHEME not in str(location):
        return LocalFileSystem(), str(Path(location).absolute())
    try:
        found: tuple[FileSystem, str] = FileSystem.from_uri(str(location))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise describe_unavailable(str(location), error) from None
    return found


def describe_unavailable(location: str, error: Exception) -> FilesUnavailableError:
    """Return, not raise, the error that `location` (shown without keys) cannot be reached."""
    shown = without_secrets(location)
    reason = str(error).partition("\n")[0].replace(location, shown)
    if urlsplit(location).scheme in _HADOOP_SCHEMES:
        return FilesUnavailableError(
            msg(
                "{location} cannot be reached: {reason}. This needs Hadoop's libhdfs, its class "
                "path and Java, here and on every worker (docs/scale.md).",
                location=shown,
                reason=reason,
            )
        )
    return FilesUnavailableError(
        msg("{location} cannot be reached: {reason}", location=shown, reason=reason)
    )


def list_files(folder: str | Path, suffix: str = ".parquet") -> tuple[str, ...]:
    """Return the locations of the files in a folder that end in `suffix`, sorted by name.

    Raises:
        FilesUnavailableError: as `locate`.
        FileNotFoundError: there is no such folder.
    """
    system, path = locate(folder)
    infos = system.get_file_info(FileSelector(path))
    names = sorted(
        info.base_name
        for info in infos
        if info.type == FileType.File and info.base_name.endswith(suffix)
    )
    return tuple(join_location(folder, name) for name in names)


def join_location(folder: str | Path, name: str) -> str:
    """Return the location of `name` in a folder (path or URI); options of a URI stay at its end."""
    if _ANY_SCHEME not in str(folder):
        return f"{folder}/{name}"
    head, mark, options = str(folder).partition("?")
    return f"{head.rstrip('/')}/{quote(name)}{mark}{options}"


@contextmanager
def open_file(location: str | Path) -> Iterator[pa.NativeFile]:
    """Open a file for reading in a block; pyarrow and pandas fetch only what they need of it.

    Raises:
        FilesUnavailableError: as `locate`.
        FileNotFoundError: there is no such file.
    """
    # The file does not keep its file system, which closes the connection to HDFS as it goes.
    system, path = locate(location)
    with system.open_input_file(path) as file:
        yield file


def without_secrets(location: str) -> str:
    """Return a URI without its user name, password and options, which may hold keys."""
    if _ANY_SCHEME not in location:
        return location
    parts = urlsplit(location)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


_LOG = logging.getLogger(__name__)
_FOLDER_MODE = 0o700
_PREFIX = "survey-"
"""Of the folders' names, whose rest is a UUIDv7: object stores keep no time of a folder."""
_KEPT_SECONDS = 24 * 3600


class SharedFolder:
    """Temporary folder for one piece of work, at a path or URI; use `SharedFolder.open`."""

    def __init__(self, location: str) -> None:
        self.location = location
        self._copied: dict[str, str] = {}

    @classmethod
    @contextmanager
    def open(cls, parent: str) -> Iterator["SharedFolder"]:
        """Create a new folder in `parent`, and remove it with its files when the block ends.

        What cannot be removed is named in the log: the work is done all the same. Folders that
        processes left behind when they were killed are removed a day later.

        Raises:
            FilesUnavailableError: the folder cannot be reached or written.
        """
        folder = cls(join_location(parent, f"{_PREFIX}{uuid_utils.uuid7()}"))
        with _translate_file_errors(parent):
            system, path = locate(folder.location)
            system.create_dir(path)
            # Nobody else on this machine may enter it; a store has its own rules.
            if isinstance(system, LocalFileSystem):
                Path(path).chmod(_FOLDER_MODE)
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
        """Copy a file to the folder, once for each hash `sha256`, and return the copy's location.

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


def _remove_abandoned(parent: str) -> None:
    """Remove folders with interviews that earlier work left in `parent` over a day ago.

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
    """Return the time, from its name, at which a shared folder was made; None for others."""
    if not name.startswith(_PREFIX):
        return None
    try:
        number = UUID(name.removeprefix(_PREFIX))
    except ValueError:
        return None
    return (number.int >> 80) / 1000 if number.version == 7 else None


def try_shared_folder(parent: str) -> None:
    """Raise `FilesUnavailableError` unless a file in `parent` can be written, read and removed.

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
    """Raise file system errors of the block as `FilesUnavailableError` with an explanation."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise describe_unavailable(location, error) from None
