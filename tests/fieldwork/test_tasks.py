"""A surveyor sees the own points of open waves, with own and common counts, and nothing else."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import delete

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import NATION, Role
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.store.china_time import china_date, clamp_device_time, start_of_china_day
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Assignment, Mode, Status
from survey.waves.assignments import SurveyorTask, list_tasks
from survey.waves.quotas import list_cells
from survey.waves.waves import close_wave
from tests.work_of import work_of


def _tasks(field: Any, principal: Principal) -> list[SurveyorTask]:
    with read_scope(field.url) as session:
        return list_tasks(work_of(session, principal, field.now))


def _collect(
    field: Any, surveyor: UUID, when: datetime, status: Status = Status.SUBMITTED, **changes: Any
) -> None:
    values = {"city_code": "110000", "point_id": field.point.id, **changes}
    interview = FinishedResponse(
        client_uuid=uuid4(),
        mode=Mode.SELF,
        status=status,
        submitted_at=when,
        answers={},
        surveyor_id=surveyor,
        **values,
    )
    with session_scope(field.url) as session:
        write_responses(work_of(session, OPERATOR, field.now), wave=field.wave, rows=[interview])


def test_each_surveyor_sees_the_own_points_only(field: Any) -> None:
    (mine,) = _tasks(field, field.surveyor)
    assert (mine.wave_key, mine.point_id, mine.city_code) == ("main-2026", field.point.id, "110000")
    assert (mine.city_name["en"], mine.target, mine.collected) == ("Beijing", 20, 0)
    assert len(mine.quota) == 10
    (theirs,) = _tasks(field, field.colleague)
    assert (theirs.point_id, theirs.quota) == (field.foreign_point.id, ())


def test_own_and_common_counts_are_told_apart(field: Any) -> None:
    own, other = field.surveyor.account_id, field.colleague.account_id
    midnight = start_of_china_day(field.now)
    _collect(field, own, midnight)
    _collect(field, own, midnight - timedelta(seconds=1))
    _collect(field, other, field.now)
    _collect(field, own, field.now, point_id=field.foreign_point.id, city_code="310000")
    for status in (Status.SCREENED_OUT, Status.REFUSED, Status.VOID, Status.QUOTA_FULL):
        _collect(field, own, field.now, status)
    (task,) = _tasks(field, field.surveyor)
    assert (task.collected, task.mine, task.mine_today) == (3, 2, 1)


def test_quota_cells_show_the_whole_city(field: Any) -> None:
    with read_scope(field.url) as session:
        cell = list_cells(session=session, wave_id=field.wave.id, city_code="110000")[0]
    _collect(field, field.colleague.account_id, field.now, quota_cell_id=cell.id)
    (task,) = _tasks(field, field.surveyor)
    assert sum(progress.collected for progress in task.quota) == 1
    assert {progress.target for progress in task.quota} == {5}


def test_a_closed_wave_is_no_task(field: Any) -> None:
    with session_scope(field.url) as session:
        close_wave(work_of(session, OPERATOR, field.now), key="main-2026")
    assert _tasks(field, field.surveyor) == []


def test_without_assignments_there_is_nothing_to_do(field: Any) -> None:
    with session_scope(field.url) as session:
        session.execute(delete(Assignment))
    assert _tasks(field, field.surveyor) == []


def test_an_assignment_outside_the_area_does_not_show(field: Any) -> None:
    moved = Principal(field.surveyor.account_id, "Li", Role.SURVEYOR, "310000")
    assert _tasks(field, moved) == []


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SURVEYOR])
def test_other_roles_have_no_tasks(field: Any, role: Role) -> None:
    with pytest.raises(AccessDeniedError):
        _tasks(field, Principal(field.surveyor.account_id, "x", role, NATION))


def test_the_day_turns_at_midnight_in_china() -> None:
    before = datetime(2026, 5, 19, 15, 59, 59, tzinfo=UTC)
    after = before + timedelta(seconds=1)
    assert china_date(before).day == 19
    assert china_date(after).day == 20
    assert start_of_china_day(after) == after
    assert start_of_china_day(before) == after - timedelta(days=1)


def test_a_time_is_pulled_into_its_window() -> None:
    now, day = datetime(2026, 5, 20, tzinfo=UTC), timedelta(days=1)
    assert clamp_device_time(now + day, now=now, oldest=day) == now
    assert clamp_device_time(now - 2 * day, now=now, oldest=day) == now - day
    assert clamp_device_time(now - day / 2, now=now, oldest=day) == now - day / 2
