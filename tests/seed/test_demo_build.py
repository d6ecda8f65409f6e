"""The demo in a store: complete, marked, consistent, and the same when frozen."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import func
from sqlmodel import Session, col, select

from seed.demo import OPEN_WAVE, build, generate_wave
from seed.demo.build import store_waves
from seed.demo.field_plan import surveyor_login
from seed.demo.paper import TO_KEY_AGAIN, TO_SETTLE
from survey.access.principal import OPERATOR, Principal
from survey.access.roles import DEMO_CITY, Role, demo_login
from survey.collection.paper.keying import list_typist_errors
from survey.collection.paper.keying_queue import (
    list_awaiting_adjudication,
    list_awaiting_second,
    list_keying_points,
)
from survey.collection.trial_links import open_trial
from survey.settings import PROJECT_ROOT
from survey.snapshots.response_frame import CountedResponses, response_frame
from survey.store.china_time import start_of_china_day
from survey.store.engine import session_scope
from survey.store.schema import upgrade
from survey.store.tables import (
    Account,
    AuditEntry,
    City,
    QuotaCell,
    Response,
    SamplingPoint,
    Status,
    Wave,
    WaveState,
    now,
)
from survey.waves.assignments import list_tasks
from survey.waves.instruments import find_instrument, load_instrument, load_reference_data
from survey.waves.quotas import COUNTED_STATUSES
from survey.waves.waves import get_wave
from tests.error_codes import raises_code
from tests.work_of import work_of

pytestmark = pytest.mark.slow

SIZE = 0.01


def test_the_store_holds_a_demo_and_says_so(store_url: str, tmp_path: Path) -> None:
    build(store_url, waves=("main-2024", "minors-2024"), size=SIZE, truth_dir=tmp_path / "truth")
    with session_scope(store_url) as session:
        assert session.exec(select(func.count()).select_from(City)).one() == 100
        waves = {wave.key: wave for wave in session.exec(select(Wave)).all()}
        assert set(waves) == {"main-2024", "minors-2024", OPEN_WAVE}
        assert all(wave.is_demo for wave in waves.values())
        assert waves["main-2024"].state is WaveState.CLOSED
        assert waves[OPEN_WAVE].state is WaveState.OPEN
        assert not session.exec(select(Account).where(~col(Account.is_demo))).all()
        assert not session.exec(select(Response).where(~col(Response.is_demo))).first()
        _roles(session)
        _counts(session, waves["main-2024"])
        _tasks(session)
        _collecting(session, waves[OPEN_WAVE])
        _paper(session)
        _snapshot(session)
        actions = {entry.action for entry in session.exec(select(AuditEntry)).all()}
        assert {"demo.accounts", "demo.responses", "wave.created", "wave.closed"} <= actions
    truth = pd.read_parquet(tmp_path / "truth" / "truth-main-2024.parquet")
    pd.testing.assert_frame_equal(truth, generate_wave("main-2024", n=620).truth)


def _roles(session: Session) -> None:
    accounts = session.exec(select(Account).where(col(Account.login).not_like("demo-s-%"))).all()
    areas = {account.login: (account.role, account.area) for account in accounts}
    assert areas == {
        "demo-surveyor": ("surveyor", DEMO_CITY),
        "demo-typist": ("typist", DEMO_CITY),
        "demo-t-420500-01": ("typist", DEMO_CITY),
        "demo-t-420500-02": ("typist", DEMO_CITY),
        "demo-supervisor": ("supervisor", DEMO_CITY),
        "demo-final_reviewer": ("final_reviewer", "CN"),
        "demo-city_official": ("city_official", DEMO_CITY),
        "demo-province_official": ("province_official", "32"),
        "demo-national_official": ("national_official", "CN"),
        "demo-analyst": ("analyst", "CN"),
        "demo-administrator": ("administrator", "CN"),
    }
    surveyors = session.exec(select(Account).where(col(Account.login).like("demo-s-%"))).all()
    assert len(surveyors) == 1_000
    assert all(account.login[7:13] == account.area for account in surveyors)


def _counts(session: Session, wave: Wave) -> None:
    statuses = Counter(
        session.exec(select(Response.status).where(Response.wave_id == wave.id)).all()
    )
    assert statuses[Status.APPROVED] == 620
    assert set(statuses) == {Status.APPROVED, Status.VOID, Status.SCREENED_OUT, Status.REFUSED}
    void = session.exec(
        select(Response.reason).where(Response.wave_id == wave.id, Response.status == Status.VOID)
    ).all()
    assert "" not in void
    cells = session.exec(select(QuotaCell).where(QuotaCell.wave_id == wave.id)).all()
    assert len(cells) == 1_000
    assert sum(cell.collected for cell in cells) == 620
    points = session.exec(select(SamplingPoint).where(SamplingPoint.wave_id == wave.id)).all()
    assert all(point.code.startswith(point.city_code) for point in points)
    assert all(point.name and point.target > 0 for point in points)


def _tasks(session: Session) -> None:
    account = session.exec(select(Account).where(Account.login == "demo-surveyor")).one()
    principal = Principal(account.id, account.name, Role(account.role), account.area, True)
    tasks = list_tasks(work_of(session, principal, now()))
    assert {task.wave_key for task in tasks} == {OPEN_WAVE}
    assert {task.city_code for task in tasks} == {DEMO_CITY}
    assert len(tasks) >= 12
    assert all((task.mine, task.mine_today) == (0, 0) for task in tasks), "the visitor's own count"
    assert all(len(task.quota) == 10 for task in tasks)
    assert start_of_china_day(now()) <= now()


def _collecting(session: Session, wave: Wave) -> None:
    """The open wave is on its way through review, up to yesterday; today is the visitor's."""
    rows = session.exec(select(Response).where(Response.wave_id == wave.id)).all()
    statuses = Counter(row.status for row in rows)
    # In a demo as small as this one a keyed sheet of paper may meet a full cell.
    assert set(statuses) - {Status.QUOTA_FULL} == {
        Status.SUBMITTED,
        Status.RETURNED,
        Status.CITY_APPROVED,
        Status.APPROVED,
        Status.VOID,
        Status.SCREENED_OUT,
        Status.REFUSED,
    }
    counted = sum(row.status in COUNTED_STATUSES for row in rows)
    cells = session.exec(select(QuotaCell).where(QuotaCell.wave_id == wave.id)).all()
    assert sum(cell.collected for cell in cells) == counted
    assert max(row.submitted_at for row in rows) < start_of_china_day(now())
    points = session.exec(select(SamplingPoint).where(SamplingPoint.wave_id == wave.id)).all()
    city = {point.id: point.city_code for point in points}
    assert all(row.point_id is not None and city[row.point_id] == row.city_code for row in rows)


