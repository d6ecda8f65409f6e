"""A unit that PostgreSQL chose as a victim begins again; other errors, or too many, end it."""

from threading import Barrier, Thread
from typing import Any

import psycopg
import pytest
from sqlalchemy import update
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, select

from survey.store import transactions
from survey.store.core import table_of
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Account
from survey.store.transactions import (
    MAX_ATTEMPTS,
    StoreUnavailableError,
    conflict_counts,
    run_in_transaction,
)

_ACCOUNTS = table_of(Account)


def _add(session: Session, login: str) -> None:
    session.add(Account(login=login, name=login, role="surveyor", area="CN"))
    session.flush()


def _victim(kind: type[psycopg.Error]) -> OperationalError:
    return OperationalError("", {}, kind("victim"))


@pytest.mark.parametrize(
    "kind", [psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure]
)
def test_a_victim_begins_again_and_is_kept_once(store_url: str, kind: type[psycopg.Error]) -> None:
    tries: list[int] = []

    def unlucky_twice(session: Session) -> str:
        _add(session, "a")
        tries.append(1)
        if len(tries) < 3:
            raise _victim(kind)
        return "done"

    before = sum(conflict_counts().values())
    assert run_in_transaction(store_url, unlucky_twice) == "done"
    assert sum(conflict_counts().values()) == before + 2
    with read_scope(store_url) as session:
        assert session.exec(select(Account.login)).all() == ["a"]


def test_it_gives_up_after_some_tries_and_keeps_nothing(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions, "MAX_FIRST_PAUSE_SECONDS", 0.0)
    tries: list[int] = []

    def always(session: Session) -> None:
        _add(session, "a")
        tries.append(1)
        raise _victim(psycopg.errors.DeadlockDetected)

    with pytest.raises(StoreUnavailableError):
        run_in_transaction(store_url, always)
    assert len(tries) == MAX_ATTEMPTS
    with read_scope(store_url) as session:
        assert session.exec(select(Account)).all() == []


@pytest.mark.parametrize("error", [KeyError("x"), _victim(psycopg.errors.DiskFull)])
def test_other_errors_are_not_tried_again(store_url: str, error: Exception) -> None:
    tries: list[int] = []

    def broken(_: Session) -> None:
        tries.append(1)
        raise error

    with pytest.raises((KeyError, StoreUnavailableError)):
        run_in_transaction(store_url, broken)
    assert tries == [1]


@pytest.mark.postgres
def test_two_that_want_each_others_rows_both_come_through(postgres_url: str) -> None:
    with session_scope(postgres_url) as session:
        _add(session, "a")
        _add(session, "b")
    both_hold_one = Barrier(2)
    failed: list[BaseException] = []

    def rename(first: str, second: str, mark: str) -> None:
        met: list[bool] = []

        def work(session: Session) -> None:
            for login in (first, second):
                name = _ACCOUNTS.c.name.concat(mark)
                wanted = update(_ACCOUNTS).where(_ACCOUNTS.c.login == login).values(name=name)
                session.connection().execute(wanted)
                if not met:
                    met.append(True)
                    both_hold_one.wait(30)

        try:
            run_in_transaction(postgres_url, work)
        except BaseException as error:
            failed.append(error)

    sides: list[Any] = [
        Thread(target=rename, args=("a", "b", "1")),
        Thread(target=rename, args=("b", "a", "2")),
    ]
    for side in sides:
        side.start()
    for side in sides:
        side.join(60)
    assert failed == []
    with read_scope(postgres_url) as session:
        names = session.exec(select(Account.name)).all()
    assert sorted("".join(sorted(name)) for name in names) == ["12a", "12b"]
