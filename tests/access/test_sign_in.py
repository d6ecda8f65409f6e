"""Step by step into a session, and everything on the way that must not open one."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session, select

from survey.access.roles import NATION, Role
from survey.access.second_factor import WrongFactorError
from survey.access.secret_hashes import (
    LINK_LIFETIME,
    LinkNotFoundError,
    WeakPasswordError,
    replace_setup_link,
    verify_password,
)
from survey.access.sessions import (
    SessionLimits,
    SignIn,
    end_sessions,
    extend_session,
    find_principal,
)
from survey.access.sign_in import (
    STEP_LIFETIME,
    CredentialLookup,
    RequiredStep,
    SignInExpiredError,
    SignInRefusedError,
    choose_password,
    complete_sign_in,
    finish_enrolment,
    get_enrolment,
    get_sign_in_state,
    look_up_credentials,
    open_sign_in,
    use_link,
    verify_factor_step,
)
from survey.store.engine import read_scope, session_scope
from survey.store.tables import AuditEntry, RecoveryCode
from tests.account_factory import PASSWORD, code_at, credential, employ_person

NOW = datetime(2026, 5, 20, 3, 0, tzinfo=UTC)
LIMITS = SessionLimits(timedelta(hours=12), timedelta(minutes=30))
NEW = "quiet rivers carry lanterns home"


def asking(session: Session, now: datetime, step: str | None = None) -> SignIn:
    return SignIn(session, now, "203.0.113.7", step)


def _enter(url: str, login: str, now: datetime = NOW) -> str:
    """Name and password are right; the secret of the step after them."""
    with session_scope(url) as session:
        lookup = look_up_credentials(asking(session, now), login)
    assert verify_password(lookup.password_hash, PASSWORD)
    return _begin(url, lookup, now)


def _begin(url: str, lookup: CredentialLookup, now: datetime = NOW) -> str:
    with session_scope(url) as session:
        return open_sign_in(asking(session, now), lookup, password=PASSWORD, redirect_to="/")


def _next(url: str, step: str, now: datetime = NOW) -> RequiredStep:
    with session_scope(url) as session:
        return get_sign_in_state(asking(session, now, step)).next


def _finish(url: str, step: str, now: datetime = NOW) -> str:
    with session_scope(url) as session:
        return complete_sign_in(asking(session, now, step), LIMITS)


def _prove(url: str, step: str, code: str, now: datetime = NOW) -> bool:
    with session_scope(url) as session:
        return verify_factor_step(asking(session, now, step), code)


def test_a_password_alone_opens_a_session_for_a_role_that_needs_no_more(store_url: str) -> None:
    person = employ_person(store_url, "wang")
    step = _enter(store_url, " WANG ")
    secret = _finish(store_url, step)
    with read_scope(store_url) as session:
        assert find_principal(session, secret, NOW) == person
        assert find_principal(session, step, NOW) is None
    with pytest.raises(SignInExpiredError):
        _finish(store_url, step)


def test_a_role_that_needs_a_second_factor_gets_nothing_before_it(store_url: str) -> None:
    employ_person(store_url, "root", Role.ADMINISTRATOR, NATION)
    step = _enter(store_url, "root")
    assert _next(store_url, step) is RequiredStep.ENROL
    with pytest.raises(SignInExpiredError):
        _finish(store_url, step)
    with session_scope(store_url) as session:
        enrolment = get_enrolment(asking(session, NOW, step))
    with session_scope(store_url) as session:
        again = get_enrolment(asking(session, NOW, step))
    assert again == enrolment
    with pytest.raises(WrongFactorError), session_scope(store_url) as session:
        finish_enrolment(asking(session, NOW, step), "000000")
    with session_scope(store_url) as session:
        codes = finish_enrolment(asking(session, NOW, step), code_at(NOW, enrolment.secret))
    assert len(set(codes)) == 10
    assert _finish(store_url, step)
    with read_scope(store_url) as session:
        kept = {row.code_sha256 for row in session.exec(select(RecoveryCode))}
    assert not kept & set(codes)


def test_a_code_works_once_and_only_about_now(store_url: str) -> None:
    employ_person(store_url, "wang", factor=NOW)
    step = _enter(store_url, "wang")
    assert _next(store_url, step) is RequiredStep.FACTOR
    with pytest.raises(SignInExpiredError):
        _finish(store_url, step)
    for wrong in ("", "12345", "1234567", "abcdef", "１２３４５６", code_at(NOW, "A" * 32)):
        assert not _prove(store_url, step, wrong)
    for away in (-90, 90):
        assert not _prove(store_url, step, code_at(NOW + timedelta(seconds=away)))
    assert _prove(store_url, step, code_at(NOW))
    second = _enter(store_url, "wang")
    assert not _prove(store_url, second, code_at(NOW)), "the same code again"
    assert not _prove(store_url, second, code_at(NOW - timedelta(seconds=30))), "an older code"
    later = NOW + timedelta(seconds=31)
    assert _prove(store_url, second, code_at(later), later)


def test_a_recovery_code_works_once_however_it_is_typed(store_url: str) -> None:
    person = employ_person(store_url, "root", Role.ADMINISTRATOR, NATION)
    step = _enter(store_url, "root")
    with session_scope(store_url) as session:
        enrolment = get_enrolment(asking(session, NOW, step))
        codes = finish_enrolment(asking(session, NOW, step), code_at(NOW, enrolment.secret))
    second = _enter(store_url, "root")
    typed = f" {codes[0][:4].lower()}-{codes[0][4:8]} {codes[0][8:]} "
    assert _prove(store_url, second, typed)
    assert not _prove(store_url, _enter(store_url, "root"), codes[0])
    with read_scope(store_url) as session:
        actions = session.exec(
            select(AuditEntry.action).where(AuditEntry.subject_id == str(person.account_id))
        ).all()
    assert "account.recovery_code_used" in actions
    assert "session.refused" in actions


def test_a_password_that_somebody_else_gave_is_good_for_choosing_another(store_url: str) -> None:
    person = employ_person(store_url, "wang", must_change=True)
    step = _enter(store_url, "wang")
    assert _next(store_url, step) is RequiredStep.PASSWORD
    for weak in (PASSWORD, "short", "password1234", "wang wang wang", "a" * 129):
        with pytest.raises(WeakPasswordError), session_scope(store_url) as session:
            choose_password(asking(session, NOW, step), weak)
    with session_scope(store_url) as session:
        choose_password(asking(session, NOW, step), NEW)
    assert _finish(store_url, step)
    with read_scope(store_url) as session:
        assert verify_password(credential(session, person.account_id).password_hash, NEW)


def test_a_step_ends_by_itself_and_with_its_account(store_url: str) -> None:
    employ_person(store_url, "wang", ends_at=NOW + timedelta(minutes=5))
    step = _enter(store_url, "wang")
    for later in (timedelta(minutes=5), STEP_LIFETIME):
        with pytest.raises(SignInExpiredError):
            _next(store_url, step, NOW + later)


def test_nobody_comes_in_by_an_account_that_is_not_alive(store_url: str) -> None:
    dead = {
        "closed": {"active": False}, "over": {"ends_at": NOW}, "demo": {"is_demo": True},
        "bare": {"password": False},
    }  # fmt: skip
    for login, changes in dead.items():
        employ_person(store_url, login, **changes)  # type: ignore[arg-type]
        with session_scope(store_url) as session:
            lookup = look_up_credentials(asking(session, NOW), login)
        assert not verify_password(lookup.password_hash, PASSWORD), login


def test_the_end_date_counts_at_once_in_open_sessions(store_url: str) -> None:
    employ_person(store_url, "wang", ends_at=NOW + timedelta(minutes=10))
    secret = _finish(store_url, _enter(store_url, "wang"))
    with read_scope(store_url) as session:
        for minutes, open_ in ((9, True), (10, False)):
            moment = NOW + timedelta(minutes=minutes)
            principal = find_principal(session, secret, moment)
            assert (principal is not None) is open_


def test_a_session_that_is_not_used_ends_and_one_that_is_used_ends_as_well(store_url: str) -> None:
    employ_person(store_url, "wang")
    secret = _finish(store_url, _enter(store_url, "wang"))
    unused = NOW + LIMITS.idle if LIMITS.idle else NOW
    with read_scope(store_url) as session:
        assert find_principal(session, secret, unused) is None
    moment = NOW
    while moment < NOW + LIMITS.lifetime:
        with session_scope(store_url) as session:
            assert find_principal(session, secret, moment) is not None
            extend_session(session, secret, moment)
        moment += timedelta(minutes=29)
    with session_scope(store_url) as session:
        assert find_principal(session, secret, moment) is None
        extend_session(session, secret, moment)
        assert find_principal(session, secret, moment) is None


def test_a_link_sets_the_password_once_and_ends_the_sessions_of_before(store_url: str) -> None:
    person = employ_person(store_url, "wang")
    before = _finish(store_url, _enter(store_url, "wang"))
    with session_scope(store_url) as session:
        first, token = (
            replace_setup_link(
                session=session, account_id=person.account_id, created_by=None, now=NOW
            )
            for _ in range(2)
        )
    for wrong in (first, "", "x" * 500):
        with pytest.raises(LinkNotFoundError), session_scope(store_url) as session:
            use_link(asking(session, NOW), wrong, NEW)
    with pytest.raises(WeakPasswordError), session_scope(store_url) as session:
        use_link(asking(session, NOW), token, "123456789012")
    with pytest.raises(LinkNotFoundError), session_scope(store_url) as session:
        use_link(asking(session, NOW + LINK_LIFETIME), token, NEW)
    with session_scope(store_url) as session:
        step = use_link(asking(session, NOW), token, NEW)
    assert _next(store_url, step) is RequiredStep.NOTHING
    with pytest.raises(LinkNotFoundError), session_scope(store_url) as session:
        use_link(asking(session, NOW), token, PASSWORD)
    with read_scope(store_url) as session:
        assert find_principal(session, before, NOW) is None


def test_a_link_is_no_way_round_the_second_factor(store_url: str) -> None:
    person = employ_person(store_url, "root", Role.ADMINISTRATOR, NATION, factor=NOW)
    with session_scope(store_url) as session:
        token = replace_setup_link(
            session=session, account_id=person.account_id, created_by=None, now=NOW
        )
        step = use_link(asking(session, NOW), token, NEW)
    assert _next(store_url, step) is RequiredStep.FACTOR


def test_a_password_replaced_while_it_is_compared_lets_nobody_in(store_url: str) -> None:
    person = employ_person(store_url, "wang")
    step = _enter(store_url, "wang")
    with session_scope(store_url) as session:
        lookup = look_up_credentials(asking(session, NOW), "wang")
        token = replace_setup_link(
            session=session, account_id=person.account_id, created_by=None, now=NOW
        )
        use_link(asking(session, NOW), token, NEW)
    with pytest.raises(SignInRefusedError):
        _begin(store_url, lookup)
    with pytest.raises(SignInExpiredError):
        _finish(store_url, step)


def test_ending_all_sessions_ends_sign_ins_that_are_not_finished(store_url: str) -> None:
    person = employ_person(store_url, "wang")
    step = _enter(store_url, "wang")
    with session_scope(store_url) as session:
        assert end_sessions(session=session, account_id=person.account_id, now=NOW) == 0
    with pytest.raises(SignInExpiredError):
        _finish(store_url, step)
