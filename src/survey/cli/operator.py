"""What a command does in the store: as the operator of the server, with this process's settings."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from survey.access.work import Work, operator_work
from survey.settings import current_settings
from survey.store.engine import read_scope
from survey.store.transactions import run_in_transaction

T = TypeVar("T")


def change_as_operator(change: Callable[[Work], T], *, long_running: bool = False) -> T:
    """Run a change in a transaction of its own and return its result after the commit.

    Raises:
        StoreUnavailableError: see `run_in_transaction`.
    """
    settings = current_settings()
    return run_in_transaction(
        settings.store_url,
        lambda session: change(operator_work(session, settings)),
        long_running=long_running,
    )


@contextmanager
def read_as_operator(*, long_running: bool = False) -> Iterator[Work]:
    """Yield the operator's work in a session that reads only."""
    settings = current_settings()
    with read_scope(settings.store_url, long_running=long_running) as session:
        yield operator_work(session, settings)
