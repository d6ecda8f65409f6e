"""Responses move only along the table of moves, by whom it names, with a reason where it asks."""

from itertools import product
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from sqlmodel import col, select

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import NATION, Action, Role
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.review.decisions import preview_bulk_decision
from survey.review.review_queue import ReviewFilter
from survey.store.engine import read_scope, session_scope
from survey.store.tables import (
    Account,
    AuditEntry,
    Mode,
    QuotaCell,
    Response,
    Status,
    Wave,
    WaveState,
    new_id,
)
from survey.waves.lifecycle import TRANSITIONS, ResponseNotFoundError, transition, transition_many
from survey.waves.quotas import COUNTED_STATUSES, list_cells
from tests.error_codes import raises_code
from tests.work_of import work_of


@pytest.fixture
def supervisor() -> Principal:
    return Principal(uuid4(), "Sun", Role.SUPERVISOR, "110000")


def _store(field: Any, status: Status = Status.SUBMITTED) -> UUID:
    with session_scope(field.url) as session:
        cell = list_cells(session=session, wave_id=field.wave.id, city_code="110000")[0]
        interview = FinishedResponse(
            client_uuid=uuid4(),
            city_code="110000",
            mode=Mode.ASSISTED,
            status=status,
            submitted_at=field.now,
            answers={},
            quota_cell_id=cell.id,
            surveyor_id=field.surveyor.account_id,
        )
        write_responses(work_of(session, OPERATOR, field.now), wave=field.wave, rows=[interview])
    return interview.id


def _move(
    field: Any,
    principal: Principal,
    response_id: UUID,
    to: Status,
    *,
    version: int = 1,
    reason: str = "because",
) -> int:
    with session_scope(field.url) as session:
        return transition(
            work_of(session, principal, field.now),
            response_id=response_id,
            to=to,
            reason=reason,
            expected_version=version,
        )


def _response(field: Any, response_id: UUID) -> Response:
    with read_scope(field.url) as session:
        return session.get_one(Response, response_id)


def _collected(field: Any) -> int:
    with read_scope(field.url) as session:
        return sum(session.exec(select(QuotaCell.collected)))


def _who_may(action: Action, field: Any, supervisor: Principal) -> Principal:
    by_action = {
        Action.REVIEW: supervisor,
        Action.APPROVE_FINALLY: OPERATOR,
        Action.ADMINISTER: OPERATOR,
        Action.INTERVIEW: field.surveyor,
    }  # fmt: skip
    return by_action[action]


@pytest.fixture
def known_supervisor(field: Any, supervisor: Principal) -> Principal:
    with session_scope(field.url) as session:
        session.add(
            Account(
                id=supervisor.account_id, login="sun", name="Sun", role="supervisor", area="110000"
            )
        )
    return supervisor


def test_every_pair_of_states_is_allowed_or_forbidden_as_the_table_says(
    field: Any, known_supervisor: Principal
) -> None:
    for start, to in product(Status, Status):
        response_id, rule_ = _store(field, start), TRANSITIONS.get((start, to))
        if rule_ is None:
            with raises_code("move_forbidden"):
                _move(field, known_supervisor, response_id, to)
            assert _response(field, response_id).status is start
        else:
            assert _move(field, _who_may(rule_.action, field, known_supervisor), response_id, to)
            moved = _response(field, response_id)
            assert (moved.status, moved.lock_version, moved.reason) == (to, 2, "because")


def _freeze(field: Any, *more: WaveState) -> None:
    with session_scope(field.url) as session:
        wave = session.get_one(Wave, field.wave.id)
        for state in (WaveState.CLOSED, WaveState.FROZEN, *more):
            wave.state = state
            session.add(wave)
            session.flush()


@pytest.mark.parametrize("later", [(), (WaveState.RELEASED,)], ids=["frozen", "released"])
def test_nothing_moves_once_the_figures_of_the_wave_are_computed(
    field: Any, supervisor: Principal, later: tuple[WaveState, ...]
) -> None:
    stored = {pair: _store(field, pair[0]) for pair in TRANSITIONS}
    _freeze(field, *later)
    counted = _collected(field)
    for (start, to), response_id in stored.items():
        person = _who_may(TRANSITIONS[start, to].action, field, supervisor)
        with raises_code("move_forbidden", "stay as they are"):
            _move(field, person, response_id, to)
        assert _response(field, response_id).status is start
    assert _collected(field) == counted


