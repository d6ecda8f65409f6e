"""Errors that a city's figures are expected to have, by interviews, from those of a frozen wave."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from survey.access.principal import Principal
from survey.estimate.tree import COMPOSITE
from survey.estimate.variance_function import VarianceFunction, error_of_variance
from survey.frame.quotas import EVERYONE
from survey.results.snapshots import CELLS
from survey.results.table_columns import read_numbers, round_figures
from survey.results.wave_results import WaveResults

INTERVIEWS = (50, 100, 200, 400, 620, 1000)
_SHARES_FITTED = (5.0, 95.0)
"""Nearer the ends other intervals are published."""


@dataclass(frozen=True)
class ExpectedErrors:
    """Half-widths by `INTERVIEWS` of one kind of figure, and how well they hold; all rounded."""

    half_widths: tuple[float, ...]
    r_squared: float
    low: float
    high: float
    """The middle 90 % of actual over expected errors."""
    error_of_variance: float
    """Relative error of a variance from the points of one city of the wave."""


def fit_expected_errors(
    results: WaveResults, principal: Principal, *, shares: bool
) -> ExpectedErrors | None:
    """Fit the errors of a wave's shown city figures of all groups, that can be relied on.

    Args:
        shares: of the shares of answers, expected at one half; else of the composite, expected at
            the score in the middle.

    Returns:
        None where the reader sees too few figures.
    """
    rates = [measure.key for measure in results.method.measures if measure.choices]
    wanted: Sequence[str] = rates if shares else [COMPOSITE]
    rows = results.exact(principal, CELLS, {"area_level": "city", "indicator": list(wanted)})
    rows = rows[rows["shown"].to_numpy(dtype=bool) & (rows["status"].astype(str) == "ok")]
    estimate, se, n = (read_numbers(rows, name) for name in ("estimate", "se", "n"))
    inside = (estimate > _SHARES_FITTED[0]) & (estimate < _SHARES_FITTED[1])
    found = VarianceFunction.fit(se[inside] ** 2, n[inside], estimate[inside])
    df = read_numbers(rows[(rows["group"].astype(str) == EVERYONE).to_numpy()], "df")
    if found is None or not len(df):
        return None
    middle = 50.0 if shares else float(np.median(estimate))
    points = float(np.median(df))
    t = float(special.stdtrit(points, (1 + results.method.level) / 2))
    half = round_figures(np.array([t * found.error(each, middle) for each in INTERVIEWS]))
    r_squared, low, high, relative = round_figures(
        np.array([found.r_squared, found.low, found.high, error_of_variance(points)]), 2
    ).tolist()
    return ExpectedErrors(tuple(half.tolist()), r_squared, low, high, relative)
