"""A planned wave of two cities beside the open one of `field`, and workbooks to upload."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlmodel import select

from survey.access.principal import OPERATOR
from survey.access.roles import Role
from survey.frame.sample_size import PrecisionTarget
from survey.frame.sampling_plan import PlanRequest
from survey.frame.workbook_io import WorkbookSheet, write_workbook
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Account, Wave
from survey.waves.planning.plan_storage import plan_cities, save_plan
from survey.waves.planning.sampling_points import point_list_template
from survey.waves.planning.staff import STAFF_SHEET
from survey.waves.planning.wave_editing import add_wave
from survey.waves.waves import WaveDraft
from tests.work_of import work_of

KEY = "main-2027"
TWO_CITIES = PrecisionTarget(total=1_200)


@pytest.fixture
def draft(field: Any) -> WaveDraft:
    return WaveDraft(KEY, "main", 2027, "2027年", "Wave 2027", field.wave.instrument_id)


@pytest.fixture
def planned(field: Any, draft: WaveDraft) -> Any:
    """The wave `KEY`, planned, with its sample."""
    with session_scope(field.url) as session:
        add_wave(work_of(session, OPERATOR, field.now), draft=draft)
        save_plan(
            work_of(session, OPERATOR, field.now), key=KEY, request=PlanRequest(aim=TWO_CITIES)
        )
        session.add(Account(login="boss", name="Boss", role=Role.SUPERVISOR, area="110000"))
    return field


@pytest.fixture
def point_file(planned: Any) -> Callable[[Sequence[Sequence[object]]], bytes]:
    def make(rows: Sequence[Sequence[object]]) -> bytes:
        with read_scope(planned.url) as session:
            sheet = point_list_template(plan_cities(work_of(session, OPERATOR)), "zh")
        return write_workbook([WorkbookSheet(sheet.name, sheet.columns, rows)], "zh")

    return make


@pytest.fixture
def staff_file() -> Callable[[Sequence[Sequence[object]]], bytes]:
    def make(rows: Sequence[Sequence[object]]) -> bytes:
        return write_workbook([WorkbookSheet(STAFF_SHEET.name, STAFF_SHEET.columns, rows)], "en")

    return make


@pytest.fixture
def wave_of() -> Callable[[str], Wave]:
    def read(url: str) -> Wave:
        with read_scope(url) as session:
            return session.exec(select(Wave).where(Wave.key == KEY)).one()

    return read
