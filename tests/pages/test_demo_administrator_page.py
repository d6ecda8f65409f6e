"""The administrator of a demonstration opens every page of the role, and is told what it is."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from survey.access.principal import Principal
from survey.access.roles import NATION, Role
from survey.kit.navigation import PageKey, list_menu
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Account, Status, Wave

REFUSAL = "This is a demonstration: its administrator can look at every page and change nothing."


@pytest.fixture
def store_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def onlooker(field: Any) -> Principal:
    account = Account(
        login="demo-administrator", name="Demo", role=Role.ADMINISTRATOR, area=NATION, is_demo=True
    )
    with session_scope(field.url) as session:
        session.add(account)
    return Principal(account.id, account.name, Role.ADMINISTRATOR, NATION, is_demo=True)


def test_every_page_of_the_role_opens(visit_as: Any, onlooker: Principal) -> None:
    pages = {
        page.key
        for section in list_menu(onlooker)
        for entry in section.entries
        for page in entry.pages
    }
    assert {PageKey.PLAN, PageKey.USERS, PageKey.AUDIT} <= pages
    for page in (PageKey.PLAN, PageKey.USERS, PageKey.AUDIT):
        assert not visit_as(page, onlooker).exception


def test_a_step_of_a_wave_is_refused_with_a_word(
    visit_as: Any, field: Any, onlooker: Principal, read: Callable[[AppTest], str]
) -> None:
    app = visit_as(PageKey.PLAN, onlooker, wave=field.wave.key)
    app.button(key="plan-step-closed").click().run()
    app.button(key="plan-move-closed").click().run()
    assert REFUSAL in read(app)
    with read_scope(field.url) as session:
        assert session.exec(select(Wave.state)).one() == "open"


def test_the_preview_of_a_freeze_changes_nothing_and_is_shown(
    visit_as: Any, onlooker: Principal, collect: Any, read: Callable[[AppTest], str]
) -> None:
    """The freeze itself is refused, as every change is."""
    collect(*[300.0 + number for number in range(30)], status=Status.APPROVED)
    app = visit_as(PageKey.PLAN, onlooker, wave="main-2026", part="freeze")
    app.button(key="plan-preview").click().run()
    if "plan/job" in app.session_state:
        assert app.session_state["plan/job"].job.wait(60)
        app.run()
    assert REFUSAL not in read(app)
    assert list(app.dataframe[0].value["City"]) == ["Beijing"]
    app.button(key="plan-step-provisional").click().run()
    app.button(key="plan-move-provisional").click().run()
    assert REFUSAL in read(app)
