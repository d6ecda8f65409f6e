"""The audit trail and the answers in the hands of the database's owner: no triggers."""

from typing import Any

from sqlalchemy import text
from sqlmodel import Session


def run(session: Session, statement: str, **values: Any) -> None:
    session.connection().execute(text(statement), values)


def disable_triggers(session: Session) -> None:
    if session.connection().dialect.name == "postgresql":
        run(session, "SET LOCAL session_replication_role = replica")
        return
    names = session.connection().execute(
        text(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' "
            "AND (tbl_name LIKE 'audit_%' OR tbl_name = 'response_revision' "
            "OR tbl_name = 'response')"
        )
    )
    for name in names.scalars().all():
        run(session, f"DROP TRIGGER {name}")
