"""Whether anything was written on a connection: what tells a mere look from a unit half done."""

from typing import Any

from sqlalchemy import Connection, Engine, event

_KEY = "survey_writes"


def count_writes(engine: Engine) -> None:
    """Count on each connection whatever is sent and is not plainly a query."""
    event.listen(engine, "before_cursor_execute", _count)


def writes_of(connection: Connection) -> int:
    """How many statements that may write were sent since the connection was opened."""
    return int(connection.info.get(_KEY, 0))


def note_write(connection: Connection) -> None:
    """For what goes to the database past SQLAlchemy: COPY."""
    connection.info[_KEY] = writes_of(connection) + 1


def _count(connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
    if not statement.startswith("SELECT"):
        note_write(connection)
