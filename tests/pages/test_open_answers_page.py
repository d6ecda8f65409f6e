"""Open answers on the pages: a coder's work, the lead's steps, and the shares."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import Role, demo_login
from survey.figures.views.open_answers import build_open_answers_view
from survey.kit.navigation import PageKey
from survey.open_answers.coding import code_answer, draw_answers
from survey.open_answers.coding_frames import read_code_file, save_coding_frame
from survey.open_answers.shares import CodeShare, OpenAnswers
from survey.questionnaire.model import Item, ItemKind
from survey.results.freeze import freeze_wave
from survey.settings import PROJECT_ROOT
from survey.snapshots.snapshot_files import FreezeOptions
from survey.store.engine import session_scope
from survey.store.tables import Account, CodedAnswer, CodingRound, Wave
from tests.small_waves import SmallWave, questionnaire, rating, small_tree, small_wave, store_people
from tests.work_of import work_of

Read = Callable[[AppTest], str]


@pytest.fixture
def wave(tmp_path: Path, use_store: Any) -> SmallWave:
    """A frozen demo wave with 40 answers about parking, of which all are drawn."""
    comment = Item(name="comment", kind=ItemKind.TEXT, label={"en": "Anything else?"})
    items = rating("price", "1.1.1"), rating("service", "2.1.1"), rating("overall"), comment
    made = small_wave(
        tmp_path / "data", instrument=questionnaire(*items, tree="small"), tree=small_tree()
    )
    store_people(made, {"110000": 40}, comment="停车太难，电话13912345678")
    settings = made.settings.model_copy(update={"demo": True, "language": "en"})
    with session_scope(settings.store_url) as session:
        session.exec(select(Wave)).one().is_demo = True
        for role in (Role.FINAL_REVIEWER, Role.SUPERVISOR, Role.ANALYST):
            area = "110000" if role is Role.SUPERVISOR else "CN"
            session.add(
                Account(login=demo_login(role), name=role, role=role, area=area, is_demo=True)
            )
    freeze_wave(settings, wave_key=made.key, actor=OPERATOR, options=FreezeOptions(final=True))
    use_store(settings)
    return made


def _principal(wave: SmallWave, role: Role) -> Principal:
    with session_scope(wave.settings.store_url) as session:
        account = session.exec(select(Account).where(Account.role == role)).one()
        return Principal(account.id, account.name, role, account.area, is_demo=True)


def _draw(wave: SmallWave) -> None:
    lead = _principal(wave, Role.FINAL_REVIEWER)
    content = (PROJECT_ROOT / "seed" / "open_answers" / "comment.csv").read_bytes()
    with session_scope(wave.settings.store_url) as session:
        work = work_of(session, lead)
        codes = read_code_file(work, name="codes.csv", content=content).codes
        save_coding_frame(work, question="comment", codes=codes)
        draw_answers(work, wave_key=wave.key, question="comment", share=1.0, seed="s")


def _code_all_but_one(wave: SmallWave, role: Role, code: str) -> None:
    person = _principal(wave, role)
    with session_scope(wave.settings.store_url) as session:
        rows = session.exec(select(CodedAnswer).order_by(CodedAnswer.place)).all()
        for row in rows[1:]:
            code_answer(work_of(session, person), answer_id=row.id, code=code)


def _button(app: AppTest, start: str) -> Any:
    return next(each for each in app.button if str(each.key).startswith(start))


def _progress(app: AppTest) -> str:
    return app.get("progress")[0].proto.text


def test_the_lead_brings_codes_draws_and_a_coder_codes(
    wave: SmallWave, open_page: Any, read: Read
) -> None:
    app = open_page(PageKey.REVIEW, Role.SUPERVISOR)
    assert "Open answers" not in read(app)
    app = open_page(PageKey.REVIEW, Role.FINAL_REVIEWER, part="open", open="lead")
    assert "Bring codes from a file" in [each.label for each in app.expander]
    _draw(wave)
    _code_all_but_one(wave, Role.FINAL_REVIEWER, "access")
    app = open_page(PageKey.REVIEW, Role.SUPERVISOR, part="open")
    words = read(app)
    assert "停车太难" in words
    assert "13912345678" not in words
    assert _progress(app) == "0 of 40 coded by you"
    _button(app, "open-code-access-").click().run()
    assert not app.exception
    assert _progress(app) == "1 of 40 coded by you"
    with session_scope(wave.settings.store_url) as session:
        first = session.exec(select(CodedAnswer).where(CodedAnswer.place == 0)).one()
        assert (first.first_code, first.second_code) == ("access", None)
    app.text_input(key="open-answers/words").set_value("停车").run()
    _button(app, "open-out-").click().run()
    assert "***太难" in read(app)


def test_differences_are_settled_and_shares_stand_beside_the_questions(
    wave: SmallWave, open_page: Any, read: Read
) -> None:
    _draw(wave)
    with session_scope(wave.settings.store_url) as session:
        # Both coded by two who are gone; one answer differs.
        for place, row in enumerate(session.exec(select(CodedAnswer))):
            row.first_code, row.second_code = "access", "access" if place else "service"
            row.settled_code = "access" if place else None
    app = open_page(PageKey.REVIEW, Role.FINAL_REVIEWER, part="open", open="lead")
    assert _button(app, "open-compute").disabled
    app = open_page(PageKey.REVIEW, Role.FINAL_REVIEWER, part="open", open="settle")
    assert "Two people gave different codes" in read(app)
    _button(app, "open-code-access-").click().run()
    assert "Nothing waits for you here" in read(app)
    app = open_page(PageKey.REVIEW, Role.FINAL_REVIEWER, part="open", open="lead")
    _button(app, "open-compute").click().run()
    with session_scope(wave.settings.store_url) as session:
        assert session.exec(select(CodingRound)).one().computed_at is not None
    app = open_page(PageKey.CROSSTAB, Role.ANALYST)
    words = read(app)
    assert "In their own words: Anything else?" in [each.value for each in app.subheader]
    assert "most often: Facilities and access" in words
    assert ">100.0%<" in words
    assert any("DEMO DATA" in each.value for each in app.caption)
    assert "停车" not in words


def test_an_area_with_too_few_answers_is_one_line() -> None:
    label = {"zh": "设施", "en": "Facilities"}
    hidden = [CodeShare("east", code, label, None, None, None, None, None) for code in ("a", "b")]
    shown = CodeShare("CN", "a", label, 0.25, 0.2, 0.3, 192, 30)
    found = OpenAnswers(label, (shown, *hidden), None, None, None, 1, is_demo=False)
    assert build_open_answers_view(found, "en").rows == (
        ("Nation", "Facilities", "25.0%", "20.0 to 30.0", "192", "30"),
        ("east", "All kinds", "kept back", "–", "–", "–"),
    )
