"""Differences within one sample, against plain loops."""

import numpy as np
import pandas as pd
import pytest

from survey.estimate import Design, EstimateError, compare
from tests.estimate.naive_estimates import combination, variance, wave

DESIGN = Design("weight", strata="stratum", psu="psu")


def expected(frame, first, second):
    (a, za), (b, zb) = (
        combination(frame, {"q0": 1.0}, "weight", np.asarray(rows)) for rows in (first, second)
    )
    return a - b, np.sqrt(variance(frame, za - zb, "stratum", "psu"))


@pytest.mark.parametrize(
    "reference", ["rest", "all", ("gender", "f"), {"gender": "f", "old": True}]
)
@pytest.mark.parametrize("by", [(), ("city",)])
def test_a_group_against_others(reference, by):
    frame = wave()
    table = compare(frame, ["q1", "q0"], DESIGN, group="old", reference=reference, by=by)
    for _, row in table[table["variable"] == "q0"].iterrows():
        inside = (frame["city"] == row["city"]) if by else pd.Series(True, frame.index)
        other = {"rest": inside & ~frame["old"], "all": inside}.get(
            reference if isinstance(reference, str) else "", inside & (frame["gender"] == "f")
        )
        if isinstance(reference, dict):
            other &= frame["old"]
        difference, se = expected(frame, inside & frame["old"], other)
        assert row["difference"] == pytest.approx(difference, rel=1e-10)
        assert row["se"] == pytest.approx(se, rel=1e-10)
        assert row["estimate"] - row["reference_estimate"] == pytest.approx(difference)
        assert row["ci_low"] < difference < row["ci_high"]
        assert (row["p"] < 0.05) == (row["ci_low"] * row["ci_high"] > 0)


@pytest.mark.parametrize("reference", ["rest", "all", "C2"])
def test_every_level_of_a_column(reference):
    frame = wave()
    table = compare(frame, "q0", DESIGN, group="city", reference=reference)
    assert table["group"].tolist() == ["C0", "C1", "C2", "C3"]
    for _, row in table.iterrows():
        own = frame["city"] == row["group"]
        other = {"rest": ~own, "all": own | True, "C2": frame["city"] == "C2"}[reference]
        if row["group"] == reference:
            assert row["difference"] == row["se"] == 0.0
            continue
        difference, se = expected(frame, own, other)
        assert row["difference"] == pytest.approx(difference, rel=1e-10)
        assert row["se"] == pytest.approx(se, rel=1e-10)
        assert row["n"] == frame.loc[own, "q0"].notna().sum()
        assert row["n_reference"] == frame.loc[other, "q0"].notna().sum()


def test_a_side_inside_one_psu_cannot_be_compared():
    frame = wave().assign(corner=lambda f: (f["stratum"] == "H3") & (f["psu"] == 2))
    row = compare(frame, "q0", DESIGN, group="corner").iloc[0]
    assert row["status"] == "not_estimable"
    assert np.isnan(row["se"])
    assert np.isfinite(row["difference"])


def test_an_item_without_scores_on_one_side():
    frame = wave()
    frame.loc[~frame["old"], "q0"] = np.nan
    row = compare(frame, "q0", DESIGN, group="old").iloc[0]
    assert row["status"] == "empty"
    assert np.isnan(row["difference"])
    assert np.isfinite(row["estimate"])
    assert row["n_reference"] == 0


def test_unknown_levels_are_named():
    with pytest.raises(EstimateError) as caught:
        compare(wave().assign(city=None), "q0", DESIGN, group="city")
    assert caught.value.code == "empty_group"
    with pytest.raises(EstimateError) as caught:
        compare(wave(), "q0", DESIGN, group=("gender", "x"))
    assert (caught.value.code, caught.value.params["level"]) == ("unknown_group", "x")
