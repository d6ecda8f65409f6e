"""A full cell takes nobody more, whoever finishes at the same moment; nothing told is lost."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from pydantic import ValidationError
from sqlmodel import Session, col, func, select

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.collection import submission as submission_module
from survey.collection.correction import resubmit
from survey.collection.invitations import issue_invitation
from survey.collection.submission import InvalidAnswersError, SubmissionReceipt, submit
from survey.collection.submission_envelope import Submission
from survey.review.progress.wave_progress import get_progress, list_progress_waves
from survey.store.engine import read_scope, session_scope
from survey.store.tables import AuditEntry, QuotaCell, Response, ResponseRevision, Status
from survey.waves.lifecycle import transition
from survey.waves.quota_counts import (
    FullQuotaGroup,
    MatchedCell,
    QuotaMembership,
    find_quota_membership,
    list_full_groups,
)
from survey.waves.quotas import COUNTED_STATUSES, QuotaPolicy, set_quota_policy
from tests.error_codes import raises_code
from tests.work_of import work_of

FINISHERS, TARGET = 64, 20
HER_CELL = FullQuotaGroup(35, 44, "female")
"""Of the woman who answers in `field.complete`."""


@pytest.fixture
def target(field: Any) -> int:
    _set_targets(field, TARGET)
    return TARGET


def _set_targets(field: Any, target: int) -> None:
    with session_scope(field.url) as session:
        for cell in session.exec(select(QuotaCell)):
            cell.target = target


def _submission(field: Any, **changes: Any) -> Submission:
    return Submission.model_validate(
        {
            "client_uuid": uuid4(),
            "point_id": field.point.id,
            "instrument_sha256": field.instrument.sha256,
            "started_at": field.now - timedelta(minutes=6),
            "answers": field.complete,
            **changes,
        }
    )


def _submit(field: Any, submission: Submission) -> SubmissionReceipt:
    with session_scope(field.url) as session:
        return submit(
            session=session,
            submission=submission,
            now=field.now,
            principal=field.surveyor if submission.point_id else None,
        )


def _answered(field: Any, **changes: Any) -> SubmissionReceipt:
    return _submit(field, _submission(field, **changes))


def _collected(field: Any) -> int:
    with read_scope(field.url) as session:
        return session.exec(select(func.sum(QuotaCell.collected))).one()


def _statuses(field: Any) -> Counter[Status]:
    with read_scope(field.url) as session:
        return Counter(session.exec(select(Response.status)).all())


def test_many_finishers_fill_a_cell_to_its_target_and_not_beyond(field: Any, target: int) -> None:
    start = Barrier(FINISHERS)
    submissions = [_submission(field) for _ in range(FINISHERS)]

    def finish(submission: Submission) -> SubmissionReceipt:
        start.wait()
        return _submit(field, submission)

    with ThreadPoolExecutor(FINISHERS) as pool:
        receipts = list(pool.map(finish, submissions))
    expected = {Status.SUBMITTED: target, Status.QUOTA_FULL: FINISHERS - target}
    assert Counter(receipt.status for receipt in receipts) == expected
    assert _statuses(field) == expected
    assert _collected(field) == target
    with read_scope(field.url) as session:
        kept = session.exec(select(ResponseRevision.answers)).all()
        details = session.exec(
            select(AuditEntry.detail).where(AuditEntry.action == "response.submitted")
        ).all()
        cells = session.exec(select(Response.quota_cell_id).distinct()).all()
    assert len(kept) == FINISHERS
    assert all(answers["comment"] == "还行" for answers in kept)
    assert Counter(entry["status"] for entry in details) == expected
    assert len(cells) == 1


def test_a_place_that_goes_after_the_cell_was_read_is_not_given_twice(
    field: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a race does to the slower one, on a database where it cannot be provoked."""
    _set_targets(field, 1)
    _answered(field)
    fresh = find_quota_membership

    def as_it_was(**request: Any) -> QuotaMembership:
        places = fresh(**request)
        assert places.cell is not None
        return QuotaMembership(MatchedCell(places.cell.id, full=False), places.margins)

    monkeypatch.setattr(submission_module, "find_quota_membership", as_it_was)
    late = _submission(field)
    receipt = _submit(field, late)
    assert receipt.status is Status.QUOTA_FULL
    assert _statuses(field) == {Status.SUBMITTED: 1, Status.QUOTA_FULL: 1}
    assert _collected(field) == 1
    again = _submit(field, late)
    assert again == SubmissionReceipt(
        receipt.response_id, Status.QUOTA_FULL, duplicate=True, dropped=0
    )


