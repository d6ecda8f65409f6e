"""A unit of work is repeated after a conflict; units of a batch share a commit, not a failure."""

from collections.abc import Callable
from datetime import UTC, datetime
from threading import Barrier, Thread
from typing import Any

import psycopg
import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col, select

from survey.access.audit import record
from survey.access.principal import OPERATOR
from survey.locale import SurveyError, msg
from survey.store import transactions
from survey.store.audit_events import AuditEvent
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Account, table_of
from survey.store.transactions import (
    MAX_ATTEMPTS,
    StoreUnavailableError,
    UnitOfWork,
    UnstorableTextError,
    WorkFailed,
    WorkSucceeded,
    conflict_counts,
    run_batch,
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


@pytest.mark.parametrize(("long_running", "attempts"), [(False, MAX_ATTEMPTS), (True, 1)])
def test_it_gives_up_after_some_tries_and_keeps_nothing(
    store_url: str, monkeypatch: pytest.MonkeyPatch, long_running: bool, attempts: int
) -> None:
    monkeypatch.setattr(transactions, "MAX_FIRST_PAUSE_SECONDS", 0.0)
    tries: list[int] = []

    def always(session: Session) -> None:
        _add(session, "a")
        tries.append(1)
        raise _victim(psycopg.errors.DeadlockDetected)

    with pytest.raises(StoreUnavailableError):
        run_in_transaction(store_url, always, long_running=long_running)
    assert len(tries) == attempts
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
def test_a_nul_is_refused_in_words_and_nothing_is_kept(postgres_url: str) -> None:
    def in_a_text(session: Session) -> None:
        _add(session, "a\x00b")

    def in_a_document(session: Session) -> None:
        record(
            session=session,
            actor=OPERATOR,
            event=AuditEvent.WAVE_CREATED,
            subject_id="x",
            now=datetime.now(UTC),
            detail={"note": "a\x00b"},
        )
        _add(session, "beside")

    for work in (in_a_text, in_a_document):
        with pytest.raises(UnstorableTextError, match="invisible character"):
            run_in_transaction(postgres_url, work)
    assert logins(postgres_url) == set()


def test_two_transactions_that_want_each_others_rows_both_come_through(postgres_url: str) -> None:
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


def add(login: str) -> UnitOfWork:
    def work(session: Session) -> str:
        session.add(Account(login=login, name=login, role="surveyor", area="CN"))
        return login

    return work


def after(first: UnitOfWork, error: Exception) -> UnitOfWork:
    """Does what `first` does, and then fails."""

    def work(session: Session) -> None:
        first(session)
        session.flush()
        raise error

    return work


def logins(url: str) -> set[str]:
    with read_scope(url) as session:
        return set(session.exec(select(Account.login)).all())


def test_what_fails_leaves_nothing_and_the_others_are_kept(store_url: str) -> None:
    no = SurveyError(msg("no"))
    works = [add("a"), after(add("b"), no), add("c"), after(add("d"), KeyError("d")), add("e")]
    outcomes = run_batch(store_url, works)
    assert outcomes[0] == WorkSucceeded("a")
    assert outcomes[1] == WorkFailed(no)
    assert isinstance(outcomes[3], WorkFailed)
    assert isinstance(outcomes[3].error, KeyError)
    assert logins(store_url) == {"a", "c", "e"}


def test_what_was_only_added_before_a_failure_is_forgotten_too(store_url: str) -> None:
    def careless(session: Session) -> None:
        add("half")(session)
        raise SurveyError(msg("no"))

    run_batch(store_url, [add("a"), careless, add("b")])
    assert logins(store_url) == {"a", "b"}


def test_a_broken_rule_of_the_database_is_one_units_own(store_url: str) -> None:
    outcomes = run_batch(store_url, [add("a"), add("a"), add("b")])
    assert [type(each) for each in outcomes] == [WorkSucceeded, WorkFailed, WorkSucceeded]
    assert logins(store_url) == {"a", "b"}


def test_a_failing_database_makes_each_run_alone(store_url: str) -> None:
    tries: list[int] = []

    def unlucky(session: Session) -> str:
        tries.append(1)
        add("b")(session)
        session.flush()
        if len(tries) == 1:
            raise OperationalError("", {}, Exception("deadlock detected"))
        return "b"

    assert run_batch(store_url, [add("a"), unlucky, add("c")]) == [
        WorkSucceeded("a"),
        WorkSucceeded("b"),
        WorkSucceeded("c"),
    ]
    assert logins(store_url) == {"a", "b", "c"}


def test_a_full_disk_is_said_and_keeps_nothing(sqlite_url: str) -> None:
    def too_much(session: Session) -> None:
        session.connection().exec_driver_sql("PRAGMA max_page_count = 1")
        session.connection().execute(text("CREATE TABLE big AS SELECT randomblob(9000000) AS b"))

    outcomes = run_batch(sqlite_url, [add("a"), too_much])
    assert outcomes[0] == WorkSucceeded("a")
    assert isinstance(outcomes[1], WorkFailed)
    assert isinstance(outcomes[1].error, StoreUnavailableError)
    assert logins(sqlite_url) == {"a"}


@pytest.mark.postgres
def test_two_batches_that_want_each_others_rows_both_come_through(postgres_url: str) -> None:
    run_batch(postgres_url, [add("a"), add("b")])
    both_hold_one = Barrier(2)

    def rename(login: str, mark: str, *, meet: bool = False) -> UnitOfWork:
        met: list[bool] = []

        def work(session: Session) -> None:
            new_name = col(Account.name).concat(mark)
            statement = update(_ACCOUNTS).where(_ACCOUNTS.c.login == login).values(name=new_name)
            session.connection().execute(statement)
            if meet and not met:
                met.append(True)
                both_hold_one.wait(30)

        return work

    def run(*works: UnitOfWork) -> Callable[[], None]:
        def go() -> None:
            assert all(isinstance(each, WorkSucceeded) for each in run_batch(postgres_url, works))

        return go

    sides = [
        Thread(target=run(rename("a", "1", meet=True), rename("b", "1"))),
        Thread(target=run(rename("b", "2", meet=True), rename("a", "2"))),
    ]
    for side in sides:
        side.start()
    for side in sides:
        side.join(60)
    with session_scope(postgres_url) as session:
        names = session.exec(select(Account.name)).all()
    assert sorted("".join(sorted(name)) for name in names) == ["12a", "12b"]
