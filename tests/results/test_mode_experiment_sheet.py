"""The sheet of a mode experiment: a planted effect, any split, small numbers, waves without one."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from survey.disclosure import MINIMUM_N, protect
from survey.estimate.tree import COMPOSITE
from survey.results.method_sheets import FAIRNESS, KEYS, MODE_EXPERIMENT, OBSTACLE
from survey.results.sheet_builders import make_sheet
from survey.results.sheet_source import SheetSource
from survey.results.wave_estimates import CubeRequest, WaveEstimates, build_cube, estimate_wave
from survey.results.wave_parts import LoadedPart, WaveData, WaveParts
from survey.snapshots.response_frame import OFFERED_MODE
from survey.snapshots.snapshot_files import parquet_bytes
from tests.results.test_wave_parts import CITIES, made_wave, rules_of

ITEM, INDICATOR = "service", "2.2.1"
ONE_PART = (CITIES,)


def experiment(n: int = 1800) -> pd.DataFrame:
    """Half of the points offer the own phone; read aloud, answers are a step of the scale higher.

    One in ten answers in the other way.
    """
    frame = made_wave(1, n=n)
    rng = np.random.default_rng(2)
    is_phone = frame["psu"].astype(str).str[-1].astype(int).isin([0, 1, 4]).to_numpy()
    uses_phone = np.where(rng.random(len(frame)) < 0.1, ~is_phone, is_phone)
    score = frame[ITEM].to_numpy()
    risen = np.where(~uses_phone & (score >= 1) & (score < 10), score + 1, score).astype(np.int8)
    offered, used = (np.where(each, "self", "assisted") for each in (is_phone, uses_phone))
    return frame.assign(
        **{ITEM: risen, "mode": pd.Categorical(used), OFFERED_MODE: pd.Categorical(offered)}
    )


def source_of(frame: pd.DataFrame, groups: Sequence[Sequence[str]] = ONE_PART) -> SheetSource:
    rules = rules_of()
    rows = [frame[frame["city_code"].isin(own)].reset_index(drop=True) for own in groups]
    wave = WaveParts.open(rules, [LoadedPart(WaveData.weigh(part, rules)) for part in rows])
    cells = build_cube(wave, CubeRequest(("nation", "city"), ("all",))).table()
    return SheetSource(WaveEstimates(wave, cells), protect(cells))


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return experiment()


@pytest.fixture(scope="module")
def sheet(frame: pd.DataFrame) -> pd.DataFrame:
    return make_sheet(MODE_EXPERIMENT, source_of(frame))


def test_the_planted_effect_is_found_by_offer_and_by_what_was_used(
    sheet: pd.DataFrame, frame: pd.DataFrame
) -> None:
    row = sheet[(sheet["line"] == "mode_item") & (sheet["item"] == ITEM)].iloc[0]
    assert row["indicator"] == INDICATOR
    assert row["verdict"] == "higher"
    before = made_wave(1, n=1800)[ITEM]
    step = 100 / 9 * (before.between(1, 9).sum() / (before >= 1).sum())
    assert row["used_low"] < step < row["used_high"]
    assert row["offered_low"] < 0.8 * step < row["offered_high"]
    assert row["offered"] < row["used"]
    has_score = frame[ITEM] >= 1
    assert row["n_phone"] == (has_score & (frame[OFFERED_MODE] == "self")).sum()
    assert row["n_phone"] + row["n_aloud"] == has_score.sum()


def test_indicators_are_made_of_questions_and_each_kind_of_line_is_a_family(
    sheet: pd.DataFrame,
) -> None:
    tree = rules_of().plan.tree
    items = sheet[sheet["line"] == "mode_item"].set_index("item")
    rows = sheet[sheet["line"] == "mode_effect"].astype({"indicator": str}).set_index("indicator")
    assert list(items.index) == list(tree.item_columns)
    place = tree.variables.index(COMPOSITE)
    for name in ("offered", "used"):
        made = tree.omega[place] @ items[name].to_numpy(dtype=float)
        assert rows.loc[COMPOSITE, name] == pytest.approx(made)
    assert set(sheet["area"]) == {"CN"}
    assert not sheet.duplicated(list(KEYS)).any()
    # Nothing was planted in the others: with all judged together hardly one is called different.
    assert (items["verdict"].drop(ITEM) != "none").sum() <= 1


def test_points_and_those_who_did_otherwise_are_told(
    sheet: pd.DataFrame, frame: pd.DataFrame
) -> None:
    offers = sheet[sheet["line"] == "offer"].set_index("item")
    phone = frame[frame[OFFERED_MODE] == "self"]
    assert offers.loc["mode=self", "offer_points"] == phone["psu"].nunique()
    assert 5 < offers.loc["mode=self", "switched"] < 15
    assert 5 < offers.loc["mode=assisted", "switched"] < 15


def test_the_fair_comparison_also_takes_the_effect_from_the_experiment(frame: pd.DataFrame) -> None:
    figures = estimate_wave(source_of(frame).wave)
    cells = protect(figures.cells)
    found = make_sheet(FAIRNESS, SheetSource(figures, cells)).set_index(["line", "indicator"])
    given, model = (found.loc[(line, COMPOSITE)].set_index("area") for line in ("given", "score"))
    assert len(given) == len(CITIES)
    # Chance decided and nearly all did as offered, so the model finds about the same.
    assert (abs(given["by_mode"] - model["by_mode"]) < 0.5).all()
    np.testing.assert_allclose(given["adjusted"] + given["shift"], given["raw"])
    nobody = source_of(frame.assign(**{OFFERED_MODE: pd.Categorical([None] * len(frame))}))
    other = make_sheet(FAIRNESS, SheetSource(replace(figures, source=nobody.wave), cells))
    assert "given" not in set(other["line"])


def test_any_split_of_the_cities_gives_the_same_bytes(frame: pd.DataFrame) -> None:
    one, other = (
        parquet_bytes(make_sheet(MODE_EXPERIMENT, source_of(frame, groups)))
        for groups in (ONE_PART, [CITIES[5:], CITIES[:2], CITIES[2:5]])
    )
    assert one == other


def test_few_who_did_otherwise_on_one_side_hide_the_share_of_both(frame: pd.DataFrame) -> None:
    mode = frame["mode"].where(frame[OFFERED_MODE] == "assisted", "self")
    few = np.flatnonzero(frame[OFFERED_MODE] == "self")[: MINIMUM_N - 1]
    mode.iloc[few] = "assisted"
    offers = make_sheet(MODE_EXPERIMENT, source_of(frame.assign(mode=mode)))
    offers = offers[offers["line"] == "offer"]
    assert offers["switched"].isna().all()
    assert set(offers[OBSTACLE]) == {"few_switched"}
    assert offers["offer_points"].notna().all()


def test_a_side_of_few_answers_is_hidden(frame: pd.DataFrame) -> None:
    gone = frame[OFFERED_MODE].eq("self")
    few = frame.index[gone][: MINIMUM_N - 1]
    score = frame[ITEM].where(~gone | frame.index.isin(few), -1).astype(np.int8)
    found = make_sheet(MODE_EXPERIMENT, source_of(frame.assign(**{ITEM: score})))
    row = found[found["item"] == ITEM].iloc[0]
    assert not row["shown"]
    assert row[["offered", "used", "n_phone", "n_aloud"]].isna().all()
    assert not found.loc[found["indicator"] == COMPOSITE, "shown"].all()


@pytest.mark.parametrize(
    ("change", "code"), [({}, "no_experiment"), ({OFFERED_MODE: "self"}, "one_offer")]
)
def test_a_wave_without_an_experiment_says_so(
    frame: pd.DataFrame, change: dict[str, str], code: str
) -> None:
    other = frame.drop(columns=OFFERED_MODE).assign(**change)
    found = make_sheet(MODE_EXPERIMENT, source_of(other))
    assert found[["line", OBSTACLE]].to_numpy().tolist() == [["", code]]


def test_points_without_an_offer_are_not_in_the_experiment(
    frame: pd.DataFrame, sheet: pd.DataFrame
) -> None:
    further = frame.assign(
        **{OFFERED_MODE: frame[OFFERED_MODE].where(frame["city_code"] != CITIES[6])}
    )
    found = make_sheet(MODE_EXPERIMENT, source_of(further))
    own = found[found["item"] == ITEM].iloc[0]
    assert own["n_phone"] < sheet[sheet["item"] == ITEM].iloc[0]["n_phone"]
