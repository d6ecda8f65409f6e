"""Two approvals are two people, one by one and many at once, unless the wave says otherwise."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import select

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import NATION, Role
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.review.decisions import decide_many, preview_bulk_decision
from survey.review.response_detail import get_response_detail
from survey.review.review_queue import ReviewFilter
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Account, AuditEntry, Mode, Response, Status
from survey.waves.dual_approval import SecondApproverRequiredError, set_single_approval
from survey.waves.lifecycle import ResponseNotFoundError, transition, transition_many
from tests.work_of import work_of


def _hire(field: Any, role: Role, area: str, name: str) -> Principal:
    row = Account(login=f"{role}-{uuid4()}", name=name, role=role, area=area)
    with session_scope(field.url) as session:
        session.add(row)
    return Principal(row.id, row.name, role, area)


def _administrator(field: Any) -> Principal:
    return _hire(field, Role.ADMINISTRATOR, NATION, "Qian")


def _store(field: Any, *statuses: Status) -> list[UUID]:
    rows = [
        FinishedResponse(
            client_uuid=uuid4(),
            city_code="110000",
            mode=Mode.ASSISTED,
            status=status,
            submitted_at=field.now,
            answers=field.complete,
            surveyor_id=field.surveyor.account_id,
        )
        for status in statuses
    ]
    with session_scope(field.url) as session:
        write_responses(work_of(session, OPERATOR, field.now), wave=field.wave, rows=rows)
    return [row.id for row in rows]


def _move(
    field: Any, principal: Principal, response_id: UUID, to: Status, version: int, reason: str = "x"
) -> int:
    with session_scope(field.url) as session:
        return transition(
            work_of(session, principal, field.now),
            response_id=response_id,
            to=to,
            reason=reason,
            expected_version=version,
        )


def _status(field: Any, response_id: UUID) -> Status:
    with read_scope(field.url) as session:
        return session.get_one(Response, response_id).status


def test_whoever_approved_for_the_city_does_not_approve_for_good(field: Any) -> None:
    first, second = _administrator(field), _administrator(field)
    (response_id,) = _store(field, Status.SUBMITTED)
    _move(field, first, response_id, Status.CITY_APPROVED, 1)
    with pytest.raises(SecondApproverRequiredError, match="another person"):
        _move(field, first, response_id, Status.APPROVED, 2)
    assert _status(field, response_id) is Status.CITY_APPROVED
    with read_scope(field.url) as session:
        mine = get_response_detail(work_of(session, first), response_id=response_id)
        theirs = get_response_detail(work_of(session, second), response_id=response_id)
    assert (mine.needs_another, theirs.needs_another) == (True, False)
    _move(field, second, response_id, Status.APPROVED, 2)


def test_both_approvals_in_one_transaction_are_still_one_person(field: Any) -> None:
    """The first one's entry is not written yet when the second is asked for."""
    first = _administrator(field)
    (response_id,) = _store(field, Status.SUBMITTED)
    with session_scope(field.url) as session:
        version = transition(
            work_of(session, first, field.now),
            response_id=response_id,
            to=Status.CITY_APPROVED,
            reason="",
            expected_version=1,
        )
        with pytest.raises(SecondApproverRequiredError):
            transition(
                work_of(session, first, field.now),
                response_id=response_id,
                to=Status.APPROVED,
                reason="",
                expected_version=version,
            )


def test_the_operator_of_the_server_is_one_person_too(field: Any) -> None:
    (response_id,) = _store(field, Status.SUBMITTED)
    _move(field, OPERATOR, response_id, Status.CITY_APPROVED, 1)
    with pytest.raises(SecondApproverRequiredError):
        _move(field, OPERATOR, response_id, Status.APPROVED, 2)


def test_the_last_of_several_first_approvals_counts(field: Any) -> None:
    """Sent back and approved by somebody else since: the earlier one is free to decide."""
    first, second = _administrator(field), _administrator(field)
    (response_id,) = _store(field, Status.SUBMITTED)
    _move(field, first, response_id, Status.CITY_APPROVED, 1)
    _move(field, second, response_id, Status.VOID, 2)
    _move(field, second, response_id, Status.SUBMITTED, 3)
    _move(field, second, response_id, Status.CITY_APPROVED, 4)
    with pytest.raises(SecondApproverRequiredError):
        _move(field, second, response_id, Status.APPROVED, 5)
    _move(field, first, response_id, Status.APPROVED, 5)


def test_the_same_person_may_still_send_back_or_take_out(field: Any) -> None:
    first = _administrator(field)
    for to in (Status.RETURNED, Status.VOID):
        (response_id,) = _store(field, Status.SUBMITTED)
        _move(field, first, response_id, Status.CITY_APPROVED, 1)
        _move(field, first, response_id, to, 2)


