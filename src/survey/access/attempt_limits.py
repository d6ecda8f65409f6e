"""Limits on sign-in attempts, counted by login and by address in the store.

An attempt is counted before it is known whether it succeeds, so that many at once are not free, and
by every process in a row that they share. Logins are counted whether or not they exist, so that the
count does not reveal which do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete, or_, select, update
from sqlmodel import Session

from survey.access.secret_hashes import digest
from survey.locale import SurveyError, msg
from survey.store.inserts import insert_if_new
from survey.store.tables import SignInTries, table_of

_TRIES = table_of(SignInTries)


class AttemptKind(StrEnum):
    """What sign-in attempts are counted by: login, address, second factor, or sign-in code."""

    NAME = "name"
    ADDRESS = "address"
    FACTOR = "factor"
    CODE = "code"


@dataclass(frozen=True)
class AttemptPolicy:
    """Number of free attempts, and a delay that doubles with each further one up to a maximum.

    After `reset_after` without an attempt the count starts anew.
    """

    free_attempts: int
    first_delay: timedelta
    max_delay: timedelta
    reset_after: timedelta


_HALF_A_MINUTE, _DAY = timedelta(seconds=30), timedelta(hours=24)
ATTEMPT_POLICIES = {
    AttemptKind.NAME: AttemptPolicy(6, _HALF_A_MINUTE, timedelta(minutes=15), _DAY),
    # A whole office may stand behind one address, and all its slips of a morning with it.
    AttemptKind.ADDRESS: AttemptPolicy(
        30, _HALF_A_MINUTE, timedelta(minutes=15), timedelta(hours=4)
    ),
    # Only who knows the password comes this far, so a long wait locks out nobody else. It is
    # remembered longer than it lasts, or waiting would buy new free tries.
    AttemptKind.FACTOR: AttemptPolicy(5, timedelta(minutes=1), _DAY, timedelta(days=30)),
    AttemptKind.CODE: AttemptPolicy(5, _HALF_A_MINUTE, timedelta(hours=1), _DAY),
}


class TooManyAttemptsError(SurveyError):
    """Raised, before anything is looked up, when the next sign-in attempt must still wait."""

    code = "too_many_tries"

    def __init__(self, wait: timedelta) -> None:
        minutes = int(wait.total_seconds() // 60) + 1
        super().__init__(
            msg("Too many tries. Please wait {minutes} min and try again.", minutes=minutes)
        )
        self.wait = wait


@dataclass(frozen=True)
class AttemptKey:
    """Kind of attempt, and the login, address or account whose attempts are counted."""

    kind: AttemptKind
    identifier: str

    @property
    def subject(self) -> str:
        """Kind and hash of the login or address, by which the store counts."""
        return f"{self.kind}:{digest(self.identifier)}"


def claim_attempt(session: Session, keys: Sequence[AttemptKey], now: datetime) -> None:
    """Count one attempt of each key, or raise `TooManyAttemptsError` and count none."""
    connection = session.connection()
    expired = (
        _TRIES.c.subject.startswith(f"{kind}:") & (_TRIES.c.last_at < now - policy.reset_after)
        for kind, policy in ATTEMPT_POLICIES.items()
    )
    connection.execute(delete(_TRIES).where(or_(*expired)))
    rows = []
    for counter in sorted(keys, key=lambda each: each.subject):
        insert_if_new(
            connection, SignInTries, {"subject": counter.subject, "tries": 0, "last_at": now}
        )
        query = select(_TRIES).where(_TRIES.c.subject == counter.subject).with_for_update()
        rows.append((counter, connection.execute(query).one()))
    waits = [row.locked_until - now for _, row in rows if row.locked_until is not None]
    longest = max(waits, default=timedelta(0))
    if longest > timedelta(0):
        raise TooManyAttemptsError(longest)
    for counter, row in rows:
        _save_attempts(session, counter, row.tries + 1, now)


def refund_attempt(session: Session, key: AttemptKey, now: datetime) -> None:
    """Take the last attempt back from the count, because it was no failure."""
    query = select(_TRIES.c.tries).where(_TRIES.c.subject == key.subject).with_for_update()
    tries = session.connection().execute(query).scalar_one_or_none()
    if tries is not None:
        _save_attempts(session, key, max(tries - 1, 0), now)


def reset_attempts(session: Session, key: AttemptKey) -> None:
    """Delete the count of a key, after the person has proved who they are."""
    session.connection().execute(delete(_TRIES).where(_TRIES.c.subject == key.subject))


def _save_attempts(session: Session, key: AttemptKey, tries: int, now: datetime) -> None:
    wait = delay_after(key.kind, tries)
    session.connection().execute(
        update(_TRIES)
        .where(_TRIES.c.subject == key.subject)
        .values(tries=tries, last_at=now, locked_until=now + wait if wait else None)
    )


def delay_after(kind: AttemptKind, tries: int) -> timedelta:
    """Return how long the next attempt must wait after `tries` failed ones."""
    policy = ATTEMPT_POLICIES[kind]
    if tries < policy.free_attempts:
        return timedelta(0)
    doublings = min(tries - policy.free_attempts, 20)
    return min(policy.first_delay * (1 << doublings), policy.max_delay)
