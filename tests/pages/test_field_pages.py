"""The surveyor's pages: points, one-time links, the own count, the assisted interview."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from survey.access.principal import Principal
from survey.access.secret_hashes import digest, new_token
from survey.collection.invitations import open_invitation, record_other_device
from survey.collection.submission import submit
from survey.collection.submission_envelope import Submission
from survey.kit import viewer as ui_session
from survey.kit.navigation import PageKey
from survey.settings import Settings
from survey.store.engine import session_scope
from survey.store.tables import Assignment, Invitation, LoginSession, QuotaCell, now
from tests.pages.conftest import enter_page

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
    """Open a page as one of the field's surveyors."""
    use_store(Settings(data_dir=tmp_path, database_url=field.url, demo=False))

    def open_as(page: PageKey, person: Principal, **query: str) -> AppTest:
        secret = new_token(bits=256)
        with session_scope(field.url) as session:
            session.add(
                LoginSession(
                    secret_sha256=digest(secret),
                    account_id=person.account_id,
                    expires_at=now() + timedelta(hours=1),
                )
            )
        monkeypatch.setattr(ui_session, "session_cookie", lambda: secret)
        app = enter_page(page, lang="en", **query)
        assert not app.exception
        return app

    return open_as


def test_a_surveyor_sees_the_own_points_only(visit: Any, field: Any) -> None:
    app = visit(PageKey.TASKS, field.surveyor)
    options = app.selectbox(key="point/en").options
    assert len(options) == 1
    assert "110000-u-01" in options[0]


@pytest.mark.parametrize("page", [PageKey.TASKS, PageKey.INTERVIEW])
def test_a_link_to_another_place_opens_no_place(
    page: PageKey, visit: Any, field: Any, read: Read
) -> None:
    own = visit(page, field.surveyor)
    assert "not among your tasks" not in read(own)
    app = visit(page, field.surveyor, point="main-2024/elsewhere")
    assert "not among your tasks" in read(app)
    assert not app.selectbox


def test_a_person_without_points_is_told_what_to_do(visit: Any, field: Any, read: Read) -> None:
    with session_scope(field.url) as session:
        for assignment in session.exec(select(Assignment)):
            session.delete(assignment)
    app = visit(PageKey.TASKS, field.surveyor)
    assert "Nothing is assigned to you at the moment" in read(app)
    assert "ask your supervisor" in read(app)


def test_a_code_waits_and_the_next_one_comes_when_it_was_opened(
    visit: Any, field: Any, read: Read
) -> None:
    app = visit(PageKey.TASKS, field.surveyor)
    assert "data:image/png;base64," in read(app)
    token = _token(app)
    app.run()
    assert _token(app) == token
    with session_scope(field.url) as session:
        open_invitation(session=session, token=token, proof="phone", now=now())
    app.run()
    following = _token(app)
    assert following != token
    assert "being answered" in read(app.run())
    _answer(field, token)
    app.run()
    assert _token(app) == following
    assert "Answered. Thank you!" in read(app)
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics == {"Today": "1", "At this point": "1", "This point, everybody": "1 / 20"}


def _token(app: AppTest) -> str:
    match = re.search(r"/q/(\S+)", app.code[0].value)
    assert match is not None
    return match[1]


def test_the_surveyor_sees_that_another_device_was_refused(
    visit: Any, field: Any, read: Read
) -> None:
    app = visit(PageKey.TASKS, field.surveyor)
    token = _token(app)
    with session_scope(field.url) as session:
        open_invitation(session=session, token=token, proof="phone", now=now())
        record_other_device(session=session, token=token, now=now())
    app.run()
    assert "Another device was refused" in read(app.run())


def test_the_biggest_gaps_stand_beside_the_code(visit: Any, field: Any, read: Read) -> None:
    with session_scope(field.url) as session:
        for cell in session.exec(select(QuotaCell)):
            wanted = (cell.age_band, cell.gender) == ("55-70", "male")
            cell.target, cell.collected = (9, 2) if wanted else (5, 3)
    words = read(visit(PageKey.TASKS, field.surveyor))
    assert words.index("7 more") < words.index("2 more")
    with session_scope(field.url) as session:
        for cell in session.exec(select(QuotaCell)):
            cell.collected = cell.target
    assert "Nobody more is needed" in read(visit(PageKey.TASKS, field.surveyor))


def test_a_sheet_is_printed_and_taken_back(visit: Any, field: Any, read: Read) -> None:
    app = visit(PageKey.TASKS, field.surveyor)
    app.session_state["sheets"] = True
    app.run()
    app.button(key="sheet/make").click().run()
    assert not app.exception
    assert "20 of 20 codes unused" in read(app)
    with session_scope(field.url) as session:
        (sheet_id,) = set(session.exec(select(Invitation.sheet_id).where(Invitation.serial == 1)))
    app.button(key=f"sheet/void/{sheet_id}").click().run()
    assert not app.exception
    assert "0 of 20 codes unused" in read(app)


def _answer(field: Any, token: str) -> None:
    document = {
        "client_uuid": str(uuid4()),
        "token": token,
        "instrument_sha256": field.instrument.sha256,
        "started_at": now().isoformat(),
        "answers": field.complete,
    }
    with session_scope(field.url) as session:
        submission = Submission.model_validate(document)
        submit(session=session, submission=submission, principal=None, now=now())


def test_one_code_waits_however_often_the_page_looks(visit: Any, field: Any) -> None:
    visit(PageKey.TASKS, field.surveyor).run().run()
    with session_scope(field.url) as session:
        (waiting,) = session.exec(select(Invitation)).all()
    assert waiting.ready_made


def test_the_assisted_interview_draws_the_form_of_the_wave(visit: Any, field: Any) -> None:
    app = visit(PageKey.INTERVIEW, field.surveyor)
    forms = [element for element in app.main if "survey_interview" in str(element.proto)]
    assert len(forms) == 1
    data = json.loads(forms[0].proto.json)
    assert field.instrument.sha256 in data["form_url"]
    assert data["meta"]["submission"] == {"point_id": str(field.point.id)}
