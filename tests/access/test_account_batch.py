"""Accounts in bulk: all or none, who may, links that replace each other, one entry for each."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlmodel import select

from survey.access.account_list import (
    NewAccount,
    create_accounts,
    issue_setup_links,
    list_pending_accounts,
)
from survey.access.accounts import AccountData, InvalidAccountError
from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import NATION, Role
from survey.access.secret_hashes import LINK_LIFETIME, LinkNotFoundError, get_account_of_link
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Account, AuditEntry
from tests.account_factory import administrator, employ_person
from tests.work_of import work_of

if TYPE_CHECKING:
    from tests.conftest import Field


def _people(count: int) -> list[NewAccount]:
    return [
        NewAccount(f"s{number:03d}", AccountData(f"Li {number}", Role.SURVEYOR, "110000"))
        for number in range(count)
    ]


def _create(field: Field, by: Principal, people: list[NewAccount]) -> list[str]:
    with session_scope(field.url) as session:
        sheet = create_accounts(work_of(session, by, field.now), accounts=people)
    assert sheet.expires_at == field.now + LINK_LIFETIME
    return [person.secret for person in sheet.people]


def _logins(field: Field) -> set[str]:
    with read_scope(field.url) as session:
        return set(session.exec(select(Account.login)))


def test_every_person_gets_an_account_a_link_and_two_entries(field: Field) -> None:
    root = administrator(field.url)
    tokens = _create(field, root, _people(3))
    for number, token in enumerate(tokens):
        with session_scope(field.url) as session:
            account = get_account_of_link(session=session, token=token, now=field.now)
            assert account.login == f"s{number:03d}"
    with read_scope(field.url) as session:
        entries = session.exec(select(AuditEntry).where(AuditEntry.actor_id == root.account_id))
        trail = list(entries)
    assert sorted(entry.action for entry in trail) == (
        ["account.created"] * 3 + ["account.link_made"] * 3
    )
    kept = " ".join(str(entry.model_dump()) for entry in trail)
    assert not any(token in kept for token in tokens)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (NewAccount("s000", AccountData("Li", Role.SURVEYOR, "110000")), "taken"),
        (NewAccount("x y", AccountData("Li", Role.SURVEYOR, "110000")), "login"),
        (NewAccount("lina", AccountData("Li", Role.SURVEYOR, "999999")), "area"),
        (NewAccount("boss", AccountData("Li", Role.ADMINISTRATOR, NATION)), "alone"),
    ],
)
def test_one_that_is_not_possible_leaves_none(field: Field, wrong: NewAccount, reason: str) -> None:
    before = _logins(field)
    with pytest.raises(InvalidAccountError, match=reason) as error:
        _create(field, OPERATOR, [*_people(2), wrong])
    assert str(error.value).startswith(wrong.login)
    assert _logins(field) == before


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_nobody_but_an_administrator_of_the_nation(field: Field, role: Role) -> None:
    others = [Principal(field.surveyor.account_id, "Sun", role, NATION)]
    others.append(Principal(field.surveyor.account_id, "Sun", Role.ADMINISTRATOR, "110000"))
    for person in others:
        with pytest.raises(AccessDeniedError):
            _create(field, person, _people(1))
        with read_scope(field.url) as session, pytest.raises(AccessDeniedError):
            list_pending_accounts(work_of(session, person, field.now))
    assert "s000" not in _logins(field)


def test_none_and_too_many_are_refused(field: Field) -> None:
    for count in (0, 1_001):
        with pytest.raises(InvalidAccountError, match="one to 1000"):
            _create(field, OPERATOR, _people(count))


def test_a_new_link_replaces_the_one_before(field: Field) -> None:
    first, _ = _create(field, OPERATOR, _people(2))
    with session_scope(field.url) as session:
        sheet = issue_setup_links(work_of(session, OPERATOR, field.now), logins=["s000", "s000"])
    (renewed,) = sheet.people
    with session_scope(field.url) as session:
        found = get_account_of_link(session=session, token=renewed.secret, now=field.now)
        assert found.login == "s000"
        with pytest.raises(LinkNotFoundError):
            get_account_of_link(session=session, token=first, now=field.now)


def test_who_has_a_password_or_is_closed_waits_for_no_link(field: Field) -> None:
    _create(field, OPERATOR, _people(1))
    employ_person(field.url, "done")
    employ_person(field.url, "closed", password=False, active=False)
    later = field.now + LINK_LIFETIME + timedelta(seconds=1)
    for moment, good_until in ((field.now, field.now + LINK_LIFETIME), (later, None)):
        with read_scope(field.url) as session:
            waiting = {
                person.login: person.link_expires_at
                for person in list_pending_accounts(work_of(session, OPERATOR, moment))
            }
        assert waiting["s000"] == good_until
        assert not {"done", "closed"} & waiting.keys()
    for login in ("done", "closed", "nobody"):
        with session_scope(field.url) as session, pytest.raises(InvalidAccountError, match=login):
            issue_setup_links(work_of(session, OPERATOR, field.now), logins=["s000", login])
