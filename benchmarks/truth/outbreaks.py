"""Early warning: how many planted outbreaks are found within two weeks, and how many are false."""

from dataclasses import dataclass

import numpy as np

from survey.estimate.outbreaks import LEAST_COUNT, WEEKS_A_YEAR, warn_of_outbreaks

SERIES = 20_000
"""As 100 areas have with 20 classes and 10 natures."""
PLANTED = 24
"""Outbreaks that begin in one and the same week."""
EXCESSES = ((10, 1.0), (15, 1.5), (20, 2.0), (30, 3.0))
"""What an outbreak adds to each week: so many complaints, and at least so many times the usual."""
LENGTHS = (157, 261)
DISPERSIONS = (2.0, 2.5, 3.0)


@dataclass(frozen=True)
class Case:
    """Length of the series, how strongly they vary at most (1: Poisson), and what is planted."""

    weeks: int
    dispersion: float
    excess: tuple[int, float]
    planted: int = PLANTED


def simulate(
    rng: np.random.Generator, case: Case, series: int = SERIES
) -> tuple[np.ndarray, np.ndarray]:
    """Return counts of series × weeks, and the series in which the last two are an outbreak.

    Means are log-normal (one a week in the middle), with a season, a trend and old outbreaks.
    """
    usual = np.minimum(np.exp(rng.normal(0.0, 1.4, series)), 200.0)[:, None]
    dispersion = rng.uniform(1.0, case.dispersion, series)[:, None]
    years = np.arange(-case.weeks + 1, 1) / WEEKS_A_YEAR
    season, peak = rng.uniform(0, 0.5, (series, 1)), rng.uniform(0, 1, (series, 1))
    trend = rng.normal(0.05, 0.1, (series, 1))
    means = usual * np.exp(trend * years + season * np.cos(2 * np.pi * (years + peak)))
    size = means / (dispersion - 1)
    counts = rng.poisson(rng.gamma(size, means / size))
    old = rng.choice(series, series // 10, replace=False)
    excess = np.maximum(4 * np.sqrt(dispersion * usual)[old], 4.0)
    counts[old, 60:66] += rng.poisson(excess, (len(old), 6))
    planted = rng.choice(np.flatnonzero(usual[:, 0] > 0.2), case.planted, replace=False)
    least, times = case.excess
    excess = np.maximum(times * means[planted, -2:], least)
    counts[planted, -2:] += rng.poisson(excess)
    return counts, planted


def measure(case: Case, *, samples: int, seed: int = 0) -> tuple[float, float]:
    """Return the share of outbreaks found in their first two weeks, and false alarms a week."""
    rng = np.random.default_rng(seed)
    shares: list[float] = []
    false: list[int] = []
    for _ in range(samples):
        counts, planted = simulate(rng, case)
        found: set[int] = set()
        for weeks in (case.weeks - 1, case.weeks):
            chosen = np.flatnonzero(counts[:, weeks - 1] >= LEAST_COUNT)
            own = counts[chosen, :weeks]
            warnings = warn_of_outbreaks(own, np.ones_like(own, bool), tested=len(counts))
            alarms = {*chosen[warnings.find_alarms()].tolist()}
            false.append(len(alarms - {*planted.tolist()}))
            found |= alarms
        shares += [float(each in found) for each in planted.tolist()]
    return float(np.mean(shares or 1.0)), float(np.mean(false))


def print_grid(samples: int) -> None:
    """Print the grid of outbreaks."""
    print("outbreaks: weeks, dispersion up to, planted, added a week: found; false a week")
    for weeks in LENGTHS:
        for dispersion in DISPERSIONS:
            cases = [Case(weeks, dispersion, excess) for excess in EXCESSES]
            for case in (Case(weeks, dispersion, EXCESSES[0], planted=0), *cases):
                found, false = measure(case, samples=samples)
                least, times = case.excess
                print(f"{weeks} {dispersion:.1f} {case.planted:3} {least:3} or {times:.1f}x: "
                      f"{found:5.0%}; {false:.2f}", flush=True)  # fmt: skip