def test_many_at_once_leave_the_own_ones_to_another_person(field: Any) -> None:
    first, second = _administrator(field), _administrator(field)
    mine, theirs, nobodys = _store(field, Status.SUBMITTED, Status.SUBMITTED, Status.CITY_APPROVED)
    _move(field, first, mine, Status.CITY_APPROVED, 1)
    _move(field, second, theirs, Status.CITY_APPROVED, 1)
    chosen = ReviewFilter(field.wave.id, Status.CITY_APPROVED)
    with session_scope(field.url) as session:
        seen = preview_bulk_decision(work_of(session, first), chosen=chosen, to=Status.APPROVED)
        assert (seen.total, seen.self_approved) == (2, 1)
        decide_many(work_of(session, first, field.now), chosen=chosen, seen=seen, reason=None)
    assert [_status(field, response_id) for response_id in (mine, theirs, nobodys)] == [
        Status.CITY_APPROVED,
        Status.APPROVED,
        Status.APPROVED,
    ]
    with session_scope(field.url) as session:
        row = (
            session.connection()
            .execute(
                select(
                    Response.id,
                    Response.status,
                    Response.wave_id,
                    Response.city_code,
                    Response.surveyor_id,
                    Response.quota_cell_id,
                ).where(Response.id == mine)
            )
            .one()
        )
        with pytest.raises(SecondApproverRequiredError):
            transition_many(
                work_of(session, first, field.now), rows=[row], to=Status.APPROVED, reason=""
            )


def test_a_small_wave_may_allow_one_person_and_take_it_back(field: Any) -> None:
    first = _administrator(field)
    response_id, other = _store(field, Status.SUBMITTED, Status.SUBMITTED)
    for each in (response_id, other):
        _move(field, first, each, Status.CITY_APPROVED, 1)

    def allow(principal: Principal, allowed: bool) -> None:
        with session_scope(field.url) as session:
            set_single_approval(
                work_of(session, principal, field.now), wave_key=field.wave.key, allowed=allowed
            )

    with pytest.raises(AccessDeniedError):
        allow(Principal(uuid4(), "x", Role.SUPERVISOR, NATION), True)
    allow(first, True)
    _move(field, first, response_id, Status.APPROVED, 2)
    allow(first, False)
    with pytest.raises(SecondApproverRequiredError):
        _move(field, first, other, Status.APPROVED, 2)
    with read_scope(field.url) as session:
        entries = session.exec(
            select(AuditEntry).where(AuditEntry.action == "wave.one_person_review")
        ).all()
    assert [entry.detail["allowed"] for entry in entries] == [True, False]


def test_a_final_reviewer_gives_the_second_approval_and_administers_nothing(field: Any) -> None:
    supervisor = _hire(field, Role.SUPERVISOR, "110000", "Sun")
    final = _hire(field, Role.FINAL_REVIEWER, "11", "Wu")
    elsewhere = _hire(field, Role.FINAL_REVIEWER, "310000", "Zheng")
    (response_id,) = _store(field, Status.SUBMITTED)
    _move(field, supervisor, response_id, Status.CITY_APPROVED, 1)
    for person in (supervisor, elsewhere):
        with pytest.raises((AccessDeniedError, ResponseNotFoundError)):
            _move(field, person, response_id, Status.APPROVED, 2)
    _move(field, final, response_id, Status.APPROVED, 2)
    assert _status(field, response_id) is Status.APPROVED
    with session_scope(field.url) as session, pytest.raises(AccessDeniedError):
        set_single_approval(
            work_of(session, final, field.now), wave_key=field.wave.key, allowed=True
        )


def test_a_final_reviewer_is_one_of_two_people_as_well(field: Any) -> None:
    final = _hire(field, Role.FINAL_REVIEWER, "110000", "Wu")
    (response_id,) = _store(field, Status.SUBMITTED)
    _move(field, final, response_id, Status.CITY_APPROVED, 1)
    with pytest.raises(SecondApproverRequiredError):
        _move(field, final, response_id, Status.APPROVED, 2)


def test_an_interview_that_waits_names_who_can_give_the_second_approval(field: Any) -> None:
    supervisor = _hire(field, Role.SUPERVISOR, "110000", "Sun")
    (response_id,) = _store(field, Status.SUBMITTED)

    def awaited(person: Principal) -> tuple[str, ...] | None:
        with read_scope(field.url) as session:
            return get_response_detail(
                work_of(session, person), response_id=response_id
            ).second_approvers

    assert awaited(supervisor) is None
    _move(field, supervisor, response_id, Status.CITY_APPROVED, 1)
    assert awaited(supervisor) == ()
    final = _hire(field, Role.FINAL_REVIEWER, "11", "Wu")
    _hire(field, Role.FINAL_REVIEWER, "310000", "Zheng")
    _administrator(field)
    assert awaited(supervisor) == ("Qian", "Wu")
    assert awaited(final) is None
