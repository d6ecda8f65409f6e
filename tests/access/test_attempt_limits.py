"""Tries are counted in the store: by name and by address, before anything is looked at."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from survey.access.attempt_limits import (
    ATTEMPT_POLICIES,
    AttemptKey,
    AttemptKind,
    TooManyAttemptsError,
    claim_attempt,
    delay_after,
    refund_attempt,
    reset_attempts,
)
from survey.store.engine import read_scope, session_scope
from survey.store.tables import SignInTries

NOW = datetime(2026, 5, 20, 3, 0, tzinfo=UTC)
LI = AttemptKey(AttemptKind.NAME, "li")
HERE = AttemptKey(AttemptKind.ADDRESS, "203.0.113.7")
FREE = ATTEMPT_POLICIES[AttemptKind.NAME].free_attempts


def _claim(url: str, *keys: AttemptKey, now: datetime = NOW) -> None:
    with session_scope(url) as session:
        claim_attempt(session=session, keys=keys or (LI, HERE), now=now)


def _locked(url: str, keys: Sequence[AttemptKey], now: datetime = NOW) -> bool:
    try:
        _claim(url, *keys, now=now)
    except TooManyAttemptsError:
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
    assert _locked(store_url, (LI, AttemptKey(AttemptKind.ADDRESS, "198.51.100.1")))
    _claim(store_url, AttemptKey(AttemptKind.NAME, "zhao"), HERE)
    for number in range(ATTEMPT_POLICIES[AttemptKind.ADDRESS].free_attempts):
        if _locked(store_url, (AttemptKey(AttemptKind.NAME, f"guess-{number}"), HERE)):
            break
    assert _locked(store_url, (AttemptKey(AttemptKind.NAME, "nobody yet"), HERE))


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
        reset_attempts(session=session, key=LI)
        refund_attempt(session=session, key=HERE, now=NOW)
    for _ in range(FREE - 1):
        _claim(store_url, LI)
    with read_scope(store_url) as session:
        assert session.get_one(SignInTries, HERE.subject).tries == FREE - 2


def test_what_is_long_ago_is_forgotten(store_url: str) -> None:
    for _ in range(FREE):
        _claim(store_url)
    later = NOW + ATTEMPT_POLICIES[AttemptKind.NAME].reset_after + timedelta(seconds=1)
    _claim(store_url, AttemptKey(AttemptKind.NAME, "zhao"), now=later)
    with read_scope(store_url) as session:
        assert len(session.exec(select(SignInTries)).all()) == 1


def test_waiting_for_the_lock_to_end_buys_no_new_free_tries(store_url: str) -> None:
    factor = AttemptKey(AttemptKind.FACTOR, "li")
    moment, tries = NOW, 0
    while moment < NOW + timedelta(days=20):
        if not _locked(store_url, (factor,), moment):
            tries += 1
            moment += delay_after(AttemptKind.FACTOR, tries)
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
    for kind, allowance in ATTEMPT_POLICIES.items():
        waits = [delay_after(kind, tries) for tries in range(2000)]
        assert waits == sorted(waits)
        assert waits[allowance.free_attempts - 1] == timedelta(0)
        assert waits[-1] == allowance.max_delay
        assert allowance.reset_after >= allowance.max_delay


@given(tries=st.integers(0, 10**9), kind=st.sampled_from(AttemptKind))
def test_every_count_has_a_wait(tries: int, kind: AttemptKind) -> None:
    assert timedelta(0) <= delay_after(kind, tries) <= ATTEMPT_POLICIES[kind].max_delay


def test_the_message_says_how_long(store_url: str) -> None:
    for _ in range(FREE):
        _claim(store_url, LI)
    with pytest.raises(TooManyAttemptsError, match=r"wait 1 min"):
        _claim(store_url, LI)
