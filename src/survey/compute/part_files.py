"""Files of the parts of a wave, at a path or at a URI that pyarrow knows."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

import pyarrow as pa
from pyarrow.fs import FileSelector, FileSystem, FileType, LocalFileSystem

from survey.compute.errors import FilesUnavailableError
from survey.locale import msg

_ANY_SCHEME = "://"
_HADOOP_SCHEMES = ("hdfs", "viewfs")


def locate(location: str | Path) -> tuple[FileSystem, str]:
    """Return the file system of a path or URI, and the path within it.

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
    """Return an error of the file system in words, without the keys that a URI may hold."""
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
    """Return the locations of the files in a folder, in the order of their names.

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
    """Return the location of a file or folder in a folder; options of a URI stay at its end."""
    if _ANY_SCHEME not in str(folder):
        return f"{folder}/{name}"
    head, mark, options = str(folder).partition("?")
    return f"{head.rstrip('/')}/{quote(name)}{mark}{options}"


@contextmanager
def open_file(location: str | Path) -> Iterator[pa.NativeFile]:
    """Open a file for reading, of which pyarrow and pandas fetch only what they need.

    Raises:
        FilesUnavailableError: as `locate`.
        FileNotFoundError: there is no such file.
    """
    # The file does not keep its file system, which closes the connection to HDFS as it goes.
    system, path = locate(location)
    with system.open_input_file(path) as file:
        yield file


def without_secrets(location: str) -> str:
    """Return a URI without what stands before @ or after ?, which may be a key."""
    if _ANY_SCHEME not in location:
        return location
    parts = urlsplit(location)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
