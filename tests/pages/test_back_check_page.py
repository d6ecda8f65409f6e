"""The back-check page on a small wave: draw, ask again, see the difference, take out a point."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from survey.access.principal import Principal
from survey.access.roles import Role
from survey.kit.navigation import PageKey
from survey.questionnaire.xlsform.reader import load_bundle
from survey.review.back_check.phone_numbers import encrypt_number
from survey.settings import PROJECT_ROOT, Settings
from survey.store.cipher import configured_cipher, new_key
from survey.store.engine import read_scope, session_scope
from survey.store.tables import (
    AuditEntry,
    BackCheck,
    Outcome,
    Response,
    ResponseContact,
    Status,
    SurveyorNote,
)
from survey.waves.instruments import save_instrument

Read = Callable[[AppTest], str]


@pytest.fixture
def store_url(sqlite_url: str) -> str:
    """The pages do not know which database it is; one is enough here."""
    return sqlite_url


@pytest.fixture
def supervisor(field: Any, employ: Any) -> Principal:
    shipped = load_bundle(PROJECT_ROOT / "seed" / "instruments", "back-check").instrument
    with session_scope(field.url) as session:
        save_instrument(session=session, instrument=shipped)
    principal: Principal = employ(Role.SUPERVISOR, "110000")
    return principal


def _checks(field: Any) -> list[BackCheck]:
    with read_scope(field.url) as session:
        return list(session.exec(select(BackCheck)))


def _drawn(visit_as: Any, supervisor: Principal) -> None:
    app = visit_as(PageKey.BACK_CHECK, supervisor, view="draw")
    app.number_input(key="draw/random").set_value(100.0)
    app.text_input(key="draw/seed").set_value("2026")
    app.button(key="draw-show").click().run()
    app.button(key="draw-make").click().run()
    assert not app.exception


def test_nothing_collected_and_nothing_drawn_say_what_to_do(
    visit_as: Any, collect: Any, supervisor: Principal, read: Read
) -> None:
    assert "Nobody is left to ask again" in read(visit_as(PageKey.BACK_CHECK, supervisor))
    collect(300.0)
    app = visit_as(PageKey.BACK_CHECK, supervisor, view="results")
    assert "Nothing has been drawn yet" in read(app)


def test_a_draw_is_shown_before_it_is_made(
    visit_as: Any, field: Any, collect: Any, supervisor: Principal, read: Read
) -> None:
    collect(*[300.0] * 4)
    app = visit_as(PageKey.BACK_CHECK, supervisor, view="draw")
    app.number_input(key="draw/random").set_value(50.0)
    app.text_input(key="draw/seed").set_value("2026")
    app.button(key="draw-show").click().run()
    assert app.button(key="draw-make").label == "Draw 2 interviews"
    assert _checks(field) == []
    app.button(key="draw-make").click().run()
    assert len(_checks(field)) == 2
    assert "by lot 50 per cent, by risk 3 per cent, seed 2026" in read(app)


def test_from_a_different_answer_to_taking_out_the_point(
    visit_as: Any, field: Any, collect: Any, supervisor: Principal, read: Read
) -> None:
    collect(300.0, 310.0, 320.0)
    _drawn(visit_as, supervisor)
    app = visit_as(PageKey.BACK_CHECK, supervisor)
    assert "The platform knows no names." in read(app)
    assert "1990" not in read(app), "whoever asks does not see the answers"
    app.button(key="call-not_reached").click().run()
    app.button(key="call-never_interviewed").click().run()
    (left,) = [row for row in _checks(field) if row.outcome is None]
    app.radio(key=f"call/{left.id}/gender").set_value("male")
    app.text_input(key=f"call/{left.id}/birth_year").set_value("nineteen")
    app.button(key="call-reached").click().run()
    assert "In which year were you born?" in read(app)
    assert "What you entered is still here" in read(app)
    app.text_input(key=f"call/{left.id}/birth_year").set_value("1950")
    app.button(key="call-reached").click().run()
    outcomes = sorted(str(row.outcome) for row in _checks(field))
    assert outcomes == ["never_interviewed", "not_reached", "reached"]

    app = visit_as(PageKey.BACK_CHECK, supervisor, view="results")
    text = read(app)
    assert "100.0%" in text
    assert "then 1990, now 1950" in text
    app.selectbox(key="follow/en").set_value("point").run()
    app.selectbox(key="follow/point/whose").set_value(field.point.id).run()
    assert "3 submitted: will be changed" in read(app)
    app.text_input(key="follow/note").set_value("two of two")
    app.button(key="follow-confirm").click().run()
    with read_scope(field.url) as session:
        rows = session.exec(select(Response)).all()
    assert {(row.status, row.reason) for row in rows} == {(Status.VOID, "back_check: two of two")}
    app.selectbox(key="follow/en").set_value("restore_point").run()
    app.selectbox(key="follow/restore_point/whose").set_value(field.point.id).run()
    app.button(key="follow-confirm").click().run()
    with read_scope(field.url) as session:
        assert set(session.exec(select(Response.status))) == {Status.SUBMITTED}


def test_training_is_noted_with_a_day(
    visit_as: Any, field: Any, collect: Any, supervisor: Principal, read: Read
) -> None:
    collect(300.0)
    _drawn(visit_as, supervisor)
    app = visit_as(PageKey.BACK_CHECK, supervisor, view="results")
    app.selectbox(key="follow/en").set_value("retrain").run()
    app.multiselect(key="retrain/who").set_value([field.surveyor.account_id])
    app.button(key="retrain-confirm").click().run()
    with read_scope(field.url) as session:
        note = session.exec(select(SurveyorNote)).one()
    assert note.account_id == field.surveyor.account_id
    assert f"{note.retrain_by:%Y-%m-%d}" in read(app)


def test_a_link_to_another_city_reads_as_one_that_is_not_there(
    visit_as: Any, field: Any, collect: Any, employ: Any, supervisor: Principal
) -> None:
    collect(300.0)
    _drawn(visit_as, supervisor)
    (check,) = _checks(field)
    elsewhere = employ(Role.SUPERVISOR, "310000")
    app = visit_as(PageKey.BACK_CHECK, elsewhere, call=str(check.id))
    assert "not in your area" in app.info[0].value
    assert check.outcome is not Outcome.REACHED


def test_a_number_that_was_left_is_shown_on_request_and_on_the_record(
    visit_as: Any,
    field: Any,
    collect: Any,
    supervisor: Principal,
    read: Read,
    use_store: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SURVEY_PHONE_KEY", new_key())
    settings = Settings(data_dir=tmp_path, database_url=field.url)
    use_store(settings)
    cipher = configured_cipher(settings)
    assert cipher is not None
    collect(300.0)
    with session_scope(field.url) as session:
        response = session.exec(select(Response)).one()
        sealed = encrypt_number(cipher, response.id, "13812345678")
        session.add(ResponseContact(response_id=response.id, sealed=sealed, left_at=field.now))
    _drawn(visit_as, supervisor)
    app = visit_as(PageKey.BACK_CHECK, supervisor)
    assert "13812345678" not in read(app)
    (check,) = _checks(field)
    app.button(key=f"call-phone-{check.id}").click().run()
    assert not app.warning, [each.value for each in app.warning]
    assert [code.value for code in app.code] == ["13812345678"]
    app.run()
    assert not app.code
    with read_scope(field.url) as session:
        query = select(AuditEntry.actor_id).where(AuditEntry.action == "contact.read")
        assert list(session.exec(query)) == [supervisor.account_id]
