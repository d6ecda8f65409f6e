"""Entering what somebody said: who may, what is stored, what it is compared with."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import col, select

from survey.access.principal import AccessDeniedError, Principal
from survey.access.roles import Role
from survey.collection.submission import InvalidAnswersError
from survey.review.back_check.call_list import (
    BackCheckNotFoundError,
    CallAttempt,
    get_call,
    list_calls,
    receipt_code,
    record_attempt,
)
from survey.store.engine import read_scope, session_scope
from survey.store.tables import AuditEntry, BackCheck, Channel, Outcome, Status
from survey.waves.lifecycle import transition
from tests.error_codes import raises_code
from tests.work_of import work_of

Store = Callable[..., list[UUID]]
Person = Callable[[Role, str], Principal]
DrawAll = Callable[..., UUID]
SAME: dict[str, Any] = {
    "asked_where": "compound", "asked_how": "assisted", "asked_minutes": 10, "lived_6m": "yes",
    "birth_year": 1990, "gender": "female",
}  # fmt: skip


def _calls(field: Any, principal: Principal) -> list[Any]:
    with read_scope(field.url) as session:
        return list_calls(work_of(session, principal), wave_id=field.wave.id)


def _enter(
    field: Any,
    principal: Principal,
    check_id: UUID,
    outcome: Outcome = Outcome.REACHED,
    *,
    version: int = 1,
    **answers: Any,
) -> Outcome:
    with session_scope(field.url) as session:
        return record_attempt(
            work_of(session, principal, field.now),
            check_id=check_id,
            expected_version=version,
            attempt=CallAttempt(outcome, Channel.PHONE, answers, "  a  note "),
        )


def _row(field: Any, check_id: UUID) -> BackCheck:
    with read_scope(field.url) as session:
        return session.get_one(BackCheck, check_id)


def test_the_list_holds_no_answer_and_names_the_interview_by_its_receipt(
    checked: Any, store: Store, draw_all: DrawAll, supervisor: Principal
) -> None:
    (response_id,) = store(1)
    draw_all(supervisor)
    (call,) = _calls(checked, supervisor)
    assert call.code == receipt_code(response_id) == response_id.hex[-8:].upper()
    assert (call.point_name, call.surveyor) == ("110000-u-01", "Li")
    assert call.interviewed_at == checked.now
    assert "1990" not in str(call)


def test_a_short_interview_is_stored_with_the_revision_it_is_compared_with(
    checked: Any, store: Store, draw_all: DrawAll, supervisor: Principal
) -> None:
    store(1)
    draw_all(supervisor)
    (call,) = _calls(checked, supervisor)
    assert _enter(checked, supervisor, call.id, **SAME) is Outcome.REACHED
    row = _row(checked, call.id)
    assert row.answers == {"was_interviewed": "yes", **SAME}
    assert (row.outcome, row.attempts, row.revision, row.note) == (Outcome.REACHED, 1, 1, "a note")
    assert (row.checked_by, row.checked_at) == (supervisor.account_id, checked.now)
    assert _calls(checked, supervisor) == []
    with read_scope(checked.url) as session:
        entry = session.exec(
            select(AuditEntry).where(AuditEntry.action == "back_check.reached")
        ).one()
    assert (entry.subject_id, entry.actor_id) == (str(call.id), supervisor.account_id)
    assert "1990" not in str(entry.detail), "answers do not belong into the trail"


def test_not_reached_stays_on_the_list_behind_those_who_were_not_tried(
    checked: Any, store: Store, draw_all: DrawAll, supervisor: Principal
) -> None:
    store(2)
    draw_all(supervisor)
    first, second = _calls(checked, supervisor)
    _enter(checked, supervisor, first.id, Outcome.NOT_REACHED)
    assert [call.id for call in _calls(checked, supervisor)] == [second.id, first.id]
    _enter(checked, supervisor, first.id, Outcome.REFUSED, version=2)
    assert [call.id for call in _calls(checked, supervisor)] == [second.id]
    row = _row(checked, first.id)
    assert (row.outcome, row.attempts, row.answers) == (Outcome.REFUSED, 2, {})


def test_whoever_says_no_to_the_first_question_was_never_interviewed(
    checked: Any, store: Store, draw_all: DrawAll, supervisor: Principal
) -> None:
    store(2)
    draw_all(supervisor)
    first, second = _calls(checked, supervisor)
    outcome = _enter(checked, supervisor, first.id, was_interviewed="no", gender="female")
    assert outcome is Outcome.NEVER_INTERVIEWED
    _enter(checked, supervisor, second.id, Outcome.NEVER_INTERVIEWED, gender="male")
    for call in (first, second):
        assert _row(checked, call.id).answers == {"was_interviewed": "no"}


def test_nobody_checks_an_interview_of_their_own(
    checked: Any, store: Store, draw_all: DrawAll, person: Person, association: Principal
) -> None:
    """Also not a surveyor who became a supervisor since."""
    promoted = person(Role.SUPERVISOR, "110000")
    store(1, surveyor_id=promoted.account_id)
    store(1)
    draw_all(association)
    mine = next(
        call for call in _calls(checked, association) if call.surveyor_id == promoted.account_id
    )
    assert mine.id not in {call.id for call in _calls(checked, promoted)}
    with pytest.raises(AccessDeniedError, match="made this interview yourself"):
        _enter(checked, promoted, mine.id, **SAME)
    assert _row(checked, mine.id).outcome is None
    _enter(checked, association, mine.id, **SAME)


def test_another_city_is_not_there_and_other_roles_are_refused(
    checked: Any, store: Store, draw_all: DrawAll, person: Person, supervisor: Principal
) -> None:
    store(1)
    draw_all(supervisor)
    (call,) = _calls(checked, supervisor)
    elsewhere = person(Role.SUPERVISOR, "310000")
    assert _calls(checked, elsewhere) == []
    with pytest.raises(BackCheckNotFoundError):
        _enter(checked, elsewhere, call.id, **SAME)
    with read_scope(checked.url) as session, pytest.raises(BackCheckNotFoundError):
        get_call(work_of(session, elsewhere), check_id=call.id)
    for role in (Role.SURVEYOR, Role.TYPIST, Role.CITY_OFFICIAL, Role.ANALYST):
        with pytest.raises(AccessDeniedError):
            _enter(checked, person(role, "110000"), call.id, **SAME)


def test_the_second_checker_is_told(
    checked: Any, store: Store, draw_all: DrawAll, supervisor: Principal, association: Principal
) -> None:
    store(1)
    draw_all(supervisor)
    (call,) = _calls(checked, supervisor)
    _enter(checked, supervisor, call.id, Outcome.NOT_REACHED)
    with raises_code("back_check_changed"):
        _enter(checked, association, call.id, **SAME)


def test_a_slip_is_mended_and_a_conversation_cannot_be_undone(
    checked: Any, store: Store, draw_all: DrawAll, supervisor: Principal
) -> None:
    store(1)
    draw_all(supervisor)
    (call,) = _calls(checked, supervisor)
    _enter(checked, supervisor, call.id, **{**SAME, "birth_year": 1909})
    _enter(checked, supervisor, call.id, version=2, **SAME)
    assert _row(checked, call.id).answers["birth_year"] == 1990
    with read_scope(checked.url) as session:
        entry = session.exec(
            select(AuditEntry)
            .where(AuditEntry.subject_kind == "back_check")
            .order_by(col(AuditEntry.id).desc())
        ).first()
    assert entry is not None
    assert entry.detail["mended"] == ["birth_year"]
    with raises_code("outcome_impossible"):
        _enter(checked, supervisor, call.id, Outcome.NOT_REACHED, version=3)


@pytest.mark.parametrize(
    "answers",
    [
        {"gender": "robot"},
        {"birth_year": 3000},
        {"asked_minutes": -1},
        {"overall": 11},
        {"asked_where": "<script>"},
        {"birth_year": "=1+1"},
        {"was_interviewed": []},
    ],
)
def test_answers_that_no_question_takes_are_refused(
    checked: Any, store: Store, draw_all: DrawAll, supervisor: Principal, answers: dict[str, Any]
) -> None:
    store(1)
    draw_all(supervisor)
    (call,) = _calls(checked, supervisor)
    with pytest.raises(InvalidAnswersError):
        _enter(checked, supervisor, call.id, **{**SAME, **answers})
    assert _row(checked, call.id).outcome is None


def test_reached_without_an_answer_is_no_back_check(
    checked: Any, store: Store, draw_all: DrawAll, supervisor: Principal
) -> None:
    store(1)
    draw_all(supervisor)
    (call,) = _calls(checked, supervisor)
    with raises_code("outcome_impossible"):
        _enter(checked, supervisor, call.id)


def test_what_was_taken_out_since_need_not_be_called(
    checked: Any, store: Store, draw_all: DrawAll, supervisor: Principal
) -> None:
    response_id, other = store(2)
    draw_all(supervisor)
    with session_scope(checked.url) as session:
        transition(
            work_of(session, supervisor, checked.now),
            response_id=response_id,
            to=Status.VOID,
            reason="trial",
            expected_version=1,
        )
    assert [call.response_id for call in _calls(checked, supervisor)] == [other]
