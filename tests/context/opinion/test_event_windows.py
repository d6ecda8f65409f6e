"""Differences of windows: by hand where days are independent, and covering where they are not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_ind

from benchmarks.truth import windows
from survey.counts.opinion.event_windows import compare_windows, weigh_autocorrelations


def test_autocorrelations_are_weighed_by_the_restricted_likelihood() -> None:
    """Against generalised least squares with whole matrices; a missing day makes rho rho^2."""
    days = np.delete(np.arange(17.0), [4, 11])
    membership = (np.repeat([0, 1, 2], 5)[:, None] == np.arange(3)).astype(float)
    values = np.random.default_rng(2).normal(size=15) + membership @ np.array([1.0, 3.0, 2.0])
    contrast = np.array([-1.0, 1.0, 0.0])
    rhos, weights, centres, scales = weigh_autocorrelations(days, values, membership, contrast)
    logs = []
    for rho, centre, scale in zip(rhos, centres, scales, strict=True):
        matrix = rho ** np.abs(days[:, None] - days)
        precise = np.linalg.inv(matrix)
        information = membership.T @ precise @ membership
        fitted = np.linalg.solve(information, membership.T @ precise @ values)
        residuals = values - membership @ fitted
        squares = residuals @ precise @ residuals
        assert centre == pytest.approx(contrast @ fitted)
        variance = squares / 12 * (contrast @ np.linalg.solve(information, contrast))
        assert scale == pytest.approx(np.sqrt(variance))
        halves = np.linalg.slogdet(matrix)[1] + np.linalg.slogdet(information)[1]
        logs.append(-halves / 2 - 6 * np.log(squares) - 0.15 * np.log(1 - rho))
    expected = np.exp(np.array(logs) - max(logs))
    assert weights == pytest.approx(expected / expected.sum(), abs=1e-9)


def test_the_autocorrelation_of_a_long_series_is_found() -> None:
    values = windows.simulate(np.random.default_rng(1), (300, 300, 300), 0.6, 1)[0]
    labels = np.repeat([0, 1, 2], 300)
    found = compare_windows(np.arange(900.0), values, labels, first=0, second=1)
    assert found is not None
    assert found.autocorrelation == pytest.approx(0.6, abs=0.1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lengths", "rho"),
    [
        ((28, 14, 28), 0.0),
        ((28, 14, 28), 0.6),
        ((14, 7, 14), 0.8),
        ((7, 7, 7), 0.0),
        ((7, 7, 7), 0.8),
    ],
)
def test_windows_that_do_not_differ_seldom_seem_to(
    lengths: tuple[int, int, int], rho: float
) -> None:
    """A short run of benchmarks/truth/windows.py, which has more series: 3.5 to 6.5 %."""
    assert 0.025 <= windows.measure(lengths, rho, samples=600) <= 0.075


def test_days_taken_as_independent_would_seem_to_differ_far_too_often() -> None:
    series = windows.simulate(np.random.default_rng(0), (28, 14, 28), 0.7, 400)
    naive = ttest_ind(series[:, 28:42], series[:, :28], axis=1).pvalue
    assert (naive < 0.05).mean() > 0.25


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
