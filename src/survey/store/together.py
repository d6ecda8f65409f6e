"""Several units of work in one transaction, because beginning and committing cost more than most
units do, and SQLite has one writer at a time anyway.

Each unit is still all or nothing: it stands within a savepoint of its own. Nobody is told that a
unit is done before the transaction that holds it is committed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from sqlmodel import Session

from survey.store.engine import engine_for, session_scope
from survey.store.journal import back_to, mark
from survey.store.unavailable import UNAVAILABLE, telling_when_unavailable

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

    When the database itself objects, to one of them or to the commit, nothing of all of them is
    kept and each is run again on its own, so that none suffers for another.
    """
    if len(works) > 1:
        try:
            return _run(url, works)
        except UNAVAILABLE:
            pass
    return [_alone(url, work) for work in works]


def _alone(url: str, work: Work) -> Done | Failed:
    try:
        with telling_when_unavailable(), session_scope(url) as session:
            return Done(work(session))
    except Exception as error:
        return Failed(error)


def _run(url: str, works: Sequence[Work]) -> list[Done | Failed]:
    with session_scope(url) as session:
        connection = session.connection()
        if engine_for(url).dialect.name == "postgresql":
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LONGEST_WAIT_FOR_A_ROW}'")
        return [_within_savepoint(session, connection, work) for work in works]


def _within_savepoint(session: Session, connection: Connection, work: Work) -> Done | Failed:
    # Never released: the next one of the same name hides it, and the commit ends them all.
    connection.exec_driver_sql("SAVEPOINT unit")
    place = mark(session)
    try:
        value = work(session)
        session.flush()
    except UNAVAILABLE:
        raise
    except Exception as error:
        session.expunge_all()
        connection.exec_driver_sql("ROLLBACK TO SAVEPOINT unit")
        back_to(session, place)
        return Failed(error)
    session.expunge_all()
    return Done(value)
