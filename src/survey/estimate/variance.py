"""Variance of linearised PSU totals, and the status of estimates.

V = sum_h (1 - f_h) n_h / (n_h - 1) sum_j (z_hj - zbar_h)^2 over all n_h PSUs of a stratum, those
without members of the domain counting as zeros (Lumley 2010; R `survey:::onestrat`).
"""

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from scipy import special

from survey.estimate.arrays import Codes, Flags, Floats, group_sum, ratio
from survey.estimate.design import Sample, Strata
from survey.estimate.errors import EstimateError

STATUSES = ("ok", "unreliable", "not_estimable", "empty")
MIN_DF = 8
MIN_ROWS = 30


@dataclass(frozen=True)
class PsuVariance:
    """Variance between PSUs, its degrees of freedom and PSU counts, arrays domains × statistics."""

    variance: Floats
    """NaN where it cannot be estimated."""
    df: Floats
    """PSUs with members less strata with members."""
    psus: Floats
    factor: Floats
    """Factor of the lonely rule on the sum of squares."""

    def __getitem__(self, domains: slice) -> "PsuVariance":
        """Return the same arrays for a slice of the domains."""
        return PsuVariance(*(getattr(self, field.name)[domains] for field in fields(self)))


def merge(
    sample: Sample, psu: Codes, domain: Codes, z: Floats, members: Floats
) -> tuple[Codes, Codes, Floats, Floats]:
    """Sum `z` and `members` of entries of equal PSU and domain; return PSUs, domains and sums."""
    key, keys = pd.factorize(domain * len(sample.stratum) + psu)
    return (
        keys % len(sample.stratum),
        keys // len(sample.stratum),
        group_sum(key, z, len(keys)),
        group_sum(key, members, len(keys)),
    )


def psu_variance(
    sample: Sample, psu: Codes, domain: Codes, z: Floats, members: Floats, domains: int
) -> PsuVariance:
    """Return the variance by domain of linearised totals `z` (m, T), one per (PSU, domain) pair.

    `members` (m, T) counts rows with a positive weight, and decides df and lonely strata.

    Raises:
        EstimateError: a stratum with members has one PSU and the rule is `fail`.
    """
    strata = len(sample.psus)
    cell_of_entry, cells = pd.factorize(domain * strata + sample.stratum[psu])
    stratum, home = cells % strata, cells // strata
    present = members > 0
    occupied = group_sum(cell_of_entry, present.astype(np.float64), len(cells)) > 0
    squares = _sum_squares(sample, cell_of_entry, stratum, z)
    psus = group_sum(domain, present.astype(np.float64), domains)
    return from_cells(sample, stratum, home, squares, occupied, psus)


def from_cells(
    sample: Strata, stratum: Codes, home: Codes, squares: Floats, occupied: Flags, psus: Floats
) -> PsuVariance:
    """Return variances by domain from cells' `squares`; `home`: a cell's domain, `psus`: by domain.

    Args:
        stratum, home: stratum and domain of each cell, shape (c,).
        squares: squared deviations in each cell, shape (c, T).
        occupied: whether the cell has members, shape (c, T).
        psus: PSUs with members in each domain, shape (D, T).
    """
    variance = sum_of_squares_by_domain(sample, stratum, home, squares, len(psus))
    factor = lonely_factor(sample, stratum, home, occupied, len(psus))
    variance *= factor
    variance[psus < 2] = np.nan
    strata = group_sum(home, occupied.astype(np.float64), len(psus))
    return PsuVariance(variance, psus - strata, psus, factor)


def sum_of_squares_by_domain(
    sample: Strata, stratum: Codes, home: Codes, squares: Floats, domains: int
) -> Floats:
    """Return sums by domain (`home`) of cells' squares, each times its stratum's factor.

    Lonely strata count only if adjusted.
    """
    factor = (sample.scale * sample.counted)[stratum]
    return group_sum(home, squares * factor[:, None], domains)


def lonely_factor(
    sample: Strata, stratum: Codes, home: Codes, occupied: Flags, domains: int
) -> Floats:
    """Return the lonely-PSU rule's factors of domains' variances; `home`: the domain of a cell.

    Strata over strata that count under `average`, NaN where no stratum counts, otherwise 1.

    Raises:
        EstimateError: a one-PSU stratum is occupied and the rule is `fail`.
    """
    alone = occupied & sample.lonely[stratum][:, None]
    if sample.rule == "adjust" or not alone.any():
        return np.broadcast_to(1.0, (domains, occupied.shape[1]))
    if sample.rule == "fail":
        cell = int(np.argmax(alone.any(axis=1)))
        raise EstimateError("lonely_psu", stratum=sample.stratum_labels[int(stratum[cell])])
    strata = group_sum(home, occupied.astype(np.float64), domains)
    counting = strata - group_sum(home, alone.astype(np.float64), domains)
    factor = np.where(counting > 0, 1.0, np.nan)
    return factor * ratio(strata, counting) if sample.rule == "average" else factor


def _sum_squares(sample: Sample, cell_of_entry: Codes, stratum: Codes, z: Floats) -> Floats:
    """Return squared deviations of PSU totals `z` from stratum means, by cell; empty PSUs are 0.

    A one-PSU stratum is centred at 0, the mean of linearised totals over all PSUs (`adjust`).
    """
    size = sample.psus[stratum].astype(np.float64)
    mean = group_sum(cell_of_entry, z, len(stratum)) / size[:, None]
    mean[sample.psus[stratum] == 1] = 0.0
    deviation = z - mean[cell_of_entry]
    empty = size - np.bincount(cell_of_entry, minlength=len(stratum))
    return group_sum(cell_of_entry, deviation**2, len(stratum)) + empty[:, None] * mean**2


def t_quantile(df: Floats, level: float) -> Floats:
    """Return two-sided quantiles of Student's t at confidence `level`; NaN where df < 1."""
    if not 0 < level < 1:
        raise EstimateError("bad_level", level=level)
    whole = df.astype(np.intp)
    distinct = np.flatnonzero(np.bincount(whole.reshape(-1)))
    quantile = np.full(distinct.max(initial=0) + 1, np.nan)
    quantile[distinct] = special.stdtrit(distinct, (1 + level) / 2)
    quantile[0] = np.nan
    return quantile[whole]


def t_pvalue(t: Floats, df: Floats) -> Floats:
    """Return two-sided P values of t statistics; NaN where df < 1."""
    return np.asarray(2 * special.stdtr(np.where(df >= 1, df, np.nan), -np.abs(t)))


def estimate_status(estimate: Floats, se: Floats, df: Floats, members: Floats) -> Codes:
    """Return each estimate's status (`ok`, `unreliable`, `empty` …) as a position in `STATUSES`.

    No estimate is `empty`, no standard error `not_estimable`, df < 8 or n < 30 `unreliable`.
    """
    weak = (df < MIN_DF) | (members < MIN_ROWS)
    codes = np.where(np.isnan(se), STATUSES.index("not_estimable"), weak).astype(np.intp)
    codes[np.isnan(estimate)] = STATUSES.index("empty")
    return codes
