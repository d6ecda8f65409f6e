"""What was ordered is the one target of a wave, on every page; the reserve is named beside it."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

import pandas as pd
import pytest
from sqlmodel import col, select

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import NATION, Role
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.frame.sampling_plan import PlanRequest
from survey.operations.checklist import ChecklistTask, get_checklist
from survey.review.progress.wave_progress import WaveProgress, get_progress
from survey.store.engine import read_scope, session_scope
from survey.store.tables import (
    Assignment,
    Mode,
    QuotaCell,
    QuotaMargin,
    SamplingPoint,
    Status,
    Wave,
    WaveState,
)
from survey.waves.assignments import list_tasks
from survey.waves.planning.plan_storage import save_plan
from survey.waves.planning.sampling_points import draw_points, read_point_list
from survey.waves.waves import get_wave, summarise_wave, transition_wave
from tests.work_of import work_of

KEY = "main-2027"
CITY = "110000"
ORDERED, WITH_RESERVE = 60, 66
READER = Principal(None, "reader", Role.ADMINISTRATOR, NATION)


@pytest.fixture
def pilot(planned: Any, point_file: Callable[[Sequence[Sequence[object]]], bytes]) -> Any:
    """One city, sixty interviews, a reserve of a tenth, four points and a surveyor at each."""
    rows = [
        [CITY, f"B-{number}", f"Place {number}", "mall", stratum, None, None, None]
        for number, stratum in enumerate(("urban", "urban", "urban", "rural"))
    ]
    with session_scope(planned.url) as session:
        request = PlanRequest(size=pd.Series({CITY: ORDERED}), reserve=0.1)
        save_plan(work_of(session, OPERATOR, planned.now), key=KEY, request=request)
    with session_scope(planned.url) as session:
        listed = read_point_list(
            work_of(session, OPERATOR), key=KEY, name="p.xlsx", content=point_file(rows)
        )
        draw_points(
            work_of(session, OPERATOR, planned.now), key=KEY, listed=listed, per_city=4, seed=1
        )
    with session_scope(planned.url) as session:
        wave = session.exec(select(Wave).where(Wave.key == KEY)).one()
        points = select(SamplingPoint).where(SamplingPoint.wave_id == wave.id)
        for point in session.exec(points).all():
            session.add(Assignment(account_id=planned.surveyor.account_id, point_id=point.id))
        transition_wave(work_of(session, OPERATOR, planned.now), key=KEY, to=WaveState.OPEN)
    return planned


def _look(field: Any) -> WaveProgress:
    with read_scope(field.url) as session:
        wave = summarise_wave(get_wave(session=session, key=KEY))
        return get_progress(work_of(session, READER, field.now), wave=wave, usual_waste=0.08)


def _collect(field: Any, *, beyond: int = 0) -> None:
    """Fill every cell as far as the order asks, a tenth less than it holds."""
    with session_scope(field.url) as session:
        wave = session.exec(select(Wave).where(Wave.key == KEY)).one()
        cells = session.exec(
            select(QuotaCell).where(QuotaCell.wave_id == wave.id).order_by(col(QuotaCell.target))
        ).all()
        left, rows = ORDERED + beyond, []
        for cell in reversed(cells):
            for _ in range(min(cell.target, left)):
                left -= 1
                rows.append(
                    FinishedResponse(
                        client_uuid=uuid4(), city_code=CITY, mode=Mode.SELF,
                        status=Status.SUBMITTED, answers={}, submitted_at=field.now,
                        quota_cell_id=cell.id,
                    )
                )  # fmt: skip
        write_responses(work_of(session, OPERATOR, field.now), wave=wave, rows=rows)


def test_sixty_ordered_are_sixty_everywhere(pilot: Any) -> None:
    with read_scope(pilot.url) as session:
        checklist = get_checklist(work_of(session, OPERATOR), key=KEY)
        (sample,) = [item for item in checklist.items if item.task is ChecklistTask.SAMPLE]
        tasks = [
            task
            for task in list_tasks(work_of(session, pilot.surveyor, pilot.now))
            if task.wave_key == KEY
        ]
    seen = _look(pilot)
    assert sample.progress.params["interviews"] == str(ORDERED)
    assert sum(task.target for task in tasks) == ORDERED
    assert (seen.total.tally.target, seen.total.still_missing) == (ORDERED, ORDERED)
    assert [(city.tally.target, city.still_missing) for city in seen.cities] == [(60, 60)]


def test_the_reserve_is_rounded_once_for_each_kind_of_quota(pilot: Any) -> None:
    with read_scope(pilot.url) as session:
        wave = session.exec(select(Wave).where(Wave.key == KEY)).one()
        cells = session.exec(select(QuotaCell.target).where(QuotaCell.wave_id == wave.id)).all()
        strata = session.exec(
            select(QuotaMargin.target).where(
                QuotaMargin.wave_id == wave.id, QuotaMargin.dimension == "stratum"
            )
        ).all()
    assert (sum(cells), sum(strata)) == (WITH_RESERVE, WITH_RESERVE)
    assert _look(pilot).total.reserve == WITH_RESERVE - ORDERED


def test_an_empty_reserve_is_not_missed(pilot: Any) -> None:
    _collect(pilot)
    seen = _look(pilot)
    assert (seen.total.tally.filled, seen.total.still_missing) == (1.0, 0)


def test_what_goes_into_the_reserve_is_more_than_ordered(pilot: Any) -> None:
    _collect(pilot, beyond=6)
    seen = _look(pilot)
    assert (seen.total.tally.counted, seen.total.still_missing) == (WITH_RESERVE, 0)
    assert seen.total.beyond == 0
