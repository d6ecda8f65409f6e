"""Answers of a wave: one interview stored, and all of them as lines for an archive.

Half the cost of an interview on PostgreSQL is sending statements, so there it is one; on SQLite,
which runs in the process, it is three.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection, Select, bindparam, func, insert, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import OperationalError

from survey.store.backup.archive import columns_of, table_lines
from survey.store.backup.loader import insert_lines
from survey.store.inserts import insert_if_new
from survey.store.tables import Invitation, Response, ResponseRevision, table_of

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
    """Return the name of the partition with a wave's answers on PostgreSQL."""
    return f"{_REVISIONS.name}_{wave_id.hex}"


def lock_answers(connection: Connection, wave_id: UUID) -> None:
    """Lock the answers of a wave against changes until the commit; reading goes on."""
    if _has_partition(connection, wave_id):
        connection.exec_driver_sql(f"LOCK TABLE {partition_name(wave_id)} IN SHARE MODE")


def has_answers(connection: Connection, wave_id: UUID) -> bool:
    """Return whether the database holds any answers of a wave."""
    query = sa.select(_REVISIONS.c.id).where(_REVISIONS.c.wave_id == wave_id).limit(1)
    return connection.execute(query).first() is not None


def answer_lines(connection: Connection, wave_id: UUID) -> Iterator[bytes]:
    """Return an iterator of a wave's revisions as JSON lines, sorted by interview and number."""
    key = ("response_id", "number")
    return table_lines(connection, _REVISIONS.name, ANSWER_COLUMNS, key, wave_id=wave_id)


def remove_answers(connection: Connection, wave_id: UUID) -> None:
    """Delete all answers of a wave from the database."""
    if not _has_partition(connection, wave_id):
        connection.execute(sa.delete(_REVISIONS).where(_REVISIONS.c.wave_id == wave_id))
        return
    part = partition_name(wave_id)
    _change_partitions(
        connection, f"ALTER TABLE {_REVISIONS.name} DETACH PARTITION {part}", f"DROP TABLE {part}"
    )


def put_back_answers(connection: Connection, wave_id: UUID, lines: Iterable[bytes]) -> None:
    """Insert the answers of a wave that has none in the database from `answer_lines`."""
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
    """Run statements that lock the answers of all waves, with short waits and several attempts.

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


_RESPONSES = table_of(Response)
_INVITATIONS = table_of(Invitation)
_INSERT_REVISION = insert(_REVISIONS)
_USE_INVITATION = (
    update(_INVITATIONS)
    .where(_INVITATIONS.c.id == bindparam("invitation"))
    .values(used_at=bindparam("now"))
)
_OF_RESPONSE, _OF_REVISION = "of_response_", "of_revision_"
"""Prefixes of parameters: one with the name of a column would set that column."""


def insert_response(
    connection: Connection,
    *,
    response: Mapping[str, Any],
    revision: Mapping[str, Any],
    now: datetime,
) -> bool:
    """Insert a response with its first revision; False, and nothing written, if it exists.

    Args:
        response: Row of `response`, by column name.
        revision: Row of `response_revision`, by column name, without `response_id`.
    """
    if connection.dialect.name == "postgresql":
        statement = _build_response_insert(tuple(response), tuple(revision))
        values: dict[str, Any] = {_OF_RESPONSE + name: value for name, value in response.items()}
        values |= {_OF_REVISION + name: value for name, value in revision.items()}
        return bool(connection.execute(statement, {**values, "now": now}).scalar_one())
    if not insert_if_new(connection, Response, response):
        return False
    connection.execute(_INSERT_REVISION, {**revision, "response_id": response["id"]})
    if response["invitation_id"] is not None:
        connection.execute(_USE_INVITATION, {"invitation": response["invitation_id"], "now": now})
    return True


@lru_cache(maxsize=8)
def _build_response_insert(
    of_response: tuple[str, ...], of_revision: tuple[str, ...]
) -> Select[Any]:
    """Build PostgreSQL's insert of these columns of an interview; it returns 1, or 0 if stored."""
    new = (
        postgresql.insert(_RESPONSES)
        .values({name: bindparam(_OF_RESPONSE + name) for name in of_response})
        .on_conflict_do_nothing()
        .returning(_RESPONSES.c.id, _RESPONSES.c.invitation_id)
        .cte("new")
    )
    columns = [_REVISIONS.c[name] for name in of_revision]
    given = [bindparam(_OF_REVISION + each.name, type_=each.type) for each in columns]
    answers = (
        insert(_REVISIONS)
        .from_select([*of_revision, "response_id"], select(*given, new.c.id))
        .cte("answers")
    )
    used = (
        update(_INVITATIONS)
        .where(_INVITATIONS.c.id == new.c.invitation_id)
        .values(used_at=bindparam("now"))
        .cte("used")
    )
    return select(func.count()).select_from(new).add_cte(answers, used)
