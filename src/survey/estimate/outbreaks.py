"""Weekly counts against their own past: what a week should bring, and how unlikely more is.

The model is the improved Farrington algorithm (Noufaily and others 2013), for many series at once,
with weak priors so that series of few counts have a fit as well. Formulas: `docs/complaints.md`.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from survey.estimate.arrays import Floats, limit_to_one_thread
from survey.estimate.change import benjamini_hochberg

WEEKS_A_YEAR = 365.25 / 7
LEFT_OUT_WEEKS = 26
"""Weeks before the one looked at that its past leaves out, so that no outbreak explains itself."""
MOST_PAST_WEEKS = 5 * 52 + LEFT_OUT_WEEKS
LEAST_PAST_WEEKS = 104
"""Known weeks of the past without which nothing is expected: every season twice."""
LEAST_HISTORY_WEEKS = LEAST_PAST_WEEKS + LEFT_OUT_WEEKS + 1
"""Weeks on end, the one looked at included, with which a series can be looked at."""
LEAST_COUNT = 10
"""Count of a week from which on a series can stand out: fewer could not be shown."""
FALSE_RATE = 0.05
"""Share of false ones among the series that stand out in a week, on average at most."""
_SAME_SEASON_WEEKS = 3
"""Weeks before and after the same week of an earlier year that share its season."""
_SEASONS = 10
_TREND_SD, _SEASON_SD = 0.2, 0.7
"""Prior spread of the change a year, and of a season against the week's, as logarithms."""
_PRIOR_COUNT = 0.5
"""Count that is added to the whole past of a series, so that a series of zeros has a rate."""
_PRIOR_WEEKS = 30.0
"""Weeks that the common dispersion of all series counts for in that of each."""
_CAUTION = 2.0
"""Standard errors of the dispersion that are added to it, because a tail is judged by it."""
_STRIKING_RESIDUAL = 2.58
_MAX_STEPS, _TOLERANCE = 30, 1e-6
_BATCH_SERIES = 1_024
"""Series fitted at once, small enough for the processor's cache."""
Counts = NDArray[np.int64]
Mask = NDArray[np.bool_]


class _Fit(NamedTuple):
    """Weekly means of series × weeks, diagonals of the hat matrix, and the week looked at."""

    means: Floats
    leverages: Floats
    log_expected: Floats
    log_variance: Floats
    """Variance of `log_expected` for a dispersion of one."""


@dataclass(frozen=True)
class WeekForecast:
    """Distribution of each series' count in a week, from its past; NaN where that is too short.

    The count is negative binomial with `mean` and `variance`, which holds the uncertainty of the
    mean itself.
    """

    mean: Floats
    variance: Floats

    def exceedance(self, counts: Counts) -> Floats:
        """Return the probability of at least so many, for each series."""
        size = self.mean**2 / (self.variance - self.mean)
        share = self.mean / (self.mean + size)
        tail = special.betainc(np.maximum(counts, 1), size, share)
        return np.where(np.isnan(self.mean), np.nan, np.where(counts > 0, tail, 1.0))

    def interval(self, series: int, level: float = 0.95) -> tuple[int, int]:
        """Return the least and the most that a series' week brings with this probability."""
        mean, variance = float(self.mean[series]), float(self.variance[series])
        size = mean**2 / (variance - mean)
        counts = np.arange(int(mean + 20 * np.sqrt(variance)) + 20)
        reached = special.betainc(size, counts + 1.0, size / (size + mean))
        least, most = np.searchsorted(reached, [(1 - level) / 2, (1 + level) / 2])
        return int(least), int(most)


@dataclass(frozen=True)
class WeekWarnings:
    """Series of a week with what was expected of each, and which of them stand out."""

    forecast: WeekForecast
    p: Floats
    """Probability of at least the count that came."""
    adjusted: Floats
    """The same, adjusted over all series (Benjamini and Hochberg 1995)."""

    def find_alarms(self) -> NDArray[np.intp]:
        """Return the series that stand out."""
        return np.flatnonzero(self.adjusted <= FALSE_RATE)


def warn_of_outbreaks(
    counts: Counts, is_known: Mask, *, tested: int, is_spreading: bool = False
) -> WeekWarnings:
    """Return what the last week of each series was expected to bring, and how unlikely it is.

    Args:
        counts: Counts of series × weeks on end, the week looked at last; series whose last count
            is below `LEAST_COUNT` may be left out, because they never stand out.
        is_known: Which of them were delivered, in the same shape.
        tested: Number of all series, over which false alarms are held.
        is_spreading: Whether what is counted brings more of itself, as items on public pages do:
            the dispersion then grows with the mean.
    """
    forecast = forecast_week(counts[:, :-1], is_known[:, :-1], is_spreading=is_spreading)
    p = forecast.exceedance(counts[:, -1])
    p[~is_known[:, -1]] = np.nan
    p[counts[:, -1] < LEAST_COUNT] = 1.0
    of_all = np.append(p, np.ones(max(tested - len(p), 0)))
    adjusted = benjamini_hochberg(of_all, np.zeros(len(of_all), np.intp))[: len(p)]
    return WeekWarnings(forecast, p, adjusted)


