"""Reviewers see their own cities, decide on what they saw, and bulk actions do what they showed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from threading import Barrier, Thread
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import col, func, select

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import NATION, Action, Role
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.locale import ConflictError, RefusedError
from survey.review.decisions import allowed_transitions, decide, decide_many, preview_bulk_decision
from survey.review.response_detail import get_response_detail
from survey.review.review_queue import (
    ANY_FLAG,
    REVIEWABLE,
    ReviewFilter,
    count_by_status,
    count_queue,
    find_previous,
    list_queue,
    list_review_waves,
    list_surveyors,
)
from survey.store.audit_events import EVENTS_OF_MANY
from survey.store.engine import read_scope, session_scope
from survey.store.tables import (
    Account,
    AuditEntry,
    AuditMember,
    Mode,
    QuotaCell,
    Response,
    ResponseFlag,
    ResponseRisk,
    Status,
)
from survey.waves.lifecycle import TRANSITIONS, ResponseNotFoundError
from survey.waves.personal_data import clean_note
from survey.waves.quotas import COUNTED_STATUSES, list_cells
from survey.waves.review_reasons import REASON_NAMES, REASONS_BY_STATUS, ReasonCode, ReviewReason
from tests.error_codes import raises_code
from tests.work_of import work_of

CITIES = ("110000", "310000")
TOO_FAST = ReviewReason(ReasonCode.SPEEDER)


def _person(field: Any, role: Role, area: str) -> Principal:
    account = Account(login=f"{role}-{area}-{uuid4()}", name=f"{role} {area}", role=role, area=area)
    with session_scope(field.url) as session:
        session.add(account)
    return Principal(account.id, account.name, role, area)


@pytest.fixture
def supervisor(field: Any) -> Principal:
    return _person(field, Role.SUPERVISOR, "110000")


@pytest.fixture
def association(field: Any) -> Principal:
    return _person(field, Role.ADMINISTRATOR, NATION)


def _store(
    field: Any, *statuses: Status, city: str = "110000", pace: Sequence[float | None] = ()
) -> list[UUID]:
    with session_scope(field.url) as session:
        cells = list_cells(session=session, wave_id=field.wave.id, city_code="110000")
        rows = [
            FinishedResponse(
                client_uuid=uuid4(),
                city_code=city,
                mode=Mode.ASSISTED,
                status=status,
                submitted_at=field.now,
                answers=dict(field.complete, age=36),
                timings={"quality": 4.5},
                quota_cell_id=cells[0].id if city == "110000" else None,
                surveyor_id=field.surveyor.account_id,
                started_at=field.now,
                duration_seconds=pace[place] if pace else 300.0,
            )
            for place, status in enumerate(statuses)
        ]
        write_responses(work_of(session, OPERATOR, field.now), wave=field.wave, rows=rows)
    return [row.id for row in rows]


def _assess(field: Any, response_id: UUID, score: int, *kinds: str) -> None:
    with session_scope(field.url) as session:
        session.add(
            ResponseRisk(
                response_id=response_id, score=score, detected_at=field.now, detector_version="1"
            )
        )
        session.add_all(
            ResponseFlag(
                response_id=response_id,
                kind=kind,
                strength=1 / (place + 1),
                detected_at=field.now,
                detector_version="1",
            )
            for place, kind in enumerate(kinds)
        )


def _statuses(field: Any) -> Counter[Status]:
    with read_scope(field.url) as session:
        return Counter(session.exec(select(Response.status)))


# --- who sees what -------------------------------------------------------------------------------


READS = {
    "tally": lambda session, person, wave, _: count_by_status(
        work_of(session, person), wave_id=wave
    ),
    "queue": lambda session, person, wave, _: list_queue(
        work_of(session, person), chosen=ReviewFilter(wave, None)
    ),
    "count": lambda session, person, wave, _: count_queue(
        work_of(session, person), chosen=ReviewFilter(wave, None)
    ),
    "preview": lambda session, person, wave, _: (
        preview_bulk_decision(
            work_of(session, person), chosen=ReviewFilter(wave, None), to=Status.VOID
        ).total
    ),
    "interview": lambda session, person, _, response_id: get_response_detail(
        work_of(session, person), response_id=response_id
    ),
}
AREAS = ("110000", "310000", "11", "31", NATION, "", "1", "1100000", "%", "__")


def test_nobody_sees_an_interview_outside_the_own_area_or_role(field: Any) -> None:
    """Every role with every area, the odd ones included, against one interview of Beijing."""
    (beijing,) = _store(field, Status.SUBMITTED)
    with read_scope(field.url) as session:
        for role, area, what in product(Role, AREAS, READS):
            person = Principal(uuid4(), "x", role, area)
            may = person.may(Action.REVIEW) and person.covers("110000")
            if may:
                assert READS[what](session, person, field.wave.id, beijing), (role, area, what)
                continue
            try:
                seen = READS[what](session, person, field.wave.id, beijing)
            except (AccessDeniedError, ResponseNotFoundError):
                continue
            assert not seen, (role, area, what)


def test_lists_of_surveyors_and_waves_are_for_reviewers_of_the_city(
    field: Any, supervisor: Principal
) -> None:
    _store(field, Status.SUBMITTED, Status.VOID)
    with read_scope(field.url) as session:
        assert list_surveyors(
            work_of(session, supervisor), wave_id=field.wave.id, city_code="110000"
        ) == [(field.surveyor.account_id, "Li", 2)]
        with pytest.raises(AccessDeniedError):
            list_surveyors(work_of(session, supervisor), wave_id=field.wave.id, city_code="310000")
        assert [wave.key for wave in list_review_waves(work_of(session, supervisor))] == [
            "main-2026"
        ]
        with pytest.raises(AccessDeniedError):
            list_review_waves(work_of(session, field.surveyor))


# --- the queue -----------------------------------------------------------------------------------


def test_the_queue_goes_page_by_page_through_everything_once_riskiest_first(
    field: Any, supervisor: Principal
) -> None:
    pace = [300.0, None, 60.0, 60.0, 500.0, 10.0, 300.0]
    ids = _store(field, *[Status.SUBMITTED] * len(pace), pace=pace)
    _store(field, Status.VOID, Status.FROZEN)
    _store(field, Status.SUBMITTED, city="310000")
    _assess(field, ids[4], 80, "speed")
    _assess(field, ids[0], 0)
    chosen, after, seen = ReviewFilter(field.wave.id), None, []
    with read_scope(field.url) as session:
        while page := list_queue(work_of(session, supervisor), chosen=chosen, after=after, size=2):
            seen += page
            after = page[-1].spot
        assert [interview.id for interview in seen] == [
            ids[4],
            ids[0],
            ids[5],
            *sorted(ids[2:4]),
            ids[6],
            ids[1],
        ]
        back = [
            find_previous(work_of(session, supervisor), chosen=chosen, before=interview.spot)
            for interview in seen
        ]
    assert back == [None, *seen[:-1]]


def test_the_queue_can_be_cut_by_state_surveyor_and_flag(field: Any, supervisor: Principal) -> None:
    first, second, void = _store(field, Status.SUBMITTED, Status.SUBMITTED, Status.VOID)
    _assess(field, first, 50, "speed", "straight_line")
    _assess(field, void, 90, "speed")
    base = ReviewFilter(field.wave.id)
    cases = {
        base: {first, second},
        replace(base, status=None): {first, second, void},
        replace(base, status=Status.FROZEN): set(),
        replace(base, flag="speed"): {first},
        replace(base, flag=ANY_FLAG, status=None): {first, void},
        replace(base, flag="duplicate"): set(),
        replace(base, surveyor_id=field.surveyor.account_id): {first, second},
        replace(base, surveyor_id=uuid4()): set(),
        replace(base, city_code="310000"): set(),
    }
    with read_scope(field.url) as session:
        for chosen, expected in cases.items():
            queued = list_queue(work_of(session, supervisor), chosen=chosen)
            assert {interview.id for interview in queued} == expected, chosen
            assert count_queue(work_of(session, supervisor), chosen=chosen) == len(expected)


def test_an_interview_reads_as_it_was_answered_with_timings_flags_and_history(
    field: Any, supervisor: Principal
) -> None:
    (response_id,) = _store(field, Status.SUBMITTED)
    _assess(field, response_id, 40, "straight_line", "speed")
    _decide(field, supervisor, response_id, Status.VOID, TOO_FAST)
    with read_scope(field.url) as session:
        seen = get_response_detail(work_of(session, supervisor), response_id=response_id)
    answers = {each.item.name: each for part in seen.parts for each in part.answers}
    assert list(answers) == [
        "consent",
        "lived_6m",
        "quality",
        "service",
        "complained",
        "topics",
        "gender",
        "birth_year",
        "comment",
    ]
    assert "channel" not in answers, "nobody was asked"
    assert (answers["quality"].answer, answers["quality"].seconds) == (8, 4.5)
    assert (seen.risk, [flag.kind for flag in seen.flags]) == (40, ["straight_line", "speed"])
    assert (seen.status, seen.reason, seen.version) == (Status.VOID, TOO_FAST, 2)
    assert [(step.action, step.actor) for step in seen.history] == [
        ("response.void", supervisor.name)
    ]


# --- decisions -----------------------------------------------------------------------------------


def _decide(
    field: Any, person: Principal, response_id: UUID, to: Status, reason: ReviewReason | None = None
) -> int:
    with session_scope(field.url) as session:
        seen = get_response_detail(work_of(session, person), response_id=response_id)
        return decide(
            work_of(session, person, field.now),
            response_id=response_id,
            expected_version=seen.version,
            to=to,
            reason=reason,
        )


def test_two_levels_approve_and_each_only_its_own(
    field: Any, supervisor: Principal, association: Principal
) -> None:
    (response_id,) = _store(field, Status.SUBMITTED)
    assert allowed_transitions(supervisor, Status.SUBMITTED) == (
        Status.CITY_APPROVED,
        Status.RETURNED,
        Status.VOID,
    )
    assert allowed_transitions(supervisor, Status.CITY_APPROVED) == (Status.SUBMITTED,)
    assert allowed_transitions(association, Status.CITY_APPROVED) == (
        Status.APPROVED,
        Status.RETURNED,
        Status.VOID,
        Status.SUBMITTED,
    )
    assert allowed_transitions(supervisor, Status.VOID) == (Status.SUBMITTED,)
    assert Status.SUBMITTED not in allowed_transitions(supervisor, Status.RETURNED)
    _decide(field, supervisor, response_id, Status.CITY_APPROVED)
    with pytest.raises(AccessDeniedError):
        _decide(field, supervisor, response_id, Status.APPROVED)
    _decide(field, association, response_id, Status.APPROVED)
    assert _statuses(field) == {Status.APPROVED: 1}


def test_what_is_void_can_be_restored_and_counts_again(field: Any, supervisor: Principal) -> None:
    (response_id,) = _store(field, Status.SUBMITTED)
    _decide(field, supervisor, response_id, Status.VOID, TOO_FAST)
    assert _collected(field) == 0
    _decide(field, supervisor, response_id, Status.SUBMITTED, ReviewReason(ReasonCode.BY_MISTAKE))
    assert _collected(field) == 1


def test_of_two_reviewers_at_once_one_decides_and_the_other_sees_what_changed(
    field: Any, supervisor: Principal
) -> None:
    other = _person(field, Role.SUPERVISOR, "110000")
    (response_id,) = _store(field, Status.SUBMITTED)
    with read_scope(field.url) as session:
        seen = get_response_detail(work_of(session, supervisor), response_id=response_id)
    start, outcomes = Barrier(2), []

    def act(person: Principal, to: Status) -> None:
        start.wait()
        try:
            with session_scope(field.url) as session:
                decide(
                    work_of(session, person, field.now),
                    response_id=response_id,
                    to=to,
                    expected_version=seen.version,
                    reason=TOO_FAST,
                )
            outcomes.append(to)
        except ConflictError as error:
            if error.code != "response_changed":
                raise
            outcomes.append(None)

    pair = ((supervisor, Status.RETURNED), (other, Status.VOID))
    threads = [Thread(target=act, args=each) for each in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    won = [outcome for outcome in outcomes if outcome is not None]
    assert len(outcomes) == 2
    assert len(won) == 1
    with read_scope(field.url) as session:
        now_seen = get_response_detail(work_of(session, supervisor), response_id=response_id)
    assert (now_seen.status, now_seen.version) == (won[0], 2)
    assert now_seen.history[0].detail["to"] == won[0]


# --- many at once --------------------------------------------------------------------------------


def _preview(field: Any, person: Principal, to: Status, **chosen: Any) -> Any:
    with read_scope(field.url) as session:
        return preview_bulk_decision(
            work_of(session, person), chosen=ReviewFilter(field.wave.id, **chosen), to=to
        )


def _decide_all(field: Any, person: Principal, seen: Any, **chosen: Any) -> dict[UUID, int]:
    with session_scope(field.url) as session:
        return decide_many(
            work_of(session, person, field.now),
            chosen=ReviewFilter(field.wave.id, **chosen),
            seen=seen,
            reason=TOO_FAST,
        )


def _collected(field: Any) -> int:
    with read_scope(field.url) as session:
        return sum(session.exec(select(QuotaCell.collected)))


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    mix=st.lists(st.sampled_from(Status), max_size=12),
    elsewhere=st.lists(st.sampled_from(Status), max_size=3),
    to=st.sampled_from(REVIEWABLE),
    level=st.sampled_from([Role.SUPERVISOR, Role.ADMINISTRATOR]),
)
def test_the_preview_is_exactly_what_happens(
    field: Any, mix: list[Status], elsewhere: list[Status], to: Status, level: Role
) -> None:
    area = "110000" if level is Role.SUPERVISOR else NATION
    person = Principal(field.surveyor.account_id, "x", level, area)
    _store(field, *mix)
    _store(field, *elsewhere, city="310000")
    before = _statuses(field)
    seen = _preview(field, person, to, status=None)
    reach = [status for status in _in_reach(field, person) if status in REVIEWABLE]
    assert sum(seen.allowed.values()) + sum(seen.not_allowed.values()) == len(reach)
    for status in seen.allowed:
        assert person.may(TRANSITIONS[status, to].action)
    entries = _entries(field)
    assert len(_decide_all(field, person, seen, status=None)) == seen.total
    after = _statuses(field)
    assert after == before - Counter(seen.allowed) + Counter({to: seen.total})
    assert _entries(field) == (entries[0] + bool(seen.total), entries[1] + seen.total)
    assert _counted_in_beijing(field) == _collected(field)


def _in_reach(field: Any, person: Principal) -> list[Status]:
    with read_scope(field.url) as session:
        rows = session.exec(select(Response.status, Response.city_code)).all()
    return [status for status, city in rows if person.covers(city)]


def _entries(field: Any) -> tuple[int, int]:
    """Entries about many at once, and interviews that such entries name."""
    many = select(func.count()).where(col(AuditEntry.action).in_(EVENTS_OF_MANY))
    with read_scope(field.url) as session:
        members = session.exec(select(func.count()).select_from(AuditMember)).one()
        return session.exec(many).one(), members


def _counted_in_beijing(field: Any) -> int:
    query = select(func.count()).where(
        Response.city_code == "110000", col(Response.status).in_(COUNTED_STATUSES)
    )
    with read_scope(field.url) as session:
        return session.exec(query).one()


def test_a_bulk_action_stops_when_anything_in_it_has_changed(
    field: Any, supervisor: Principal
) -> None:
    first, *_ = _store(field, Status.SUBMITTED, Status.SUBMITTED)
    seen = _preview(field, supervisor, Status.VOID)
    _decide(field, supervisor, first, Status.RETURNED, TOO_FAST)
    with raises_code("selection_changed"):
        _decide_all(field, supervisor, seen)
    assert _statuses(field) == {Status.RETURNED: 1, Status.SUBMITTED: 1}
    seen = _preview(field, supervisor, Status.VOID)
    _store(field, Status.SUBMITTED)
    with raises_code("selection_changed"):
        _decide_all(field, supervisor, seen)


def test_too_many_at_once_are_refused_before_anything_is_counted(
    field: Any, supervisor: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("survey.review.decisions.MAX_BULK_RESPONSES", 2)
    _store(field, *[Status.SUBMITTED] * 3)
    with raises_code("too_many_at_once"):
        _preview(field, supervisor, Status.VOID)


# --- reasons -------------------------------------------------------------------------------------


def test_every_reason_has_a_name_and_is_offered_somewhere() -> None:
    assert (
        set(REASON_NAMES)
        == set(ReasonCode)
        == {code for codes in REASONS_BY_STATUS.values() for code in codes}
    )
    for to, codes in REASONS_BY_STATUS.items():
        assert codes[-1] is ReasonCode.OTHER, to


@given(code=st.sampled_from(ReasonCode), note=st.text(max_size=60))
def test_a_reason_reads_back_as_it_was_given(code: ReasonCode, note: str) -> None:
    try:
        reason = ReviewReason.from_form(code, note)
    except RefusedError as error:
        if error.code != "note_missing":
            raise
        assert code is ReasonCode.OTHER
        assert not clean_note(note)
        return
    assert ReviewReason.parse(reason.text) == reason


def test_words_without_a_code_are_a_note() -> None:
    assert ReviewReason.parse("asked again: she is 36") == ReviewReason(
        None, "asked again: she is 36"
    )
    assert ReviewReason.parse("") == ReviewReason(None, "")
