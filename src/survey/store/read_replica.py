"""Reading that may be late: from a PostgreSQL read replica, as long as it is near the primary.

`read_from_replica` is for pages that only look. Whoever reads in order to write, to sign somebody
in or to decide what may be seen uses `read_scope` or `run_in_transaction`, which know the primary
only (docs/postgresql.md lists both). The replica is compared with the primary every few seconds;
when it is gone, late, or not a replica of this store, reading goes to the primary without an error.
"""

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy import URL, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlmodel import Session

from survey.locale import Message, RefusedError, msg
from survey.observe.metrics import LATE_READS, REPLICA_LAG_SECONDS
from survey.settings import Settings
from survey.store.audit_writer import last_commit_of
from survey.store.engine import engine_for, normal_url, read_scope
from survey.store.tables import AnyRow
from survey.store.transactions import UNAVAILABLE_ERRORS

_LOG = logging.getLogger(__name__)

T = TypeVar("T")

CHECK_SECONDS = 2.0
"""How long a comparison with the primary holds."""
RETRY_SECONDS = 15.0
"""How long a replica that failed is left alone."""
OWN_CHANGE_CHECK_SECONDS = 0.2
"""How soon it is compared again for somebody who has just changed something."""
CATCH_UP_LOOKS = 5
CATCH_UP_PAUSE = 0.02
"""Looks, and seconds between them, at a replica whose standing cannot be told at once: what was
committed a moment ago is on its way."""
_MAX_POSITIONS = 100
_LOG_PAGE_BYTES, _LOG_PAGE_HEAD_BYTES = 8192, 40
_QUERY_CANCELLED = "57014"
_RECOVERY_CONFLICT = "40001"

_CONNECTION_LIMITS = {"connect_timeout": "2", "tcp_user_timeout": "5000"}
"""Seconds and milliseconds: a reader waits no longer for a machine that does not answer."""

# What is committed is flushed before anybody sees it, unless commits do not wait for the disk.
_PRIMARY = text(
    "SELECT pg_wal_lsn_diff(CASE current_setting('synchronous_commit') WHEN 'off'"
    " THEN pg_current_wal_insert_lsn() ELSE pg_current_wal_flush_lsn() END, '0/0')::bigint"
    " AS position,"
    " clock_timestamp() AS at, current_database() AS name,"
    " (SELECT system_identifier FROM pg_control_system()) AS cluster,"
    " (SELECT version_num FROM alembic_version) AS revision"
)
_REPLICA = text(
    "SELECT pg_is_in_recovery() AS in_recovery,"
    " pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint AS position,"
    " pg_last_xact_replay_timestamp() AS replayed_at, current_database() AS name,"
    " (SELECT system_identifier FROM pg_control_system()) AS cluster,"
    " (SELECT version_num FROM alembic_version) AS revision"
)


@dataclass(frozen=True)
class DataFreshness:
    """Time up to which a reading from the replica holds everything that was committed."""

    as_of: datetime

    def seconds_before(self, moment: datetime) -> int:
        """Return how many seconds the data are older than a moment; never negative."""
        return max(0, round((moment - self.as_of).total_seconds()))


@dataclass(frozen=True)
class LateReading(Generic[T]):
    """Value read, with its freshness; None if it is from the primary, hence current."""

    value: T
    freshness: DataFreshness | None


@dataclass(frozen=True)
class ReplicaState:
    """Result of comparing the replica with the primary: problem, lag, and time of its data."""

    problem: Message | None
    """Why it is not read; None: it is."""
    as_of: datetime | None = None
    lag_seconds: float = 0.0
    as_of_monotonic: float = float("-inf")


@dataclass(frozen=True)
class _Position:
    """Position of the primary's log and the clocks at that moment."""

    log: int
    at: datetime
    monotonic: float


