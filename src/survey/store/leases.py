"""Leases of background tasks, so that one process at a time runs a task.

The holder's lease is in the store (`background_run`). It expires by itself if the holder dies, and
its end says when the next run may start.
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
    """Return whether no run of a task holds its lease and its pause is over at a time."""
    query = select(_RUNS.c.leased_until).where(_RUNS.c.name == name)
    until = session.connection().execute(query).scalar_one_or_none()
    return until is None or until <= at


def last_finished_at(session: Session, name: str) -> datetime | None:
    """Return when the last run of a task ended; None if none ever did."""
    query = select(_RUNS.c.finished_at).where(_RUNS.c.name == name)
    return session.connection().execute(query).scalar_one_or_none()


def acquire_lease(session: Session, name: str, *, began: datetime, lasts: timedelta) -> UUID | None:
    """Take the lease of a task for `lasts` and return its id; None if held or its pause goes on."""
    idle_run = {
        "name": name, "leased_until": began, "lease": new_id(), "started_at": None,
        "finished_at": None, "result": {},
    }  # fmt: skip
    insert_if_new(session.connection(), BackgroundRun, idle_run)
    lease = new_id()
    result = session.connection().execute(
        update(_RUNS)
        .where(_RUNS.c.name == name, _RUNS.c.leased_until <= began)
        .values(lease=lease, leased_until=began + lasts, started_at=began)
    )
    return lease if result.rowcount == 1 else None


def read_notes(session: Session, name: str) -> Mapping[str, int | str]:
    """Return name -> value: progress noted by the running task, or the result of its last run."""
    query = select(_RUNS.c.result).where(_RUNS.c.name == name)
    notes: Mapping[str, int | str] | None = session.connection().execute(query).scalar_one_or_none()
    return notes or {}


def renew_lease(
    session: Session, name: str, lease: UUID, *, until: datetime, notes: Mapping[str, int | str]
) -> bool:
    """Extend a lease and note the progress; return False if it has been taken over."""
    result = session.connection().execute(
        update(_RUNS)
        .where(_RUNS.c.name == name, _RUNS.c.lease == lease)
        .values(leased_until=until, result=dict(notes))
    )
    return result.rowcount == 1


def release_lease(
    session: Session,
    name: str,
    lease: UUID,
    *,
    at: datetime,
    pause: timedelta,
    result: Mapping[str, int | str],
) -> None:
    """End a lease with the run's result and a pause; no effect if it was taken over."""
    session.connection().execute(
        update(_RUNS)
        .where(_RUNS.c.name == name, _RUNS.c.lease == lease)
        .values(leased_until=at + pause, finished_at=at, result=dict(result))
    )
