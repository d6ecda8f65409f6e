"""The answers of one wave as a whole: read as lines, taken out of the database, put back.

On PostgreSQL they are a partition of their own, which is detached and dropped; on SQLite they are
rows among others. Lines have one canonical form, so their checksum is the same on both.
"""

import time
from collections.abc import Iterable, Iterator
from itertools import islice
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from survey.store.backup.reader import columns_of
from survey.store.backup.row_codec import line_writer, plain_table, select_expression
from survey.store.backup.row_insert import insert_lines
from survey.store.tables import ResponseRevision, table_of

_REVISIONS = table_of(ResponseRevision)
ANSWER_COLUMNS = columns_of(_REVISIONS)
"""Columns of a line, in their order."""
LINE_BATCH_SIZE = 2_000
_LOCK_TIMEOUT = "2s"
"""Who writes interviews of other waves waits no longer for a change of the partitions."""
_MAX_ATTEMPTS = 30
_PAUSE_SECONDS = 1.0
_LOCK_NOT_AVAILABLE = "55P03"


def partition_name(wave_id: UUID) -> str:
    """Return the name of the table with the answers of a wave on PostgreSQL."""
    return f"{_REVISIONS.name}_{wave_id.hex}"


def lock_answers(connection: Connection, wave_id: UUID) -> None:
    """Keep the answers of a wave as they are until the commit; others may read them."""
    if _has_partition(connection, wave_id):
        connection.exec_driver_sql(f"LOCK TABLE {partition_name(wave_id)} IN SHARE MODE")


def has_answers(connection: Connection, wave_id: UUID) -> bool:
    """Return whether the database holds any answers of a wave."""
    query = sa.select(_REVISIONS.c.id).where(_REVISIONS.c.wave_id == wave_id).limit(1)
    return connection.execute(query).first() is not None


def answer_lines(connection: Connection, wave_id: UUID) -> Iterator[bytes]:
    """Yield every revision of the wave's interviews as a line, by interview and number."""
    table, dialect = plain_table(_REVISIONS.name, ANSWER_COLUMNS), connection.dialect.name
    columns = [select_expression(table.c[each.name], each.kind, dialect) for each in ANSWER_COLUMNS]
    query = (
        sa.select(*columns)
        .where(table.c.wave_id == wave_id)
        .order_by(table.c.response_id, table.c.number)
    )
    write = line_writer(ANSWER_COLUMNS)
    result = connection.execute(query, execution_options={"yield_per": LINE_BATCH_SIZE})
    for rows in result.partitions():
        for row in rows:
            yield write(row)


def remove_answers(connection: Connection, wave_id: UUID) -> None:
    """Take the answers of a wave out of the database."""
    if not _has_partition(connection, wave_id):
        connection.execute(sa.delete(_REVISIONS).where(_REVISIONS.c.wave_id == wave_id))
        return
    part = partition_name(wave_id)
    _change_partitions(
        connection, f"ALTER TABLE {_REVISIONS.name} DETACH PARTITION {part}", f"DROP TABLE {part}"
    )


def put_back_answers(connection: Connection, wave_id: UUID, lines: Iterable[bytes]) -> None:
    """Insert the answers of a wave of which the database has none, as `answer_lines` gave them."""
    is_new = connection.dialect.name == "postgresql" and not _has_partition(connection, wave_id)
    table = partition_name(wave_id) if is_new else _REVISIONS.name
    if is_new:
        # Filled before it is attached: until then nobody waits for it.
        connection.exec_driver_sql(
            f"CREATE TABLE {table} (LIKE {_REVISIONS.name} INCLUDING DEFAULTS)"
        )
        # As for the part of a new wave (`guards`); all other triggers come by themselves.
        connection.exec_driver_sql(
            f"CREATE TRIGGER tr_response_revision_truncate BEFORE TRUNCATE ON {table}"
            " EXECUTE FUNCTION response_revision_not_emptied()"
        )
    remaining = iter(lines)
    while batch := list(islice(remaining, LINE_BATCH_SIZE)):
        insert_lines(connection, table, ANSWER_COLUMNS, batch)
    if is_new:
        _change_partitions(
            connection,
            f"ALTER TABLE {_REVISIONS.name} ATTACH PARTITION {table} FOR VALUES IN ('{wave_id}')",
        )


def _has_partition(connection: Connection, wave_id: UUID) -> bool:
    if connection.dialect.name != "postgresql":
        return False
    query = sa.text("SELECT to_regclass(:name) IS NOT NULL")
    return bool(connection.execute(query, {"name": partition_name(wave_id)}).scalar_one())


def _change_partitions(connection: Connection, *statements: str) -> None:
    """Run statements that wait for all who write interviews, and that these then wait for.

    They wait for a short time, let go and try again, so that fieldwork of other waves goes on.
    """
    for attempt in range(1, _MAX_ATTEMPTS + 1):
        connection.exec_driver_sql("SAVEPOINT partitions")
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
        try:
            for statement in statements:
                connection.exec_driver_sql(statement)
        except OperationalError as error:
            if (
                getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE
                or attempt == _MAX_ATTEMPTS
            ):
                raise
            connection.exec_driver_sql("ROLLBACK TO SAVEPOINT partitions")
            time.sleep(_PAUSE_SECONDS)
        else:
            connection.exec_driver_sql("RELEASE SAVEPOINT partitions")
            return
