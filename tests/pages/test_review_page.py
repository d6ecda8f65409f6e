"""The reviewer's page and the surveyor's side of it, on a small open wave."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import Role
from survey.kit.navigation import PageKey
from survey.review.quality.assessment import assess_wave
from survey.review.undo import undo_decision
from survey.screens.review import decision
from survey.store.engine import read_scope, session_scope
from survey.store.tables import (
    AuditEntry,
    Response,
    ResponseFlag,
    ResponseRevision,
    ResponseRisk,
    Status,
    WaveState,
)
from survey.waves.lifecycle import transition
from survey.waves.waves import NewWave, create_wave, open_wave
from tests.wave_states import move_wave
from tests.work_of import work_of

Read = Callable[[AppTest], str]


@pytest.fixture
def store_url(sqlite_url: str) -> str:
    """The pages do not know which database it is; one is enough here."""
    return sqlite_url


@pytest.fixture
def supervisor(employ: Any) -> Principal:
    return employ(Role.SUPERVISOR, "110000")


def _statuses(field: Any) -> list[str]:
    with read_scope(field.url) as session:
        return sorted(session.exec(select(Response.status)))


def _press(app: AppTest, name: str) -> None:
    """Press the button of a decision on the interview on the screen."""
    (button,) = [each for each in app.button if str(each.key).startswith(f"{name}-")]
    button.click().run()


def test_an_empty_store_says_what_to_do_next(
    visit_as: Any, supervisor: Principal, read: Read
) -> None:
    assert "Nothing is left in this selection" in read(visit_as(PageKey.REVIEW, supervisor))


def test_the_riskiest_interview_lies_on_top_with_its_flags_first(
    visit_as: Any, field: Any, collect: Any, supervisor: Principal, read: Read
) -> None:
    slow, fast = collect(400.0, 65.0)
    with session_scope(field.url) as session:
        session.add(
            ResponseRisk(response_id=slow, score=55, detected_at=field.now, detector_version="1")
        )
        session.add(
            ResponseFlag(
                response_id=slow,
                kind="straight_lining",
                strength=0.9,
                detected_at=field.now,
                detector_version="1",
                detail={"same": 26, "rated": 27, "score": 8},
            )
        )
    app = visit_as(PageKey.REVIEW, supervisor)
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


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        (
            "en",
            "faster than the questions can be read: Took 0.4 seconds in all; "
            "reading the questions alone takes at least 1.1.",
        ),
        ("zh", "快于读完题目所需时间：全程用时 0.4 秒；仅读完题目至少需要 1.1 秒。"),
    ],
)
def test_the_only_interview_of_a_wave_says_that_nobody_reads_so_fast(
    visit_as: Any,
    field: Any,
    collect: Any,
    supervisor: Principal,
    read: Read,
    language: str,
    shown: str,
) -> None:
    collect(0.4)
    with session_scope(field.url) as session:
        assess_wave(work_of(session, OPERATOR, field.now), wave_key=field.wave.key)
    text = read(visit_as(PageKey.REVIEW, supervisor, lang=language))
    assert shown in text
    assert ("risk 90 of 100" if language == "en" else "90") in text


def test_approving_goes_on_to_the_next_one(
    visit_as: Any, field: Any, collect: Any, supervisor: Principal, read: Read
) -> None:
    collect(100.0, 200.0)
    app = visit_as(PageKey.REVIEW, supervisor)
    _press(app, "review-city_approved")
    assert _statuses(field) == ["city_approved", "submitted"]
    assert "3 min 20 s" in read(app)
    assert "Now approved by the city." in read(app)
    app.button(key="review-undo").click().run()
    assert _statuses(field) == ["submitted", "submitted"]
    assert next(toast.value for toast in app.toast).startswith("Undone: 1")
    _press(app, "review-city_approved")
    _press(app, "review-city_approved")
    assert "Nothing is left in this selection" in read(app)


def test_a_link_to_one_interview_opens_the_queue_of_its_wave(
    visit_as: Any, field: Any, collect: Any, supervisor: Principal
) -> None:
    first, second = collect(65.0, 400.0)
    with session_scope(field.url) as session:
        plan = NewWave(
            key="another-2026",
            series="another",
            year=2026,
            title_zh="另一批次",
            title_en="Another wave",
            instrument_id=field.wave.instrument_id,
        )
        create_wave(work_of(session, OPERATOR, field.now), plan=plan)
        open_wave(work_of(session, OPERATOR, field.now), key=plan.key)
    app = visit_as(PageKey.REVIEW, supervisor, interview=str(first))
    app.button(key="review-next").click().run()
    assert app.query_params["interview"] == str(second)


def test_taking_out_asks_for_a_reason(
    visit_as: Any, field: Any, collect: Any, supervisor: Principal
) -> None:
    (response_id,) = collect(100.0)
    app = visit_as(PageKey.REVIEW, supervisor)
    _press(app, "review-void")
    assert _statuses(field) == ["submitted"]
    app.text_area(key=f"note/{response_id}/void").set_value("three in a row")
    _press(app, "review-confirm")
    with read_scope(field.url) as session:
        response = session.get_one(Response, response_id)
    assert (response.status, response.reason) == (Status.VOID, "speeder: three in a row")


def test_the_second_reviewer_is_told_and_keeps_the_note(
    visit_as: Any, field: Any, collect: Any, supervisor: Principal, read: Read
) -> None:
    (response_id,) = collect(100.0)
    app = visit_as(PageKey.REVIEW, supervisor)
    _press(app, "review-returned")
    with session_scope(field.url) as session:
        transition(
            work_of(session, OPERATOR, field.now),
            response_id=response_id,
            to=Status.VOID,
            reason="invented",
            expected_version=1,
        )
    app.text_area(key=f"note/{response_id}/returned").set_value("how old is she?")
    _press(app, "review-confirm")
    text = read(app)
    assert "Somebody else changed this interview" in text
    assert "Your note was: how old is she?" in text
    assert "The interview did not take place" in text
    assert _statuses(field) == ["void"]


def test_a_frozen_wave_is_read_and_not_decided_on(
    visit_as: Any, field: Any, collect: Any, supervisor: Principal, read: Read
) -> None:
    collect(400.0)
    with session_scope(field.url) as session:
        for state in (WaveState.CLOSED, WaveState.FROZEN):
            move_wave(session=session, key=field.wave.key, to=state, now=field.now)
    app = visit_as(PageKey.REVIEW, supervisor)
    assert "6 min 40 s" in read(app)
    assert "its interviews stay as they are" in read(app)
    assert not {button.key for button in app.button if str(button.key).startswith("review-")} - {
        "review-next",
        "review-previous",
    }
    assert "Decide on everything in this selection" not in read(app)
    assert "looked for" not in read(app)


def test_many_at_once_show_first_what_they_change(
    visit_as: Any, field: Any, collect: Any, supervisor: Principal, read: Read
) -> None:
    collect(100.0, 200.0, 300.0)
    collect(100.0, status=Status.APPROVED)
    app = visit_as(PageKey.REVIEW, supervisor, status="all")
    app.button(key="review-many").click().run()
    text = read(app)
    assert "Next, the association looks at them and approves for good." in text
    assert "3 submitted: will be changed" in text
    assert "1 approved: stay as they are" in text
    app.button(key="review-many-confirm").click().run()
    assert _statuses(field) == ["approved", *["city_approved"] * 3]


def test_a_supervisor_of_another_city_sees_nothing(
    visit_as: Any, employ: Any, collect: Any, read: Read
) -> None:
    (response_id,) = collect(100.0)
    elsewhere = employ(Role.SUPERVISOR, "310000")
    app = visit_as(PageKey.REVIEW, elsewhere, city="110000", interview=str(response_id))
    assert "not in your area" in app.info[0].value
    assert 'class="hcs-answers"' not in read(app)


def test_a_returned_interview_waits_on_the_surveyors_page_and_is_handed_in_again(
    visit_as: Any, field: Any, collect: Any, supervisor: Principal, read: Read
) -> None:
    (response_id,) = collect(100.0)
    with session_scope(field.url) as session:
        transition(
            work_of(session, supervisor, field.now),
            response_id=response_id,
            to=Status.RETURNED,
            reason="check_again: how old is she?",
            expected_version=1,
        )
    app = visit_as(PageKey.TASKS, field.surveyor)
    assert "Sent back to you: 1" in read(app)
    app.session_state[f"returned/{response_id}"] = True
    app.run()
    assert "Please check with the respondent: how old is she?" in read(app)
    app.multiselect(key=f"correct/{response_id}").set_value(["birth_year", "complained"]).run()
    app.text_input(key=f"answer/{response_id}/birth_year").set_value("2020").run()
    app.selectbox(key=f"answer/{response_id}/complained").set_value("yes").run()
    app.text_area(key=f"note/{response_id}").set_value("asked again").run()
    app.button(key=f"resubmit-{response_id}").click().run()
    text = read(app)
    assert "Born: Between 1900 and 2011" in text
    assert "channel: Please answer this question." in text
    assert _statuses(field) == ["returned"]
    app.text_input(key=f"answer/{response_id}/birth_year").set_value("1980").run()
    app.selectbox(key=f"answer/{response_id}/channel").set_value("shop").run()
    app.button(key=f"resubmit-{response_id}").click().run()
    assert _statuses(field) == ["submitted"]
    assert "Sent back to you" not in read(app)
    with read_scope(field.url) as session:
        current = session.exec(select(ResponseRevision).where(ResponseRevision.is_current)).one()
    assert (current.number, current.answers["birth_year"], current.answers["channel"]) == (
        2,
        1980,
        "shop",
    )
    app = visit_as(PageKey.REVIEW, supervisor)
    assert "before the correction: 1990" in read(app)


def test_what_was_typed_just_before_the_click_is_what_is_handed_in(
    visit_as: Any, field: Any, collect: Any, supervisor: Principal
) -> None:
    (response_id,) = collect(100.0)
    with session_scope(field.url) as session:
        transition(
            work_of(session, supervisor, field.now),
            response_id=response_id,
            to=Status.RETURNED,
            reason="check_again: how old is she?",
            expected_version=1,
        )
    app = visit_as(PageKey.TASKS, field.surveyor)
    app.session_state[f"returned/{response_id}"] = True
    app.run()
    app.multiselect(key=f"correct/{response_id}").set_value(["birth_year"]).run()
    app.text_input(key=f"answer/{response_id}/birth_year").set_value("1979")
    app.text_area(key=f"note/{response_id}").set_value("asked again")
    app.button(key=f"resubmit-{response_id}").click().run()
    assert _statuses(field) == ["submitted"]
    with read_scope(field.url) as session:
        current = session.exec(select(ResponseRevision).where(ResponseRevision.is_current)).one()
    assert current.answers["birth_year"] == 1979


def test_looking_at_an_interview_is_entered_once_however_often_the_page_runs(
    visit_as: Any, field: Any, collect: Any, supervisor: Principal
) -> None:
    (response_id,) = collect(300.0)
    app = visit_as(PageKey.REVIEW, supervisor)
    app.run()
    app.run()
    with read_scope(field.url) as session:
        query = select(AuditEntry).where(AuditEntry.action == "view.interview")
        entry = session.exec(query).one()
    assert (entry.actor_id, entry.subject_id) == (supervisor.account_id, str(response_id))


def _decide(field: Any, person: Principal, response_id: UUID, to: Status) -> None:
    with session_scope(field.url) as session:
        transition(
            work_of(session, person, field.now),
            response_id=response_id,
            to=to,
            reason="",
            expected_version=session.get_one(Response, response_id).lock_version,
        )


def _offered(app: AppTest) -> set[str]:
    """States to which the buttons on the screen move an interview, with its id."""
    keys = {str(button.key).removeprefix("review-") for button in app.button}
    return {key for key in keys if key.split("-")[0] in {*Status, "confirm"}}


def test_a_changed_filter_leaves_the_interview_that_is_not_in_it(
    visit_as: Any, collect: Any, supervisor: Principal, read: Read
) -> None:
    (submitted,), (returned,) = collect(100.0), collect(200.0, status=Status.RETURNED)
    app = visit_as(PageKey.REVIEW, supervisor, interview=str(submitted))
    app.selectbox(key="status/en").set_value("returned").run()
    assert app.query_params["interview"] == str(returned)
    assert _offered(app) == {f"void-{returned}"}
    app.selectbox(key="status/en").set_value("city_approved").run()
    assert "Nothing is left in this selection" in read(app)
    assert _offered(app.run()) == set()


def test_a_changed_filter_keeps_the_interview_that_is_in_it(
    visit_as: Any, collect: Any, supervisor: Principal
) -> None:
    _, second = collect(100.0, 200.0)
    app = visit_as(PageKey.REVIEW, supervisor, interview=str(second))
    app.selectbox(key="status/en").set_value("all").run()
    assert app.query_params["interview"] == str(second)
    assert f"city_approved-{second}" in _offered(app)


def test_an_address_of_an_interview_outside_the_selection_is_read_only_until_it_is_selected(
    visit_as: Any, field: Any, collect: Any, supervisor: Principal, read: Read
) -> None:
    """The way back in the browser, an old bookmark, or another supervisor who was faster."""
    first, _ = collect(100.0, 200.0)
    app = visit_as(PageKey.REVIEW, supervisor, interview=str(first))
    _press(app, "review-city_approved")
    app.query_params["interview"] = str(first)
    app.run()
    assert "1 min 40 s" in read(app)
    assert "This interview is approved by the city. It is not in the selection" in read(app)
    assert _offered(app) == set()
    _press(app, "review-select")
    assert app.query_params["status"] == "city_approved"
    assert f"submitted-{first}" in _offered(app)


def test_leaving_it_goes_back_to_the_selection(
    visit_as: Any, collect: Any, supervisor: Principal
) -> None:
    (waiting,), (void,) = collect(100.0), collect(200.0, status=Status.VOID)
    app = visit_as(PageKey.REVIEW, supervisor, interview=str(void))
    assert _offered(app) == set()
    app.button(key="review-leave").click().run()
    assert f"city_approved-{waiting}" in _offered(app)


def test_a_decision_opens_an_interview_that_still_waits(
    visit_as: Any, field: Any, collect: Any, supervisor: Principal, employ: Any
) -> None:
    first, second, third = collect(100.0, 200.0, 300.0)
    app = visit_as(PageKey.REVIEW, supervisor, interview=str(first))
    _decide(field, OPERATOR, second, Status.CITY_APPROVED)
    _press(app, "review-city_approved")
    assert app.query_params["interview"] == str(third)
    _decide(field, OPERATOR, third, Status.CITY_APPROVED)
    app.run()
    assert _offered(app) == set()
    with session_scope(field.url) as session:
        assert session.get_one(Response, third).status == Status.CITY_APPROVED


def test_a_late_click_on_the_interview_before_does_not_decide_on_the_next_one(
    visit_as: Any, field: Any, collect: Any, supervisor: Principal
) -> None:
    """Two quick presses of A: the browser still shows what the first one has decided on."""
    first, second = collect(100.0, 200.0)
    app = visit_as(PageKey.REVIEW, supervisor, status="all", interview=str(first))
    stale = app.button(key=f"review-city_approved-{first}")
    stale.click().run()
    assert app.query_params["interview"] == str(second)
    stale.click().run()
    assert _statuses(field) == ["city_approved", "submitted"]


def test_a_double_click_on_a_slow_day_decides_once_and_is_no_refusal(
    visit_as: Any, field: Any, collect: Any, supervisor: Principal, read: Read,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Both presses are handled before the page is drawn again."""
    first, second = collect(100.0, 200.0)
    change = decision._decide_on_interview
    monkeypatch.setattr(
        decision, "_decide_on_interview", lambda *args: [change(*args) for _ in range(2)]
    )
    app = visit_as(PageKey.REVIEW, supervisor, interview=str(first))
    _press(app, "review-city_approved")
    assert _statuses(field) == ["city_approved", "submitted"]
    assert app.query_params["interview"] == str(second)
    assert "Now approved by the city." in read(app)
    assert "Nothing was changed" not in read(app)


