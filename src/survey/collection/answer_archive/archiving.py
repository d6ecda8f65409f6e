"""Archiving the answers of a released wave into a file of one format, and restoring them.

Both are one transaction: answers leave the database only if the file was written, read back and
found equal, and come back only if they are, line by line, what left.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import file_digest, sha256
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from sqlmodel import Session

from survey.access.audit import actor_id
from survey.access.roles import Action
from survey.access.work import Work
from survey.locale import ConflictError, RefusedError, SurveyError, msg
from survey.records import build_from
from survey.store.audit_events import AuditEvent
from survey.store.backup.manifest import ColumnKind
from survey.store.private_files import create_private_file, noted_work
from survey.store.response_insert import (
    ANSWER_COLUMNS,
    LINE_BATCH_SIZE,
    answer_lines,
    has_answers,
    lock_answers,
    put_back_answers,
    remove_answers,
)
from survey.store.tables import AnswerArchive, Wave, WaveAct
from survey.waves.planning.wave_requests import confirm_act, require_archivable
from survey.waves.waves import find_archive, get_wave, lock_wave

_TYPES = {ColumnKind.INTEGER: pa.int64(), ColumnKind.BOOLEAN: pa.bool_()}
_SCHEMA = pa.schema(
    [(column.name, _TYPES.get(column.kind, pa.string())) for column in ANSWER_COLUMNS]
)
_DOCUMENTS = tuple(
    place for place, column in enumerate(ANSWER_COLUMNS) if column.kind is ColumnKind.JSON
)
_LINE_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE


class ArchiveUnreadableError(SurveyError):
    """Raised when a file is no archive of answers, or damaged."""

    code = "archive_unreadable"


@dataclass(frozen=True)
class ArchiveContent:
    """Number of revisions of answers in an archive file, and the SHA-256 of their JSON lines."""

    rows: int
    sha256: str


class ContentHash:
    """Running count and SHA-256 of archive lines, updated as they are read through `passing`."""

    def __init__(self) -> None:
        self._digest, self._rows = sha256(), 0

    def passing(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the lines unchanged, and add each to the running count and hash."""
        for line in lines:
            self._digest.update(line)
            self._rows += 1
            yield line

    @property
    def content(self) -> ArchiveContent:
        """Number and hash of the lines that have passed so far."""
        return ArchiveContent(self._rows, self._digest.hexdigest())


def hash_lines(lines: Iterable[bytes]) -> ArchiveContent:
    """Read all lines and return their number and their SHA-256."""
    counted = ContentHash()
    for _ in counted.passing(lines):
        pass
    return counted.content


def write_archive(path: Path, lines: Iterable[bytes]) -> ArchiveContent:
    """Write lines to a new Parquet file for its owner alone; return their number and hash."""
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
    """Yield the JSON lines of an archive of answers. Raises `ArchiveUnreadableError`."""
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
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class AnswersPlace:
    """Name and time of the archive file of a wave's answers; "" and None if not archived."""

    file_name: str = ""
    archived_at: datetime | None = None


def find_answers_place(work: Work, *, wave_key: str) -> AnswersPlace:
    """Return file name and time of the archive of a wave's answers; "" and None without one."""
    work.require(Action.READ_PLAN)
    wave = get_wave(session=work.session, key=wave_key)
    archive = find_archive(session=work.session, wave_id=wave.id)
    return AnswersPlace() if archive is None else build_from(AnswersPlace, archive)


def archive_answers(work: Work, *, wave_key: str, out: Path, data_dir: Path) -> AnswerArchive:
    """Move a released wave's answers to new file `out`, noted in `data_dir` while it is written.

    Args:
        data_dir: The data folder, in which the file is noted until it is complete.

    Raises:
        ConflictError: There is such a file.
        RefusedError: The folder is missing or full, or has no hard links.
        ConflictError: The file, read back, is not what the database holds.
        SecondPersonRequiredError: Nobody else has requested it.
        RefusedError: The wave is not released, or its answers are archived.
    """
    work.require(Action.ADMINISTER)
    wave = lock_wave(session=work.session, key=wave_key)
    require_archivable(session=work.session, wave=wave)
    confirm_act(work, wave=wave, act=WaveAct.ARCHIVE, options={})
    archive = _write_verified_file(work.session, wave, out, data_dir)
    archive.archived_at, archive.archived_by = work.now, actor_id(work.principal)
    work.session.add(archive)
    work.session.flush()
    # The database lets answers go only of which it says that they are archived.
    remove_answers(work.session.connection(), wave.id)
    work.record(AuditEvent.WAVE_ANSWERS_ARCHIVED, wave.id, _build_audit_detail(wave, archive))
    return archive


