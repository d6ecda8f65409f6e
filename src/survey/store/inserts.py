"""Inserts of many rows, and of one row unless it exists.

SQLAlchemy's own executemany spends more time on each value than the database does: many rows go by
COPY on PostgreSQL and one prepared statement on SQLite, their columns converted at once.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import repeat
from operator import attrgetter
from typing import Any

from sqlalchemy import JSON, Column, Connection, Enum, Insert, Uuid
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel

from survey.store.engine import add_write, dump_json
from survey.store.tables import UtcDateTime, table_of

_Convert = Callable[[Any], object]


def sqlite_time(value: datetime) -> str:
    """Return a time as text in the form of SQLAlchemy on SQLite: UTC without a time zone."""
    if value.tzinfo is not UTC:
        value = value.astimezone(UTC)
    # Cutting the zone off the text takes a third of the time of taking it off the value.
    return value.isoformat(" ", "microseconds").removesuffix("+00:00")


def _choose_converter(column: Column[Any], dialect: str) -> _Convert | None:
    if isinstance(column.type, JSON):
        return dump_json
    if isinstance(column.type, Enum):
        return attrgetter("value")
    if dialect == "sqlite" and isinstance(column.type, UtcDateTime):
        return sqlite_time
    if dialect == "sqlite" and isinstance(column.type, Uuid):
        return attrgetter("hex")
    return None


def _convert_values(values: Sequence[Any], convert: _Convert | None) -> Sequence[object]:
    if convert is None:
        return values
    return [None if value is None else convert(value) for value in values]


def insert_columns(
    connection: Connection,
    model: type[SQLModel],
    columns: Mapping[str, Sequence[Any]],
    constants: Mapping[str, Any],
) -> None:
    """Insert many rows from one sequence of values per column, and `constants` equal in all rows.

    Args:
        columns: Values of all rows, by column.
        constants: Value of each column that is the same in all rows.
    """
    table = table_of(model)
    dialect = connection.dialect.name
    names = [*columns, *constants]
    converts = {name: _choose_converter(table.columns[name], dialect) for name in names}
    varying = [_convert_values(values, converts[name]) for name, values in columns.items()]
    fixed = [_convert_values([value], converts[name])[0] for name, value in constants.items()]
    rows = zip(*varying, *map(repeat, fixed), strict=False)
    insert_rows(connection, table.name, names, rows)


def insert_rows(
    connection: Connection, table: str, names: Sequence[str], rows: Iterable[tuple[object, ...]]
) -> None:
    """Insert rows into `table`: values of columns `names`, of types that the driver expects."""
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(names))
        statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})"
        connection.exec_driver_sql(statement, list(rows))
        return
    # Not at the top: a command on SQLite starts a tenth of a second sooner without it.
    import psycopg

    raw = connection.connection.driver_connection
    assert isinstance(raw, psycopg.Connection)
    statement = f"COPY {table} ({', '.join(names)}) FROM STDIN"
    add_write(connection)
    try:
        with raw.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            for row in rows:
                copy.write_row(row)
    except psycopg.IntegrityError as problem:
        raise IntegrityError(statement, None, problem) from problem


@lru_cache(maxsize=64)
def _build_insert(dialect: str, model: type[SQLModel]) -> Insert:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = insert(table_of(model)).on_conflict_do_nothing()
    return statement.execution_options(preserve_rowcount=True)


def insert_if_new(connection: Connection, model: type[SQLModel], values: Mapping[str, Any]) -> bool:
    """Insert one row and return True; return False if a unique constraint refuses it.

    A concurrent transaction that inserts the same row is waited for, so exactly one of them gets
    True, and the other sees the committed row when it looks.
    """
    return connection.execute(_build_insert(connection.dialect.name, model), values).rowcount == 1
