"""Engines and sessions for SQLite (embedded) and PostgreSQL (shared).

`read_scope` is the way to read; the ways to write are in `store/transactions.py`. A service that
takes `session` never commits: the scope it was called in is the transaction.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Lock, RLock
from typing import Any

import orjson
from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.pool import QueuePool
from sqlmodel import Session, create_engine

from survey.settings import current_settings
from survey.store import postgres
from survey.store.private_files import FOLDER_MODE, create_private_file

_WRITE_COUNT_KEY = "survey_writes"

_engines: dict[str, Engine] = {}
_engines_guard = Lock()
_write_turns: dict[str, RLock] = {}


def write_count(connection: Connection) -> int:
    """Return how many statements that may write were sent since the connection was opened."""
    return int(connection.info.get(_WRITE_COUNT_KEY, 0))


def add_write(connection: Connection) -> None:
    """Count a write that bypasses SQLAlchemy, such as COPY."""
    connection.info[_WRITE_COUNT_KEY] = write_count(connection) + 1


def _count_statement(connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
    if not statement.startswith("SELECT"):
        add_write(connection)


def _dump_json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _tune_sqlite(connection: Any, _record: object) -> None:
    # The driver's own transaction handling starts late and breaks DDL; `_begin_sqlite` replaces it.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "busy_timeout=15000",
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
    """Return the URL with its driver; a plain `postgresql://` means psycopg 3."""
    parsed = make_url(url)
    if parsed.drivername in {"postgresql", "postgres"}:
        return parsed.set(drivername="postgresql+psycopg")
    return parsed


def _keep_private(engine: Engine, database: Path) -> None:
    """Create the database file readable by its owner only, before SQLite does by the umask.

    SQLite gives the files beside the database the same mode as the database.
    """

    def before_connect(*_: object) -> None:
        create_private_file(database)

    event.listen(engine, "do_connect", before_connect)


def _new_engine(url: str) -> Engine:
    parsed = normal_url(url)
    sqlite = parsed.get_backend_name() == "sqlite"
    if sqlite and parsed.database:
        Path(parsed.database).parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    tuned = {} if sqlite else postgres.engine_options(parsed, current_settings())
    engine = create_engine(
        parsed,
        json_serializer=_dump_json,
        json_deserializer=orjson.loads,
        # Parameters are answers; an error's text goes to logs.
        hide_parameters=True,
        **(tuned or {"pool_size": 10, "max_overflow": 30}),
    )
    event.listen(engine, "before_cursor_execute", _count_statement)
    if sqlite:
        if parsed.database and parsed.database != ":memory:":
            _keep_private(engine, Path(parsed.database))
        event.listen(engine, "connect", _tune_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        postgres.ping_idle_connections(engine)
    return engine


def engine_for(url: str) -> Engine:
    """Return the engine of a store URL, created once per process."""
    engine = _engines.get(url)
    if engine is None:
        with _engines_guard:
            engine = _engines.get(url)
            if engine is None:
                engine = _engines[url] = _new_engine(url)
                _write_turns[url] = RLock()
    return engine


def pool_states() -> list[tuple[str, int]]:
    """Return how many connections of all engines are in use and how many are idle."""
    pools = [engine.pool for engine in _engines.values() if isinstance(engine.pool, QueuePool)]
    return [
        ("in_use", sum(pool.checkedout() for pool in pools)),
        ("idle", sum(pool.checkedin() for pool in pools)),
    ]


def dispose_engines() -> None:
    """Close every connection and forget every engine."""
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
            limits apply.
    """
    engine = engine_for(url).execution_options(survey_writes=True)
    turn = _write_turns[url] if engine.dialect.name == "sqlite" else nullcontext()
    with turn, Session(engine, expire_on_commit=False) as session, session.begin():
        _raise_time_limits(session, long_running)
        yield session


@contextmanager
def read_scope(url: str, *, long_running: bool = False) -> Iterator[Session]:
    """Open a session that never waits for writers; its changes are discarded."""
    with Session(engine_for(url), expire_on_commit=False) as session:
        _raise_time_limits(session, long_running)
        yield session


def _raise_time_limits(session: Session, long_running: bool) -> None:
    if long_running and session.get_bind().dialect.name == "postgresql":
        postgres.raise_time_limits(session.connection(), current_settings())
