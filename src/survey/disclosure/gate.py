"""Decide which cells of a table may be shown, and blank the others."""

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
import pandas as pd

MINIMUM_N = 10
"""Fewest unweighted respondents behind a figure that may be shown."""

FIGURES = (
    "estimate",
    "se",
    "ci_low",
    "ci_high",
    "df",
    "n",
    "n_psu",
    "sum_weight",
    "deff",
    "reference",
    "difference",
    "p",
    "n_reference",
)
"""Columns that are blanked in a hidden row, as far as the table has them."""


class Reason(StrEnum):
    """Why a cell is not shown; empty for a cell that is."""

    SHOWN = ""
    TOO_FEW = "too_few"
    EMPTY = "empty"


def protect(
    table: pd.DataFrame, *, n: str = "n", counts: Sequence[str] = (), minimum: int = MINIMUM_N
) -> pd.DataFrame:
    """Return `table` with `shown` (bool) and `reason` (text), hidden figures set to null.

    A row is hidden when the unweighted count in column `n`, or in any further column of `counts`
    (the other side of a comparison), is below `minimum`. A row without a single respondent is
    `empty`; one with 1 to `minimum` - 1 is `too_few`. The count itself is blanked as well.
    """
    size = table[n].to_numpy(dtype=float)
    for other in counts:
        size = np.minimum(size, table[other].to_numpy(dtype=float))
    size = np.nan_to_num(size, nan=0.0)
    hidden = size < minimum
    result = table.copy()
    result["shown"] = ~hidden
    reason = np.where(size == 0, Reason.EMPTY.value, Reason.TOO_FEW.value)
    result["reason"] = pd.Categorical(
        np.where(hidden, reason, Reason.SHOWN.value), categories=[r.value for r in Reason]
    )
    present = [column for column in FIGURES if column in result.columns]
    for column in present:
        result[column] = np.where(hidden, np.nan, result[column].to_numpy(dtype=float))
    return result
