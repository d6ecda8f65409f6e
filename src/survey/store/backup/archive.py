"""Format of a backup file and its reader: compressed table parts and files, manifest last.

Unencrypted files open with `tar`, `gzip` and a text editor, even without this software.
"""

import gzip
import hashlib
import io
import re
import tarfile
import zlib
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext
from pydantic import ValidationError
from sqlalchemy import Connection, Table

from survey.locale import NotFoundError, RefusedError, msg
from survey.store.backup.encryption import (
    START_BYTES,
    BackupSecret,
    EncryptedReader,
    EncryptedWriter,
    is_encrypted,
)
from survey.store.backup.manifest import (
    BackupDamagedError,
    BackupManifest,
    ColumnRecord,
    FileRecord,
    TableRecord,
    checksum_error,
    truncated_error,
)
from survey.store.backup.row_codec import (
    column_kind_of,
    line_checker,
    line_writer,
    plain_table,
    select_expression,
)
from survey.store.engine import engine_for
from survey.store.schema import head_revision, stored_revision
from survey.store.tables import get_metadata

VERSION_TABLE = "alembic_version"
_ROW_BATCH_SIZE = 2000
NOT_PARTITIONS = (
    "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition "
    "AND relnamespace = current_schema()::regnamespace"
)


@contextmanager
def consistent_read(url: str) -> Iterator[Connection]:
    """Open a connection that sees the store as of one moment, while others go on writing."""
    with engine_for(url).connect() as connection:
        postgres = connection.dialect.name == "postgresql"
        if postgres:
            connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        with connection.begin():
            if postgres:
                without_time_limits(connection)
            yield connection


def without_time_limits(connection: Connection) -> None:
    """Remove PostgreSQL's time limits for this transaction, which long work would exceed."""
    for setting in ("statement_timeout", "idle_in_transaction_session_timeout"):
        connection.execute(sa.text(f"SET LOCAL {setting} = 0"))


def require_current(url: str) -> None:
    """Raise `NotFoundError` unless the store has the schema of this software version."""
    present = stored_revision(url)
    if present is None:
        raise NotFoundError(
            "nothing_to_back_up", msg("There is no store here yet, so there is nothing to back up.")
        )
    if present != head_revision():
        raise NotFoundError(
            "nothing_to_back_up",
            msg(
                "The store stands at migration {present} and this software at {own}. Back up "
                "with the version that serves it, or run: survey init",
                present=present,
                own=head_revision(),
            ),
        )


def schema_tables() -> list[Table]:
    """Return all tables of the platform, each after the tables that it refers to."""
    return get_metadata().sorted_tables


def foreign_tables(connection: Connection) -> list[str]:
    """Return the names of tables in the database that are not the platform's, sorted."""
    if connection.dialect.name == "postgresql":
        present = set(connection.execute(sa.text(NOT_PARTITIONS)).scalars())
    else:
        present = set(sa.inspect(connection).get_table_names())
    return sorted(present - {table.name for table in schema_tables()} - {VERSION_TABLE})


def migration_of(connection: Connection) -> str | None:
    """Return the last migration made in a store; None if it was never migrated."""
    return MigrationContext.configure(connection).get_current_revision()


def columns_of(table: Table) -> tuple[ColumnRecord, ...]:
    """Return name and kind of each column of a table, as a backup records them."""
    return tuple(ColumnRecord(name=each.name, kind=column_kind_of(each)) for each in table.columns)


def key_of(table: Table) -> tuple[str, ...]:
    """Return the names of a table's primary key columns."""
    return tuple(column.name for column in table.primary_key.columns)


def table_lines(
    connection: Connection,
    name: str,
    columns: tuple[ColumnRecord, ...],
    key: tuple[str, ...],
    **only: Any,
) -> Iterator[bytes]:
    """Yield a table's rows as JSON lines in key order, identical from SQLite and PostgreSQL.

    Args:
        only: Values of columns that all rows have.
    """
    table, dialect = plain_table(name, columns), connection.dialect.name
    query = sa.select(
        *(select_expression(table.c[each.name], each.kind, dialect) for each in columns)
    )
    for part in key:
        column: sa.ColumnElement[Any] = table.c[part]
        if dialect == "postgresql" and isinstance(column.type, sa.Text):
            column = sa.collate(column, "C")
        query = query.order_by(column)
    query = query.where(*(table.c[part] == value for part, value in only.items()))
    write = line_writer(columns)
    result = connection.execute(query, execution_options={"yield_per": _ROW_BATCH_SIZE})
    for rows in result.partitions():
        for row in rows:
            yield write(row)


