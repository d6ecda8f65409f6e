"""Importance and performance from sums by PSU: what the row-by-row functions say, and by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.estimate import (
    Design,
    EstimateError,
    bootstrap,
    driver_matrix,
    priorities,
    relative_weights,
)

DESIGN = Design("weight", strata="stratum", psu="psu")
PREDICTORS = ["q0", "q1", "q2", "q3"]


def sample(seed=0, n=240):
    """Scores with holes, four predictors that share a common cause."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=n)
    frame = pd.DataFrame({name: 50 + 10 * (common + rng.normal(size=n)) for name in PREDICTORS})
    frame["y"] = frame["q0"] + frame["q1"] / 2 + 10 * rng.normal(size=n)
    frame = frame.mask(rng.uniform(size=frame.shape) < 0.15)
    return frame.assign(
        weight=rng.uniform(0.5, 2, n), stratum=rng.integers(0, 3, n), psu=rng.integers(0, 5, n)
    )


def read(frame, rows=None, **more):
    domains = {"it": np.ones(len(frame), dtype=bool) if rows is None else rows}
    return driver_matrix(frame, PREDICTORS, "y", DESIGN, domains=domains, **more)["it"]


@pytest.mark.parametrize("share", [1.0, 0.6])
def test_equal_to_relative_weights_and_bootstrap(share):
    frame = sample()
    rows = np.random.default_rng(1).uniform(size=len(frame)) < share
    result = read(frame, rows, replicates=30, seed=5)
    own = frame[rows]

    def importance(weighted):
        part = weighted[rows]
        return relative_weights(part[PREDICTORS], part["y"], part["weight"])

    def means(weighted):
        part = weighted[rows]
        known = part[PREDICTORS].notna()
        total = part[PREDICTORS].mul(part["weight"], axis=0).sum()
        return total / known.mul(part["weight"], axis=0).sum()

    np.testing.assert_allclose(result.importance, importance(frame), rtol=1e-10)
    np.testing.assert_allclose(result.performance, means(frame), rtol=1e-12)
    assert result.r_squared == pytest.approx(importance(frame).attrs["r_squared"])
    assert result.n == (own["y"].notna() & own[PREDICTORS].notna().any(axis=1)).sum()
    for statistic, drawn in ((importance, result.importances), (means, result.performances)):
        table = bootstrap(frame, statistic, DESIGN, replicates=30, seed=5)
        np.testing.assert_allclose(drawn.std(axis=0, ddof=1), table["se"], rtol=1e-8)
        np.testing.assert_allclose(drawn.mean(axis=0), table["mean"], rtol=1e-10)


def test_row_order_does_not_matter():
    frame = sample()
    shuffled = frame.sample(frac=1, random_state=3)
    first, second = read(frame, replicates=10), read(shuffled, replicates=10)
    np.testing.assert_allclose(first.importances, second.importances, rtol=1e-9)


def test_a_column_that_does_not_vary_is_named_and_gives_nothing():
    result = read(sample().assign(q2=40.0), replicates=5)
    assert result.constant == "q2"
    assert np.isnan(result.importance).all()
    assert np.isnan(result.importances).all()


def test_one_point_in_every_stratum_leaves_nothing_to_resample():
    frame = sample().assign(psu=1)
    result = read(frame, replicates=5)
    assert not np.isnan(result.importance).any()
    assert np.isnan(result.importances).all()


def test_unusable_input():
    frame = sample()
    every = {"it": np.ones(len(frame), dtype=bool)}
    pointless = Design("weight", strata="stratum", assumed_deff=1.4)
    for call, code in [
        (lambda: driver_matrix(frame, ["q0"], "y", DESIGN, domains=every), "too_few_predictors"),
        (lambda: driver_matrix(frame, PREDICTORS, "y", pointless, domains=every), "needs_points"),
        (lambda: read(frame, np.ones(3, dtype=bool)), "shape"),
    ]:
        with pytest.raises(EstimateError) as caught:
            call()
        assert caught.value.code == code


def test_priorities_by_hand():
    """Average importance 20, average score 75: the second and the last qualify; the fourth weighs
    as much as the average but scores above it, the first scores least but weighs little."""
    importance = np.array([10.0, 25.0, 15.0, 20.0, 30.0])
    performance = np.array([60.0, 70.0, 95.0, 76.0, 74.0])
    assert priorities(importance, performance).tolist() == [False, True, False, False, True]
    urgent = priorities(importance, performance, most=1)  # 30 x 26 = 780 against 25 x 30 = 750
    assert urgent.tolist() == [False, False, False, False, True]


def test_fewer_than_three_may_qualify_or_none():
    importance = np.array([[40.0, 40.0, 10.0, 10.0], [40.0, 40.0, 10.0, 10.0]])
    performance = np.array([[60.0, 90.0, 90.0, 90.0], [90.0, 90.0, 60.0, 60.0]])
    first = priorities(importance, performance)
    assert first.tolist() == [[True, False, False, False], [False] * 4]


@given(st.lists(st.tuples(st.floats(0.01, 1), st.floats(0, 100)), min_size=2, max_size=12))
def test_priorities_are_heavy_and_low(pairs):
    importance, performance = np.array(pairs).T
    first = priorities(importance, performance)
    assert first.sum() <= 3
    assert (importance[first] >= importance.mean() * (1 - 1e-12)).all()
    assert (performance[first] <= performance.mean()).all()
    left = ~first & (importance > importance.mean() * (1 + 1e-12))
    left &= performance < performance.mean()
    if left.any():
        urgency = importance * (100 - performance)
        assert urgency[first].min() >= urgency[left].max() * (1 - 1e-12)


def test_more_than_everything_is_never_explained():
    """Twelve questions that a hundred people answered by half: R² of the pairs is 1.02."""
    rng = np.random.default_rng(8)
    names = [f"q{number}" for number in range(12)]
    common = rng.normal(size=(100, 1))
    frame = pd.DataFrame(50 + 10 * (2 * common + rng.normal(size=(100, 13))), columns=[*names, "y"])
    known = frame.mask(rng.uniform(size=frame.shape) < 0.5).assign(y=frame["y"])
    design = {"weight": 1.0, "stratum": 0, "psu": np.arange(100) // 10}
    everyone = {"it": np.ones(100, dtype=bool)}
    with pytest.raises(EstimateError, match="no population"):
        relative_weights(known[names], known["y"], np.ones(100))
    found = driver_matrix(known.assign(**design), names, "y", DESIGN, domains=everyone)["it"]
    assert np.isnan(found.importance).all()
    assert np.nansum(found.importances, axis=1).max() <= 1 + 1e-9
    assert np.isnan(found.importances).any(axis=1).sum() > 100
    whole = driver_matrix(frame.assign(**design), names, "y", DESIGN, domains=everyone)["it"]
    assert 0 < whole.r_squared < 1
    assert not np.isnan(whole.importances).any()
