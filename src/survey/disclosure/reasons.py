"""Why a figure is not shown, and which columns are figures."""

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

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
    """Why a cell is not shown; empty for a cell that is.

    The order is that of the rules: a cell has the reason of the first rule that hid it.
    """

    SHOWN = ""
    EMPTY = "empty"
    TOO_FEW = "too_few"
    UNANIMOUS = "unanimous"
    DIFFERENCING = "differencing"
    SECONDARY = "secondary"


REASONS = tuple(reason.value for reason in Reason)


def decided(
    table: pd.DataFrame, reasons: NDArray[np.int8], figures: Sequence[str] = FIGURES
) -> pd.DataFrame:
    """`table` with `shown` and `reason`, and the figures of hidden rows set to null.

    `reasons` are places in `REASONS`, one a row.
    """
    hidden = reasons > 0
    result = table.copy()
    result["shown"] = ~hidden
    result["reason"] = pd.Categorical.from_codes(reasons, categories=pd.Index(REASONS))
    for column in figures:
        if column in result.columns:
            values = result[column].to_numpy(dtype=float)
            result[column] = np.where(hidden, np.nan, values)
    return result


def hidden_by(table: pd.DataFrame) -> dict[str, int]:
    """Rows of a protected table hidden by each rule."""
    counted = table["reason"].value_counts()
    return {reason: int(counted.get(reason, 0)) for reason in REASONS if reason}


def published(table: pd.DataFrame) -> pd.DataFrame:
    """A protected table as others may read it: `unanimous` says `secondary`.

    The true reason would tell what it hides, that all of them gave the same answer.
    """
    codes = table["reason"].cat.codes.to_numpy()
    told = np.where(
        codes == REASONS.index(Reason.UNANIMOUS), REASONS.index(Reason.SECONDARY), codes
    )
    reason = pd.Categorical.from_codes(told.astype(np.int8), categories=pd.Index(REASONS))
    return table.assign(reason=reason)
