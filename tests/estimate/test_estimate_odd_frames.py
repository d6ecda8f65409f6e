"""Frames as analysts have them: any index, any key type, missing values, arrays for series."""

import numpy as np
import pandas as pd
import pytest

from survey.estimate import (
    Design,
    EstimateError,
    bootstrap,
    change,
    compare,
    estimate,
    fay_herriot,
    rake,
    rank_sets,
    relative_weights,
    share,
)

DESIGN = Design("weight", strata="stratum", psu="psu")


def wave(seed: int = 0, rows: int = 240) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "weight": rng.uniform(1, 3, rows),
            "stratum": rng.choice(["north", "south", "west"], rows),
            "psu": rng.integers(0, 6, rows),
            "group": rng.choice(["a", "b", "c"], rows),
            "yes": rng.random(rows) < 0.4,
            "score": rng.normal(70, 10, rows),
        }
    )


def same(first: pd.DataFrame, other: pd.DataFrame) -> None:
    keys = [name for name in ("group", "yes", "variable") if name in first]
    pd.testing.assert_frame_equal(
        first.astype({"group": object}).sort_values(keys, ignore_index=True),
        other.astype({"group": object}).sort_values(keys, ignore_index=True),
        check_dtype=False,
        rtol=1e-12,
    )


@pytest.mark.parametrize(
    "dress",
    [
        lambda f: f.set_axis(np.random.default_rng(1).permutation(len(f)) + 1000),
        lambda f: f.set_axis(np.zeros(len(f), int)),
        lambda f: f.set_axis(pd.date_range("2024-01-01", periods=len(f))),
        lambda f: f.astype({"stratum": "category", "psu": "category", "group": "category"}),
        lambda f: f.astype({"stratum": "string", "psu": str, "group": "string"}),
        lambda f: f.astype({"weight": "Float64", "score": "Float64"}),
    ],
)
def test_what_does_not_matter(dress):
    frame = wave()
    plain, dressed = (estimate(f, "score", DESIGN, by="group") for f in (frame, dress(frame)))
    same(dressed, plain)


def test_categories_without_rows_are_empty_and_keep_their_order():
    levels = ["c", "a", "b", "nobody"]
    frame = wave().assign(group=lambda f: pd.Categorical(f["group"], categories=levels))
    table = estimate(frame, "score", DESIGN, by="group")
    assert table["group"].tolist() == levels
    assert table["status"].tolist() == ["ok", "ok", "ok", "empty"]
    assert table.loc[3, "n"] == 0
    assert np.isnan(table.loc[3, "se"])


def test_a_row_without_a_key_is_in_no_domain_but_stays_in_the_sample():
    frame = wave()
    frame.loc[frame.index % 5 == 0, "group"] = None
    table = estimate(frame, "score", DESIGN, by="group")
    assert table["group"].tolist() == ["a", "b", "c"]
    assert table["n"].sum() == frame["group"].notna().sum()


@pytest.mark.parametrize("kind", [bool, int, float, "boolean"])
def test_yes_and_no_in_any_dress(kind):
    frame = wave()
    table = share(frame.assign(yes=frame["yes"].astype(kind)), "yes", DESIGN)
    assert table["estimate"][0] == pytest.approx(np.average(frame["yes"], weights=frame["weight"]))


def test_an_empty_frame_has_nothing_to_say():
    nothing = wave().iloc[:0]
    row = estimate(nothing, "score", DESIGN).iloc[0]
    assert (row["status"], row["n"]) == ("empty", 0)
    assert np.isnan(row["se"])
    assert len(estimate(nothing, "score", DESIGN, by="group")) == 0
    assert share(nothing, "yes", DESIGN)["status"].tolist() == ["empty"]
    moved = change(nothing, wave(), "score", DESIGN, by="group")
    assert set(moved["status"]) == {"empty"}
    assert moved["difference"].isna().all()


