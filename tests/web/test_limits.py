"""Limits of requests and connections: a burst, a steady pace, and counts that come back to zero."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.web.http import MAX_TRACKED_KEYS, ConnectionCount, RateLimit, TooManyConnectionsError


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_is_allowed_and_then_a_steady_pace() -> None:
    clock = Clock()
    limit = RateLimit.per_minute(60, clock)
    assert [limit.seconds_until_allowed("a") for _ in range(60)] == [0.0] * 60
    assert 0 < limit.seconds_until_allowed("a") <= 1
    clock.now += 1
    assert limit.seconds_until_allowed("a") == 0
    assert limit.seconds_until_allowed("a") > 0
    assert limit.seconds_until_allowed("b") == 0


def test_no_limit_at_zero() -> None:
    limit = RateLimit.per_minute(0)
    assert all(limit.seconds_until_allowed("a") == 0 for _ in range(1000))


def test_memory_is_bounded() -> None:
    limit = RateLimit.per_minute(1, Clock())
    for number in range(MAX_TRACKED_KEYS + 50):
        limit.seconds_until_allowed(str(number))
    assert len(limit._scheduled_until) == MAX_TRACKED_KEYS


@given(st.lists(st.floats(0, 5), max_size=200))
def test_never_more_than_the_burst_and_the_pace(pauses: list[float]) -> None:
    clock = Clock()
    limit, allowed, started = RateLimit.per_minute(30, clock), 0, clock.now
    for pause in pauses:
        clock.now += pause
        allowed += limit.seconds_until_allowed("a") == 0
    assert allowed <= 30 + (clock.now - started) * 30 / 60 + 1e-6


def test_one_too_many_is_refused_until_another_is_gone() -> None:
    count = ConnectionCount(2)
    with count.count_connection("a"):
        with (
            count.count_connection("a"),
            pytest.raises(TooManyConnectionsError),
            count.count_connection("a"),
        ):
            pass
        with count.count_connection("b"), count.count_connection("a"):
            pass
    assert not count._open


def test_a_failure_is_counted_off_as_well() -> None:
    count = ConnectionCount(1)
    for _ in range(3):
        with pytest.raises(ValueError, match="broke"), count.count_connection("a"):
            raise ValueError("broke")


def test_nothing_is_no_limit() -> None:
    count, pace = ConnectionCount(0), RateLimit(0)
    with count.count_connection("a"), count.count_connection("a"), count.count_connection("a"):
        assert all(pace.reserve("a") == 0 for _ in range(1000))


def test_a_burst_is_free_and_then_the_pace_holds() -> None:
    clock = Clock()
    pace = RateLimit(10, burst_seconds=4, clock=clock)
    assert [pace.reserve("a") for _ in range(40)] == pytest.approx([0.0] * 40, abs=1e-9)
    assert [round(pace.reserve("a"), 6) for _ in range(3)] == [0.1, 0.2, 0.3]
    assert pace.reserve("b") == 0
    clock.now += 60
    assert pace.reserve("a") == 0


@given(st.lists(st.floats(0, 3), min_size=1, max_size=300))
def test_who_waits_as_told_is_never_above_the_pace(pauses: list[float]) -> None:
    clock = Clock()
    pace, began = RateLimit(5, burst_seconds=2, clock=clock), clock.now
    for count, pause in enumerate(pauses, 1):
        clock.now += pause
        clock.now += pace.reserve("a")
        assert count <= (clock.now - began) * 5 + 10 + 1e-6


def test_what_would_come_too_late_is_not_taken() -> None:
    clock = Clock()
    pace = RateLimit(1, burst_seconds=0, clock=clock)
    assert pace.reserve("a", 5, max_wait=5) == 5
    for _ in range(100):
        assert pace.reserve("a", 5, max_wait=5) == 10
    clock.now += 5
    assert pace.reserve("a", 5, max_wait=5) == 5


def test_memory_of_reservations_is_bounded() -> None:
    pace = RateLimit(1, clock=Clock())
    for number in range(MAX_TRACKED_KEYS + 50):
        pace.reserve(number)
    assert len(pace._scheduled_until) == MAX_TRACKED_KEYS


def test_a_turn_that_is_given_back_can_be_used_again() -> None:
    pace = RateLimit(1, burst_seconds=2, clock=Clock())
    pace.give_back("nobody")
    assert not pace.is_used_up("a")
    assert [pace.seconds_until_allowed("a") for _ in range(3)] == [0.0, 0.0, 1.0]
    assert pace.is_used_up("a")
    pace.give_back("a")
    assert not pace.is_used_up("a")
    assert [pace.seconds_until_allowed("a") for _ in range(2)] == [0.0, 1.0]
