"""Differences between groups of one sample, linearised: the groups share PSUs, so their errors
are not independent and two intervals would mislead."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from survey.estimate.arrays import Codes, Flags, Floats, ratio
from survey.estimate.design import Design, Sample, column
from survey.estimate.domains import Domains
from survey.estimate.engine import magnitude, without_dust
from survey.estimate.errors import EstimateError
from survey.estimate.estimate import matrix, names_of
from survey.estimate.sums import Linearised, PsuSums
from survey.estimate.tables import describe, long_table
from survey.estimate.variance import merge, spread, status, t_pvalue, t_quantile

Selector = str | tuple[str, Hashable] | Mapping[str, Hashable]


@dataclass(frozen=True)
class Gap:
    """A group against its reference in each domain, arrays of shape (D, T)."""

    group: Linearised
    reference: Linearised
    difference: Floats
    se: Floats
    df: Floats
    status: np.ndarray

    def columns(self, level: float) -> dict[str, np.ndarray]:
        margin = t_quantile(self.df, level) * self.se
        t = ratio(self.difference, self.se, np.nan)
        return {
            "estimate": self.group.estimate,
            "reference_estimate": self.reference.estimate,
            "difference": self.difference,
            "se": self.se,
            "ci_low": self.difference - margin,
            "ci_high": self.difference + margin,
            "df": self.df,
            "p": t_pvalue(t, self.df),
            "n": self.group.sums.by_domain(self.group.sums.rows),
            "n_reference": self.reference.sums.by_domain(self.reference.sums.rows),
            "status": self.status,
        }


def compare(
    frame: pd.DataFrame,
    variables: str | Sequence[str],
    design: Design,
    *,
    group: Selector,
    reference: Selector = "rest",
    by: str | Sequence[str] = (),
    level: float = 0.95,
) -> pd.DataFrame:
    """Difference of weighted means, group less reference, within each domain of `by`.

    Args:
        group: a column name: a boolean column is one group, any other column gives one group per
            level; or (column, level); or a mapping of column to level, all of which must hold.
        reference: "rest" (the domain without the group), "all" (the domain, group included), a
            level of the `group` column, or a selector like `group`.
        by: the domains within which to compare.

    Returns:
        One row per (by…, group, variable): group, variable, estimate, reference_estimate,
        difference, se, ci_low, ci_high, df (of the PSUs of either side), p (two-sided t), n,
        n_reference, status. Not estimable when either side lies in fewer than two PSUs,
        unreliable when df < 8 or either side has fewer than 30 respondents.

    Raises:
        EstimateError: as `estimate`; or an unknown group.

    Source: R `survey` `svyby(covmat=TRUE)` with `svycontrast`.
    """
    names = names_of(variables)
    sample = Sample.read(frame, design)
    domains = Domains.read(frame, names_of(by))
    values, omega = matrix(frame, names), np.eye(len(names))
    label, labels = _labels(frame, group)
    parts = _Parts(sample, domains, values, omega, label, len(labels))
    if isinstance(reference, str) and reference in ("rest", "all"):
        outside = PsuSums.collect(sample, domains, values, omega)
    elif (other := _as_level(labels, reference)) is not None:
        outside = parts.of(other)
    else:
        rows = _rows(frame, reference)
        outside = PsuSums.collect(sample, domains.only(rows), values, omega)
    tables = []
    for index, name in enumerate(labels):
        part = parts.of(index)
        other_side = outside.without(part) if reference == "rest" else outside
        table = long_table(domains, names, gap(part, other_side).columns(level))
        table.insert(len(domains.keys.columns), "group", name)
        tables.append(table)
    return describe(pd.concat(tables, ignore_index=True), sample)


class _Parts:
    """PSU sums of every (domain, label) at once, handed out one label at a time."""

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


def _labels(frame: pd.DataFrame, group: Selector) -> tuple[Codes, list[str]]:
    """The label of each row, -1 for none, and the names of the labels."""
    if isinstance(group, str) and not pd.api.types.is_bool_dtype(column(frame, group)):
        codes, levels = pd.factorize(frame[group], sort=True)
        return codes.astype(np.intp), levels.tolist()
    name = group if isinstance(group, str) else ", ".join(f"{k}={v}" for k, v in _terms(group))
    return np.where(_rows(frame, group), 0, -1), [name]


def _as_level(labels: list[str], reference: Selector) -> int | None:
    return labels.index(reference) if reference in labels else None


def _terms(group: Selector) -> list[tuple[str, Hashable]]:
    if isinstance(group, str):
        return [(group, True)]
    return list(group.items()) if isinstance(group, Mapping) else [group]


def _rows(frame: pd.DataFrame, group: Selector) -> Flags:
    """Rows that satisfy every (column, level) term; missing values satisfy none."""
    rows = np.ones(len(frame), dtype=np.bool_)
    for name, level in _terms(group):
        hit = (column(frame, name) == level).fillna(False).to_numpy(np.bool_)
        if not hit.any():
            raise EstimateError("unknown_group", column=name, level=level)
        rows &= hit
    return rows


def gap(group: PsuSums, reference: PsuSums) -> Gap:
    """Difference of two sets of domains of one sample; they may overlap."""
    first, second = Linearised.of(group), Linearised.of(reference)
    sample, domains = group.sample, group.domains
    entries = merge(
        sample,
        np.concatenate([group.psu, reference.psu]),
        np.concatenate([group.domain, reference.domain]),
        np.concatenate([first.z, -second.z]),
        np.concatenate([group.members, reference.members]),
    )
    spreads = spread(sample, *entries, domains)
    difference = first.estimate - second.estimate
    variance = spreads.variance * (sample.assumed_deff or 1.0)
    variance = without_dust(variance, magnitude(first) + magnitude(second))
    thin = np.minimum(_psus(group), _psus(reference)) < 2
    se = np.sqrt(np.where(thin, np.nan, variance))
    members = np.minimum(group.by_domain(group.members), reference.by_domain(reference.members))
    verdict = status(difference, se, spreads.df, members)
    return Gap(first, second, difference, se, spreads.df, verdict)


def _psus(sums: PsuSums) -> Floats:
    return sums.by_domain((sums.members > 0).astype(np.float64))