def test_many_do_not_move_either_and_who_has_no_right_learns_nothing(
    field: Any, supervisor: Principal
) -> None:
    _store(field), _store(field)
    _freeze(field)
    chosen = ReviewFilter(field.wave.id)
    with read_scope(field.url) as session, raises_code("move_forbidden"):
        preview_bulk_decision(work_of(session, OPERATOR), chosen=chosen, to=Status.VOID)
    rows = select(
        Response.id, Response.wave_id, Response.status, Response.city_code, Response.surveyor_id
    )
    with session_scope(field.url) as session:
        responses = session.connection().execute(rows).all()
        for person, refusal in (
            (supervisor, "move_forbidden"),
            (Principal(uuid4(), "x", Role.SUPERVISOR, "310000"), AccessDeniedError.code),
        ):
            with raises_code(refusal):
                transition_many(
                    work_of(session, person, field.now),
                    rows=responses,
                    to=Status.VOID,
                    reason="because",
                )


def test_frozen_and_side_exits_lead_nowhere() -> None:
    for state in (Status.FROZEN, Status.SCREENED_OUT, Status.REFUSED, Status.QUOTA_FULL):
        assert not [to for start, to in TRANSITIONS if start is state]


def test_a_move_is_on_the_record_with_who_and_why(field: Any, known_supervisor: Principal) -> None:
    response_id = _store(field)
    _move(field, known_supervisor, response_id, Status.RETURNED, reason="  too fast ")
    with read_scope(field.url) as session:
        entry = session.exec(select(AuditEntry).order_by(col(AuditEntry.id).desc())).first()
    assert entry is not None
    assert (entry.action, entry.actor_id) == ("response.returned", known_supervisor.account_id)
    assert entry.detail == {"from": "submitted", "to": "returned", "reason": "too fast"}
    assert entry.subject_id == str(response_id)


def test_sending_back_and_voiding_need_a_reason(field: Any, supervisor: Principal) -> None:
    response_id = _store(field)
    for to in (Status.RETURNED, Status.VOID):
        for reason in ("", "   \n"):
            with raises_code("reason_missing"):
                _move(field, supervisor, response_id, to, reason=reason)


def test_the_second_reviewer_sees_that_something_changed(
    field: Any, known_supervisor: Principal
) -> None:
    response_id = _store(field)
    _move(field, known_supervisor, response_id, Status.CITY_APPROVED)
    with raises_code("response_changed"):
        _move(field, OPERATOR, response_id, Status.APPROVED, version=1)
    assert _move(field, OPERATOR, response_id, Status.APPROVED, version=2) == 3


def test_nobody_moves_what_is_not_theirs_to_move(field: Any, supervisor: Principal) -> None:
    submitted, returned = _store(field), _store(field, Status.RETURNED)
    elsewhere = Principal(uuid4(), "x", Role.SUPERVISOR, "310000")
    official = Principal(uuid4(), "x", Role.CITY_OFFICIAL, "110000")
    twin = Principal(uuid4(), "x", Role.SURVEYOR, "110000")
    for principal, response_id, to in (
        (elsewhere, submitted, Status.CITY_APPROVED),
        (official, submitted, Status.CITY_APPROVED),
        (field.surveyor, submitted, Status.CITY_APPROVED),
        (supervisor, _store(field, Status.CITY_APPROVED), Status.APPROVED),
        (supervisor, returned, Status.SUBMITTED),
        (twin, returned, Status.SUBMITTED),
        (field.surveyor, _store(field, Status.FROZEN), Status.SUBMITTED),
    ):
        with pytest.raises(AccessDeniedError):
            _move(field, principal, response_id, to)


def test_an_interview_that_is_not_there_cannot_be_moved(field: Any, supervisor: Principal) -> None:
    with pytest.raises(ResponseNotFoundError):
        _move(field, supervisor, new_id(), Status.VOID)


def test_quota_counts_follow_any_walk_through_the_states(
    field: Any, known_supervisor: Principal
) -> None:
    """However an interview wanders, its cell counts it exactly while its state counts."""

    class Walk(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.others = _collected(field)
            self.response_id, self.version = _store(field), 1

        @rule(to=st.sampled_from(Status))
        def step(self, to: Status) -> None:
            start = _response(field, self.response_id).status
            allowed = TRANSITIONS.get((start, to))
            if allowed is not None:
                principal = _who_may(allowed.action, field, known_supervisor)
                self.version = _move(field, principal, self.response_id, to, version=self.version)
            here = _response(field, self.response_id).status
            assert _collected(field) == self.others + (here in COUNTED_STATUSES)

    run_state_machine_as_test(
        Walk,
        settings=settings(
            max_examples=8,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_an_administrator_of_the_nation_may_do_what_the_association_does(field: Any) -> None:
    principal = Principal(field.surveyor.account_id, "x", Role.ADMINISTRATOR, NATION)
    response_id = _store(field, Status.CITY_APPROVED)
    assert _move(field, principal, response_id, Status.APPROVED) == 2
