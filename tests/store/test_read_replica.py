"""Reading that may be late, with PostgreSQL's own streaming replication on this machine."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlmodel import Session, func, select

from survey.access.audit import record
from survey.access.principal import Principal
from survey.access.roles import Role
from survey.operations.database import check_read_replica
from survey.settings import Settings
from survey.store import read_replica, schema
from survey.store.audit_events import AuditEvent
from survey.store.engine import dispose_engines
from survey.store.read_replica import (
    LateReading,
    check_replica,
    read_from_replica,
    require_read_url,
)
from survey.store.tables import Account
from survey.store.transactions import run_in_transaction
from tests.error_codes import raises_code
from tests.store.standby import Server, streaming_pair

pytestmark = pytest.mark.postgres


@dataclass
class Pair:
    """A migrated primary, its standby, and the settings of a process that uses both."""

    primary: Server
    standby: Server
    settings: Settings

    def add_account(self, actor: UUID | None = None) -> None:
        login = uuid4().hex

        def work(session: Session) -> None:
            session.add(Account(login=login, name=login, role="surveyor", area="CN"))
            if actor is not None:
                principal = Principal(actor, "a", Role.ADMINISTRATOR, "CN")
                record(
                    session=session,
                    actor=principal,
                    event=AuditEvent.ACCOUNT_CREATED,
                    subject_id=login,
                    now=datetime.now(UTC),
                )

        run_in_transaction(self.settings.store_url, work)

    def count(self, reader: UUID | None = None) -> LateReading[int]:
        return read_from_replica(self.settings, _count, reader=reader)


def _count(session: Session) -> int:
    return session.exec(select(func.count()).select_from(Account)).one()


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Server, Server]]:
    with streaming_pair() as (primary, standby):
        schema.upgrade(primary.url)
        dispose_engines()
        yield primary, standby


@pytest.fixture
def pair(servers: tuple[Server, Server], monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    primary, standby = servers
    monkeypatch.setattr(read_replica, "CHECK_SECONDS", 0.0)
    monkeypatch.setattr(read_replica, "OWN_CHANGE_CHECK_SECONDS", 0.0)
    monkeypatch.setattr(read_replica, "RETRY_SECONDS", 0.3)
    read_replica._replicas.clear()
    settings = Settings(database_url=primary.url, database_read_url=standby.url)
    pair = Pair(primary, standby, settings)
    assert _eventually(lambda: pair.count().freshness is not None)
    yield pair
    dispose_engines()


def _eventually(holds: Callable[[], bool], seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.05)
    return False


def test_what_is_committed_arrives_and_its_age_is_told(pair: Pair) -> None:
    before = pair.count().value
    pair.add_account()
    assert _eventually(lambda: pair.count().value == before + 1)
    reading = pair.count()
    assert reading.freshness is not None
    assert reading.freshness.seconds_before(datetime.now(UTC)) < 30


def test_an_idle_primary_is_not_late(pair: Pair) -> None:
    pair.settings = pair.settings.model_copy(update={"database_read_max_lag": 0.5})
    pair.count()
    time.sleep(1.5)
    assert pair.count().freshness is not None


def test_a_paused_replica_is_left_when_it_is_too_late_and_taken_again(pair: Pair) -> None:
    pair.settings = pair.settings.model_copy(update={"database_read_max_lag": 1.0})
    assert _eventually(lambda: pair.count().freshness is not None)
    pair.standby.run("SELECT pg_wal_replay_pause()")
    try:
        before = pair.count().value
        pair.add_account()
        time.sleep(1.3)
        reading = pair.count()
        assert (reading.value, reading.freshness) == (before + 1, None)
        state = check_replica(pair.settings)
        assert state is not None
        assert state.lag_seconds > 1.0
        assert "behind" in str(state.problem)
        (finding,) = check_read_replica(pair.settings)
        assert not finding.passed
    finally:
        pair.standby.run("SELECT pg_wal_replay_resume()")
    assert _eventually(lambda: pair.count().freshness is not None)
    assert pair.count().value == before + 1


def test_within_the_bound_late_rows_are_shown_as_late(pair: Pair) -> None:
    pair.standby.run("SELECT pg_wal_replay_pause()")
    try:
        before = pair.count().value
        pair.add_account()
        time.sleep(1.1)
        reading = pair.count()
        assert reading.value == before
        assert reading.freshness is not None
        assert reading.freshness.as_of < datetime.now(UTC) - timedelta(seconds=1)
    finally:
        pair.standby.run("SELECT pg_wal_replay_resume()")


def test_who_has_just_changed_something_sees_it(pair: Pair) -> None:
    person, other = uuid4(), uuid4()
    pair.standby.run("SELECT pg_wal_replay_pause()")
    try:
        before = pair.count().value
        pair.add_account(actor=person)
        assert pair.count(reader=person).value == before + 1
        assert pair.count(reader=other).value == before
    finally:
        pair.standby.run("SELECT pg_wal_replay_resume()")
    assert _eventually(lambda: pair.count(reader=person).freshness is not None)
    assert pair.count(reader=person).value == before + 1


def test_a_replica_that_ends_in_the_middle_of_a_reading_costs_no_error(pair: Pair) -> None:
    asked: list[bool] = []

    def work(session: Session) -> int:
        in_recovery = session.connection().execute(text("SELECT pg_is_in_recovery()")).scalar_one()
        asked.append(in_recovery)
        if in_recovery:
            pair.standby.stop()
        return _count(session)

    try:
        reading = read_from_replica(pair.settings, work)
        assert asked == [True, False]
        assert reading.freshness is None
        assert pair.count().freshness is None
        (finding,) = check_read_replica(pair.settings)
        assert "does not answer" in str(finding.detail)
        pair.add_account()
    finally:
        pair.standby.start()
    expected = pair.count().value
    assert _eventually(lambda: pair.count().freshness is not None)
    assert _eventually(lambda: pair.count().value == expected)
    assert [finding.passed for finding in check_read_replica(pair.settings)] == [True]


def test_nothing_can_be_written_through_it(pair: Pair) -> None:
    def work(session: Session) -> str:
        return str(session.connection().execute(text("SHOW transaction_read_only")).scalar_one())

    assert read_from_replica(pair.settings, work).value == "on"


def test_another_schema_sends_readers_to_the_primary(pair: Pair) -> None:
    pair.standby.run("SELECT pg_wal_replay_pause()")
    revision = schema.head_revision()
    try:
        pair.primary.run("UPDATE alembic_version SET version_num = 'next'")
        assert pair.count().freshness is None
        (finding,) = check_read_replica(pair.settings)
        assert "schema" in str(finding.detail)
    finally:
        pair.primary.run(f"UPDATE alembic_version SET version_num = '{revision}'")
        pair.standby.run("SELECT pg_wal_replay_resume()")


def test_a_server_that_is_no_replica_of_the_store_is_not_read(
    pair: Pair, postgres_url: str
) -> None:
    wrong = pair.settings.model_copy(update={"database_read_url": postgres_url})
    assert read_from_replica(wrong, _count).freshness is None
    (finding,) = check_read_replica(wrong)
    assert "no replica" in str(finding.detail)
    swapped = Settings(database_url=postgres_url, database_read_url=pair.standby.url)
    assert read_from_replica(swapped, _count).value == 0
    (finding,) = check_read_replica(swapped)
    assert "another database" in str(finding.detail)


@pytest.mark.parametrize(
    ("store", "replica"),
    [
        ("sqlite:////tmp/a.db", "postgresql://replica/survey"),
        ("postgresql://primary/survey", "sqlite:////tmp/a.db"),
        ("postgresql://primary/survey", "postgresql://reader@primary:5432/survey"),
    ],
)
def test_an_address_that_cannot_be_a_replica_is_refused_in_words(store: str, replica: str) -> None:
    settings = Settings(database_url=store, database_read_url=replica)
    with raises_code("read_replica_setting", match="SURVEY_DATABASE_READ_URL"):
        require_read_url(settings)
    (finding,) = check_read_replica(settings)
    assert not finding.passed


def test_without_a_replica_reading_is_as_ever(store_url: str) -> None:
    settings = Settings(database_url=store_url)
    reading = read_from_replica(settings, _count)
    assert (reading.value, reading.freshness) == (0, None)
    assert list(check_read_replica(settings)) == []
