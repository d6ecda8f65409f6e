"""Checklist of a wave: one task is next, what comes after waits, counts are those of the store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import NATION, Role
from survey.frame.sample_size import PrecisionTarget
from survey.frame.sampling_plan import PlanRequest
from survey.operations.checklist import Checklist, ChecklistTask, TaskState, get_checklist
from survey.store.engine import read_scope, session_scope
from survey.store.tables import PointKind, SamplingPoint, Wave, WaveState
from survey.waves.planning.plan_storage import save_plan
from survey.waves.planning.point_staff import assign_person
from survey.waves.waves import close_wave, transition_wave
from tests.wave_states import set_wave_state
from tests.work_of import work_of

KEY = "main-2027"


def _read(url: str, key: str | None = None) -> Checklist:
    with read_scope(url) as session:
        return get_checklist(work_of(session, OPERATOR), key=key)


def _next(checklist: Checklist) -> ChecklistTask | None:
    states = [item.state for item in checklist.items]
    assert states == sorted(states, key=list(TaskState).index) or TaskState.NEXT in states
    return next((item.task for item in checklist.items if item.state is TaskState.NEXT), None)


def test_an_empty_store_begins_with_accounts(store_url: str) -> None:
    checklist = _read(store_url)
    assert checklist.wave is None
    assert [item.state for item in checklist.items] == [TaskState.NEXT, *[TaskState.WAITING] * 11]


def test_each_task_in_its_turn(planned: Any, wave_of: Callable[[str], Wave]) -> None:
    wave = wave_of(planned.url)
    checklist = _read(planned.url)
    assert checklist.wave is not None
    assert checklist.wave.key == KEY
    assert _next(checklist) is ChecklistTask.WAVE
    with session_scope(planned.url) as session:
        row = session.get_one(Wave, wave.id)
        row.opens_on, row.closes_on = date(2027, 3, 1), date(2027, 3, 31)
    assert _next(_read(planned.url)) is ChecklistTask.POINTS
    with session_scope(planned.url) as session:
        save_plan(
            work_of(session, OPERATOR, planned.now),
            key=KEY,
            request=PlanRequest(aim=PrecisionTarget(total=600), cities=("110000",)),
        )
        session.add(
            SamplingPoint(
                wave_id=wave.id,
                city_code="110000",
                code="B-1",
                name="B",
                kind=PointKind.MALL,
                stratum="urban",
                target=10,
            )
        )
    checklist = _read(planned.url)
    assert _next(checklist) is ChecklistTask.PEOPLE
    progress = {item.task: str(item.progress) for item in checklist.items}
    assert progress[ChecklistTask.SAMPLE] == "600 interviews in 1 cities"
    assert progress[ChecklistTask.PEOPLE] == "0 of 1 points have people"
    with session_scope(planned.url) as session:
        assign_person(work_of(session, OPERATOR, planned.now), key=KEY, code="B-1", login="li")
    assert _next(_read(planned.url)) is ChecklistTask.OPENING
    with session_scope(planned.url) as session:
        transition_wave(work_of(session, OPERATOR, planned.now), key=KEY, to=WaveState.OPEN)
    opened = _read(planned.url)
    assert _next(opened) is ChecklistTask.REVIEW
    done = [item.task for item in opened.items if item.state is TaskState.DONE]
    tasks = list(ChecklistTask)
    assert {*done, ChecklistTask.KEYS} == {*tasks[: tasks.index(ChecklistTask.REVIEW)]}


def test_a_key_that_lacks_is_said_from_the_beginning_and_keeps_nobody_waiting(
    planned: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (keys,) = [item for item in _read(planned.url).items if item.task is ChecklistTask.KEYS]
    assert keys.state is TaskState.WAITING
    assert str(keys.progress) == "releases cannot be signed here yet"
    monkeypatch.setattr("survey.operations.checklist.find_signing_problem", lambda _: None)
    (keys,) = [item for item in _read(planned.url).items if item.task is ChecklistTask.KEYS]
    assert keys.state is TaskState.DONE


def test_it_goes_on_until_the_release_and_then_makes_room_for_the_next(field: Any) -> None:
    key = field.wave.key
    with session_scope(field.url) as session:
        close_wave(work_of(session, OPERATOR, field.now), key=key)
    states = {item.task: item.state for item in _read(field.url).items}
    assert states[ChecklistTask.CLOSING] is TaskState.DONE
    assert states[ChecklistTask.FREEZING] is not TaskState.DONE
    for state in (WaveState.FROZEN, WaveState.RELEASED):
        with session_scope(field.url) as session:
            set_wave_state(session, session.get_one(Wave, field.wave.id), state)
        states = {item.task: item.state for item in _read(field.url, key).items}
        assert states[ChecklistTask.REVIEW] is TaskState.DONE
        assert states[ChecklistTask.FREEZING] is TaskState.DONE
    assert states[ChecklistTask.RELEASE] is TaskState.DONE
    assert _read(field.url).wave is None


def test_only_planners_see_it(field: Any) -> None:
    official = Principal(field.surveyor.account_id, "O", Role.NATIONAL_OFFICIAL, NATION)
    with read_scope(field.url) as session, pytest.raises(AccessDeniedError):
        get_checklist(work_of(session, official))