def test_a_full_cell_says_so_uses_the_link_and_shows_in_progress(field: Any) -> None:
    _set_targets(field, 1)
    _answered(field)
    with session_scope(field.url) as session:
        token = issue_invitation(
            work_of(session, field.surveyor, field.now),
            wave_key="main-2026",
            point_id=field.point.id,
        ).token
    late = _submission(field, token=token, point_id=None)
    assert [_submit(field, late).status for _ in range(2)] == [Status.QUOTA_FULL] * 2
    assert _statuses(field) == {Status.SUBMITTED: 1, Status.QUOTA_FULL: 1}
    with read_scope(field.url) as session:
        (wave,) = list_progress_waves(work_of(session, OPERATOR))
        seen = get_progress(work_of(session, OPERATOR, field.now), wave=wave, usual_waste=0.08)
        replayed = select(AuditEntry).where(
            AuditEntry.action == "response.replayed_with_other_content"
        )
        assert session.exec(replayed).all() == []
    assert (seen.dispositions.quota_full, seen.dispositions.complete) == (1, 1)
    her = next(c for c in seen.cities[0].cells if (c.age_band, c.gender) == ("35-44", "female"))
    assert (her.tally.counted, her.tally.of(Status.QUOTA_FULL), her.tally.beyond) == (1, 1, 0)


def test_other_cells_and_screened_out_people_are_not_stopped(field: Any) -> None:
    _set_targets(field, 1)
    for year in (1990, 1980, 1950):
        receipt = _answered(field, answers={**field.complete, "birth_year": year})
        assert receipt.status is Status.SUBMITTED
    gone = _answered(field, answers={"consent": "yes", "lived_6m": "no"})
    assert gone.status is Status.SCREENED_OUT


def test_the_rule_can_be_switched_by_city_and_wave(field: Any) -> None:
    _set_targets(field, 0)
    assert _answered(field).status is Status.QUOTA_FULL
    _switch(field, QuotaPolicy.COUNT, city_code="110000")
    assert _answered(field).status is Status.SUBMITTED
    assert _collected(field) == 1
    _switch(field, QuotaPolicy.STOP)
    assert _answered(field).status is Status.QUOTA_FULL
    with read_scope(field.url) as session:
        entries = session.exec(
            select(AuditEntry.detail)
            .where(AuditEntry.action == "quota.policy_set")
            .order_by(col(AuditEntry.id))
        ).all()
    assert [(each["policy"], each["city"], each["quotas"]) for each in entries] == [
        ("count", "110000", 10),
        ("stop", None, 10),
    ]


def _switch(
    field: Any,
    policy: QuotaPolicy,
    *,
    wave_key: str = "main-2026",
    city_code: str | None = None,
    principal: Principal = OPERATOR,
) -> int:
    with session_scope(field.url) as session:
        return set_quota_policy(
            work_of(session, principal, field.now),
            wave_key=wave_key,
            policy=policy,
            city_code=city_code,
        )


def test_nobody_else_switches_it_and_nothing_is_not_switched(field: Any) -> None:
    with pytest.raises(AccessDeniedError):
        _switch(field, QuotaPolicy.COUNT, principal=field.surveyor)
    with raises_code("no_quota"):
        _switch(field, QuotaPolicy.COUNT, city_code="310000")
    with raises_code("wave_unknown"):
        _switch(field, QuotaPolicy.COUNT, wave_key="nowhere")


