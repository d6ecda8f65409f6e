"""One person at one point: added, taken off, refused in words, audited."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import select

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import NATION, Role
from survey.store.engine import read_scope, session_scope
from survey.store.tables import AuditEntry, PointKind, Posting, SamplingPoint, Wave, WaveState
from survey.waves.assignments import list_tasks
from survey.waves.planning.point_staff import (
    PointStaff,
    assign_person,
    get_point_staff,
    remove_person,
)
from survey.waves.planning.wave_overview import list_postings
from survey.waves.waves import transition_wave
from tests.error_codes import raises_code
from tests.work_of import work_of

KEY = "main-2027"


@pytest.fixture
def placed(planned: Any, wave_of: Callable[[str], Wave]) -> Any:
    wave = wave_of(planned.url)
    with session_scope(planned.url) as session:
        session.add_all(
            SamplingPoint(
                wave_id=wave.id,
                city_code="110000",
                code=code,
                name=code,
                kind=PointKind.MALL,
                stratum="urban",
                target=10,
            )
            for code in ("B-1", "B-2")
        )
    return planned


def _staff(field: Any, code: str = "B-1") -> PointStaff:
    with read_scope(field.url) as session:
        return get_point_staff(work_of(session, OPERATOR, field.now), key=KEY, code=code)


def _act(field: Any, act: Any, login: str = "li", code: str = "B-1", by: Any = OPERATOR) -> None:
    with session_scope(field.url) as session:
        act(work_of(session, by, field.now), key=KEY, code=code, login=login)


def _postings(field: Any) -> list[str]:
    with read_scope(field.url) as session:
        return [line.login for line in list_postings(work_of(session, OPERATOR), key=KEY)]


def test_one_person_is_added_and_taken_off_again(placed: Any) -> None:
    assert "li" in {person.login for person in _staff(placed).available}
    _act(placed, assign_person)
    _act(placed, assign_person, code="B-2")
    assert [person.login for person in _staff(placed).working] == ["li"]
    assert "li" not in {person.login for person in _staff(placed).available}
    assert _postings(placed) == ["li"]
    _act(placed, remove_person)
    assert (_staff(placed).working, _postings(placed)) == ((), ["li"])
    _act(placed, remove_person, code="B-2")
    assert _postings(placed) == []
    with read_scope(placed.url) as session:
        query = select(AuditEntry).where(AuditEntry.action == "point.staffed")
        changes = [
            (entry.detail["from"]["surveyors"], entry.detail["to"]["surveyors"])
            for entry in session.exec(query)
        ]
    assert sorted(changes) == [([], ["li"]), ([], ["li"]), (["li"], []), (["li"], [])]


def test_an_open_wave_gives_the_person_a_task_at_once(placed: Any) -> None:
    with session_scope(placed.url) as session:
        transition_wave(work_of(session, OPERATOR, placed.now), key=KEY, to=WaveState.OPEN)
    _act(placed, assign_person)
    with read_scope(placed.url) as session:
        tasks = list_tasks(work_of(session, placed.surveyor, placed.now))
    assert "B-1" in {task.point_code for task in tasks}


def test_supervisor_and_agency_of_a_list_stay(placed: Any, wave_of: Callable[[str], Wave]) -> None:
    wave = wave_of(placed.url)
    with session_scope(placed.url) as session:
        session.add(
            Posting(
                wave_id=wave.id,
                account_id=placed.surveyor.account_id,
                city_code="110000",
                agency="North",
            )
        )
    _act(placed, assign_person)
    with read_scope(placed.url) as session:
        (line,) = list_postings(work_of(session, OPERATOR), key=KEY)
    assert line.agency == "North"


@pytest.mark.parametrize("login", ["zhao", "boss", "nobody"])
def test_another_area_another_role_or_nobody_is_refused_in_words(placed: Any, login: str) -> None:
    with raises_code("staff_wrong", match=login):
        _act(placed, assign_person, login=login)


def test_twice_never_and_a_point_that_is_not_there(placed: Any) -> None:
    with raises_code("staff_wrong", match="does not work"):
        _act(placed, remove_person)
    _act(placed, assign_person)
    with raises_code("staff_wrong", match="already"):
        _act(placed, assign_person)
    with raises_code("staff_wrong", match="no sampling point"):
        _act(placed, assign_person, code="B-9")


def test_a_closed_wave_and_who_only_reads(placed: Any) -> None:
    official = Principal(placed.surveyor.account_id, "O", Role.NATIONAL_OFFICIAL, NATION)
    for act in (assign_person, remove_person):
        with pytest.raises(AccessDeniedError):
            _act(placed, act, by=official)
    for state in (WaveState.OPEN, WaveState.CLOSED):
        with session_scope(placed.url) as session:
            transition_wave(work_of(session, OPERATOR, placed.now), key=KEY, to=state)
    for act in (assign_person, remove_person):
        with raises_code("wave_fixed"):
            _act(placed, act)