MANIFEST = "manifest"
PART_BYTES = 4 << 20
_MAX_MEMBER_BYTES = 256 << 20
"""Largest member; a backup never has a larger one."""
_MAX_PART_BYTES = 64 << 20
"""Largest unpacked part: `PART_BYTES`, and the row that went beyond it."""
_MANIFEST = re.compile(r"manifest-([0-9a-f]{64})\.json")
"""The manifest is named by its own checksum, because it verifies all other members."""
_PART = re.compile(r"tables/([a-z_][a-z0-9_]*)/[0-9]{6}\.jsonl\.gz")
_FILE = re.compile(r"files/((?:[A-Za-z0-9_-][A-Za-z0-9._-]*/)*[A-Za-z0-9_-][A-Za-z0-9._-]*)")


class _Sink:
    """Write-only file that counts its position, as tarfile needs it."""

    def __init__(self, target: Any) -> None:
        self._target, self._place = target, 0

    def write(self, data: bytes) -> int:
        self._target.write(data)
        self._place += len(data)
        return len(data)

    def tell(self) -> int:
        return self._place


class ArchiveWriter:
    """Writer of a backup file: first tables and files, then the manifest."""

    def __init__(self, target: BinaryIO, secret: BackupSecret | None) -> None:
        self._encrypted = EncryptedWriter(target, secret) if secret else None
        sink: Any = _Sink(self._encrypted or target)
        self._tar = tarfile.TarFile(fileobj=sink, mode="w", format=tarfile.PAX_FORMAT)
        self.tables: list[TableRecord] = []
        self.files: list[FileRecord] = []

    def add_table(
        self,
        name: str,
        columns: tuple[ColumnRecord, ...],
        key: tuple[str, ...],
        lines: Iterable[bytes],
    ) -> None:
        """Write the rows of a table as compressed parts, and record their checksum."""
        digest, rows, number, part = hashlib.sha256(), 0, 0, bytearray()
        for line in lines:
            digest.update(line)
            rows += 1
            part += line
            if len(part) >= PART_BYTES:
                self._add_part(name, number, part)
                number, part = number + 1, bytearray()
        if part:
            self._add_part(name, number, part)
        self.tables.append(
            TableRecord(name=name, columns=columns, key=key, rows=rows, sha256=digest.hexdigest())
        )

    def _add_part(self, table: str, number: int, lines: bytes | bytearray) -> None:
        packed = gzip.compress(lines, compresslevel=3, mtime=0)
        self._add(f"tables/{table}/{number:06}.jsonl.gz", packed)

    def add_file(self, name: str, content: bytes) -> None:
        """Write one file of the data folder, and record its checksum."""
        self._add(f"files/{name}", content)
        sha256 = hashlib.sha256(content).hexdigest()
        self.files.append(FileRecord(name=name, size=len(content), sha256=sha256))

    def finish(self, manifest: BackupManifest) -> None:
        """Write the manifest as the last member, and close the archive."""
        content = manifest.model_dump_json(indent=1).encode()
        self._add(f"manifest-{hashlib.sha256(content).hexdigest()}.json", content)
        self._tar.close()
        if self._encrypted:
            self._encrypted.close()

    def discard(self) -> None:
        """End the encryption of an archive that will not be finished."""
        if self._encrypted:
            self._encrypted.discard()

    def _add(self, name: str, content: bytes) -> None:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        member.mode = 0o600
        self._tar.addfile(member, io.BytesIO(content))


@dataclass(frozen=True)
class TablePart:
    """Part of a table in a backup: rows as JSON lines."""

    table: str
    content: bytes

    @property
    def lines(self) -> Iterator[bytes]:
        """Iterator of the rows as JSON lines with line ends; a list would take much more memory."""
        return iter(io.BytesIO(self.content))

    @property
    def rows(self) -> int:
        """Number of lines, so of rows."""
        return self.content.count(b"\n") + (not self.content.endswith(b"\n"))


@dataclass(frozen=True)
class FilePart:
    """File of the data folder in a backup; `name` is relative to the folder."""

    name: str
    content: bytes


@dataclass
class _ContentTotals:
    """Row counts and checksums of the parts read, to compare with the manifest."""

    rows: dict[str, int] = field(default_factory=dict)
    digests: dict[str, Any] = field(default_factory=dict)
    files: list[FileRecord] = field(default_factory=list)

    def count(self, part: TablePart) -> None:
        """Count the rows of a table part and add them to the table's checksum."""
        self.rows[part.table] = self.rows.get(part.table, 0) + part.rows
        self.digests.setdefault(part.table, hashlib.sha256()).update(part.content)

    def hold_against(self, manifest: BackupManifest) -> None:
        """Raise `BackupDamagedError` unless counts and checksums match the manifest."""
        if set(self.rows) - {table.name for table in manifest.tables}:
            raise checksum_error(MANIFEST)
        empty = hashlib.sha256()
        for table in manifest.tables:
            digest = self.digests.get(table.name, empty).hexdigest()
            if (self.rows.get(table.name, 0), digest) != (table.rows, table.sha256):
                raise checksum_error(table.name)
        if tuple(self.files) != manifest.files:
            raise checksum_error("files")


