"""Work in the background that one process of all does at a time.

Whoever works holds a lease in the store (`background_run`). It runs out by itself when its holder
dies, and its end says when the next run may begin.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import Session

from survey.store.inserts import insert_if_new
from survey.store.tables import BackgroundRun, new_id, table_of

_RUNS = table_of(BackgroundRun)


def can_start(session: Session, name: str, *, at: datetime) -> bool:
    """Whether a run could begin: nobody works, and the last run was long enough ago."""
    query = select(_RUNS.c.leased_until).where(_RUNS.c.name == name)
    until = session.connection().execute(query).scalar_one_or_none()
    return until is None or until <= at


def last_finished_at(session: Session, name: str) -> datetime | None:
    """When the last run ended; None before the first one."""
    query = select(_RUNS.c.finished_at).where(_RUNS.c.name == name)
    return session.connection().execute(query).scalar_one_or_none()


def acquire_lease(session: Session, name: str, *, began: datetime, lasts: timedelta) -> UUID | None:
    """Take the lease; None when somebody else has it or the last run was a moment ago."""
    nothing = {
        "name": name, "leased_until": began, "lease": new_id(), "started_at": None,
        "finished_at": None, "result": {},
    }  # fmt: skip
    insert_if_new(session.connection(), BackgroundRun, nothing)
    lease = new_id()
    result = session.connection().execute(
        update(_RUNS)
        .where(_RUNS.c.name == name, _RUNS.c.leased_until <= began)
        .values(lease=lease, leased_until=began + lasts, started_at=began)
    )
    return lease if result.rowcount == 1 else None


def release_lease(
    session: Session, name: str, lease: UUID, *, at: datetime, pause: timedelta,
    result: Mapping[str, int],
) -> None:  # fmt: skip
    """Give the lease back, unless it ran out and somebody else has it by now."""
    session.connection().execute(
        update(_RUNS)
        .where(_RUNS.c.name == name, _RUNS.c.lease == lease)
        .values(leased_until=at + pause, finished_at=at, result=dict(result))
    )
