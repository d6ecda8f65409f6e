"""Tries are counted in the store: by name and by address, before anything is looked at."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from survey.access.tries import (
    ALLOWANCES,
    Counted,
    Kind,
    TooManyTries,
    claim_try,
    forget_tries,
    give_back_try,
    wait_after,
)
from survey.store.engine import read_scope, session_scope
from survey.store.tables import SignInTries

NOW = datetime(2026, 5, 20, 3, 0, tzinfo=UTC)
LI = Counted(Kind.NAME, "li")
HERE = Counted(Kind.ADDRESS, "203.0.113.7")
FREE = ALLOWANCES[Kind.NAME].free


def _claim(url: str, *counted: Counted, now: datetime = NOW) -> None:
    with session_scope(url) as session:
        claim_try(session=session, counted=counted or (LI, HERE), now=now)


def _locked(url: str, counted: Sequence[Counted], now: datetime = NOW) -> bool:
    try:
        _claim(url, *counted, now=now)
    except TooManyTries:
        return True
    return False


def test_after_the_free_tries_each_one_costs_twice_the_wait(store_url: str) -> None:
    for _ in range(FREE):
        _claim(store_url)
    moment = NOW
    for seconds in (30, 60, 120, 240, 480, 900, 900):
        for early in (1, seconds - 1):
            assert _locked(store_url, (LI,), moment + timedelta(seconds=early))
        moment += timedelta(seconds=seconds)
        _claim(store_url, LI, now=moment)


def test_a_locked_name_locks_no_other_and_a_locked_address_every_name(store_url: str) -> None:
    for _ in range(FREE):
        _claim(store_url)
    assert _locked(store_url, (LI, Counted(Kind.ADDRESS, "198.51.100.1")))
    _claim(store_url, Counted(Kind.NAME, "zhao"), HERE)
    for number in range(ALLOWANCES[Kind.ADDRESS].free):
        if _locked(store_url, (Counted(Kind.NAME, f"guess-{number}"), HERE)):
            break
    assert _locked(store_url, (Counted(Kind.NAME, "nobody yet"), HERE))


def test_a_refused_try_counts_for_nothing(store_url: str) -> None:
    for _ in range(FREE):
        _claim(store_url, LI)
    assert _locked(store_url, (LI, HERE))
    with read_scope(store_url) as session:
        rows = {row.subject: row.tries for row in session.exec(select(SignInTries))}
    assert rows == {LI.subject: FREE}


def test_proving_oneself_begins_the_count_anew(store_url: str) -> None:
    for _ in range(FREE - 1):
        _claim(store_url)
    with session_scope(store_url) as session:
        forget_tries(session=session, counted=LI)
        give_back_try(session=session, counted=HERE, now=NOW)
    for _ in range(FREE - 1):
        _claim(store_url, LI)
    with read_scope(store_url) as session:
        assert session.get_one(SignInTries, HERE.subject).tries == FREE - 2


def test_what_is_long_ago_is_forgotten(store_url: str) -> None:
    for _ in range(FREE):
        _claim(store_url)
    later = NOW + ALLOWANCES[Kind.NAME].memory + timedelta(seconds=1)
    _claim(store_url, Counted(Kind.NAME, "zhao"), now=later)
    with read_scope(store_url) as session:
        assert len(session.exec(select(SignInTries)).all()) == 1


def test_waiting_for_the_lock_to_end_buys_no_new_free_tries(store_url: str) -> None:
    factor = Counted(Kind.FACTOR, "li")
    moment, tries = NOW, 0
    while moment < NOW + timedelta(days=20):
        if not _locked(store_url, (factor,), moment):
            tries += 1
            moment += wait_after(Kind.FACTOR, tries)
    assert tries < 15 + 20


def test_what_is_kept_names_nobody(store_url: str) -> None:
    _claim(store_url)
    with read_scope(store_url) as session:
        kept = " ".join(row.subject for row in session.exec(select(SignInTries)))
    assert "203.0.113.7" not in kept
    assert kept.count(":") == 2


def test_many_at_once_are_no_way_round(store_url: str) -> None:
    """Each thread has its own connection, as each process would."""
    with ThreadPoolExecutor(8) as pool:
        refused = list(pool.map(lambda _: _locked(store_url, (LI,)), range(24)))
    assert refused.count(False) == FREE


def test_the_longest_wait_holds() -> None:
    for kind, allowance in ALLOWANCES.items():
        waits = [wait_after(kind, tries) for tries in range(2000)]
        assert waits == sorted(waits)
        assert waits[allowance.free - 1] == timedelta(0)
        assert waits[-1] == allowance.longest
        assert allowance.memory >= allowance.longest


@given(tries=st.integers(0, 10**9), kind=st.sampled_from(Kind))
def test_every_count_has_a_wait(tries: int, kind: Kind) -> None:
    assert timedelta(0) <= wait_after(kind, tries) <= ALLOWANCES[kind].longest


def test_the_message_says_how_long(store_url: str) -> None:
    for _ in range(FREE):
        _claim(store_url, LI)
    with pytest.raises(TooManyTries, match=r"wait 1 min"):
        _claim(store_url, LI)
