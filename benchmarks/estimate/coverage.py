"""Do intervals by city hold the truth of the demo waves? Under both counts of degrees of freedom.

    python -m benchmarks.estimate.coverage [--waves 20]

Every wave is another country with the same true scores (another seed): other points, other
people. Composite by city for all, urban, rural and older people; villagers also by the number of
points in the city's rural stratum. Printed: how often 95 % intervals hold the true score, and
whether the standard error is right on average (root mean square of error and of standard error).
"""

import argparse
import sys
from dataclasses import replace

import numpy as np
import pandas as pd

from survey.estimate import Cube, CubeSpec, RatingScale, Tree
from survey.results.analysis import add_weights, analysis_frame, sampling_design
from survey.settings import PROJECT_ROOT

sys.path.insert(0, str(PROJECT_ROOT))
GROUPS = {
    "all": "all",
    "urban": "residence=urban",
    "rural": "residence=rural",
    "older": "elderly=yes",
}
KEYS = ["area", "group"]


def simulate_wave(seed: int) -> pd.DataFrame:
    """Composite by city and group, with the truth and the points of the rural stratum."""
    from seed.demo import generate_wave

    wave = generate_wave("main-2024", seed=seed)
    people, _ = add_weights(analysis_frame(wave.approved, "main"), "main")
    items = {item.name: str(item.indicator) for item in wave.instrument.scored_items}
    assert wave.model.tree is not None
    groups = {
        "all": None,
        "urban": (people["residence"] == "urban").to_numpy(),
        "rural": (people["residence"] == "rural").to_numpy(),
        "older": (people["age"] >= 60).to_numpy(),
    }
    spec = CubeSpec(
        Tree.of(wave.model.tree.indicators, items),
        sampling_design(people),
        areas={"city": "city_code"},
        groups=groups,
        scale=RatingScale(1, 10),
    )
    cube = Cube.of(people, spec)
    estimates = _composite(cube)
    limited = _composite(
        replace(cube, sums=replace(cube.sums, spec=replace(spec, df_rule="weighted")))
    )
    estimates[["low", "high"]] = limited[["ci_low", "ci_high"]]
    truth = wave.truth.query("area_level == 'city' and indicator == 'composite'")
    named = {code: name for name, code in GROUPS.items()}
    truth = truth.assign(group=truth["group"].map(named)).dropna(subset=["group", "value"])
    points = people[people["stratum"] == "rural"].groupby("city_code", observed=True)["psu"]
    estimates = estimates.merge(truth[[*KEYS, "value"]], on=KEYS)
    return estimates.assign(points=estimates["area"].map(points.nunique()).fillna(0).astype(int))


def _composite(cube: Cube) -> pd.DataFrame:
    table = cube.table()
    table = table[table["indicator"] == "composite"].reset_index(drop=True)
    return table.astype({"area": str, "group": str})


def summary(cells: pd.DataFrame) -> pd.Series:
    value, known = cells["value"], cells[cells["se"].notna()]
    error = known["estimate"] - known["value"]
    return pd.Series(
        {
            "intervals": len(known),
            "held, df of the design": _coverage_share(
                cells["ci_low"], value, cells["ci_high"], known.index
            ),
            "held, df weighted": _coverage_share(cells["low"], value, cells["high"], known.index),
            "error": np.sqrt((error**2).mean()),
            "stated error": np.sqrt((known["se"] ** 2).mean()),
            "mean error": error.mean(),
        }
    )


def _coverage_share(low: pd.Series, value: pd.Series, high: pd.Series, rows: pd.Index) -> float:
    return float(((low <= value) & (value <= high))[rows].mean())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--waves", type=int, default=20)
    waves = parser.parse_args().waves
    cells = pd.concat([simulate_wave(seed) for seed in range(1, waves + 1)], ignore_index=True)
    rural = cells[cells["group"] == "rural"]
    parts = {group: cells[cells["group"] == group] for group in GROUPS}
    for least, most in ((2, 2), (3, 3), (4, 5), (6, 48)):
        inside = rural[rural["points"].between(least, most)]
        parts[f"rural, {least}–{most} rural points"] = inside
    table = pd.DataFrame({name: summary(part) for name, part in parts.items()}).T
    print(table.round(3).to_string())


if __name__ == "__main__":
    main()