def test_undo_takes_back_the_decision_it_was_offered_for_and_no_later_one(
    visit_as: Any, field: Any, collect: Any, supervisor: Principal, read: Read
) -> None:
    """In a second tab the same person has decided anew."""
    first, _ = collect(100.0, 200.0)
    app = visit_as(PageKey.REVIEW, supervisor, interview=str(first))
    _press(app, "review-city_approved")
    _undo(field, supervisor, first)
    _decide(field, supervisor, first, Status.CITY_APPROVED)
    app.button(key="review-undo").click().run()
    assert "This cannot be undone any more" in read(app)
    assert _statuses(field) == ["city_approved", "submitted"]


def _undo(field: Any, person: Principal, response_id: UUID) -> None:
    with session_scope(field.url) as session:
        version = session.get_one(Response, response_id).lock_version
        undo_decision(work_of(session, person, field.now), versions={response_id: version})


def test_a_second_tab_decides_on_what_it_shows_or_not_at_all(
    visit_as: Any, field: Any, collect: Any, supervisor: Principal, read: Read
) -> None:
    first, second = collect(100.0, 200.0)
    tabs = [visit_as(PageKey.REVIEW, supervisor, interview=str(first)) for _ in range(2)]
    for tab in tabs:
        _press(tab, "review-city_approved")
    assert _statuses(field) == ["city_approved", "submitted"]
    assert "Somebody else changed this interview" in read(tabs[1])
    assert _offered(tabs[1]) == set()
    with read_scope(field.url) as session:
        assert session.get_one(Response, second).status == Status.SUBMITTED


def test_where_the_second_approval_is_waited_for_the_page_says_who_gives_it(
    visit_as: Any, collect: Any, supervisor: Principal, employ: Any, read: Read
) -> None:
    collect(100.0, status=Status.CITY_APPROVED)
    seen = read(visit_as(PageKey.REVIEW, supervisor, status="city_approved"))
    assert "Nobody else can give the second approval yet" in seen
    final = employ(Role.FINAL_REVIEWER, "110000")
    seen = read(visit_as(PageKey.REVIEW, supervisor, status="city_approved"))
    assert f"The second approval is given by {final.name}." in seen
    app = visit_as(PageKey.REVIEW, final)
    assert {key.split("-")[0] for key in _offered(app)} >= {"approved", "returned", "void"}
