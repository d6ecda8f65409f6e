"""How often windows of days are called different though they are not, by their autocorrelation."""

from itertools import product

import numpy as np

from survey.counts.opinion.event_windows import compare_windows

LENGTHS = ((28, 14, 28), (14, 7, 14), (7, 7, 7), (30, 3, 30))
"""Days before, during and after."""
AUTOCORRELATIONS = (0.0, 0.2, 0.4, 0.6, 0.7, 0.8)


def simulate(
    rng: np.random.Generator, lengths: tuple[int, int, int], rho: float, samples: int
) -> np.ndarray:
    """Return series of the first order, one a row."""
    errors = rng.normal(size=(samples, sum(lengths)))
    errors[:, 0] /= np.sqrt(1 - rho**2)
    for day in range(1, errors.shape[1]):
        errors[:, day] += rho * errors[:, day - 1]
    return errors


def measure(lengths: tuple[int, int, int], rho: float, *, samples: int, seed: int = 0) -> float:
    """Return the share of series in which the event differs from the days before."""
    series = simulate(np.random.default_rng(seed), lengths, rho, samples)
    labels = np.repeat([0, 1, 2], lengths)
    days = np.arange(len(labels))
    differences = (compare_windows(days, each, labels, first=0, second=1) for each in series)
    return float(np.mean([found is not None and found.is_clear for found in differences]))


def print_grid(samples: int) -> None:
    """Print the grid of windows."""
    print("windows: days, autocorrelation: called different")
    for lengths, rho in product(LENGTHS, AUTOCORRELATIONS):
        print(
            f"{lengths!s:<14} {rho:4.1f}: {measure(lengths, rho, samples=samples):.1%}", flush=True
        )
