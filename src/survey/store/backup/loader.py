"""Loading of a backup into a store, row by row: everything and verified, or nothing.

On SQLite a new database is built beside the present one and replaces it at the end. On PostgreSQL
one transaction drops the old tables, creates them anew and fills them.
"""

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import psycopg
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from survey.locale import RefusedError, msg
from survey.store.backup.archive import (
    NOT_PARTITIONS,
    VERSION_TABLE,
    TablePart,
    schema_tables,
    table_lines,
    without_time_limits,
)
from survey.store.backup.manifest import (
    BackupManifest,
    ColumnRecord,
    StoreOccupiedError,
    TableRecord,
    checksum_error,
)
from survey.store.backup.row_codec import line_reader
from survey.store.engine import dispose_engines, engine_for, normal_url
from survey.store.inserts import insert_rows
from survey.store.private_files import SIDE_FILE_SUFFIXES
from survey.store.schema import is_before_release, known_revisions, upgrade_within


def insert_lines(
    connection: Connection, table: str, columns: Sequence[ColumnRecord], lines: Iterable[bytes]
) -> None:
    """Insert rows given as JSON lines of `line_writer`, whichever database they are from."""
    names = [column.name for column in columns]
    insert_rows(connection, table, names, map(line_reader(columns, connection.dialect.name), lines))


REFERENCE = frozenset(
    {"city", "indicator_tree_version", "instrument_version", "audit_head", "schema_floor"}
)
"""Tables that `survey init` fills; a store with rows in no other counts as empty."""
_OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
    "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)
_CLOSING_SECONDS = 2.0
_FUNCTIONS = (
    "SELECT p.oid::regprocedure::text FROM pg_proc p "
    "WHERE p.pronamespace = current_schema()::regnamespace "
    "AND p.proowner = current_user::regrole AND NOT EXISTS "
    "(SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')"
)
_GUARDS = (
    "SELECT quote_ident(c.relname), quote_ident(t.tgname) FROM pg_trigger t "
    "JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal AND t.tgtype & 2 = 2 "
    "AND c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(:names)"
)
_TABLES_TO_DROP = f"{NOT_PARTITIONS} AND relname = ANY(:names)"

Parts = Callable[[], Iterator[TablePart]]


def _count_others(connection: Connection) -> int:
    """Count the other connections to this database; wait until just closed ones are gone."""
    deadline = time.monotonic() + _CLOSING_SECONDS
    while True:
        connection.exec_driver_sql("SELECT pg_stat_clear_snapshot()")
        others = int(connection.execute(sa.text(_OTHERS)).scalar_one())
        if not others or time.monotonic() > deadline:
            return others
        time.sleep(0.1)


def require_known_migration(manifest: BackupManifest) -> None:
    """Raise unless this version of the software knows the schema of a backup.

    Raises:
        RefusedError: a newer version made it, or one before 0.1.0.
    """
    if is_before_release(manifest.migration):
        raise RefusedError(
            "backup_too_old",
            msg(
                "A version before 0.1.0 made this backup. Please restore it with version 0.1.0, "
                "and back up again there."
            ),
        )
    if manifest.migration not in known_revisions():
        raise RefusedError(
            "backup_too_new",
            msg("A newer version of the software made this backup; update, then restore it."),
        )


@dataclass(frozen=True)
class StoreLoader:
    """Restore of one backup's tables into one store."""

    url: str
    manifest: BackupManifest
    parts: Parts

    def require_compatible(self, *, replace: bool) -> None:
        """Raise `StoreOccupiedError` if the store holds data and `replace` is not set."""
        filled = filled_tables(self.url)
        if filled and not replace:
            raise StoreOccupiedError(
                msg(
                    "The store holds data already ({tables}). To throw them away and restore "
                    "the backup in their place, say --replace.",
                    tables=", ".join(filled),
                )
            )

    @property
    def drafts(self) -> list[Path]:
        """Files of the new SQLite database until it replaces the present one."""
        url = normal_url(self.url)
        if url.get_backend_name() != "sqlite":
            return []
        return list_database_files(_name_draft(Path(url.database or "")))

    @contextmanager
    def load(self) -> Iterator[None]:
        """Load all tables; commit at the end of the block, roll back if the block raises."""
        with self._translate_refusals():
            if normal_url(self.url).get_backend_name() == "sqlite":
                yield from self._load_via_draft_file()
            else:
                yield from self._load_in_transaction()

    @contextmanager
    def _translate_refusals(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, psycopg.Error, sqlite3.Error) as error:
            reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
            raise RefusedError(
                "backup_not_taken",
                msg(
                    "The database did not take the backup in: {reason}. It is as it was before.",
                    reason=reason,
                ),
            ) from error

    def _load_via_draft_file(self) -> Iterator[None]:
        database = Path(normal_url(self.url).database or "")
        draft = _name_draft(database)
        remove_database(draft)
        draft_url = f"sqlite:///{draft}"
        try:
            with _exclusive_lock(database):
                with engine_for(draft_url).execution_options(survey_writes=True).begin() as new:
                    self._fill(new)
                with engine_for(draft_url).connect() as new:
                    new.exec_driver_sql("PRAGMA user_version")
                dispose_engines()
                # Folds the write-ahead log into the database file, which is then complete.
                closing = sqlite3.connect(draft, isolation_level=None)
                closing.execute("PRAGMA journal_mode=DELETE")
                closing.close()
                yield
                draft.replace(database)
        finally:
            remove_database(draft)

    def _load_in_transaction(self) -> Iterator[None]:
        dispose_engines()
        with engine_for(self.url).begin() as connection:
            without_time_limits(connection)
            others = _count_others(connection)
            if others:
                raise _store_in_use_error(others)
            _drop_tables(connection)
            self._fill(connection)
            yield

    def _fill(self, connection: Connection) -> None:
        upgrade_within(connection, self.manifest.migration)
        with _disable_triggers(connection, [table.name for table in self.manifest.tables]):
            _clear_tables(connection, self.manifest)
            for part in self.parts():
                record = self._get_record(part.table)
                insert_lines(connection, record.name, record.columns, part.lines)
        _advance_sequences(connection, self.manifest)
        for record in self.manifest.tables:
            if stored_sha256(connection, record) != record.sha256:
                raise checksum_error(record.name)
        upgrade_within(connection)

    def _get_record(self, name: str) -> TableRecord:
        for table in self.manifest.tables:
            if table.name == name:
                return table
        raise checksum_error(name)