def forecast_week(past: Counts, is_known: Mask, *, is_spreading: bool = False) -> WeekForecast:
    """Return what each series' next week brings, judged by its past (series × weeks on end)."""
    weeks = past.shape[1]
    lags = np.arange(weeks, 0, -1)
    used = (lags > LEFT_OUT_WEEKS) & (lags <= MOST_PAST_WEEKS)
    known = is_known[:, used]
    enough = np.flatnonzero(known.sum(axis=1) >= LEAST_PAST_WEEKS)
    design = _build_design(lags[used])
    fitted = np.full((len(past), 5), np.nan)
    with limit_to_one_thread():
        for start in range(0, len(enough), _BATCH_SERIES):
            rows = enough[start : start + _BATCH_SERIES]
            fitted[rows] = _fit_batch(design, past[np.ix_(rows, used)], known[rows], is_spreading)
    mean, of_mean, squares, freedom, usual = fitted.T
    if is_spreading:
        # The middle one: a topic that comes with an event alone varies beyond all others.
        growths = np.maximum(squares / freedom - 1, 0.0) / usual
        common = 1 + np.median(growths[enough] if len(enough) else 0.0) * usual
    else:
        common = np.nansum(squares) / max(np.nansum(freedom), 1.0)
    spread = (squares + _PRIOR_WEEKS * common) / (freedom + _PRIOR_WEEKS)
    spread = np.maximum(spread, 1.0) * (1 + _CAUTION * np.sqrt(2 / (freedom + _PRIOR_WEEKS)))
    if is_spreading:
        spread = 1 + (spread - 1) * mean / usual
    return WeekForecast(mean, spread * mean + mean**2 * np.expm1(np.minimum(spread * of_mean, 50)))


def _build_design(lags: NDArray[np.int64]) -> Floats:
    """Return weeks × columns: level, trend in years, and nine seasons other than the week's own."""
    phase = np.mod(lags + _SAME_SEASON_WEEKS + 0.5, WEEKS_A_YEAR)
    own = 2 * _SAME_SEASON_WEEKS + 1
    width = (WEEKS_A_YEAR - own) / (_SEASONS - 1)
    season = np.where(phase < own, 0, 1 + np.floor((phase - own) / width)).astype(int)
    return np.column_stack(
        [np.ones(len(lags)), -lags / WEEKS_A_YEAR, season[:, None] == np.arange(1, _SEASONS)]
    ).astype(np.float64)


def _fit_batch(design: Floats, past: Counts, known: Mask, is_spreading: bool) -> Floats:
    """Return series × (next week's mean, variance of its logarithm, squares, freedom, average).

    They are fitted, weeks that stand out are weighed down, and they are fitted again.
    """
    counts, weights = past.astype(np.float64), known.astype(np.float64)
    first = _fit(design, counts, weights, np.ones(len(past)))
    squares, freedom = _sum_squares(first, counts, weights)
    spread = np.maximum(squares / freedom, 1.0)
    of_weeks = spread[:, None]
    if is_spreading:
        of_weeks = 1 + (of_weeks - 1) * first.means / _average(first.means, weights)[:, None]
    weights *= _weigh_down(first.means, counts, of_weeks)
    second = _fit(design, counts, weights, spread)
    squares, freedom = _sum_squares(second, counts, weights)
    expected, usual = np.exp(second.log_expected), _average(second.means, weights)
    return np.column_stack([expected, second.log_variance, squares, freedom, usual])


def _average(means: Floats, weights: Floats) -> Floats:
    """Return the mean of each series over its weeks."""
    average: Floats = (weights * means).sum(axis=1) / weights.sum(axis=1)
    return average


def _fit(design: Floats, past: Floats, weights: Floats, dispersion: Floats) -> _Fit:
    """Return the log-linear fit of greatest penalised likelihood, by Newton's method."""
    columns = design.shape[1]
    products = (design[:, :, None] * design[:, None, :]).reshape(len(design), -1)
    precision = np.r_[0.0, _TREND_SD**-2, np.full(_SEASONS - 1, _SEASON_SD**-2)]
    penalty = dispersion[:, None] * precision
    totals = weights.sum(axis=1)
    filled = past + (_PRIOR_COUNT / totals)[:, None]
    scores = (weights * filled) @ design
    beta = np.zeros((len(past), columns))
    beta[:, 0] = np.log((weights * filled).sum(axis=1) / totals)
    inverse: Floats = np.empty((len(past), columns, columns))
    for _ in range(_MAX_STEPS):
        means = np.exp(np.clip(beta @ design.T, -40.0, 30.0))
        information = ((weights * means) @ products).reshape(-1, columns, columns)
        information[:, range(columns), range(columns)] += penalty
        inverse = np.linalg.inv(information).astype(np.float64, copy=False)
        gradient = scores - (weights * means) @ design - penalty * beta
        step = np.einsum("sij,sj->si", inverse, gradient)
        beta += np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < _TOLERANCE:
            break
    means = np.exp(np.clip(beta @ design.T, -40.0, 30.0))
    leverages = weights * means * (inverse.reshape(len(past), -1) @ products.T)
    return _Fit(means, leverages, beta[:, 0], inverse[:, 0, 0])


def _sum_squares(fit: _Fit, past: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return Pearson's sum of squares of each series, and its degrees of freedom."""
    squares = (weights * (past - fit.means) ** 2 / fit.means).sum(axis=1)
    return squares, weights.sum(axis=1) - fit.leverages.sum(axis=1)


def _weigh_down(means: Floats, past: Floats, spread: Floats) -> Floats:
    """Return the weight of each week: less than one where its count stands out upwards."""
    size = means / np.maximum(spread - 1.0, 1e-3)
    above = special.betainc(np.maximum(past, 1.0), size, means / (means + size))
    residuals = -special.ndtri(np.where(past > 0, np.clip(above, 1e-30, 1.0), 1.0))
    weights: Floats = (_STRIKING_RESIDUAL / np.maximum(residuals, _STRIKING_RESIDUAL)) ** 2
    return weights
