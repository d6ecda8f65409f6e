"""Rates keep their intervals between 0 and 100, and agree with the estimator's own shares."""

import numpy as np
import pandas as pd
import pytest

from survey.estimate import Design, estimate, share
from survey.publish.results.intervals import bounded


def people() -> pd.DataFrame:
    dice = np.random.default_rng(5)
    size = 400
    return pd.DataFrame(
        {
            "solved": (dice.random(size) < 0.03).astype(float),
            "weight": 1.0,
            "point": np.repeat(np.arange(40), 10),
        }
    )


def cells(rate: pd.Series) -> pd.DataFrame:
    frame = people().assign(solved=rate * 100)
    table = estimate(frame, ["solved"], Design("weight", psu="point"))
    return table.assign(indicator="solved")


def test_a_small_rate_has_the_interval_of_a_share() -> None:
    rate = people()["solved"]
    result = bounded(cells(rate), ["solved"], level=0.95, kish_deff=1.0).iloc[0]
    expected = share(people(), "solved", Design("weight", psu="point")).iloc[0]
    assert result["ci_low"] == pytest.approx(expected["ci_low"] * 100, rel=1e-9)
    assert result["ci_high"] == pytest.approx(expected["ci_high"] * 100, rel=1e-9)
    assert 0 < result["ci_low"] < result["estimate"] < result["ci_high"] < 100


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_nobody_and_everybody_still_leave_doubt(value: float) -> None:
    rate = people()["solved"] * 0 + value
    result = bounded(cells(rate), ["solved"], level=0.95, kish_deff=1.0).iloc[0]
    width = result["ci_high"] - result["ci_low"]
    assert 0 < width < 5
    assert result["ci_low"] >= 0
    assert result["ci_high"] <= 100


def test_a_mean_keeps_its_own_interval() -> None:
    table = cells(people()["solved"])
    pd.testing.assert_frame_equal(bounded(table, [], level=0.95, kish_deff=1.0), table)
