"""The reviewer's page and the surveyor's side of it, on a small open wave."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from survey.access.principal import OPERATOR, Principal, Role
from survey.access.tokens import digest, new_token
from survey.fieldwork.bulk_store import StoredInterview, write_responses
from survey.fieldwork.lifecycle import move
from survey.settings import PROJECT_ROOT, Settings
from survey.store.engine import read_scope, session_scope
from survey.store.tables import (
    Account,
    LoginSession,
    Mode,
    Response,
    ResponseFlag,
    ResponseRevision,
    ResponseRisk,
    Status,
    now,
)
from survey.ui import session as ui_session
from survey.ui.navigation import BY_KEY, PageKey

Read = Callable[[AppTest], str]


@pytest.fixture
def store_url(sqlite_url: str) -> str:
    """The pages do not know which database it is; one is enough here."""
    return sqlite_url


@pytest.fixture
def visit(
    field: Any,
    tmp_path: Any,
    use_store: Callable[[Settings], None],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., AppTest]:
    use_store(Settings(data_dir=tmp_path, database_url=field.url, demo=False))

    def open_as(page: PageKey, person: Principal, **query: str) -> AppTest:
        secret = new_token(bits=256)
        with session_scope(field.url) as session:
            session.add(
                LoginSession(
                    secret_sha256=digest(secret), account_id=person.account_id,
                    expires_at=now() + timedelta(hours=1),
                )
            )  # fmt: skip
        monkeypatch.setattr(ui_session, "browser_secret", lambda: secret)
        app = AppTest.from_file(str(PROJECT_ROOT / "app.py"), default_timeout=60)
        asked = {"lang": "en", **query}
        for name, value in asked.items():
            app.query_params[name] = value
        app.run()
        app.switch_page(BY_KEY[page].path)
        for name, value in asked.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception
        return app

    return open_as


def _person(field: Any, role: Role, area: str) -> Principal:
    account = Account(login=f"{role}-{area}", name="Sun", role=role, area=area)
    with session_scope(field.url) as session:
        session.add(account)
    return Principal(account.id, account.name, role, area)


@pytest.fixture
def supervisor(field: Any) -> Principal:
    return _person(field, Role.SUPERVISOR, "110000")


def _store(field: Any, *seconds: float, status: Status = Status.SUBMITTED) -> list[UUID]:
    rows = [
        StoredInterview(
            client_uuid=uuid4(), city_code="110000", mode=Mode.ASSISTED, status=status,
            submitted_at=field.now, answers=dict(field.complete, age=36), timings={"quality": 4.5},
            surveyor_id=field.surveyor.account_id, started_at=field.now, duration_seconds=each,
            point_id=field.point.id, language="en",
        )
        for each in seconds
    ]  # fmt: skip
    with session_scope(field.url) as session:
        write_responses(
            session=session, principal=OPERATOR, wave=field.wave, rows=rows, now=field.now
        )
    return [row.id for row in rows]


def _statuses(field: Any) -> list[str]:
    with read_scope(field.url) as session:
        return sorted(session.exec(select(Response.status)))


def test_an_empty_store_says_what_to_do_next(visit: Any, supervisor: Principal, read: Read) -> None:
    assert "Nothing is left in this selection" in read(visit(PageKey.REVIEW, supervisor))


def test_the_riskiest_interview_lies_on_top_with_its_flags_first(
    visit: Any, field: Any, supervisor: Principal, read: Read
) -> None:
    slow, fast = _store(field, 400.0, 65.0)
    with session_scope(field.url) as session:
        session.add(
            ResponseRisk(response_id=slow, score=55, detected_at=field.now, detector_version="1")
        )
        session.add(
            ResponseFlag(
                response_id=slow, kind="straight_lining", strength=0.9, detected_at=field.now,
                detector_version="1", detail={"same": 26, "rated": 27, "score": 8},
            )
        )  # fmt: skip
    app = visit(PageKey.REVIEW, supervisor)
    text = read(app)
    assert "6 min 40 s" in text
    assert "26 of 27 scores are 8." in text
    assert text.index("26 of 27") < text.index('class="hcs-answers"')
    assert "8 / 10" in text
    assert "Not experienced" in text
    assert "4.5" in text
    app.button(key="review-next").click().run()
    assert "1 min 5 s" in read(app)
    assert app.query_params["interview"] == str(fast)
    app.button(key="review-previous").click().run()
    assert "6 min 40 s" in read(app)


def test_approving_goes_on_to_the_next_one(
    visit: Any, field: Any, supervisor: Principal, read: Read
) -> None:
    _store(field, 100.0, 200.0)
    app = visit(PageKey.REVIEW, supervisor)
    app.button(key="review-city_approved").click().run()
    assert _statuses(field) == ["city_approved", "submitted"]
    assert "3 min 20 s" in read(app)
    assert [toast.value for toast in app.toast] == ["Now approved by the city."]
    app.button(key="review-city_approved").click().run()
    assert "Nothing is left in this selection" in read(app)


def test_taking_out_asks_for_a_reason(visit: Any, field: Any, supervisor: Principal) -> None:
    (one,) = _store(field, 100.0)
    app = visit(PageKey.REVIEW, supervisor)
    app.button(key="review-void").click().run()
    assert _statuses(field) == ["submitted"]
    app.text_area(key=f"note/{one}/void").set_value("three in a row")
    app.button(key="review-confirm").click().run()
    with read_scope(field.url) as session:
        response = session.get_one(Response, one)
    assert (response.status, response.reason) == (Status.VOID, "speeder: three in a row")


def test_the_second_reviewer_is_told_and_keeps_the_note(
    visit: Any, field: Any, supervisor: Principal, read: Read
) -> None:
    (one,) = _store(field, 100.0)
    app = visit(PageKey.REVIEW, supervisor)
    app.button(key="review-returned").click().run()
    with session_scope(field.url) as session:
        move(
            session=session, principal=OPERATOR, response_id=one, to=Status.VOID, reason="invented",
            now=field.now, expected_version=1,
        )  # fmt: skip
    app.text_area(key=f"note/{one}/returned").set_value("how old is she?")
    app.button(key="review-confirm").click().run()
    text = read(app)
    assert "Somebody else changed this interview" in text
    assert "Your note was: how old is she?" in text
    assert "The interview did not take place" in text
    assert _statuses(field) == ["void"]


def test_many_at_once_show_first_what_they_change(
    visit: Any, field: Any, supervisor: Principal, read: Read
) -> None:
    _store(field, 100.0, 200.0, 300.0)
    _store(field, 100.0, status=Status.APPROVED)
    app = visit(PageKey.REVIEW, supervisor, status="all")
    app.session_state["review/many"] = True
    app.run()
    text = read(app)
    assert "3 submitted: will be changed" in text
    assert "1 approved: stay as they are" in text
    app.button(key="review-many-confirm").click().run()
    assert _statuses(field) == ["approved", *["city_approved"] * 3]


def test_a_supervisor_of_another_city_sees_nothing(visit: Any, field: Any, read: Read) -> None:
    (one,) = _store(field, 100.0)
    elsewhere = _person(field, Role.SUPERVISOR, "310000")
    app = visit(PageKey.REVIEW, elsewhere, city="110000", interview=str(one))
    assert "not in your area" in app.info[0].value
    assert 'class="hcs-answers"' not in read(app)


def test_a_returned_interview_waits_on_the_surveyors_page_and_is_handed_in_again(
    visit: Any, field: Any, supervisor: Principal, read: Read
) -> None:
    (one,) = _store(field, 100.0)
    with session_scope(field.url) as session:
        move(
            session=session, principal=supervisor, response_id=one, to=Status.RETURNED,
            reason="check_again: how old is she?", now=field.now, expected_version=1,
        )  # fmt: skip
    app = visit(PageKey.TASKS, field.surveyor)
    assert "Sent back to you: 1" in read(app)
    app.session_state[f"returned/{one}"] = True
    app.run()
    assert "Please check with the respondent: how old is she?" in read(app)
    app.multiselect(key=f"correct/{one}").set_value(["birth_year", "complained"]).run()
    app.text_input(key=f"answer/{one}/birth_year").set_value("2020").run()
    app.selectbox(key=f"answer/{one}/complained").set_value("yes").run()
    app.text_area(key=f"note/{one}").set_value("asked again").run()
    app.button(key=f"resubmit-{one}").click().run()
    text = read(app)
    assert "Born: Between 1900 and 2011" in text
    assert "channel: Please answer this question." in text
    assert _statuses(field) == ["returned"]
    app.text_input(key=f"answer/{one}/birth_year").set_value("1980").run()
    app.selectbox(key=f"answer/{one}/channel").set_value("shop").run()
    app.button(key=f"resubmit-{one}").click().run()
    assert _statuses(field) == ["submitted"]
    assert "Sent back to you" not in read(app)
    with read_scope(field.url) as session:
        current = session.exec(select(ResponseRevision).where(ResponseRevision.is_current)).one()
    assert (current.number, current.answers["birth_year"], current.answers["channel"]) == (
        2, 1980, "shop"
    )  # fmt: skip
    app = visit(PageKey.REVIEW, supervisor)
    assert "before the correction: 1990" in read(app)
