"""Decide which cells of a table may be shown, and blank the others."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from survey.disclosure.reasons import MINIMUM_N, REASONS, Reason, decided


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
    few = np.where(size == 0, REASONS.index(Reason.EMPTY), REASONS.index(Reason.TOO_FEW))
    return decided(table, np.where(size < minimum, few, 0).astype(np.int8))
