"""How often intervals of kappa and alpha hold the true agreement of two observers.

Categories: both see the same with the given probability and answer apart from each other otherwise,
by the same shares of categories; then that probability is the true kappa and alpha. Venues with
several items: observers copy the truth of an item with the root of that probability. Scores: a true
value and an error of each observer, both normal; alpha is the part of the true value.
"""

from collections import defaultdict
from dataclasses import dataclass
from itertools import product

import numpy as np

from survey.estimate.agreement import (
    AgreementEstimate,
    compute_cohen_kappa,
    compute_krippendorff_alpha,
    tabulate_pairs,
)

ITEMS = 14
UNITS = (12, 20, 40, 100)
AGREEMENTS = (0.2, 0.4, 0.6, 0.8, 0.9, 0.95)
SHARES = {
    "halves": (0.5, 0.5),
    "8 to 2": (0.8, 0.2),
    "fifths": (0.2,) * 5,
    "five": (0.1, 0.2, 0.4, 0.2, 0.1),
}


@dataclass(frozen=True)
class Case:
    """Pairs or venues, their true agreement, and what is answered."""

    units: int
    truth: float
    answers: str
    """A key of `SHARES`, or "items" (yes or no, `ITEMS` a venue) or "scores"."""


SMALL_CASES = (
    Case(12, 0.6, "halves"),
    Case(12, 0.9, "halves"),
    Case(20, 0.8, "five"),
    Case(40, 0.6, "8 to 2"),
    Case(20, 0.8, "items"),
    Case(20, 0.6, "scores"),
)


def measure(case: Case, *, samples: int, seed: int = 0) -> dict[str, float]:
    """Return the share of samples whose interval holds the truth, of kappa and of alpha."""
    rng = np.random.default_rng(seed)
    held: defaultdict[str, list[bool]] = defaultdict(list)
    for _ in range(samples):
        for name, found in _estimate(rng, case).items():
            if found is not None:
                held[name].append(found.low - 1e-9 <= case.truth <= found.high + 1e-9)
    return {name: float(np.mean(values)) for name, values in held.items()}


def _estimate(rng: np.random.Generator, case: Case) -> dict[str, AgreementEstimate | None]:
    if case.answers == "scores":
        true = rng.normal(0, np.sqrt(case.truth), (case.units, 1))
        given = 8 * (true + rng.normal(0, np.sqrt(1 - case.truth), (case.units, 2)))
        venues = [[pair] for pair in np.rint(given).tolist()]
        return {"alpha": compute_krippendorff_alpha(venues, metric="interval")}
    if case.answers == "items":
        seen = rng.integers(0, 2, (case.units, ITEMS, 1))
        own = rng.integers(0, 2, (case.units, ITEMS, 2))
        copied = rng.random((case.units, ITEMS, 2)) < np.sqrt(case.truth)
        venues = np.where(copied, seen, own).astype(float).tolist()
        return {"alpha": compute_krippendorff_alpha(venues, metric="nominal")}
    shares = SHARES[case.answers]
    pairs = rng.choice(len(shares), (case.units, 2), p=shares)
    same = rng.random(case.units) < case.truth
    pairs[same, 1] = pairs[same, 0]
    table = tabulate_pairs([(a, b) for a, b in pairs.tolist()], range(len(shares)))
    venues = [[pair] for pair in pairs.astype(float).tolist()]
    return {
        "kappa": compute_cohen_kappa(table),
        "alpha": compute_krippendorff_alpha(venues, metric="nominal"),
    }


def print_grid(samples: int) -> None:
    """Print the grid of agreement, the middle over what is answered last."""
    print("agreement: units, truth, answers: held")
    for units, truth in product(UNITS, AGREEMENTS):
        middle: defaultdict[str, list[float]] = defaultdict(list)
        for answers in (*SHARES, "items", "scores"):
            held = measure(Case(units, truth, answers), samples=samples)
            for name, share in held.items():
                middle[name if answers in SHARES else answers].append(share)
            words = ", ".join(f"{name} {share:.1%}" for name, share in held.items())
            print(f"{units:4} {truth:5.2f} {answers:<8} {words}", flush=True)
        words = ", ".join(f"{name} {np.mean(shares):.1%}" for name, shares in middle.items())
        print(f"{units:4} {truth:5.2f} together {words}", flush=True)
