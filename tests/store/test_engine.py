"""Transactions of the store: all or nothing, writers take turns, readers never wait."""

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError
from sqlmodel import col, select

from survey.settings import Settings
from survey.store import engine
from survey.store.engine import dispose_engines, engine_for, normal_url, read_scope, session_scope
from survey.store.tables import Account, AuditEntry, InstrumentVersion, LoginSession, new_id

MOMENT = datetime(2026, 5, 4, 12, 30, 15, 123456, tzinfo=UTC)


def _account(login: str) -> Account:
    return Account(login=login, name="Wang", role="surveyor", area="110000")


def test_a_scope_that_raises_leaves_nothing(store_url: str) -> None:
    def write_and_fail() -> None:
        with session_scope(store_url) as session:
            session.add(_account("a"))
            session.flush()
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write_and_fail()
    with read_scope(store_url) as session:
        assert session.exec(select(Account)).all() == []


def test_a_reading_scope_keeps_no_change(store_url: str) -> None:
    with read_scope(store_url) as session:
        session.add(_account("a"))
        session.flush()
    with read_scope(store_url) as session:
        assert session.exec(select(Account)).all() == []


def test_times_come_back_as_the_same_moment_in_utc(store_url: str) -> None:
    shanghai = MOMENT.astimezone(timezone(timedelta(hours=8)))
    with session_scope(store_url) as session:
        session.add(AuditEntry(at=shanghai, action="a", subject_kind="k", subject_id="s"))
    with read_scope(store_url) as session:
        stored = session.exec(select(AuditEntry)).one()
    assert stored.at == MOMENT
    assert stored.at.utcoffset() == timedelta(0)


def test_a_time_without_a_zone_is_refused(store_url: str) -> None:
    naive = MOMENT.replace(tzinfo=None)
    with pytest.raises(StatementError, match="time zone"), session_scope(store_url) as session:
        session.add(AuditEntry(at=naive, action="a", subject_kind="k", subject_id="s"))


def test_documents_and_bytes_come_back_unchanged(store_url: str) -> None:
    detail = {"text": "满意 \U0001f600 \"'; --", "list": [1, 2.5, None, True], "empty": {}}
    with session_scope(store_url) as session:
        session.add(
            AuditEntry(at=MOMENT, action="a", subject_kind="k", subject_id="s", detail=detail)
        )
        session.add(
            InstrumentVersion(name="n", version="1", sha256="x", document=bytes(range(256)))
        )
    with read_scope(store_url) as session:
        assert session.exec(select(AuditEntry)).one().detail == detail
        assert session.exec(select(InstrumentVersion)).one().document == bytes(range(256))


def test_foreign_keys_are_enforced(store_url: str) -> None:
    with pytest.raises(IntegrityError), session_scope(store_url) as session:
        session.add(LoginSession(secret_sha256="0" * 64, account_id=new_id(), expires_at=MOMENT))


def test_thirty_two_writers_that_read_first_lose_no_update(store_url: str) -> None:
    account = _account("counter")
    account.name = "0"
    with session_scope(store_url) as session:
        session.add(account)

    def count_up(_turn: int) -> None:
        with session_scope(store_url) as session:
            query = select(Account.name).where(col(Account.id) == account.id).with_for_update()
            seen = int(session.exec(query).one())
            session.execute(update(Account).values(name=str(seen + 1)))

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(count_up, range(160)))
    with read_scope(store_url) as session:
        assert session.exec(select(Account.name)).one() == "160"


def test_a_reader_does_not_wait_for_an_unfinished_writer(store_url: str) -> None:
    with session_scope(store_url) as writer:
        writer.add(_account("unfinished"))
        writer.flush()
        with read_scope(store_url) as reader:
            assert reader.exec(select(Account)).all() == []


def test_sqlite_runs_in_wal_with_foreign_keys_and_patience(sqlite_url: str) -> None:
    with engine_for(sqlite_url).connect() as connection:
        pragmas = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 15000}


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("postgresql://h/d", "postgresql+psycopg"),
        ("postgres://h/d", "postgresql+psycopg"),
        ("postgresql+psycopg://h/d", "postgresql+psycopg"),
        ("sqlite:///x.db", "sqlite"),
    ],
)
def test_plain_postgresql_urls_get_the_driver_that_is_installed(url: str, driver: str) -> None:
    assert normal_url(url).drivername == driver


def test_long_work_waits_for_another_process_and_holds_up_no_thread_of_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It once kept this process's turn while it waited, and everybody else hung with it."""
    monkeypatch.setattr(engine, "SQLITE_BUSY_MILLISECONDS", 100)
    url = f"sqlite:///{tmp_path}/store.db"
    with session_scope(url) as session:
        session.connection().exec_driver_sql("CREATE TABLE written (who TEXT)")

    def write(who: str, long_running: bool) -> None:
        with session_scope(url, long_running=long_running) as session:
            session.connection().exec_driver_sql(f"INSERT INTO written VALUES ('{who}')")

    with (
        ThreadPoolExecutor(2) as threads,
        closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        long_work = threads.submit(write, "import", True)
        time.sleep(0.3)
        for _ in range(3):
            refused = threads.submit(write, "interview", False)
            with pytest.raises(OperationalError, match="locked"):
                refused.result(timeout=30)
        assert not long_work.done()
        other.execute("COMMIT")
        long_work.result(timeout=30)
    with read_scope(url) as session:
        rows = session.connection().exec_driver_sql("SELECT who FROM written").scalars().all()
    assert rows == ["import"]
    dispose_engines()


def test_long_work_keeps_what_it_writes_and_gives_the_memory_back(sqlite_url: str) -> None:
    def cache_size(*, long_running: bool) -> int:
        with session_scope(sqlite_url, long_running=long_running) as session:
            return int(session.connection().exec_driver_sql("PRAGMA cache_size").scalar_one())

    usual = cache_size(long_running=False)
    assert cache_size(long_running=True) < 8 * usual < 0, "in kibibytes, with a minus"
    with pytest.raises(IntegrityError), session_scope(sqlite_url, long_running=True) as session:
        session.execute(text("INSERT INTO audit_head (id) VALUES (NULL)"))
    assert cache_size(long_running=False) == usual


def test_long_work_gives_up_in_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "SQLITE_BUSY_MILLISECONDS", 50)
    impatient = Settings(database_patient_timeout=0.3)
    monkeypatch.setattr(engine, "current_settings", lambda: impatient)
    url = f"sqlite:///{tmp_path}/store.db"
    with session_scope(url) as session:
        session.connection().exec_driver_sql("CREATE TABLE written (who TEXT)")
    with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError, match="locked"), session_scope(url, long_running=True):
            raise AssertionError("it never begins")
    dispose_engines()