def test_what_is_full_is_known_before_the_first_question(field: Any) -> None:
    def full() -> tuple[FullQuotaGroup, ...]:
        with read_scope(field.url) as session:
            return list_full_groups(session=session, wave_id=field.wave.id, city_code="110000")

    assert full() == ()
    _set_targets(field, 1)
    _answered(field)
    assert full() == (HER_CELL,)
    _switch(field, QuotaPolicy.COUNT)
    assert full() == ()


def test_the_form_may_stop_early_and_open_questions_are_no_problem_then(field: Any) -> None:
    _set_targets(field, 0)
    partial_answers = {
        name: field.complete[name] for name in ("consent", "lived_6m", "gender", "birth_year")
    }
    early = _submission(field, answers=partial_answers, stopped="quota_full")
    receipt = _submit(field, early)
    assert receipt.status is Status.QUOTA_FULL
    assert _collected(field) == 0
    assert _submit(field, early).duplicate
    with read_scope(field.url) as session:
        stored = session.exec(select(ResponseRevision.answers)).one()
    assert stored == {**partial_answers, "age": 36}


def test_a_complete_interview_that_claims_a_full_quota_counts(field: Any) -> None:
    """An altered client kept complete interviews out of the results by one word."""
    claim = _submission(field, stopped="quota_full")
    receipt = _submit(field, claim)
    assert receipt.status is Status.SUBMITTED
    assert _statuses(field) == {Status.SUBMITTED: 1}
    assert _collected(field) == 1
    again = _submit(field, claim)
    assert again == SubmissionReceipt(
        receipt.response_id, Status.SUBMITTED, duplicate=True, dropped=0
    )
    with read_scope(field.url) as session:
        assert _replayed(session) == []


def test_what_is_left_open_for_a_quota_that_is_not_full_is_asked_for(field: Any) -> None:
    partial_answers = {
        name: field.complete[name] for name in ("consent", "lived_6m", "gender", "birth_year")
    }
    with pytest.raises(InvalidAnswersError) as refused:
        _answered(field, answers=partial_answers, stopped="quota_full")
    assert {problem.code for problem in refused.value.problems} == {"required"}
    assert _statuses(field) == {}
    # Nor where quotas count and turn nobody away.
    _set_targets(field, 0)
    _switch(field, QuotaPolicy.COUNT)
    with pytest.raises(InvalidAnswersError):
        _answered(field, answers=partial_answers, stopped="quota_full")


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ({"consent": "no"}, Status.REFUSED),
        ({"consent": "yes", "lived_6m": "no"}, Status.SCREENED_OUT),
    ],
)
def test_how_an_interview_ended_follows_from_its_answers(
    field: Any, answers: dict[str, Any], status: Status
) -> None:
    """The claim of a full quota neither hides another ending nor excuses what it needs."""
    _set_targets(field, 0)
    assert _answered(field, answers=answers, stopped="quota_full").status is status
    with pytest.raises(InvalidAnswersError):
        _answered(field, answers={"lived_6m": "no"}, stopped="quota_full")
    for claim in ("screened_out", "refused", "submitted", "approved", ""):
        with pytest.raises(ValidationError):
            _submission(field, stopped=claim)
    for name in ("status", "ending", "ends"):
        with pytest.raises(ValidationError):
            _submission(field, **{name: "quota_full"})


def _replayed(session: Session) -> list[AuditEntry]:
    action = "response.replayed_with_other_content"
    return list(session.exec(select(AuditEntry).where(AuditEntry.action == action)).all())


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        ({"consent": "yes", "lived_6m": "yes", "gender": "female"}, "required"),
        ({"consent": "yes", "lived_6m": "yes", "gender": "female", "birth_year": 1800}, "range"),
        ({"consent": "yes", "lived_6m": "yes", "gender": "other", "birth_year": 1990}, "choice"),
    ],
)
def test_an_early_stop_is_no_way_around_the_questionnaire(
    field: Any, answers: dict[str, Any], problem: str
) -> None:
    """Without a cell nobody was turned away, and what was answered must be right."""
    with pytest.raises(InvalidAnswersError) as refused:
        _answered(field, answers=answers, stopped="quota_full")
    assert refused.value.problems
    assert _statuses(field) == {}


