"""Weekly counts against their past: by a slow fit, by R, on planted outbreaks, at the edges."""

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import nbinom, norm

from benchmarks.truth import outbreaks as truth
from survey.estimate.outbreaks import (
    LEAST_COUNT,
    LEAST_HISTORY_WEEKS,
    LEFT_OUT_WEEKS,
    WeekForecast,
    forecast_week,
    warn_of_outbreaks,
)

DATA = Path(__file__).parent / "data"


def read_weekly_counts() -> tuple[list[str], np.ndarray]:
    with (DATA / "weekly_counts.csv").open(encoding="utf-8", newline="") as file:
        heads, *rows = csv.reader(file)
    return heads, np.array(rows, np.int64).T


def known(counts: np.ndarray) -> np.ndarray:
    return np.ones(counts.shape, bool)


def season_of(lag: int) -> int:
    """Return 0 for the weeks within three of the same week of any year, else 1 to 9 in turn."""
    beyond = (lag + 3.5) % (365.25 / 7)
    return 0 if beyond < 7 else 1 + int((beyond - 7) // ((365.25 / 7 - 7) / 9))


def fit_slowly(counts: np.ndarray, weights: np.ndarray, spread: float) -> tuple[np.ndarray, ...]:
    """Return means, inverse information and design, found by a general minimiser."""
    lags = np.arange(len(counts) + LEFT_OUT_WEEKS, LEFT_OUT_WEEKS, -1)
    design = np.zeros((len(counts), 11))
    design[:, 0], design[:, 1] = 1, -lags / (365.25 / 7)
    for row, lag in enumerate(lags):
        if season_of(lag):
            design[row, 1 + season_of(lag)] = 1
    penalty = spread * np.array([0, 1 / 0.2**2, *[1 / 0.7**2] * 9])
    filled = counts + 0.5 / weights.sum()

    def lose(beta: np.ndarray) -> float:
        linear = design @ beta
        return float(-(weights * (filled * linear - np.exp(linear))).sum() + penalty @ beta**2 / 2)

    start = np.r_[np.log(filled.mean()), np.zeros(10)]
    for _ in range(3):
        start = minimize(lose, start, method="BFGS", options={"gtol": 1e-9}).x
    means = np.exp(design @ start)
    information = design.T @ (design * (weights * means)[:, None]) + np.diag(penalty)
    return means, np.linalg.inv(information), design, start


def squares_of(
    counts: np.ndarray, weights: np.ndarray, fit: tuple[np.ndarray, ...]
) -> tuple[float, float]:
    means, inverse, design, _ = fit
    hat = [weights[i] * means[i] * design[i] @ inverse @ design[i] for i in range(len(counts))]
    return float((weights * (counts - means) ** 2 / means).sum()), weights.sum() - sum(hat)


def test_the_forecast_is_that_of_a_slow_fit_of_each_series() -> None:
    _, counts = read_weekly_counts()
    few = np.random.default_rng(3).poisson(0.15, (2, counts.shape[1]))
    counts = np.vstack([counts[:2], few])
    counts[0, 40:44] += 150
    forecast = forecast_week(counts, known(counts))
    fits = []
    for past in counts[:, :-LEFT_OUT_WEEKS]:
        fit = fit_slowly(past, np.ones(len(past)), 1.0)
        squares, freedom = squares_of(past, np.ones(len(past)), fit)
        spread = max(squares / freedom, 1.0)
        size = fit[0] / max(spread - 1, 1e-3)
        tail = nbinom.sf(past - 1, size, size / (size + fit[0]))
        weights = (2.58 / np.maximum(norm.isf(np.clip(tail, 1e-30, 1)), 2.58)) ** 2
        again = fit_slowly(past, weights, spread)
        fits.append((again, *squares_of(past, weights, again)))
    common = sum(each[1] for each in fits) / sum(each[2] for each in fits)
    for row, (fit, squares, freedom) in enumerate(fits):
        spread = max((squares + 30 * common) / (freedom + 30), 1.0)
        spread *= 1 + 2 * np.sqrt(2 / (freedom + 30))
        mean = np.exp(fit[3][0])
        variance = spread * mean + mean**2 * np.expm1(spread * fit[1][0, 0])
        assert forecast.mean[row] == pytest.approx(mean, rel=1e-3)
        assert forecast.variance[row] == pytest.approx(variance, rel=1e-3)


def test_the_expected_count_is_near_that_of_r_and_the_bound_more_careful() -> None:
    """R `surveillance`: other blocks of seasons, no priors, dispersion without its own error."""
    heads, counts = read_weekly_counts()
    with (DATA / "r_surveillance.csv").open(encoding="utf-8", newline="") as file:
        by_r = {row["series"]: row for row in csv.DictReader(file)}
    forecast = forecast_week(counts[:, :-1], known(counts[:, :-1]))
    for row, name in enumerate(heads):
        assert forecast.mean[row] == pytest.approx(float(by_r[name]["expected"]), rel=0.04)
        upper, of_r = forecast.interval(row, 0.98)[1], float(by_r[name]["upper"])
        assert of_r - 1 <= upper <= 1.12 * of_r


def test_probability_and_interval_are_those_of_the_negative_binomial_distribution() -> None:
    forecast = WeekForecast(np.array([4.0, 0.2, np.nan]), np.array([10.0, 0.3, np.nan]))
    size = 16 / 6
    expected = nbinom.sf(11, size, size / (size + 4))
    assert forecast.exceedance(np.array([12, 0, 3]))[:2] == pytest.approx([expected, 1.0])
    assert np.isnan(forecast.exceedance(np.array([12, 0, 3]))[2])
    least, most = nbinom.ppf([0.025, 0.975], size, size / (size + 4))
    assert forecast.interval(0) == (least, most)


def test_an_old_outbreak_hardly_moves_what_is_expected_now() -> None:
    _, counts = read_weekly_counts()
    disturbed = counts.copy()
    disturbed[:, 50:54] *= 4
    before, after = (forecast_week(each, known(each)).mean for each in (counts, disturbed))
    assert after == pytest.approx(before, rel=0.06)


def test_weeks_that_were_not_delivered_are_no_zeros() -> None:
    _, counts = read_weekly_counts()
    is_known = known(counts)
    is_known[:, 70:90] = False
    holes = np.where(is_known, counts, 10**6)
    with_holes = forecast_week(holes, is_known)
    assert with_holes.mean == pytest.approx(forecast_week(counts, known(counts)).mean, rel=0.1)


def test_a_short_past_gives_no_forecast_and_no_alarm() -> None:
    counts = np.full((1, LEAST_HISTORY_WEEKS), 5)
    counts[0, -1] = 500
    short = counts[:, 1:]
    warnings = warn_of_outbreaks(short, known(short), tested=1)
    assert np.isnan(warnings.p[0])
    assert not len(warnings.find_alarms())
    assert warn_of_outbreaks(counts, known(counts), tested=1).find_alarms().tolist() == [0]


def test_what_was_never_seen_stands_out_only_from_ten_on_and_if_it_was_delivered() -> None:
    counts = np.zeros((2, 200), np.int64)
    counts[:, -1] = LEAST_COUNT - 1, LEAST_COUNT
    warnings = warn_of_outbreaks(counts, known(counts), tested=2_000)
    assert warnings.find_alarms().tolist() == [1]
    is_known = known(counts)
    is_known[:, -1] = False
    assert not len(warn_of_outbreaks(counts, is_known, tested=2_000).find_alarms())


def test_more_series_ask_for_more() -> None:
    _, counts = read_weekly_counts()
    counts[1, -1] = forecast_week(counts[:, :-1], known(counts[:, :-1])).interval(1, 0.999)[1]
    few, many = (warn_of_outbreaks(counts, known(counts), tested=n) for n in (4, 20_000))
    assert few.find_alarms().tolist() == [1]
    assert not len(many.find_alarms())


def test_series_left_out_because_they_are_small_change_nothing_but_the_common_dispersion() -> None:
    counts, _ = truth.simulate(
        np.random.default_rng(4), truth.Case(157, 2.0, (30, 3.0), series=800)
    )
    every = warn_of_outbreaks(counts, known(counts), tested=800)
    chosen = np.flatnonzero(counts[:, -1] >= LEAST_COUNT)
    own = warn_of_outbreaks(counts[chosen], known(counts[chosen]), tested=800)
    assert own.forecast.mean == pytest.approx(every.forecast.mean[chosen])
    assert {*chosen[own.find_alarms()]} == {*every.find_alarms()}


@pytest.mark.slow
def test_planted_outbreaks_are_found_and_false_alarms_are_few() -> None:
    """A short run of benchmarks/truth/outbreaks.py, which has more weeks and cases."""
    found, false = truth.measure(truth.Case(157, 2.0, (20, 2.0)), samples=4)
    assert found >= 0.8
    assert false <= 1
    _, quiet = truth.measure(truth.Case(157, 2.0, (20, 2.0), planted=0), samples=4)
    assert quiet <= 0.75


def test_planted_topics_are_found_and_false_alarms_are_few() -> None:
    """The same for topics of opinion, whose dispersion grows with their items."""
    case = truth.Case(157, 0.2, (30, 2.0), truth.PLANTED_TOPICS, is_opinion=True)
    found, false = truth.measure(case, samples=4)
    assert found >= 0.8
    assert false <= 1


def test_the_dispersion_of_what_spreads_grows_with_the_mean() -> None:
    """Two series of the same relative spread, of few and of many: both are within the range."""
    rng = np.random.default_rng(5)
    shape = rng.gamma(1 / 0.09, 0.09, (60, 158))
    counts = rng.poisson(shape * np.repeat([30.0, 3000.0], 30)[:, None])
    for is_spreading, expected in ((True, 0.3), (False, None)):
        forecast = forecast_week(counts[:, :-1], known(counts[:, :-1]), is_spreading=is_spreading)
        spread = np.sqrt(forecast.variance - forecast.mean) / forecast.mean
        few, many = spread[:30].mean(), spread[30:].mean()
        if expected is not None:
            assert (few, many) == pytest.approx((expected, expected), rel=0.25)
        else:
            assert few > 2 * many  # The common dispersion of all would hide outbreaks of few.
