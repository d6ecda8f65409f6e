"""A unit of work in a transaction of its own, begun again when PostgreSQL had to choose a victim.

Two transactions that want each other's rows cannot both go on: PostgreSQL ends one of them with
`deadlock_detected` (or `serialization_failure`), and nothing of it is in the store. Running the
whole unit again is right then, and only then: the unit must read whatever it decides by inside the
transaction, and do nothing outside of it.
"""

import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError, TimeoutError
from sqlmodel import Session

from survey.locale import Message, SurveyError, msg
from survey.store.audit_writer import queue_length, truncate_queue
from survey.store.engine import session_scope, write_count

_LOG = logging.getLogger(__name__)

UNAVAILABLE_ERRORS = (OperationalError, InterfaceError, InternalError, TimeoutError)
"""A full disk, a stopped or restarting database, a lock that did not come: trying again helps."""


class StoreUnavailableError(SurveyError):
    """Nothing was written. The same request may be sent again."""

    code = "store_unavailable"

    def __init__(self, message: Message | None = None) -> None:
        super().__init__(
            message
            or msg("We cannot save anything at the moment. Nothing is lost; please try again soon.")
        )


@contextmanager
def translate_database_errors() -> Iterator[None]:
    """Turn failures of the database itself into `StoreUnavailableError`; statements stay out of
    logs.
    """
    try:
        yield
    except TimeoutError as error:
        _LOG.error("every connection of the pool is taken (SURVEY_DATABASE_POOL_SIZE): %s", error)
        raise StoreUnavailableError(
            msg(
                "Too many people are working at this moment. Nothing is lost; "
                "please try again in a minute."
            )
        ) from error
    except UNAVAILABLE_ERRORS as error:
        reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        _LOG.error("the store does not take anything in: %s", reason)
        raise StoreUnavailableError from error


@contextmanager
def write_scope(url: str, *, patient: bool = False) -> Iterator[Session]:
    """As `session_scope`, for whoever says what went wrong: raises `StoreUnavailableError`."""
    with translate_database_errors(), session_scope(url, patient=patient) as session:
        yield session


CONFLICT_SQLSTATES = {"40001": "serialization failure", "40P01": "deadlock"}
MAX_ATTEMPTS = 5
MAX_FIRST_PAUSE_SECONDS = 0.02
"""Seconds before the second try, at most; doubled for each that follows."""

T = TypeVar("T")

_conflicts: Counter[str] = Counter()


def conflict_counts() -> dict[str, int]:
    """How often this process began a unit again, by the reason, and how often it gave up."""
    return dict(_conflicts)


def run_in_transaction(url: str, work: Callable[[Session], T]) -> T:
    """Run `work` in a transaction and return what it returned, after the commit.

    Raises what `work` raised, and `StoreUnavailableError` when the store took nothing in.
    `work` may be
    run several times; only the last one is kept.
    """
    with translate_database_errors():
        for tried in count(1):
            try:
                with session_scope(url) as session:
                    return work(session)
            except DBAPIError as error:
                reason = conflict_name(error)
                if reason is None:
                    raise
                _back_off(reason, tried, error)
    raise AssertionError("unreachable")


def conflict_name(error: DBAPIError) -> str | None:
    """The name of the conflict that chose this transaction as its victim; None for other errors."""
    return CONFLICT_SQLSTATES.get(getattr(error.orig, "sqlstate", None) or "")


def _back_off(reason: str, tried: int, error: DBAPIError) -> None:
    if tried >= MAX_ATTEMPTS:
        _conflicts["given up"] += 1
        raise error
    _conflicts[reason] += 1
    _LOG.warning("%s: the unit of work begins again (try %d)", reason, tried + 1)
    # By chance, so that the same two do not meet again.
    time.sleep(random.uniform(0, MAX_FIRST_PAUSE_SECONDS) * 2 ** (tried - 1))


Work = Callable[[Session], Any]

BATCH_LOCK_TIMEOUT = "100ms"
"""Two processes may each hold a row that the other's next unit wants; neither waits longer."""


@dataclass(frozen=True)
class WorkSucceeded:
    """What a unit returned."""

    value: Any


@dataclass(frozen=True)
class WorkFailed:
    """What a unit raised; nothing of it is in the store."""

    error: Exception


def run_batch(url: str, works: Sequence[Work]) -> list[WorkSucceeded | WorkFailed]:
    """Run `works` in order, committed together; what each of them came to, in the same order.

    When the database itself objects, to one of them or to the commit, or when one of them raises
    after it wrote, nothing of all of them is kept and each is run again on its own, so that none
    suffers for another. A unit must therefore be one that can be run again.
    """
    if len(works) > 1:
        try:
            return _run(url, works)
        except (_RetrySeparatelyError, *UNAVAILABLE_ERRORS):
            pass
    return [_run_separately(url, work) for work in works]


def _run_separately(url: str, work: Work) -> WorkSucceeded | WorkFailed:
    try:
        return WorkSucceeded(run_in_transaction(url, work))
    except Exception as error:
        return WorkFailed(error)


class _RetrySeparatelyError(Exception):
    """The units have to be run one by one; nothing of them is in the store."""


def _run(url: str, works: Sequence[Work]) -> list[WorkSucceeded | WorkFailed]:
    with session_scope(url) as session:
        connection = session.connection()
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{BATCH_LOCK_TIMEOUT}'")
        return [_run_in_batch(session, connection, work) for work in works]


def _run_in_batch(
    session: Session, connection: Connection, work: Work
) -> WorkSucceeded | WorkFailed:
    before, place = write_count(connection), queue_length(session)
    try:
        value = work(session)
        session.flush()
    except UNAVAILABLE_ERRORS:
        raise
    except Exception as error:
        session.expunge_all()
        # After an error of the database itself PostgreSQL's transaction takes nothing more.
        if isinstance(error, DBAPIError) or write_count(connection) != before:
            raise _RetrySeparatelyError from error
        truncate_queue(session, place)
        return WorkFailed(error)
    session.expunge_all()
    return WorkSucceeded(value)
