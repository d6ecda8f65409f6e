"""The two ways to write to the store: one unit of work, or a batch of units in one transaction.

What takes minutes reads in one view of the store, computes, and writes in a short unit of work that
checks whether what was read still holds.

A unit of work is a function of a session. It must decide by what it reads in that session and
change nothing outside of it, because it may run several times: PostgreSQL ends one of two
transactions that want each other's rows, and the unit that lost is run again.
"""

import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    InterfaceError,
    InternalError,
    OperationalError,
    TimeoutError,
)
from sqlmodel import Session

from survey.locale import SurveyError, msg
from survey.store.audit_writer import queue_length, truncate_queue
from survey.store.engine import read_scope, session_scope, snapshot_scope, write_count

_LOG = logging.getLogger(__name__)

T = TypeVar("T")

UnitOfWork = Callable[[Session], Any]
"""A unit of work."""

UNAVAILABLE_ERRORS = (OperationalError, InterfaceError, InternalError, TimeoutError)
"""A full disk, a stopped or restarting database, a lock that did not come: trying again helps."""

_LOCK_SQLSTATES = ("55P03", "40P01")
"""Lock timeout, deadlock."""
CONFLICT_SQLSTATES = {"40001": "serialization failure", "40P01": "deadlock"}
MAX_ATTEMPTS = 5
MAX_FIRST_PAUSE_SECONDS = 0.02
"""Longest pause before the second attempt; it doubles for each that follows."""

_NUL_SIGNS = ("NUL", "\\u0000")
"""How the driver names a NUL in a text, and the server one in a JSON document."""

BATCH_LOCK_TIMEOUT = "100ms"
"""Two processes may each hold a row that the other's next unit wants; neither waits longer."""

_conflict_counts: Counter[str] = Counter()


class StoreUnavailableError(SurveyError):
    """Raised when the database failed and nothing was written; the request may be sent again."""

    code = "store_unavailable"
    message = msg("We cannot save anything at the moment. Nothing is lost; please try again soon.")


class RowsLockedError(StoreUnavailableError):
    """Raised when rows to be locked stayed locked by another transaction; nothing written."""


class UnstorableTextError(SurveyError):
    """Raised when a text holds a NUL, which PostgreSQL does not store; nothing was written."""

    code = "unstorable_text"
    message = msg(
        "One of the texts holds an invisible character (NUL) that cannot be saved. "
        "Please type the text again instead of pasting it."
    )


def run_in_transaction(url: str, work: Callable[[Session], T], *, long_running: bool = False) -> T:
    """Run a unit of work in its own transaction, commit, and return its result.

    Args:
        long_running: The work takes minutes (freezing, importing): PostgreSQL's long time limits
            apply, and the work is not run again after a conflict.

    Raises:
        StoreUnavailableError: The database failed, or conflicts did not end.
        UnstorableTextError: PostgreSQL was given a NUL.
    """
    max_attempts = 1 if long_running else MAX_ATTEMPTS
    with _translate_database_errors():
        for attempt in count(1):
            try:
                with session_scope(url, long_running=long_running) as session:
                    return work(session)
            except DBAPIError as error:
                conflict = CONFLICT_SQLSTATES.get(getattr(error.orig, "sqlstate", None) or "")
                if conflict is None:
                    raise
                if attempt >= max_attempts:
                    _conflict_counts["given up"] += 1
                    raise
                _conflict_counts[conflict] += 1
                _LOG.warning("%s: the unit of work begins again (try %d)", conflict, attempt + 1)
                # Random, so that the same two transactions do not meet again.
                time.sleep(random.uniform(0, MAX_FIRST_PAUSE_SECONDS) * 2 ** (attempt - 1))
    raise AssertionError("unreachable")


def read_in_snapshot(url: str, read: Callable[[Session], T]) -> T:
    """Return what `read` returns from one consistent view of the store.

    Raises:
        StoreUnavailableError: The database failed.
    """
    with _translate_database_errors(), snapshot_scope(url) as session:
        return read(session)


@contextmanager
def translate_lock_errors() -> Iterator[None]:
    """Raise `RowsLockedError` if PostgreSQL waits too long for a lock within the block.

    For work that comes before everything else of a unit, so that the unit can be run again later.
    """
    try:
        yield
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) in _LOCK_SQLSTATES:
            raise RowsLockedError from error
        raise


def conflict_counts() -> dict[str, int]:
    """Return kind of conflict -> times that this process repeated a transaction or gave up."""
    return dict(_conflict_counts)


@contextmanager
def _translate_database_errors() -> Iterator[None]:
    """Turn database failures into `StoreUnavailableError`, NUL into `UnstorableTextError`."""
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
    except DataError as error:
        if any(sign in str(error.orig) for sign in _NUL_SIGNS):
            raise UnstorableTextError from error
        raise


@dataclass(frozen=True)
class WorkSucceeded:
    """Outcome of a unit of work that succeeded, with what it returned."""

    value: Any


@dataclass(frozen=True)
class WorkFailed:
    """Outcome of a unit of work that raised and left nothing in the store."""

    error: Exception


def run_batch(url: str, works: Sequence[UnitOfWork]) -> list[WorkSucceeded | WorkFailed]:
    """Run units of work in one transaction if possible; return an outcome for each, in order.

    If the database objects to a unit or to the commit, or if a unit raises after it wrote, nothing
    is kept and each unit is run again in a transaction of its own, so that no unit suffers for
    another.
    """
    if len(works) > 1:
        try:
            return _run_together(url, works)
        except (_RetrySeparatelyError, *UNAVAILABLE_ERRORS):
            pass
    return [_run_for_outcome(partial(run_in_transaction, url, work)) for work in works]


def run_reads(url: str, works: Sequence[UnitOfWork]) -> list[WorkSucceeded | WorkFailed]:
    """Run units of work that only read; return an outcome for each, in order.

    They wait for no writer, but for whoever keeps a whole SQLite database to itself.
    """

    def read(work: UnitOfWork) -> Any:
        with _translate_database_errors(), read_scope(url) as session:
            return work(session)

    return [_run_for_outcome(partial(read, work)) for work in works]


class _RetrySeparatelyError(Exception):
    """Raised when the units of a batch must be run in transactions of their own."""


def _run_for_outcome(run: Callable[[], Any]) -> WorkSucceeded | WorkFailed:
    try:
        return WorkSucceeded(run())
    except Exception as error:
        return WorkFailed(error)


def _run_together(url: str, works: Sequence[UnitOfWork]) -> list[WorkSucceeded | WorkFailed]:
    with session_scope(url) as session:
        connection = session.connection()
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{BATCH_LOCK_TIMEOUT}'")
        return [_run_in_batch(session, connection, work) for work in works]


def _run_in_batch(
    session: Session, connection: Connection, work: UnitOfWork
) -> WorkSucceeded | WorkFailed:
    writes_before, queued_before = write_count(connection), queue_length(session)
    try:
        value = work(session)
        session.flush()
    except UNAVAILABLE_ERRORS:
        raise
    except Exception as error:
        session.expunge_all()
        # After an error of the database PostgreSQL refuses every statement of the transaction.
        if isinstance(error, DBAPIError) or write_count(connection) != writes_before:
            raise _RetrySeparatelyError from error
        truncate_queue(session, queued_before)
        return WorkFailed(error)
    session.expunge_all()
    return WorkSucceeded(value)
