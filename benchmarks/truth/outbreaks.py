"""Early warning: how many planted outbreaks are found within two weeks, and how many are false."""

from dataclasses import dataclass

import numpy as np

from benchmarks.arguments import is_quick
from survey.estimate.outbreaks import LEAST_COUNT, WEEKS_A_YEAR, warn_of_outbreaks

SERIES = 20_000
"""As 100 areas have with 20 classes and 10 natures."""
PLANTED = 24
"""Outbreaks that begin in one and the same week."""
EXCESSES = ((10, 1.0), (15, 1.5), (20, 2.0), (30, 3.0))
"""What an outbreak adds to each week: so many complaints, and at least so many times the usual."""
LENGTHS = (157, 261)
AREAS, TOPICS, PLANTED_TOPICS = 40, 40, 8
TOPIC_EXCESSES = ((20, 1.0), (30, 2.0), (50, 3.0))
TOPIC_SPREADS = (0.2, 0.3, 0.4)
"""How strongly weeks of topics vary at most besides chance, as the deviation of logarithms."""
DISPERSIONS = (2.0, 2.5, 3.0)


@dataclass(frozen=True)
class Case:
    """Length of the series, how strongly they vary at most (1: Poisson), and what is planted."""

    weeks: int
    dispersion: float
    excess: tuple[int, float]
    planted: int = PLANTED
    is_opinion: bool = False
    """Topics × areas; `dispersion` is then one of `TOPIC_SPREADS`."""
    series: int = SERIES
    """Of complaints; with fewer there are fewer areas of topics, in proportion."""


def simulate(rng: np.random.Generator, case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Return counts of series × weeks, and the series in which the last two are an outbreak.

    Means are log-normal (one a week in the middle), with a season, a trend and old outbreaks.
    """
    series = case.series
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


def simulate_topics(rng: np.random.Generator, case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Return negative items of series × weeks, and the series whose last two are an outbreak.

    A topic that has many items varies by more of them; a week resembles the one before. A quarter
    of the series have an event of some weeks each year, at the same time.
    """
    areas = AREAS * case.series // SERIES
    series = areas * TOPICS
    size = rng.normal(0, 1.2, (areas, 1)) + rng.normal(0, 1.2, (1, TOPICS))
    usual = np.exp(3.5 + size).reshape(-1, 1)
    weeks = np.arange(-case.weeks + 1, 1)
    season, peak = rng.uniform(0, 1, (series, 1)), rng.uniform(0, 1, (series, 1))
    logs = rng.normal(0.05, 0.1, (series, 1)) * weeks / WEEKS_A_YEAR
    logs += season * np.cos(2 * np.pi * (weeks / WEEKS_A_YEAR + peak))
    noise = rng.normal(0, 1, (series, case.weeks))
    for week in range(1, case.weeks):
        noise[:, week] = 0.5 * noise[:, week - 1] + 0.75**0.5 * noise[:, week]
    means = usual * np.exp(logs + rng.uniform(0.05, case.dispersion, (series, 1)) * noise)
    distance = (weeks - rng.integers(0, 52) + 26) % 52 - 26
    with_event = rng.choice(series, series // 4, replace=False)
    means[with_event] *= 1 + 3 * np.exp(-0.5 * (distance / 2) ** 2)
    means[rng.choice(series, series // 10, replace=False), 60:64] *= 4
    counts = rng.poisson(means)
    planted = rng.choice(np.flatnonzero(usual[:, 0] > 0.5), case.planted, replace=False)
    least, times = case.excess
    counts[planted, -2:] += rng.poisson(np.maximum(times * means[planted, -2:], least))
    return counts, planted


def measure(case: Case, *, samples: int, seed: int = 0) -> tuple[float, float]:
    """Return the share of outbreaks found in their first two weeks, and false alarms a week."""
    rng = np.random.default_rng(seed)
    shares: list[float] = []
    false: list[int] = []
    for _ in range(samples):
        counts, planted = (simulate_topics if case.is_opinion else simulate)(rng, case)
        found: set[int] = set()
        for weeks in (case.weeks - 1, case.weeks):
            chosen = np.flatnonzero(counts[:, weeks - 1] >= LEAST_COUNT)
            own = counts[chosen, :weeks]
            warnings = warn_of_outbreaks(
                own, np.ones_like(own, bool), tested=len(counts), is_spreading=case.is_opinion
            )
            alarms = {*chosen[warnings.find_alarms()].tolist()}
            false.append(len(alarms - {*planted.tolist()}))
            found |= alarms
        shares += [float(each in found) for each in planted.tolist()]
    return float(np.mean(shares or 1.0)), float(np.mean(false))


def print_grid(samples: int) -> None:
    """Print the grids of outbreaks of complaints and of topics."""
    series = SERIES // 20 if is_quick() else SERIES
    print("outbreaks: weeks, dispersion up to, planted, added a week: found; false a week")
    for weeks in LENGTHS:
        for dispersion in DISPERSIONS:
            cases = [
                Case(weeks, dispersion, excess, planted, series=series)
                for planted, excess in ((0, EXCESSES[0]), *((PLANTED, each) for each in EXCESSES))
            ]
            _print_cases(cases, samples)
    print("topics: weeks, spread up to, planted, added a week: found; false a week")
    for weeks in LENGTHS:
        for spread in TOPIC_SPREADS:
            excesses = [
                (0, TOPIC_EXCESSES[0]),
                *((PLANTED_TOPICS, each) for each in TOPIC_EXCESSES),
            ]
            cases = [
                Case(weeks, spread, each, planted, is_opinion=True, series=series)
                for planted, each in excesses
            ]
            _print_cases(cases, samples)


def _print_cases(cases: list[Case], samples: int) -> None:
    for case in cases:
        found, false = measure(case, samples=samples)
        least, times = case.excess
        print(f"{case.weeks} {case.dispersion:.1f} {case.planted:3} {least:3} or {times:.1f}x: "
              f"{found:5.0%}; {false:.2f}", flush=True)  # fmt: skip
