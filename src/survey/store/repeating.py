"""A unit of work in a transaction of its own, begun again when PostgreSQL had to choose a victim.

Two transactions that want each other's rows cannot both go on: PostgreSQL ends one of them with
`deadlock_detected` (or `serialization_failure`), and nothing of it is in the store. Running the
whole unit again is right then, and only then: the unit must read whatever it decides by inside the
transaction, and do nothing outside of it.
"""

import logging
import random
import time
from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import TypeVar

from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from survey.store.engine import session_scope
from survey.store.unavailable import telling_when_unavailable

_LOG = logging.getLogger(__name__)

CONFLICTS = {"40001": "serialization failure", "40P01": "deadlock"}
MOST_TRIES = 5
LONGEST_PAUSE = 0.02
"""Seconds before the second try, at most; doubled for each that follows."""

T = TypeVar("T")

_met: Counter[str] = Counter()


def conflicts_met() -> dict[str, int]:
    """How often this process began a unit again, by the reason, and how often it gave up."""
    return dict(_met)


def write(url: str, work: Callable[[Session], T]) -> T:
    """Run `work` in a transaction and return what it returned, after the commit.

    Raises what `work` raised, and `StoreUnavailable` when the store took nothing in. `work` may be
    run several times; only the last one is kept.
    """
    with telling_when_unavailable():
        for tried in count(1):
            try:
                with session_scope(url) as session:
                    return work(session)
            except DBAPIError as error:
                reason = conflict(error)
                if reason is None:
                    raise
                _pause_or_give_up(reason, tried, error)
    raise AssertionError("unreachable")


def conflict(error: DBAPIError) -> str | None:
    """The name of the conflict that chose this transaction as its victim; None for other errors."""
    return CONFLICTS.get(getattr(error.orig, "sqlstate", None) or "")


def _pause_or_give_up(reason: str, tried: int, error: DBAPIError) -> None:
    if tried >= MOST_TRIES:
        _met["given up"] += 1
        raise error
    _met[reason] += 1
    _LOG.warning("%s: the unit of work begins again (try %d)", reason, tried + 1)
    # By chance, so that the same two do not meet again.
    time.sleep(random.uniform(0, LONGEST_PAUSE) * 2 ** (tried - 1))
