"""Verdicts on differences, by one standard wherever they are shown."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.estimate.change import benjamini_hochberg

Q = 0.05
"""False discovery rate at which a difference is called one."""
HIGHER, LOWER, NONE = "higher", "lower", "none"
UNTESTED = ""
"""Verdict of a row that is hidden or cannot be tested."""
_FAMILY = ("contrast", "before_wave", "area_level", "group", "indicator")


def add_verdicts(table: pd.DataFrame, *, up: str = HIGHER, down: str = LOWER) -> pd.DataFrame:
    """Return a protected table of differences with `p_adjusted` and `verdict`.

    P values are adjusted by Benjamini and Hochberg over the areas that are shown, for each
    contrast, area level, group and indicator: what a page lists is one family, and a hidden area is
    in none. A difference is `up` or `down` where the adjusted P is at most `Q` and the status is
    `ok`; whatever else can be tested is `none`.
    """
    adjusted = _adjust_p_values(table, [name for name in _FAMILY if name in table.columns])
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
    adjusted = np.full(len(table), np.nan)
    for rows in table.groupby(list(family), observed=True).indices.values():
        adjusted[rows] = benjamini_hochberg(p[rows][:, None])[:, 0]
    return adjusted
