"""A wave of realistic size and shape, drawn from a seed; no real answers."""

import numpy as np
import pandas as pd

from survey.estimate import Design, Node, Tree

ROWS, CITIES, POINTS = 61_812, 100, 16
DESIGN = Design("weight", strata="stratum", psu="point")
AGES = ["15-24", "25-34", "35-44", "45-59", "60-70"]
EDUCATION = ["primary", "middle", "high", "college"]
INCOME = ["low", "lower", "upper", "high"]
LEVEL_SIZES = {"1": (2, 3, 1), "2": (2, 1, 2, 2, 1, 1, 1, 1, 1, 1), "3": (2, 3, 2, 1)}
LEVEL_WEIGHTS = {"1": 0.356, "2": 0.446, "3": 0.198}


def tree_2023() -> Tree:
    """Three, 17 and 27 indicators, equal weights within a parent, items q01 … q27."""
    nodes: list[Node] = []
    items: dict[str, str] = {}
    for first, sizes in LEVEL_SIZES.items():
        nodes.append(Node(first, None, 1, LEVEL_WEIGHTS[first]))
        for i, size in enumerate(sizes, 1):
            nodes.append(Node(f"{first}.{i}", first, 2, 1 / len(sizes)))
            for j in range(1, size + 1):
                nodes.append(Node(f"{first}.{i}.{j}", f"{first}.{i}", 3, 1 / size))
                items[f"q{len(items) + 1:02d}"] = f"{first}.{i}.{j}"
    return Tree(tuple(nodes), items)


def wave(
    rows: int = ROWS, cities: int = CITIES, points: int = POINTS, seed: int = 0
) -> pd.DataFrame:
    """Rows in shuffled order, keys categorical as a snapshot stores them; two strata a city; 7 % of
    answers are no score."""
    rng = np.random.default_rng(seed)
    city = np.sort(rng.integers(0, cities, rows))
    point = rng.integers(0, points, rows)
    frame = pd.DataFrame(
        {
            "city": np.char.add("C", np.char.zfill(city.astype(str), 3)),
            "stratum": np.char.add(
                np.char.add("S", city.astype(str)), np.where(point % 2, "u", "r")
            ),
            "point": np.char.add("P", (city * points + point).astype(str)),
            "gender": rng.choice(["f", "m"], rows),
            "age": rng.choice(AGES, rows),
            "education": rng.choice(EDUCATION, rows),
            "income": rng.choice(INCOME, rows),
            "hukou": rng.choice(["local", "other"], rows),
            "guardian": rng.random(rows) < 0.3,
            "weight": rng.lognormal(0, 0.4, rows) * 1000,
        }
    )
    frame["urban"] = point % 2 == 1
    keys = ["city", "stratum", "point", "gender", "age", "education", "income", "hukou"]
    frame = frame.astype(dict.fromkeys(keys, "category"))
    effect = rng.normal(0, 0.7, cities * points)[city * points + point]
    person = rng.normal(8 + effect, 1.2)
    for item in tree_2023().item_columns:
        raw = np.clip(np.rint(person + rng.normal(0, 1.2, rows)), 1, 10).astype(np.int8)
        raw[rng.random(rows) < 0.07] = -1
        frame[item] = raw
    return frame.sample(frac=1, random_state=seed).reset_index(drop=True)


def groups_20() -> dict[str, str | tuple[str, str] | None]:
    """Twenty overlapping groups."""
    named = {
        "gender": ["f", "m"],
        "age": AGES,
        "education": EDUCATION,
        "income": INCOME,
        "hukou": ["local"],
    }
    groups: dict[str, str | tuple[str, str] | None] = {
        "all": None,
        "guardian": "guardian",
        "urban": "urban",
    }
    groups |= {f"{key}={level}": (key, level) for key, levels in named.items() for level in levels}
    groups["60+"] = ("age", "60-70")
    return groups
