"""One-time codes of surveyors: made by their supervisor, good once, for one person, for a day."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from people import employ_person
from sqlmodel import select

from survey.access.passwords import matches
from survey.access.principal import AccessDenied, Principal, Role
from survey.access.sessions import Limits, principal_for
from survey.access.sign_in_codes import (
    CodesRefused,
    colleagues,
    draw_codes,
    enter_with_code,
    hand_out,
    knock_with_code,
    typed_code,
)
from survey.access.signing_in import Knock, SignInRefused
from survey.access.tries import ALLOWANCES, Kind, TooManyTries
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Account, SignInCode

if TYPE_CHECKING:
    from conftest import Field

LIMITS = Limits(timedelta(hours=12), timedelta(minutes=30))


@pytest.fixture
def supervisor(field: Field) -> Principal:
    return employ_person(field.url, "sun", Role.SUPERVISOR, "110000")


def _make(field: Field, by: Principal, *logins: str, days: int = 1) -> list[str]:
    with session_scope(field.url) as session:
        sheet = hand_out(
            session=session, principal=by, logins=logins, drawn=draw_codes(len(set(logins))),
            days=days, now=field.now,
        )  # fmt: skip
    return [person.code for person in sheet.people]


def _knock(field: Field, login: str, later: timedelta = timedelta(0)) -> Knock:
    with session_scope(field.url) as session:
        return knock_with_code(
            session=session, login=login, address="203.0.113.7", now=field.now + later
        )


def _enter(field: Field, knocked: Knock) -> str:
    with session_scope(field.url) as session:
        return enter_with_code(
            session=session, knocked=knocked, address="203.0.113.7", limits=LIMITS, now=field.now
        )


def test_a_code_signs_its_surveyor_in_once(field: Field, supervisor: Principal) -> None:
    (code,) = _make(field, supervisor, "li")
    assert len(typed_code(code)) == 8
    knocked = _knock(field, " LI ")
    assert matches(knocked.password_hash, typed_code(f" {code.lower()} "))
    secret = _enter(field, knocked)
    with read_scope(field.url) as session:
        assert principal_for(session=session, secret=secret, now=field.now) == field.surveyor
    with pytest.raises(SignInRefused):
        _enter(field, knocked)
    assert _knock(field, "li") == Knock(None, None)


def test_a_code_ends_with_the_day_in_china(field: Field, supervisor: Principal) -> None:
    _make(field, supervisor, "li")
    # It is 11:00 in China.
    assert _knock(field, "li", timedelta(hours=12, minutes=59)).account_id is not None
    assert _knock(field, "li", timedelta(hours=13)).account_id is None
    _make(field, supervisor, "li", days=2)
    assert _knock(field, "li", timedelta(hours=36)).account_id is not None


def test_a_new_code_replaces_the_one_before(field: Field, supervisor: Principal) -> None:
    (old,) = _make(field, supervisor, "li")
    knocked = _knock(field, "li")
    (new,) = _make(field, supervisor, "li")
    with pytest.raises(SignInRefused):
        _enter(field, knocked)
    again = _knock(field, "li")
    assert not matches(again.password_hash, typed_code(old))
    assert matches(again.password_hash, typed_code(new))


def test_the_store_keeps_no_code(field: Field, supervisor: Principal) -> None:
    (code,) = _make(field, supervisor, "li")
    with read_scope(field.url) as session:
        kept = str(session.exec(select(SignInCode)).one().model_dump())
    assert typed_code(code) not in kept
    assert "argon2id" in kept


def test_only_living_surveyors_of_the_own_area_get_codes(
    field: Field, supervisor: Principal
) -> None:
    employ_person(field.url, "closed", Role.SURVEYOR, active=False)
    employ_person(field.url, "demo", Role.SURVEYOR, is_demo=True)
    for login in ("zhao", "sun", "nobody", "closed", "demo"):
        with pytest.raises(AccessDenied):
            _make(field, supervisor, "li", login)
    with read_scope(field.url) as session:
        assert session.exec(select(SignInCode)).all() == []
        people = colleagues(session=session, principal=supervisor, now=field.now)
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
        with pytest.raises(AccessDenied):
            _make(field, Principal(supervisor.account_id, "X", role, "110000"), "li")
    with pytest.raises(CodesRefused):
        _make(field, supervisor)
    with pytest.raises(CodesRefused):
        _make(field, supervisor, *(f"s{number}" for number in range(61)))


def test_guessing_locks_the_login_and_a_new_code_opens_it(
    field: Field, supervisor: Principal
) -> None:
    _make(field, supervisor, "li")
    for _ in range(ALLOWANCES[Kind.CODE].free):
        _knock(field, "li")
    with pytest.raises(TooManyTries):
        _knock(field, "li")
    _make(field, supervisor, "li")
    assert _knock(field, "li").account_id is not None


def test_a_surveyor_who_became_something_else_cannot_use_the_code(
    field: Field, supervisor: Principal
) -> None:
    _make(field, supervisor, "li")
    knocked = _knock(field, "li")
    with session_scope(field.url) as session:
        account = session.exec(select(Account).where(Account.login == "li")).one()
        account.role = Role.SUPERVISOR
    with pytest.raises(SignInRefused):
        _enter(field, knocked)
