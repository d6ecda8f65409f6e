"""New interviews are looked at in the background: once, by one, without touching what is known."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import select

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import Role
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.review.quality import assessment
from survey.review.quality.assessment import (
    assess_new_responses,
    assess_wave,
    get_assessment_freshness,
    is_assessment_due,
)
from survey.store.engine import read_scope, session_scope
from survey.store.tables import BackgroundRun, Mode, ResponseFlag, ResponseRisk, Status, new_id
from survey.waves.waves import close_wave
from tests.work_of import work_of

LATER = timedelta(minutes=10)


def _store(field: Any, count: int, **changes: Any) -> list[UUID]:
    given: dict[str, Any] = {
        "city_code": "110000", "mode": Mode.SELF, "status": Status.SUBMITTED,
        "submitted_at": field.now, "duration_seconds": 240.0, "point_id": field.point.id,
        "surveyor_id": field.surveyor.account_id,
    }  # fmt: skip
    rows = [
        FinishedResponse(
            client_uuid=new_id(),
            started_at=field.now - timedelta(hours=number),
            answers={**field.complete, "quality": 1 + number % 10},
            **{**given, **changes},
        )
        for number in range(count)
    ]
    with session_scope(field.url) as session:
        write_responses(work_of(session, OPERATOR, field.now), wave=field.wave, rows=rows)
    return [row.id for row in rows]


def _found(field: Any) -> dict[UUID, tuple[int, datetime]]:
    with read_scope(field.url) as session:
        return {
            row.response_id: (row.score, row.detected_at)
            for row in session.exec(select(ResponseRisk))
        }


def _pass_the_time(field: Any) -> None:
    """As if the last run were long over."""
    with session_scope(field.url) as session:
        run = session.get_one(BackgroundRun, "quality")
        run.leased_until -= LATER
        session.add(run)


def test_the_background_finds_what_the_command_finds(field: Any) -> None:
    _store(field, 10)
    (fast,) = _store(field, 1, duration_seconds=40.0)
    assert assess_new_responses(field.url) == 11
    in_background = {response_id: score for response_id, (score, _) in _found(field).items()}
    with read_scope(field.url) as session:
        flags = {(f.response_id, f.kind) for f in session.exec(select(ResponseFlag))}
    with session_scope(field.url) as session:
        assess_wave(work_of(session, OPERATOR, field.now), wave_key=field.wave.key)
    assert in_background == {
        response_id: score for response_id, (score, _) in _found(field).items()
    }
    assert (fast, "speed") in flags
    with read_scope(field.url) as session:
        assert flags == {(f.response_id, f.kind) for f in session.exec(select(ResponseFlag))}


def test_only_what_is_new_or_came_out_otherwise_is_written(field: Any) -> None:
    _store(field, 10)
    assess_new_responses(field.url)
    before = _found(field)
    (late,) = _store(field, 1)
    assert assess_new_responses(field.url) == 0, "the last run was a moment ago"
    _pass_the_time(field)
    assert assess_new_responses(field.url) == 1
    after = _found(field)
    assert after.keys() - before.keys() == {late}
    assert {response_id: after[response_id] for response_id in before} == before
    _pass_the_time(field)
    assert assess_new_responses(field.url) == 0, "nothing is new"


def test_of_many_at_once_one_looks(field: Any) -> None:
    _store(field, 5)
    with ThreadPoolExecutor(4) as pool:
        written = sorted(pool.map(assess_new_responses, [field.url] * 4))
    assert written == [0, 0, 0, 5]


def test_whoever_dies_is_replaced_when_the_lease_runs_out(
    field: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _store(field, 3)
    began = datetime.now(UTC) - assessment.LEASE_DURATION - timedelta(minutes=1)
    with session_scope(field.url) as session:
        session.add(
            BackgroundRun(
                name="quality",
                lease=new_id(),
                leased_until=began + assessment.LEASE_DURATION,
                started_at=began,
            )
        )
    assert assess_new_responses(field.url) == 3


def test_a_failed_run_gives_the_lease_back_and_leaves_whole_rows(
    field: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _store(field, 3)

    def fail(*_: object) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr(assessment, "save_assessment", fail)
    with pytest.raises(RuntimeError):
        assess_new_responses(field.url)
    assert _found(field) == {}
    monkeypatch.undo()
    _pass_the_time(field)
    assert assess_new_responses(field.url) == 3


def test_it_is_due_when_something_waits_in_an_open_wave(field: Any) -> None:
    def due() -> bool:
        with read_scope(field.url) as session:
            return is_assessment_due(session=session, at=datetime.now(UTC))

    def waiting() -> int:
        with read_scope(field.url) as session:
            return get_assessment_freshness(
                work_of(session, OPERATOR), wave_id=field.wave.id
            ).waiting

    assert not due()
    _store(field, 2)
    _store(field, 2, status=Status.REFUSED)
    assert (due(), waiting()) == (True, 2)
    elsewhere = Principal(new_id(), "x", Role.SUPERVISOR, "310000")
    with read_scope(field.url) as session:
        look = get_assessment_freshness(work_of(session, elsewhere), wave_id=field.wave.id)
        assert look.waiting == 0
        with pytest.raises(AccessDeniedError):
            get_assessment_freshness(work_of(session, field.surveyor), wave_id=field.wave.id)
    assess_new_responses(field.url)
    assert (due(), waiting()) == (False, 0)
    _store(field, 1)
    _pass_the_time(field)
    assert due()
    with session_scope(field.url) as session:
        close_wave(work_of(session, OPERATOR, field.now), key=field.wave.key)
    assert not due()
