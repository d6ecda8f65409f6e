"""Sessions open for demo roles only, end when they should, and never store the secret."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import col, select

from survey.access.roles import NATION, Role
from survey.access.sessions import (
    SESSION_LIFETIME,
    VISIT_GAP,
    DemoAccountMissingError,
    SessionLimits,
    SignIn,
    find_last_visit,
    find_principal,
    open_session,
    sign_in_demo,
    sign_out,
)
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Account, AuditEntry, LoginSession

NOW = datetime(2026, 5, 20, 3, 0, tzinfo=UTC)


def _add_account(url: str, **changes: object) -> Account:
    values = {
        "login": "demo-surveyor", "name": "Demo", "role": "surveyor", "area": "110000",
        "is_demo": True, **changes,
    }  # fmt: skip
    account = Account.model_validate(values)
    with session_scope(url) as session:
        session.add(account)
    return account


def _sign_in(url: str, role: Role = Role.SURVEYOR, now: datetime = NOW) -> str:
    with session_scope(url) as session:
        return sign_in_demo(SignIn(session, now), role)


def test_a_demo_role_signs_in_and_is_recognised(store_url: str) -> None:
    account = _add_account(store_url)
    secret = _sign_in(store_url)
    with read_scope(store_url) as session:
        principal = find_principal(session, secret, NOW)
    assert principal is not None
    assert principal.account_id == account.id
    assert (principal.role, principal.area, principal.is_demo) == (Role.SURVEYOR, "110000", True)


@pytest.mark.parametrize(
    "changes", [{"is_demo": False}, {"active": False}, {"login": "demo-analyst"}, {"login": "x"}]
)
def test_without_a_living_demo_account_nobody_signs_in(
    store_url: str, changes: dict[str, object]
) -> None:
    _add_account(store_url, **changes)
    with pytest.raises(DemoAccountMissingError):
        _sign_in(store_url)
    with read_scope(store_url) as session:
        assert session.exec(select(LoginSession)).all() == []


def test_the_store_keeps_no_secret(store_url: str) -> None:
    _add_account(store_url)
    first, second = _sign_in(store_url), _sign_in(store_url)
    assert first != second
    assert len(first) >= 43
    with read_scope(store_url) as session:
        stored = session.exec(select(LoginSession)).all()
        entries = session.exec(select(AuditEntry)).all()
    kept = " ".join(str(row.model_dump()) for row in [*stored, *entries])
    assert first not in kept
    assert second not in kept


def test_a_session_ends_by_itself(store_url: str) -> None:
    _add_account(store_url)
    secret = _sign_in(store_url)
    with read_scope(store_url) as session:
        last = NOW + SESSION_LIFETIME - timedelta(seconds=1)
        assert find_principal(session, secret, last) is not None
        assert find_principal(session, secret, NOW + SESSION_LIFETIME) is None


def test_signing_out_ends_this_session_and_no_other(store_url: str) -> None:
    _add_account(store_url)
    mine, other = _sign_in(store_url), _sign_in(store_url)
    for _ in range(2):
        with session_scope(store_url) as session:
            sign_out(session, mine, NOW)
    with read_scope(store_url) as session:
        assert find_principal(session, mine, NOW) is None
        assert find_principal(session, other, NOW) is not None
        actions = session.exec(select(AuditEntry.action).order_by(col(AuditEntry.id))).all()
    assert actions == ["session.opened", "session.opened", "session.ended"]


def test_a_deactivated_account_is_out_at_once(store_url: str) -> None:
    account = _add_account(store_url)
    secret = _sign_in(store_url)
    with session_scope(store_url) as session:
        stored = session.get_one(Account, account.id)
        stored.active = False
    with read_scope(store_url) as session:
        assert find_principal(session, secret, NOW) is None


def test_sessions_that_ran_out_are_swept_at_the_next_sign_in(store_url: str) -> None:
    _add_account(store_url)
    _sign_in(store_url)
    _sign_in(store_url, now=NOW + 2 * SESSION_LIFETIME)
    with read_scope(store_url) as session:
        assert len(session.exec(select(LoginSession)).all()) == 1


def test_every_demo_role_keeps_its_own_area(store_url: str) -> None:
    for role in Role:
        _add_account(store_url, login=f"demo-{role}", role=role, area=NATION)
    for role in Role:
        secret = _sign_in(store_url, role)
        with read_scope(store_url) as session:
            principal = find_principal(session, secret, NOW)
        assert principal is not None
        assert principal.role is role


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(forged=st.none() | st.text() | st.text(min_size=100, max_size=5000))
def test_no_invented_secret_opens_anything(store_url: str, forged: str | None) -> None:
    with read_scope(store_url) as session:
        if not session.exec(select(Account)).all():
            _add_account(store_url)
            _sign_in(store_url)
        assert find_principal(session, forged, NOW) is None


def _enter(url: str, account: Account, now: datetime) -> datetime | None:
    """Sign in, and return when the account was here before."""
    with session_scope(url) as session:
        held = session.get_one(Account, account.id)
        limits = SessionLimits(timedelta(hours=8), timedelta(hours=1))
        secret = open_session(SignIn(session, now), held, limits, how="code")
        return find_last_visit(session, secret)


def test_a_session_knows_the_visit_before_and_signing_in_again_continues_a_visit(
    store_url: str,
) -> None:
    account = _add_account(store_url, login="li", is_demo=False)
    soon, later = NOW + VISIT_GAP / 2, NOW + timedelta(days=20)
    assert _enter(store_url, account, NOW) is None
    assert _enter(store_url, account, soon) is None
    assert _enter(store_url, account, later) == soon
    assert _enter(store_url, account, later + VISIT_GAP / 2) == soon
    with session_scope(store_url) as session:
        for held in session.exec(select(LoginSession)):
            held.seen_at = later + timedelta(hours=3)
            session.add(held)
    assert _enter(store_url, account, later + timedelta(days=1)) == later + timedelta(hours=3)


def test_the_visitors_of_a_demonstration_have_no_visit_before(store_url: str) -> None:
    _add_account(store_url)
    _sign_in(store_url)
    secret = _sign_in(store_url, now=NOW + timedelta(days=1))
    with read_scope(store_url) as session:
        assert find_last_visit(session, secret) is None
        assert find_last_visit(session, None) is None
        assert find_last_visit(session, "unknown") is None
