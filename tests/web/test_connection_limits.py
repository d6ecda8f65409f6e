"""Counts that come back to nothing, and paces that catch up with whoever hurries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.web.connection_limits import (
    MAX_TRACKED_KEYS,
    ConnectionCount,
    TokenBucket,
    TooManyConnectionsError,
)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


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
    count, pace = ConnectionCount(0), TokenBucket(0)
    with count.count_connection("a"), count.count_connection("a"), count.count_connection("a"):
        assert all(pace.wait("a") == 0 for _ in range(1000))


def test_a_burst_is_free_and_then_the_pace_holds() -> None:
    clock = Clock()
    pace = TokenBucket(10, burst_seconds=4, clock=clock)
    assert [pace.wait("a") for _ in range(40)] == pytest.approx([0.0] * 40, abs=1e-9)
    assert [round(pace.wait("a"), 6) for _ in range(3)] == [0.1, 0.2, 0.3]
    assert pace.wait("b") == 0
    clock.now += 60
    assert pace.wait("a") == 0


@given(st.lists(st.floats(0, 3), min_size=1, max_size=300))
def test_who_waits_as_told_is_never_above_the_pace(pauses: list[float]) -> None:
    clock = Clock()
    pace, began = TokenBucket(5, burst_seconds=2, clock=clock), clock.now
    for count, pause in enumerate(pauses, 1):
        clock.now += pause
        clock.now += pace.wait("a")
        assert count <= (clock.now - began) * 5 + 10 + 1e-6


def test_what_would_come_too_late_is_not_taken() -> None:
    clock = Clock()
    pace = TokenBucket(1, burst_seconds=0, clock=clock)
    assert pace.wait("a", 5, longest=5) == 5
    for _ in range(100):
        assert pace.wait("a", 5, longest=5) == 10
    clock.now += 5
    assert pace.wait("a", 5, longest=5) == 5


def test_memory_is_bounded() -> None:
    pace = TokenBucket(1, clock=Clock())
    for number in range(MAX_TRACKED_KEYS + 50):
        pace.wait(number)
    assert len(pace._scheduled_until) == MAX_TRACKED_KEYS
