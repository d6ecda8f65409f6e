"""One-time codes of surveyors: made by their supervisor, good once, for one person, for a day."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlmodel import select

from survey.access.attempt_limits import ATTEMPT_POLICIES, AttemptKind, TooManyAttemptsError
from survey.access.principal import AccessDeniedError, Principal
from survey.access.roles import Role
from survey.access.second_factor import normalise_code
from survey.access.secret_hashes import verify_password
from survey.access.sessions import SessionLimits, SignIn, find_principal
from survey.access.sign_in import CredentialLookup, SignInRefusedError
from survey.access.sign_in_codes import (
    generate_codes,
    issue_sign_in_codes,
    list_surveyors_for_codes,
    look_up_code,
    redeem_code,
)
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Account, SignInCode
from tests.account_factory import employ_person
from tests.error_codes import raises_code
from tests.work_of import work_of

if TYPE_CHECKING:
    from tests.conftest import Field

LIMITS = SessionLimits(timedelta(hours=12), timedelta(minutes=30))


@pytest.fixture
def supervisor(field: Field) -> Principal:
    return employ_person(field.url, "sun", Role.SUPERVISOR, "110000")


def _make(field: Field, by: Principal, *logins: str, days: int = 1) -> list[str]:
    with session_scope(field.url) as session:
        sheet = issue_sign_in_codes(
            work_of(session, by, field.now),
            logins=logins,
            codes=generate_codes(len(set(logins))),
            days=days,
        )
    return [person.secret for person in sheet.people]


def _look_up_code(field: Field, login: str, later: timedelta = timedelta(0)) -> CredentialLookup:
    with session_scope(field.url) as session:
        return look_up_code(SignIn(session, field.now + later, "203.0.113.7"), login)


def _enter(field: Field, lookup: CredentialLookup) -> str:
    with session_scope(field.url) as session:
        return redeem_code(SignIn(session, field.now, "203.0.113.7"), lookup, LIMITS)


def test_a_code_signs_its_surveyor_in_once(field: Field, supervisor: Principal) -> None:
    (code,) = _make(field, supervisor, "li")
    assert len(normalise_code(code)) == 8
    lookup = _look_up_code(field, " LI ")
    assert verify_password(lookup.password_hash, normalise_code(f" {code.lower()} "))
    secret = _enter(field, lookup)
    with read_scope(field.url) as session:
        assert find_principal(session, secret, field.now) == field.surveyor
    with pytest.raises(SignInRefusedError):
        _enter(field, lookup)
    assert _look_up_code(field, "li") == CredentialLookup(None, None)


def test_a_code_ends_with_the_day_in_china(field: Field, supervisor: Principal) -> None:
    _make(field, supervisor, "li")
    # It is 11:00 in China.
    assert _look_up_code(field, "li", timedelta(hours=12, minutes=59)).account_id is not None
    assert _look_up_code(field, "li", timedelta(hours=13)).account_id is None
    _make(field, supervisor, "li", days=2)
    assert _look_up_code(field, "li", timedelta(hours=36)).account_id is not None


def test_a_new_code_replaces_the_one_before(field: Field, supervisor: Principal) -> None:
    (old,) = _make(field, supervisor, "li")
    lookup = _look_up_code(field, "li")
    (new,) = _make(field, supervisor, "li")
    with pytest.raises(SignInRefusedError):
        _enter(field, lookup)
    again = _look_up_code(field, "li")
    assert not verify_password(again.password_hash, normalise_code(old))
    assert verify_password(again.password_hash, normalise_code(new))


def test_the_store_keeps_no_code(field: Field, supervisor: Principal) -> None:
    (code,) = _make(field, supervisor, "li")
    with read_scope(field.url) as session:
        kept = str(session.exec(select(SignInCode)).one().model_dump())
    assert normalise_code(code) not in kept
    assert "argon2id" in kept


def test_only_living_surveyors_of_the_own_area_get_codes(
    field: Field, supervisor: Principal
) -> None:
    employ_person(field.url, "closed", Role.SURVEYOR, active=False)
    employ_person(field.url, "demo", Role.SURVEYOR, is_demo=True)
    for login in ("zhao", "sun", "nobody", "closed", "demo"):
        with pytest.raises(AccessDeniedError):
            _make(field, supervisor, "li", login)
    with read_scope(field.url) as session:
        assert session.exec(select(SignInCode)).all() == []
        people = list_surveyors_for_codes(work_of(session, supervisor, field.now))
    assert [person.login for person in people] == ["li"]


def test_a_surveyor_of_one_point_belongs_to_the_supervisor_of_its_city(
    field: Field, supervisor: Principal
) -> None:
    employ_person(field.url, "wu", Role.SURVEYOR, f"110000/{field.point.code}")
    assert len(_make(field, supervisor, "wu", "li")) == 2


def test_other_roles_hand_out_no_codes_and_nobody_hands_out_none(
    field: Field, supervisor: Principal
) -> None:
    for role in Role:
        if role in {Role.SUPERVISOR, Role.ADMINISTRATOR}:
            continue
        with pytest.raises(AccessDeniedError):
            _make(field, Principal(supervisor.account_id, "X", role, "110000"), "li")
    with raises_code("sign_in_codes_refused"):
        _make(field, supervisor)
    with raises_code("sign_in_codes_refused"):
        _make(field, supervisor, *(f"s{number}" for number in range(61)))


def test_guessing_locks_the_login_and_a_new_code_opens_it(
    field: Field, supervisor: Principal
) -> None:
    _make(field, supervisor, "li")
    for _ in range(ATTEMPT_POLICIES[AttemptKind.CODE].free_attempts):
        _look_up_code(field, "li")
    with pytest.raises(TooManyAttemptsError):
        _look_up_code(field, "li")
    _make(field, supervisor, "li")
    assert _look_up_code(field, "li").account_id is not None


def test_a_surveyor_who_became_something_else_cannot_use_the_code(
    field: Field, supervisor: Principal
) -> None:
    _make(field, supervisor, "li")
    lookup = _look_up_code(field, "li")
    with session_scope(field.url) as session:
        account = session.exec(select(Account).where(Account.login == "li")).one()
        account.role = Role.SUPERVISOR
    with pytest.raises(SignInRefusedError):
        _enter(field, lookup)
