"""Relative weights against the definition, and the bootstrap against the linearised error."""

import numpy as np
import pandas as pd
import pytest

from survey.estimate import Design, EstimateError, bootstrap, estimate, relative_weights
from tests.estimate.naive_estimates import wave

DESIGN = Design("weight", strata="stratum", psu="psu")


def predictors(seed=0, n=800):
    rng = np.random.default_rng(seed)
    common = rng.normal(size=n)
    x = pd.DataFrame({f"q{k}": common * 0.7 + rng.normal(size=n) for k in range(4)})
    y = x @ [0.8, 0.4, 0.2, 0.0] + rng.normal(size=n)
    return x, y, pd.Series(rng.uniform(0.5, 2, n))


def test_relative_weights_are_johnsons():
    x, y, w = predictors()
    weights = relative_weights(x, y, w)
    table = np.column_stack([x, y])
    covariance = np.cov(table.T, aweights=w)
    scale = np.sqrt(np.diag(covariance))
    r = covariance / scale / scale[:, None]
    values, vectors = np.linalg.eigh(r[:4, :4])
    half = vectors @ np.diag(np.sqrt(values)) @ vectors.T
    expected = half**2 @ (np.linalg.inv(half) @ r[:4, 4]) ** 2
    np.testing.assert_allclose(weights, expected, rtol=1e-10)
    r_squared = r[4, :4] @ np.linalg.solve(r[:4, :4], r[:4, 4])
    assert weights.sum() == pytest.approx(r_squared)
    assert weights.attrs["r_squared"] == pytest.approx(r_squared)
    assert weights.index.tolist() == x.columns.tolist()
    assert weights.is_monotonic_decreasing


def test_relative_weights_use_every_scored_pair():
    x, y, w = predictors()
    holes = x.copy()
    holes.iloc[::5, 0] = np.nan
    holes.iloc[1::7, 2] = np.nan
    weights = relative_weights(holes, y, w)
    assert weights.notna().all()
    assert weights["q0"] == pytest.approx(relative_weights(x, y, w)["q0"], abs=0.05)


def test_relative_weights_unusable_input():
    x, y, w = predictors()
    for call, code in [
        (lambda: relative_weights(x.assign(q1=3.0), y, w), "constant"),
        (lambda: relative_weights(x, y[:5], w), "shape"),
    ]:
        with pytest.raises(EstimateError) as caught:
            call()
        assert caught.value.code == code


def weighted_means(frame):
    return {
        "q0": np.average(frame["q0"], weights=frame["weight"]),
        "above": float(np.average(frame["q0"], weights=frame["weight"]) > 0),
    }


def test_bootstrap_error_is_the_linearised_one():
    frame = wave(seed=6, psus=8, missing=0.0)
    result = bootstrap(frame, weighted_means, DESIGN, replicates=1000)
    expected = estimate(frame, "q0", DESIGN).iloc[0]
    assert result.loc["q0", "estimate"] == pytest.approx(expected["estimate"])
    assert result.loc["q0", "se"] == pytest.approx(expected["se"], rel=0.1)
    assert result.loc["q0", "ci_low"] < expected["estimate"] < result.loc["q0", "ci_high"]
    assert result.loc["above", "mean"] == 1.0
    shuffled = bootstrap(
        frame.sample(frac=1, random_state=1), weighted_means, DESIGN, replicates=50
    )
    pd.testing.assert_frame_equal(
        shuffled, bootstrap(frame, weighted_means, DESIGN, replicates=50), check_exact=False
    )


def test_bootstrap_with_fpc_and_lonely_strata():
    frame = wave(seed=6, psus=8, missing=0.0).assign(population=10)
    design = Design("weight", strata="stratum", psu="psu", fpc="population")
    result = bootstrap(frame, weighted_means, design, replicates=1000)
    expected = estimate(frame, "q0", design).iloc[0]
    assert result.loc["q0", "se"] == pytest.approx(expected["se"], rel=0.1)
    alone = wave(cities=2, strata=1, psus=1, missing=0.0)
    nothing = bootstrap(alone, weighted_means, DESIGN, replicates=20).loc["q0"]
    assert np.isnan(nothing["se"])
    assert nothing["replicates"] == 0
    failing = Design("weight", strata="stratum", psu="psu", lonely_psu="fail")
    with pytest.raises(EstimateError, match="only one PSU"):
        bootstrap(alone, weighted_means, failing, replicates=20)


def test_bootstrap_of_something_often_missing():
    frame = wave()
    result = bootstrap(frame, lambda f: np.nan, DESIGN, replicates=10).loc["statistic"]
    assert np.isnan(result["se"])
    assert result["replicates"] == 0
