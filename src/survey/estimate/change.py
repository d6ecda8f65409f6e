"""Change between two waves and their mean, with the covariance of PSUs that serve both.

The variance of the change is V1 + V2 - 2 Cov.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from survey.estimate.arrays import Codes, Floats, group_sum
from survey.estimate.design import Design, Sample, get_column
from survey.estimate.differences import DifferenceInputs
from survey.estimate.domains import Domains, describe, long_table
from survey.estimate.estimate import names_of
from survey.estimate.indicators import statistics_of
from survey.estimate.inference import ROUNDING_TOLERANCE, estimate_magnitude, simple_random_variance
from survey.estimate.intervals import bound_interval
from survey.estimate.psu_sums import Linearised, PsuSums
from survey.estimate.tree import Tree
from survey.estimate.variance import PsuVariance, merge, psu_variance

COLUMNS = (
    "before",
    "after",
    "difference",
    "se",
    "ci_low",
    "ci_high",
    "df",
    "p",
    "p_adjusted",
    "status",
)


def change(
    before: pd.DataFrame,
    after: pd.DataFrame,
    variables: str | Sequence[str] | Tree,
    design: Design,
    *,
    by: str | Sequence[str] = (),
    matched: str | Sequence[str] | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Estimate differences of weighted means, `after` less `before`, by domain (columns `by`).

    Args:
        before, after: the waves; both have the columns of `design`, `variables` and `by`. A PSU
            (stratum and code) present in both is the same PSU and brings its covariance.
        variables: numeric columns, or a tree, whose indicators are then compared (item means).
        matched: a column, as a rule the city, or several: only values (combinations) present in
            both waves enter, so that a larger area is compared over the same cities.

    Returns:
        One row per (by…, variable): before, after, difference, se, ci_low, ci_high, df, p (two-
        sided t), p_adjusted (Benjamini–Hochberg over the domains of each variable), status.
        Not estimable when either wave has the domain in fewer than two PSUs, unreliable when
        df < 8 or either wave has fewer than 30 respondents.

    Raises:
        EstimateError: as `estimate`.

    Source: statistics.md, "Comparisons". Each wave's variance is its own (that of `estimate`). In
    each stratum Cov = sqrt(c1 c2) sum over shared PSUs of (z1 - zbar1)(z2 - zbar2), with c the
    wave's factor (1 - f) n / (n - 1): with the same PSUs in both waves V is the variance of
    z2 - z1, with none in common it is V1 + V2. df = df1 + df2 - df of the shared PSUs.
    """
    domains = _align(before, after, names_of(by), matched)
    first, second = (
        _read_wave(frame, part, variables, design)
        for frame, part in zip((before, after), domains, strict=True)
    )
    shape = first.spread.df.shape
    covariance, shared_df = np.zeros(shape), np.zeros(shape)
    if design.psu is not None:
        covariance, shared_df = _compute_shared_psu_covariance(first, second)
    gap = DifferenceInputs(
        first=second.linearised.estimate,
        second=first.linearised.estimate,
        variance=difference_variance(first.variance + second.variance, covariance),
        df=first.spread.df + second.spread.df - shared_df,
        psus=np.minimum(first.spread.psus, second.spread.psus),
        n_first=second.members,
        n_second=first.members,
        members=np.minimum(first.members, second.members),
        size=estimate_magnitude(first.linearised) + estimate_magnitude(second.linearised),
    )
    columns = gap.columns(level, ("after", "before", "n_before"))
    columns["p_adjusted"] = benjamini_hochberg(columns["p"], np.arange(columns["p"].shape[1]))
    table = long_table(domains[0], first.names, {name: columns[name] for name in COLUMNS})
    return describe(table, second.sample)


def difference_variance(apart: Floats, covariance: Floats) -> Floats:
    """Return a difference's variance, `apart` (V1 + V2) less 2 Cov; mere rounding is set to 0."""
    variance = apart - 2 * covariance
    return np.where(variance < ROUNDING_TOLERANCE * apart, 0.0, variance)


