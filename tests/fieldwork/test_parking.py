"""A finished interview that comes too late is kept, counted nowhere, and decided on by a person."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event
from sqlmodel import SQLModel, col, func, select

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import NATION, Role
from survey.collection import parking
from survey.collection.invitations import (
    COMPLETION_GRACE_PERIOD,
    INVITATION_LIFETIME,
    InvitationExpiredError,
    InvitationNotFoundError,
    InvitationUsedError,
    issue_invitation,
)
from survey.collection.parking import ParkingFullError, ParkingReceipt, submit_or_park
from survey.collection.retention import delete_expired
from survey.collection.submission import InvalidAnswersError, SubmissionReceipt
from survey.collection.submission_envelope import Submission
from survey.collection.withdrawal import CodeNotFoundError, withdraw
from survey.review.parked_decisions import (
    ParkedNotAcceptableError,
    ParkedNotFoundError,
    accept_parked,
    count_parked,
    discard_parked,
    get_parked_detail,
    list_parked,
)
from survey.review.progress.wave_progress import get_progress, list_progress_waves
from survey.review.quality.assessment import assess_wave
from survey.review.review_queue import ReviewFilter, count_queue
from survey.settings import Settings
from survey.snapshots.response_frame import CountedResponses, response_frame
from survey.store.audit_chain import HASH, answers_sha256
from survey.store.engine import engine_for, read_scope, session_scope
from survey.store.tables import (
    Account,
    Assignment,
    AuditEntry,
    Invitation,
    ParkedInterview,
    ParkingDecision,
    ParkingReason,
    QuotaCell,
    Response,
    Status,
    Wave,
    WaveState,
    get_metadata,
)
from survey.waves.instruments import save_instrument
from survey.waves.personal_data import generate_code
from survey.waves.waves import WaveNotOpenError, close_wave
from tests.error_codes import raises_code
from tests.wave_states import set_wave_state
from tests.work_of import work_of

LATE = INVITATION_LIFETIME + COMPLETION_GRACE_PERIOD + timedelta(hours=1)


@pytest.fixture
def supervisor(field: Any) -> Principal:
    account = Account(login="wang", name="Wang", role=Role.SUPERVISOR, area="110000")
    with session_scope(field.url) as session:
        session.add(account)
    return Principal(account.id, account.name, Role.SUPERVISOR, "110000")


def token_of(field: Any) -> str:
    with session_scope(field.url) as session:
        return issue_invitation(
            work_of(session, field.surveyor, field.now),
            wave_key="main-2026",
            point_id=field.point.id,
        ).token


def finished(field: Any, token: str | None = None, **changes: Any) -> Submission:
    values = {
        "client_uuid": uuid4(), "instrument_sha256": field.instrument.sha256,
        "token": None if "point_id" in changes else token or token_of(field),
        "started_at": field.now - timedelta(minutes=6), "finished_at": field.now,
        "answers": field.complete, "timings": {"quality": 2.5, "unknown": 1},
    }  # fmt: skip
    return Submission.model_validate({**values, **changes})


def send(
    field: Any, sent: Submission, after: timedelta = LATE, person: Principal | None = None
) -> SubmissionReceipt | ParkingReceipt:
    with session_scope(field.url) as session:
        return submit_or_park(
            session=session, submission=sent, principal=person, now=field.now + after
        )


def park(field: Any, **changes: Any) -> UUID:
    receipt = send(field, finished(field, **changes))
    assert isinstance(receipt, ParkingReceipt)
    return receipt.parked_id


def set_state(field: Any, state: WaveState) -> None:
    with session_scope(field.url) as session:
        set_wave_state(session, session.get_one(Wave, field.wave.id), state)


def close(field: Any) -> None:
    with session_scope(field.url) as session:
        close_wave(work_of(session, OPERATOR, field.now), key="main-2026")


def stored(field: Any, parked_id: UUID) -> ParkedInterview:
    with read_scope(field.url) as session:
        return session.get_one(ParkedInterview, parked_id)


def count(field: Any, table: type[SQLModel]) -> int:
    with read_scope(field.url) as session:
        return session.exec(select(func.count()).select_from(table)).one()


def collected(field: Any) -> int:
    with read_scope(field.url) as session:
        return int(session.exec(select(func.sum(QuotaCell.collected))).one())


def accept(field: Any, person: Principal, parked_id: UUID, note: str = "no network") -> Any:
    with session_scope(field.url) as session:
        return accept_parked(
            work_of(session, person, field.now + LATE), parked_id=parked_id, note=note
        )


def test_an_interview_whose_link_expired_is_kept_with_its_hash_and_counts_nowhere(
    field: Any,
) -> None:
    sent = finished(field)
    receipt = send(field, sent)
    assert isinstance(receipt, ParkingReceipt)
    row = stored(field, receipt.parked_id)
    assert (row.why, row.city_code) == (ParkingReason.LINK_EXPIRED, "110000")
    assert (row.answers["quality"], row.timings) == (8, {"quality": 2.5})
    assert (count(field, Response), collected(field)) == (0, 0)
    with read_scope(field.url) as session:
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == "parked.kept")).one()
        assert session.exec(select(Invitation.used_at)).one() is None
    assert (entry.subject_id, entry.actor_id) == (str(receipt.parked_id), None)
    assert entry.detail[HASH] == answers_sha256(row.answers)
    assert "还行" not in str(entry.detail)


def test_sending_it_again_gives_the_same_receipt_and_one_link_parks_one_interview(
    field: Any,
) -> None:
    token = token_of(field)
    sent = finished(field, token)
    first, again = send(field, sent), send(field, sent)
    assert isinstance(first, ParkingReceipt)
    assert again == ParkingReceipt(first.parked_id, duplicate=True)
    with pytest.raises(InvitationExpiredError):
        send(field, finished(field, token))
    assert count(field, ParkedInterview) == 1


def test_each_reason_that_its_sender_cannot_mend_parks(field: Any) -> None:
    with session_scope(field.url) as session:
        other = field.instrument.model_copy(update={"version": "0"})
        save_instrument(session=session, instrument=other)
    voided, link = token_of(field), token_of(field)
    with session_scope(field.url) as session:
        newest = session.exec(select(Invitation).order_by(col(Invitation.id))).first()
        newest.voided_at = field.now
    moment = timedelta(0)
    reasons = [
        send(field, finished(field, voided), moment),
        send(field, finished(field, instrument_sha256=other.sha256), moment),
    ]
    close(field)
    reasons += [
        send(field, finished(field, link), moment),
        send(field, finished(field, point_id=field.point.id), moment, field.surveyor),
    ]
    why = [stored(field, each.parked_id).why for each in reasons]
    assert why == [
        ParkingReason.LINK_VOIDED,
        ParkingReason.INSTRUMENT_REPLACED,
        ParkingReason.WAVE_CLOSED,
        ParkingReason.WAVE_CLOSED,
    ]


def test_a_surveyor_who_was_moved_parks_what_was_made_at_the_point_before(field: Any) -> None:
    token_of(field)
    with session_scope(field.url) as session:
        session.delete(
            session.exec(
                select(Assignment).where(Assignment.account_id == field.surveyor.account_id)
            ).one()
        )
    sent = finished(field, point_id=field.point.id)
    receipt = send(field, sent, timedelta(0), field.surveyor)
    assert stored(field, receipt.parked_id).why is ParkingReason.POINT_REASSIGNED


def test_nothing_parks_without_a_link_or_an_account_that_was_there(field: Any) -> None:
    never = finished(field, point_id=field.foreign_point.id)
    tries = [
        (finished(field, "x" * 22), None, InvitationNotFoundError),
        (finished(field, instrument_sha256="0" * 64), None, InvitationExpiredError),
        (never, field.surveyor, AccessDeniedError),
        (never, None, AccessDeniedError),
        (finished(field, point_id=field.point.id), field.colleague, AccessDeniedError),
        (finished(field, point_id=uuid4()), field.surveyor, AccessDeniedError),
    ]
    for sent, person, refusal in tries:
        with pytest.raises(refusal):
            send(field, sent, LATE, person)
    unassigned = Principal(uuid4(), "New", Role.SURVEYOR, "110000")
    with pytest.raises(AccessDeniedError):
        send(field, finished(field, point_id=field.point.id), LATE, unassigned)
    token = token_of(field)
    send(field, finished(field, token), timedelta(hours=1))
    with pytest.raises(InvitationUsedError):
        send(field, finished(field, token))
    assert count(field, ParkedInterview) == 0


def test_answers_that_need_another_look_go_back_to_the_respondent_first(field: Any) -> None:
    sent = finished(field, answers={**field.complete, "quality": 99})
    with pytest.raises(InvalidAnswersError):
        send(field, sent)
    assert count(field, ParkedInterview) == 0


@pytest.mark.parametrize("state", [WaveState.FROZEN, WaveState.RELEASED, WaveState.PLANNED])
def test_a_wave_whose_figures_are_computed_takes_nothing_in_to_wait(
    field: Any, state: WaveState
) -> None:
    sent = finished(field)
    set_state(field, state)
    with pytest.raises(WaveNotOpenError):
        send(field, sent, timedelta(0))
    assert count(field, ParkedInterview) == 0


def test_what_waits_is_bounded(field: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parking, "MAX_WAITING_PER_CITY", 2)
    monkeypatch.setattr(parking, "MAX_WAITING_PER_SURVEYOR", 1)
    close(field)
    send(field, finished(field, point_id=field.point.id), LATE, field.surveyor)
    with pytest.raises(ParkingFullError):
        send(field, finished(field, point_id=field.point.id), LATE, field.surveyor)
    set_state(field, WaveState.OPEN)
    park(field)
    with pytest.raises(ParkingFullError):
        send(field, finished(field))


def test_a_supervisor_accepts_it_and_it_counts_from_then_on(
    field: Any, supervisor: Principal
) -> None:
    code = generate_code()
    parked_id = park(field, withdrawal_code=code)
    close(field)
    with read_scope(field.url) as session:
        detail = get_parked_detail(work_of(session, supervisor), parked_id=parked_id)
    assert detail.objection is None
    assert {answered.item.name for part in detail.parts for answered in part.answers} > {"quality"}
    with raises_code("note_missing"):
        accept(field, supervisor, parked_id, " ")
    receipt = accept(field, supervisor, parked_id)
    assert (receipt.status, collected(field)) == (Status.SUBMITTED, 1)
    row = stored(field, parked_id)
    assert (row.answers, row.timings, row.started_at) == ({}, {}, None)
    assert (row.decision, row.response_id) == (ParkingDecision.ACCEPTED, receipt.response_id)
    with read_scope(field.url) as session:
        response = session.get_one(Response, receipt.response_id)
        assert session.exec(select(Invitation.used_at)).one() is not None
        kept = session.exec(select(AuditEntry).where(AuditEntry.action == "parked.kept")).one()
        came = session.exec(
            select(AuditEntry).where(AuditEntry.action == "response.submitted")
        ).one()
        assert count_parked(work_of(session, supervisor)) == 0
        chosen = ReviewFilter(field.wave.id)
        assert count_queue(work_of(session, supervisor), chosen=chosen) == 1
    assert (response.duration_seconds, response.invitation_id) == (360.0, row.invitation_id)
    assert kept.detail[HASH] == answers_sha256({**field.complete, "age": 36})
    assert came.detail[HASH] == kept.detail[HASH]
    with session_scope(field.url) as session:
        assert not withdraw(session=session, typed=code, now=field.now + LATE).again
    assert collected(field) == 0


def test_the_sender_gets_a_receipt_for_it_whatever_was_decided(
    field: Any, supervisor: Principal
) -> None:
    kept, gone = finished(field), finished(field)
    ids = [send(field, each).parked_id for each in (kept, gone)]
    accept(field, supervisor, ids[0])
    with session_scope(field.url) as session:
        discard_parked(work_of(session, supervisor, field.now), parked_id=ids[1], note="twice")
    assert send(field, kept).duplicate
    assert send(field, gone) == ParkingReceipt(ids[1], duplicate=True)
    row = stored(field, ids[1])
    assert (row.answers, row.decision) == ({}, ParkingDecision.DISCARDED)
    with pytest.raises(ParkedNotFoundError):
        accept(field, supervisor, ids[1])
    assert count(field, Response) == 1


def test_only_reviewers_of_the_city_see_it_or_decide(field: Any, supervisor: Principal) -> None:
    parked_id = park(field)
    other = Principal(uuid4(), "Sun", Role.SUPERVISOR, "310000")
    nation = Principal(uuid4(), "Xu", Role.ADMINISTRATOR, NATION)
    official = Principal(uuid4(), "He", Role.NATIONAL_OFFICIAL, NATION)
    with read_scope(field.url) as session:
        for person, seen in ((supervisor, 1), (nation, 1), (other, 0)):
            assert len(list_parked(work_of(session, person))) == seen
            assert count_parked(work_of(session, person)) == seen
        with pytest.raises(AccessDeniedError):
            list_parked(work_of(session, official))
    with pytest.raises(ParkedNotFoundError):
        accept(field, other, parked_id)
    with pytest.raises(AccessDeniedError):
        accept(field, field.surveyor, parked_id)


def test_answers_that_somebody_changed_are_not_accepted(field: Any, supervisor: Principal) -> None:
    parked_id = park(field)
    with session_scope(field.url) as session:
        row = session.get_one(ParkedInterview, parked_id)
        row.answers = {**row.answers, "quality": 10}
    with pytest.raises(ParkedNotAcceptableError):
        accept(field, supervisor, parked_id)


def test_a_computed_wave_accepts_nothing_more(field: Any, supervisor: Principal) -> None:
    parked_id = park(field)
    set_state(field, WaveState.FROZEN)
    with read_scope(field.url) as session:
        detail = get_parked_detail(work_of(session, supervisor), parked_id=parked_id)
    assert detail.objection is not None
    with pytest.raises(ParkedNotAcceptableError):
        accept(field, supervisor, parked_id)


def test_a_respondent_withdraws_what_waits(field: Any) -> None:
    code = generate_code()
    parked_id = park(field, withdrawal_code=code)
    with session_scope(field.url) as session:
        assert not withdraw(session=session, typed=code, now=field.now).again
    row = stored(field, parked_id)
    assert (row.answers, row.decision) == ({}, ParkingDecision.WITHDRAWN)
    with session_scope(field.url) as session:
        assert withdraw(session=session, typed=code, now=field.now).again
        with pytest.raises(CodeNotFoundError):
            withdraw(session=session, typed=generate_code(), now=field.now)


def test_what_nobody_decides_on_is_deleted_by_schedule(field: Any) -> None:
    park(field)
    settings = Settings(database_url=field.url)
    for days, left in ((settings.keep_parked_days - 1, 1), (settings.keep_parked_days, 0)):
        with session_scope(field.url) as session:
            delete_expired(
                work_of(session, OPERATOR, settings=settings),
                at=field.now + LATE + timedelta(days=days),
            )
        assert count(field, ParkedInterview) == left


def test_the_schema_lets_no_count_and_no_figure_meet_it(field: Any) -> None:
    """From the schema up: no table but its own refers to it, and no reader of interviews asks."""
    park(field)
    referring = {
        key.parent.table.name
        for table in get_metadata().tables.values()
        for key in table.foreign_keys
        if key.column.table.name == "parked_interview"
    }
    assert referring == set()
    with watched_statements(field.url) as statements, read_scope(field.url) as session:
        waves = list_progress_waves(work_of(session, OPERATOR))
        get_progress(work_of(session, OPERATOR, field.now), wave=waves[0], usual_waste=0.1)
        response_frame(session, field.instrument, CountedResponses(field.wave.id))
    with watched_statements(field.url) as more, session_scope(field.url) as session:
        assess_wave(work_of(session, OPERATOR, field.now), wave_key=field.wave.key)
    assert len(statements) > 3
    assert not [text for text in [*statements, *more] if "parked_interview" in text]


@contextmanager
def watched_statements(url: str) -> Iterator[list[str]]:
    statements: list[str] = []

    def keep(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    engine = engine_for(url)
    event.listen(engine, "before_cursor_execute", keep)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", keep)
