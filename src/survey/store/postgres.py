"""Connections to PostgreSQL: pool, time limits and application name.

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
"""Idle time after which a connection is tested before it is used again."""
_LAST_USED = "survey_last_used"


def engine_options(url: URL, settings: Settings) -> dict[str, Any]:
    """Return the arguments of `create_engine`: the pool and the limits of connections."""
    return {
        "pool_size": settings.database_pool_size,
        "max_overflow": settings.database_pool_overflow,
        "pool_timeout": settings.database_pool_timeout,
        "pool_recycle": settings.database_pool_recycle,
        "connect_args": _connect_arguments(url, settings),
    }


def _connect_arguments(url: URL, settings: Settings) -> dict[str, Any]:
    """Return the arguments of a connection; what the URL states has precedence."""
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
    """Set long time limits until the transaction ends; waiting for locks stays limited."""
    long = _milliseconds(settings.database_patient_timeout)
    for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
        connection.exec_driver_sql(f"SET LOCAL {name} = {long}")


def migration_engine(url: URL, settings: Settings, *, lock_seconds: float) -> Engine:
    """Return an engine for migrations: statements may be long, waiting for tables is short."""
    limits = settings.model_copy(
        update={
            "database_statement_timeout": settings.database_patient_timeout,
            "database_idle_timeout": settings.database_patient_timeout,
            "database_lock_timeout": lock_seconds,
        }
    )
    return create_engine(url, poolclass=NullPool, connect_args=_connect_arguments(url, limits))


def ping_idle_connections(engine: Engine) -> None:
    """Test a connection that was idle for a while before it is used again.

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
