"""Differences between groups of one sample.

The groups share PSUs, so their errors are not independent and two intervals would mislead. The
differences are linearised.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from survey.estimate.arrays import Codes, Flags, Floats, group_sum, ratio
from survey.estimate.design import Design, Sample, encode, get_column
from survey.estimate.domains import Domains, describe, long_table
from survey.estimate.errors import EstimateError
from survey.estimate.estimate import names_of
from survey.estimate.indicators import statistics_of
from survey.estimate.inference import ROUNDING_TOLERANCE, estimate_magnitude, zero_rounding_noise
from survey.estimate.psu_sums import Linearised, PsuSums
from survey.estimate.tree import Tree
from survey.estimate.variance import estimate_status, merge, psu_variance, t_pvalue, t_quantile

Selector = str | tuple[str, Hashable] | Mapping[str, Hashable]
REFERENCE_COLUMNS = ("estimate", "reference_estimate", "n_reference")


@dataclass(frozen=True)
class DifferenceInputs:
    """Two estimates, with variance and counts of their difference, arrays domains × statistics."""

    first: Floats
    second: Floats
    variance: Floats
    df: Floats
    psus: Floats
    """PSUs of the side that has fewer; below two nothing is estimable."""
    n_first: Floats
    n_second: Floats
    members: Floats
    """Rows with a positive weight, of the side that has fewer."""
    size: Floats
    """Magnitude of the numbers behind both sides."""

    def pieces(self, size: int) -> "Iterator[DifferenceInputs]":
        """Yield slices of `size` domains; a single empty piece where there are no domains."""
        for start in range(0, max(len(self.first), 1), size):
            part = slice(start, start + size)
            yield DifferenceInputs(*(getattr(self, field.name)[part] for field in fields(self)))

    def columns(
        self, level: float, names: tuple[str, str, str] = REFERENCE_COLUMNS
    ) -> dict[str, np.ndarray]:
        """Return (name -> column) of a difference table; `names`: both estimates', second n's."""
        first, second, n_second = names
        difference = self.first - self.second
        difference = np.where(np.abs(difference) < ROUNDING_TOLERANCE * self.size, 0.0, difference)
        variance = zero_rounding_noise(self.variance, self.size)
        se = np.sqrt(np.where((self.psus < 2) | np.isnan(difference), np.nan, variance))
        margin = t_quantile(self.df, level) * se
        return {
            first: self.first,
            second: self.second,
            "difference": difference,
            "se": se,
            "ci_low": difference - margin,
            "ci_high": difference + margin,
            "df": self.df,
            "p": t_pvalue(ratio(difference, se, np.nan), self.df),
            "n": self.n_first,
            n_second: self.n_second,
            "status": estimate_status(difference, se, self.df, self.members),
        }


def compare(
    frame: pd.DataFrame,
    variables: str | Sequence[str] | Tree,
    design: Design,
    *,
    group: Selector,
    reference: Selector = "rest",
    by: str | Sequence[str] = (),
    level: float = 0.95,
) -> pd.DataFrame:
    """Estimate differences of weighted means, group less reference, within domains of columns `by`.

    Args:
        variables: numeric columns, or a tree, whose indicators are then compared (item means).
        group: a column name: a boolean column is one group, any other column gives one group per
            level; or (column, level); or a mapping of column to level, all of which must hold.
        reference: "rest" (the domain without the group), "all" (the domain, group included), a
            level of the `group` column, or a selector like `group`.
        by: the domains within which to compare.

    Returns:
        One row per (by…, group, variable): group, variable, estimate, reference_estimate,
        difference, se, ci_low, ci_high, df (of the side that has fewer, which as a rule brings
        most of the variance), p (two-sided t), n, n_reference, status. Not estimable when either
        side lies in fewer than two PSUs, unreliable when df < 8 or either side has fewer than 30
        respondents.

    Raises:
        EstimateError: as `estimate`; or an unknown group.

    Source: R `survey` `svyby(covmat=TRUE)` with `svycontrast`.
    """
    names, values, omega = statistics_of(frame, variables)
    sample = Sample.read(frame, design)
    domains = Domains.read(frame, names_of(by))
    label, labels = _read_labels(frame, group)
    parts = _LabelSums(sample, domains, values, omega, label, len(labels))
    if isinstance(reference, str) and reference in ("rest", "all"):
        rest = PsuSums.collect(sample, domains, values, omega)
    elif (other := _find_level_index(labels, reference)) is not None:
        rest = parts.of(other)
    else:
        rows = _find_matching_rows(frame, _level_of(group, reference, frame))
        rest = PsuSums.collect(sample, domains.only(rows), values, omega)
    differences = []
    for index in range(len(labels)):
        part = parts.of(index)
        other_side = rest.without(part) if reference == "rest" else rest
        differences.append(domain_difference(part, other_side).columns(level))
    columns = {
        name: np.stack([difference[name] for difference in differences], axis=1)
        for name in differences[0]
    }
    return describe(long_table(domains, names, columns, groups=labels), sample)


class _LabelSums:
    """Sums by PSU for each pair of domain and compared group; `of` selects one group's."""

    def __init__(
        self,
        sample: Sample,
        domains: Domains,
        values: Floats,
        omega: Floats,
        label: Codes,
        labels: int,
    ) -> None:
        inside = (label >= 0) & (domains.code >= 0)
        code = np.where(inside, domains.code * labels + label, -1)
        cells = Domains(code, pd.DataFrame(index=range(domains.count * labels)))
        self._sums = PsuSums.collect(sample, cells, values, omega)
        self._domains, self._labels = domains.count, labels

    def of(self, label: int) -> PsuSums:
        cell = np.arange(self._domains * self._labels)
        home = np.where(cell % self._labels == label, cell // self._labels, -1)
        return self._sums.within(home, self._domains)


def _read_labels(frame: pd.DataFrame, group: Selector) -> tuple[Codes, list[str]]:
    """Return the label code of each row (-1 for none) and the names of the groups to compare."""
    if isinstance(group, str) and not pd.api.types.is_bool_dtype(get_column(frame, group)):
        codes, levels = encode(frame[group], sort=True)
        if not len(levels):
            raise EstimateError("empty_group", column=group)
        return codes.astype(np.intp), levels.tolist()
    name = (
        group
        if isinstance(group, str)
        else ", ".join(f"{k}={v}" for k, v in _list_selector_terms(group))
    )
    return np.where(_find_matching_rows(frame, group), 0, -1), [name]


def _find_level_index(labels: list[str], reference: Selector) -> int | None:
    return labels.index(reference) if reference in labels else None


def _level_of(group: Selector, reference: Selector, frame: pd.DataFrame) -> Selector:
    """Return `reference` as a selector; a text that is no column means that value of `group`."""
    selector = isinstance(reference, tuple | Mapping) or reference in frame.columns
    return (group, reference) if isinstance(group, str) and not selector else reference


def _list_selector_terms(group: Selector) -> list[tuple[str, Hashable]]:
    if isinstance(group, str):
        return [(group, True)]
    return list(group.items()) if isinstance(group, Mapping) else [group]


def _find_matching_rows(frame: pd.DataFrame, group: Selector) -> Flags:
    """Return flags of rows that meet every (column, value) term of `group`; missing ones do not."""
    rows = np.ones(len(frame), dtype=np.bool_)
    for name, level in _list_selector_terms(group):
        hit = (get_column(frame, name) == level).fillna(False).to_numpy(np.bool_)
        if not hit.any():
            raise EstimateError("unknown_group", column=name, level=level)
        rows &= hit
    return rows


def domain_difference(group: PsuSums, reference: PsuSums) -> DifferenceInputs:
    """Return the estimates of `group` less those of `reference`, by domain, of one sample."""
    first, second = Linearised.of(group), Linearised.of(reference)
    sample, domains = group.sample, group.domains
    psu, domain, z, members = merge(
        sample,
        np.concatenate([group.psu, reference.psu]),
        np.concatenate([group.domain, reference.domain]),
        np.concatenate([first.z, -second.z]),
        np.concatenate([group.members, reference.members]),
    )
    spread = psu_variance(sample, psu, domain, z, members, domains)
    variance = spread.variance
    if sample.assumed_deff is not None:
        variance = sample.assumed_deff * _compute_simple_random_variance(
            sample, psu, domain, z, members, domains
        )
    return DifferenceInputs(
        first=first.estimate,
        second=second.estimate,
        variance=variance,
        df=np.minimum(_compute_design_df(group), _compute_design_df(reference)),
        psus=np.minimum(_count_psus_with_members(group), _count_psus_with_members(reference)),
        n_first=group.by_domain(group.rows),
        n_second=reference.by_domain(reference.rows),
        members=np.minimum(group.by_domain(group.members), reference.by_domain(reference.members)),
        size=estimate_magnitude(first) + estimate_magnitude(second),
    )


def _count_psus_with_members(sums: PsuSums) -> Floats:
    return sums.by_domain((sums.members > 0).astype(np.float64))


def _compute_design_df(sums: PsuSums) -> Floats:
    """Return degrees of freedom (PSUs less strata, with members), domains × statistics."""
    strata = len(sums.sample.psus)
    cell, cells = pd.factorize(sums.domain * strata + sums.sample.stratum[sums.psu])
    occupied = group_sum(cell, sums.members, len(cells)) > 0
    return _count_psus_with_members(sums) - group_sum(
        cells // strata, occupied.astype(np.float64), sums.domains
    )


def _compute_simple_random_variance(
    sample: Sample, psu: Codes, domain: Codes, z: Floats, members: Floats, domains: int
) -> Floats:
    """Return a difference's variance under simple random sampling, from linearised totals `z`.

    Over the rows of either side: sum(w u^2) / sum(w) / (n - 1), u = z sum(w) / w.
    """
    weight = np.zeros(len(sample.stratum))
    weight[sample.psu] = sample.weight
    present = (members > 0).astype(np.float64)
    squares = group_sum(domain, ratio(z**2, weight[psu, None]), domains)
    base = group_sum(domain, present, domains, weight[psu])
    return ratio(squares * base, group_sum(domain, present, domains) - 1, np.nan)
