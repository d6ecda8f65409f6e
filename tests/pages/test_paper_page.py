"""The office's page: keying, settling, errors; each role its own views."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import Role
from survey.collection.paper.keying import Keying, set_share
from survey.collection.paper.keying_service import submit_keying
from survey.kit.navigation import PageKey
from survey.store.china_time import china_date
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Assignment, PaperPlan, now
from tests.work_of import work_of

Read = Callable[[AppTest], str]
Key = Callable[..., None]


@pytest.fixture
def store_url(sqlite_url: str) -> str:
    """The page does not know which database it is; one is enough here."""
    return sqlite_url


@pytest.fixture
def key(field: Any) -> Key:
    """`key(person, "7", 1, quality=3)`: what a typist hands in, every sheet drawn."""
    with session_scope(field.url) as session:
        set_share(work_of(session, OPERATOR, now()), wave_key=field.wave.key, share=1)

    def keyed(person: Principal, serial: str, round_: int, **changes: Any) -> None:
        sheet = {
            "wave": field.wave.key, "serial": serial, "round": round_,
            "point_id": field.point.id, "surveyor_id": field.surveyor.account_id,
            "interview_on": china_date(now()),
        }  # fmt: skip
        keying = Keying.model_validate(
            {
                "client_uuid": uuid4(), "sheet": sheet, "answers": {**field.complete, **changes},
                "instrument_sha256": field.instrument.sha256, "seconds": 50,
            }
        )  # fmt: skip
        with session_scope(field.url) as session:
            submit_keying(work_of(session, person, now()), keying)

    return keyed


def _grid(app: AppTest) -> dict[str, Any]:
    (grid,) = [element for element in app.main if "survey_paper" in str(element.proto)]
    data: dict[str, Any] = json.loads(grid.proto.json)
    return data


def test_a_typist_keys_for_the_points_of_the_area(
    visit_as: Any, employ: Any, field: Any, read: Read
) -> None:
    app = visit_as(PageKey.PAPER, employ(Role.TYPIST, "110000"))
    assert len(app.selectbox(key="point/en").options) == 1
    data = _grid(app)
    assert data["batch"]["point_id"] == str(field.point.id)
    assert data["batch"]["surveyor_id"] == str(field.surveyor.account_id)
    assert data["verdict"] == {}
    assert field.instrument.sha256 in data["form_url"]
    assert "No sheet of a colleague waits for you." in read(app)


def test_a_link_to_another_point_opens_that_point_or_none(
    visit_as: Any, employ: Any, field: Any, read: Read
) -> None:
    typist = employ(Role.TYPIST, "110000")
    elsewhere = f"{field.wave.key}/{field.foreign_point.code}"
    app = visit_as(PageKey.PAPER, typist, point=elsewhere)
    assert "The place of this link is not among those that you key for" in read(app)
    assert not [element for element in app.main if "survey_paper" in str(element.proto)]
    own = f"{field.wave.key}/{field.point.code}"
    app.selectbox(key="point/en").select(own).run()
    assert _grid(app)["batch"]["point_id"] == str(field.point.id)
    assert app.query_params["point"] in (own, [own])


def test_a_link_to_another_surveyor_opens_that_surveyor_or_none(
    visit_as: Any, employ: Any, field: Any, read: Read
) -> None:
    typist = employ(Role.TYPIST, "CN")
    own, foreign = (f"{field.wave.key}/{each.code}" for each in (field.point, field.foreign_point))
    link = {"point": own, "surveyor": str(field.colleague.account_id)}
    app = visit_as(PageKey.PAPER, typist, **link)
    assert "What this link leads to is not in your list" in read(app)
    assert not [element for element in app.main if "survey_paper" in str(element.proto)]
    app.selectbox(key="surveyor/en").select(str(field.surveyor.account_id)).run()
    assert _grid(app)["batch"]["surveyor_id"] == str(field.surveyor.account_id)
    app.selectbox(key="point/en").select(foreign).run()
    batch = _grid(app)["batch"]
    assert batch["surveyor_id"] == str(field.colleague.account_id)
    assert batch["point_id"] == str(field.foreign_point.id)


def test_without_a_point_the_page_says_what_to_do(
    visit_as: Any, employ: Any, field: Any, read: Read
) -> None:
    with session_scope(field.url) as session:
        for assignment in session.exec(select(Assignment)):
            session.delete(assignment)
    app = visit_as(PageKey.PAPER, employ(Role.TYPIST, "110000"))
    assert "There is nothing to key at the moment" in read(app)


def test_sheets_of_a_colleague_wait_without_their_answers(
    visit_as: Any, employ: Any, field: Any, read: Read, key: Key
) -> None:
    key(employ(Role.TYPIST, "CN"), "7007", 1, comment="secret words")
    app = visit_as(PageKey.PAPER, employ(Role.TYPIST, "110000"))
    assert "7007" in read(app)
    assert "secret words" not in read(app) + json.dumps(_grid(app))


def test_a_third_person_sees_both_sides_and_the_typists_do_not(
    visit_as: Any, employ: Any, field: Any, read: Read, key: Key
) -> None:
    first, second = employ(Role.TYPIST, "CN"), employ(Role.TYPIST, "110000")
    key(first, "8", 1, quality=3)
    key(second, "8", 2, gender="male")
    app = visit_as(PageKey.PAPER, employ(Role.SUPERVISOR, "110000"), view="verdict")
    verdict = _grid(app)["verdict"]
    assert verdict["sides"] == {"quality": [3, 8], "gender": ["female", "male"]}
    assert "quality" not in verdict["agreed"]
    assert verdict["agreed"]["service"] == "na"
    for typist in (first, second):
        app = visit_as(PageKey.PAPER, typist, view="verdict")
        assert "Nothing waits for your verdict" in read(app)


def test_supervisors_see_errors_with_intervals_and_no_share_to_change(
    visit_as: Any, employ: Any, field: Any, read: Read, key: Key
) -> None:
    boss = employ(Role.SUPERVISOR, "110000")
    key(employ(Role.TYPIST, "CN"), "8", 1, quality=3)
    key(employ(Role.TYPIST, "110000"), "8", 2)
    key(boss, "8", 3)
    key(employ(Role.TYPIST, "11"), "9", 1)
    app = visit_as(PageKey.PAPER, boss, view="typists")
    assert "100%\u00a0of the sheets" in read(app)
    cells = '<td data-label="Errors">{}</td><td data-label="Errors in 100 fields">{}</td>'
    assert cells.format(1, "8.3 (1.5 to 35.4)") in read(app)
    assert cells.format(0, "0.0 (0.0 to 24.2)") in read(app)
    assert not app.number_input
    (waiting,) = app.info
    assert "1 sheets wait to be keyed again, 0 for a verdict" in waiting.value


def test_an_administrator_changes_the_share(visit_as: Any, employ: Any, field: Any) -> None:
    app = visit_as(PageKey.PAPER, employ(Role.ADMINISTRATOR, "CN"), view="typists")
    app.number_input(key=f"paper-share/{field.wave.key}").set_value(25.0)
    (button,) = [widget for widget in app.button if widget.label == "Change the share"]
    button.click().run()
    assert not app.exception
    with read_scope(field.url) as session:
        assert session.exec(select(PaperPlan.share)).one() == 0.25


def test_views_of_others_are_not_offered(visit_as: Any, employ: Any, field: Any) -> None:
    app = visit_as(PageKey.PAPER, employ(Role.TYPIST, "110000"), view="typists")
    offered = [group.options for group in app.get("button_group")]
    assert ["Key sheets", "Settle differences"] in offered
    _grid(app)
