"""Are rates of cities compared fairly? The waves of `case_mix`, with an answer yes or no.

Printed: the error of the adjusted rates over that of the raw ones, and how often 95 % intervals
hold the rate that a city would have with the nation's mix, and its shift.
"""

from dataclasses import replace

import numpy as np
from scipy.special import expit

from benchmarks.truth import case_mix
from survey.estimate.case_mix import CaseMixRows
from survey.estimate.rate_mix import RateModel, RatePatterns, RatePointSums, compare_rates
from survey.estimate.variance import t_quantile

BETA = np.array([0.3, 0.9, 0.8, -0.7])
"""Log odds of middle and old age, little schooling, and answering alone."""
CITY_SPREAD, POINT_SPREAD = 0.2, 0.1
_PEOPLE = 20_000
"""People of whom the truth is the mean."""


def draw_city(rng: np.random.Generator, level: float, shares: np.ndarray) -> CaseMixRows:
    rows = case_mix.draw_city(rng, 0.0, shares)
    places = rows.points["point"].to_numpy()
    effect = rng.normal(0, POINT_SPREAD, places.max() + 1)[places]
    chance = expit(level + rows.x @ BETA + effect)
    return replace(rows, scores=(rng.random(len(chance)) < chance).astype(float)[:, None])


def _expect(rng: np.random.Generator, level: float, shares: np.ndarray) -> float:
    """Return the rate of a city at `level` whose people have these shares."""
    age = rng.choice(3, _PEOPLE, p=[1 - shares[:2].sum(), *shares[:2]])
    x = np.column_stack([age == 1, age == 2, *(rng.random((2, _PEOPLE)) < shares[2:, None])])
    effect = rng.normal(0, POINT_SPREAD, _PEOPLE)
    return float(expit(level + x @ BETA + effect).mean())


def simulate_wave(rng: np.random.Generator) -> case_mix.Wave:
    """Return the errors of one wave and whether its intervals hold."""
    levels, (_, shares) = rng.normal(-1.0, CITY_SPREAD, case_mix.CITIES), case_mix.plant(rng)
    rows = [draw_city(rng, *city) for city in zip(levels, shares, strict=True)]
    model = RateModel.fit([RatePatterns.of(own) for own in rows])
    points = [RatePointSums.of(own, place, model.chances) for place, own in enumerate(rows)]
    found = compare_rates(model, points, case_mix.DESIGN)
    raw = np.array([np.average(own.scores[:, 0], weights=own.weight) for own in rows])
    mix = shares.mean(axis=0)
    true = np.array([_expect(rng, level, mix) for level in levels])
    own_mix = np.array([_expect(rng, *city) for city in zip(levels, shares, strict=True)])
    adjusted = found.adjusted[:, 0]
    psus = case_mix.STRATA * case_mix.POINTS
    t = t_quantile(np.array([psus - case_mix.STRATA]), 0.95)[0]
    return {
        "raw": (raw - true) ** 2,
        "adjusted": (adjusted - true) ** 2,
        "held": np.abs(adjusted - true) <= t * found.adjusted_se[:, 0],
        "shift held": np.abs(raw - adjusted - (own_mix - true)) <= t * found.shift_se[:, 0],
    }


def measure(waves: int, seed: int) -> dict[str, float]:
    """Return the means over `waves` waves, by what is measured."""
    return case_mix.measure(waves, seed, simulate_wave)


def print_grid(waves: int) -> None:
    for name, value in measure(waves, seed=29).items():
        print(f"{name:<28} {value:.3f}")
