"""A decision can be taken back by whoever made it; nothing of it leaves the audit trail."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from survey.access.audit_queries import TrailFilter, read_trail
from survey.access.audit_verify import verify
from survey.access.principal import OPERATOR, Principal
from survey.access.roles import NATION, Role
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.review.decisions import decide, decide_many, preview_bulk_decision
from survey.review.response_detail import get_response_detail
from survey.review.review_queue import ReviewFilter
from survey.review.undo import UNDO_WINDOW, UndoNotPossibleError, undo_decision
from survey.store.engine import engine_for, read_scope, session_scope
from survey.store.tables import (
    Account,
    AuditEntry,
    AuditMember,
    Mode,
    QuotaCell,
    Response,
    ResponseFlag,
    Status,
)
from survey.waves.dual_approval import find_self_approved
from survey.waves.quotas import list_cells
from survey.waves.review_reasons import ReasonCode, ReviewReason
from tests.work_of import work_of

WHY = ReviewReason(ReasonCode.OTHER, "a mistake")


@pytest.fixture
def hire(field: Any) -> Any:
    def account(role: Role, area: str) -> Principal:
        row = Account(login=f"{role}-{uuid4()}", name=role, role=role, area=area)
        with session_scope(field.url) as session:
            session.add(row)
        return Principal(row.id, row.name, role, area)

    return account


@pytest.fixture
def supervisor(hire: Any) -> Principal:
    person: Principal = hire(Role.SUPERVISOR, "110000")
    return person


@pytest.fixture
def association(hire: Any) -> Principal:
    person: Principal = hire(Role.ADMINISTRATOR, NATION)
    return person


def store(field: Any, *statuses: Status) -> list[UUID]:
    with session_scope(field.url) as session:
        cell = list_cells(session=session, wave_id=field.wave.id, city_code="110000")[0]
        rows = [
            FinishedResponse(
                client_uuid=uuid4(),
                city_code="110000",
                mode=Mode.ASSISTED,
                status=status,
                submitted_at=field.now,
                answers=dict(field.complete, age=36),
                started_at=field.now,
                quota_cell_id=cell.id,
                surveyor_id=field.surveyor.account_id,
            )
            for status in statuses
        ]
        write_responses(work_of(session, OPERATOR, field.now), wave=field.wave, rows=rows)
    return [row.id for row in rows]


def move(field: Any, person: Principal, response_id: UUID, to: Status) -> None:
    needs = to not in {Status.CITY_APPROVED, Status.APPROVED}
    with session_scope(field.url) as session:
        version = session.get_one(Response, response_id).lock_version
        decide(
            work_of(session, person, field.now),
            response_id=response_id,
            to=to,
            expected_version=version,
            reason=WHY if needs else None,
        )


def move_all(field: Any, person: Principal, to: Status) -> dict[UUID, int]:
    chosen = ReviewFilter(field.wave.id, status=None)
    with session_scope(field.url) as session:
        seen = preview_bulk_decision(work_of(session, person), chosen=chosen, to=to)
        return decide_many(
            work_of(session, person, field.now), chosen=chosen, seen=seen, reason=WHY
        )


def undo(field: Any, person: Principal, *ids: UUID, after: timedelta = timedelta(0)) -> int:
    with session_scope(field.url) as session:
        versions = {one: session.get_one(Response, one).lock_version for one in ids}
        return undo_decision(work_of(session, person, field.now + after), versions=versions)


def statuses(field: Any, *ids: UUID) -> list[Status]:
    with read_scope(field.url) as session:
        return [session.get_one(Response, response_id).status for response_id in ids]


def collected(field: Any) -> int:
    with read_scope(field.url) as session:
        return sum(session.exec(select(QuotaCell.collected)))


def test_a_first_decision_is_undone_until_somebody_decides_anew(
    field: Any, supervisor: Principal, association: Principal
) -> None:
    (one,) = store(field, Status.SUBMITTED)
    for to in (Status.CITY_APPROVED, Status.RETURNED, Status.VOID):
        before = collected(field)
        move(field, supervisor, one, to)
        assert undo(field, supervisor, one, after=timedelta(days=2)) == 1
        assert (statuses(field, one), collected(field)) == ([Status.SUBMITTED], before)
        with pytest.raises(UndoNotPossibleError):
            undo(field, supervisor, one)
    move(field, supervisor, one, Status.CITY_APPROVED)
    with pytest.raises(UndoNotPossibleError):
        undo(field, association, one)
    move(field, association, one, Status.APPROVED)
    with pytest.raises(UndoNotPossibleError):
        undo(field, supervisor, one)


def test_the_association_undoes_its_own_for_a_moment(
    field: Any, supervisor: Principal, association: Principal
) -> None:
    first, second = store(field, Status.SUBMITTED, Status.APPROVED)
    move(field, supervisor, first, Status.CITY_APPROVED)
    move(field, association, first, Status.APPROVED)
    move(field, association, second, Status.VOID)
    late = UNDO_WINDOW + timedelta(seconds=1)
    with pytest.raises(UndoNotPossibleError):
        undo(field, association, first, after=late)
    assert undo(field, association, first, second) == 2
    assert statuses(field, first, second) == [Status.CITY_APPROVED, Status.APPROVED]
    with read_scope(field.url) as session:
        for person, ids in ((supervisor, {first}), (association, set())):
            assert ids == find_self_approved(work_of(session, person), response_ids=[first])


def test_an_approval_is_taken_back_by_any_reviewer_of_the_city_with_a_reason(
    field: Any, supervisor: Principal, hire: Any
) -> None:
    (one,) = store(field, Status.SUBMITTED)
    move(field, supervisor, one, Status.CITY_APPROVED)
    other = hire(Role.SUPERVISOR, "110000")
    move(field, other, one, Status.SUBMITTED)
    assert (statuses(field, one), collected(field)) == ([Status.SUBMITTED], 1)


def test_many_at_once_are_one_entry_that_names_them_and_are_undone_as_one(
    field: Any, supervisor: Principal, association: Principal
) -> None:
    ids = store(field, *[Status.SUBMITTED] * 4, Status.RETURNED)
    with session_scope(field.url) as session:
        session.add(
            ResponseFlag(
                response_id=ids[0],
                kind="speeder",
                strength=1.0,
                detected_at=field.now,
                detector_version="1",
            )
        )
        session.flush()
        chosen = ReviewFilter(field.wave.id, status=None)
        seen = preview_bulk_decision(work_of(session, supervisor), chosen=chosen, to=Status.VOID)
        assert (seen.total, seen.flagged) == (5, 1)
    moved = move_all(field, supervisor, Status.VOID)
    assert set(moved) == set(ids)
    with read_scope(field.url) as session:
        entries = session.exec(
            select(AuditEntry).where(col(AuditEntry.action).like("responses.void"))
        ).all()
        assert [entry.detail["together"] for entry in entries] == [5]
        assert {state: len(named) for state, named in entries[0].detail["members"].items()} == {
            "submitted": 4,
            "returned": 1,
        }
        detail = get_response_detail(work_of(session, supervisor), response_id=ids[4])
        last = detail.history[0]
        assert (last.action, last.detail["from"], last.detail["to"]) == (
            "responses.void",
            "returned",
            "void",
        )
        assert "members" not in last.detail
        assert detail.undoable
        about = TrailFilter(subject=str(ids[0]))
        trail = read_trail(work_of(session, association), choice=about)
        assert "responses.void" in [entry.action for entry in trail]
    assert undo(field, supervisor, *moved) == 5
    assert statuses(field, *ids) == [*[Status.SUBMITTED] * 4, Status.RETURNED]
    assert collected(field) == 5


def test_one_that_somebody_else_has_decided_on_keeps_all_as_they_are(
    field: Any, supervisor: Principal, association: Principal
) -> None:
    ids = store(field, Status.SUBMITTED, Status.SUBMITTED)
    moved = move_all(field, supervisor, Status.CITY_APPROVED)
    move(field, association, ids[0], Status.APPROVED)
    with pytest.raises(UndoNotPossibleError):
        undo(field, supervisor, *moved)
    assert statuses(field, *ids) == [Status.APPROVED, Status.CITY_APPROVED]
    assert undo(field, supervisor, ids[1]) == 1


def test_who_approved_many_for_the_city_does_not_approve_them_for_good(
    field: Any, association: Principal
) -> None:
    ids = store(field, *[Status.SUBMITTED] * 3)
    with session_scope(field.url) as session:
        chosen = ReviewFilter(field.wave.id)
        seen = preview_bulk_decision(
            work_of(session, association), chosen=chosen, to=Status.CITY_APPROVED
        )
        decide_many(work_of(session, association, field.now), chosen=chosen, seen=seen, reason=None)
        # In this very transaction, before the entry is written.
        assert find_self_approved(work_of(session, association), response_ids=ids) == set(ids)
    with read_scope(field.url) as session:
        assert find_self_approved(work_of(session, association), response_ids=ids) == set(ids)


def test_elsewhere_nothing_is_undone(field: Any, supervisor: Principal, hire: Any) -> None:
    (one,) = store(field, Status.SUBMITTED)
    move(field, supervisor, one, Status.VOID)
    with pytest.raises(UndoNotPossibleError):
        undo(field, hire(Role.SUPERVISOR, "310000"), one)


def test_verify_finds_an_index_that_names_others(
    field: Any, supervisor: Principal, association: Principal
) -> None:
    store(field, *[Status.SUBMITTED] * 3)
    move_all(field, supervisor, Status.CITY_APPROVED)
    with read_scope(field.url) as session:
        assert verify(work_of(session, association)).findings == []
    engine = engine_for(field.url)
    with (
        pytest.raises(IntegrityError, match="members of audit entries are only added"),
        engine.begin() as connection,
    ):
        connection.execute(text("DELETE FROM audit_member"))
    with session_scope(field.url) as session:
        entry_id = session.exec(select(AuditMember.entry_id)).first()
        session.add(AuditMember(response_id=uuid4(), entry_id=entry_id))
        session.add(AuditMember(response_id=uuid4(), entry_id=uuid4()))
    with read_scope(field.url) as session:
        report = verify(work_of(session, association))
    found = [finding.text.msgid for finding in report.findings]
    assert found == [
        "The index of members does not name the interviews of this entry.",
        "{count} members belong to no entry about many.",
    ]
