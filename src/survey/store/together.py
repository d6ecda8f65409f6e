"""Several units of work in one transaction, because beginning and committing cost more than most
units do, and SQLite has one writer at a time anyway.

Each unit is still all or nothing. Nobody is told that a unit is done before the transaction that
holds it is committed. A unit that only looked before it raised takes nothing with it. When one
wrote something and then raised, which no unit of ours does as a rule, all of them begin again, each
in a transaction of its own: that is rarer, and cheaper over a day, than a savepoint for each.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from survey.store.engine import session_scope
from survey.store.journal import back_to, mark
from survey.store.repeating import write
from survey.store.unavailable import UNAVAILABLE
from survey.store.written import writes_of

Work = Callable[[Session], Any]

LONGEST_WAIT_FOR_A_ROW = "100ms"
"""Two processes may each hold a row that the other's next unit wants; neither waits longer."""


@dataclass(frozen=True)
class Done:
    """What a unit returned."""

    value: Any


@dataclass(frozen=True)
class Failed:
    """What a unit raised; nothing of it is in the store."""

    error: Exception


def write_together(url: str, works: Sequence[Work]) -> list[Done | Failed]:
    """Run `works` in order, committed together; what each of them came to, in the same order.

    When the database itself objects, to one of them or to the commit, or when one of them raises
    after it wrote, nothing of all of them is kept and each is run again on its own, so that none
    suffers for another. A unit must therefore be one that can be run again.
    """
    if len(works) > 1:
        try:
            return _run(url, works)
        except (_Apart, *UNAVAILABLE):
            pass
    return [_alone(url, work) for work in works]


def _alone(url: str, work: Work) -> Done | Failed:
    try:
        return Done(write(url, work))
    except Exception as error:
        return Failed(error)


class _Apart(Exception):
    """The units have to be run one by one; nothing of them is in the store."""


def _run(url: str, works: Sequence[Work]) -> list[Done | Failed]:
    with session_scope(url) as session:
        connection = session.connection()
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LONGEST_WAIT_FOR_A_ROW}'")
        return [_one_of_many(session, connection, work) for work in works]


def _one_of_many(session: Session, connection: Connection, work: Work) -> Done | Failed:
    before, place = writes_of(connection), mark(session)
    try:
        value = work(session)
        session.flush()
    except UNAVAILABLE:
        raise
    except Exception as error:
        session.expunge_all()
        # After an error of the database itself PostgreSQL's transaction takes nothing more.
        if isinstance(error, DBAPIError) or writes_of(connection) != before:
            raise _Apart from error
        back_to(session, place)
        return Failed(error)
    session.expunge_all()
    return Done(value)
