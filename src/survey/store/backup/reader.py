"""Reading of all tables of a running store at one moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Table

from survey.locale import NotFoundError, msg
from survey.store.backup.manifest import ColumnRecord
from survey.store.backup.row_codec import (
    column_kind_of,
    line_writer,
    plain_table,
    select_expression,
)
from survey.store.engine import engine_for
from survey.store.schema import head_revision, stored_revision
from survey.store.tables import get_metadata

VERSION_TABLE = "alembic_version"
_ROW_BATCH_SIZE = 2000
_NOT_PARTITIONS = (
    "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition "
    "AND relnamespace = current_schema()::regnamespace"
)


@contextmanager
def consistent_read(url: str) -> Iterator[Connection]:
    """Open a connection that sees the store as it is now, while others go on writing."""
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
    """Remove the time limits of this transaction, which a long backup would exceed."""
    for setting in ("statement_timeout", "idle_in_transaction_session_timeout"):
        connection.execute(sa.text(f"SET LOCAL {setting} = 0"))


def require_current(url: str) -> None:
    """Raise `NotFoundError` unless the store has the schema of this version."""
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
    """Return the tables of the platform, each after those that it refers to."""
    return get_metadata().sorted_tables


def foreign_tables(connection: Connection) -> list[str]:
    """Return other tables in the same database, which no backup contains."""
    if connection.dialect.name == "postgresql":
        present = set(connection.execute(sa.text(_NOT_PARTITIONS)).scalars())
    else:
        present = set(sa.inspect(connection).get_table_names())
    return sorted(present - {table.name for table in schema_tables()} - {VERSION_TABLE})


def migration_of(connection: Connection) -> str | None:
    """Return the revision of a store; None if it was never migrated."""
    return MigrationContext.configure(connection).get_current_revision()


def columns_of(table: Table) -> tuple[ColumnRecord, ...]:
    """Return the columns of a table as a backup records them."""
    return tuple(ColumnRecord(name=each.name, kind=column_kind_of(each)) for each in table.columns)


def key_of(table: Table) -> tuple[str, ...]:
    """Return the names of a table's primary key columns."""
    return tuple(column.name for column in table.primary_key.columns)


def table_lines(
    connection: Connection, name: str, columns: tuple[ColumnRecord, ...], key: tuple[str, ...]
) -> Iterator[bytes]:
    """Yield rows as lines in the order of the key, which is the same on both databases."""
    table, dialect = plain_table(name, columns), connection.dialect.name
    query = sa.select(
        *(select_expression(table.c[each.name], each.kind, dialect) for each in columns)
    )
    for part in key:
        column: sa.ColumnElement[Any] = table.c[part]
        if dialect == "postgresql" and isinstance(column.type, sa.Text):
            column = sa.collate(column, "C")
        query = query.order_by(column)
    write = line_writer(columns)
    result = connection.execute(query, execution_options={"yield_per": _ROW_BATCH_SIZE})
    for rows in result.partitions():
        for row in rows:
            yield write(row)
