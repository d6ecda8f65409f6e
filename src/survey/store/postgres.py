"""How connections to PostgreSQL are kept, for how long they may wait, and what they are called.

The limits travel with the connection's first packet, so they cost no statement (docs/postgresql.md
has the reasons and the arithmetic).
"""

import os
import time
from typing import Any

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event
from sqlalchemy.exc import DisconnectionError

from survey.settings import Settings

PING_AFTER_SECONDS = 1.0
"""A connection that worked a moment ago is not asked whether it still does."""
_LAST_USED = "survey_last_used"


def engine_options(url: URL, settings: Settings) -> dict[str, Any]:
    """For `create_engine`: the pool and the limits of every connection."""
    return {
        "pool_size": settings.database_pool_size,
        "max_overflow": settings.database_pool_overflow,
        "pool_timeout": settings.database_pool_timeout,
        "pool_recycle": settings.database_pool_recycle,
        "connect_args": _connect_arguments(url, settings),
    }


def _connect_arguments(url: URL, settings: Settings) -> dict[str, Any]:
    """What the URL says itself stands."""
    limits = {
        "statement_timeout": settings.database_statement_timeout,
        "lock_timeout": settings.database_lock_timeout,
        "idle_in_transaction_session_timeout": settings.database_idle_timeout,
    }
    ours = {
        "application_name": f"survey {os.getpid()}",
        "connect_timeout": 10,
        "options": " ".join(f"-c {name}={_milliseconds(value)}" for name, value in limits.items()),
    }
    return {name: value for name, value in ours.items() if name not in url.query}


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def raise_time_limits(connection: Connection, settings: Settings) -> None:
    """Longer limits until the transaction ends; locks are still not waited for without end."""
    long = _milliseconds(settings.database_patient_timeout)
    for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
        connection.exec_driver_sql(f"SET LOCAL {name} = {long}")


def migration_engine(url: URL, settings: Settings, *, lock_seconds: float) -> Engine:
    """Connections that nobody uses afterwards: long work, but short waits for tables."""
    limits = settings.model_copy(
        update={
            "database_statement_timeout": settings.database_patient_timeout,
            "database_idle_timeout": settings.database_patient_timeout,
            "database_lock_timeout": lock_seconds,
        }
    )
    return create_engine(url, poolclass=NullPool, connect_args=_connect_arguments(url, limits))


def ping_idle_connections(engine: Engine) -> None:
    """Ask a connection that lay idle whether it still works before it is handed out.

    SQLAlchemy's own `pool_pre_ping` asks every time, also between two transactions of the public
    door that follow each other within a millisecond.
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
