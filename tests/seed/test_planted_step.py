"""The overlap of main-2023: a known step between its questionnaires, which the bridge finds."""

from dataclasses import replace
from pathlib import Path
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from sqlmodel import col, select

from seed.demo import DemoWave, generate_wave, questionnaire_overlap
from seed.demo.build import store_waves
from seed.demo.field_plan import STRATA
from seed.demo.interviews import sizes
from seed.demo.questionnaire_overlap import OVERLAPS, true_steps
from seed.demo.shipped_data import shipped_instrument, shipped_tree
from seed.demo.stored_responses import stored_interviews
from survey.access.principal import OPERATOR
from survey.disclosure import protect
from survey.estimate.tree import COMPOSITE
from survey.questionnaire.validation import validate
from survey.results.method_sheets import BRIDGE
from survey.results.sheet_builders import make_sheet
from survey.results.sheet_source import SheetSource
from survey.results.wave_estimates import CubeRequest, WaveEstimates, build_cube
from survey.results.wave_parts import LoadedPart, WaveData, WaveParts
from survey.results.wave_rules import WaveRules
from survey.store.china_time import china_date
from survey.store.engine import session_scope
from survey.store.tables import Response, SamplingPoint, now
from survey.waves.instruments import instrument_id_by_name
from survey.waves.planning.overlap import find_overlap_summary
from tests.seed.test_demo_answers import somewhere
from tests.work_of import work_of

KEY = "main-2023"
PLAN = OVERLAPS[KEY]


@pytest.fixture(scope="module")
def wave() -> DemoWave:
    return generate_wave(KEY)


@pytest.fixture(scope="module")
def earlier(wave: DemoWave) -> DemoWave:
    assert wave.earlier is not None
    return wave.earlier


@pytest.fixture(scope="module")
def steps(wave: DemoWave) -> pd.DataFrame:
    return true_steps(KEY, wave.model)


def parts_of(wave: DemoWave) -> WaveParts:
    plan = wave.model.plan
    assert plan.tree is not None
    rules = WaveRules.of(
        series="main",
        instrument=shipped_instrument(plan.instrument),
        tree=shipped_tree(plan.tree),
        composite="item_means",
    )
    return WaveParts.open(rules, [LoadedPart(WaveData.weigh(wave.approved, rules))])


@pytest.fixture(scope="module")
def sheet(wave: DemoWave, earlier: DemoWave) -> pd.DataFrame:
    parts = parts_of(wave)
    cells = build_cube(parts, CubeRequest(("nation", "city"), ("all",))).table()
    both = replace(parts, earlier=parts_of(earlier))
    return make_sheet(BRIDGE, SheetSource(WaveEstimates(both, cells), protect(cells)))


def test_the_step_is_what_was_planted(steps: pd.DataFrame) -> None:
    composite = steps[steps["indicator"] == COMPOSITE].set_index("area_level")["step"]
    assert composite["nation"] == pytest.approx(PLAN.step, abs=0.02)
    assert composite["city"].std() == pytest.approx(PLAN.step_sd, abs=0.1)
    assert len(composite["city"]) == 100
    assert not steps.isna().any(axis=None)


def test_the_bridge_finds_the_planted_step(sheet: pd.DataFrame, steps: pd.DataFrame) -> None:
    keys = ["area_level", "area", "indicator"]
    planted = steps.set_index(keys)["step"]
    found = sheet.astype(dict.fromkeys(keys, str)).set_index(keys).assign(planted=planted)
    found["holds"] = found["planted"].between(found["step_low"], found["step_high"])
    nation = found.xs("nation")
    assert nation.loc[("CN", COMPOSITE), "holds"]
    assert nation.loc[("CN", COMPOSITE), "verdict"] == "higher"
    assert nation["holds"].mean() >= 0.85
    cities = found.xs(("city", COMPOSITE), level=["area_level", "indicator"])
    assert len(cities) == 100
    assert cities["holds"].mean() >= 0.9


def test_the_overlap_comes_on_top_and_at_points_of_its_own(
    wave: DemoWave, earlier: DemoWave
) -> None:
    assert (~wave.void).sum() == wave.model.plan.valid
    assert len(earlier) == round(PLAN.interviews * wave.model.plan.valid)
    assert not earlier.void.any()
    ordinary, drawn = (set(np.unique(each.draw.point).tolist()) for each in (wave, earlier))
    assert not ordinary & drawn
    assert len(drawn) / len(ordinary | drawn) == pytest.approx(PLAN.share, abs=0.02)
    by_city = pd.Series(sorted(drawn)).map(pd.Series(wave.points.city)).value_counts()
    assert len(by_city) == 100
    assert by_city.min() >= 5
    codes = pd.Series(wave.points.code)
    assert codes.is_unique
    assert set(codes.str.split("-").str[1]) == {name[0] for name in STRATA}
    asked = sizes(wave.model.people, wave.model.plan.valid)
    assert np.abs(np.bincount(earlier.draw.city) - PLAN.interviews * asked).max() <= 1


def test_answers_are_to_the_earlier_questionnaire(earlier: DemoWave) -> None:
    rows = list(stored_interviews(earlier, somewhere(earlier)))
    for interview in rows[::20]:
        assert interview.started_at is not None
        day = china_date(interview.started_at)
        verdict = validate(earlier.instrument, interview.answers, today=day)
        assert (verdict.problems, verdict.off_route, verdict.ending) == ((), (), None)


def test_a_small_demonstration_has_no_overlap() -> None:
    assert generate_wave(KEY, n=2_000).earlier is None


def test_the_store_draws_the_same_points_and_keeps_who_was_asked_what(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questionnaire_overlap, "FEWEST", 0)
    wave = generate_wave(KEY, n=309)
    assert wave.earlier is not None
    assert list(store_waves(sqlite_url, waves=(KEY,), size=0.005, truth_dir=tmp_path)) == [KEY]
    with session_scope(sqlite_url) as session:
        summary = find_overlap_summary(work_of(session, OPERATOR, now()), key=KEY)
        assert summary is not None
        assert summary.instrument.startswith(PLAN.instrument)
        # One interview a point is planned at least.
        assert summary.interviews == summary.points
        id_ = instrument_id_by_name(session=session, name=PLAN.instrument)
        points = {
            point.id: point.asks_earlier
            for point in session.exec(
                select(SamplingPoint).where(col(SamplingPoint.code).in_(wave.points.code))
            )
        }
        rows = session.exec(select(Response).where(col(Response.point_id).in_(list(points)))).all()
        asked: dict[UUID, bool] = {row.id: row.instrument_id == id_ for row in rows}
        assert sum(asked.values()) == len(wave.earlier) == 31
        assert all(points[row.point_id] == asked[row.id] for row in rows if row.point_id)
    written = pd.read_parquet(tmp_path / f"step-{KEY}.parquet")
    pd.testing.assert_frame_equal(written, true_steps(KEY, wave.model))