def stored_sha256(connection: Connection, record: TableRecord) -> str:
    """Return the checksum of a table's present rows, calculated as a backup calculates it."""
    digest = sha256()
    for line in table_lines(connection, record.name, record.columns, record.key):
        digest.update(line)
    return digest.hexdigest()


def filled_tables(url: str) -> list[str]:
    """Return the names of tables with rows, apart from tables that every new store has filled."""
    with engine_for(url).connect() as connection:
        present = set(sa.inspect(connection).get_table_names())
        return [
            table.name
            for table in schema_tables()
            if table.name in present - REFERENCE
            and connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first()
        ]


def _name_draft(database: Path) -> Path:
    return database.with_name(f".{database.name}.restoring")


def list_database_files(path: Path) -> list[Path]:
    """Return the paths of an SQLite database and of the files beside it, present or not."""
    return [path.with_name(path.name + suffix) for suffix in SIDE_FILE_SUFFIXES]


def remove_database(path: Path) -> None:
    """Delete an SQLite database and the files beside it."""
    for file in list_database_files(path):
        file.unlink(missing_ok=True)


def _store_in_use_error(count: int) -> StoreOccupiedError:
    return StoreOccupiedError(
        msg(
            "The store is in use ({count} connections). Stop every server that uses it, then "
            "restore again.",
            count=count,
        )
    )


@contextmanager
def _exclusive_lock(database: Path) -> Iterator[None]:
    """Lock the present SQLite database against all other processes during the block.

    Leaving WAL mode succeeds only if no other process has the database open, and folds the log into
    the file, so no log of the old database can be applied to the new one.
    """
    dispose_engines()
    if not database.exists():
        yield
        return
    present = sqlite3.connect(database, timeout=0.5, isolation_level=None)
    try:
        present.execute("PRAGMA locking_mode=EXCLUSIVE")
        try:
            present.execute("PRAGMA journal_mode=DELETE")
            present.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise StoreOccupiedError(
                msg("The store is in use. Stop the server that uses it, then restore again.")
            ) from error
        yield
    finally:
        present.close()


def _drop_tables(connection: Connection) -> None:
    """Drop the platform's tables, and the functions that migrations created."""
    names = [*(table.name for table in schema_tables()), VERSION_TABLE]
    quote = connection.dialect.identifier_preparer.quote
    for name in connection.execute(sa.text(_TABLES_TO_DROP), {"names": names}).scalars().all():
        connection.exec_driver_sql(f"DROP TABLE {quote(name)} CASCADE")
    for function in connection.execute(sa.text(_FUNCTIONS)).scalars().all():
        connection.exec_driver_sql(f"DROP ROUTINE {function}")


@contextmanager
def _disable_triggers(connection: Connection, tables: list[str]) -> Iterator[None]:
    """Disable triggers during the block, because they refuse rows that were once valid.

    On PostgreSQL those are the triggers before a row; what one after it makes is needed here too.
    """
    if connection.dialect.name == "postgresql":
        guards = connection.execute(sa.text(_GUARDS), {"names": tables}).all()
        for table, name in guards:
            connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
        yield
        for table, name in guards:
            connection.exec_driver_sql(f"ALTER TABLE {table} ENABLE TRIGGER {name}")
        return
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
    triggers = connection.exec_driver_sql(query).all()
    for name, _ in triggers:
        connection.exec_driver_sql(f'DROP TRIGGER "{name}"')
    connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
    yield
    for _, statement in triggers:
        connection.exec_driver_sql(statement)


def _clear_tables(connection: Connection, manifest: BackupManifest) -> None:
    """Delete the rows that migrations inserted, because the backup contains them."""
    for record in reversed(manifest.tables):
        connection.exec_driver_sql(f"DELETE FROM {record.name}")


def _advance_sequences(connection: Connection, manifest: BackupManifest) -> None:
    """Set PostgreSQL's sequences to the highest restored numbers."""
    if connection.dialect.name != "postgresql":
        return
    for record in manifest.tables:
        for column in record.columns:
            counter = connection.execute(
                sa.text("SELECT pg_get_serial_sequence(:table, :column)"),
                {"table": record.name, "column": column.name},
            ).scalar_one()
            if counter is not None:
                connection.exec_driver_sql(
                    f"SELECT setval('{counter}', coalesce(max({column.name}), 1), "
                    f"max({column.name}) IS NOT NULL) FROM {record.name}"
                )