def _paper(session: Session) -> None:
    """The visitor's typist has sheets to key again, and a supervisor differences to settle."""
    people = {
        role: Principal(account.id, account.name, role, account.area, True)
        for role in (Role.TYPIST, Role.SUPERVISOR)
        for account in session.exec(select(Account).where(Account.login == f"demo-{role}"))
    }
    typist, supervisor = people[Role.TYPIST], people[Role.SUPERVISOR]
    assert len(list_keying_points(work_of(session, typist))) >= 12
    assert len(list_awaiting_second(work_of(session, typist))) == TO_KEY_AGAIN
    assert len(list_awaiting_adjudication(work_of(session, supervisor))) == TO_SETTLE
    errors = list_typist_errors(work_of(session, supervisor), wave_key=OPEN_WAVE)
    assert len(errors) == 2
    assert sum(row.errors for row in errors) > 0


def _snapshot(session: Session) -> None:
    """Freezing the store gives the generated frame, to the last type."""
    expected = generate_wave("main-2024", n=620).approved
    wave = get_wave(session=session, key="main-2024")
    instrument = load_instrument(session=session, instrument_id=wave.instrument_id)
    frozen = response_frame(session, instrument, CountedResponses(wave.id))
    assert list(frozen.columns) == list(expected.columns)
    for name in frozen.columns:
        left, right = frozen[name], expected[name]
        if isinstance(left.dtype, pd.CategoricalDtype):
            left, right = left.astype(object), right.astype(object)
        pd.testing.assert_series_equal(left, right, check_dtype=name != "response_id")


def test_building_again_refuses_and_an_unknown_wave_is_named(sqlite_url: str) -> None:
    with pytest.raises(ValueError, match="main-1999"):
        build(sqlite_url, waves=("main-1999",))
    build(sqlite_url, waves=("elderly-2024",), size=SIZE)
    with raises_code("wave_exists"):
        build(sqlite_url, waves=("elderly-2024",), size=SIZE)


def test_a_questionnaire_that_was_tried_out_before_takes_no_account_away(sqlite_url: str) -> None:
    """A trial makes an account marked demo; the accounts of the demonstration come all the same."""
    upgrade(sqlite_url)
    load_reference_data(sqlite_url, PROJECT_ROOT / "seed")
    with session_scope(sqlite_url) as session:
        instrument = find_instrument(session=session, name="main-2024")
        open_trial(
            work_of(session, OPERATOR, datetime.now(UTC)), instrument=instrument, city_code="110000"
        )
    assert not list(store_waves(sqlite_url, waves=()))
    with session_scope(sqlite_url) as session:
        logins = set(session.exec(select(Account.login).where(Account.is_demo)).all())
    assert {"trial-110000", surveyor_login("110000", 0), *map(demo_login, Role)} <= logins
    assert not list(store_waves(sqlite_url, waves=()))
    with session_scope(sqlite_url) as session:
        assert session.exec(select(func.count()).select_from(Account)).one() == len(logins)
