"""Transactions of commands, which act as the server's operator with this process's settings."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from survey.access.audit import record_download
from survey.access.principal import Principal
from survey.access.secret_hashes import is_active
from survey.access.sessions import AccountNotFoundError, get_account_by_login, principal_of
from survey.access.work import Work, operator_work
from survey.settings import current_settings
from survey.store.engine import read_scope
from survey.store.transactions import run_in_transaction

T = TypeVar("T")


def change_as_operator(change: Callable[[Work], T], *, long_running: bool = False) -> T:
    """Run `change` as the operator in a transaction (`long_running`: more time); return its result.

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
    """Yield a read-only `Work` of the operator; `long_running` raises the store's time limits."""
    settings = current_settings()
    with read_scope(settings.store_url, long_running=long_running) as session:
        yield operator_work(session, settings)


def record_output(file_name: str, size: int) -> None:
    """Record in the audit trail that the operator took a file of `size` bytes."""
    change_as_operator(
        lambda work: record_download(
            session=work.session,
            principal=work.principal,
            file_name=file_name,
            size=size,
            now=work.now,
        )
    )


def account_principal(work: Work, login: str) -> Principal:
    """Return the principal of account `login`, for whom a command acts; raise if it is inactive."""
    account = get_account_by_login(work.session, login)
    if not is_active(account, work.now):
        raise AccountNotFoundError
    return principal_of(account)


def read_as_account(work: Work, login: str | None) -> Work:
    """Return the work of account `login`, with its rights; without one that of the operator."""
    return work if login is None else replace(work, principal=account_principal(work, login))
