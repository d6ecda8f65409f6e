"""Marginal quotas of arriving interviews: exact under a crowd, named when full, given back."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import select

from survey.access.principal import OPERATOR
from survey.collection.correction import resubmit
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.collection.submission import SubmissionReceipt, submit
from survey.collection.submission_envelope import Submission
from survey.review.progress.wave_progress import get_progress, list_progress_waves
from survey.review.quality.stored_interviews import stored_interviews
from survey.store.engine import read_scope, session_scope
from survey.store.tables import (
    AuditEntry,
    Mode,
    QuotaCell,
    QuotaMargin,
    Response,
    Status,
    Wave,
    WavePlan,
)
from survey.waves.assignments import list_tasks, list_unfilled_quotas
from survey.waves.lifecycle import transition
from survey.waves.quota_counts import FullQuotaGroup, list_full_groups
from survey.waves.quotas import (
    QuotaPolicy,
    QuotaPolicySummary,
    get_quota_policy_summary,
    set_quota_policy,
)
from survey.waves.waves import close_wave
from tests.error_codes import raises_code
from tests.work_of import work_of

FINISHERS, TARGET = 64, 20
YEARS = (1990, 1985, 1970, 2000)


@pytest.fixture
def marginal(field: Any) -> Any:
    """The plan of `field` with marginal quotas: ages, genders and one question of its own."""
    targets = {
        ("gender", "female"): TARGET, ("gender", "male"): TARGET,
        ("age_band", "35-44"): 2 * TARGET, ("age_band", "15-24"): TARGET,
        ("complained", "no"): 2 * TARGET, ("stratum", "urban"): 1, ("stratum", "rural"): 5,
    }  # fmt: skip
    with session_scope(field.url) as session:
        session.add(
            WavePlan(
                wave_id=field.wave.id,
                margin=5,
                level=0.95,
                deff=1.4,
                rule="proportional",
                total=40,
                crossed=False,
            )
        )
        session.add_all(
            QuotaMargin(
                wave_id=field.wave.id,
                city_code="110000",
                dimension=dimension,
                category=category,
                target=target,
            )
            for (dimension, category), target in targets.items()
        )
    _switch(field, QuotaPolicy.STOP)
    return field


def _switch(field: Any, policy: QuotaPolicy) -> int:
    with session_scope(field.url) as session:
        return set_quota_policy(
            work_of(session, OPERATOR, field.now), wave_key="main-2026", policy=policy
        )


def _target(field: Any, category: str, target: int) -> None:
    with session_scope(field.url) as session:
        margin = session.exec(select(QuotaMargin).where(QuotaMargin.category == category)).one()
        margin.target = target


def _answered(field: Any, **changes: Any) -> SubmissionReceipt:
    submission = Submission.model_validate(
        {
            "client_uuid": uuid4(), "point_id": field.point.id,
            "instrument_sha256": field.instrument.sha256,
            "started_at": field.now - timedelta(minutes=6),
            "answers": {**field.complete, **changes},
        }
    )  # fmt: skip
    with session_scope(field.url) as session:
        return submit(
            session=session, submission=submission, now=field.now, principal=field.surveyor
        )


def _counts(field: Any) -> dict[str, int]:
    """Everything above nothing."""
    with read_scope(field.url) as session:
        rows = session.exec(select(QuotaMargin)).all()
    return {row.category: row.collected for row in rows if row.collected}


def _cells(field: Any) -> int:
    with read_scope(field.url) as session:
        return sum(session.exec(select(QuotaCell.collected)))


def _move(field: Any, response_id: UUID, to: Status, *, version: int) -> None:
    with session_scope(field.url) as session:
        transition(
            work_of(session, OPERATOR, field.now),
            response_id=response_id,
            to=to,
            reason="other: test",
            expected_version=version,
        )


def test_a_crowd_of_all_kinds_fills_every_margin_to_its_target_and_not_beyond(
    marginal: Any,
) -> None:
    """In other cells and with other margins in common, so that locks would meet in any order."""
    start = Barrier(FINISHERS)
    kinds = [
        {"gender": ("female", "male")[place % 2], "birth_year": YEARS[place // 2 % 4]}
        for place in range(FINISHERS)
    ]

    def finish(kind: dict[str, Any]) -> SubmissionReceipt:
        start.wait()
        return _answered(marginal, **kind)

    with ThreadPoolExecutor(FINISHERS) as pool:
        receipts = list(pool.map(finish, kinds))
    statuses = Counter(receipt.status for receipt in receipts)
    assert statuses == {Status.SUBMITTED: 2 * TARGET, Status.QUOTA_FULL: FINISHERS - 2 * TARGET}
    counts = _counts(marginal)
    assert (counts["female"], counts["male"], counts["no"]) == (TARGET, TARGET, 2 * TARGET)
    assert counts["urban"] == _cells(marginal) == 2 * TARGET
    with read_scope(marginal.url) as session:
        late = select(Response.reason).where(Response.status == Status.QUOTA_FULL)
        reasons = set(session.exec(late))
    assert reasons <= {"gender=female", "gender=male", "complained=no"}


def test_the_reason_names_the_margin_and_nothing_else_is_counted(marginal: Any) -> None:
    _target(marginal, "female", 1)
    assert _answered(marginal).status is Status.SUBMITTED
    before = _counts(marginal), _cells(marginal)
    late = _answered(marginal)
    assert late.status is Status.QUOTA_FULL
    assert (_counts(marginal), _cells(marginal)) == before
    with read_scope(marginal.url) as session:
        assert session.get_one(Response, late.response_id).reason == "gender=female"
        detail = session.exec(
            select(AuditEntry.detail).where(AuditEntry.subject_id == str(late.response_id))
        ).one()
    assert detail["full"] == "gender=female"
    assert _answered(marginal, gender="male").status is Status.SUBMITTED


def test_what_is_taken_out_gives_its_places_back_and_takes_them_again(marginal: Any) -> None:
    _target(marginal, "female", 1)
    first = _answered(marginal).response_id
    counted = _counts(marginal)
    assert counted == {"female": 1, "35-44": 1, "no": 1, "urban": 1}
    _move(marginal, first, Status.VOID, version=1)
    assert _counts(marginal) == {}
    assert _answered(marginal).status is Status.SUBMITTED
    assert _answered(marginal).status is Status.QUOTA_FULL
    _move(marginal, first, Status.SUBMITTED, version=2)
    assert _counts(marginal) == dict.fromkeys(counted, 2)


def test_a_correction_moves_between_margins_whether_they_are_full_or_not(marginal: Any) -> None:
    _target(marginal, "male", 0)
    first = _answered(marginal).response_id
    _move(marginal, first, Status.RETURNED, version=1)
    with session_scope(marginal.url) as session:
        resubmit(
            work_of(session, marginal.surveyor, marginal.now),
            response_id=first,
            answers={**marginal.complete, "gender": "male", "birth_year": 2003},
            note="asked again",
            expected_version=2,
        )
    assert _counts(marginal) == {"male": 1, "15-24": 1, "no": 1, "urban": 1}
    _move(marginal, first, Status.VOID, version=3)
    assert (_counts(marginal), _cells(marginal)) == ({}, 0)


def test_what_was_collected_elsewhere_counts_in_any_case(marginal: Any) -> None:
    _target(marginal, "female", 0)
    rows = [
        FinishedResponse(
            client_uuid=uuid4(),
            city_code="110000",
            mode=Mode.IMPORT,
            status=status,
            submitted_at=marginal.now,
            answers=marginal.complete,
            point_id=point,
        )
        for status, point in (
            (Status.SUBMITTED, marginal.point.id),
            (Status.SUBMITTED, None),
            (Status.VOID, None),
        )
    ]
    with session_scope(marginal.url) as session:
        wave = session.get_one(Wave, marginal.wave.id)
        write_responses(work_of(session, OPERATOR, marginal.now), wave=wave, rows=rows)
    assert _counts(marginal) == {"female": 2, "35-44": 2, "no": 2, "urban": 1}


def test_the_form_is_told_which_groups_are_full(marginal: Any) -> None:
    for category in ("female", "35-44", "no", "urban"):
        _target(marginal, category, 0)
    with read_scope(marginal.url) as session:
        full = list_full_groups(session=session, wave_id=marginal.wave.id, city_code="110000")
    assert set(full) == {
        FullQuotaGroup(gender="female"),
        FullQuotaGroup(35, 44),
        FullQuotaGroup(item="complained", answer="no"),
    }


def test_strata_are_counted_and_turn_nobody_away(marginal: Any) -> None:
    """`urban` has a target of one; points have targets of their own."""
    assert [_answered(marginal).status for _ in range(3)] == [Status.SUBMITTED] * 3


def test_the_switch_holds_for_margins_and_leaves_cells_of_a_marginal_plan_open(
    marginal: Any,
) -> None:
    def rule() -> QuotaPolicySummary:
        with read_scope(marginal.url) as session:
            return get_quota_policy_summary(work_of(session, OPERATOR), wave_key="main-2026")

    assert (rule(), rule().policy) == (QuotaPolicySummary(5, 5), QuotaPolicy.STOP)
    _target(marginal, "female", 0)
    assert _answered(marginal).status is Status.QUOTA_FULL
    assert _switch(marginal, QuotaPolicy.COUNT) == 15
    assert rule().policy is QuotaPolicy.COUNT
    assert _answered(marginal).status is Status.SUBMITTED
    _switch(marginal, QuotaPolicy.STOP)
    with read_scope(marginal.url) as session:
        assert set(session.exec(select(QuotaCell.stops))) == {False}
        assert set(
            session.exec(select(QuotaMargin.stops).where(QuotaMargin.dimension == "stratum"))
        ) == {False}


def test_a_wave_that_is_over_keeps_its_rule_while_review_moves_its_counts(marginal: Any) -> None:
    first = _answered(marginal).response_id
    with session_scope(marginal.url) as session:
        close_wave(work_of(session, OPERATOR, marginal.now), key="main-2026")
    with raises_code("policy_fixed", match="closed"):
        _switch(marginal, QuotaPolicy.COUNT)
    _move(marginal, first, Status.VOID, version=1)
    assert _counts(marginal) == {}


def test_progress_takes_marginal_quotas_for_the_plan_and_says_whom_they_turned_away(
    marginal: Any,
) -> None:
    _target(marginal, "female", 1)
    for gender in ("female", "female", "male"):
        _answered(marginal, gender=gender)
    with read_scope(marginal.url) as session:
        (wave,) = list_progress_waves(work_of(session, OPERATOR))
        seen = get_progress(work_of(session, OPERATOR, marginal.now), wave=wave, usual_waste=0.08)
        (task,) = list_tasks(work_of(session, marginal.surveyor, marginal.now))
        needed = list_unfilled_quotas(
            work_of(session, marginal.surveyor), point_id=marginal.point.id
        )
    groups = {margin.group: margin for margin in seen.total.margins}
    full = groups["gender=female"]
    assert (full.collected, full.missing, full.turned_away, full.stops) == (1, 0, 1, True)
    assert seen.total.still_missing == 3 * TARGET - 2, "ages ask for most, and no cell for any"
    assert {quota.groups for quota in task.quota} == {
        (name,) for name in groups if not name.startswith("stratum")
    }
    assert needed is not None
    assert ("gender=female",) not in {quota.groups for quota in needed}


def test_under_marginal_quotas_no_cell_is_overfilled(marginal: Any) -> None:
    for _ in range(7):
        _answered(marginal)
    with read_scope(marginal.url) as session:
        targets = {row.quota_target for row in stored_interviews(session, marginal.wave.id)}
    assert targets == {None}
