"""How often intervals of rates hold the true rate where answers of a sampling point are alike.

Each wave draws 100 cities of two strata; the rates of points vary about the true one as a beta
distribution with the given correlation within points (ICC), weights vary. What is asked is the
interval that cells of a wave get: of everyone in a city, and of a group with six members a point.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd

from survey.estimate import Design, estimate
from survey.results.analysis import bound_rate_intervals, pool_design_effects

CITIES, STRATA = 100, 2
DESIGN = Design("weight", strata="stratum", psu="point")
SIZES = {"city, 16 x 20": (8, 20), "city, 16 x 40": (8, 40), "group, 10 x 6": (5, 6)}
"""Points a stratum and people a point."""
CORRELATIONS = (0.0, 0.05, 0.1)
RATES = (0.7, 0.9, 0.95, 0.97, 0.99, 0.995)


@dataclass(frozen=True)
class HeldRates:
    """Shares of cities, 0 to 1."""

    held: float
    unanimous: float
    """All answered alike."""
    held_unanimous: float
    """Of these, whose interval holds the true rate; NaN without any."""


def measure(
    rate: float, correlation: float, size: tuple[int, int], *, waves: int, seed: int = 0
) -> HeldRates:
    """Return how often the intervals of so many waves hold the rate."""
    rng = np.random.default_rng(seed)
    cells = pd.concat([_estimate_wave(rng, rate, correlation, size) for _ in range(waves)])
    held = cells["ci_low"].le(100 * rate) & cells["ci_high"].ge(100 * rate)
    agreed = cells["se"].lt(1e-9)
    return HeldRates(float(held.mean()), float(agreed.mean()), float(held[agreed].mean()))


def _estimate_wave(
    rng: np.random.Generator, rate: float, correlation: float, size: tuple[int, int]
) -> pd.DataFrame:
    shape = (CITIES, STRATA, *size)
    city, stratum, point, _ = (axis.reshape(-1) for axis in np.indices(shape))
    spread = 1 / correlation - 1 if correlation else np.inf
    rates = np.full(shape[:3], rate)
    if correlation:
        rates = rng.beta(rate * spread, (1 - rate) * spread, shape[:3])
    frame = pd.DataFrame(
        {
            "area": city,
            "stratum": city * STRATA + stratum,
            "point": point,
            "weight": rng.lognormal(0, 0.3, city.size),
            "solved": 100.0 * (rng.random(city.size) < rates[city, stratum, point]),
        }
    )
    cells = estimate(frame, "solved", DESIGN, by="area")
    cells = cells.assign(area_level="city", group="all", indicator="solved")
    deff = pool_design_effects(cells, otherwise=1.0)
    return bound_rate_intervals(cells, ["solved"], level=0.95, deff=deff)


def print_grid(waves: int) -> None:
    """Print the grid of rates."""
    print("rates: sizes, ICC, true rate: held; unanimous, of these held")
    for line in _list_lines(waves):
        print(line, flush=True)


def _list_lines(waves: int) -> Iterator[str]:
    for (name, size), correlation, rate in product(SIZES.items(), CORRELATIONS, RATES):
        found = measure(rate, correlation, size, waves=waves)
        line = f"{name:<14} {correlation:4.2f} {rate:6.1%}: {found.held:6.1%}"
        if found.unanimous:
            line += f"; {found.unanimous:6.1%}, {found.held_unanimous:6.1%}"
        yield line