def test_declining_stays_declining_where_the_cell_is_full(field: Any) -> None:
    _set_targets(field, 0)
    assert _answered(field, answers={"consent": "no"}).status is Status.REFUSED


def test_a_restored_interview_counts_although_its_place_was_taken(field: Any) -> None:
    """People decide that, not the door (docs/collecting.md)."""
    _set_targets(field, 1)
    first = _answered(field).response_id
    _move(field, first, Status.VOID, version=1)
    assert _answered(field).status is Status.SUBMITTED
    assert _answered(field).status is Status.QUOTA_FULL
    _move(field, first, Status.SUBMITTED, version=2)
    assert _collected(field) == 2
    assert _answered(field).status is Status.QUOTA_FULL


def _move(field: Any, response_id: UUID, to: Status, *, version: int) -> None:
    with session_scope(field.url) as session:
        transition(
            work_of(session, OPERATOR, field.now),
            response_id=response_id,
            to=to,
            reason="other: test",
            expected_version=version,
        )


class _Fieldwork(RuleBasedStateMachine):
    """Interviews come, go and change in any order; the running counts equal a recount."""

    field: Any

    def __init__(self) -> None:
        super().__init__()
        with session_scope(self.field.url) as session:
            known = session.exec(select(Response.id)).all()
        self.earlier = set(known)

    def _some(self, data: st.DataObject, *states: Status) -> Response | None:
        with read_scope(self.field.url) as session:
            rows = session.exec(select(Response).where(col(Response.status).in_(states))).all()
        own = sorted((row for row in rows if row.id not in self.earlier), key=lambda r: r.id)
        return data.draw(st.sampled_from(own)) if own else None

    @rule(year=st.sampled_from([1990, 1985, 1970]), gender=st.sampled_from(["female", "male"]))
    def finish(self, year: int, gender: str) -> None:
        answers = {**self.field.complete, "birth_year": year, "gender": gender}
        _answered(self.field, answers=answers)

    @precondition(lambda self: any(_statuses(self.field).values()))
    @rule(
        data=st.data(),
        way=st.sampled_from(
            [
                (Status.SUBMITTED, Status.VOID),
                (Status.VOID, Status.SUBMITTED),
                (Status.SUBMITTED, Status.RETURNED),
                (Status.RETURNED, Status.VOID),
                (Status.SUBMITTED, Status.CITY_APPROVED),
                (Status.CITY_APPROVED, Status.VOID),
            ]
        ),
    )
    def review(self, data: st.DataObject, way: tuple[Status, Status]) -> None:
        row = self._some(data, way[0])
        if row is not None:
            _move(self.field, row.id, way[1], version=row.lock_version)

    @rule(data=st.data(), year=st.sampled_from([1990, 1985, 1970]))
    def correct(self, data: st.DataObject, year: int) -> None:
        row = self._some(data, Status.RETURNED)
        if row is None:
            return
        with session_scope(self.field.url) as session:
            resubmit(
                work_of(session, self.field.surveyor, self.field.now),
                response_id=row.id,
                answers={**self.field.complete, "birth_year": year},
                note="asked again",
                expected_version=row.lock_version,
            )

    def teardown(self) -> None:
        with read_scope(self.field.url) as session:
            counted = Counter(
                session.exec(
                    select(Response.quota_cell_id).where(col(Response.status).in_(COUNTED_STATUSES))
                ).all()
            )
            cells = session.exec(select(QuotaCell)).all()
        assert {cell.id: cell.collected for cell in cells} == {
            cell.id: counted[cell.id] for cell in cells
        }


def test_running_counts_equal_a_recount_whatever_happens(field: Any) -> None:
    _set_targets(field, 4)
    machine = type("Fieldwork", (_Fieldwork,), {"field": field})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=12, stateful_step_count=16, suppress_health_check=list(HealthCheck)
        ),
    )
