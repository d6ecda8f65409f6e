"""Rao–Wu bootstrap, which resamples sampling points within strata."""

from collections.abc import Callable, Mapping
from hashlib import blake2b

import numpy as np
import pandas as pd

from survey.estimate.arrays import Floats
from survey.estimate.design import Design, Sample
from survey.estimate.errors import EstimateError

Statistic = Callable[[pd.DataFrame], "float | Mapping[str, float] | pd.Series"]


def bootstrap(
    frame: pd.DataFrame,
    statistic: Statistic,
    design: Design,
    *,
    replicates: int = 500,
    seed: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return errors and percentile intervals of `statistic(frame)` with PSUs resampled by `design`.

    Args:
        statistic: called with the frame, first as it is and then with `design.weight` replaced by
            replicate weights; returns one number, or named numbers. A yes/no number (is this item
            among the top three?) has the share of resamples that agree as its `mean`.
        replicates, seed: resamples; the same seed gives the same resamples of a stratum whatever
            the order of the rows and the other strata.
        level: coverage of the percentile interval.

    Returns:
        One row per named number: estimate, se (about the mean of the replicates), ci_low,
        ci_high, mean, replicates (those with a value). NaN where fewer than two have one, or
        where every stratum has a single PSU and there is nothing to resample.

    Raises:
        EstimateError: as `estimate`; a one-PSU stratum under the rule `fail`. Under the other
            rules such a stratum is kept as it is and adds no spread.

    Source: Rao and Wu (1988), Rao, Wu and Yue (1992): n_h - 1 PSUs with replacement in each
    stratum, weights times 1 - s + s n_h / (n_h - 1) times the draws, s = sqrt(1 - f_h).
    """
    sample = Sample.read(frame, design)
    estimate = _build_named_series(statistic(frame))
    factors = rao_wu(sample, replicates, seed)
    values = np.full((replicates, len(estimate)), np.nan)
    for row, factor in zip(values, factors, strict=True):
        if (sample.psus < 2).all():
            break
        weighted = frame.assign(**{design.weight: sample.weight * factor[sample.psu]})
        row[:] = _build_named_series(statistic(weighted)).reindex(estimate.index)
    table = summary(estimate.to_numpy(np.float64), values, level)
    table.index = estimate.index
    table.attrs |= {"seed": seed, "level": level}
    return table


def rao_wu(sample: Sample, replicates: int, seed: int) -> Floats:
    """Return Rao–Wu weight factors by PSU, replicates × PSUs, the same for the same `seed`."""
    if sample.rule == "fail" and sample.lonely.any():
        raise EstimateError("lonely_psu", stratum=sample.stratum_labels[sample.lonely][0])
    factors = np.ones((replicates, len(sample.stratum)))
    label, _ = pd.factorize(sample.psu_labels.get_level_values(1), sort=True)
    order = np.lexsort((label, sample.stratum))
    for chosen in np.split(order, np.flatnonzero(np.diff(sample.stratum[order])) + 1):
        n = len(chosen)
        if n < 2:
            continue
        # Each stratum has its own generator, so that a wave can be resampled in parts.
        stratum = sample.stratum[chosen[0]]
        digest = blake2b(str(sample.stratum_labels[stratum]).encode(), digest_size=16).digest()
        rng = np.random.default_rng([seed, int.from_bytes(digest)])
        draws = rng.multinomial(n - 1, np.full(n, 1 / n), size=replicates)
        s = np.sqrt(sample.scale[stratum] * (n - 1) / n)
        factors[:, chosen] = 1 - s + s * n / (n - 1) * draws
    return factors


def summary(estimate: Floats, values: Floats, level: float) -> pd.DataFrame:
    """Return errors and intervals of statistics from replicate `values`, a row per statistic."""
    count = (~np.isnan(values)).sum(axis=0)
    tail = (1 - level) / 2
    usable = np.where(count > 1, values, np.nan)
    usable[:, count < 2] = 0.0
    low, high = np.nanquantile(usable, [tail, 1 - tail], axis=0)
    table = pd.DataFrame(
        {
            "estimate": estimate,
            "se": np.nanstd(usable, axis=0, ddof=1),
            "ci_low": low,
            "ci_high": high,
            "mean": np.nanmean(usable, axis=0),
        }
    )
    table.loc[count < 2, ["se", "ci_low", "ci_high", "mean"]] = np.nan
    table["replicates"] = count
    return table


def _build_named_series(value: "float | Mapping[str, float] | pd.Series") -> pd.Series:
    if isinstance(value, pd.Series):
        return value.astype(np.float64)
    if isinstance(value, Mapping):
        return pd.Series(dict(value), dtype=np.float64)
    return pd.Series({"statistic": value}, dtype=np.float64)
