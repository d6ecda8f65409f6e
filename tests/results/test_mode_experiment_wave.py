"""A wave with a mode experiment: declared, drawn, offered, frozen and recomputed."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pandas as pd
import pytest
from sqlmodel import select

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import Role
from survey.collection.importing.rejections import ImportNotPossibleError
from survey.collection.importing.target_wave import ImportRequest, check_wave
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.results.freeze import freeze_wave
from survey.results.method_sheets import MODE_EXPERIMENT
from survey.results.recompute import recompute_wave
from survey.results.row_selection import open_known_results
from survey.results.snapshots import open_stored_responses
from survey.snapshots.response_frame import OFFERED_MODE
from survey.snapshots.snapshot_files import FreezeOptions
from survey.store.engine import dispose_engines, read_scope, session_scope
from survey.store.tables import (
    Account,
    Assignment,
    AuditEntry,
    Mode,
    PointKind,
    SamplingPoint,
    Status,
    WavePlan,
    WaveState,
)
from survey.waves.assignments import list_tasks
from survey.waves.planning.mode_experiment import (
    PLANNED_HALF_WIDTH,
    ModeExperimentSummary,
    assign_offers,
    declare_mode_experiment,
    find_mode_experiment,
    withdraw_mode_experiment,
)
from survey.waves.planning.point_shares import plan_part_interviews
from tests.error_codes import raises_code
from tests.results.test_overlap import CITIES, NOW, points_of, put
from tests.small_waves import SmallWave, person, small_instrument, small_tree, small_wave
from tests.work_of import work_of

POINTS = 8


def add_points(wave: SmallWave, numbers: range) -> None:
    with session_scope(wave.settings.store_url) as session:
        for city in CITIES:
            for number in numbers:
                session.add(
                    SamplingPoint(
                        wave_id=wave.read(session).id,
                        city_code=city,
                        code=f"{city}-{number}",
                        name=f"{number}",
                        kind=PointKind.MALL if number % 2 else PointKind.VILLAGE,
                        stratum="urban" if number < 4 else "rural",
                        target=20 + number,
                    )
                )


@pytest.fixture
def planned(tmp_path: Path) -> Iterator[SmallWave]:
    """A planned wave with points."""
    wave = small_wave(tmp_path, instrument=small_instrument(few_groups=True), tree=small_tree())
    put(wave, WaveState.PLANNED)
    add_points(wave, range(POINTS))
    yield wave
    dispose_engines()


def declare(wave: SmallWave, share: float = 0.5, seed: int = 4) -> ModeExperimentSummary:
    with session_scope(wave.settings.store_url) as session:
        work = work_of(session, OPERATOR, NOW)
        return declare_mode_experiment(work, key=wave.key, share=share, seed=seed)


def offers_of(wave: SmallWave) -> dict[str, Mode | None]:
    return {point.code: point.offered_mode for point in points_of(wave.settings)}


def answer(wave: SmallWave, each: int = 12) -> None:
    """Interviews at every point; one in six in the other way, and a higher score read aloud."""
    rows = []
    for place, point in enumerate(points_of(wave.settings)):
        for number in range(each):
            given = dict(person(place * 31 + number, point.city_code)[-1])
            is_phone = (point.offered_mode is Mode.SELF) == (number % 6 != 0)
            given["service"] = min(given["service"] + (0 if is_phone else 2), 10)
            rows.append(
                FinishedResponse(
                    client_uuid=uuid4(), city_code=point.city_code, status=Status.APPROVED,
                    mode=Mode.SELF if is_phone else Mode.ASSISTED, submitted_at=NOW,
                    answers=given, point_id=point.id,
                )
            )  # fmt: skip
    with session_scope(wave.settings.store_url) as session:
        write_responses(work_of(session, OPERATOR, NOW), wave=wave.read(session), rows=rows)


def sheet_of(wave: SmallWave) -> pd.DataFrame:
    with read_scope(wave.settings.store_url) as session:
        results = open_known_results(wave.settings, session, wave.key)
        return results.sheet(OPERATOR, MODE_EXPERIMENT)


@pytest.mark.slow
def test_a_frozen_experiment_gives_its_effects_and_is_computed_anew(planned: SmallWave) -> None:
    declare(planned)
    answer(planned)
    put(planned, WaveState.CLOSED)
    freeze_wave(
        planned.settings, wave_key=planned.key, actor=OPERATOR, options=FreezeOptions(final=True)
    )
    sheet = sheet_of(planned)
    row = sheet[sheet["item"] == "service"].iloc[0]
    # Two steps of nine less those who were at the end of the scale already.
    assert 10 < row["used"] < 2 * 100 / 9 + 2
    assert row["offered_low"] > 0
    assert row["n_phone"] == row["n_aloud"] == len(CITIES) * POINTS // 2 * 12
    offers = sheet[sheet["line"] == "offer"]
    assert offers["offer_points"].tolist() == [12, 12]
    assert offers["switched"].between(14, 20).all()
    with session_scope(planned.settings.store_url) as session:
        work = work_of(session, OPERATOR, NOW, settings=planned.settings)
        recompute_wave(work, wave_key=planned.key)
    pd.testing.assert_frame_equal(sheet_of(planned), sheet)


def test_a_freeze_reads_what_was_offered_only_where_there_is_an_experiment(
    planned: SmallWave,
) -> None:
    answer(planned, each=1)
    with read_scope(planned.settings.store_url) as session:
        plain = open_stored_responses(session, planned.read(session))
        assert OFFERED_MODE not in plain.read(CITIES)
        assert plain.fingerprint is not None
        before = plain.fingerprint(CITIES)
    declare(planned)
    with read_scope(planned.settings.store_url) as session:
        responses = open_stored_responses(session, planned.read(session))
        frame = responses.read(CITIES)
        assert responses.fingerprint is not None
        assert responses.fingerprint(CITIES) != before
    offers = offers_of(planned)
    assert [offers[point] for point in frame["psu"].astype(str)] == frame[OFFERED_MODE].tolist()


def test_half_of_each_city_offers_the_phone_and_later_points_are_divided_alike(
    planned: SmallWave,
) -> None:
    declare(planned)
    before = offers_of(planned)
    for city in CITIES:
        here = [mode for code, mode in before.items() if code.startswith(city)]
        assert sorted(map(str, here)) == [Mode.ASSISTED] * 4 + [Mode.SELF] * 4
    add_points(planned, range(POINTS, POINTS + 4))
    codes = frozenset(f"{city}-{n}" for city in CITIES for n in range(POINTS, POINTS + 4))
    with session_scope(planned.settings.store_url) as session:
        assign_offers(session, planned.read(session), codes)
    after = offers_of(planned)
    assert {code: after[code] for code in before} == before
    assert sorted(str(after[code]) for code in codes) == ["assisted"] * 6 + ["self"] * 6


def test_what_was_declared_is_told_compared_recorded_and_can_be_withdrawn(
    planned: SmallWave,
) -> None:
    summary = declare(planned, share=0.25)
    assert (summary.points, summary.of_points, summary.share) == (6, 24, 0.25)
    targets = {point.code: point.target for point in points_of(planned.settings)}
    phones = [code for code, mode in offers_of(planned).items() if mode is Mode.SELF]
    assert summary.interviews == sum(targets[code] for code in phones)
    # A quarter of each stratum; kinds and planned interviews differ by chance.
    assert summary.balance["stratum=urban"] == pytest.approx(0)
    assert set(summary.balance) == {
        "target", "stratum=urban", "stratum=rural", "kind=mall", "kind=village",
    }  # fmt: skip
    assert 0.8 < summary.usual < 1.4
    with session_scope(planned.settings.store_url) as session:
        work = work_of(session, OPERATOR, NOW)
        with raises_code("experiment_unfit"):
            declare_mode_experiment(work, key=planned.key, share=0.5, seed=1)
        withdraw_mode_experiment(work, key=planned.key)
        assert find_mode_experiment(work, key=planned.key) is None
        with raises_code("experiment_unfit"):
            withdraw_mode_experiment(work, key=planned.key)
    with read_scope(planned.settings.store_url) as session:
        events = [str(entry.action) for entry in session.exec(select(AuditEntry))]
        assert {"wave.experiment_declared", "wave.experiment_withdrawn"} <= set(events)
    assert set(offers_of(planned).values()) == {None}


@pytest.mark.parametrize(("share", "seed"), [(0.05, 1), (0.95, 1), (0.5, -1)])
def test_a_share_or_seed_that_cannot_be_is_refused(
    planned: SmallWave, share: float, seed: int
) -> None:
    with raises_code("experiment_unfit"):
        declare(planned, share, seed)


def test_an_open_wave_gets_no_experiment(planned: SmallWave) -> None:
    put(planned, WaveState.OPEN)
    with raises_code("wave_fixed"):
        declare(planned)


def test_nothing_is_imported_where_chance_decides(planned: SmallWave) -> None:
    put(planned, WaveState.OPEN)
    request = ImportRequest(b"", small_instrument(few_groups=True), planned.key)
    with session_scope(planned.settings.store_url) as session:
        check_wave(work_of(session, OPERATOR, NOW), request=request)
    put(planned, WaveState.PLANNED)
    declare(planned)
    put(planned, WaveState.OPEN)
    with (
        session_scope(planned.settings.store_url) as session,
        pytest.raises(ImportNotPossibleError, match="chance decides how people are asked"),
    ):
        check_wave(work_of(session, OPERATOR, NOW), request=request)


def test_the_interviews_that_an_effect_needs_are_planned(planned: SmallWave) -> None:
    with session_scope(planned.settings.store_url) as session:
        work = work_of(session, OPERATOR, NOW)
        assert plan_part_interviews(work, key=planned.key, half_width=PLANNED_HALF_WIDTH) is None
        wave_id = planned.read(session).id
        session.add(
            WavePlan(wave_id=wave_id, margin=2.0, level=0.95, deff=1.4, rule="power", total=62_000)
        )
        session.flush()
        needed = plan_part_interviews(work, key=planned.key, half_width=PLANNED_HALF_WIDTH)
    assert needed is not None
    assert 1_150 < needed < 1_300


def test_a_surveyor_is_told_what_chance_decided_for_the_point(planned: SmallWave) -> None:
    declare(planned)
    put(planned, WaveState.OPEN)
    with session_scope(planned.settings.store_url) as session:
        surveyor = Account(login="s", name="S", role=Role.SURVEYOR, area=CITIES[0])
        session.add(surveyor)
        session.flush()
        for point in points_of(planned.settings):
            session.add(Assignment(account_id=surveyor.id, point_id=point.id))
        session.flush()
        me = Principal(surveyor.id, "S", Role.SURVEYOR, CITIES[0])
        tasks = list_tasks(work_of(session, me, NOW))
        offers = offers_of(planned)
        assert len(tasks) == POINTS
        assert {task.point_code: task.offered_mode for task in tasks}.items() <= offers.items()
