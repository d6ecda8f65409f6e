"""The formulas of docs/statistics.md as plain loops: slow, and independent of the library."""

import math
from collections import defaultdict

import numpy as np
import pandas as pd
from scipy import stats


def mean(frame, variable, weight, rows):
    """Weighted mean of `variable` over the rows (booleans) that have a value."""
    top = bottom = 0.0
    for keep, y, w in zip(rows, frame[variable], frame[weight], strict=True):
        if keep and not math.isnan(y):
            top, bottom = top + w * y, bottom + w
    return top / bottom if bottom else math.nan


def combination(frame, weights, weight, rows):
    """Estimate and row-level linearised values of sum_k omega_k ybar_k in one domain."""
    theta, z = 0.0, np.zeros(len(frame))
    for item, omega in weights.items():
        centre = mean(frame, item, weight, rows)
        theta += omega * centre
        scored = rows & frame[item].notna().to_numpy()
        mass = frame.loc[scored, weight].sum()
        z[scored] += omega * frame.loc[scored, weight] * (frame.loc[scored, item] - centre) / mass
    return theta, z


def variance(frame, z, strata, psu):
    """sum_h n_h / (n_h - 1) sum_j (z_hj - zbar_h)^2, every PSU of the frame counted."""
    totals = defaultdict(float)
    for h, j, value in zip(frame[strata], frame[psu], z, strict=True):
        totals[h, j] += value
    by_stratum = defaultdict(list)
    for (h, _), value in totals.items():
        by_stratum[h].append(value)
    total = 0.0
    for values in by_stratum.values():
        n, centre = len(values), sum(values) / len(values)
        if n == 1:
            total += values[0] ** 2
        else:
            total += n / (n - 1) * sum((value - centre) ** 2 for value in values)
    return total


def degrees(frame, rows, weight, strata, psu):
    inside = frame[rows & (frame[weight] > 0).to_numpy()]
    return len(inside[[strata, psu]].drop_duplicates()) - inside[strata].nunique()


def simple_variance(frame, z, weight, rows):
    """Simple-random variance (with replacement) of the statistic whose linearised values are z."""
    inside = rows & (frame[weight] > 0).to_numpy()
    w = frame.loc[inside, weight].to_numpy()
    n, total = len(w), w.sum()
    u = z[inside] / w * total
    return (w * u**2).sum() / total * n / (n - 1) / n


def estimate_row(frame, weights, design, rows):
    """Estimate, se, ci, df, n, deff of one combination of item means in one domain."""
    rows = np.asarray(rows)
    theta, z = combination(frame, weights, design.weight, rows)
    base = rows & frame[list(weights)].notna().any(axis=1).to_numpy()
    v = variance(frame, z, design.strata, design.psu)
    df = degrees(frame, base, design.weight, design.strata, design.psu)
    half = stats.t.ppf(0.975, df) * math.sqrt(v) if df > 0 else math.nan
    return {
        "estimate": theta,
        "se": math.sqrt(v),
        "ci_low": theta - half,
        "ci_high": theta + half,
        "df": df,
        "n": int(base.sum()),
        "sum_weight": frame.loc[base, design.weight].sum(),
        "deff": v / simple_variance(frame, z, design.weight, base),
    }


def wave(seed=0, cities=4, strata=2, psus=5, rows=8, items=3, missing=0.15) -> pd.DataFrame:
    """A small synthetic wave: strata nested in cities, PSU codes repeated across strata."""
    rng = np.random.default_rng(seed)
    n = cities * strata * psus * rows
    index = np.arange(n)
    frame = pd.DataFrame(
        {
            "city": np.char.add("C", (index // (strata * psus * rows)).astype(str)),
            "stratum": np.char.add("H", (index // (psus * rows)).astype(str)),
            "psu": index // rows % psus,
            "weight": rng.uniform(0.5, 3, n),
            "gender": rng.choice(["f", "m"], n),
            "old": rng.random(n) < 0.3,
        }
    )
    point = rng.normal(0, 8, n // rows)[index // rows]
    for k in range(items):
        frame[f"q{k}"] = np.clip(70 + point + rng.normal(0, 20, n), 0, 100)
        frame.loc[rng.random(n) < missing, f"q{k}"] = np.nan
    return frame
