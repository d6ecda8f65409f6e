"""Adjusted scores against R `svyglm` with standardisation, against a known truth, and the edges."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.truth import case_mix
from survey.estimate import Design
from survey.estimate.case_mix import (
    CaseMixModel,
    CaseMixRows,
    CitySums,
    FairComparison,
    PointSums,
    compare_fairly,
)

DATA = Path(__file__).parent / "data"
DESIGN = Design("w", strata="stratum", psu="point")
COLUMNS = [("age", "30-44"), ("age", "45-59"), ("school", "low"), ("mode", "self")]
MODE = [3]


def rows_of(frame: pd.DataFrame, columns: list[tuple[str, str]] = COLUMNS) -> CaseMixRows:
    x = np.column_stack([frame[name] == level for name, level in columns]).astype(float)
    points = frame[["stratum", "point"]].reset_index(drop=True)
    return CaseMixRows(frame[["y1", "y2"]].to_numpy(), x, frame["w"].to_numpy(), points)


def compare(frame: pd.DataFrame, columns: list[tuple[str, str]] = COLUMNS) -> FairComparison:
    rows = [rows_of(part, columns) for _, part in frame.groupby("city")]
    model = CaseMixModel.fit(map(CitySums.of, rows))
    points = [
        PointSums.of(own, means, model.beta) for own, means in zip(rows, model.cities, strict=True)
    ]
    return compare_fairly(model, points, np.eye(2), DESIGN, MODE)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return pd.read_csv(DATA / "case_mix.csv")


def test_scores_shifts_and_errors_are_those_of_r(frame: pd.DataFrame) -> None:
    found, known = compare(frame), pd.read_csv(DATA / "r_case_mix.csv")
    cities = sorted(frame["city"].unique())
    raw = np.array(
        [
            [np.average(part[item].dropna(), weights=part["w"][part[item].notna()])
             for item in ("y1", "y2")]
            for _, part in frame.groupby("city")
        ]
    )  # fmt: skip
    tables = {
        "adjusted": raw - found.shift,
        "shift": found.shift,
        "adjusted_se": found.adjusted_se,
        "shift_se": found.shift_se,
        "effect_mode": found.effect,
        "effect_mode_se": found.effect_se,
    }
    for row in known.itertuples():
        place = 0 if row.city == "CN" else cities.index(row.city)
        item = ("y1", "y2").index(row.item)
        assert tables[row.key][place, item] == pytest.approx(row.value, rel=1e-8, abs=1e-8), row


def test_the_nation_does_not_move(frame: pd.DataFrame) -> None:
    weight = frame.groupby("city")["w"].sum().to_numpy()
    assert weight @ compare(frame).shift[:, 0] == pytest.approx(0, abs=1e-9)


def test_order_of_rows_and_scale_of_weights_change_nothing(frame: pd.DataFrame) -> None:
    mixed = frame.sample(frac=1, random_state=1).assign(w=lambda each: each["w"] * 7)
    one, other = compare(frame), compare(mixed)
    for name in ("shift", "part", "shift_se", "adjusted_se", "effect_se"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-9)


def test_a_mode_that_only_tells_cities_apart_is_not_identified(frame: pd.DataFrame) -> None:
    by_city = frame.assign(mode=np.where(frame["city"] < "c3", "self", "assisted"))
    found = compare(by_city)
    assert np.isnan(found.shift).all()
    assert np.isnan(found.effect).all()


def test_a_city_of_one_mode_is_adjusted_by_the_other_cities(frame: pd.DataFrame) -> None:
    last = frame[frame["city"] == "c5"]
    assert set(last["mode"]) == {"assisted"}
    assert np.isfinite(compare(frame).shift[5]).all()


def test_a_column_that_others_determine_changes_no_shift(frame: pd.DataFrame) -> None:
    twice = frame.assign(grown=np.where(frame["age"] == "18-29", "no", "yes"))
    columns = [*COLUMNS[:3], ("mode", "self"), ("grown", "yes")]
    np.testing.assert_allclose(compare(frame).shift, compare(twice, columns).shift, atol=1e-9)


def test_an_item_without_scores_in_a_city_has_no_shift_there(frame: pd.DataFrame) -> None:
    gone = frame.assign(y2=frame["y2"].where(frame["city"] != "c0"))
    found = compare(gone)
    assert np.isnan(found.shift[0, 1])
    assert np.isfinite(found.shift[0, 0])
    assert np.isfinite(found.shift[1:, 1]).all()


def test_planted_mix_and_mode_are_found() -> None:
    found = case_mix.measure(waves=12, seed=1)
    assert found["error / raw error"] <= 0.6
    assert 0.91 <= found["interval held"] <= 0.99
    assert 0.91 <= found["interval of the shift held"] <= 0.99
    assert abs(found["mode effect off"]) <= 0.3
