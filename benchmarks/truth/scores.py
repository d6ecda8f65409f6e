"""Does the estimator tell the truth? Synthetic waves whose true scores are known.

    python -m benchmarks.truth.scores [--waves 200 | --unchanged 10000]

Each wave draws 20 cities of two strata with eight sampling points and 20 respondents each; the
true score of a city is fixed, points and respondents vary about it, weights vary. Printed: how
often 95 % intervals hold the true score, the true difference from the nation and no change; how
often a simultaneous set of ranks holds all true ranks; how often an arrow is drawn though nothing
changed, and the share of false arrows where a third of the cities did change; the error of model
estimates for small cells beside the direct ones; and the error of groups of 6, 20 and 80 % of a
city by the grade that the platform gives their figures. `--unchanged` looks at nothing but the
false arrows, which 200 waves tell to 1.6 points only.
"""

import argparse
from collections import defaultdict

import numpy as np
import pandas as pd

from survey.estimate import Design, change, compare, estimate, fay_herriot, rank_sets
from survey.results.small_areas import grade_cells

CITIES, STRATA, POINTS, ROWS = 20, 2, 8, 20
DESIGN = Design("weight", strata="stratum", psu="point")
POINT_SPREAD, PERSON_SPREAD = 4.0, 18.0
Q = 0.05


def truth(rng: np.random.Generator) -> np.ndarray:
    return np.sort(rng.normal(79, 3.5, CITIES))


def wave(
    rng: np.random.Generator, score: np.ndarray, points: np.ndarray | None = None
) -> pd.DataFrame:
    """One wave; `points` (city, stratum, point) are effects that persist between waves."""
    shape = (CITIES, STRATA, POINTS, ROWS)
    city, stratum, point, _ = (axis.reshape(-1) for axis in np.indices(shape))
    if points is None:
        points = rng.normal(0, POINT_SPREAD, shape[:3])
    effect = points[city, stratum, point]
    return pd.DataFrame(
        {
            "city": city,
            "stratum": city * STRATA + stratum,
            "point": point,
            "weight": rng.lognormal(0, 0.3, city.size),
            "old": rng.random(city.size) < 0.06,
            "score": score[city] + effect + rng.normal(0, PERSON_SPREAD, city.size),
        }
    )


def simulate_wave(rng: np.random.Generator, tally: dict[str, list[float]]) -> None:
    true = truth(rng)
    frame = wave(rng, true)
    table = estimate(frame, "score", DESIGN, by="city")
    tally["interval"].append(coverage_share(table, true))
    against = compare(frame, "score", DESIGN, group="city", reference="all")
    share = frame.groupby("city")["weight"].sum() / frame["weight"].sum()
    tally["interval against the nation"].append(
        coverage_share(against, true - (true * share).sum())
    )
    ranks = rank_sets(
        table["estimate"], table["se"], df=table["df"], draws=1000, seed=int(rng.integers(2**31))
    )
    place = CITIES - np.arange(CITIES)
    tally["rank sets"].append(float(((ranks["low"] <= place) & (place <= ranks["high"])).all()))
    no_change(rng, true, tally)
    some_change(rng, true, tally)
    small_cells(frame, true, tally)
    tally_grades(rng.spawn(1)[0], frame, true, tally)


def coverage_share(table: pd.DataFrame, true: np.ndarray) -> float:
    return float(((table["ci_low"] <= true) & (true <= table["ci_high"])).mean())


def no_change(rng: np.random.Generator, true: np.ndarray, tally: dict[str, list[float]]) -> None:
    points = rng.normal(0, POINT_SPREAD, (CITIES, STRATA, POINTS))
    table = change(wave(rng, true, points), wave(rng, true, points), "score", DESIGN, by="city")
    tally["interval of no change"].append(coverage_share(table, np.zeros(CITIES)))
    tally["waves with a false arrow"].append(float((table["p_adjusted"] <= Q).any()))


def some_change(rng: np.random.Generator, true: np.ndarray, tally: dict[str, list[float]]) -> None:
    moved = np.arange(CITIES) % 3 == 0
    table = change(wave(rng, true), wave(rng, true + 8.0 * moved), "score", DESIGN, by="city")
    arrows = (table["p_adjusted"] <= Q).to_numpy()
    tally["false among arrows"].append(float((arrows & ~moved).sum() / max(arrows.sum(), 1)))
    tally["true changes found"].append(float((arrows & moved).sum() / moved.sum()))


def small_cells(frame: pd.DataFrame, true: np.ndarray, tally: dict[str, list[float]]) -> None:
    """Elderly of each city: about 20 respondents. Their true score is the city's."""
    cells = estimate(frame, "score", DESIGN, by=("old", "city"))
    cells = cells[cells["old"]].set_index("city")
    others = estimate(frame, "score", DESIGN, by="city").set_index("city")["estimate"]
    pooled = (cells["se"] ** 2 * cells["n"]).mean() / cells["n"]
    model = fay_herriot(cells["estimate"], pooled, others.to_frame(), likelihood="adjusted")
    tally["direct error"].append(float(((cells["estimate"] - true) ** 2).mean()))
    tally["model error"].append(float(((model.eblup - true) ** 2).mean()))
    tally["stated error"].append(float(model.mse.mean()))


def tally_grades(
    rng: np.random.Generator, frame: pd.DataFrame, true: np.ndarray, tally: dict[str, list[float]]
) -> None:
    """Groups of several sizes, each with the city's true score, by the grade of their figure."""
    kept = []
    for share in (0.06, 0.2, 0.8):
        table = estimate(
            frame.assign(member=rng.random(len(frame)) < share),
            "score",
            DESIGN,
            by=("member", "city"),
        )
        table = table[table["member"] & (table["n"] >= 10)]
        kept.append(table.assign(shown=True, true=true[table["city"]]))
    cells = pd.concat(kept, ignore_index=True)
    squared = (cells["estimate"] - cells["true"]) ** 2
    for grade, errors in squared.groupby(grade_cells(cells)):
        tally[f"grade error {grade}"].extend(errors)


def measure(waves: int, seed: int = 0) -> dict[str, float]:
    """Means over the waves; errors as root mean squares."""
    rng = np.random.default_rng(seed)
    tally: dict[str, list[float]] = defaultdict(list)
    for _ in range(waves):
        simulate_wave(rng, tally)
    squared = {name for name in tally if "error" in name.split()[1:2]}
    means = {name: float(np.mean(values)) for name, values in tally.items()}
    return {name: np.sqrt(mean) if name in squared else mean for name, mean in means.items()}


def false_arrows(waves: int, seed: int = 11) -> float:
    """Share of pairs of waves with any arrow although nothing changed."""
    rng = np.random.default_rng(seed)
    tally: dict[str, list[float]] = defaultdict(list)
    for _ in range(waves):
        no_change(rng, truth(rng), tally)
    return float(np.mean(tally["waves with a false arrow"]))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--waves", type=int, default=200)
    parser.add_argument("--unchanged", type=int, default=0)
    wanted = parser.parse_args()
    if wanted.unchanged:
        share = false_arrows(wanted.unchanged)
        error = np.sqrt(share * (1 - share) / wanted.unchanged)
        print(f"waves with a false arrow         {share:.4f} +- {error:.4f}")
        return
    print_measures(wanted.waves)


def print_measures(waves: int) -> None:
    for name, value in measure(waves).items():
        print(f"{name:<32} {value:.3f}")


if __name__ == "__main__":
    main()
