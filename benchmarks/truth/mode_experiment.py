"""Is the effect of reading aloud what was planted, and as sure as it says?

Each wave has 20 cities of two strata with eight sampling points of 12 respondents each. At half of
the points of each city, drawn by chance, the own phone is offered and at the others the questions
are read aloud, which makes answers 4 points higher. One in five answers in the other way: at points
of the phone those who do not want one, who are happier, at the others those who do, who are less
happy. Printed: how far the effects of what was offered and of what was used are off, how often
their intervals hold, and how far off those who did as offered are, taken by themselves.
"""

import numpy as np
import pandas as pd

from survey.estimate import Design
from survey.estimate.mode_experiment import ExperimentRows, ExperimentSums, estimate_effects
from survey.estimate.variance import t_quantile

CITIES, STRATA, POINTS, ROWS = 20, 2, 8, 12
DESIGN = Design("weight", strata="stratum", psu="point")
POINT_SPREAD, PERSON_SPREAD, WEIGHT_SPREAD = 2.0, 14.0, 0.3
EFFECT, SWITCHED, TASTE = 4.0, 0.2, 6.0
"""Effect of reading aloud, part of each side that does otherwise, and by how much those who never
use a phone are happier than those who always do."""


def draw_city(rng: np.random.Generator) -> ExperimentRows:
    point = np.repeat(np.arange(STRATA * POINTS), ROWS)
    order = rng.permuted(np.tile(np.arange(POINTS), (STRATA, 1)), axis=1)
    offered = (order.ravel() < POINTS // 2)[point].astype(float)
    taste = rng.random(len(point))
    used = np.select([taste < SWITCHED, taste > 1 - SWITCHED], [1.0, 0.0], offered)
    liking = TASTE / 2 * np.select([taste < SWITCHED, taste > 1 - SWITCHED], [1, -1], 0)
    y = rng.normal(79, 2.5) + EFFECT * used + liking
    y += rng.normal(0, POINT_SPREAD, STRATA * POINTS)[point]
    y += rng.normal(0, PERSON_SPREAD, len(point))
    name = rng.integers(2**62)
    points = pd.DataFrame({"stratum": [f"{name}:{p // POINTS}" for p in point], "point": point})
    weight = rng.lognormal(0, WEIGHT_SPREAD, len(point))
    return ExperimentRows(y[:, None], offered, used, weight, points)


def simulate_wave(rng: np.random.Generator) -> dict[str, float]:
    """Return the errors of one wave and whether its intervals hold."""
    cities = [draw_city(rng) for _ in range(CITIES)]
    found = estimate_effects(list(map(ExperimentSums.of, cities)), np.ones((1, 1)), DESIGN)
    t = t_quantile(np.array([float(found.df)]), 0.95)[0]
    offered, used = found.offered[0] - EFFECT * (1 - 2 * SWITCHED), found.used[0] - EFFECT
    y, z, d = (
        np.concatenate(each)
        for each in zip(*((own.scores[:, 0], own.offered, own.used) for own in cities), strict=True)
    )
    obedient = z == d
    naive = y[obedient & (z == 1)].mean() - y[obedient & (z == 0)].mean()
    return {
        "offered off": offered,
        "offered held": abs(offered) <= t * found.offered_se[0],
        "used off": used,
        "used held": abs(used) <= t * found.used_se[0],
        "obedient off": naive - EFFECT,
    }


def measure(waves: int, seed: int) -> dict[str, float]:
    """Return the means over `waves` waves, by what is measured."""
    found = [simulate_wave(rng) for rng in np.random.default_rng(seed).spawn(waves)]
    return {key: float(np.mean([wave[key] for wave in found])) for key in found[0]}


def print_grid(waves: int) -> None:
    for name, value in measure(waves, seed=41).items():
        print(f"{name:<16} {value:.3f}")
