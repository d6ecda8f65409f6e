"""Expected errors from the errors of many figures, against numbers worked out by hand."""

import numpy as np
import pytest

from survey.estimate.variance_function import VarianceFunction, error_of_variance


def figures(count=400, seed=1):
    rng = np.random.default_rng(seed)
    n = rng.integers(30, 700, count).astype(float)
    return rng, n, rng.uniform(10, 90, count)


def test_a_constant_design_effect_is_found_again():
    # V = 1.5 m (100 - m) / n: a share of one half of 600 has sqrt(1.5 * 2500 / 600) = 2.5.
    _, n, figure = figures()
    found = VarianceFunction.fit(1.5 * figure * (100 - figure) / n, n, figure)
    assert found.by_n == pytest.approx(-1)
    assert found.by_spread == pytest.approx(1)
    assert found.constant == pytest.approx(np.log(1.5))
    assert found.error(600, 50) == pytest.approx(2.5)
    assert (found.r_squared, found.low, found.high) == pytest.approx((1, 1, 1))


def test_errors_are_not_too_low_where_each_variance_is_an_estimate():
    rng, n, figure = figures(4000)
    chance = rng.chisquare(15, len(n)) / 15
    found = VarianceFunction.fit(1.5 * figure * (100 - figure) / n * chance, n, figure)
    assert found.error(600, 50) ** 2 == pytest.approx(6.25, rel=0.03)
    # The middle 90 % of the root of chi-squared on 15 degrees of freedom over 15.
    assert found.low == pytest.approx(np.sqrt(7.261 / 15), abs=0.02)
    assert found.high == pytest.approx(np.sqrt(24.996 / 15), abs=0.02)
    # What cannot be explained is the variance of log chi-squared, 0.143.
    assert 0 < found.r_squared < 1


def test_too_few_figures_or_one_size_give_none():
    _, n, figure = figures(40)
    variance = figure * (100 - figure) / n
    assert VarianceFunction.fit(variance[:29], n[:29], figure[:29]) is None
    assert VarianceFunction.fit(variance, n * 0 + 600, figure) is None
    assert VarianceFunction.fit(variance * 0, n, figure) is None


def test_the_error_of_a_variance():
    assert error_of_variance(15) == pytest.approx(0.3651, abs=1e-4)
