"""The file of archived answers: Parquet, written and read in batches, compared by its content.

A row is one revision of an interview. Documents are JSON texts; the hash of the content is that of
the canonical lines of `store/wave_answers.py`, so it does not depend on Parquet or its version.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from survey.locale import SurveyError, msg
from survey.store.backup.manifest import ColumnKind
from survey.store.private_files import create_private_file
from survey.store.wave_answers import ANSWER_COLUMNS, LINE_BATCH_SIZE

_TYPES = {ColumnKind.INTEGER: pa.int64(), ColumnKind.BOOLEAN: pa.bool_()}
_SCHEMA = pa.schema(
    [(column.name, _TYPES.get(column.kind, pa.string())) for column in ANSWER_COLUMNS]
)
_DOCUMENTS = tuple(
    place for place, column in enumerate(ANSWER_COLUMNS) if column.kind is ColumnKind.JSON
)
_LINE_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
_READ_BYTES = 1 << 20


class ArchiveUnreadableError(SurveyError):
    """Raised when a file is no archive of answers, or damaged."""

    code = "archive_unreadable"


@dataclass(frozen=True)
class ArchiveContent:
    """What an archive holds: revisions, and the hash of their lines."""

    rows: int
    sha256: str


class ContentHash:
    """Counter and hash of lines that pass."""

    def __init__(self) -> None:
        self._digest, self._rows = sha256(), 0

    def passing(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the lines and take each into the hash."""
        for line in lines:
            self._digest.update(line)
            self._rows += 1
            yield line

    @property
    def content(self) -> ArchiveContent:
        """Return what has passed."""
        return ArchiveContent(self._rows, self._digest.hexdigest())


def hash_lines(lines: Iterable[bytes]) -> ArchiveContent:
    """Return the number and hash of lines."""
    counted = ContentHash()
    for _ in counted.passing(lines):
        pass
    return counted.content


def write_archive(path: Path, lines: Iterable[bytes]) -> ArchiveContent:
    """Write lines to a new file, which only its owner can read, and return what they are."""
    counted = ContentHash()
    remaining = counted.passing(lines)
    create_private_file(path)
    with pq.ParquetWriter(path, _SCHEMA, compression="zstd") as writer:
        while batch := list(islice(remaining, LINE_BATCH_SIZE)):
            writer.write_table(_table_of_lines(batch))
    return counted.content


def _table_of_lines(lines: list[bytes]) -> pa.Table:
    columns: list[list[Any]] = [
        list(values) for values in zip(*map(orjson.loads, lines), strict=True)
    ]
    for place in _DOCUMENTS:
        # In a list, JSON's own null and no document at all stay apart.
        columns[place] = [
            None if value is None else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
            for value in columns[place]
        ]
    return pa.table(columns, schema=_SCHEMA)


def read_archive(path: Path) -> Iterator[bytes]:
    """Yield the lines of an archive. Raises `ArchiveUnreadableError`."""
    try:
        with pq.ParquetFile(path) as file:
            if file.schema_arrow.names != _SCHEMA.names:
                raise _build_unreadable_error(path)
            for batch in file.iter_batches(LINE_BATCH_SIZE):
                yield from _lines_of_columns([column.to_pylist() for column in batch.columns])
    except (OSError, pa.ArrowException, ValueError, TypeError) as error:
        raise _build_unreadable_error(path) from error


def _lines_of_columns(columns: list[list[Any]]) -> Iterator[bytes]:
    for place in _DOCUMENTS:
        columns[place] = [None if text is None else orjson.loads(text) for text in columns[place]]
    for values in zip(*columns, strict=True):
        yield orjson.dumps(list(values), option=_LINE_OPTIONS)


def _build_unreadable_error(path: Path) -> ArchiveUnreadableError:
    return ArchiveUnreadableError(
        msg("{file} is no archive of answers, or it is damaged.", file=path.name)
    )


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, as `sha256sum` prints it."""
    digest = sha256()
    with path.open("rb") as file:
        while part := file.read(_READ_BYTES):
            digest.update(part)
    return digest.hexdigest()
