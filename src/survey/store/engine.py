"""Engines and sessions for SQLite (embedded) and PostgreSQL (shared).

`read_scope` is the way to read; the ways to write are in `store/transactions.py`. A service that
takes `session` never commits: the scope it was called in is the transaction.

The time limits of PostgreSQL travel with a connection's first packet, so they cost no statement
(docs/postgresql.md has the reasons and the arithmetic).
"""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Lock, RLock
from typing import Any

import orjson
from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DisconnectionError, OperationalError
from sqlalchemy.pool import QueuePool
from sqlmodel import Session

from survey.settings import Settings, current_settings
from survey.store.private_files import FOLDER_MODE, create_private_file

_WRITE_COUNT_KEY = "survey_writes"

_engines: dict[str, Engine] = {}
_engines_guard = Lock()
_write_turns: dict[str, RLock] = {}
SQLITE_BUSY_MILLISECONDS = 15_000
"""Longest wait for the writer of another process."""
PING_AFTER_SECONDS = 1.0
"""Idle time after which a connection is tested before it is used again."""
_LAST_USED = "survey_last_used"
_TURN_PAUSE_SECONDS = 0.05
"""Pause in which other threads get the turn to write."""
_CACHE_KIB, _LARGE_CACHE_KIB = 2_000, 32_000
"""Pages of SQLite that a connection keeps: by default, and in work that writes thousands of rows,
whose pages are written several times over if they do not stay."""
_LARGE_CACHE_KEY = "survey_large_cache"


def write_count(connection: Connection) -> int:
    """Return how many statements other than SELECT a connection has sent since it was opened."""
    return int(connection.info.get(_WRITE_COUNT_KEY, 0))


def add_write(connection: Connection) -> None:
    """Count a write on a connection that bypasses SQLAlchemy, such as COPY."""
    connection.info[_WRITE_COUNT_KEY] = write_count(connection) + 1


