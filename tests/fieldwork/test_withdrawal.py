"""A withdrawn interview keeps nothing of what was said, and nothing brings it back."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, func, select

from survey.access.principal import OPERATOR
from survey.collection.withdrawal import (
    CodeNotFoundError,
    MistypedCodeError,
    WaveFrozenError,
    WithdrawalResult,
    withdraw,
)
from survey.review.decisions import decide, decide_many, preview_bulk_decision
from survey.review.progress.wave_progress import get_progress, list_progress_waves
from survey.review.quality.assessment import assess_wave
from survey.review.response_detail import get_response_detail
from survey.review.review_queue import ReviewFilter
from survey.store.engine import engine_for, read_scope, session_scope
from survey.store.tables import (
    AuditEntry,
    Invitation,
    PaperKeying,
    PaperSheet,
    QuotaCell,
    Response,
    ResponseFlag,
    ResponseRevision,
    ResponseRisk,
    SheetState,
    Status,
    Wave,
    WaveState,
    table_of,
)
from survey.waves.lifecycle import transition
from survey.waves.personal_data import generate_code, hash_code
from survey.waves.review_reasons import ReasonCode, ReviewReason
from survey.waves.waves import close_wave
from tests.error_codes import raises_code
from tests.work_of import work_of

HandIn = Callable[..., tuple[Any, str]]


def take_back(field: Any, typed: str, after: timedelta = timedelta(hours=1)) -> WithdrawalResult:
    with session_scope(field.url) as session:
        return withdraw(session=session, typed=typed, now=field.now + after)


def stored(field: Any, response_id: UUID) -> Response:
    with read_scope(field.url) as session:
        return session.get_one(Response, response_id)


def collected(field: Any) -> int:
    with read_scope(field.url) as session:
        return int(session.exec(select(func.sum(QuotaCell.collected))).one())


def everything_about(session: Session, response_id: UUID) -> str:
    rows: list[Any] = [session.get_one(Response, response_id).model_dump()]
    for table in (ResponseRevision, ResponseFlag, ResponseRisk):
        query = select(table).where(table.response_id == response_id)
        rows += [row.model_dump() for row in session.exec(query)]
    entries = select(AuditEntry).where(AuditEntry.subject_id == str(response_id))
    rows += [entry.model_dump() for entry in session.exec(entries)]
    return repr(rows)


def test_the_code_itself_is_nowhere(field: Any, hand_in: HandIn) -> None:
    receipt, code = hand_in()
    assert stored(field, receipt.response_id).withdrawal_sha256 == hash_code(code)
    with read_scope(field.url) as session:
        assert code not in everything_about(session, receipt.response_id)


def test_withdrawing_deletes_what_was_said_and_gives_the_place_back(
    field: Any, hand_in: HandIn
) -> None:
    receipt, code = hand_in(comment="The lift in the mall is out of order")
    with session_scope(field.url) as session:
        assess_wave(work_of(session, OPERATOR, field.now), wave_key=field.wave.key)
    assert collected(field) == 1
    assert take_back(field, code) == WithdrawalResult(again=False)
    response = stored(field, receipt.response_id)
    assert (response.status, response.reason) == (Status.VOID, "withdrawn")
    assert response.withdrawn_at == field.now + timedelta(hours=1)
    assert (response.quota_cell_id, response.started_at, response.duration_seconds) == (
        None,
        None,
        None,
    )
    assert collected(field) == 0
    with read_scope(field.url) as session:
        revision = session.exec(select(ResponseRevision)).one()
        assert (revision.answers, revision.timings) == ({}, {})
        assert session.exec(select(ResponseRisk)).all() == []
        assert session.exec(select(ResponseFlag)).all() == []
        assert session.exec(select(Invitation)).one().device_sha256 is None
        about = everything_about(session, receipt.response_id)
        for answer in ("lift", "1990", "female", "'quality'"):
            assert answer not in about
        entry = session.exec(
            select(AuditEntry).where(AuditEntry.action == "response.withdrawn")
        ).one()
    assert (entry.actor_id, entry.detail) == (None, {"from": "submitted", "by": "code"})


def test_a_second_time_changes_nothing(field: Any, hand_in: HandIn) -> None:
    receipt, code = hand_in()
    take_back(field, code)
    before = stored(field, receipt.response_id)
    assert take_back(field, code, timedelta(days=2)) == WithdrawalResult(again=True)
    assert stored(field, receipt.response_id) == before
    assert collected(field) == 0


def test_a_late_repeated_send_brings_nothing_back(field: Any, hand_in: HandIn) -> None:
    uuid, code = uuid4(), generate_code()
    first, _ = hand_in(code, uuid)
    take_back(field, code)
    again, _ = hand_in(code, uuid, quality=1)
    assert (again.response_id, again.duplicate) == (first.response_id, True)
    assert again.status is Status.SUBMITTED
    with read_scope(field.url) as session:
        assert session.exec(select(ResponseRevision)).one().answers == {}
        actions = session.exec(select(AuditEntry.action)).all()
    assert "response.replayed_with_other_content" not in actions


@pytest.mark.parametrize(
    ("answers", "status"),
    [({"consent": "no"}, Status.REFUSED), ({"lived_6m": "no"}, Status.SCREENED_OUT)],
)
def test_what_ended_early_keeps_its_ending_and_loses_its_answers(
    field: Any, hand_in: HandIn, answers: dict[str, str], status: Status
) -> None:
    receipt, code = hand_in(**answers)
    take_back(field, code)
    response = stored(field, receipt.response_id)
    assert (response.status, response.withdrawn_at is None) == (status, False)
    with read_scope(field.url) as session:
        assert session.exec(select(ResponseRevision)).one().answers == {}


def test_codes_that_are_none_are_told_apart_from_unknown_ones(field: Any, hand_in: HandIn) -> None:
    _, code = hand_in()
    with pytest.raises(MistypedCodeError):
        take_back(field, code[:-1] + str((int(code[-1]) + 1) % 10))
    with pytest.raises(CodeNotFoundError):
        take_back(field, generate_code())
    assert collected(field) == 1


def test_after_freezing_the_association_has_to_be_asked(field: Any, hand_in: HandIn) -> None:
    counted, code = hand_in()
    _, refused_code = hand_in(consent="no")
    with session_scope(field.url) as session:
        close_wave(work_of(session, OPERATOR, field.now), key=field.wave.key)
        session.get_one(Wave, field.wave.id).state = WaveState.FROZEN
    for each in (code, refused_code):
        with pytest.raises(WaveFrozenError):
            take_back(field, each)
    assert stored(field, counted.response_id).withdrawn_at is None


def test_neither_review_nor_sql_brings_it_back(field: Any, hand_in: HandIn) -> None:
    receipt, code = hand_in()
    take_back(field, code)
    response = stored(field, receipt.response_id)
    with session_scope(field.url) as session, raises_code("move_forbidden"):
        transition(
            work_of(session, OPERATOR, field.now),
            response_id=response.id,
            to=Status.SUBMITTED,
            reason="mistake",
            expected_version=response.lock_version,
        )
    chosen = ReviewFilter(field.wave.id, status=Status.VOID)
    with session_scope(field.url) as session:
        seen = preview_bulk_decision(work_of(session, OPERATOR), chosen=chosen, to=Status.SUBMITTED)
    assert (seen.total, sum(seen.not_allowed.values())) == (0, 1)
    table = table_of(Response)
    for values in ({"status": Status.SUBMITTED}, {"withdrawn_at": None}):
        with (
            pytest.raises(IntegrityError, match="stays withdrawn"),
            engine_for(field.url).begin() as connection,
        ):
            connection.execute(update(table).where(table.c.id == response.id).values(**values))


def test_a_reviewer_withdraws_what_has_no_code(field: Any, hand_in: HandIn) -> None:
    receipt, _ = hand_in()
    reason = ReviewReason(ReasonCode.WITHDRAWN, "asked at the desk")
    chosen = ReviewFilter(field.wave.id)
    with session_scope(field.url) as session:
        seen = preview_bulk_decision(work_of(session, OPERATOR), chosen=chosen, to=Status.VOID)
        with raises_code("one_by_one"):
            decide_many(
                work_of(session, OPERATOR, field.now), chosen=chosen, seen=seen, reason=reason
            )
        version = decide(
            work_of(session, OPERATOR, field.now),
            response_id=receipt.response_id,
            expected_version=1,
            to=Status.VOID,
            reason=reason,
        )
    response = stored(field, receipt.response_id)
    assert (response.lock_version, response.reason, response.withdrawn_at) == (
        version,
        "withdrawn",
        field.now,
    )
    assert collected(field) == 0
    with read_scope(field.url) as session:
        shown = get_response_detail(work_of(session, OPERATOR), response_id=response.id)
    assert {each.answer for part in shown.parts for each in part.answers} <= {None}


def test_what_typists_keyed_of_the_sheet_goes_as_well(field: Any, hand_in: HandIn) -> None:
    receipt, code = hand_in()
    sheet = PaperSheet(
        wave_id=field.wave.id,
        city_code="110000",
        serial="7",
        keyed_twice=False,
        state=SheetState.SETTLED,
        response_id=receipt.response_id,
    )
    keying = PaperKeying(
        sheet_id=sheet.id,
        number=1,
        client_uuid=uuid4(),
        account_id=field.surveyor.account_id,
        point_id=field.point.id,
        surveyor_id=field.surveyor.account_id,
        interview_on=field.now.date(),
        answers=field.complete,
    )
    with session_scope(field.url) as session:
        session.add(sheet)
        session.flush()
        session.add(keying)
    take_back(field, code)
    with read_scope(field.url) as session:
        assert session.exec(select(PaperKeying)).one().answers == {}


def test_progress_counts_it_as_declined_and_not_as_bad_work(field: Any, hand_in: HandIn) -> None:
    hand_in()
    _, code = hand_in()
    take_back(field, code)
    with read_scope(field.url) as session:
        (wave,) = list_progress_waves(work_of(session, OPERATOR))
        progress = get_progress(work_of(session, OPERATOR, field.now), wave=wave, usual_waste=0.05)
    tally = progress.total.tally
    assert (tally.counted, tally.void, tally.of(Status.REFUSED)) == (1, 0, 1)


def test_many_at_once_withdraw_it_once(field: Any, hand_in: HandIn) -> None:
    hand_in()
    _, code = hand_in()
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(lambda _: take_back(field, code), range(6)))
    assert sorted(each.again for each in results) == [False, *[True] * 5]
    assert collected(field) == 1


def test_a_code_with_a_wrong_digit_is_refused_at_the_door(field: Any, hand_in: HandIn) -> None:
    code = generate_code()
    with pytest.raises(ValueError, match="withdrawal_code"):
        hand_in(code[:-1] + str((int(code[-1]) + 1) % 10))


def test_looking_a_code_up_needs_no_walk_through_all_interviews(field: Any) -> None:
    if "sqlite" not in field.url:
        pytest.skip("the plan of an empty PostgreSQL table says nothing")
    with read_scope(field.url) as session:
        plan = session.connection().execute(
            text("EXPLAIN QUERY PLAN SELECT * FROM response WHERE withdrawal_sha256 = 'x'")
        )
        assert "ix_response_withdrawal" in str(plan.all())
