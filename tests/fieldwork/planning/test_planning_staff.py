"""Who works where: unknown logins are row errors, known ones get points, supervisor and agency."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlmodel import select

from survey.access.principal import OPERATOR
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Account, Assignment, PointKind, SamplingPoint, Wave, WaveState
from survey.waves.assignments import list_tasks
from survey.waves.planning.staff import (
    AssignmentList,
    assign_evenly,
    assign_people,
    read_staff_list,
    staff_template,
)
from survey.waves.planning.wave_overview import get_wave_overview, list_points, list_postings
from survey.waves.waves import transition_wave
from tests.error_codes import raises_code
from tests.work_of import work_of

KEY = "main-2027"
File = Callable[[Sequence[Sequence[object]]], bytes]


@pytest.fixture
def placed(planned: Any, wave_of: Callable[[str], Wave]) -> Any:
    wave = wave_of(planned.url)
    with session_scope(planned.url) as session:
        session.add_all(
            SamplingPoint(
                wave_id=wave.id,
                city_code=city,
                code=code,
                name=code,
                kind=PointKind.MALL,
                stratum="urban",
                target=10,
            )
            for city, code in (("110000", "B-1"), ("110000", "B-2"), ("310000", "S-1"))
        )
        session.add(Account(login="gone", name="G", role="surveyor", area="110000", active=False))
    return planned


def _read(field: Any, content: bytes) -> AssignmentList:
    with read_scope(field.url) as session:
        return read_staff_list(
            work_of(session, OPERATOR), key=KEY, name="people.xlsx", content=content
        )


def _assign(field: Any, listed: AssignmentList) -> tuple[int, int]:
    with session_scope(field.url) as session:
        done = assign_people(work_of(session, OPERATOR, field.now), key=KEY, listed=listed)
    return done.assigned, done.people


GOOD = [["li", "B-1", "boss", "North Agency"], ["li", "B-2", "boss", "North Agency"],
        ["zhao", "S-1", None, None]]  # fmt: skip


def test_every_wrong_row_says_why(placed: Any, staff_file: File) -> None:
    listed = _read(
        placed,
        staff_file(
            [
                ["nobody", "B-1", None, None],
                ["gone", "B-1", None, None],
                ["boss", "B-1", None, None],
                ["li", "X-9", None, None],
                ["li", "S-1", None, None],
                ["zhao", "S-1", "boss", None],
                ["li", "B-1", "li", None],
                ["li", "B-1", "boss", "North"],
                ["li", "B-1", "boss", "North"],
                ["li", "B-2", "boss", "South"],
                [None, "B-1", None, None],
            ]
        ),
    )
    assert [(error.row, error.message.msgid) for error in listed.errors] == [
        (2, "Nobody signs in with this name, or the account is closed."),
        (3, "Nobody signs in with this name, or the account is closed."),
        (4, "This person has another role."),
        (5, "The wave has no sampling point with this code."),
        (6, "The point lies outside the area of this person."),
        (7, "The point lies outside the area of this person."),
        (8, "This person has another role."),
        (10, "The same surveyor and point stand in row {row}."),
        (11, "Row {row} names another supervisor or agency for this surveyor."),
        (12, "This must not be empty."),
    ]
    with raises_code("staff_wrong"):
        _assign(placed, listed)


def test_people_get_their_points_and_the_same_list_twice_adds_nothing(
    placed: Any, staff_file: File
) -> None:
    assert _assign(placed, _read(placed, staff_file(GOOD))) == (3, 2)
    again = _read(placed, staff_file(GOOD))
    assert again.present == 3
    assert _assign(placed, again) == (0, 2)
    with read_scope(placed.url) as session:
        people = list_postings(work_of(session, OPERATOR), key=KEY)
        points = list_points(work_of(session, OPERATOR), key=KEY)
        sheet = get_wave_overview(work_of(session, OPERATOR), key=KEY)
    assert [
        (person.login, person.supervisor, person.agency, person.points) for person in people
    ] == [("li", "boss", "North Agency", 2), ("zhao", "", "", 1)]
    assert [point.surveyors for point in points] == [("li",), ("li",), ("zhao",)]
    assert (sheet.staffed_points, sheet.people) == (3, 2)
    assert [message.msgid for message in sheet.warnings] == ["the days are not set"]
    with session_scope(placed.url) as session:
        transition_wave(work_of(session, OPERATOR, placed.now), key=KEY, to=WaveState.OPEN)
    with read_scope(placed.url) as session:
        tasks = list_tasks(work_of(session, placed.surveyor, placed.now))
    assert {task.point_code for task in tasks if task.wave_key == KEY} == {"B-1", "B-2"}


def test_a_new_supervisor_replaces_the_old_one(placed: Any, staff_file: File) -> None:
    _assign(placed, _read(placed, staff_file(GOOD)))
    with session_scope(placed.url) as session:
        session.add(Account(login="chief", name="C", role="supervisor", area="110000"))
    changed = [["li", "B-1", "chief", "South Agency"]]
    assert _assign(placed, _read(placed, staff_file(changed))) == (0, 1)
    with read_scope(placed.url) as session:
        people = list_postings(work_of(session, OPERATOR), key=KEY)
    assert [(person.supervisor, person.agency) for person in people] == [
        ("chief", "South Agency"),
        ("", ""),
    ]


def test_points_of_another_wave_and_closed_waves_take_nobody(placed: Any, staff_file: File) -> None:
    listed = _read(placed, staff_file(GOOD))
    elsewhere = replace(listed.jobs[0], point_id=placed.point.id)
    with raises_code("staff_wrong", match="changed"):
        _assign(placed, replace(listed, jobs=(elsewhere,)))
    with session_scope(placed.url) as session:
        transition_wave(work_of(session, OPERATOR, placed.now), key=KEY, to=WaveState.CLOSED)
    with raises_code("wave_fixed"):
        _assign(placed, listed)
    with read_scope(placed.url) as session:
        assert len(session.exec(select(Assignment)).all()) == 2


def test_the_template_offers_the_people_and_points_of_the_store(placed: Any) -> None:
    with read_scope(placed.url) as session:
        sheet = staff_template(work_of(session, OPERATOR), key=KEY)
    offered = {column.key: column.choices for column in sheet.columns}
    assert offered["login"] == ("li", "zhao")
    assert offered["point"] == ("B-1", "B-2", "S-1")
    assert offered["supervisor"] == ("boss",)


def test_points_without_anybody_are_shared_evenly_and_supervisors_stay(
    placed: Any, staff_file: File
) -> None:
    _assign(placed, _read(placed, staff_file(GOOD[:1])))
    with session_scope(placed.url) as session:
        wave = session.exec(select(Wave).where(Wave.key == KEY)).one()
        session.add_all(
            Account(login=login, name=login, role=role, area=area)
            for login, role, area in (
                ("everywhere", "surveyor", "CN"),
                ("typist", "typist", "110000"),
                ("wen", "surveyor", "110000"),
            )
        )
        session.add_all(
            SamplingPoint(
                wave_id=wave.id, city_code="110000", code=f"B-{number}", name=f"B-{number}",
                kind=PointKind.MALL, stratum="urban", target=10,
            )
            for number in (3, 4)
        )  # fmt: skip
    with session_scope(placed.url) as session:
        done = assign_evenly(work_of(session, OPERATOR, placed.now), key=KEY)
    assert done.assigned == 4
    with read_scope(placed.url) as session:
        points = list_points(work_of(session, OPERATOR), key=KEY)
        people = list_postings(work_of(session, OPERATOR), key=KEY)
    shared = {point.code: [*point.surveyors] for point in points}
    wanted = {"B-1": "li", "B-2": "wen", "B-3": "li", "B-4": "wen", "S-1": "zhao"}
    assert shared == {code: [login] for code, login in wanted.items()}
    assert {(line.login, line.agency) for line in people} == {
        ("li", "North Agency"), ("wen", ""), ("zhao", ""),
    }  # fmt: skip
    with raises_code("staff_wrong", match="have nobody"), session_scope(placed.url) as session:
        assign_evenly(work_of(session, OPERATOR, placed.now), key=KEY)
