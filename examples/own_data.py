"""Estimate means, shares and a difference from a data frame of one's own, without a store.

    python examples/own_data.py

`survey.estimate` needs one row a respondent, a weight and, where people were asked at points, the
columns of stratum and point: answers of one point resemble each other, and an interval that does
not know it is too narrow.
"""

import numpy as np
import pandas as pd

from survey.estimate import Design, compare, estimate, rake, share

POPULATION = pd.Series({"f": 510_000.0, "m": 490_000.0})
"""Census of the town by gender; the sample asked too many women."""


def simulate_respondents(points: int = 40, people: int = 15, seed: int = 2026) -> pd.DataFrame:
    """Return made-up answers from `points` sampling points in two strata."""
    rng = np.random.default_rng(seed)
    point = np.repeat(np.arange(points), people)
    gender = rng.choice(["f", "m"], len(point), p=[0.6, 0.4])
    mood = rng.normal(0, 6, points)[point]
    score = 72 + mood - 4 * (gender == "m") + rng.normal(0, 14, len(point))
    return pd.DataFrame(
        {
            "point": point,
            "stratum": np.where(point < points // 2, "urban", "rural"),
            "gender": gender,
            "score": score.clip(0, 100),
            "complained": (rng.random(len(point)) < 0.12).astype(int),
            "weight": 1.0,
        }
    )


def main() -> None:
    frame = simulate_respondents()
    frame["weight"] = rake(frame, "weight", {"gender": POPULATION}).weights
    design = Design("weight", strata="stratum", psu="point")
    columns = ["estimate", "ci_low", "ci_high", "n", "deff"]

    print("Mean score by stratum")
    means = estimate(frame, "score", design, by="stratum")
    print(means[["stratum", *columns]].round(2).to_string(index=False))

    print("\nShare of those who complained")
    complained = share(frame, "complained", design)
    print(complained[["variable", *columns]].round(3).to_string(index=False))

    print("\nMen against women")
    gap = compare(frame, "score", design, group=("gender", "m"))
    print(gap[["variable", "difference", "ci_low", "ci_high"]].round(2).to_string(index=False))


if __name__ == "__main__":
    main()
