"""A decision falls on the interview that is shown, whatever happened since it was drawn."""

from typing import Any

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from survey.access.principal import Principal
from survey.access.roles import Role
from survey.kit.navigation import PageKey
from survey.store.engine import read_scope
from survey.store.tables import Response, Status


@pytest.fixture
def store_url(sqlite_url: str) -> str:
    """The pages do not know which database it is; one is enough here."""
    return sqlite_url


@pytest.fixture
def supervisor(employ: Any) -> Principal:
    return employ(Role.SUPERVISOR, "110000")


def _press(app: AppTest, name: str) -> None:
    (button,) = [each for each in app.button if str(each.key).startswith(f"review-{name}-")]
    button.click().run()


def _shown(app: AppTest) -> set[str]:
    """Ids of the interviews that buttons on the screen decide on."""
    steps = tuple(f"review-{name}-" for name in (*Status, "confirm"))
    keys = [str(button.key) for button in app.button]
    return {key.split("-", 2)[2] for key in keys if key.startswith(steps)}


def _states(field: Any) -> dict[str, Status]:
    with read_scope(field.url) as session:
        rows = session.exec(select(Response.id, Response.status)).all()
    return {str(response_id): status for response_id, status in rows}


def test_of_two_supervisors_at_one_interview_the_slower_changes_nothing_else(
    visit_as: Any, field: Any, collect: Any, supervisor: Principal, employ: Any
) -> None:
    first, second, third = map(str, collect(100.0, 200.0, 300.0))
    slow, quick = (
        visit_as(PageKey.REVIEW, person, interview=first)
        for person in (supervisor, employ(Role.SUPERVISOR, "CN"))
    )
    _press(slow, "void")
    _press(quick, "city_approved")
    _press(quick, "city_approved")
    _press(slow, "confirm")
    assert _states(field) == {
        first: Status.CITY_APPROVED, second: Status.CITY_APPROVED, third: Status.SUBMITTED,
    }  # fmt: skip
    assert _shown(slow) == set()


def test_a_reason_asked_for_one_interview_is_not_given_for_the_next(
    visit_as: Any, field: Any, collect: Any, supervisor: Principal
) -> None:
    first, second = map(str, collect(100.0, 200.0))
    app = visit_as(PageKey.REVIEW, supervisor, interview=first)
    _press(app, "void")
    app.button(key="review-next").click().run()
    assert _shown(app) == {second}
    assert not [each for each in app.button if str(each.key).startswith("review-confirm-")]
    app.button(key="review-previous").click().run()
    assert not [each for each in app.button if str(each.key).startswith("review-confirm-")]
    _press(app, "void")
    _press(app, "confirm")
    assert _states(field) == {first: Status.VOID, second: Status.SUBMITTED}


@pytest.mark.parametrize(
    ("name", "value", "is_left"), [("city", "310000", True), ("flag", "any", True),
                                   ("surveyor", "all", False)]
)  # fmt: skip
def test_no_filter_leaves_an_interview_on_the_screen_that_it_leaves_out(
    visit_as: Any, collect: Any, employ: Any, name: str, value: str, is_left: bool
) -> None:
    (here,), (there,) = collect(100.0), collect(100.0, city="310000")
    person = employ(Role.SUPERVISOR, "CN")
    app = visit_as(PageKey.REVIEW, person, interview=str(here), city="110000")
    assert _shown(app) == {str(here)}
    app.selectbox(key=f"{name}/en").set_value(value).run()
    expected = {str(there)} if name == "city" else set() if is_left else {str(here)}
    assert _shown(app) == expected


def test_undo_takes_back_what_it_names_and_not_what_is_shown_meanwhile(
    visit_as: Any, field: Any, collect: Any, supervisor: Principal
) -> None:
    first, second, third = map(str, collect(100.0, 200.0, 300.0))
    app = visit_as(PageKey.REVIEW, supervisor, interview=first)
    _press(app, "city_approved")
    assert _shown(app) == {second}
    app.button(key="review-next").click().run()
    assert _shown(app) == {third}
    app.button(key="review-undo").click().run()
    assert set(_states(field).values()) == {Status.SUBMITTED}


def test_the_second_approval_opens_on_the_first_while_nothing_waits_for_it(
    visit_as: Any, field: Any, collect: Any, employ: Any
) -> None:
    (waiting,) = map(str, collect(100.0))
    admin = employ(Role.ADMINISTRATOR, "CN")
    app = visit_as(PageKey.REVIEW, admin)
    assert _shown(app) == {waiting}
    (approved,) = map(str, collect(200.0, status=Status.CITY_APPROVED))
    assert _shown(visit_as(PageKey.REVIEW, admin)) == {approved}
    assert _states(field)[waiting] is Status.SUBMITTED