def require_read_url(settings: Settings) -> None:
    """Raise `RefusedError` if the setting for reading cannot name a replica of the store."""
    if not settings.database_read_url:
        return
    primary, replica = normal_url(settings.store_url), normal_url(settings.database_read_url)
    if {primary.get_backend_name(), replica.get_backend_name()} != {"postgresql"}:
        raise RefusedError(
            "read_replica_setting",
            msg(
                "SURVEY_DATABASE_READ_URL names a read replica, which only PostgreSQL has; leave "
                "it empty, or let both addresses name a PostgreSQL."
            ),
        )
    if _server_of(primary) == _server_of(replica):
        raise RefusedError(
            "read_replica_setting",
            msg(
                "SURVEY_DATABASE_READ_URL and SURVEY_DATABASE_URL name the same database; leave "
                "the first empty until there is a replica."
            ),
        )


def _server_of(url: URL) -> tuple[object, ...]:
    """Return host, port and database name of a URL, which decide where it leads."""
    host = url.host or url.query.get("host", "localhost")
    port = url.port or url.query.get("port", 5432)
    return host, str(port), url.database


def read_from_replica(
    settings: Settings, work: Callable[[Session], T], *, reader: UUID | None = None
) -> LateReading[T]:
    """Return what `work` reads, from the replica if that is recent and has `reader`'s changes.

    `work` may run twice: a replica that ends in the middle leaves the reading to the primary.

    Args:
        reader: Account whose own changes must be seen; None where many readers share one reading.
    """
    replica = _find_replica(settings)
    if replica is not None:
        state = replica.state_for(reader)
        if state.problem is None and state.as_of is not None:
            try:
                with read_scope(replica.url) as session:
                    value = work(session)
                LATE_READS.labels("replica").inc()
                return LateReading(value, DataFreshness(state.as_of))
            except UNAVAILABLE_ERRORS as error:
                replica.note_failure(error)
        LATE_READS.labels("primary").inc()
    with read_scope(settings.store_url) as session:
        return LateReading(work(session), None)


def check_replica(settings: Settings) -> ReplicaState | None:
    """Compare the replica with the primary now; None if none is configured."""
    replica = _find_replica(settings)
    return None if replica is None else replica.compare()


