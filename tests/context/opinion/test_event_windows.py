"""Differences of windows: by hand where days are independent, and covering where they are not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_ind

from survey.context.opinion.event_windows import (
    MAX_AUTOCORRELATION,
    compare_windows,
    contrast_variance,
    estimate_autocorrelation,
)

LENGTHS = (28, 14, 28)
WINDOWS = np.repeat([0, 1, 2], LENGTHS)
DAYS = np.arange(len(WINDOWS), dtype=float)
SHIFTS = np.array([0.0, 2.0, 1.0])


def simulate(rho: float, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    noise = random.normal(size=len(DAYS))
    errors = np.empty(len(DAYS))
    errors[0] = noise[0] / np.sqrt(1 - rho**2)
    for day in range(1, len(DAYS)):
        errors[day] = rho * errors[day - 1] + noise[day]
    values: np.ndarray = SHIFTS[WINDOWS] + errors
    return values


def test_the_variance_of_a_contrast_by_hand() -> None:
    # Two days against two, rho = 1/2: (4 + 2 (rho - 2 rho^2 - rho^3)) / 4 = (4 - 1/4) / 4.
    weights = np.array([-0.5, -0.5, 0.5, 0.5])
    assert contrast_variance(np.arange(4.0), weights, 0.5) == pytest.approx(0.9375)
    assert contrast_variance(np.arange(4.0), weights, 0.0) == pytest.approx(1.0)
    # A day that was left out lies two days away: rho becomes rho^2.
    assert contrast_variance(np.array([0.0, 2.0]), np.array([-1.0, 1.0]), 0.5) == 1.5


def test_the_autocorrelation_by_hand() -> None:
    # 1, 1, -1, -1: products of neighbours 1 - 1 + 1 = 1, squares 4: 1/4; one mean of 4 days:
    # (4/4 + 1) / (4 - 1 - 2) = 2, which is more than there can be.
    residuals = np.array([1.0, 1.0, -1.0, -1.0])
    assert estimate_autocorrelation(np.arange(4.0), residuals, 1) == MAX_AUTOCORRELATION
    alternating = np.tile([1.0, -1.0], 20)
    assert estimate_autocorrelation(np.arange(40.0), alternating, 3) == 0.0
    assert estimate_autocorrelation(np.arange(0.0, 80.0, 2.0), alternating, 3) == 0.0


def test_independent_days_give_the_interval_of_the_two_sample_t() -> None:
    values = np.tile([1.0, -1.0], 10) + np.repeat([0.0, 3.0], 10)
    found = compare_windows(np.arange(20.0), values, np.repeat([0, 1], 10), first=0, second=1)
    assert found is not None
    assert found.autocorrelation == 0.0
    expected = ttest_ind(values[10:], values[:10]).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.value == pytest.approx(3.0)


@pytest.mark.parametrize("rho", [0.0, 0.4, 0.7])
def test_intervals_cover_a_known_truth(rho: float) -> None:
    hits = naive = 0
    repeats = 200
    for seed in range(repeats):
        values = simulate(rho, seed)
        found = compare_windows(DAYS, values, WINDOWS, first=0, second=1)
        assert found is not None
        hits += found.low <= 2.0 <= found.high
        simple = ttest_ind(values[28:42], values[:28]).confidence_interval(0.95)
        naive += simple.low <= 2.0 <= simple.high
    # Three standard errors of a share of 200 below 0.95; docs/opinion.md has more repeats.
    assert hits / repeats > 0.91 - 0.03 * (rho > 0.5)
    if rho >= 0.7:
        assert naive / repeats < 0.75, "days taken as independent would cover far too seldom"


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=14, max_size=60),
    st.integers(3, 11),
    st.floats(-1e3, 1e3),
)
def test_a_shift_of_all_days_changes_no_difference(
    values: list[float], start: int, shift: float
) -> None:
    windows = (np.arange(len(values)) >= start).astype(int)
    days = np.arange(len(values), dtype=float)
    found = compare_windows(days, values, windows, first=0, second=1)
    moved = compare_windows(days, np.array(values) + shift, windows, first=0, second=1)
    if found is None or moved is None:
        return
    assert found.low <= found.value <= found.high
    scale = max(1.0, np.abs(values).max(), abs(shift))
    assert moved.value == pytest.approx(found.value, abs=1e-6 * scale)
    back = compare_windows(days, values, windows, first=1, second=0)
    assert back is not None
    assert (back.low, back.high) == pytest.approx((-found.high, -found.low))


def test_too_few_days_give_no_interval() -> None:
    days = np.arange(20.0)
    values = np.sin(days)
    short = np.array([0] * 18 + [1] * 2)
    assert compare_windows(days, values, short, first=0, second=1) is None
    assert compare_windows(days[:13], values[:13], [0] * 6 + [1] * 7, first=0, second=1) is None
    assert compare_windows(days, np.ones(20), [0] * 10 + [1] * 10, first=0, second=1) is None
    # A third window that is too short is left out instead of taking the others with it.
    three = np.array([0] * 10 + [1] * 8 + [2] * 2)
    assert compare_windows(days, values, three, first=0, second=1) is not None
