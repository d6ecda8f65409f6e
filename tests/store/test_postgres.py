"""Connections to PostgreSQL: their limits, their name, and a pool that is used up."""

from collections.abc import Iterator
from time import sleep

import pytest
from sqlalchemy import text
from sqlalchemy.exc import InternalError, OperationalError
from sqlmodel import Session

from survey.settings import current_settings
from survey.store.engine import dispose_engines, engine_for, read_scope, session_scope
from survey.store.tables import Account
from survey.store.transactions import StoreUnavailableError, run_in_transaction

pytestmark = pytest.mark.postgres


@pytest.fixture
def tight(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A pool of one connection and limits that are soon reached."""
    for name, value in {
        "POOL_SIZE": "1",
        "POOL_OVERFLOW": "0",
        "POOL_TIMEOUT": "0.1",
        "LOCK_TIMEOUT": "0.1",
        "STATEMENT_TIMEOUT": "0.2",
        "IDLE_TIMEOUT": "0.2",
        "PATIENT_TIMEOUT": "20",
    }.items():
        monkeypatch.setenv(f"SURVEY_DATABASE_{name}", value)
    current_settings.cache_clear()
    dispose_engines()
    yield
    current_settings.cache_clear()
    dispose_engines()


def _shown(url: str, name: str, *, long_running: bool = False) -> str:
    with read_scope(url, long_running=long_running) as session:
        return str(session.connection().execute(text(f"SHOW {name}")).scalar_one())


def test_every_connection_has_limits_and_a_name(postgres_url: str) -> None:
    assert _shown(postgres_url, "statement_timeout") == "30s"
    assert _shown(postgres_url, "lock_timeout") == "10s"
    assert _shown(postgres_url, "idle_in_transaction_session_timeout") == "1min"
    assert _shown(postgres_url, "application_name").startswith("survey ")
    assert _shown(postgres_url, "transaction_isolation") == "read committed"


def test_patience_ends_with_its_transaction(postgres_url: str) -> None:
    assert _shown(postgres_url, "statement_timeout", long_running=True) == "1h"
    assert _shown(postgres_url, "idle_in_transaction_session_timeout", long_running=True) == "1h"
    assert _shown(postgres_url, "statement_timeout") == "30s"


def test_what_the_address_says_itself_stands(postgres_url: str) -> None:
    mark = "&" if "?" in postgres_url else "?"
    assert _shown(f"{postgres_url}{mark}application_name=mine", "application_name") == "mine"


@pytest.mark.usefixtures("tight")
def test_a_pool_that_is_used_up_says_so_in_words(
    postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with session_scope(postgres_url) as session:
        session.connection()
        with pytest.raises(StoreUnavailableError, match="Too many people"):
            run_in_transaction(postgres_url, lambda other: other.connection())
    assert "SURVEY_DATABASE_POOL_SIZE" in caplog.text
    run_in_transaction(postgres_url, lambda other: other.connection())


@pytest.mark.usefixtures("tight")
def test_a_long_statement_is_ended_unless_patience_was_asked_for(postgres_url: str) -> None:
    slow = text("SELECT pg_sleep(0.4)")
    with (
        pytest.raises(OperationalError, match="statement timeout"),
        session_scope(postgres_url) as session,
    ):
        session.connection().execute(slow)
    with session_scope(postgres_url, long_running=True) as session:
        session.connection().execute(slow)


def _write_and_stand_still(session: Session) -> None:
    session.add(Account(login="a", name="a", role="surveyor", area="CN"))
    session.flush()
    sleep(0.6)
    session.connection().execute(text("SELECT 1"))


@pytest.mark.usefixtures("tight")
def test_a_transaction_that_nobody_goes_on_with_lets_go(postgres_url: str) -> None:
    with pytest.raises(InternalError), session_scope(postgres_url) as session:
        _write_and_stand_still(session)
    with session_scope(postgres_url, long_running=True) as session:
        session.connection()
        sleep(0.4)
        assert session.connection().execute(text("SELECT count(*) FROM account")).scalar_one() == 0


def test_a_connection_that_the_server_closed_is_replaced_before_use(postgres_url: str) -> None:
    with engine_for(postgres_url).connect() as connection:
        own = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    other = f"{postgres_url}{'&' if '?' in postgres_url else '?'}application_name=other"
    with session_scope(other) as session:
        session.connection().execute(text(f"SELECT pg_terminate_backend({own})"))
    sleep(1.1)
    run_in_transaction(postgres_url, lambda session: session.connection().execute(text("SELECT 1")))