def benjamini_hochberg(p: Floats, family: Codes) -> Floats:
    """Return P values adjusted for the false discovery rate among tests of equal `family` code.

    Rejecting those <= q holds the rate at q (Benjamini and Hochberg 1995). NaN is no test.

    Args:
        family: a code for each P value, in the shape of `p` or one that spreads to it; those
            below 0 are no test.
    """
    values, codes = p.ravel(), np.broadcast_to(family, p.shape).ravel()
    tested = np.flatnonzero(~np.isnan(values) & (codes >= 0))
    order = tested[np.lexsort((values[tested], codes[tested]))]
    members = codes[order]
    starts = np.flatnonzero(np.diff(members, prepend=-1))
    sizes = np.diff(starts, append=len(order))
    rank = np.arange(len(order)) - np.repeat(starts, sizes) + 1
    steps = values[order] * np.repeat(sizes, sizes) / rank
    least = pd.Series(steps[::-1]).groupby(members[::-1], sort=False).cummin().to_numpy()[::-1]
    adjusted = np.full(len(values), np.nan)
    adjusted[order] = np.minimum(least, 1)
    return adjusted.reshape(p.shape)


@dataclass(frozen=True)
class _Wave:
    """Estimates of one wave with variances and numbers of members, arrays domains × statistics."""

    sample: Sample
    names: list[str]
    linearised: Linearised
    spread: PsuVariance
    variance: Floats
    members: Floats

    def cells(self, strata: Codes, size: int) -> Codes:
        """Return the (domain, stratum) code of each entry; `strata`: new codes, `size` many."""
        sums = self.linearised.sums
        stratum = strata[self.sample.stratum[sums.psu]]
        return np.where(stratum >= 0, sums.domain * size + stratum, -1)


def _align(
    before: pd.DataFrame, after: pd.DataFrame, by: list[str], matched: str | Sequence[str] | None
) -> tuple[Domains, Domains]:
    """Return both waves' domains in common codes; with `matched`, of rows with keys in both."""
    keys = [] if matched is None else names_of(matched)
    names = list(dict.fromkeys([*by, *keys]))
    halves = [
        pd.DataFrame({name: get_column(frame, name).array for name in names}, range(len(frame)))
        for frame in (before, after)
    ]
    domains = Domains.read(pd.concat(halves, ignore_index=True), by)
    first = Domains(domains.code[: len(before)], domains.keys)
    second = Domains(domains.code[len(before) :], domains.keys)
    if not keys:
        return first, second
    indexes = [pd.MultiIndex.from_frame(half[keys].astype(object)) for half in halves]
    whole = [half[keys].notna().all(axis=1).to_numpy() for half in halves]
    return (
        first.only(whole[0] & indexes[0].isin(indexes[1])),
        second.only(whole[1] & indexes[1].isin(indexes[0])),
    )


def _read_wave(
    frame: pd.DataFrame, domains: Domains, variables: str | Sequence[str] | Tree, design: Design
) -> _Wave:
    names, values, omega = statistics_of(frame, variables)
    sample = Sample.read(frame, design)
    sums = PsuSums.collect(sample, domains, values, omega)
    linearised = Linearised.of(sums)
    spread = psu_variance(sample, sums.psu, sums.domain, linearised.z, sums.members, domains.count)
    members, variance = sums.by_domain(sums.members), spread.variance
    if sample.assumed_deff is not None:
        base = sums.by_domain(sums.base)
        simple = simple_random_variance(sample, domains, values, linearised, members, base)
        variance = sample.assumed_deff * simple
    return _Wave(sample, names, linearised, spread, variance, members)


def _compute_shared_psu_covariance(first: _Wave, second: _Wave) -> tuple[Floats, Floats]:
    """Return covariance and df due to the PSUs that serve both waves, domains × statistics each."""
    strata = len(first.sample.psus)
    psu, domain, z, members = _match_shared_entries(first, second)
    own = first.cells(np.arange(strata), strata)
    cells = np.unique(own)
    same = first.sample.stratum_labels.get_indexer(second.sample.stratum_labels)
    means = [
        _compute_stratum_means(wave, cell, cells, strata)
        for wave, cell in ((first, own), (second, second.cells(same, strata)))
    ]
    stratum, home = cells % strata, cells // strata
    common = first.sample.psu_labels.isin(second.sample.psu_labels)
    count = np.bincount(first.sample.stratum[common], minlength=strata)[stratum]
    entry_cell = domain * strata + first.sample.stratum[psu]
    kept = np.isin(entry_cell, cells)
    place = np.searchsorted(cells, entry_cell[kept])
    z1, z2 = (part[kept] for part in z)
    cross = group_sum(place, z1 * z2, len(cells)) + count[:, None] * means[0] * means[1]
    cross -= means[1] * group_sum(place, z1, len(cells))
    cross -= means[0] * group_sum(place, z2, len(cells))
    cross *= _compute_joint_factor(first.sample, second.sample, same)[stratum][:, None]
    domains = len(first.members)
    both = (members[0] > 0) & (members[1] > 0)
    occupied = group_sum(place, both[kept].astype(np.float64), len(cells)) > 0
    df = group_sum(domain, both.astype(np.float64), domains)
    df -= group_sum(home, occupied.astype(np.float64), domains)
    covariance = group_sum(home, cross, domains)
    return covariance * np.sqrt(first.spread.factor * second.spread.factor), df


