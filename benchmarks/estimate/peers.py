"""The same figures by other libraries, each as its users would write it."""

import importlib.util
import itertools
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.estimate.synthetic import DESIGN, groups_20, tree_2023

ITEMS = list(tree_2023().item_columns)
KEYS = ["city", "stratum", "point"]
R_SCRIPT = Path(__file__).with_name("svyby.R")


def is_installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def memberships(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """Each group as booleans."""
    members = {}
    for name, group in groups_20().items():
        if group is None:
            members[name] = np.ones(len(frame), bool)
        elif isinstance(group, tuple):
            members[name] = (frame[group[0]] == group[1]).to_numpy()
        else:
            members[name] = frame[group].to_numpy()
    return members


def scores(frame: pd.DataFrame) -> pd.DataFrame:
    """Scores on 0–100, missing as NaN."""
    raw = frame[ITEMS]
    return ((raw - 1) / 9 * 100).where(raw >= 0)


def statistics(frame: pd.DataFrame) -> pd.DataFrame:
    """The 48 statistics as a user of a general package makes them, one column each: the items, and
    for the 21 indicators above them every respondent's weighted mean over the items answered."""
    score, tree = scores(frame), tree_2023()
    known, filled = score.notna().to_numpy(), score.fillna(0.0).to_numpy()
    columns = {}
    for code, omega in zip(tree.variables, tree.omega, strict=True):
        if code.count(".") < 2:
            total, base = filled @ omega, known @ omega
            columns[f"i{code}"] = total / np.where(base > 0, base, np.nan)
    return pd.concat([score, pd.DataFrame(columns)], axis=1)


def lines(score: pd.DataFrame, weight: pd.Series) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What the cube sums per row: w r and w r y by PSU; for n and deff by city squares, products
    of the items that share an indicator, and who answered any of an indicator's items."""
    known = score.notna()
    filled = score.fillna(0.0)
    by_psu = pd.concat(
        [known.mul(weight, axis=0).add_prefix("w_"), filled.mul(weight, axis=0)], axis=1
    )
    by_city = {f"n_{item}": known[item] for item in ITEMS}
    by_city |= {f"yy_{item}": filled[item] ** 2 * weight for item in ITEMS}
    for code, items in several().items():
        answered = known[items].any(axis=1)
        by_city |= {f"n_{code}": answered, f"w_{code}": answered * weight}
    for a, b in pairs():
        sides = {"r": known, "y": filled}
        by_city |= {
            f"{left}{right}_{a}_{b}": sides[left][a] * sides[right][b] * weight
            for left in sides
            for right in sides
        }
    return by_psu, pd.DataFrame(by_city)


def several() -> dict[str, list[str]]:
    """Items of the indicators that have more than one."""
    tree = tree_2023()
    items_by_code = {
        code: [ITEMS[k] for k in np.flatnonzero(row)]
        for code, row in zip(tree.variables, tree.omega, strict=True)
    }
    return {code: items for code, items in items_by_code.items() if len(items) > 1}


def pairs() -> list[tuple[str, str]]:
    small = [items for items in several().values() if len(items) <= 3]
    return [(a, b) for items in small for a, b in itertools.combinations(items, 2)]


def pandas_sums(frame: pd.DataFrame) -> Callable[[], object]:
    """The cube's sums for every group; means, errors and intervals are still to be made."""
    score, weight = scores(frame), frame[DESIGN.weight]
    groups = memberships(frame)

    def run() -> object:
        by_psu, by_city = lines(score, weight)
        keys = [frame[key] for key in KEYS]
        sums = []
        for rows in groups.values():
            psu_keys = [key[rows] for key in keys]
            sums.append(by_psu[rows].groupby(psu_keys, observed=True).sum())
            sums.append(by_city[rows].groupby(psu_keys[0], observed=True).sum())
        return sums

    return run


def polars_sums(frame: pd.DataFrame) -> Callable[[], object] | None:
    """The same sums by polars, on all its threads; the frame is handed over beforehand."""
    if not is_installed("polars"):
        return None
    import polars as pl

    texts = frame[KEYS].astype(str)
    data = pl.from_pandas(pd.concat([texts, scores(frame), frame[[DESIGN.weight]]], axis=1))
    data = data.with_columns(pl.col(KEYS).cast(pl.Categorical))
    groups = {name: pl.Series(rows) for name, rows in memberships(frame).items()}
    weight = pl.col(DESIGN.weight)
    known = {item: pl.col(item).is_not_nan() for item in ITEMS}
    value = {item: pl.col(item).fill_nan(0.0) for item in ITEMS}
    by_psu = [(known[item] * weight).sum().alias(f"w_{item}") for item in ITEMS]
    by_psu += [(value[item] * weight).sum().alias(item) for item in ITEMS]
    by_city = [known[item].sum().alias(f"n_{item}") for item in ITEMS]
    by_city += [(value[item] ** 2 * weight).sum().alias(f"yy_{item}") for item in ITEMS]
    for code, items in several().items():
        answered = pl.any_horizontal([known[item] for item in items])
        by_city.append(answered.sum().alias(f"n_{code}"))
        by_city.append((answered * weight).sum().alias(f"w_{code}"))
    sides = {"r": {item: known[item].cast(pl.Float64) for item in ITEMS}, "y": value}
    by_city += [
        (sides[left][a] * sides[right][b] * weight).sum().alias(f"{left}{right}_{a}_{b}")
        for a, b in pairs()
        for left in sides
        for right in sides
    ]

    def run() -> object:
        sums = []
        for rows in groups.values():
            part = data.filter(rows)
            sums.append(part.group_by(KEYS).agg(by_psu))
            sums.append(part.group_by("city").agg(by_city))
        return sums

    return run


def svy_means(frame: pd.DataFrame) -> Callable[[], object] | None:
    """Means, errors and deff of the 48 statistics by city for one of the twenty groups, by svy."""
    if not is_installed("svy"):
        return None
    import polars as pl
    import svy

    figures = statistics(frame)
    names = list(figures.columns)
    table = pd.concat(
        [
            figures,
            frame[[*KEYS, DESIGN.weight, "gender"]].astype(dict.fromkeys([*KEYS, "gender"], str)),
        ],
        axis=1,
    )
    data = pl.from_pandas(table).with_columns(pl.col(names).fill_nan(None))
    design = svy.Design(stratum="stratum", psu="point", wgt=DESIGN.weight)
    sample = svy.Sample(data, design)

    def run() -> object:
        return sample.estimation.mean(
            names, by="city", where=svy.col("gender") == "f", deff="wr", drop_nulls=True
        )

    return run


def r_svyby(frame: pd.DataFrame, wanted: int) -> float | None:
    """Seconds R's svyby takes for the first and last few of the 48 statistics by city in one
    group."""
    rscript = shutil.which("Rscript")
    if rscript is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "wave.csv"
        part = statistics(frame).iloc[:, [*range(wanted - wanted // 2), *range(-(wanted // 2), 0)]]
        pd.concat([part, frame[[*KEYS, DESIGN.weight, "gender"]]], axis=1).to_csv(path, index=False)
        command = [rscript, str(R_SCRIPT), str(path), str(wanted)]
        completed = subprocess.run(command, capture_output=True, text=True, check=False)
    return float(completed.stdout.split()[-1]) if completed.returncode == 0 else None
