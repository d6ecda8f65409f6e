"""A wave with an overlap: declared, drawn, asked, frozen and recomputed."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pandas as pd
import pytest
from sqlmodel import select

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import Action, Role
from survey.collection.collection_context import context_from_paper
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.frame.sampling_plan import draw_point_share
from survey.questionnaire.model import Instrument
from survey.results.freeze import freeze_wave
from survey.results.method_sheets import BRIDGE
from survey.results.recompute import recompute_wave
from survey.results.row_selection import open_known_results
from survey.results.snapshots import open_stored_responses
from survey.settings import Settings
from survey.snapshots.snapshot_files import FreezeOptions, read_manifest
from survey.store.engine import dispose_engines, read_scope, session_scope
from survey.store.tables import (
    Account,
    Assignment,
    AuditEntry,
    Mode,
    PointKind,
    Response,
    SamplingPoint,
    Status,
    Wave,
    WavePlan,
    WaveState,
    new_id,
)
from survey.waves.assignments import find_assigned_point
from survey.waves.instruments import save_instrument
from survey.waves.planning.overlap import (
    PLANNED_HALF_WIDTH,
    declare_overlap,
    find_overlap_summary,
    list_earlier_questionnaires,
    withdraw_overlap,
)
from survey.waves.planning.point_shares import plan_part_interviews
from survey.waves.planning.wave_editing import change_wave
from survey.waves.waves import WaveDraft
from tests.error_codes import raises_code
from tests.small_waves import (
    SmallWave,
    person,
    questionnaire,
    rating,
    small_instrument,
    small_tree,
    small_wave,
)
from tests.wave_states import set_wave_state
from tests.work_of import work_of

CITIES = ("110000", "310000", "440100")
NOW = datetime(2026, 5, 1, 9, tzinfo=UTC)
POINTS = 8


def put(wave: SmallWave, state: WaveState) -> None:
    with session_scope(wave.settings.store_url) as session:
        set_wave_state(session, wave.read(session), state)


def earlier_form() -> Instrument:
    """The same scale and quota questions; what feeds 2.1.1 is asked in another way."""
    return questionnaire(
        rating("price", "1.1.1"),
        rating("quality", "2.1.1"),
        tree="small",
        name="small-old",
        few_groups=True,
    )


@pytest.fixture
def planned(tmp_path: Path) -> Iterator[tuple[SmallWave, UUID]]:
    """A planned wave with points, and the earlier questionnaire."""
    own = small_instrument(few_groups=True)
    wave = small_wave(tmp_path, instrument=own, tree=small_tree())
    put(wave, WaveState.PLANNED)
    with session_scope(wave.settings.store_url) as session:
        earlier = save_instrument(session=session, instrument=earlier_form())
        wave_id = wave.read(session).id
        for city in CITIES:
            for number in range(POINTS):
                session.add(
                    SamplingPoint(
                        wave_id=wave_id,
                        city_code=city,
                        code=f"{city}-{number}",
                        name=f"{number}",
                        kind=PointKind.MALL,
                        stratum="urban" if number < 4 else "rural",
                        target=20,
                    )
                )
    yield wave, earlier
    dispose_engines()


def declare(wave: SmallWave, earlier: UUID, share: float = 0.5, seed: int = 4) -> None:
    with session_scope(wave.settings.store_url) as session:
        work = work_of(session, OPERATOR, NOW)
        declare_overlap(work, key=wave.key, instrument_id=earlier, share=share, seed=seed)


def points_of(settings: Settings) -> list[SamplingPoint]:
    with read_scope(settings.store_url) as session:
        return list(session.exec(select(SamplingPoint).order_by(SamplingPoint.code)))


def answer(wave: SmallWave, earlier: UUID, each: int = 12) -> None:
    """Interviews at every point, by the questionnaire that it asks; the earlier one gives more."""
    rows = []
    for place, point in enumerate(points_of(wave.settings)):
        for number in range(each):
            given = dict(person(place * 31 + number, point.city_code)[-1])
            if point.asks_earlier:
                quality = min(given.pop("service") + 2, 10)
                given = {k: v for k, v in given.items() if k != "overall"} | {"quality": quality}
            rows.append(
                FinishedResponse(
                    client_uuid=uuid4(), city_code=point.city_code, mode=Mode.IMPORT,
                    status=Status.APPROVED, submitted_at=NOW, answers=given, point_id=point.id,
                    instrument_id=earlier if point.asks_earlier else None,
                )
            )  # fmt: skip
    with session_scope(wave.settings.store_url) as session:
        write_responses(work_of(session, OPERATOR, NOW), wave=wave.read(session), rows=rows)


def sheet_of(wave: SmallWave) -> pd.DataFrame:
    with read_scope(wave.settings.store_url) as session:
        results = open_known_results(wave.settings, session, wave.key)
        return results.sheet(OPERATOR, BRIDGE)


@pytest.mark.slow
def test_a_frozen_overlap_gives_a_step_and_leaves_the_scores_alone(
    planned: tuple[SmallWave, UUID],
) -> None:
    wave, earlier = planned
    declare(wave, earlier)
    answer(wave, earlier)
    put(wave, WaveState.CLOSED)
    frozen = freeze_wave(
        wave.settings, wave_key=wave.key, actor=OPERATOR, options=FreezeOptions(final=True)
    )
    drawn = sum(point.asks_earlier for point in points_of(wave.settings))
    assert drawn == len(CITIES) * POINTS // 2
    assert frozen.rows == drawn * 12
    manifest = read_manifest(wave.settings.snapshot_dir / frozen.directory)
    assert manifest.overlap is not None
    assert manifest.overlap.instrument == "small-old"
    assert sum(file.rows for file in manifest.overlap.responses) == drawn * 12
    sheet = sheet_of(wave)
    rows = sheet[sheet["area_level"] == "nation"].set_index("indicator")
    # Two steps of ten less those who were at the end of the scale already.
    assert -2 * 100 / 9 - 3 < rows.loc["2.1.1", "step"] < -10
    assert rows.loc["composite", "step_high"] < 0
    assert rows.loc["composite", "n_earlier"] == drawn * 12
    with read_scope(wave.settings.store_url) as session:
        states = set(session.exec(select(Response.status)))
    assert states == {Status.FROZEN}
    with session_scope(wave.settings.store_url) as session:
        recompute_wave(work_of(session, OPERATOR, NOW, settings=wave.settings), wave_key=wave.key)
    pd.testing.assert_frame_equal(sheet_of(wave), sheet)


def test_interviews_of_the_overlap_are_part_of_what_a_freeze_has_read(
    planned: tuple[SmallWave, UUID],
) -> None:
    wave, earlier = planned
    declare(wave, earlier)
    answer(wave, earlier, each=2)
    with session_scope(wave.settings.store_url) as session:
        responses = open_stored_responses(session, wave.read(session))
        assert responses.earlier is not None
        assert responses.rows + responses.earlier.rows == len(CITIES) * POINTS * 2
        assert "quality" in responses.earlier.read(CITIES)
        assert "service" in responses.read(CITIES)


def test_the_point_says_which_questionnaire_is_asked(planned: tuple[SmallWave, UUID]) -> None:
    wave, earlier = planned
    declare(wave, earlier)
    points = points_of(wave.settings)
    with session_scope(wave.settings.store_url) as session:
        surveyor = Account(login="s", name="S", role=Role.SURVEYOR, area=CITIES[0])
        session.add(surveyor)
        session.flush()
        for point in points:
            session.add(Assignment(account_id=surveyor.id, point_id=point.id))
        session.flush()
        own = wave.read(session).instrument_id
        for point in points:
            found = find_assigned_point(session=session, account_id=surveyor.id, point_id=point.id)
            assert found is not None
            assert found.instrument_id == (earlier if point.asks_earlier else own)
        drawn = next(point for point in points if point.asks_earlier)
        typist = Principal(new_id(), "T", Role.TYPIST, drawn.city_code)
        with raises_code("not_at_this_point"):
            context_from_paper(
                work_of(session, typist), action=Action.KEY_PAPER, point_id=drawn.id,
                surveyor_id=surveyor.id, states=[WaveState.PLANNED],
            )  # fmt: skip


def test_what_was_declared_is_told_recorded_and_can_be_withdrawn(
    planned: tuple[SmallWave, UUID],
) -> None:
    wave, earlier = planned
    declare(wave, earlier, share=0.25)
    with session_scope(wave.settings.store_url) as session:
        work = work_of(session, OPERATOR, NOW)
        summary = find_overlap_summary(work, key=wave.key)
        assert summary is not None
        assert (summary.instrument, summary.points, summary.of_points) == ("small-old 1", 6, 24)
        assert summary.interviews == 6 * 20
        with raises_code("overlap_unfit"):
            declare_overlap(work, key=wave.key, instrument_id=earlier, share=0.2, seed=1)
        known = wave.read(session)
        draft = WaveDraft(wave.key, known.series, known.year, "小", "Small", earlier)
        with raises_code("wave_fixed"):
            change_wave(work, draft=draft)
        withdraw_overlap(work, key=wave.key)
        assert find_overlap_summary(work, key=wave.key) is None
        with raises_code("overlap_unfit"):
            withdraw_overlap(work, key=wave.key)
    with read_scope(wave.settings.store_url) as session:
        events = [str(entry.action) for entry in session.exec(select(AuditEntry))]
        assert {"wave.overlap_declared", "wave.overlap_withdrawn"} <= set(events)
    assert not any(point.asks_earlier for point in points_of(wave.settings))


@pytest.mark.parametrize(("share", "seed"), [(0.0, 1), (0.6, 1), (0.2, -1)])
def test_a_share_or_seed_that_cannot_be_is_refused(
    planned: tuple[SmallWave, UUID], share: float, seed: int
) -> None:
    with raises_code("overlap_unfit"):
        declare(*planned, share, seed)


def test_questionnaires_that_do_not_fit_are_refused(planned: tuple[SmallWave, UUID]) -> None:
    wave = planned[0]
    ageless = questionnaire(rating("price", "1.1.1"), rating("q", "2.1.1"), tree="small", name="x")
    sections = ageless.sections[0]
    kept = tuple(item for item in sections.items if item.name != "age")
    ageless = ageless.model_copy(
        update={"sections": (sections.model_copy(update={"items": kept}),)}
    )
    treeless = questionnaire(rating("price"), name="treeless")
    with session_scope(wave.settings.store_url) as session:
        work = work_of(session, OPERATOR, NOW)
        own = session.exec(select(Wave)).one().instrument_id
        others = [save_instrument(session=session, instrument=each) for each in (ageless, treeless)]
        for unfit in (own, *others):
            with raises_code("overlap_unfit"):
                declare_overlap(work, key=wave.key, instrument_id=unfit, share=0.2, seed=1)
        found = list_earlier_questionnaires(work, key=wave.key)
        assert [each.name for each in found.values()] == ["small-old"]
        assert plan_part_interviews(work, key=wave.key, half_width=PLANNED_HALF_WIDTH) is None
        session.add(
            WavePlan(wave_id=session.exec(select(Wave)).one().id, margin=2.0, level=0.95,
                     deff=1.4, rule="power", total=62_000)
        )  # fmt: skip
        session.flush()
        needed = plan_part_interviews(work, key=wave.key, half_width=PLANNED_HALF_WIDTH)
        assert needed is not None
        assert 4_500 < needed < 6_000
        sharper, coarser = (
            plan_part_interviews(work, key=wave.key, half_width=width) for width in (0.4, 1.0)
        )
        assert sharper is not None
        assert coarser is not None
        # The variance goes with the interviews of the overlap, beside a large main sample.
        assert coarser < needed / 3.5
        assert sharper > needed * 1.5


def test_an_open_wave_keeps_its_questionnaires(planned: tuple[SmallWave, UUID]) -> None:
    wave, earlier = planned
    put(wave, WaveState.OPEN)
    with raises_code("wave_fixed"):
        declare(wave, earlier)


def test_the_draw_takes_its_share_of_each_city_and_stratum() -> None:
    points = [
        (city, stratum, f"{city}{stratum}{number}")
        for city in "abcdefgh"
        for stratum, size in (("urban", 15), ("rural", 5))
        for number in range(size)
    ]
    drawn = draw_point_share(points, 0.2, seed=7)
    assert (
        drawn
        == draw_point_share(points[::-1], 0.2, seed=7)
        != draw_point_share(points, 0.2, seed=8)
    )
    for city in "abcdefgh":
        here = [code for code in drawn if code.startswith(city)]
        assert len(here) == 4
        assert sum("rural" in code for code in here) == 1
    chances = [
        sum(code in draw_point_share(points[:20], 0.2, seed) for seed in range(400)) / 400
        for _, _, code in points[:20]
    ]
    assert all(0.13 < chance < 0.27 for chance in chances)