def _write_verified_file(session: Session, wave: Wave, out: Path, data_dir: Path) -> AnswerArchive:
    """Write the file under a temporary name, compare it with the database, then name it."""
    if out.exists():
        raise ConflictError(
            "archive_exists", msg("{file} exists already; nothing is written over.", file=out.name)
        )
    connection = session.connection()
    draft = out.with_name(f".{out.name}.{uuid4().hex}.writing")
    lock_answers(connection, wave.id)
    try:
        with noted_work(data_dir, draft):
            written = write_archive(draft, answer_lines(connection, wave.id))
            _flush_to_disk(draft)
            if hash_lines(read_archive(draft)) != written or not written.rows:
                raise ConflictError(
                    "archive_mismatch",
                    msg(
                        "The file that was written is not what the database holds. Nothing is "
                        "removed."
                    ),
                )
            digest = file_sha256(draft)
            # A link, unlike a renaming, never replaces a file that has appeared meanwhile.
            os.link(draft, out)
            _flush_to_disk(out.parent)
    except OSError as error:
        raise RefusedError(
            "archive_not_written",
            msg(
                "{file} cannot be written: {reason}", file=out.name, reason=error.strerror or error
            ),
        ) from error
    finally:
        draft.unlink(missing_ok=True)
    return AnswerArchive(
        wave_id=wave.id,
        rows=written.rows,
        content_sha256=written.sha256,
        file_sha256=digest,
        file_name=out.name,
    )


def _flush_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def restore_answers(work: Work, *, wave_key: str, source: Path) -> AnswerArchive:
    """Put the answers of an archived wave back into the database.

    Raises:
        RefusedError: The answers are not archived.
        ConflictError: The file holds other answers than those that were archived.
        ArchiveUnreadableError: The file is damaged.
    """
    work.require(Action.ADMINISTER)
    wave = lock_wave(session=work.session, key=wave_key)
    archive = find_archive(session=work.session, wave_id=wave.id)
    connection = work.session.connection()
    if archive is None or has_answers(connection, wave.id):
        raise RefusedError(
            "not_archived",
            msg("The answers of the wave {key} are in the database already.", key=wave.key),
        )
    # Before anything is inserted: a file of another wave meets other keys.
    content = hash_lines(read_archive(source))
    if content != ArchiveContent(archive.rows, archive.content_sha256):
        raise ConflictError(
            "archive_mismatch",
            msg(
                "{file} does not hold the answers that were archived of the wave {key}: its hash "
                "is another one.",
                file=source.name,
                key=wave.key,
            ),
        )
    passed = ContentHash()
    put_back_answers(connection, wave.id, passed.passing(read_archive(source)))
    stored = hash_lines(answer_lines(connection, wave.id))
    if not passed.content == stored == content:
        raise ConflictError(
            "archive_mismatch",
            msg("The database did not take the answers as they are in the file. It is unchanged."),
        )
    archive.restored_at, archive.restored_by = work.now, actor_id(work.principal)
    work.session.add(archive)
    work.session.flush()
    work.record(AuditEvent.WAVE_ANSWERS_RESTORED, wave.id, _build_audit_detail(wave, archive))
    return archive


def _build_audit_detail(wave: Wave, archive: AnswerArchive) -> dict[str, str | int]:
    return {
        "key": wave.key,
        "file": archive.file_name,
        "revisions": archive.rows,
        "sha256": archive.file_sha256,
        "content_sha256": archive.content_sha256,
    }
