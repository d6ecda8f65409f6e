"""Insert of one finished interview with its answers.

Half the cost of an interview on PostgreSQL is sending statements, so there it is one; on SQLite,
which runs in the process, it is three.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, insert, select, update
from sqlalchemy.dialects import postgresql

from survey.store.inserts import insert_if_new
from survey.store.tables import Invitation, Response, ResponseRevision, table_of

_RESPONSES, _REVISIONS = table_of(Response), table_of(ResponseRevision)
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
    """Build the PostgreSQL statement that returns how many responses were new."""
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