def test_unusable_weights_and_columns_are_named():
    frame = wave()
    frame.loc[3, "weight"] = np.nan
    with pytest.raises(EstimateError) as error:
        estimate(frame, "score", DESIGN)
    assert error.value.code == "missing_weight"
    for call in (
        lambda: estimate(wave(), "group", DESIGN),
        lambda: change(wave(), wave(1), "score", DESIGN, matched=True),
        lambda: compare(wave(), "score", DESIGN, group="group", reference="nobody"),
    ):
        with pytest.raises(EstimateError):
            call()


def test_true_is_the_deff_without_replacement():
    frame = wave()
    first, other = (estimate(frame, "score", DESIGN, deff=deff) for deff in (True, "without"))
    pd.testing.assert_frame_equal(first, other)
    assert first["deff"][0] > estimate(frame, "score", DESIGN)["deff"][0]


def test_a_reference_may_be_any_level():
    frame = wave().assign(size=lambda f: f["psu"] // 3)
    below = compare(frame, "score", DESIGN, group="yes", reference=False)
    rest = compare(frame, "score", DESIGN, group="yes", reference="rest")
    assert below["difference"][0] == pytest.approx(rest["difference"][0], rel=1e-12)
    sizes = compare(frame, "score", DESIGN, group="size", reference=0).set_index("group")
    assert sizes.loc[0, "difference"] == 0 < abs(sizes.loc[1, "difference"])


def test_the_same_answers_in_both_waves_have_not_changed():
    table = change(wave(), wave(), "score", DESIGN, by="group")
    assert (table[["difference", "se"]] == 0).all(axis=None)


def test_cities_may_be_matched_by_several_columns():
    before, after = wave(), wave(1)
    before = before[(before["group"] != "c") | before["yes"]]
    table = change(before, after, "score", DESIGN, matched=["group", "yes"])
    kept = after[(after["group"] != "c") | after["yes"]]
    assert table["after"][0] == pytest.approx(np.average(kept["score"], weights=kept["weight"]))


def test_arrays_lists_and_mappings_do_for_series():
    rng = np.random.default_rng(2)
    x, direct, variance = rng.normal(size=(30, 2)), rng.normal(80, 3, 30), rng.uniform(1, 3, 30)
    from_arrays = fay_herriot(direct, variance, x)
    other = fay_herriot(pd.Series(direct), pd.Series(variance), pd.DataFrame(x))
    np.testing.assert_allclose(from_arrays.eblup, other.eblup, rtol=1e-12)
    alone = fay_herriot(direct, variance, np.empty((30, 0)))
    assert alone.coefficients.index.tolist() == ["intercept"]
    with pytest.raises(EstimateError):
        fay_herriot(direct, variance, x[:-1])
    weights = relative_weights(x, x[:, 0] + rng.normal(size=30), np.ones(30))
    assert weights.sum() == pytest.approx(weights.attrs["r_squared"])
    assert rank_sets([3.0, 2.0, 2.0], [0.1, 0.1, 0.1])["rank"].tolist() == [1, 2, 2]
    frame = wave()
    raked = rake(frame, "weight", {"group": {"a": 100.0, "b": 200.0, "c": 50.0}}).weights
    assert raked.groupby(frame["group"]).sum().tolist() == pytest.approx([100, 200, 50])


def test_strata_of_one_or_two_points_bootstrap():
    frame = wave()
    frame = frame[(frame["stratum"] != "north") | (frame["psu"] == 0)]
    frame = frame[(frame["stratum"] != "south") | (frame["psu"] < 2)]

    def mean(part: pd.DataFrame) -> float:
        return float(np.average(part["score"], weights=part["weight"]))

    row = bootstrap(frame, mean, DESIGN, replicates=400, seed=3).iloc[0]
    certain = Design("weight", strata="stratum", psu="psu", lonely_psu="certainty")
    assert row["se"] == pytest.approx(estimate(frame, "score", certain)["se"][0], rel=0.15)