def _match_shared_entries(
    first: _Wave, second: _Wave
) -> tuple[Codes, Codes, tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Return (PSU, domain) entries of PSUs in both waves, with each wave's totals and members.

    A wave without the pair has 0.

    PSUs are numbered as in the first wave.
    """
    a, b = first.linearised.sums, second.linearised.sums
    place = first.sample.psu_labels.get_indexer(second.sample.psu_labels)
    in_first = np.isin(a.psu, place[place >= 0])
    in_second = place[b.psu] >= 0

    def stack(x: Floats, y: Floats) -> Floats:
        x, y = x[in_first], y[in_second]
        return np.block([[x, np.zeros_like(x)], [np.zeros_like(y), y]])

    psu, domain, z, members = merge(
        first.sample,
        np.concatenate([a.psu[in_first], place[b.psu[in_second]]]),
        np.concatenate([a.domain[in_first], b.domain[in_second]]),
        stack(first.linearised.z, second.linearised.z),
        stack(a.members, b.members),
    )
    half = len(first.names)
    return psu, domain, (z[:, :half], z[:, half:]), (members[:, :half], members[:, half:])


def _compute_stratum_means(wave: _Wave, cell: Codes, cells: Codes, strata: int) -> Floats:
    """Return the mean linearised total per PSU in each of `cells`; `cell`: that of each entry.

    It is 0 in one-PSU strata, as for the variance.
    """
    kept = np.isin(cell, cells)
    total = group_sum(np.searchsorted(cells, cell[kept]), wave.linearised.z[kept], len(cells))
    size = np.zeros(strata)
    size[cell[kept] % strata] = wave.sample.psus[
        wave.sample.stratum[wave.linearised.sums.psu[kept]]
    ]
    size = size[cells % strata][:, None]
    return np.divide(total, size, out=np.zeros_like(total), where=size > 1)


def _compute_joint_factor(first: Sample, second: Sample, same: Codes) -> Floats:
    """Return sqrt(c1 c2) by stratum of `first` (c: its factor); `same`: the second's stratum there.

    It is 0 where the stratum is not in both waves or not counted.
    """
    scale = np.zeros(len(first.psus))
    known = same >= 0
    scale[same[known]] = (second.scale * second.counted)[known]
    return np.sqrt(scale * first.scale * first.counted)


Two = tuple[Floats, Floats]
"""A figure of the earlier and of the later wave, a value a domain."""


@dataclass(frozen=True, eq=False)
class Pooled:
    """Means over two waves with their intervals, one value a domain; NaN where unknown."""

    estimate: Floats
    low: Floats
    high: Floats


def pooled_mean(
    estimate: Two,
    se: Two,
    df: Two,
    *,
    change_se: Floats,
    level: float,
    scale: tuple[float, float] | None = None,
) -> Pooled:
    """Return the unweighted mean of two waves' estimates, with an interval within `scale`.

    V = (V1 + V2 + 2 Cov) / 4 with 2 Cov = V1 + V2 - V(change), so that the points that served both
    waves count; t with the smaller df of the two. All arrays have one value a domain. Figures on a
    `scale` have an interval on it, see `bound_interval`.
    """
    variance = (se[0] ** 2 + se[1] ** 2) / 2 - change_se**2 / 4
    known = variance > 0
    mean = np.where(known, (estimate[0] + estimate[1]) / 2, np.nan)
    least = np.minimum(df[0], df[1])
    if scale is not None:
        low, high = bound_interval(
            mean,
            np.sqrt(variance, where=known, out=np.full_like(mean, np.nan)),
            least,
            least + 1,
            level=level,
            lowest=scale[0],
            highest=scale[1],
        )
        return Pooled(mean, low, high)
    half_width = special.stdtrit(np.where(least > 0, least, np.nan), (1 + level) / 2) * np.sqrt(
        np.where(known, variance, np.nan)
    )
    return Pooled(mean, mean - half_width, mean + half_width)