class _ReadReplica:
    """Read replica of a store, with the result of this process's last comparison to the primary."""

    def __init__(self, settings: Settings) -> None:
        self._primary_url = settings.store_url
        self._max_lag = settings.database_read_max_lag
        parsed = normal_url(settings.database_read_url)
        limits = {
            name: value for name, value in _CONNECTION_LIMITS.items() if name not in parsed.query
        }
        self.url = parsed.update_query_dict(limits).render_as_string(hide_password=False)
        self._positions: deque[_Position] = deque(maxlen=_MAX_POSITIONS)
        self._state = ReplicaState(msg("It has not been looked at yet."))
        self._checked_at = self._retry_at = float("-inf")
        self._turn = Lock()

    def state_for(self, reader: UUID | None) -> ReplicaState:
        """Return the state, renewed if due; a problem if `reader`'s last change is missing."""
        changed_at = float("-inf") if reader is None else last_commit_of(reader)
        moment = time.monotonic()
        lacks_change = self._state.as_of_monotonic < changed_at
        due_after = OWN_CHANGE_CHECK_SECONDS if lacks_change else CHECK_SECONDS
        due = max(self._checked_at + due_after, self._retry_at)
        # One thread looks; the others read where the last look sent them.
        if moment >= due and self._turn.acquire(blocking=False):
            try:
                self.compare()
            finally:
                self._turn.release()
        state = self._state
        if state.problem is None and state.as_of_monotonic < changed_at:
            return ReplicaState(msg("It lacks a change that the reader has just made."))
        return state

    def compare(self) -> ReplicaState:
        """Compare the replica with the primary, store the resulting state and return it."""
        state = self._compare_positions()
        self._checked_at = time.monotonic()
        if state.as_of is not None:
            REPLICA_LAG_SECONDS.set(state.lag_seconds)
        self._keep_state(state)
        return state

    def _keep_state(self, state: ReplicaState) -> None:
        """Store a state, and log it if its problem differs from that of the state before."""
        before, problem = self._state.problem, state.problem
        self._state = state
        if problem is None and before is not None:
            _LOG.info("the read replica is in use")
        elif problem is not None and (before is None or before.msgid != problem.msgid):
            _LOG.warning("reading goes to the primary. The read replica: %s", problem)

    def _compare_positions(self) -> ReplicaState:
        with engine_for(self._primary_url).connect() as connection:
            monotonic = time.monotonic()
            ours = connection.execute(_PRIMARY).one()
        position = _Position(_end_of_record(int(ours.position)), ours.at, monotonic)
        self._positions.append(position)
        try:
            with engine_for(self.url).connect() as connection:
                theirs = connection.execute(_REPLICA).one()
                problem = _find_replica_problem(ours, theirs)
                if problem is not None:
                    return ReplicaState(problem)
                as_of = self._find_as_of(int(theirs.position), theirs.replayed_at)
                max_lag = timedelta(seconds=self._max_lag)
                for _ in range(CATCH_UP_LOOKS):
                    if as_of is not None and position.at - as_of <= max_lag:
                        break
                    time.sleep(CATCH_UP_PAUSE)
                    theirs = connection.execute(_REPLICA).one()
                    as_of = self._find_as_of(int(theirs.position), theirs.replayed_at)
        except SQLAlchemyError as error:
            return self._record_failure(error)
        if as_of is None:
            return ReplicaState(msg("How late it is cannot be told yet."))
        lag = max(0.0, (position.at - as_of).total_seconds())
        late = msg(
            "It is {seconds} s behind; up to {most} s are taken.",
            seconds=round(lag),
            most=round(self._max_lag),
        )
        return ReplicaState(
            late if lag > self._max_lag else None, as_of, lag, position.monotonic - lag
        )

    def _find_as_of(self, replayed: int, replayed_at: datetime | None) -> datetime | None:
        """Return the time up to which a replica that `replayed` so much is complete, or None.

        The time of the last replayed commit stands still while nobody writes, so a position of the
        primary that was passed counts as well.
        """
        passed = [each.at for each in tuple(self._positions) if each.log <= replayed]
        return max([*passed, *([] if replayed_at is None else [replayed_at])], default=None)

    def note_failure(self, error: Exception) -> None:
        """Leave the replica unread for a while, unless it failed at one query only.

        Raises:
            Exception: The error, if the query ran out of time: the primary would as well.
        """
        sqlstate = getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None
        if sqlstate == _QUERY_CANCELLED:
            raise error
        if sqlstate != _RECOVERY_CONFLICT:
            self._keep_state(self._record_failure(error))

    def _record_failure(self, error: Exception) -> ReplicaState:
        self._retry_at = time.monotonic() + RETRY_SECONDS
        engine_for(self.url).dispose()
        reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        return ReplicaState(msg("It does not answer ({reason}).", reason=reason))


def _end_of_record(position: int) -> int:
    """Return a log position, moved to the start of its page if it is at the page's header."""
    into_page = position % _LOG_PAGE_BYTES
    return position - into_page if into_page <= _LOG_PAGE_HEAD_BYTES else position


def _find_replica_problem(ours: AnyRow, theirs: AnyRow) -> Message | None:
    """Return why server `theirs` is no replica of `ours` in its present schema; None if it is."""
    if not theirs.in_recovery:
        return msg("It is no replica but takes changes itself.")
    if (ours.cluster, ours.name) != (theirs.cluster, theirs.name):
        return msg("It is a replica of another database.")
    if ours.revision != theirs.revision:
        return msg("It has not reached the schema of the primary yet.")
    return None


_replicas: dict[tuple[str, str, float], _ReadReplica] = {}
_replicas_guard = Lock()


def _find_replica(settings: Settings) -> _ReadReplica | None:
    if not settings.database_read_url:
        return None
    key = (settings.store_url, settings.database_read_url, settings.database_read_max_lag)
    with _replicas_guard:
        if key not in _replicas:
            require_read_url(settings)
            _replicas[key] = _ReadReplica(settings)
        return _replicas[key]
