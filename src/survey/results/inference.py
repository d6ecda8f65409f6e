"""Intervals and verdicts of figures, by one standard wherever they are shown."""

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from numpy.typing import NDArray

from survey.disclosure import MINIMUM_N
from survey.disclosure.totals import encode_labels
from survey.estimate import bound_interval, is_error_silent
from survey.estimate.arrays import Floats
from survey.estimate.change import benjamini_hochberg

SCALE = 100.0
"""Scores and rates lie between 0 and this, their differences between this and its negative."""
_NOT_ESTIMABLE = "not_estimable"


def pool_design_effects(
    cells: pd.DataFrame, *, otherwise: float, unbounded: Collection[str] = ()
) -> Floats:
    """Return the design effect that the areas of a row's level have in its group and indicator.

    The sum of their variances over the sum of what simple random samples would have, at least 1: a
    cell of few or no differing answers says nothing of its own (Franco, Little, Louis and Slud
    2019). Where nobody of the level differed, that of all its indicators in the group; without any,
    `otherwise`. Cells with fewer than `MINIMUM_N` people, which are hidden, take no part; nor do
    the `unbounded` indicators, which are no scores and rates.
    """
    se, deff = (cells[name].to_numpy(dtype=float) for name in ("se", "deff"))
    used = (deff > 0) & (se > 0) & (cells["n"].to_numpy(dtype=float) >= MINIMUM_N)
    used &= ~cells["indicator"].isin(list(unbounded)).to_numpy()
    variance = np.where(used, se, 0.0) ** 2
    simple = variance / np.where(used, deff, 1.0)
    keys = cells[["area_level", "group"]], cells[["area_level", "group", "indicator"]]
    result = np.full(len(cells), otherwise)
    for columns in keys:
        place = np.zeros(len(cells), dtype=np.int64)
        for name in columns:
            codes, labels = encode_labels(cells[name])
            place = place * len(labels) + codes
        sums = (np.bincount(place, weights=each)[place] for each in (variance, simple))
        over, under = sums
        known = under > 0
        result[known] = np.maximum(over[known] / under[known], 1.0)
    return result


def bound_rate_intervals(
    cells: pd.DataFrame,
    rates: Collection[str],
    *,
    level: float,
    deff: npt.ArrayLike,
    unbounded: Collection[str] = (),
) -> pd.DataFrame:
    """Return `cells` with every interval between 0 and 100, see `estimate.bound_interval`.

    Args:
        rates: indicators whose interval is on the log odds throughout, as `survey.estimate.share`
            computes it; that of a score only where the t interval would leave the scale.
        deff: what divides n for rates near 0 and 100 and where all answers agree, for all rows or
            each, see `pool_design_effects`.
        unbounded: indicators that are numbers of something, and keep their t interval.
    """
    row = np.flatnonzero(~cells["indicator"].isin(list(unbounded)))
    asked = ["indicator", "estimate", "se", "df", "n", "ci_low", "ci_high"]
    part = cells[asked].iloc[row]
    is_rate = part["indicator"].isin(list(rates)).to_numpy()
    figures = (part[name].to_numpy(dtype=float) for name in ("estimate", "se", "df", "n"))
    estimate, se, df, n = figures
    size = n / np.broadcast_to(deff, len(cells))[row]
    low, high = bound_interval(estimate, se, df, size, level=level, logit=is_rate)
    linear = (part[name].to_numpy(dtype=float) for name in ("ci_low", "ci_high"))
    kept = ~is_rate & _is_within_scale(*linear) & ~is_error_silent(se, SCALE)
    result = cells.copy(deep=False)
    for name, ends in (("ci_low", low), ("ci_high", high)):
        values = result[name].to_numpy(dtype=float, copy=True)
        values[row] = np.where(kept, values[row], ends)
        result[name] = values
    return result


def _is_within_scale(low: Floats, high: Floats) -> np.ndarray:
    return np.asarray((low >= 0) & (high <= SCALE))


def bound_difference_intervals(
    table: pd.DataFrame, unbounded: Collection[str] = ()
) -> pd.DataFrame:
    """Return differences of scores and rates with intervals that end at ±100.

    Where the estimated error is 0, because all on both sides agreed with their own, the sample does
    not tell how far the truth may lie: no interval, no test, `not_estimable`.
    """
    result = table.copy(deep=False)
    on_scale = ~table["indicator"].isin(list(unbounded)).to_numpy()
    mute = on_scale & is_error_silent(table["se"].to_numpy(dtype=float), SCALE)
    for name in ("ci_low", "ci_high"):
        values = table[name].to_numpy(dtype=float)
        values = np.where(on_scale, np.clip(values, -SCALE, SCALE), values)
        result[name] = np.where(mute, np.nan, values)
    result["p"] = np.where(mute, np.nan, table["p"].to_numpy(dtype=float))
    codes, labels = encode_labels(table["status"])
    every = sorted({*labels, _NOT_ESTIMABLE})
    status = np.array([every.index(label) for label in labels], dtype=np.int8)[codes]
    status[mute] = every.index(_NOT_ESTIMABLE)
    result["status"] = pd.Categorical.from_codes(status, pd.Index(every)).remove_unused_categories()
    return result


Q = 0.05
"""False discovery rate at which a difference is called one."""
HIGHER, LOWER, NONE = "higher", "lower", "none"
UNTESTED = ""
"""Verdict of a row that is hidden or cannot be tested."""
_FAMILY = ("contrast", "before_wave", "area_level", "group", "indicator")


def add_verdicts(
    table: pd.DataFrame, *, up: str = HIGHER, down: str = LOWER, family: Sequence[str] = _FAMILY
) -> pd.DataFrame:
    """Return a protected table of differences with `p_adjusted` and `verdict`.

    P values are adjusted by Benjamini and Hochberg over the rows that are shown and have the same
    values in the columns of `family`; by default over the areas, for each contrast, area level,
    group and indicator: what a page lists is one family, and a hidden row is in none. A difference
    is `up` or `down` where the adjusted P is at most `Q` and the status is `ok`; whatever else can
    be tested is `none`.
    """
    adjusted = _adjust_p_values(table, [name for name in family if name in table.columns])
    difference = table["difference"].to_numpy(dtype=float)
    sure = (adjusted <= Q) & (table["status"] == "ok").to_numpy()
    verdicts = np.select(
        [np.isnan(adjusted), sure & (difference > 0), sure & (difference < 0)],
        [UNTESTED, up, down],
        default=NONE,
    )
    verdict = pd.Categorical(verdicts, categories=[up, down, NONE, UNTESTED])
    return table.assign(p_adjusted=adjusted, verdict=verdict)


def _adjust_p_values(table: pd.DataFrame, family: Sequence[str]) -> NDArray[np.float64]:
    p = np.where(table["shown"], table["p"].to_numpy(dtype=float), np.nan)
    families = table.groupby(list(family), observed=True, sort=False).ngroup()
    return benjamini_hochberg(p, np.asarray(families, dtype=np.int64))
