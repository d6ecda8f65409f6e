"""A returned interview reaches its surveyor, and comes back as a new revision or not at all."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import col, select

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import Role
from survey.collection.correction import list_returned, resubmit, validate_correction
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Mode, QuotaCell, Response, ResponseRevision, Status, WaveState
from survey.waves.lifecycle import ResponseNotFoundError, transition
from survey.waves.quotas import find_cell, list_cells
from survey.waves.waves import close_wave
from tests.error_codes import raises_code
from tests.wave_states import move_wave
from tests.work_of import work_of


@pytest.fixture
def returned(field: Any) -> UUID:
    """A woman of 36, whose interview was sent back."""
    answers = dict(field.complete, age=36)
    with session_scope(field.url) as session:
        cells = list_cells(session=session, wave_id=field.wave.id, city_code="110000")
        row = FinishedResponse(
            client_uuid=uuid4(),
            city_code="110000",
            mode=Mode.ASSISTED,
            status=Status.SUBMITTED,
            submitted_at=field.now,
            answers=answers,
            timings={"quality": 3.0},
            quota_cell_id=find_cell(cells, answers, today=field.now.date()),
            surveyor_id=field.surveyor.account_id,
            started_at=field.now,
            point_id=field.point.id,
        )
        write_responses(work_of(session, OPERATOR, field.now), wave=field.wave, rows=[row])
        supervisor = Principal(field.surveyor.account_id, "x", Role.SUPERVISOR, "110000")
        transition(
            work_of(session, supervisor, field.now),
            response_id=row.id,
            to=Status.RETURNED,
            reason="check_again: how old is she?",
            expected_version=1,
        )
    return row.id


def _resubmit(
    field: Any,
    response_id: UUID,
    answers: Mapping[str, Any],
    *,
    note: str = "asked again",
    version: int = 2,
    person: Principal | None = None,
) -> int:
    with session_scope(field.url) as session:
        return resubmit(
            work_of(session, person or field.surveyor, field.now),
            response_id=response_id,
            answers=answers,
            note=note,
            expected_version=version,
        )


def _cells(field: Any) -> dict[str, int]:
    with read_scope(field.url) as session:
        cells = session.exec(select(QuotaCell).where(QuotaCell.collected != 0)).all()
    return {f"{cell.age_band} {cell.gender}": cell.collected for cell in cells}


def _state(field: Any, response_id: UUID) -> tuple[Status, int]:
    with read_scope(field.url) as session:
        response = session.get_one(Response, response_id)
        return response.status, response.lock_version


def test_only_its_surveyor_sees_it_with_what_is_asked(field: Any, returned: UUID) -> None:
    with read_scope(field.url) as session:
        (mine,) = list_returned(work_of(session, field.surveyor))
        assert list_returned(work_of(session, field.colleague)) == []
        moved = Principal(field.surveyor.account_id, "Li", Role.SURVEYOR, "310000")
        assert list_returned(work_of(session, moved)) == []
        with pytest.raises(AccessDeniedError):
            list_returned(work_of(session, OPERATOR))
    assert (mine.response_id, mine.version) == (returned, 2)
    assert (mine.reason.code, mine.reason.note) == ("check_again", "how old is she?")
    assert mine.answers["birth_year"] == 1990
    assert not validate_correction(mine, mine.answers).problems


def test_a_correction_is_a_new_revision_and_moves_to_its_quota_cell(
    field: Any, returned: UUID
) -> None:
    assert _cells(field) == {"35-44 female": 1}
    assert _resubmit(field, returned, dict(field.complete, birth_year=1980)) == 3
    with read_scope(field.url) as session:
        revisions = session.exec(
            select(ResponseRevision).order_by(col(ResponseRevision.number))
        ).all()
        response = session.get_one(Response, returned)
    assert [(revision.number, revision.is_current, revision.reason) for revision in revisions] == [
        (1, False, ""),
        (2, True, "asked again"),
    ]
    assert revisions[0].answers["birth_year"] == 1990
    assert (revisions[1].answers["birth_year"], revisions[1].answers["age"]) == (1980, 46)
    assert revisions[1].author_id == field.surveyor.account_id
    assert revisions[1].timings == {"quality": 3.0}
    assert (response.status, response.reason) == (Status.SUBMITTED, "asked again")
    assert _cells(field) == {"45-54 female": 1}


def test_without_a_change_of_cell_the_counts_stay(field: Any, returned: UUID) -> None:
    _resubmit(field, returned, dict(field.complete, quality=2))
    assert _cells(field) == {"35-44 female": 1}


def test_answers_that_break_a_rule_change_nothing(field: Any, returned: UUID) -> None:
    for answers, error in (
        (dict(field.complete, birth_year=2020), "answers_invalid"),
        (dict(field.complete, complained="yes"), "answers_invalid"),
        (dict(field.complete, lived_6m="no"), "interview_ends"),
        ({}, "answers_invalid"),
    ):
        with raises_code(error):
            _resubmit(field, returned, answers)
    with raises_code("reason_missing"):
        _resubmit(field, returned, field.complete, note=" \n")
    assert _state(field, returned) == (Status.RETURNED, 2)
    assert _cells(field) == {"35-44 female": 1}


def test_only_its_own_surveyor_hands_it_in_and_only_as_seen(field: Any, returned: UUID) -> None:
    with pytest.raises(AccessDeniedError):
        _resubmit(field, returned, field.complete, person=field.colleague)
    twin = Principal(uuid4(), "x", Role.SURVEYOR, "110000")
    with pytest.raises(AccessDeniedError):
        _resubmit(field, returned, field.complete, person=twin)
    with raises_code("response_changed"):
        _resubmit(field, returned, field.complete, version=1)
    assert _state(field, returned) == (Status.RETURNED, 2)


def test_a_surveyor_of_one_point_corrects_what_was_made_there(field: Any, returned: UUID) -> None:
    here, elsewhere = (
        replace(field.surveyor, area=f"110000/{code}")
        for code in (field.point.code, f"{field.point.code}-2")
    )
    with read_scope(field.url) as session:
        assert list_returned(work_of(session, elsewhere)) == []
        (seen,) = list_returned(work_of(session, here))
    assert seen.response_id == returned
    for stranger in (elsewhere, replace(here, account_id=uuid4())):
        with pytest.raises(AccessDeniedError):
            _resubmit(field, returned, field.complete, person=stranger)
        with pytest.raises(AccessDeniedError):
            _resubmit(field, returned, field.complete, person=stranger, version=1)
    assert _state(field, returned) == (Status.RETURNED, 2)
    _resubmit(field, returned, field.complete, person=here)
    assert _state(field, returned) == (Status.SUBMITTED, 3)


def test_corrections_arrive_after_closing_but_not_after_freezing(
    field: Any, returned: UUID
) -> None:
    with session_scope(field.url) as session:
        close_wave(work_of(session, OPERATOR, field.now), key="main-2026")
    with read_scope(field.url) as session:
        assert len(list_returned(work_of(session, field.surveyor))) == 1
    with session_scope(field.url) as session:
        move_wave(session=session, key="main-2026", to=WaveState.FROZEN, now=field.now)
    with read_scope(field.url) as session:
        assert list_returned(work_of(session, field.surveyor)) == []
    with pytest.raises(ResponseNotFoundError):
        _resubmit(field, returned, field.complete)
    assert _state(field, returned) == (Status.RETURNED, 2)
