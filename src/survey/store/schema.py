"""The shape of the database: packaged migrations, forward only."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from survey.store.engine import engine_for

_MIGRATIONS = Path(__file__).parent / "migrations"
_UPGRADE_LOCK = 1_000_100
"""Any number all our processes agree on; PostgreSQL's advisory locks have no names."""


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def head() -> str:
    """The revision that this version of the product works with."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None
    return revision


def revision(url: str) -> str | None:
    """The revision a database stands at; None when it was never migrated."""
    with engine_for(url).connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def is_current(url: str) -> bool:
    """Whether the database stands where this version works: at `head()`, or beyond it.

    Beyond: a newer version has migrated it and serves beside this one.
    """
    found = revision(url)
    if found is None:
        return False
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    return found == head() or found not in known


def upgrade(url: str) -> None:
    """Bring a database to `head()`, in one transaction; processes starting together take turns."""
    writing = engine_for(url).execution_options(survey_writes=True)
    with writing.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
        command.upgrade(_config(connection), "head")
