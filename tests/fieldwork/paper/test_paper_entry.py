"""A sheet becomes one response: at once, by two equal keyings, or by a third person's verdict."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import uuid4, uuid5

import pytest
from pydantic import ValidationError
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, func, select

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.collection.paper.keying import count_unsettled, list_typist_errors, set_share
from survey.collection.paper.keying_queue import (
    count_own_keyings,
    get_conflict,
    get_keying_round,
    list_awaiting_adjudication,
    list_awaiting_second,
)
from survey.collection.paper.keying_service import SheetAlreadyKeyedError, SheetNotFoundError
from survey.collection.submission import InvalidAnswersError
from survey.settings import Settings
from survey.store.engine import read_scope, session_scope
from survey.store.tables import (
    Assignment,
    AuditEntry,
    Mode,
    PaperKeying,
    PaperSheet,
    QuotaCell,
    Response,
    ResponseRevision,
    SheetState,
    Status,
    new_id,
)
from survey.waves.waves import WaveNotOpenError, close_wave
from survey.web.submission_intake import store_in_session
from tests.error_codes import raises_code
from tests.work_of import work_of

Changed = Callable[..., dict[str, Any]]


def _counts(field: Any) -> tuple[int, int, int]:
    """Responses, keyings, interviews counted in quotas."""
    with read_scope(field.url) as session:
        return (
            session.exec(select(func.count()).select_from(Response)).one(),
            session.exec(select(func.count()).select_from(PaperKeying)).one(),
            session.exec(select(func.sum(QuotaCell.collected))).one(),
        )


def _stored(field: Any) -> tuple[Response, ResponseRevision]:
    with read_scope(field.url) as session:
        return session.exec(select(Response)).one(), session.exec(select(ResponseRevision)).one()


def _actions(field: Any) -> list[str]:
    with read_scope(field.url) as session:
        query = select(AuditEntry.action).order_by(col(AuditEntry.id))
        return [action for action in session.exec(query) if "wave" not in action]


def test_a_sheet_that_is_not_drawn_is_a_response_at_once(office: Any, field: Any) -> None:
    office.key_twice(0)
    receipt = office.key(office.wang, "000123", answers=dict(field.complete), seconds=41.5)
    response, revision = _stored(field)
    assert (receipt.serial, receipt.state) == ("123", SheetState.SETTLED)
    assert receipt.response_id == response.id
    assert (response.mode, response.status) == (Mode.PAPER, Status.SUBMITTED)
    assert (response.point_id, response.surveyor_id) == (field.point.id, field.surveyor.account_id)
    assert revision.author_id == office.wang.account_id
    assert revision.answers == {**field.complete, "age": 36}
    assert response.started_at is not None
    assert response.started_at.isoformat() == "2026-05-19T04:00:00+00:00", "noon in China"
    assert response.duration_seconds is None
    assert _counts(field) == (1, 1, 1)
    assert _actions(field)[-2:] == ["response.submitted", "paper.settled"]


def test_a_drawn_sheet_waits_and_counts_nowhere_until_keyed_alike(office: Any, field: Any) -> None:
    office.key_twice()
    assert office.key(office.wang).state is SheetState.SECOND
    assert _counts(field) == (0, 1, 0)
    with read_scope(field.url) as session:
        seen = {
            person.name: [sheet.serial for sheet in list_awaiting_second(work_of(session, person))]
            for person in (office.wang, office.chen, office.sun, office.elsewhere)
        }
    assert seen == {"Wang": [], "Chen": ["123"], "Sun": ["123"], "Elsewhere": []}
    receipt = office.key(office.chen, "0123", 2)
    assert receipt.state is SheetState.SETTLED
    assert _counts(field) == (1, 2, 1)


def test_commas_and_spaces_of_open_text_are_no_difference(
    office: Any, field: Any, changed: Changed
) -> None:
    office.key_twice()
    office.key(office.wang, answers=changed(comment="还行，就是 贵。"))
    receipt = office.key(office.chen, round_=2, answers=changed(comment="还行, 就是贵"))
    assert receipt.state is SheetState.SETTLED


def test_a_difference_waits_for_a_third_person_whose_verdict_is_the_response(
    office: Any, field: Any, changed: Changed
) -> None:
    office.key_twice()
    office.key(office.wang, answers=changed(quality=3))
    receipt = office.key(office.chen, round_=2, answers=changed(gender="male"))
    assert receipt.state is SheetState.VERDICT
    assert _counts(field) == (0, 2, 0)
    with read_scope(field.url) as session:
        (waiting,) = list_awaiting_adjudication(work_of(session, office.boss))
        shown = get_conflict(work_of(session, office.boss), sheet_id=waiting.sheet_id)
        assert list_awaiting_adjudication(work_of(session, office.wang)) == []
        assert list_awaiting_adjudication(work_of(session, office.elsewhere)) == []
    assert shown.fields == ("quality", "gender")
    assert shown.first.keyed.answers["quality"] == 3
    assert shown.second.keyed.answers["gender"] == "male"
    settled = office.key(office.boss, round_=3, answers=changed(quality=3))
    response, revision = _stored(field)
    assert settled.response_id == response.id
    assert revision.answers["quality"] == 3
    assert revision.answers["gender"] == "female"
    assert revision.author_id == office.boss.account_id
    assert _counts(field) == (1, 3, 1)


def test_errors_are_counted_for_each_typist_with_an_interval(
    office: Any, field: Any, changed: Changed
) -> None:
    office.key_twice()
    office.key(office.wang, answers=changed(quality=3))
    office.key(office.chen, round_=2, answers=changed(gender="male"))
    office.key(office.boss, round_=3, answers=changed(quality=3))
    office.key(office.wang, "124")
    office.key(office.chen, "124", 2)
    with read_scope(field.url) as session:
        rows = list_typist_errors(work_of(session, office.boss), wave_key=field.wave.key)
        with pytest.raises(AccessDeniedError):
            list_typist_errors(work_of(session, office.wang), wave_key=field.wave.key)
    assert [(row.login, row.keyed, row.checked, row.errors) for row in rows] == [
        ("chen", 2, 2, 2),
        ("wang", 2, 2, 0),
    ]
    answered = len(field.complete) + 3
    assert rows[0].fields == rows[1].fields == 2 * answered
    assert rows[0].rate == pytest.approx(2 / (2 * answered))
    assert rows[0].low is not None
    assert rows[0].high is not None
    assert 0 < rows[0].low < rows[0].rate < rows[0].high < 0.4
    assert rows[1].high is not None
    assert rows[1].high > 0, "no error seen does not mean none made"


def test_a_wrong_turn_is_one_error_not_as_many_as_it_skipped(
    office: Any, field: Any, changed: Changed
) -> None:
    office.key_twice()
    right = changed(complained="yes", channel="shop")
    office.key(office.wang, answers=right)
    office.key(office.chen, round_=2)
    office.key(office.boss, round_=3, answers=right)
    with read_scope(field.url) as session:
        rows = list_typist_errors(work_of(session, office.boss), wave_key=field.wave.key)
    assert {row.login: row.errors for row in rows} == {"chen": 1, "wang": 0}


def test_a_different_head_is_a_difference_and_the_verdict_decides_it(
    office: Any, field: Any
) -> None:
    office.key_twice()
    with session_scope(field.url) as session:
        session.add(Assignment(account_id=field.colleague.account_id, point_id=field.point.id))
    office.key(office.wang)
    other = {"surveyor_id": field.colleague.account_id}
    office.key(office.chen, round_=2, head={**other, "interview_on": date(2026, 5, 18)})
    with read_scope(field.url) as session:
        (waiting,) = list_awaiting_adjudication(work_of(session, office.boss))
        shown = get_conflict(work_of(session, office.boss), sheet_id=waiting.sheet_id)
    assert shown.fields == ("@surveyor", "@day")
    office.key(office.boss, round_=3, head=other)
    assert _stored(field)[0].surveyor_id == field.colleague.account_id


def test_nobody_keys_a_sheet_again_that_they_keyed_nor_judges_it(
    office: Any, field: Any, changed: Changed
) -> None:
    office.key_twice()
    office.key(office.wang)
    with pytest.raises(SheetAlreadyKeyedError, match="yourself"):
        office.key(office.wang, round_=2, answers=changed(quality=1))
    office.key(office.chen, round_=2, answers=changed(quality=1))
    for person in (office.wang, office.chen):
        with pytest.raises(SheetAlreadyKeyedError, match="yourself"):
            office.key(person, round_=3)
    assert _counts(field) == (0, 2, 0)


def test_the_database_itself_keeps_three_people_apart(office: Any, field: Any) -> None:
    office.key_twice()
    office.key(office.wang)
    with read_scope(field.url) as session:
        kept = session.exec(select(PaperKeying)).one()
    copy = {**kept.model_dump(), "id": new_id(), "client_uuid": uuid4(), "number": 2}
    with pytest.raises(IntegrityError), session_scope(field.url) as session:
        session.add(PaperKeying(**copy))
    settled = update(PaperSheet).values(state=SheetState.SETTLED)
    with pytest.raises(IntegrityError), session_scope(field.url) as session:
        session.connection().execute(settled)


def test_a_number_is_keyed_once_and_the_next_one_hears_by_whom_and_when(
    office: Any, field: Any
) -> None:
    office.key_twice(0)
    office.key(office.wang, "0042")
    for person in (office.wang, office.chen):
        with pytest.raises(
            SheetAlreadyKeyedError, match="Sheet 42 was keyed by Wang on 05-20 11:00"
        ):
            office.key(person, "42")
    with pytest.raises(SheetAlreadyKeyedError, match="Wang"):
        office.key(office.chen, "42", 2)
    assert _counts(field) == (1, 1, 1)


def test_the_look_up_says_beforehand_what_handing_in_will_say(office: Any, field: Any) -> None:
    office.key_twice()

    def ask(person: Principal) -> int | str:
        with read_scope(field.url) as session:
            try:
                return get_keying_round(
                    work_of(session, person), wave_key=field.wave.key, serial="0007"
                )
            except SheetAlreadyKeyedError as refusal:
                return str(refusal)

    assert ask(office.wang) == 1
    office.key(office.wang, "7")
    assert ask(office.chen) == 2
    assert "yourself" in str(ask(office.wang))
    office.key(office.chen, "7", 2)
    assert "keyed by Chen" in str(ask(office.sun))


def test_the_same_keying_sent_again_is_one_keying_with_one_receipt(
    office: Any, field: Any, changed: Changed
) -> None:
    office.key_twice(0)
    keying = office.keying()
    first = office.hand_in(keying, office.wang)
    again = office.hand_in(keying, office.wang)
    assert (again.duplicate, again.response_id) == (True, first.response_id)
    forged = office.keying(client_uuid=keying.client_uuid, answers=changed(quality=1))
    assert office.hand_in(forged, office.wang).response_id == first.response_id
    assert _actions(field)[-1] == "paper.replayed_with_other_content"
    with pytest.raises(SheetAlreadyKeyedError, match="somebody else"):
        office.hand_in(keying, office.chen)
    assert _counts(field) == (1, 1, 1)


def test_a_receipt_is_found_again_although_the_wave_is_closed(office: Any, field: Any) -> None:
    office.key_twice()
    keying = office.keying()
    office.hand_in(keying, office.wang)
    with session_scope(field.url) as session:
        close_wave(work_of(session, OPERATOR, field.now), key=field.wave.key)
    assert office.hand_in(keying, office.wang).duplicate
    with pytest.raises(WaveNotOpenError):
        office.key(office.wang, "124")
    assert office.key(office.chen, round_=2).state is SheetState.SETTLED, "begun sheets are ended"


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"instrument_sha256": "0" * 64}, "instrument_changed"),
        ({"head": {"interview_on": date(2026, 5, 21)}}, "day_impossible"),
        ({"head": {"interview_on": date(2024, 5, 21)}}, "day_impossible"),
        ({"head": {"interview_on": date(1, 1, 1)}}, "day_impossible"),
        ({"head": {"serial": "00 17"}}, "serial_invalid"),
        ({"head": {"serial": "=1+1"}}, "serial_invalid"),
        ({"head": {"serial": "-"}}, "serial_invalid"),
        ({"head": {"point_id": uuid4()}}, "not_at_this_point"),
        ({"head": {"surveyor_id": uuid4()}}, "not_at_this_point"),
        ({"head": {"round": 2}}, "sheet_unknown"),
        ({"head": {"round": 3}}, "sheet_unknown"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(
    office: Any, field: Any, changes: dict[str, Any], refusal: str
) -> None:
    with raises_code(refusal):
        office.key(office.sun, **changes)
    assert _counts(field) == (0, 0, 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"client_uuid": uuid5(uuid4(), "import")},
        {"unknown": 1},
        {"seconds": float("nan")},
        {"strokes": -1},
        {"head": {"round": 4}},
        {"head": {"serial": "9" * 41}},
        {"head": {"interview_on": "yesterday"}},
        {"answers": []},
        {"missing": "quality"},
    ],
)
def test_a_malformed_envelope_is_no_keying(office: Any, changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        office.keying(**changes)


def _problems(office: Any, answers: dict[str, Any], **changes: Any) -> dict[str, str]:
    with pytest.raises(InvalidAnswersError) as caught:
        office.key(office.wang, answers=answers, **changes)
    return {problem.item: problem.code for problem in caught.value.problems}


def test_the_questionnaire_has_the_last_word(office: Any, field: Any, changed: Changed) -> None:
    assert _problems(office, changed(quality=11)) == {"quality": "range"}
    assert _problems(office, changed(birth_year=1800)) == {"birth_year": "constraint"}
    assert _problems(office, changed(complained="yes")) == {"channel": "required"}
    assert _problems(office, changed(gender="both")) == {"gender": "choice"}
    assert _counts(field) == (0, 0, 0)


def test_answers_off_the_route_are_dropped_and_counted(
    office: Any, field: Any, changed: Changed
) -> None:
    office.key_twice(0)
    office.key(office.wang, answers=changed(channel="shop"))
    response, revision = _stored(field)
    assert response.dropped_answers == 1
    assert "channel" not in revision.answers


def test_a_question_left_blank_on_paper_is_asked_and_open(
    office: Any, field: Any, changed: Changed
) -> None:
    office.key_twice(0)
    answers = changed(quality=None)
    assert _problems(office, answers) == {"quality": "required"}
    assert _problems(office, answers, missing=["service"]) == {"quality": "required"}
    office.key(office.wang, answers=answers, missing=["quality"])
    assert _stored(field)[1].answers["quality"] is None


def test_without_what_decides_on_the_interview_there_is_none(
    office: Any, field: Any, changed: Changed
) -> None:
    for name in ("consent", "lived_6m"):
        problems = _problems(office, changed(**{name: None}), missing=[name])
        assert problems == {name: "decisive"}


def test_an_interview_that_ended_early_is_kept_as_such(office: Any, field: Any) -> None:
    office.key_twice(0)
    office.key(office.wang, answers={"consent": "yes", "lived_6m": "no"})
    assert _stored(field)[0].status is Status.SCREENED_OUT
    assert _counts(field)[2] == 0


def test_a_verdict_decides_on_nothing_else(office: Any, field: Any, changed: Changed) -> None:
    office.key_twice()
    office.key(office.wang)
    office.key(office.chen, round_=2, answers=changed(quality=3))
    with raises_code("verdict_strays"):
        office.key(office.boss, round_=3, answers=changed(service=1))
    with raises_code("verdict_strays"):
        office.key(office.boss, round_=3, head={"interview_on": date(2026, 5, 18)})
    other = changed(quality=5)
    assert office.key(office.boss, round_=3, answers=other).state is SheetState.SETTLED
    assert _stored(field)[1].answers["quality"] == 5, "both may be wrong"


def test_what_is_not_settled_is_counted_for_the_supervisor_of_the_area(
    office: Any, field: Any, changed: Changed
) -> None:
    office.key_twice()
    for serial in ("1", "2", "3"):
        office.key(office.wang, serial)
    office.key(office.chen, "1", 2)
    office.key(office.chen, "2", 2, answers=changed(quality=3))
    elsewhere = replace(office.boss, area="310000")
    with read_scope(field.url) as session:
        here, there = (
            count_unsettled(work_of(session, person), wave_key=field.wave.key)
            for person in (office.boss, elsewhere)
        )
        with pytest.raises(AccessDeniedError):
            count_unsettled(work_of(session, office.wang), wave_key=field.wave.key)
    assert here == {SheetState.SECOND: 1, SheetState.VERDICT: 1}
    assert there == {SheetState.SECOND: 0, SheetState.VERDICT: 0}


def test_only_those_whose_work_it_is(office: Any, field: Any) -> None:
    office.key_twice()
    for person in (field.surveyor, office.boss, office.elsewhere):
        with pytest.raises(AccessDeniedError):
            office.hand_in(office.keying(), person)
    with read_scope(field.url) as session, pytest.raises(AccessDeniedError):
        store_in_session(session, office.keying(), None, Settings())
    office.key(office.wang)
    with pytest.raises(AccessDeniedError):
        office.key(office.elsewhere, round_=2)
    with read_scope(field.url) as session, pytest.raises(AccessDeniedError):
        list_awaiting_second(work_of(session, office.boss))
    with read_scope(field.url) as session, pytest.raises(AccessDeniedError):
        count_own_keyings(work_of(session, field.surveyor, field.now))


def test_a_conflict_is_open_to_a_third_person_of_the_area_only(
    office: Any, field: Any, changed: Changed
) -> None:
    office.key_twice()
    office.key(office.wang)
    office.key(office.chen, round_=2, answers=changed(quality=3))
    with read_scope(field.url) as session:
        sheet = session.exec(select(PaperSheet)).one()
        for person in (office.wang, office.chen, office.elsewhere):
            with pytest.raises(SheetNotFoundError):
                get_conflict(work_of(session, person), sheet_id=sheet.id)
        with pytest.raises(AccessDeniedError):
            get_conflict(work_of(session, field.surveyor), sheet_id=sheet.id)


def test_the_share_is_an_administrators_decision_and_on_record(office: Any, field: Any) -> None:
    for person, share, refusal in (
        (office.wang, 0.5, AccessDeniedError.code),
        (office.boss, 0.5, AccessDeniedError.code),
        (OPERATOR, 1.5, "share_invalid"),
        (OPERATOR, float("nan"), "share_invalid"),
    ):
        with raises_code(refusal), session_scope(field.url) as session:
            set_share(work_of(session, person, field.now), wave_key=field.wave.key, share=share)
    office.key_twice(0.25)
    with read_scope(field.url) as session:
        entry = session.exec(
            select(AuditEntry).where(AuditEntry.action == "paper.share_changed")
        ).one()
    assert entry.detail == {"by": "operator", "from": 0.10, "to": 0.25}


def test_own_work_of_the_day_is_counted(office: Any, field: Any) -> None:
    office.key_twice(0)
    for serial, seconds in (("1", 40.0), ("2", 60.0), ("3", None)):
        office.key(office.wang, serial, seconds=seconds)
    with read_scope(field.url) as session:
        count = count_own_keyings(work_of(session, office.wang, field.now))
        tomorrow = count_own_keyings(work_of(session, office.wang, field.now + timedelta(days=1)))
    assert (count.sheets, count.seconds) == (3, 60.0)
    assert (tomorrow.sheets, tomorrow.seconds) == (0, None)
