"""Is the step between two questionnaires what was planted, and as sure as it says?

Each wave has 100 cities of two strata with ten sampling points of 12 respondents each. Two points
of each stratum, drawn by chance, are asked the earlier questionnaire, which gives more by a step of
its own in every city. Weights of either questionnaire add up to the same total in each city, as
raking does. Printed: how far the nation's step is off and how often its interval holds; the same of
the cities' smoothed steps and of scores carried to the earlier questionnaire; and the interviews
that a plan for the half-width found would have ordered, over those drawn.
"""

from math import sqrt

import numpy as np
import pandas as pd

from survey.estimate import (
    Design,
    carried_variance,
    change,
    estimate,
    plan_smaller_part,
    smooth_steps,
)

CITIES, STRATA, POINTS, ROWS = 100, 2, 10, 12
TOTAL = CITIES * STRATA * POINTS * ROWS
DESIGN = Design("weight", strata="stratum", psu="psu")
STEP, STEP_SPREADS = -2.5, (0.8, 2.0)
POINT_SPREAD, PERSON_SPREAD, WEIGHT_SPREAD = 2.0, 14.0, 0.3
SPREAD = sqrt(POINT_SPREAD**2 + PERSON_SPREAD**2)
DEFF = (1 + (ROWS - 1) * POINT_SPREAD**2 / SPREAD**2) * np.exp(WEIGHT_SPREAD**2)
Z, MIN_CITIES = 1.959964, 20


def draw_wave(
    rng: np.random.Generator, drawn: int, spread: float
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Return interviews with `drawn` overlap points a stratum, and the cities' scores and steps."""
    point = np.repeat(np.arange(CITIES * STRATA * POINTS), ROWS)
    city = point // (STRATA * POINTS)
    score, step = rng.normal(79, 2.5, CITIES), rng.normal(STEP, spread, CITIES)
    order = rng.permuted(np.tile(np.arange(POINTS), (CITIES * STRATA, 1)), axis=1)
    is_earlier = (order.ravel() < drawn)[point]
    y = score[city] - step[city] * is_earlier
    y += rng.normal(0, POINT_SPREAD, point.max() + 1)[point]
    y += rng.normal(0, PERSON_SPREAD, len(point))
    frame = pd.DataFrame(
        {
            "city": city, "stratum": point // POINTS, "psu": point, "score": y,
            "weight": rng.lognormal(0, WEIGHT_SPREAD, len(point)), "earlier": is_earlier,
        }
    )  # fmt: skip
    total = frame.groupby(["city", "earlier"])["weight"].transform("sum")
    return frame.assign(weight=frame["weight"] / total), score, step


def simulate_wave(rng: np.random.Generator, drawn: int, spread: float) -> dict[str, np.ndarray]:
    """Return errors, half-widths and what intervals hold, of one wave."""
    frame, score, step = draw_wave(rng, drawn, spread)
    halves = frame[frame["earlier"]], frame[~frame["earlier"]]
    nation = change(*halves, "score", DESIGN).iloc[0]
    own = change(*halves, "score", DESIGN, by="city").set_index("city").reindex(range(CITIES))
    before, after = (
        estimate(half, "score", DESIGN, by="city").set_index("city").reindex(range(CITIES))
        for half in halves
    )
    steps, variance = own["difference"].to_numpy(), pool(own["se"], before["n"], after["n"])
    later = pool(after["se"], after["n"])
    earlier = pool(before["se"], before["n"])
    found = smooth_steps(steps, variance, fewest=MIN_CITIES)
    carried = after["estimate"].to_numpy() - found.step
    error = np.sqrt(carried_variance(found, variance, later, earlier))
    true = float(np.mean(step[~np.isnan(steps)]))
    return {
        "off": nation["difference"] - true,
        "half": (nation["ci_high"] - nation["ci_low"]) / 2,
        "held": np.asarray(nation["ci_low"] <= true <= nation["ci_high"]),
        "city off": found.step - step,
        "city held": np.abs(found.step - step) <= Z * np.sqrt(found.mse),
        "carried held": np.abs(carried - (score - step)) <= Z * error,
        "direct error": steps - step,
    }


def pool(se: pd.Series, *n: pd.Series) -> np.ndarray:
    """Return variances of equal size for each respondent, see `results.small_areas`."""
    size = np.sum([1 / each.to_numpy(float) for each in n], axis=0)
    variance = se.to_numpy(float) ** 2
    known = (variance > 0) & np.isfinite(size)
    return np.where(known, np.mean(variance[known] / size[known]) * size, np.nan)


def measure(waves: int, seed: int, *, drawn: int = 2, spread: float = 0.8) -> dict[str, float]:
    """Return the means over `waves` waves, by what is measured; steps of cities have a `spread`."""
    found = [simulate_wave(rng, drawn, spread) for rng in np.random.default_rng(seed).spawn(waves)]
    mean = {key: float(np.nanmean([wave[key] for wave in found])) for key in found[0]}
    rms = {
        key: float(np.sqrt(np.nanmean([wave[key] ** 2 for wave in found])))
        for key in ("city off", "direct error")
    }
    drawn_interviews = drawn * STRATA * CITIES * ROWS
    planned = plan_smaller_part(mean["half"], total=TOTAL, spread=SPREAD, deff=DEFF)
    return {
        "nation off": mean["off"],
        "nation held": mean["held"],
        "cities off": mean["city off"],
        "cities held": mean["city held"],
        "carried held": mean["carried held"],
        "error / direct error": rms["city off"] / rms["direct error"],
        "half-width": mean["half"],
        "planned / drawn": (planned or np.nan) / drawn_interviews,
    }


def print_grid(waves: int) -> None:
    print("bridge: spread of the cities' steps, what, figure")
    for spread in STEP_SPREADS:
        for name, value in measure(waves, seed=37, spread=spread).items():
            print(f"{spread:4} {name:<22} {value:.3f}", flush=True)
