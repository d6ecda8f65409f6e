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
    def collect(cls, sample: Sample, place: Codes, grid: int, domain: Codes, domains: int) -> Self:
        """Sum the rows by domain; a stratum lies in one domain.

        Args:
            place: of each row's value on the grid of `grid` values; -1 where there is none.
            domain: 0 … domains - 1 of each row.
        """
        home = np.zeros(len(sample.units), dtype=np.intp)
        home[sample.stratum[sample.psu]] = domain
        rows = np.flatnonzero(place >= 0)
        psu, weight = sample.psu[rows], sample.weight[rows]
        weighed = psu[weight > 0]
        has_members = np.bincount(weighed, minlength=len(sample.stratum)) > 0
        by_psu = np.zeros((len(sample.stratum), grid))
        np.add.at(by_psu, (psu, place[rows]), weight)
        below = np.cumsum(by_psu, axis=1)
        mean = group_sum(sample.stratum, below, len(sample.units)) / sample.psus[:, None]
        # A lonely stratum is centred at 0 where it counts (rule `adjust`).
        mean[sample.psus == 1] = 0.0
        off = below - mean[sample.stratum]
        factor = (sample.scale * sample.counted)[sample.stratum]
        of_psu = home[sample.stratum]
        occupied = np.bincount(sample.stratum[has_members], minlength=len(home)) > 0
        return cls(
            below=group_sum(of_psu, below, domains),
            squares=group_sum(of_psu, off**2, domains, factor),
            products=group_sum(of_psu, off * off[:, -1:], domains, factor),
            psus=np.bincount(of_psu[has_members], minlength=domains).astype(float),
            strata=np.bincount(home[occupied], minlength=domains).astype(float),
            rows=np.bincount(domain[rows], minlength=domains).astype(float),
            members=np.bincount(domain[rows[weight > 0]], minlength=domains).astype(float),
        )

    def together(self, area: Codes, areas: int) -> Self:
        """Return the sums of areas, unions of domains; `area`: of each domain, -1 for none."""
        inside = np.flatnonzero(area >= 0)
        summed = {
            field.name: np.stack(
                [getattr(self, field.name)[inside[area[inside] == place]].sum(axis=0)
                 for place in range(areas)]
            )
            for field in fields(self)
        }  # fmt: skip
        return type(self)(**summed)


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
    tables = []
    for probability in probabilities:
        at = _find_quantile(share, np.full(len(share), probability))
        known = np.maximum(at, 0)[:, None]
        middle, error = (np.take_along_axis(each, known, axis=1)[:, 0] for each in
                         (share, np.sqrt(variance)))  # fmt: skip
        half_width = t_quantile(np.maximum(df, 0), level) * error
        low, high = (
            _find_quantile(share, end) for end in (middle - half_width, middle + half_width)
        )
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