def read_archive(
    source: BinaryIO, secret: BackupSecret | None
) -> Generator[TablePart | FilePart, None, BackupManifest]:
    """Yield the parts of a backup in order and return its manifest as the generator's value.

    The manifest comes last, so the parts can be trusted only when the generator ends without
    `BackupDamagedError`.
    """
    tally, manifest = _ContentTotals(), None
    for name, content in _iter_members(source, secret):
        if manifest is not None:
            raise checksum_error(name)
        if match := _MANIFEST.fullmatch(name):
            manifest = _parse_manifest(content, match[1])
        elif match := _PART.fullmatch(name):
            part = TablePart(match[1], _unpack_part(name, content))
            tally.count(part)
            yield part
        elif match := _FILE.fullmatch(name):
            digest = hashlib.sha256(content).hexdigest()
            tally.files.append(FileRecord(name=match[1], size=len(content), sha256=digest))
            yield FilePart(match[1], content)
        else:
            raise checksum_error(name)
    if manifest is None:
        raise truncated_error()
    tally.hold_against(manifest)
    return manifest


def verify_archive(source: BinaryIO, secret: BackupSecret | None) -> BackupManifest:
    """Check a backup's tables, files, rows against its manifest; return it; raise if they differ.

    Checksums tell what changed by chance. Whoever changes rows on purpose writes them anew.
    """
    manifest = _read_manifest(read_archive(source, secret))
    checks = {table.name: line_checker(table.columns, table.key) for table in manifest.tables}
    source.seek(0)
    for part in read_archive(source, secret):
        if isinstance(part, TablePart) and not all(map(checks[part.table], part.lines)):
            raise checksum_error(part.table)
    return manifest


def _read_manifest(parts: Generator[TablePart | FilePart, None, BackupManifest]) -> BackupManifest:
    while True:
        try:
            next(parts)
        except StopIteration as end:
            manifest: BackupManifest = end.value
            return manifest


def _iter_members(source: BinaryIO, secret: BackupSecret | None) -> Iterator[tuple[str, bytes]]:
    start = source.read(START_BYTES)
    source.seek(0)
    if not is_encrypted(start):
        yield from _iter_tar_members(source)
        return
    plain = EncryptedReader(source, secret)
    try:
        yield from _iter_tar_members(plain)
    finally:
        plain.close()


def _iter_tar_members(plain: Any) -> Iterator[tuple[str, bytes]]:
    try:
        with tarfile.open(fileobj=plain, mode="r|") as tar:
            for member in tar:
                # A sparse member says how large it is without holding that much.
                is_plain = member.isfile() and not member.issparse()
                if not is_plain or member.size > _MAX_MEMBER_BYTES:
                    raise checksum_error(member.name)
                stream = tar.extractfile(member)
                content = stream.read() if stream else b""
                if len(content) < member.size:
                    raise truncated_error()
                yield member.name, content
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise _unreadable_error(error) from error
    # Whatever follows the end of the stream must be authentic as well.
    while plain.read(PART_BYTES):
        pass


def _unreadable_error(error: Exception) -> BackupDamagedError:
    if "unexpected end" in str(error):
        return truncated_error()
    return BackupDamagedError(
        msg("This is not a backup, or it is damaged beyond reading. Nothing was restored.")
    )


def _unpack_part(name: str, content: bytes) -> bytes:
    try:
        with gzip.open(io.BytesIO(content)) as packed:
            plain: bytes = packed.read(_MAX_PART_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise checksum_error(name) from error
    if len(plain) > _MAX_PART_BYTES or not plain:
        raise checksum_error(name)
    return plain


def _parse_manifest(content: bytes, sha256: str) -> BackupManifest:
    if hashlib.sha256(content).hexdigest() != sha256:
        raise checksum_error(MANIFEST)
    try:
        return BackupManifest.model_validate_json(content)
    except ValidationError as error:
        if any(each["loc"] == ("format",) for each in error.errors()):
            raise RefusedError(
                "backup_too_new",
                msg("A newer version of the software made this backup; update, then restore it."),
            ) from error
        raise checksum_error(MANIFEST) from error
