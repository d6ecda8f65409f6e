"""Intervals of rates that stay between 0 and 100 per cent."""

from collections.abc import Collection

import numpy as np
import pandas as pd
from scipy import special

PER_CENT = 100.0
_EDGE = 1e-9


def bounded(
    cells: pd.DataFrame, rates: Collection[str], *, level: float, kish_deff: float
) -> pd.DataFrame:
    """`cells` with the interval of every indicator in `rates` replaced.

    Between the ends: a t interval on the log odds, as `survey.estimate.share` computes it (R
    `svyciprop(method="logit")`). At exactly 0 or 100 per cent, where the estimated variance is 0
    and says nothing: Wilson's interval on n / `kish_deff`, the wave's own weighting effect.
    """
    row = np.flatnonzero(cells["indicator"].isin(list(rates)))
    part = cells.iloc[row]
    p = part["estimate"].to_numpy(dtype=float) / PER_CENT
    se = part["se"].to_numpy(dtype=float) / PER_CENT
    with np.errstate(divide="ignore", invalid="ignore"):
        t = special.stdtrit(part["df"].to_numpy(dtype=float), (1 + level) / 2)
        margin = t * se / (p * (1 - p))
        size = part["n"].to_numpy(dtype=float) / kish_deff
        reach = t**2 / (size + t**2)
    low, high = special.expit(special.logit(p) - margin), special.expit(special.logit(p) + margin)
    none, every = p < _EDGE, p > 1 - _EDGE
    result = cells.copy()
    for name, inside, at_none, at_every in (
        ("ci_low", low, 0.0 * reach, 1 - reach),
        ("ci_high", high, reach, 1 + 0.0 * reach),
    ):
        values = result[name].to_numpy(dtype=float, copy=True)
        values[row] = np.select([none, every], [at_none, at_every], inside) * PER_CENT
        result[name] = values
    return result
