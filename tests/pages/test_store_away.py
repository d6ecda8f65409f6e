"""A database that stops answering between the drawing of a page and a click is said in words."""

from collections.abc import Callable
from typing import Any, Never

import pytest
from sqlalchemy.exc import OperationalError
from streamlit.testing.v1 import AppTest

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import Role
from survey.kit import viewer
from survey.kit.navigation import PageKey
from survey.questionnaire.xlsform.reader import load_bundle
from survey.review.back_check.draws import DrawPlan, create_draw, preview_draw
from survey.settings import PROJECT_ROOT
from survey.store import transactions
from survey.store.engine import session_scope
from survey.store.tables import Status, now
from survey.waves.instruments import save_instrument
from survey.waves.lifecycle import transition
from tests.account_factory import administrator
from tests.work_of import work_of

Read = Callable[[AppTest], str]
Prepare = Callable[[AppTest], AppTest]

NOT_SAVED = "We cannot save anything at the moment."
UNREACHABLE = "The database cannot be reached at the moment"
SECRET = "secret-host refused"


@pytest.fixture
def store_url(sqlite_url: str) -> str:
    """The pages do not know which database it is; one is enough here."""
    return sqlite_url


def _fail(*_: object, **__: object) -> Never:
    raise OperationalError("BEGIN", {}, Exception(SECRET))


def _unchanged(app: AppTest) -> AppTest:
    return app


def _choose_surveyor(app: AppTest) -> AppTest:
    people = app.multiselect(key="sign-in-codes/people/en")
    return people.set_value(["li"]).run()


def _enter_account(app: AppTest) -> AppTest:
    app.text_input(key="users/new/login").set_value("lina")
    return app.text_input(key="users/new/en/name").set_value("Li Na").run()


def _preview_draw(app: AppTest) -> AppTest:
    return app.button(key="draw-show").click().run()


def _open_dialog(app: AppTest) -> AppTest:
    return app.button(key="plan-step-closed").click().run()


CALLBACKS: dict[str, tuple[PageKey, Role, dict[str, str], Prepare, str]] = {
    "new account": (PageKey.USERS, Role.ADMINISTRATOR, {"view": "new"}, _enter_account,
                    "users/create"),
    "account": (PageKey.USERS, Role.ADMINISTRATOR, {"account": "li"}, _unchanged,
                "users/li/active"),
    "setup link": (PageKey.USERS, Role.ADMINISTRATOR, {"account": "li"}, _unchanged,
                   "users/li/link"),
    "sign-in codes": (PageKey.SIGN_IN_CODES, Role.SUPERVISOR, {}, _choose_surveyor,
                      "sign-in-codes/make"),
    "wave": (PageKey.PLAN, Role.ADMINISTRATOR, {"wave": "main-2026"}, _open_dialog,
             "plan-move-closed"),
    "approval": (PageKey.REVIEW, Role.SUPERVISOR, {}, _unchanged, "review-city_approved"),
    "draw": (PageKey.BACK_CHECK, Role.SUPERVISOR, {"view": "draw"}, _preview_draw, "draw-make"),
    "call": (PageKey.BACK_CHECK, Role.SUPERVISOR, {"view": "call"}, _unchanged,
             "call-not_reached"),
}  # fmt: skip
"""Page, role, query, what is entered before, and the key of the button."""


def _draw_for_call(url: str, wave_id: Any) -> None:
    shipped = load_bundle(PROJECT_ROOT / "seed" / "instruments", "back-check").instrument
    plan = DrawPlan(wave_id, "110000", 1.0, 0.0, "1", now())
    with session_scope(url) as session:
        save_instrument(session=session, instrument=shipped)
        seen = preview_draw(work_of(session, OPERATOR), plan=plan)
        create_draw(work_of(session, OPERATOR, now()), seen=seen)


@pytest.fixture
def open_at(field: Any, visit_as: Any, employ: Any, collect: Any) -> Callable[[str], AppTest]:
    """`open_at("wave")`: the page of that callback, ready for the click."""

    def open_page(name: str) -> AppTest:
        page, role, query, prepare, _ = CALLBACKS[name]
        collect(300.0, 310.0, status=Status.SUBMITTED)
        if name == "call":
            _draw_for_call(field.url, field.wave.id)
        person: Principal = (
            administrator(field.url) if role is Role.ADMINISTRATOR else employ(role, "110000")
        )
        return prepare(visit_as(page, person, **query))

    return open_page


def _click(app: AppTest, name: str) -> None:
    """Press the button of a callback; the key of a decision ends with its interview."""
    key = CALLBACKS[name][-1]
    next(button for button in app.button if str(button.key).startswith(key)).click().run()


def _go_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "session_scope", _fail)


@pytest.mark.parametrize("name", CALLBACKS)
def test_a_click_says_that_nothing_was_saved(
    name: str, open_at: Any, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_at(name)
    _go_away(monkeypatch)
    _click(app, name)
    assert not app.exception
    assert NOT_SAVED in read(app)
    assert not app.success
    assert not app.toast
    assert SECRET not in read(app)
    assert NOT_SAVED not in read(app.run())


@pytest.mark.parametrize("name", CALLBACKS)
def test_a_click_fails_in_words_when_nothing_can_be_read_either(
    name: str, open_at: Any, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_at(name)
    _go_away(monkeypatch)
    monkeypatch.setattr(viewer, "authenticate_session", _fail)
    _click(app, name)
    assert not app.exception
    assert UNREACHABLE in read(app)
    assert SECRET not in read(app)


def test_an_unexpected_error_of_a_click_is_said_under_a_number(
    open_at: Any, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_at("approval")

    def fail(*_: object, **__: object) -> Never:
        raise ValueError(SECRET)

    monkeypatch.setattr(transactions, "session_scope", fail)
    _click(app, "approval")
    assert not app.exception
    assert "tell the administrator this number" in read(app)
    assert SECRET not in read(app)


def test_a_correction_that_cannot_be_saved_stays_in_its_fields(
    field: Any,
    collect: Any,
    employ: Any,
    visit_as: Any,
    read: Read,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (response_id,) = collect(100.0)
    with session_scope(field.url) as session:
        transition(
            work_of(session, employ(Role.SUPERVISOR, "110000"), field.now),
            response_id=response_id,
            to=Status.RETURNED,
            reason="check_again: how old is she?",
            expected_version=1,
        )
    app = visit_as(PageKey.TASKS, field.surveyor)
    app.session_state[f"returned/{response_id}"] = True
    app.run()
    app.text_area(key=f"note/{response_id}").set_value("asked again").run()
    _go_away(monkeypatch)
    app.button(key=f"resubmit-{response_id}").click().run()
    assert not app.exception
    assert NOT_SAVED in read(app)
    assert "What you entered is still here." in read(app)
    assert app.text_area(key=f"note/{response_id}").value == "asked again"


def test_a_sheet_of_codes_that_cannot_be_saved_is_not_printed(
    field: Any, visit_as: Any, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = visit_as(PageKey.TASKS, field.surveyor)
    app.session_state["sheets"] = True
    app.run()
    _go_away(monkeypatch)
    app.button(key="sheet/make").click().run()
    assert not app.exception
    assert NOT_SAVED in read(app)
    assert "No sheet was made." in read(app)
    assert "sheet/download" not in {button.key for button in app.button}
