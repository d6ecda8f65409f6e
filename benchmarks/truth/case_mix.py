"""Are cities compared fairly? Waves in which cities differ in who was asked and how.

Each wave draws 20 cities of two strata with eight sampling points and 39 respondents each. Older
and less schooled people are more satisfied, answers read aloud are 4 points higher, and cities
differ in all three. Printed: the error of the adjusted scores over that of the raw ones, how often
95 % intervals hold the score that a city would have with the nation's mix, and its shift, and how
far the estimated effect of the mode is off.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from survey.estimate import Design
from survey.estimate.case_mix import CaseMixModel, CaseMixRows, CitySums, PointSums, compare_fairly
from survey.estimate.variance import t_quantile

CITIES, STRATA, POINTS, ROWS = 20, 2, 8, 39
DESIGN = Design("weight", strata="stratum", psu="point")
POINT_SPREAD, PERSON_SPREAD = 2.0, 14.0
BETA = np.array([3.0, 6.0, 5.0, -4.0])
"""Effects of middle and old age, little schooling, and answering alone."""
MODE = 3
Wave = dict[str, np.ndarray]
"""Errors of one wave, and whether its intervals hold, by what is measured."""


def plant(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the cities' own scores and the shares of their people in the columns of x."""
    shares = np.column_stack(
        [rng.uniform(0.2, 0.45, (CITIES, 2)), rng.uniform(0.15, 0.75, (CITIES, 2))]
    )
    return rng.normal(79, 2.5, CITIES), shares


def draw_city(rng: np.random.Generator, score: float, shares: np.ndarray) -> CaseMixRows:
    size = STRATA * POINTS * ROWS
    age = rng.choice(3, size, p=[1 - shares[:2].sum(), *shares[:2]])
    x = np.column_stack([age == 1, age == 2, *(rng.random((2, size)) < shares[2:, None])])
    point = np.repeat(np.arange(STRATA * POINTS), ROWS)
    effect = rng.normal(0, POINT_SPREAD, STRATA * POINTS)[point]
    y = score + x @ BETA + effect + rng.normal(0, PERSON_SPREAD, size)
    name = rng.integers(2**62)
    points = pd.DataFrame({"stratum": [f"{name}:{p % STRATA}" for p in point], "point": point})
    return CaseMixRows(y[:, None], x.astype(float), rng.lognormal(0, 0.3, size), points)


def simulate_wave(rng: np.random.Generator) -> Wave:
    """Return the errors of one wave and whether its intervals hold."""
    score, shares = plant(rng)
    rows = [draw_city(rng, *city) for city in zip(score, shares, strict=True)]
    model = CaseMixModel.fit(map(CitySums.of, rows))
    points = [
        PointSums.of(own, means, model.beta) for own, means in zip(rows, model.cities, strict=True)
    ]
    found = compare_fairly(model, points, np.ones((1, 1)), DESIGN, [MODE])
    raw = np.array([city.y[0] for city in model.cities])
    adjusted, shift = raw - found.shift[:, 0], found.shift[:, 0]
    true = score + shares.mean(axis=0) @ BETA
    true_shift = (shares - shares.mean(axis=0)) @ BETA
    t = t_quantile(np.array([STRATA * POINTS - STRATA]), 0.95)[0]
    return {
        "raw": (raw - true) ** 2,
        "adjusted": (adjusted - true) ** 2,
        "held": np.abs(adjusted - true) <= t * found.adjusted_se[:, 0],
        "shift held": np.abs(shift - true_shift) <= t * found.shift_se[:, 0],
        "mode": found.effect[0] - BETA[MODE],
    }


def measure(
    waves: int, seed: int, simulate: Callable[[np.random.Generator], Wave] = simulate_wave
) -> dict[str, float]:
    """Return the means over `waves` waves, by what is measured."""
    found = [simulate(rng) for rng in np.random.default_rng(seed).spawn(waves)]
    mean = {key: float(np.mean([wave[key] for wave in found])) for key in found[0]}
    result = {
        "error / raw error": float(np.sqrt(mean["adjusted"] / mean["raw"])),
        "interval held": mean["held"],
        "interval of the shift held": mean["shift held"],
    }
    return result | ({"mode effect off": mean["mode"]} if "mode" in mean else {})


def print_grid(waves: int) -> None:
    for name, value in measure(waves, seed=29).items():
        print(f"{name:<28} {value:.3f}")
