"""Who is counted, and when it is enough."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from survey.web.rate_limit import ADDRESS_CACHE_SIZE, RateLimit, client_address


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def request(peer: str | None, forwarded: str | None = None) -> Request:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded is not None else []
    return Request({"type": "http", "headers": headers, "client": (peer, 1) if peer else None})


def test_a_burst_is_allowed_and_then_a_steady_pace() -> None:
    clock = Clock()
    limit = RateLimit(60, clock)
    assert [limit.wait("a") for _ in range(60)] == [0.0] * 60
    assert 0 < limit.wait("a") <= 1
    clock.now += 1
    assert limit.wait("a") == 0
    assert limit.wait("a") > 0
    assert limit.wait("b") == 0


def test_no_limit_at_zero() -> None:
    limit = RateLimit(0)
    assert all(limit.wait("a") == 0 for _ in range(1000))


def test_memory_is_bounded() -> None:
    limit = RateLimit(1, Clock())
    for number in range(ADDRESS_CACHE_SIZE + 50):
        limit.wait(str(number))
    assert len(limit._buckets) == ADDRESS_CACHE_SIZE


@given(st.lists(st.floats(0, 5), max_size=200))
def test_never_more_than_the_burst_and_the_pace(pauses: list[float]) -> None:
    clock = Clock()
    limit, allowed, started = RateLimit(30, clock), 0, clock.now
    for pause in pauses:
        clock.now += pause
        allowed += limit.wait("a") == 0
    assert allowed <= 30 + (clock.now - started) * 30 / 60 + 1e-6


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "counted"),
    [
        ("198.51.100.7", None, 0, "198.51.100.7"),
        ("198.51.100.7", "203.0.113.9", 0, "198.51.100.7"),
        ("127.0.0.1", "203.0.113.9", 1, "203.0.113.9"),
        ("127.0.0.1", "6.6.6.6, 203.0.113.9", 1, "203.0.113.9"),
        ("127.0.0.1", "6.6.6.6, 203.0.113.9, 10.0.0.1", 2, "203.0.113.9"),
        ("127.0.0.1", None, 1, "unknown"),
        ("127.0.0.1", "<script>", 1, "unknown"),
        ("2001:db8:1:2:3:4:5:6", None, 0, "2001:db8:1:2::/64"),
        ("::ffff:198.51.100.7", None, 0, "198.51.100.7"),
        (None, None, 0, "unknown"),
    ],
)
def test_the_address_that_is_counted(
    peer: str | None, forwarded: str | None, proxies: int, counted: str
) -> None:
    assert client_address(request(peer, forwarded), proxies) == counted
