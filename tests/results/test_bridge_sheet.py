"""The sheet of the bridge: a planted step, any split, small numbers, waves without an overlap."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from seed.demo.interviews import generate_wave
from seed.demo.shipped_data import shipped_instrument, shipped_tree
from survey.disclosure import protect
from survey.estimate.tree import COMPOSITE
from survey.results import bridge
from survey.results.bridge import DIRECT, SMOOTHED
from survey.results.crosswalk import list_counterparts
from survey.results.method_sheets import BRIDGE, KEYS, OBSTACLE
from survey.results.sheet_builders import make_sheet
from survey.results.sheet_source import SheetSource
from survey.results.wave_estimates import CubeRequest, WaveEstimates, build_cube
from survey.results.wave_parts import LoadedPart, WaveData, WaveParts
from survey.results.wave_rules import WaveRules
from survey.snapshots.snapshot_files import parquet_bytes
from tests.results.test_wave_parts import CITIES, made_wave, rules_of

SPLIT = [CITIES[5:], CITIES[:2], CITIES[2:5]]


def earlier_rules() -> WaveRules:
    return WaveRules.of(
        series="main",
        instrument=shipped_instrument("main-2021"),
        tree=shipped_tree("cca-2021"),
        composite="item_means",
    )


def earlier_wave(n: int = 600) -> pd.DataFrame:
    """Answers to the earlier questionnaire, a step of the scale higher, at points of their own."""
    frame = generate_wave("main-2024", n=n, seed=9).approved.reset_index(drop=True)
    rng = np.random.default_rng(9)
    city = rng.choice(CITIES, len(frame), p=np.arange(1, len(CITIES) + 1) / 28)
    point = pd.Series(city) + "-e" + pd.Series(rng.integers(0, 4, len(frame))).astype(str)
    kept = [name for name in frame if name not in rules_of().instrument.by_name]
    own = earlier_rules().instrument
    kept += [
        name for name in frame if name in own.by_name or str(name).split("/")[0] in own.by_name
    ]
    risen = {
        item.name: np.where(frame[item.name].between(1, 9), frame[item.name] + 1, frame[item.name])
        .astype(np.int8)
        for item in own.scored_items
    }  # fmt: skip
    return frame[list(dict.fromkeys(kept))].assign(
        **risen,
        response_id="e" + frame["response_id"].astype(str),
        city_code=pd.Categorical(city),
        psu=point.astype("category"),
        stratum=(point.str[-1].astype(int) % 2).astype(str).astype("category"),
    )


def parts_of(
    frame: pd.DataFrame, rules: WaveRules, groups: Sequence[Sequence[str]] = (CITIES,)
) -> WaveParts:
    rows = [frame[frame["city_code"].isin(own)].reset_index(drop=True) for own in groups]
    return WaveParts.open(rules, [LoadedPart(WaveData.weigh(part, rules)) for part in rows])


@pytest.fixture(scope="module")
def frames() -> tuple[pd.DataFrame, pd.DataFrame]:
    return made_wave(1, n=1800), earlier_wave()


@pytest.fixture(scope="module")
def source(frames: tuple[pd.DataFrame, pd.DataFrame]) -> SheetSource:
    wave = parts_of(frames[0], rules_of())
    # Everyone in nation and cities, as the freeze hands it over.
    cells = build_cube(wave, CubeRequest(("nation", "city"), ("all",))).table()
    whole = replace(wave, earlier=parts_of(frames[1], earlier_rules()))
    return SheetSource(WaveEstimates(whole, cells), protect(cells))


@pytest.fixture(scope="module")
def sheet(source: SheetSource) -> pd.DataFrame:
    return make_sheet(BRIDGE, source)


def with_overlap(source: SheetSource, earlier: WaveParts | None, **wave: WaveParts) -> SheetSource:
    own = replace(wave.get("wave", source.wave), earlier=earlier)
    return SheetSource(WaveEstimates(own, source.figures.cells), source.cells)


def rows_of(sheet: pd.DataFrame, level: str = "nation") -> pd.DataFrame:
    rows = sheet[sheet["area_level"] == level].astype({"area": str, "indicator": str})
    return rows.set_index("indicator" if level == "nation" else ["area", "indicator"])


def test_the_planted_step_is_found(
    sheet: pd.DataFrame, frames: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    risen = 100 / 9
    nation = rows_of(sheet)
    service = nation.loc["2.2.1"]
    asked = frames[1]["service"]
    share = (asked.between(2, 10).sum() - (asked == 10).sum() * 0.5) / (asked >= 1).sum()
    assert service["step_high"] < 0
    assert service["step_low"] - 2 < -share * risen < service["step_high"] + 2
    composite = nation.loc[COMPOSITE]
    assert composite["verdict"] == "lower"
    assert composite["step_low"] < composite["step"] < composite["step_high"] < 0


def test_levels_and_step_fit_and_the_score_is_the_published_one(
    sheet: pd.DataFrame, source: SheetSource
) -> None:
    shown = sheet[sheet["shown"] & (sheet[OBSTACLE] == "")]
    np.testing.assert_allclose(shown["later"] - shown["step"], shown["earlier"], atol=1e-9)
    assert (shown["earlier_low"] < shown["earlier"]).all()
    assert (shown["earlier"] < shown["earlier_high"]).all()
    keys = ["area", "indicator"]
    cells = source.cells.astype(dict.fromkeys(keys, str)).set_index(["group", *keys])
    published = cells.loc["all"].loc[:, "estimate"]
    rows = shown.astype(dict.fromkeys(keys, str)).set_index(keys)
    np.testing.assert_allclose(rows["later"], published.reindex(rows.index), atol=1e-9)


def test_few_cities_keep_the_steps_of_their_own(sheet: pd.DataFrame) -> None:
    assert set(sheet.loc[sheet["shown"], "basis"]) == {DIRECT}


def test_many_cities_are_drawn_to_one_another(
    source: SheetSource, sheet: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge, "MIN_CITIES", 5)
    smoothed = make_sheet(BRIDGE, source)
    direct, drawn = (
        rows_of(each, "city").xs(COMPOSITE, level="indicator") for each in (sheet, smoothed)
    )
    assert set(drawn["basis"]) == {SMOOTHED}
    assert drawn["step"].std() < direct["step"].std()
    width = (drawn["step_high"] - drawn["step_low"]).mean()
    assert 0 < width < (direct["step_high"] - direct["step_low"]).mean()
    np.testing.assert_allclose(drawn["later"] - drawn["step"], drawn["earlier"])
    nation = [rows_of(each).loc[COMPOSITE, "step"] for each in (sheet, smoothed)]
    assert nation[0] == nation[1]


def test_only_matters_that_both_trees_have_get_a_step(sheet: pd.DataFrame) -> None:
    pairs = list_counterparts(shipped_tree("cca-2021"), shipped_tree("cca-2023"))
    assert pairs["3.2"] == "3.1"
    assert "3.1" not in pairs
    found = set(sheet["indicator"].astype(str))
    assert {COMPOSITE, "3", "3.2"} <= found <= set(pairs)
    assert "3.1" not in found
    assert not sheet[list(KEYS)].duplicated().any()


def test_any_split_of_the_cities_gives_the_same_bytes(
    frames: tuple[pd.DataFrame, pd.DataFrame], source: SheetSource, sheet: pd.DataFrame
) -> None:
    wave = parts_of(frames[0], rules_of(), SPLIT)
    again = with_overlap(source, parts_of(frames[1], earlier_rules(), SPLIT[::-1]), wave=wave)
    assert parquet_bytes(make_sheet(BRIDGE, again)) == parquet_bytes(sheet)


def test_a_city_with_few_earlier_interviews_is_hidden_with_another_that_would_tell_it(
    frames: tuple[pd.DataFrame, pd.DataFrame], source: SheetSource
) -> None:
    earlier = frames[1]
    here = earlier.index[earlier["city_code"] == CITIES[3]]
    few = parts_of(earlier.drop(here[6:]).reset_index(drop=True), earlier_rules())
    rows = rows_of(make_sheet(BRIDGE, with_overlap(source, few)), "city")
    composite = rows.xs(COMPOSITE, level="indicator")
    assert not composite.loc[CITIES[3], "shown"]
    assert (~composite["shown"]).sum() >= 2
    assert composite.loc[~composite["shown"], list(BRIDGE.numbers)].isna().all(axis=None)


def test_a_hidden_score_hides_its_step(source: SheetSource) -> None:
    gone = source.cells.copy()
    row = (gone["area"] == CITIES[6]) & (gone["group"] == "all") & (gone["indicator"] == COMPOSITE)
    gone.loc[row, "shown"] = False
    gone.loc[row, "reason"] = "too_few"
    rows = rows_of(make_sheet(BRIDGE, replace(source, cells=gone)), "city")
    assert not rows.loc[(CITIES[6], COMPOSITE), "shown"]


def test_a_wave_without_an_overlap_or_points_says_why(
    frames: tuple[pd.DataFrame, pd.DataFrame], source: SheetSource
) -> None:
    none = make_sheet(BRIDGE, with_overlap(source, None))
    assert none[["line", OBSTACLE]].to_numpy().tolist() == [["", "no_overlap"]]
    nowhere = parts_of(frames[1].assign(psu=None), earlier_rules())
    lines = make_sheet(BRIDGE, with_overlap(source, nowhere))
    assert lines[OBSTACLE].tolist() == ["no_step_points"]
