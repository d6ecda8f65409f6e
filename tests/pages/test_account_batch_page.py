"""Many accounts at once: what is pasted is checked first, and the sheet of links is given once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlmodel import col, select

from survey.access.principal import Principal
from survey.frame.workbook_io import WorkbookSheet, write_workbook
from survey.kit.navigation import PageKey
from survey.store.engine import read_scope
from survey.store.tables import Account, SetupLink
from survey.waves.planning.point_staff import account_template
from tests.account_factory import administrator, employ_person

if TYPE_CHECKING:
    from tests.conftest import Field

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TEXT = "users/batch/text"


@pytest.fixture
def store_url(sqlite_url: str) -> str:
    """What the services do is tested on both databases."""
    return sqlite_url


@pytest.fixture
def root(field: Field) -> Principal:
    return administrator(field.url)


def _logins(field: Field) -> set[str]:
    with read_scope(field.url) as session:
        return set(session.exec(select(Account.login)))


def _buttons(app: Any) -> set[str]:
    return {button.key for button in app.button if button.key}


def test_a_pasted_list_is_checked_row_by_row_before_anything_is_stored(
    field: Field, root: Principal, visit_as: Any, read: Any
) -> None:
    app = visit_as(PageKey.USERS, root, view="batch")
    app.text_area(key=TEXT).set_value("Li\tlina\tsurveyor\tBeijing\nSun\tsun\tking\tBeijing").run()
    (faults,) = app.table
    assert faults.value.iloc[0].tolist()[1:4] == ["2", "Role", "king"]
    assert "users/batch/create" not in _buttons(app)
    assert not {"lina", "sun"} & _logins(field)


def test_good_rows_become_accounts_and_a_sheet_that_is_given_once(
    field: Field, root: Principal, visit_as: Any, read: Any, fetch: Any
) -> None:
    employ_person(field.url, "here")
    app = visit_as(PageKey.USERS, root, view="batch")
    app.text_area(key=TEXT).set_value(
        "Li\tlina\tsurveyor\tBeijing\nSun\tsun\tsupervisor\tBeijing\nWu\there\tsurveyor\tBeijing"
    ).run()
    assert "1 logins exist already and are skipped" in read(app)
    app.button(key="users/batch/create").click().run()
    assert "2 accounts are created." in [message.value for message in app.success]
    assert {"lina", "sun"} <= _logins(field)
    assert app.text_area(key=TEXT).value == ""
    app.run()
    assert fetch(app, "users/links/download").startswith(b"%PDF")
    app.run()
    assert "users/links/download" not in _buttons(app)


def test_a_login_that_came_in_meanwhile_leaves_nobody(
    field: Field, root: Principal, visit_as: Any, read: Any
) -> None:
    app = visit_as(PageKey.USERS, root, view="batch")
    app.text_area(key=TEXT).set_value("Li\tlina\tsurveyor\tBeijing\nSun\tsun\tsurveyor\tBeijing")
    app.run()
    employ_person(field.url, "sun")
    app.button(key="users/batch/create").click().run()
    assert "sun: This login is taken." in read(app)
    assert "lina" not in _logins(field)


def test_a_workbook_is_read_like_a_pasted_list(
    field: Field, root: Principal, visit_as: Any
) -> None:
    rows = [["Li", "lina", "surveyor", "Beijing", None, None]]
    content = write_workbook([WorkbookSheet("accounts", account_template().columns, rows)], "zh")
    app = visit_as(PageKey.USERS, root, view="batch", list="workbook")
    app.file_uploader[0].set_value([("people.xlsx", content, XLSX)])
    app.run()
    app.button(key="users/batch/create").click().run()
    assert "lina" in _logins(field)


def test_links_are_renewed_for_one_or_for_all_who_wait(
    field: Field, root: Principal, visit_as: Any, read: Any, fetch: Any
) -> None:
    app = visit_as(PageKey.USERS, root, view="links")
    for login in ("lina", "sun"):
        employ_person(field.url, login, password=False)
    app.run()
    assert app.button(key="users/links/chosen").disabled
    app.multiselect(key="users/links/people/en").set_value(["lina"]).run()
    app.button(key="users/links/chosen").click().run()
    assert fetch(app, "users/links/download").startswith(b"%PDF")
    app.button(key="users/links/all").click().run()
    with read_scope(field.url) as session:
        links = session.exec(select(SetupLink)).all()
        waiting = session.exec(select(Account).where(col(Account.login).in_(["lina", "sun"]))).all()
    assert {person.id for person in waiting} <= {link.account_id for link in links}
    assert len(links) == len({link.account_id for link in links})
