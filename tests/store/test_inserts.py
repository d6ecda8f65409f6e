"""Inserting if new tells a newcomer from a repetition on both databases."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from sqlmodel import select

from survey.store.engine import read_scope, session_scope
from survey.store.inserts import insert_if_new, sqlite_time
from survey.store.tables import IndicatorTreeVersion, new_id


def _values(name: str, sha256: str) -> dict[str, Any]:
    moment = datetime(2026, 5, 1, tzinfo=UTC)
    document = b"{}"
    return {
        "id": new_id(),
        "name": name,
        "sha256": sha256,
        "document": document,
        "created_at": moment,
    }


def test_a_new_row_is_new_and_any_repeated_unique_value_is_not(store_url: str) -> None:
    with session_scope(store_url) as session:
        connection = session.connection()
        assert insert_if_new(connection, IndicatorTreeVersion, _values("a", "1")) is True
        assert insert_if_new(connection, IndicatorTreeVersion, _values("a", "2")) is False
        assert insert_if_new(connection, IndicatorTreeVersion, _values("b", "1")) is False
        assert insert_if_new(connection, IndicatorTreeVersion, _values("b", "2")) is True
    with read_scope(store_url) as session:
        assert set(session.exec(select(IndicatorTreeVersion.name))) == {"a", "b"}


def test_of_many_at_once_exactly_one_is_new(store_url: str) -> None:
    def insert(_turn: int) -> bool:
        with session_scope(store_url) as session:
            return insert_if_new(session.connection(), IndicatorTreeVersion, _values("a", "1"))

    with ThreadPoolExecutor(16) as pool:
        assert Counter(pool.map(insert, range(48))) == {True: 1, False: 47}


def test_a_time_of_any_zone_is_stored_as_utc() -> None:
    china = datetime(2026, 5, 1, 7, 30, tzinfo=timezone(timedelta(hours=8)))
    stored = "2026-04-30 23:30:00.000000"
    assert sqlite_time(china) == sqlite_time(china.astimezone(UTC)) == stored
    assert sqlite_time(china.astimezone(timezone(timedelta(0)))) == stored
