"""The administrator's page: filters, a new account with its link, changes, and help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlmodel import select

from survey.access.api_keys import find_key_holder
from survey.access.principal import Principal
from survey.access.roles import Role
from survey.kit.navigation import PageKey
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Account, AuditEntry, Credential, KeyScope, SetupLink, now
from tests.account_factory import administrator, employ_person

if TYPE_CHECKING:
    from tests.conftest import Field


@pytest.fixture
def store_url(sqlite_url: str) -> str:
    """What the services do is tested on both databases."""
    return sqlite_url


@pytest.fixture
def root(field: Field) -> Principal:
    return administrator(field.url)


def _account(field: Field, login: str) -> Account:
    with read_scope(field.url) as session:
        return session.exec(select(Account).where(Account.login == login)).one()


def find_place(app: Any, key: str) -> int:
    """Return the place of a field or button among the parts of the page."""
    return next(
        place for place, part in app.main.children.items() if getattr(part, "key", None) == key
    )


def test_a_new_account_gets_a_link_that_is_shown_once(
    field: Field, root: Principal, visit_as: Any, read: Any
) -> None:
    app = visit_as(PageKey.USERS, root, view="new")
    assert app.button(key="users/create").disabled
    app.text_input(key="users/new/login").set_value("lina")
    app.text_input(key="users/new/en/name").set_value("Li Na")
    app.selectbox(key="users/new/en/role").set_value(Role.CITY_OFFICIAL).run()
    app.selectbox(key="users/new/en/city").set_value("110000").run()
    app.button(key="users/create").click().run()
    assert "The account lina is created." in [message.value for message in app.success]
    assert "Setup link for Li Na" in read(app)
    assert "/auth/setup/" in app.code[0].value
    place = find_place(app, "users/new/login")
    account = _account(field, "lina")
    assert (account.role, account.area, account.ends_at) == ("city_official", "110000", None)
    app.run()
    assert not app.code
    assert app.text_input(key="users/new/login").value == ""
    assert find_place(app, "users/new/login") == place, "the browser builds what moves up anew"


def test_a_login_that_is_taken_changes_nothing(
    field: Field, root: Principal, visit_as: Any, read: Any
) -> None:
    app = visit_as(PageKey.USERS, root, view="new")
    app.text_input(key="users/new/login").set_value("root")
    app.text_input(key="users/new/en/name").set_value("Li Na").run()
    app.selectbox(key="users/new/en/city").set_value("110000").run()
    app.button(key="users/create").click().run()
    assert "This login is taken." in read(app)
    assert "Nothing was changed." in read(app)
    assert app.text_input(key="users/new/en/name").value == "Li Na"


def test_the_area_follows_the_role(field: Field, root: Principal, visit_as: Any) -> None:
    app = visit_as(PageKey.USERS, root, view="new")
    keys = lambda: {box.key for box in app.selectbox}  # noqa: E731
    app.selectbox(key="users/new/en/role").set_value(Role.ADMINISTRATOR).run()
    assert not {"users/new/en/city", "users/new/en/province"} & keys()
    app.selectbox(key="users/new/en/role").set_value(Role.PROVINCE_OFFICIAL).run()
    assert "users/new/en/province" in keys()


def test_an_account_is_changed_and_the_change_is_audited(
    field: Field, root: Principal, visit_as: Any
) -> None:
    employ_person(field.url, "lina")
    app = visit_as(PageKey.USERS, root, account="lina")
    save = app.button(key="users/lina/save")
    assert save.disabled
    app.selectbox(key="users/lina/en/city").set_value("310000").run()
    app.button(key="users/lina/save").click().run()
    assert _account(field, "lina").area == "310000"
    with read_scope(field.url) as session:
        query = select(AuditEntry).where(AuditEntry.action == "account.changed")
        entry = session.exec(query).one()
    assert entry.actor_id == root.account_id
    assert entry.detail == {"from": {"area": "110000"}, "to": {"area": "310000"}}


def test_help_closing_and_opening(field: Field, root: Principal, visit_as: Any) -> None:
    person = employ_person(field.url, "lina", factor=field.now)
    app = visit_as(PageKey.USERS, root, account="lina", state="all")
    app.button(key="users/lina/factor").click().run()
    app.button(key="users/lina/link").click().run()
    assert "/auth/setup/" in app.code[0].value
    with read_scope(field.url) as session:
        assert session.get_one(Credential, person.account_id).totp_since is None
        assert len(session.exec(select(SetupLink)).all()) == 1
    app.button(key="users/lina/active").click().run()
    assert not _account(field, "lina").active
    assert app.button(key="users/lina/link").disabled
    app.button(key="users/lina/active").click().run()
    assert _account(field, "lina").active


def test_on_the_own_account_nothing_dangerous_is_offered(
    field: Field, root: Principal, visit_as: Any
) -> None:
    app = visit_as(PageKey.USERS, root, account="root")
    keys = {button.key for button in app.button}
    assert "users/root/sessions" in keys
    assert not {"users/root/factor", "users/root/active"} & keys


def test_filters_are_in_the_address_and_an_unknown_person_shows_nobody(
    field: Field, root: Principal, visit_as: Any, read: Any
) -> None:
    employ_person(field.url, "gone", active=False)
    app = visit_as(PageKey.USERS, root, state="closed", account="' OR 1=1")
    assert "Accounts: 1" in read(app)
    assert not [button for button in app.button if "/save" in (button.key or "")]
    app = visit_as(PageKey.USERS, root, role="typist")
    assert "Nobody fits these filters" in read(app)


def test_a_session_that_ended_while_the_page_was_open_changes_nothing(
    field: Field, root: Principal, visit_as: Any, read: Any
) -> None:
    administrator(field.url, "second")
    employ_person(field.url, "lina")
    app = visit_as(PageKey.USERS, root, account="lina")
    with session_scope(field.url) as session:
        session.get_one(Account, root.account_id).active = False
    app.button(key="users/lina/active").click().run()
    assert _account(field, "lina").active
    assert "Please sign in first" in read(app)


def test_a_supervisor_makes_codes_for_the_own_surveyors_only(
    field: Field, employ: Any, visit_as: Any, read: Any, fetch: Any
) -> None:
    sun = employ(Role.SUPERVISOR, "110000")
    app = visit_as(PageKey.SIGN_IN_CODES, sun)
    people = app.multiselect(key="sign-in-codes/people/en")
    assert [label.rpartition(" ")[2] for label in people.options] == ["li"]
    assert app.button(key="sign-in-codes/make").disabled
    people.set_value(["li"]).run()
    app.button(key="sign-in-codes/make").click().run()
    assert fetch(app, "sign-in-codes/download").startswith(b"%PDF")
    assert "delete the file" in read(app)


def test_a_supervisor_without_surveyors_is_told_who_makes_accounts(
    field: Field, employ: Any, visit_as: Any, read: Any
) -> None:
    app = visit_as(PageKey.SIGN_IN_CODES, employ(Role.SUPERVISOR, "420500"))
    assert "There are no surveyors in your area" in read(app)


def test_a_key_for_a_program_is_shown_once_and_withdrawn(
    field: Field, root: Principal, visit_as: Any, read: Any
) -> None:
    with session_scope(field.url) as session:
        session.add(Account(login="office", name="O", role=Role.NATIONAL_OFFICIAL, area="CN"))
    app = visit_as(PageKey.USERS, root, view="keys")
    assert "There is no key yet" in read(app)
    app.text_input(key="users/keys/login").set_value("office")
    app.text_input(key="users/keys/name").set_value("complaint system")
    app.radio(key="users/keys/scope").set_value(KeyScope.DELIVERIES).run()
    app.button(key="users/keys/create").click().run()
    assert "Key for: complaint system" in read(app)
    key, place = app.code[0].value, find_place(app, "users/keys/login")
    app.run()
    assert not app.code
    assert find_place(app, "users/keys/login") == place
    assert "Deliver outside data" in read(app)
    with read_scope(field.url) as session:
        holder = find_key_holder(session=session, key=key, scope=KeyScope.DELIVERIES, now=now())
        assert holder is not None
        assert holder.principal.name == "O"
    app.button(key="users/keys/withdraw").click().run()
    with read_scope(field.url) as session:
        assert (
            find_key_holder(session=session, key=key, scope=KeyScope.DELIVERIES, now=now()) is None
        )
    assert "withdrawn" in read(app)


def test_a_key_is_not_made_for_an_account_without_the_right(
    field: Field, root: Principal, visit_as: Any, read: Any
) -> None:
    app = visit_as(PageKey.USERS, root, view="keys")
    app.text_input(key="users/keys/login").set_value("root")
    app.text_input(key="users/keys/name").set_value("x").run()
    app.button(key="users/keys/create").click().run()
    assert "Please say in a few words what the key is for." in read(app)
    assert not app.code
