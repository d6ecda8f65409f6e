"""A small demo wave goes the whole way: stored, frozen, weighed, estimated, hidden, read."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import event, text
from sqlmodel import select

from seed.demo import build
from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import Role
from survey.estimate import estimate_tree
from survey.estimate.tree import Tree
from survey.results import SnapshotNotFoundError, list_waves, open_results
from survey.results.analysis import WEIGHT, add_weights, analysis_frame, sampling_design
from survey.results.freeze import freeze_wave
from survey.results.snapshots import CELLS
from survey.settings import Settings
from survey.snapshots.snapshot_files import FreezeOptions, read_snapshot
from survey.store.engine import dispose_engines, engine_for, session_scope
from survey.store.tables import AuditEntry, Response, Status, Wave, WaveState, new_id, now
from survey.waves.instruments import find_instrument
from survey.waves.waves import NewWave, create_wave
from tests.error_codes import raises_code
from tests.wave_states import set_wave_state
from tests.work_of import work_of

WAVE = "main-2024"
READER = Principal(new_id(), "reader", Role.NATIONAL_OFFICIAL, "CN")


@pytest.fixture
def settings(frozen_small_demo: Path, tmp_path: Path) -> Iterator[Settings]:
    """A copy of the small demo for one test."""
    shutil.copytree(frozen_small_demo, tmp_path, dirs_exist_ok=True)
    yield Settings(database_url="", data_dir=tmp_path)
    dispose_engines()


@pytest.mark.slow
@pytest.mark.postgres
def test_a_wave_goes_the_whole_way_on_postgresql(postgres_url: str, tmp_path: Path) -> None:
    settings = Settings(database_url=postgres_url, data_dir=tmp_path)
    build(postgres_url, waves=[WAVE], size=0.01, seed=7)
    planned: list[str] = []

    def note_plan(_: object, cursor: Any, statement: str, *_rest: object) -> None:
        read = ("FROM response JOIN response_revision", "FROM response LEFT OUTER JOIN sampling_")
        if any(source in statement for source in read):
            with cursor.connection.cursor() as own:
                planned.append(own.execute("SHOW cursor_tuple_fraction").fetchone()[0])

    event.listen(engine_for(postgres_url), "before_cursor_execute", note_plan)
    try:
        final = freeze_wave(
            settings, wave_key=WAVE, actor=OPERATOR, options=FreezeOptions(final=True)
        )
    finally:
        event.remove(engine_for(postgres_url), "before_cursor_execute", note_plan)
    # Else each file, and each fingerprint, would be read by a walk through all interviews of all
    # waves.
    assert len(planned) > 2
    assert set(planned) == {"1"}
    _cells_agree_with_the_estimator(settings, settings.snapshot_dir / final.directory)
    _the_gate_holds(settings)
    _wave_and_responses_are_frozen(settings, final.rows, snapshots=1)


@pytest.mark.slow
def test_a_wave_goes_the_whole_way(settings: Settings) -> None:
    folder = next(settings.snapshot_dir.rglob("cells.parquet")).parent
    _cells_agree_with_the_estimator(settings, folder)
    _the_gate_holds(settings)
    before = {path.name: path.read_bytes() for path in folder.glob("*.parquet")}
    final = freeze_wave(settings, wave_key=WAVE, actor=OPERATOR, options=FreezeOptions(final=True))
    again = settings.snapshot_dir / final.directory
    assert again != folder, "the files of the provisional results are not written over"
    after = {path.name: path.read_bytes() for path in again.glob("*.parquet")}
    assert before.keys() >= {"cells.parquet", "gaps.parquet", "responses-110000.parquet"}
    assert before == after
    _wave_and_responses_are_frozen(settings, final.rows, snapshots=2)


def _cells_agree_with_the_estimator(settings: Settings, folder: Path) -> None:
    _manifest, frame = read_snapshot(folder)
    people, report = add_weights(analysis_frame(frame, "main"), "main")
    assert report.largest_misfit < 1e-8
    with session_scope(settings.store_url) as session:
        results = open_results(settings, session, WAVE)
        instrument = find_instrument(session=session, name="main-2023")
    assert results.tree is not None
    feeds = {item.name: str(item.indicator) for item in instrument.scored_items}
    scores = people.assign(
        **{item: np.where(people[item] < 0, np.nan, (people[item] - 1) / 9 * 100) for item in feeds}
    )
    direct = estimate_tree(
        scores, Tree.of(results.tree.indicators, feeds), sampling_design(people), by=("gender",)
    ).set_index(["gender", "variable"])
    for gender in ("male", "female"):
        asked = {"area_level": "nation", "group": f"gender={gender}"}
        cells = results.exact(READER, CELLS, asked)
        cells = cells.set_index(cells["indicator"].astype(str))
        for code in ("composite", "1", "2.10", "3.2.2"):
            for column in ("estimate", "se", "ci_low", "ci_high", "n", "deff"):
                expected = direct.loc[(gender, code), column]
                assert cells.loc[code, column] == pytest.approx(expected, rel=1e-9), (code, column)
    assert people[WEIGHT].sum() == pytest.approx(
        _population(results.exact(READER, CELLS, {"group": "all"}))
    )


def _population(cells: pd.DataFrame) -> float:
    nation = cells[(cells["area_level"] == "nation") & (cells["indicator"] == "composite")]
    return float(nation["sum_weight"].iloc[0])


def _the_gate_holds(settings: Settings) -> None:
    with session_scope(settings.store_url) as session:
        results = open_results(settings, session, WAVE)
    cells = results.cells(READER, area_level="city")
    hidden = cells[~cells["shown"]]
    assert len(hidden) > 0
    assert hidden[["estimate", "ci_low", "ci_high", "n"]].isna().all().all()
    assert (cells.loc[cells["shown"], "n"] >= 10).all()
    gaps = results.gaps(READER, contrast="rest")
    assert gaps.loc[~gaps["shown"], ["difference", "n_reference"]].isna().all().all()
    assert (gaps.loc[gaps["shown"], ["n", "n_reference"]].min() >= 10).all()


def _wave_and_responses_are_frozen(settings: Settings, rows: int, *, snapshots: int) -> None:
    with session_scope(settings.store_url) as session:
        wave = session.exec(select(Wave).where(Wave.key == WAVE)).one()
        assert wave.state is WaveState.FROZEN
        statuses = session.exec(select(Response.status).where(Response.wave_id == wave.id)).all()
        actions = session.exec(select(AuditEntry.action)).all()
        infos = list_waves(settings, session)
    assert statuses.count(Status.FROZEN) == rows
    assert Status.APPROVED not in statuses
    assert Status.VOID in statuses
    assert actions.count("wave.snapshot") == snapshots
    assert [(info.key, info.n, info.final) for info in infos] == [(WAVE, rows, True)]


def test_before_release_a_city_reads_itself_and_the_nation_only(settings: Settings) -> None:
    official = Principal(new_id(), "yichang", Role.CITY_OFFICIAL, "420500")
    with session_scope(settings.store_url) as session:
        results = open_results(settings, session, WAVE)
    cells = results.cells(official, group="all", indicator="composite")
    cities = cells.loc[cells["area_level"] == "city", "area"].astype(str)
    assert set(cities) == {"420500"}
    assert "CN" in set(cells["area"].astype(str))
    gaps = results.gaps(official, contrast="nation", area_level="city")
    assert set(gaps["area"].astype(str)) == {"420500"}


def test_a_surveyor_reads_no_results(settings: Settings) -> None:
    with session_scope(settings.store_url) as session:
        wave = session.exec(select(Wave).where(Wave.key == WAVE)).one()
        set_wave_state(session, wave, WaveState.RELEASED)
    surveyor = Principal(new_id(), "s", Role.SURVEYOR, "420500")
    with session_scope(settings.store_url) as session:
        results = open_results(settings, session, WAVE)
    with pytest.raises(AccessDeniedError):
        results.cells(surveyor)
    with pytest.raises(AccessDeniedError):
        freeze_wave(settings, wave_key=WAVE, actor=surveyor)


@pytest.mark.slow
def test_a_released_wave_stays_released_and_an_open_one_is_not_closed_by_freezing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for made in ("write_tables", "write_changes"):
        monkeypatch.setattr(f"survey.results.freeze.{made}", lambda *_, **__: (0, 0))
    monkeypatch.setattr("survey.results.freeze_reading.read_public_cells", lambda *_: None)

    def state(becomes: WaveState | None = None) -> WaveState:
        with session_scope(settings.store_url) as session:
            wave = session.exec(select(Wave).where(Wave.key == WAVE)).one()
            set_wave_state(session, wave, becomes or wave.state)
            return wave.state

    state(WaveState.OPEN)
    with raises_code("wave_move_forbidden", match="open and cannot become frozen"):
        freeze_wave(settings, wave_key=WAVE, actor=OPERATOR, options=FreezeOptions(final=True))
    assert state() is WaveState.OPEN
    state(WaveState.CLOSED)
    freeze_wave(settings, wave_key=WAVE, actor=OPERATOR, options=FreezeOptions(final=True))
    state(WaveState.RELEASED)
    for final in (False, True):
        freeze_wave(settings, wave_key=WAVE, actor=OPERATOR, options=FreezeOptions(final=final))
        assert state() is WaveState.RELEASED
        with session_scope(settings.store_url) as session:
            assert [info.final for info in list_waves(settings, session)] == [True]


@pytest.mark.slow
def test_what_stood_outside_stays_outside_when_a_wave_is_frozen_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Approved only after the freeze, as the version before allowed it: no figure changes."""
    for made in ("write_tables", "write_changes"):
        monkeypatch.setattr(f"survey.results.freeze.{made}", lambda *_, **__: (0, 0))
    outside = text(
        "UPDATE response SET status = 'approved' WHERE id = (SELECT id FROM response "
        "WHERE wave_id = (SELECT id FROM wave WHERE key = :key) AND status = 'city_approved' "
        "LIMIT 1)"
    )
    back = text(
        "UPDATE response SET status = 'city_approved' WHERE id = (SELECT id FROM response "
        "WHERE wave_id = (SELECT id FROM wave WHERE key = :key) AND status = 'approved' LIMIT 1)"
    )
    with engine_for(settings.store_url).begin() as connection:
        connection.execute(text("DROP TRIGGER tr_response_move"))
        connection.execute(back, {"key": WAVE})
    first = freeze_wave(settings, wave_key=WAVE, actor=OPERATOR, options=FreezeOptions(final=True))
    with engine_for(settings.store_url).begin() as connection:
        connection.execute(text("DROP TRIGGER tr_response_computed"))
        assert connection.execute(outside, {"key": WAVE}).rowcount == 1
    again = freeze_wave(settings, wave_key=WAVE, actor=OPERATOR, options=FreezeOptions(final=True))
    assert (again.rows, again.sha256) == (first.rows, first.sha256)


def test_what_is_not_there_is_said(settings: Settings) -> None:
    with session_scope(settings.store_url) as session:
        wave = session.exec(select(Wave).where(Wave.key == WAVE)).one()
        plan = NewWave("empty", "main", 2030, "空", "Empty", wave.instrument_id)
        create_wave(work_of(session, OPERATOR, now()), plan=plan)
        with pytest.raises(SnapshotNotFoundError):
            open_results(settings, session, "empty")
    with raises_code("wave_unknown"):
        freeze_wave(settings, wave_key="nowhere", actor=OPERATOR)
    with raises_code("nothing_to_freeze"):
        freeze_wave(settings, wave_key="empty", actor=OPERATOR)


def test_nothing_stays_behind_when_the_disk_is_full(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("survey.results.freeze.write_tables", full)
    with pytest.raises(OSError, match="space"):
        freeze_wave(settings, wave_key=WAVE, actor=OPERATOR, options=FreezeOptions(final=True))
    with session_scope(settings.store_url) as session:
        assert [info.final for info in list_waves(settings, session)] == [False]
        wave = session.exec(select(Wave).where(Wave.key == WAVE)).one()
        assert wave.state is WaveState.CLOSED
