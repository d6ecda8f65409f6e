"""Database schema: packaged migrations, forward only, made while another version serves.

The rules for migrations, and why, are in docs/postgresql.md.
"""

import logging
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, delete, insert, inspect, select, text
from sqlalchemy.exc import OperationalError

from survey.locale import ConflictError, RefusedError, msg
from survey.settings import current_settings
from survey.store.engine import engine_for, migration_engine
from survey.store.tables import SchemaFloor, table_of

_LOG = logging.getLogger(__name__)

_MIGRATIONS = Path(__file__).parent / "migrations"
VERSIONS = (_MIGRATIONS / "versions",)
"""Folders of migrations; tests add one with the next version's."""
_UPGRADE_LOCK = 1_000_100
"""Number of the advisory lock for migrations, the same in all processes."""
_LOCK_SECONDS = 2.0
"""Longest wait of a migration for a table, because all later statements wait behind it."""
_MAX_ATTEMPTS = 60
_MAX_PAUSE_SECONDS = 2.0
_LOCK_NOT_AVAILABLE = "55P03"
_FLOORS = table_of(SchemaFloor)


def _build_config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(map(str, VERSIONS)))
    config.attributes["connection"] = connection
    return config


def head_revision() -> str:
    """Return the newest migration of this version of the software."""
    revision = ScriptDirectory.from_config(_build_config()).get_current_head()
    assert revision is not None
    return revision


def stored_revision(url: str) -> str | None:
    """Return the last migration made in a database; None if it was never migrated."""
    with engine_for(url).connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def known_revisions() -> list[str]:
    """Return all migrations that this version of the software has, the newest first."""
    scripts = ScriptDirectory.from_config(_build_config())
    return [script.revision for script in scripts.walk_revisions()]


def is_before_release(revision: str) -> bool:
    """Return whether a migration is older than version 0.1.0, which alone can upgrade from it.

    Revisions are numbers of four digits.
    """
    return revision < known_revisions()[-1]


def require_compatible_schema(url: str) -> None:
    """Raise `RefusedError` unless this version can work with the store's schema.

    A store that a newer version upgraded is fine if that version says so: it stored the oldest
    revision whose code still works there.
    """
    present = stored_revision(url)
    if present is None:
        raise RefusedError("store_empty", msg("The store is empty. Please run: survey init"))
    known = known_revisions()
    if present == known[0]:
        return
    if present in known:
        raise RefusedError(
            "store_too_old",
            msg(
                "The store is at version {present} and this program needs {needed}. "
                "Please run: survey init",
                present=present,
                needed=known[0],
            ),
        )
    if is_before_release(present):
        raise RefusedError(
            "store_too_old",
            msg(
                "The store is at version {present}, from before 0.1.0. Please start version 0.1.0 "
                "on it once, which upgrades it, then run: survey init",
                present=present,
            ),
        )
    floor = _find_floor(url)
    if floor not in known:
        raise RefusedError(
            "store_too_new",
            msg(
                "A newer version of this program changed the store (version {present}); this one "
                "knows versions up to {newest} and would damage it. Please install the newer one.",
                present=present,
                newest=known[0],
            ),
        )
    _LOG.info("the store is newer (%s) and still works with this version (%s)", present, known[0])


def _find_floor(url: str) -> str | None:
    with engine_for(url).connect() as connection:
        if not inspect(connection).has_table(_FLOORS.name):
            return None
        return connection.execute(select(_FLOORS.c.revision)).scalar_one_or_none()


def upgrade(url: str) -> None:
    """Run all missing migrations of a database; processes that start together take turns.

    A store that a newer version upgraded stays as it is; raises if this version cannot serve it.
    """
    engine = engine_for(url)
    if engine.dialect.name == "postgresql":
        with _migration_lock(engine):
            if _is_unknown(stored_revision(url)):
                require_compatible_schema(url)
            else:
                _upgrade_online(engine)
        return
    with engine.execution_options(survey_writes=True).begin() as connection:
        if not _is_unknown(MigrationContext.configure(connection).get_current_revision()):
            upgrade_within(connection)
            return
    require_compatible_schema(url)


def _is_unknown(present: str | None) -> bool:
    return present is not None and present not in known_revisions()


@contextmanager
def _migration_lock(engine: Engine) -> Iterator[None]:
    """Hold the PostgreSQL lock that lets one process migrate at a time.

    It is a session lock and in no transaction, for which CREATE INDEX CONCURRENTLY would wait.
    """
    key = {"key": _UPGRADE_LOCK}
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), key).scalar_one():
            time.sleep(0.1)
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), key)


def _upgrade_online(engine: Engine) -> None:
    """Run each migration in its own transaction, again and again while a table is locked."""
    migrating = migration_engine(engine.url, current_settings(), lock_seconds=_LOCK_SECONDS)
    for tried in range(1, _MAX_ATTEMPTS + 1):
        try:
            with migrating.connect() as connection:
                upgrade_within(connection)
                connection.commit()
            return
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                raise
            _LOG.warning("a table is in use; the migration tries again (try %d)", tried + 1)
            time.sleep(random.uniform(0, _MAX_PAUSE_SECONDS))
    raise ConflictError(
        "store_in_use",
        msg("Other work holds the store. Please try again when freezing and imports have ended."),
    )


def upgrade_within(connection: Connection, revision: str = "head") -> None:
    """Run the migrations up to `revision` inside the caller's transaction."""
    command.upgrade(_build_config(connection), revision)
    if revision == "head":
        connection.execute(delete(_FLOORS))
        # It is the `serves_from` of the newest migration that states one.
        scripts = ScriptDirectory.from_config(_build_config()).walk_revisions()
        floors = (getattr(script.module, "serves_from", None) for script in scripts)
        connection.execute(
            insert(_FLOORS), {"revision": str(next(floor for floor in floors if floor))}
        )
