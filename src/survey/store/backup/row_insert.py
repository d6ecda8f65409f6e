"""Insertion of the lines of `row_codec` into a table, by COPY on PostgreSQL."""

from collections.abc import Iterable, Sequence

import psycopg
from sqlalchemy import Connection

from survey.store.backup.manifest import ColumnRecord
from survey.store.backup.row_codec import line_reader
from survey.store.engine import add_write


def insert_lines(
    connection: Connection, table: str, columns: Sequence[ColumnRecord], lines: Iterable[bytes]
) -> None:
    """Insert rows that `line_writer` wrote, on this or the other database."""
    names = [column.name for column in columns]
    read = line_reader(columns, connection.dialect.name)
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(names))
        statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})"
        connection.exec_driver_sql(statement, [read(line) for line in lines])
        return
    raw = connection.connection.driver_connection
    assert isinstance(raw, psycopg.Connection)
    copying = f"COPY {table} ({', '.join(names)}) FROM STDIN"
    add_write(connection)
    with raw.cursor() as cursor, cursor.copy(copying.encode()) as copy:
        for line in lines:
            copy.write_row(read(line))
