"""Effective size and forecast, by hand, against simulation, and at the edges."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.review.forecast import effective_size, forecast

COUNTS = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 90)), min_size=1, max_size=12)


def test_a_quota_filled_as_planned_loses_nothing() -> None:
    assert effective_size([50, 50], [10, 10]).n == pytest.approx(20)
    assert effective_size([10, 30], [5, 15]).n == pytest.approx(20)


def test_uneven_filling_costs_what_kish_says() -> None:
    # Half and half planned, 30 and 10 collected: 1 / (0.25 / 30 + 0.25 / 10) = 30 of 40.
    assert effective_size([50, 50], [30, 10]).n == pytest.approx(30)


def test_an_empty_cell_is_left_out_and_said() -> None:
    size = effective_size([50, 50], [30, 0])
    assert [size.n, size.covered] == pytest.approx([30, 0.5])
    assert effective_size([50, 50], [0, 0]).n == 0
    assert effective_size([], []).n == 0


@given(COUNTS)
def test_it_is_the_kish_formula_over_the_interviews(cells: list[tuple[int, int]]) -> None:
    targets, counts = [t for t, _ in cells], [n for _, n in cells]
    weights = np.concatenate([np.full(n, t / n) for t, n in cells if n] or [np.empty(0)])
    expected = weights.sum() ** 2 / (weights**2).sum() if len(weights) else 0.0
    size = effective_size(targets, counts)
    assert size.n == pytest.approx(expected)
    assert size.n <= sum(counts) + 1e-6


def test_nothing_left_is_done_and_without_days_there_is_no_forecast() -> None:
    done = forecast(0, [3, 4], 5)
    assert done is not None
    assert (done.days, done.earliest, done.latest, done.chance) == (0, 0, 0, 1.0)
    assert forecast(10, [], 5) is None


def test_a_steady_pace_gives_the_plain_division_and_an_interval_around_it() -> None:
    prediction = forecast(1000, [100] * 7, 20)
    assert prediction is not None
    assert (prediction.earliest, prediction.days, prediction.latest) == (10, 10, 12)
    assert prediction.chance == pytest.approx(1.0, abs=1e-6)
    late = forecast(1000, [100] * 7, 8)
    assert late is not None
    assert late.chance == pytest.approx(0.0, abs=1e-3)


def test_the_interval_is_the_one_of_simulated_futures() -> None:
    """Rate from its posterior, then the waiting time of the R-th interview, a million times."""
    rng = np.random.default_rng(11)
    recent, remaining = [12, 9, 14, 10, 8, 11, 13], 120
    rate = rng.gamma(sum(recent) + 0.5, 1 / len(recent), 1_000_000)
    wait = rng.gamma(remaining, 1 / rate)
    low, middle, high = np.quantile(wait, [0.025, 0.5, 0.975])
    prediction = forecast(remaining, recent, 12)
    assert prediction is not None
    assert [prediction.earliest, prediction.days, prediction.latest] == [
        int(np.ceil(low)),
        int(np.ceil(middle)),
        int(np.ceil(high)),
    ]
    assert prediction.chance == pytest.approx((wait <= 12).mean(), abs=0.003)


def test_uneven_days_widen_the_interval() -> None:
    steady, wild = forecast(500, [50] * 7, None), forecast(500, [0, 150, 0, 150, 0, 50, 0], None)
    assert steady is not None
    assert wild is not None
    assert steady.per_day == wild.per_day == 50
    assert wild.latest is not None
    assert steady.latest is not None
    assert wild.latest > steady.latest
    assert steady.chance is None


def test_a_pace_of_next_to_nothing_has_no_date() -> None:
    prediction = forecast(100_000, [0, 0, 1], 30)
    assert prediction is not None
    assert prediction.latest is None
    assert prediction.chance == pytest.approx(0.0, abs=1e-6)


@given(st.integers(1, 3000), st.lists(st.integers(0, 400), min_size=1, max_size=7))
def test_more_to_do_is_never_earlier(remaining: int, recent: list[int]) -> None:
    sooner, later = forecast(remaining, recent, None), forecast(remaining + 50, recent, None)
    assert sooner is not None
    assert later is not None
    far = date.max.toordinal()
    assert (sooner.days or far) <= (later.days or far)
    assert (sooner.earliest or far) <= (sooner.days or far) <= (sooner.latest or far)
