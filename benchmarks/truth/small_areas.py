"""How often model intervals of small areas hold the truth, by the variance between areas.

Areas have a regression on a number and a yes or no, sampling variances between 0.3 and 3, and a
variance about the regression that is a part of the middle one.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

from survey.estimate import EstimateError, fay_herriot
from survey.estimate.small_area import Likelihood

AREAS = (20, 50, 100)
RATIOS = (0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0)
LIKELIHOODS: tuple[Likelihood, ...] = ("restricted", "adjusted")
Z = 1.959964


@dataclass(frozen=True)
class HeldAreas:
    """What the model is worth, over all areas and samples."""

    held: float
    """Share of areas whose 95 % interval holds the truth."""
    error: float
    """Root mean square of estimate less truth."""
    claimed: float
    """Root mean MSE."""


def measure(
    areas: int, ratio: float, likelihood: Likelihood, *, samples: int, seed: int = 0
) -> HeldAreas:
    """Return how the model does where areas vary by `ratio` of the middle sampling variance."""
    rng = np.random.default_rng(seed)
    errors, claims = [], []
    for _ in range(samples):
        variance = rng.uniform(0.5, 1.5, areas) * rng.choice([0.6, 1, 2], areas)
        x = np.column_stack([rng.normal(size=areas), rng.random(areas) < 0.4])
        between = np.sqrt(ratio * np.median(variance))
        true = 1 + x @ np.array([2.0, -1.0]) + rng.normal(0, between, areas)
        direct = true + rng.normal(0, np.sqrt(variance))
        try:
            model = fay_herriot(direct, variance, x, likelihood=likelihood)
        except EstimateError:
            continue
        errors.append(model.eblup.to_numpy() - true)
        claims.append(model.mse.to_numpy())
    error, claimed = np.concatenate(errors), np.concatenate(claims)
    held = np.abs(error) <= Z * np.sqrt(claimed)
    return HeldAreas(
        float(held.mean()), float(np.sqrt((error**2).mean())), float(np.sqrt(claimed.mean()))
    )


def print_grid(samples: int) -> None:
    """Print the grid of small areas."""
    print("small areas: areas, variance ratio, likelihood: held, error, claimed")
    for areas, ratio, likelihood in product(AREAS, RATIOS, LIKELIHOODS):
        found = measure(areas, ratio, likelihood, samples=samples)
        words = f"{found.held:.1%} {found.error:.3f} {found.claimed:.3f}"
        print(f"{areas:4} {ratio:5.2f} {likelihood:<10}: {words}", flush=True)
