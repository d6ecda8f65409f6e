"""Quantiles of a variable on a grid, with Woodruff's intervals (1952), from sums that add up.

A quantile is the smallest value of the grid that at least the share p of the weight does not exceed
(R `svyquantile`, rule "math"). Its interval is that of the share at the quantile, p -+ t se, read
back on the distribution (R `interval.type = "mean"`). With T_j(q) the weight of PSU j up to q and
F(q) their share, the linearised share has the PSU totals T_j(q) - F(q) T_j over the weight, so that
three sums of squares by grid value give the error at any q, of a domain and of domains together.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import pandas as pd

from survey.estimate.arrays import Codes, Floats, group_sum, ratio
from survey.estimate.design import Sample
from survey.estimate.errors import EstimateError
from survey.estimate.variance import t_quantile

QUARTILES = (0.25, 0.5, 0.75)
_ROUNDING = 1e-12
"""Part of the weight by which a share may miss p and still reach it."""


@dataclass(frozen=True)
class DistributionSums:
    """Weights by grid value of D domains whose strata are their own, and their squares by PSU."""

    below: Floats
    """Weight up to each of the G grid values, shape (D, G)."""
    squares: Floats
    """Sum over strata of f (T_j(q) - mean)^2, shape (D, G); f is `Strata.scale`."""
    products: Floats
    """The same of T_j(q) and T_j, shape (D, G)."""
    psus: Floats
    """PSUs with members, shape (D,)."""
    strata: Floats
    rows: Floats
    """Rows with a value, shape (D,)."""
    members: Floats
    """Of them, rows with a positive weight."""

    @classmethod
    def collect(cls, sample: Sample, place: Codes, grid: int) -> Self:
        """Sum the rows of one domain; `place` of each value on a grid of `grid` values, or -1."""
        rows = np.flatnonzero(place >= 0)
        psu, weight = sample.psu[rows], sample.weight[rows]
        has_members = np.bincount(psu[weight > 0], minlength=len(sample.stratum)) > 0
        by_value = np.bincount(psu * grid + place[rows], weight, len(sample.stratum) * grid)
        below: Floats = np.cumsum(by_value.reshape(-1, grid), axis=1).astype(np.float64)
        mean = group_sum(sample.stratum, below, len(sample.units)) / sample.psus[:, None]
        # A lonely stratum is centred at 0 where it counts (rule `adjust`).
        mean[sample.psus == 1] = 0.0
        off = below - mean[sample.stratum]
        factor = (sample.scale * sample.counted)[sample.stratum]
        return cls(
            below=below.sum(axis=0)[None],
            squares=(factor @ off**2)[None],
            products=(factor @ (off * off[:, -1:]))[None],
            psus=np.array([has_members.sum()], dtype=float),
            strata=np.array([len(np.unique(sample.stratum[has_members]))], dtype=float),
            rows=np.array([len(rows)], dtype=float),
            members=np.array([(weight > 0).sum()], dtype=float),
        )

    @classmethod
    def join(cls, parts: Sequence[Self]) -> Self:
        """Return the domains of all `parts`, one after the other."""
        names = [field.name for field in fields(cls)]
        return cls(
            **{name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        )

    def together(self) -> Self:
        """Return the sums of all domains as one."""
        names = [field.name for field in fields(self)]
        return type(self)(**{name: getattr(self, name).sum(axis=0)[None] for name in names})


def estimate_quantiles(
    sums: DistributionSums,
    grid: Floats,
    *,
    probabilities: Sequence[float] = QUARTILES,
    level: float = 0.95,
    assumed_deff: float | None = None,
) -> pd.DataFrame:
    """Estimate quantiles by domain, a row per (domain, probability).

    Args:
        grid: increasing values, shape (G,).
        assumed_deff: where the points were not recorded, see `Design`.

    Returns:
        domain (its place), probability, estimate, ci_low, ci_high in the unit of the grid; n, df.
        No interval without degrees of freedom, and none whose share would leave 0 … 1, as in R.

    Raises:
        EstimateError: a level that is none, or a grid of another size than the sums.
    """
    if sums.below.shape[1:] != grid.shape:
        raise EstimateError("shape", name="grid", found=grid.shape, expected=sums.below.shape[1:])
    total = sums.below[:, -1:]
    share = ratio(sums.below, total, np.nan)
    df = sums.psus - sums.strata
    if assumed_deff is None:
        variance = sums.squares - 2 * share * sums.products + share**2 * sums.products[:, -1:]
        variance = ratio(np.maximum(variance, 0.0), total**2, np.nan)
        variance[sums.psus < 2] = np.nan
    else:
        df = sums.members - sums.strata
        variance = ratio(share * (1 - share), sums.members[:, None] - 1, np.nan) * assumed_deff
    error = t_quantile(np.maximum(df, 0), level)[:, None] * np.sqrt(variance)
    tables = []
    for probability in probabilities:
        at = _find_quantile(share, np.full(len(share), probability))
        known = np.maximum(at, 0)[:, None]
        middle, half = (np.take_along_axis(each, known, axis=1)[:, 0] for each in (share, error))
        low, high = (_find_quantile(share, end) for end in (middle - half, middle + half))
        columns = {"estimate": at, "ci_low": low, "ci_high": high}
        tables.append(
            pd.DataFrame(
                {"domain": np.arange(len(share)), "probability": probability}
                | {name: np.where(p < 0, np.nan, grid[p]) for name, p in columns.items()}
                | {"n": sums.rows.astype(np.int64), "df": df.astype(np.int64)}
            )
        )
    table = pd.concat(tables, ignore_index=True)
    return table.sort_values(["domain", "probability"], ignore_index=True)


def _find_quantile(share: Floats, p: Floats) -> Codes:
    """Return the first place at which `share` (D, G) reaches `p` (D,); -1 where p is no share."""
    reached = share >= (p - _ROUNDING)[:, None]
    place = np.argmax(reached, axis=1)
    with np.errstate(invalid="ignore"):
        inside = (p >= 0) & (p <= 1 + _ROUNDING) & reached.any(axis=1)
    return np.where(inside, place, -1)
