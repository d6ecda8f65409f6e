"""One interview is stored whole, once, where it belongs, and only if the questionnaire allows."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlmodel import col, func, select

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import NATION, Role
from survey.collection.invitations import (
    COMPLETION_GRACE_PERIOD,
    INVITATION_LIFETIME,
    InvitationExpiredError,
    InvitationNotFoundError,
    InvitationUsedError,
    issue_invitation,
    open_invitation,
)
from survey.collection.submission import (
    InstrumentConflictError,
    InvalidAnswersError,
    SubmissionReceipt,
    submit,
)
from survey.collection.submission_envelope import Submission
from survey.store.engine import read_scope, session_scope
from survey.store.tables import (
    AuditEntry,
    Invitation,
    Mode,
    QuotaCell,
    Response,
    ResponseRevision,
    Status,
)
from survey.waves.waves import WaveNotOpenError, close_wave
from tests.work_of import work_of

ISSUED = object()


def _token(field: Any) -> str:
    with session_scope(field.url) as session:
        return issue_invitation(
            work_of(session, field.surveyor, field.now),
            wave_key="main-2026",
            point_id=field.point.id,
        ).token


def _submission(field: Any, **changes: Any) -> Submission:
    values: dict[str, Any] = {
        "client_uuid": uuid4(),
        "token": ISSUED,
        "instrument_sha256": field.instrument.sha256,
        "started_at": field.now - timedelta(minutes=6),
        "finished_at": field.now - timedelta(minutes=1),
        "answers": field.complete,
        **changes,
    }
    if values["token"] is ISSUED:
        values["token"] = _token(field)
    return Submission.model_validate(values)


def _assisted(field: Any, **changes: Any) -> Submission:
    return _submission(field, **{"token": None, "point_id": field.point.id, **changes})


def _submit(
    field: Any,
    submission: Submission,
    principal: Principal | None = None,
    after: timedelta = timedelta(0),
) -> SubmissionReceipt:
    with session_scope(field.url) as session:
        return submit(
            session=session, submission=submission, principal=principal, now=field.now + after
        )


def _counts(field: Any) -> tuple[int, int, int, int]:
    """Responses, revisions, interviews counted in quotas, used links."""
    with read_scope(field.url) as session:
        responses = session.exec(select(func.count()).select_from(Response)).one()
        revisions = session.exec(select(func.count()).select_from(ResponseRevision)).one()
        collected = session.exec(select(func.sum(QuotaCell.collected))).one()
        used = session.exec(
            select(func.count()).select_from(Invitation).where(col(Invitation.used_at).is_not(None))
        ).one()
    return responses, revisions, collected, used


def _actions(field: Any) -> list[str]:
    with read_scope(field.url) as session:
        return list(session.exec(select(AuditEntry.action).order_by(col(AuditEntry.id))))


def test_an_interview_is_stored_with_everything_it_belongs_to(field: Any) -> None:
    sent = _submission(field, language="en", timings={"quality": 2.345, "unknown": 1})
    receipt = _submit(field, sent)
    with read_scope(field.url) as session:
        response = session.exec(select(Response)).one()
        revision = session.exec(select(ResponseRevision)).one()
        invitation = session.exec(select(Invitation)).one()
        counted = session.exec(select(QuotaCell).where(QuotaCell.collected == 1)).one()
    assert receipt == SubmissionReceipt(response.id, Status.SUBMITTED, duplicate=False, dropped=0)
    assert response.client_uuid == sent.client_uuid
    assert (response.wave_id, response.instrument_id) == (field.wave.id, field.wave.instrument_id)
    assert (response.city_code, response.point_id) == ("110000", field.point.id)
    assert response.surveyor_id == field.surveyor.account_id
    assert response.invitation_id == invitation.id
    assert invitation.used_at == response.submitted_at == field.now
    assert (response.mode, response.status) == (Mode.SELF, Status.SUBMITTED)
    assert (response.language, response.duration_seconds) == ("en", 300.0)
    assert response.started_at == sent.started_at
    assert response.quota_cell_id == counted.id
    assert (counted.age_band, counted.gender) == ("35-44", "female")
    assert (revision.response_id, revision.number, revision.is_current) == (response.id, 1, True)
    assert revision.answers == {**field.complete, "age": 36}
    assert revision.timings == {"quality": 2.35}
    assert revision.author_id is None
    assert _actions(field)[-1] == "response.submitted"


def test_a_surveyor_who_asks_is_author_and_needs_no_link(field: Any) -> None:
    receipt = _submit(field, _assisted(field), principal=field.surveyor)
    with read_scope(field.url) as session:
        response = session.get_one(Response, receipt.response_id)
        revision = session.exec(select(ResponseRevision)).one()
        query = select(AuditEntry).where(AuditEntry.action == "response.submitted")
        entry = session.exec(query).one()
    assert (response.mode, response.invitation_id) == (Mode.ASSISTED, None)
    assert response.surveyor_id == revision.author_id == entry.actor_id
    assert response.surveyor_id == field.surveyor.account_id
    assert _counts(field) == (1, 1, 1, 0)


def test_answers_off_the_route_are_dropped_and_counted(field: Any) -> None:
    answers = {**field.complete, "channel": "hotline", "invented": 5}
    receipt = _submit(field, _submission(field, answers=answers))
    with read_scope(field.url) as session:
        assert session.exec(select(Response)).one().dropped_answers == receipt.dropped == 2
        stored = session.exec(select(ResponseRevision)).one().answers
    assert stored == {**field.complete, "age": 36}


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ({"consent": "no"}, Status.REFUSED),
        ({"consent": "yes", "lived_6m": "no"}, Status.SCREENED_OUT),
    ],
)
def test_an_interview_that_ended_early_is_kept_but_counts_in_no_quota(
    field: Any, answers: dict[str, Any], status: Status
) -> None:
    receipt = _submit(field, _submission(field, answers={**answers, "gender": "male"}))
    assert (receipt.status, receipt.dropped) == (status, 1)
    assert _counts(field) == (1, 1, 0, 1)


def test_a_second_send_gets_the_same_receipt_and_changes_nothing(field: Any) -> None:
    sent = _submission(field)
    first = _submit(field, sent)
    before, actions = _counts(field), _actions(field)
    for after in (
        timedelta(0),
        INVITATION_LIFETIME + COMPLETION_GRACE_PERIOD + timedelta(days=300),
    ):
        again = _submit(field, sent, after=after)
        assert again == SubmissionReceipt(
            first.response_id, first.status, duplicate=True, dropped=0
        )
    assert _counts(field) == before == (1, 1, 1, 1)
    assert _actions(field) == actions


def test_a_second_send_is_answered_even_when_the_wave_is_closed_and_reviewed(field: Any) -> None:
    sent = _submission(field)
    first = _submit(field, sent)
    with session_scope(field.url) as session:
        close_wave(work_of(session, OPERATOR, field.now), key="main-2026")
        session.get_one(Response, first.response_id).status = Status.VOID
    assert _submit(field, sent).status is Status.SUBMITTED


@pytest.mark.parametrize("change", [{"quality": 1}, {"quality": 99}, {"comment": "other"}])
def test_other_content_under_the_same_uuid_is_put_on_record_and_not_stored(
    field: Any, change: dict[str, Any]
) -> None:
    sent = _submission(field)
    first = _submit(field, sent)
    forged = sent.model_copy(update={"answers": {**field.complete, **change}})
    assert _submit(field, forged).response_id == first.response_id
    assert _actions(field)[-1] == "response.replayed_with_other_content"
    assert _counts(field) == (1, 1, 1, 1)
    with read_scope(field.url) as session:
        assert session.exec(select(ResponseRevision)).one().answers["quality"] == 8


def test_the_same_uuid_through_another_link_leaves_that_link_unused(field: Any) -> None:
    sent = _submission(field)
    first = _submit(field, sent)
    other = sent.model_copy(update={"token": _token(field)})
    assert _submit(field, other).response_id == first.response_id
    assert _counts(field) == (1, 1, 1, 1)


def test_a_link_serves_one_interview(field: Any) -> None:
    sent = _submission(field)
    _submit(field, sent)
    with pytest.raises(InvitationUsedError):
        _submit(field, _submission(field, token=sent.token))
    assert _counts(field) == (1, 1, 1, 1)


def test_what_is_wrong_is_said_item_by_item_and_nothing_is_stored(field: Any) -> None:
    answers = {**field.complete, "quality": 11, "birth_year": 1800, "gender": "robot"}
    del answers["service"]
    sent = _submission(field, answers=answers)
    with pytest.raises(InvalidAnswersError) as refusal:
        _submit(field, sent)
    assert {problem.item for problem in refusal.value.problems} == {
        "quality",
        "birth_year",
        "gender",
        "service",
    }
    assert _counts(field) == (0, 0, 0, 0)
    repaired = sent.model_copy(update={"answers": field.complete})
    assert _submit(field, repaired).status is Status.SUBMITTED


def test_a_wave_that_is_not_open_takes_nothing(field: Any) -> None:
    by_link, assisted = _submission(field), _assisted(field)
    with session_scope(field.url) as session:
        close_wave(work_of(session, OPERATOR, field.now), key="main-2026")
    with pytest.raises(WaveNotOpenError):
        _submit(field, by_link)
    with pytest.raises(WaveNotOpenError):
        _submit(field, assisted, principal=field.surveyor)
    assert _counts(field) == (0, 0, 0, 0)


def test_another_questionnaire_than_the_waves_is_refused(field: Any) -> None:
    with pytest.raises(InstrumentConflictError):
        _submit(field, _submission(field, instrument_sha256="0" * 64))


def test_an_interview_opened_in_time_may_arrive_late_and_no_later(field: Any) -> None:
    in_time, too_late = _submission(field), _submission(field)
    for sent in (in_time, too_late):
        with session_scope(field.url) as session:
            open_invitation(session=session, token=sent.token or "", proof="phone", now=field.now)
    _submit(field, in_time, after=INVITATION_LIFETIME + timedelta(days=6))
    with pytest.raises(InvitationExpiredError):
        _submit(field, too_late, after=INVITATION_LIFETIME + COMPLETION_GRACE_PERIOD)


def test_a_forged_link_is_unknown(field: Any) -> None:
    for token in ("", "x", _token(field)[:-1]):
        with pytest.raises(InvitationNotFoundError):
            _submit(field, _submission(field, token=token))


def test_assisted_interviews_are_for_assigned_points_of_signed_in_surveyors(field: Any) -> None:
    for principal in (
        None,
        field.colleague,
        OPERATOR,
        Principal(field.surveyor.account_id, "Li", Role.SUPERVISOR, NATION),
        Principal(field.surveyor.account_id, "Li", Role.SURVEYOR, "310000"),
    ):
        with pytest.raises(AccessDeniedError):
            _submit(field, _assisted(field), principal=principal)
    for point_id in (field.foreign_point.id, uuid4()):
        with pytest.raises(AccessDeniedError):
            _submit(field, _assisted(field, point_id=point_id), principal=field.surveyor)
    assert _counts(field) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("started", "kept"),
    [
        (timedelta(days=-400), timedelta(days=-30)),
        (timedelta(days=-1), timedelta(days=-1)),
        (timedelta(days=400), timedelta(0)),
    ],
)
def test_a_wrong_clock_is_bounded_and_costs_no_interview(
    field: Any, started: timedelta, kept: timedelta
) -> None:
    begin = field.now + started
    sent = _submission(field, started_at=begin, finished_at=begin + timedelta(minutes=4))
    _submit(field, sent)
    with read_scope(field.url) as session:
        response = session.exec(select(Response)).one()
    assert response.started_at == field.now + kept
    assert response.duration_seconds == 240


def test_an_impossible_duration_is_not_kept(field: Any) -> None:
    sent = _submission(field, finished_at=field.now - timedelta(days=1))
    _submit(field, sent)
    with read_scope(field.url) as session:
        assert session.exec(select(Response)).one().duration_seconds is None


def test_a_language_that_was_not_offered_is_noted_as_the_default(field: Any) -> None:
    _submit(field, _submission(field, language="tlh"))
    with read_scope(field.url) as session:
        assert session.exec(select(Response)).one().language == "zh"


def test_an_interview_that_fits_no_cell_is_still_taken(field: Any) -> None:
    receipt = _submit(field, _submission(field, answers={**field.complete, "birth_year": 1930}))
    with read_scope(field.url) as session:
        assert session.get_one(Response, receipt.response_id).quota_cell_id is None
    assert _counts(field) == (1, 1, 0, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"client_uuid": "not a uuid"},
        {"client_uuid": str(uuid5(UUID(int=1), "guessable"))},
        {"client_uuid": str(UUID(int=0))},
        {"client_uuid": None},
        {"token": None},
        {"token": "x" * 129},
        {"token": 5},
        {"point_id": str(uuid4())},
        {"point_id": "x", "token": None},
        {"instrument_sha256": "x" * 65},
        {"instrument_sha256": None},
        {"language": "x" * 17},
        {"started_at": "2026-05-20T11:00:00"},
        {"started_at": "yesterday"},
        {"started_at": None},
        {"finished_at": "2026-05-20T11:00:00"},
        {"answers": []},
        {"answers": None},
        {"answers": {"x" * 201: 1}},
        {"answers": {str(number): 1 for number in range(1001)}},
        {"timings": {"quality": -1}},
        {"timings": {"quality": float("nan")}},
        {"timings": {"quality": float("inf")}},
        {"timings": {"quality": "long"}},
        {"timings": {"quality": 1e300}},
        {"timings": {str(number): 1 for number in range(1001)}},
        {"timings": [1]},
        {"status": "approved"},
        {"city_code": "310000"},
        {"mode": "import"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_envelope_that_cannot_be_is_refused(change: dict[str, Any]) -> None:
    good = {
        "client_uuid": str(uuid4()), "token": "x", "instrument_sha256": "0" * 64,
        "started_at": "2026-05-20T11:00:00+08:00", "answers": {},
    }  # fmt: skip
    Submission.model_validate(good)
    with pytest.raises(ValidationError):
        Submission.model_validate({**good, **change})


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
NAMES = st.sampled_from(
    [
        "consent",
        "lived_6m",
        "quality",
        "service",
        "complained",
        "channel",
        "topics",
        "gender",
        "birth_year",
        "age",
        "comment",
        "bye",
    ]
) | st.text(max_size=30)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=80
)
@given(changes=st.dictionaries(NAMES, ANYTHING, max_size=5))
def test_whatever_arrives_is_stored_as_validated_or_refused_whole(
    field: Any, changes: dict[str, Any]
) -> None:
    before = _counts(field)
    sent = _assisted(field, answers={**field.complete, **changes})
    try:
        receipt = _submit(field, sent, principal=field.surveyor)
    except InvalidAnswersError:
        assert _counts(field) == before
        return
    assert _counts(field)[:2] == (before[0] + 1, before[1] + 1)
    with read_scope(field.url) as session:
        query = select(ResponseRevision).where(ResponseRevision.response_id == receipt.response_id)
        answers = session.exec(query).one().answers
    assert set(answers) <= set(field.instrument.by_name)
    if receipt.status is Status.SUBMITTED:
        assert answers["quality"] in [*range(1, 11), "dk", "na"]
        assert answers["gender"] in {"male", "female"}
        assert 1900 <= answers["birth_year"] <= 2011
        assert answers["age"] == 2026 - answers["birth_year"]
