"""Sizes of errors by hand, against simulation, and R-indicators against planted propensities."""

import numpy as np
import pytest
from scipy import special, stats

from survey.estimate.error_size import Differences, crossed_variance, detectable_change
from survey.estimate.representativity import measure_representativity


def build_differences(difference, se=1.0, *, sound=True):
    d = np.asarray(difference, float)
    return Differences(d, np.full(len(d), se), np.full(len(d), 1e6), np.full(len(d), sound), 0.05)


def test_a_clear_difference_is_turned_when_the_error_reaches_its_distance_from_the_bar():
    # Two of three are clear, so the bar is 0.05 x 2 / 3, which 2.13 standard errors reach.
    found = build_differences([4.0, -6.0, 0.1])
    assert found.bar == pytest.approx(0.05 * 2 / 3)
    assert found.clear.tolist() == [True, True, False]
    assert found.find_turned(1.86).tolist() == [False, False, False]
    assert found.find_turned(1.88).tolist() == [True, False, False]
    assert found.find_turned(3.88).tolist() == [True, True, False]
    # A known error that would push a difference further from zero turns nothing.
    assert found.find_turned([-3.0, 0, 0], is_signed=True).tolist() == [False, False, False]
    assert found.find_turned([3.0, 1, 0], is_signed=True).tolist() == [True, False, False]
    # An error larger than the difference turns the verdict round.
    assert found.find_turned([9.0, 0, 0], is_signed=True).tolist() == [True, False, False]
    assert not build_differences([4.0, -6.0], sound=False).find_turned(5.0).any()
    assert not build_differences([0.1, -0.2]).find_turned(5.0).any()
    assert not build_differences([np.nan]).clear.any()


def test_an_unknown_error_turns_nothing():
    assert not build_differences([4.0, -6.0]).find_turned(np.nan).any()


def test_the_smallest_detectable_change_is_found_four_times_in_five():
    generator = np.random.default_rng(3)
    df, se = 12, 2.0
    half_width = stats.t.ppf(0.975, df) * se
    change = float(detectable_change(half_width, df))
    error = generator.normal(change, se, 40_000)
    spread = se * np.sqrt(generator.chisquare(df, 40_000) / df)
    assert np.mean(error / spread > stats.t.ppf(0.975, df)) == pytest.approx(0.8, abs=0.02)
    assert np.isnan(detectable_change(1.0, 0))


def test_surveyors_who_stay_at_their_points_add_nothing():
    assert crossed_variance(np.array([1, 1, 2, 2]), np.array([7, 7, 8, 8])) == 0
    # Surveyor 1 holds two interviews at each of two points: 16 - 8 pairs of 36.
    assert crossed_variance(
        np.array([1, 1, 1, 1, 2, 2]), np.array([7, 7, 8, 8, 8, 8])
    ) == pytest.approx(8 / 36)
    assert crossed_variance(np.array([], int), np.array([], int)) == 0


def measure(answered, variables):
    return measure_representativity(np.ones(len(answered)), answered.astype(float), variables)


def test_r_indicator_finds_the_planted_spread_of_propensities():
    generator = np.random.default_rng(7)
    n = 40_000
    point, hour = generator.integers(0, 60, n), generator.integers(0, 4, n)
    lean = np.linspace(-0.8, 0.8, 60)[point] + np.array([-0.3, 0, 0.2, 0.4])[hour]
    rho = special.expit(1.0 + lean)
    found = measure(generator.random(n) < rho, {"point": point, "hour": hour})
    assert found.r == pytest.approx(1 - 2 * rho.std(), abs=0.01)
    assert found.cv == pytest.approx(rho.std() / rho.mean(), abs=0.01)
    assert found.partial["point"] > found.partial["hour"] > 0
    by_point = np.bincount(point, rho) / np.bincount(point)
    assert found.partial["point"] == pytest.approx(by_point[point].std(), abs=0.01)


def test_chance_alone_leaves_those_who_answered_representative():
    """Sixty points of a few dozen people differ by chance: that is not a lack of likeness."""
    generator = np.random.default_rng(8)
    n = 2_000
    variables = {"point": generator.integers(0, 60, n), "hour": generator.integers(0, 4, n)}
    found = [measure(generator.random(n) < 0.8, variables) for _ in range(20)]
    assert np.mean([each.r for each in found]) > 0.95
    assert np.mean([each.partial["point"] for each in found]) < 0.02
    assert measure(np.ones(5, bool), {"point": np.arange(5)}) is None
    assert measure(np.zeros(0, bool), {"point": np.zeros(0, int)}) is None


def test_categories_in_which_everybody_answered_do_no_harm():
    answered = np.array([True] * 50 + [True] * 40 + [False] * 10)
    found = measure(answered, {"point": np.repeat([0, 1], 50)})
    assert found.r == pytest.approx(1 - 2 * 0.1, abs=0.05)