def _count_statement(connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
    if not statement.startswith("SELECT"):
        add_write(connection)


def dump_json(value: Any) -> str:
    """Return a value as JSON text, for the database to store."""
    return orjson.dumps(value).decode()


def _tune_sqlite(connection: Any, _record: object) -> None:
    # The driver's own transaction handling starts late and breaks DDL; `_begin_sqlite` replaces it.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        f"busy_timeout={SQLITE_BUSY_MILLISECONDS}",
        "foreign_keys=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later may find its snapshot outdated and fail at
    # once, whatever the busy timeout: writers therefore take the lock when they begin.
    writes = connection.get_execution_options().get("survey_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def normal_url(url: str) -> URL:
    """Return a store's URL with its driver; a plain `postgresql://` means psycopg 3."""
    parsed = make_url(url)
    if parsed.drivername in {"postgresql", "postgres"}:
        return parsed.set(drivername="postgresql+psycopg")
    return parsed


def _create_engine(url: str) -> Engine:
    parsed = normal_url(url)
    sqlite = parsed.get_backend_name() == "sqlite"
    if sqlite and parsed.database:
        Path(parsed.database).parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    pool: dict[str, Any] = {"pool_size": 10, "max_overflow": 30}
    if not sqlite:
        settings = current_settings()
        pool = {
            "pool_size": settings.database_pool_size,
            "max_overflow": settings.database_pool_overflow,
            "pool_timeout": settings.database_pool_timeout,
            "pool_recycle": settings.database_pool_recycle,
            "connect_args": _connect_arguments(parsed, settings),
        }
    engine = create_engine(
        parsed,
        json_serializer=dump_json,
        json_deserializer=orjson.loads,
        # Parameters are answers; an error's text goes to logs.
        hide_parameters=True,
        **pool,
    )
    event.listen(engine, "before_cursor_execute", _count_statement)
    if sqlite:
        if parsed.database and parsed.database != ":memory:":
            # Before SQLite does by the umask; the files beside the database get its mode.
            database = Path(parsed.database)
            event.listen(engine, "do_connect", lambda *_: create_private_file(database))
        event.listen(engine, "connect", _tune_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        event.listen(engine, "checkin", _reset_cache)
    else:
        ping_idle_connections(engine)
    return engine


def engine_for(url: str) -> Engine:
    """Return the engine of a store URL, created once per process."""
    engine = _engines.get(url)
    if engine is None:
        with _engines_guard:
            engine = _engines.get(url)
            if engine is None:
                engine = _engines[url] = _create_engine(url)
                _write_turns[url] = RLock()
    return engine


def pool_states() -> list[tuple[str, int]]:
    """Return how many connections are in use and idle: `[("in_use", n), ("idle", n)]`."""
    pools = [engine.pool for engine in _engines.values() if isinstance(engine.pool, QueuePool)]
    return [
        ("in_use", sum(pool.checkedout() for pool in pools)),
        ("idle", sum(pool.checkedin() for pool in pools)),
    ]


def dispose_engines() -> None:
    """Close all connections and drop every engine of this process."""
    with _engines_guard:
        for engine in _engines.values():
            engine.dispose()
        _engines.clear()
        _write_turns.clear()


@contextmanager
def session_scope(url: str, *, long_running: bool = False) -> Iterator[Session]:
    """Open one transaction that may write; commit at the end of the block, roll back if it raises.

    The product writes through `store/transactions.py`, which adds retries and errors in words.
    Threads of this process queue here for SQLite's single writer instead of polling its lock.

    Args:
        long_running: The work takes minutes (freezing, importing), so PostgreSQL's long time
            limits apply, and so does the wait for another process that writes to SQLite.
    """
    engine = engine_for(url).execution_options(survey_writes=True)
    with ExitStack() as stack:
        if engine.dialect.name != "sqlite":
            session = _begin_session(stack, engine)
        elif long_running:
            session = _wait_for_sqlite(stack, engine, _write_turns[url])
        else:
            stack.enter_context(_write_turns[url])
            session = _begin_session(stack, engine)
        _raise_time_limits(session, long_running)
        yield session


def _begin_session(stack: ExitStack, engine: Engine) -> Session:
    session = stack.enter_context(Session(engine, expire_on_commit=False))
    stack.enter_context(session.begin())
    return session


def _wait_for_sqlite(stack: ExitStack, engine: Engine, turn: RLock) -> Session:
    """Return a session that may write once SQLite is free; `stack` then holds it and lock `turn`.

    The turn of this process is given back again and again: other threads would wait for it without
    an end, where they have a limit for another process.
    """
    deadline = time.monotonic() + current_settings().database_patient_timeout
    while True:
        try:
            with ExitStack() as attempt:
                attempt.enter_context(turn)
                session = _begin_session(attempt, engine)
                connection = session.connection()
                raw = connection.connection.driver_connection
                assert isinstance(raw, sqlite3.Connection)
                raw.execute(f"PRAGMA cache_size=-{_LARGE_CACHE_KIB}")
                connection.info[_LARGE_CACHE_KEY] = True
                stack.push(attempt.pop_all())
                return session
        except OperationalError as error:
            code = getattr(error.orig, "sqlite_errorcode", None)
            if code != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(_TURN_PAUSE_SECONDS)


def _reset_cache(connection: Any, record: Any) -> None:
    """Reset the large page cache of an SQLite connection that returns to the pool."""
    if record.info.pop(_LARGE_CACHE_KEY, False) and connection is not None:
        # An error here would hide that of the work, and keep the connection from the pool.
        with suppress(sqlite3.Error):
            connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")


@contextmanager
def read_scope(url: str, *, long_running: bool = False) -> Iterator[Session]:
    """Open a session that never waits for writers; its changes are discarded."""
    with Session(engine_for(url), expire_on_commit=False) as session:
        _raise_time_limits(session, long_running)
        yield session


@contextmanager
def snapshot_scope(url: str) -> Iterator[Session]:
    """Open a session that sees the store as it is at its first statement, however long it reads.

    It never waits for writers, and they never wait for it. SQLite reads so in any case.
    """
    engine = engine_for(url)
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with Session(engine, expire_on_commit=False) as session:
        _raise_time_limits(session, long_running=True)
        yield session


def expect_every_row(session: Session) -> None:
    """Make PostgreSQL plan cursors for reading all of their rows, until the transaction ends.

    By default it plans for the first tenth, and walks through all interviews of all waves in the
    order of their ids where those of one city are asked for in that order.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.connection().exec_driver_sql("SET LOCAL cursor_tuple_fraction = 1")


def _raise_time_limits(session: Session, long_running: bool) -> None:
    """Set PostgreSQL's long time limits for a long-running transaction."""
    if long_running and session.get_bind().dialect.name == "postgresql":
        long = _convert_to_milliseconds(current_settings().database_patient_timeout)
        for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
            session.connection().exec_driver_sql(f"SET LOCAL {name} = {long}")


def _connect_arguments(url: URL, settings: Settings) -> dict[str, Any]:
    """Return psycopg's connection arguments; what the URL states has precedence."""
    limits = {
        "statement_timeout": settings.database_statement_timeout,
        "lock_timeout": settings.database_lock_timeout,
        "idle_in_transaction_session_timeout": settings.database_idle_timeout,
    }
    ours = {
        "application_name": f"survey {os.getpid()}",
        "connect_timeout": 10,
        "options": " ".join(
            f"-c {name}={_convert_to_milliseconds(value)}" for name, value in limits.items()
        ),
    }
    return {name: value for name, value in ours.items() if name not in url.query}


def _convert_to_milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def migration_engine(url: URL, settings: Settings, *, lock_seconds: float) -> Engine:
    """Return an engine for migrations: long statements, but short waits for locks."""
    limits = settings.model_copy(
        update={
            "database_statement_timeout": settings.database_patient_timeout,
            "database_idle_timeout": settings.database_patient_timeout,
            "database_lock_timeout": lock_seconds,
        }
    )
    return create_engine(url, poolclass=NullPool, connect_args=_connect_arguments(url, limits))


def ping_idle_connections(engine: Engine) -> None:
    """Make an engine test each connection that was idle for a while before it is used.

    SQLAlchemy's own `pool_pre_ping` tests every time, also between two transactions of the public
    endpoints that follow each other within a millisecond.
    """

    def before_use(connection: Any, record: Any, _proxy: Any) -> None:
        if time.monotonic() - record.info.get(_LAST_USED, 0.0) <= PING_AFTER_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError from error

    def after_use(_connection: Any, record: Any) -> None:
        record.info[_LAST_USED] = time.monotonic()

    event.listen(engine, "checkout", before_use)
    event.listen(engine, "checkin", after_use)
