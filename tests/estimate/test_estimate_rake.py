"""Raked weights: margins met, problems named, trimming reported."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.estimate import EstimateError, rake

AGES = ["15-29", "30-44", "45-59", "60-70"]


def city_frame(seed=0, cities=3, rows=300) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = cities * rows
    return pd.DataFrame(
        {
            "city": np.repeat([f"C{i}" for i in range(cities)], rows),
            "age": rng.choice(AGES, n, p=[0.3, 0.3, 0.25, 0.15]),
            "gender": rng.choice(["f", "m"], n),
            "school": rng.choice(["low", "mid", "high"], n),
            "base": rng.uniform(50, 150, n),
        }
    )


def targets(frame, keys, rng, total=100_000.0) -> pd.Series:
    """Random totals by city and cell, every city summing to `total`."""
    cells = frame.groupby(["city", *keys]).size()
    share = cells * rng.uniform(0.6, 1.6, len(cells))
    return total * share / share.groupby("city").transform("sum")


def margins(frame, seed=0):
    rng = np.random.default_rng(seed)
    return {
        ("age", "gender"): targets(frame, ["age", "gender"], rng),
        "school": targets(frame, ["school"], rng),
    }


def naive_rake(frame, wanted, sweeps):
    w = frame["base"].to_numpy(float).copy()
    cells = [
        ((frame[["city", *([keys] if isinstance(keys, str) else keys)]] == list(cell)), target)
        for keys, totals in wanted.items()
        for cell, target in totals.items()
    ]
    members = [(equal.all(axis=1).to_numpy(), target) for equal, target in cells]
    for _ in range(sweeps):
        for inside, target in members:
            w[inside] *= target / w[inside].sum()
    return w


@given(seed=st.integers(0, 200))
@settings(max_examples=10, deadline=None)
def test_margins_are_met_by_the_unique_solution(seed):
    frame = city_frame(seed, cities=2, rows=150)
    wanted = margins(frame, seed)
    result = rake(frame, "base", wanted, within="city")
    for keys, totals in wanted.items():
        names = ["city", *([keys] if isinstance(keys, str) else keys)]
        met = result.weights.groupby([frame[name] for name in names]).sum()
        np.testing.assert_allclose(met, totals, rtol=1e-10)
    assert result.report["converged"].all()
    assert result.largest_misfit <= 1e-10
    np.testing.assert_allclose(result.weights, naive_rake(frame, wanted, 25), rtol=1e-8)


def test_report():
    frame = city_frame()
    result = rake(frame, "base", margins(frame), within="city")
    assert result.report["city"].tolist() == ["C0", "C1", "C2"]
    for _, line in result.report.iterrows():
        w = result.weights[frame["city"] == line["city"]]
        cv = w.std(ddof=0) / w.mean()
        assert line["cv"] == pytest.approx(cv)
        assert line["kish_deff"] == pytest.approx(1 + cv**2)
        assert line["effective_n"] == pytest.approx(w.sum() ** 2 / (w**2).sum())
        assert (line["min"], line["max"]) == (w.min(), w.max())
        assert line["total"] == pytest.approx(100_000)
        assert 1 < line["sweeps"] < 50
        assert line["trimmed"] == 0
        assert line["kish_deff_untrimmed"] == line["kish_deff"]
    assert result.weights.index.equals(frame.index)


def test_trimming_is_declared_bounded_and_reported():
    frame = city_frame()
    wanted = margins(frame)
    plain = rake(frame, "base", wanted, within="city")
    result = rake(frame, "base", wanted, within="city", trim=1.5)
    assert (result.report["trimmed"] > 0).all()
    assert (result.report["kish_deff"] < result.report["kish_deff_untrimmed"]).all()
    np.testing.assert_allclose(
        result.report["kish_deff_untrimmed"], plain.report["kish_deff"], rtol=1e-12
    )
    spread = result.weights.groupby(frame["city"]).agg(lambda w: w.max() / w.min())
    assert (spread < plain.weights.groupby(frame["city"]).agg(lambda w: w.max() / w.min())).all()
    met = result.weights.groupby([frame["city"], frame["school"]]).sum()
    np.testing.assert_allclose(met, wanted["school"], rtol=1e-10)
    with pytest.raises(EstimateError, match="greater than 1"):
        rake(frame, "base", wanted, within="city", trim=0.5)


def test_without_within_and_zero_weights():
    frame = city_frame(cities=1)
    frame.loc[:9, "base"] = 0.0
    wanted = {"gender": pd.Series({"f": 600.0, "m": 400.0})}
    result = rake(frame, "base", wanted)
    assert (result.weights[:10] == 0).all()
    assert result.weights.groupby(frame["gender"]).sum().tolist() == pytest.approx([600, 400])
    assert result.report.loc[0, "n"] == len(frame) - 10


def test_a_zero_target_takes_the_weight_away():
    frame = city_frame(cities=1)
    result = rake(frame, "base", {"gender": pd.Series({"f": 600.0, "m": 0.0})})
    assert (result.weights[frame["gender"] == "m"] == 0).all()


def raises(frame, wanted, **options) -> EstimateError:
    with pytest.raises(EstimateError) as caught:
        rake(frame, "base", wanted, within="city", **options)
    return caught.value


def test_empty_cell_names_city_cell_and_merge():
    frame = city_frame()
    wanted = margins(frame)
    gone = (frame["city"] == "C1") & (frame["age"] == "60-70") & (frame["gender"] == "m")
    error = raises(frame[~gone], wanted)
    assert error.code == "empty_cell"
    assert error.params["group"] == "C1"
    assert error.params["cell"] == ("60-70", "m")
    assert error.params["merge"] == ("45-59", "m")
    assert "C1" in str(error)
    assert "('45-59', 'm')" in str(error)


def test_stale_margins():
    frame = city_frame()
    wanted = margins(frame)
    error = raises(frame[frame["city"] != "C2"], wanted)
    assert (error.code, error.params["group"]) == ("empty_cell", "C2")
    renamed = frame.replace({"school": {"high": "university"}})
    error = raises(renamed, wanted)
    assert (error.code, error.params["cell"]) == ("missing_target", "university")
    short = {"school": wanted["school"].drop(("C1", "low"))}
    error = raises(frame, short)
    assert (error.code, error.params["group"], error.params["cell"]) == (
        "missing_target",
        "C1",
        "low",
    )
    assert raises(frame.assign(school=None), wanted).code == "missing_level"


def test_inconsistent_margins_name_the_city_and_both_totals():
    frame = city_frame()
    wanted = margins(frame)
    wanted["school"] = wanted["school"] * np.where(
        wanted["school"].index.get_level_values(0) == "C2", 1.01, 1.0
    )
    error = raises(frame, wanted)
    assert error.code == "inconsistent_margins"
    assert error.params["group"] == "C2"
    assert error.params["totals"]["school"] == pytest.approx(101_000)


def test_bad_targets():
    frame = city_frame()
    school = margins(frame)["school"]
    negative = school.copy()
    negative.iloc[0] = -1.0
    assert raises(frame, {"school": negative}).code == "bad_target"
    assert raises(frame, {"school": pd.concat([school, school.head(1)])}).code == "repeated_target"
    assert raises(frame, {"school": school.droplevel(0)}).code == "shape"
    assert raises(frame, {}).code == "no_margins"


def test_impossible_margins_do_not_converge():
    frame = city_frame(cities=1, rows=40)
    frame["gender"] = np.where(frame["age"] == "15-29", "f", "m")
    index = pd.MultiIndex.from_product([["C0"], AGES])
    wanted = {
        "age": pd.Series([50.0, 20, 20, 10], index=index),
        "gender": pd.Series({("C0", "f"): 60.0, ("C0", "m"): 40.0}),
    }
    error = raises(frame, wanted, max_sweeps=30)
    assert error.code == "not_converged"
    assert error.params["group"] == "C0"
    assert error.params["sweeps"] == 30


def test_levels_may_be_numbers_or_categories():
    frame = city_frame(cities=1)
    frame["band"] = pd.Categorical(frame["age"], categories=AGES)
    frame["code"] = frame["band"].cat.codes
    by_text = rake(frame, "base", {"band": pd.Series(25.0, index=AGES)})
    by_number = rake(frame, "base", {"code": pd.Series(25.0, index=range(4))})
    np.testing.assert_allclose(by_text.weights, by_number.weights)
