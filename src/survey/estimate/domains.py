"""Domains, the parts of a sample that get a row each, and tables with a row for each.

Rows of the sample are labelled, never dropped.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Self

import numpy as np
import pandas as pd

from survey.estimate.arrays import Codes, Flags
from survey.estimate.design import Strata, get_column
from survey.estimate.variance import STATUSES

COUNT_COLUMNS = ("df", "n", "n_psu", "n_reference", "n_rest")


@dataclass(frozen=True)
class Domains:
    """Domain code of every row, -1 for rows in none, and the keys of the D domains."""

    code: Codes
    keys: pd.DataFrame

    @property
    def count(self) -> int:
        return len(self.keys)

    @classmethod
    def read(cls, frame: pd.DataFrame, by: Sequence[str]) -> Self:
        """Return one domain per combination of `by` values found in the frame, sorted.

        Categorical columns contribute all their categories, so that a declared but unobserved
        cell appears (as `empty`). A row with a missing key belongs to no domain.
        """
        if not by:
            return cls(np.zeros(len(frame), dtype=np.intp), pd.DataFrame(index=range(1)))
        encoded = [_encode(get_column(frame, name)) for name in by]
        sizes = tuple(len(levels) for _, levels in encoded)
        inside = np.logical_and.reduce([codes >= 0 for codes, _ in encoded])
        declared = [isinstance(frame[name].dtype, pd.CategoricalDtype) for name in by]
        rows = np.zeros(0, dtype=np.intp)
        if inside.any():
            rows = np.ravel_multi_index([codes[inside] for codes, _ in encoded], sizes)
        cells = _complete(np.sort(pd.unique(rows)), sizes, declared)
        code = np.full(len(frame), -1, dtype=np.intp)
        code[inside] = np.searchsorted(cells, rows)
        level = np.unravel_index(cells, sizes) if len(cells) else [cells] * len(by)
        keys = {name: encoded[i][1].take(level[i]) for i, name in enumerate(by)}
        return cls(code, pd.DataFrame(keys))

    def only(self, rows: Flags) -> "Domains":
        """Return a copy in which rows outside `rows` have no domain, but stay in the sample."""
        return Domains(np.where(rows, self.code, -1), self.keys)


def _encode(series: pd.Series) -> tuple[Codes, pd.Index]:
    if isinstance(series.dtype, pd.CategoricalDtype):
        codes = series.cat.codes.to_numpy()
        levels: pd.Index = pd.CategoricalIndex(series.cat.categories, dtype=series.dtype)
        return codes.astype(np.intp), levels
    codes, distinct = pd.factorize(series, sort=True)
    return codes.astype(np.intp), pd.Index(distinct)


def _complete(observed: Codes, sizes: tuple[int, ...], declared: list[bool]) -> Codes:
    """Return sorted cell codes of `observed` and of all values of `declared` (category) columns."""
    if not any(declared) or 0 in sizes:
        return observed
    level = np.unravel_index(observed, sizes)
    plain = [i for i, is_declared in enumerate(declared) if not is_declared]
    axes = [np.arange(size) if d else [0] for size, d in zip(sizes, declared, strict=True)]
    grid = np.array(list(product(*axes)), dtype=np.intp).T
    seen = np.unique([level[i] for i in plain], axis=1).T if plain else np.zeros((1, 0), np.intp)
    cells = []
    for combination in seen:
        grid[plain] = combination[:, None]
        cells.append(np.ravel_multi_index(tuple(grid), sizes))
    return np.sort(np.concatenate(cells)) if cells else observed


def long_table(
    domains: Domains,
    variables: Sequence[str],
    columns: Mapping[str, np.ndarray],
    groups: Sequence[Hashable] | None = None,
) -> pd.DataFrame:
    """Build a table, a row per (domain, variable), from `columns`: arrays domains × variables.

    With `groups`, one row per (domain, group, variable) from columns (D, G, T): the domain's keys,
    `group`, `variable`, then the columns.
    """
    labels = [None] if groups is None else list(groups)
    repeat = np.repeat(np.arange(domains.count), len(labels) * len(variables))
    table: dict[str, object] = {
        str(name): key.array.take(repeat) for name, key in domains.keys.items()
    }
    if groups is not None:
        group = np.tile(np.repeat(np.arange(len(labels)), len(variables)), domains.count)
        table["group"] = pd.Index(labels).take(group)
    table["variable"] = np.tile(np.asarray(variables, dtype=object), domains.count * len(labels))
    for name, values in columns.items():
        flat = values.reshape(-1)
        if name == "status":
            table[name] = np.array(STATUSES, dtype=object)[flat]
        else:
            table[name] = flat.astype(np.int64) if name in COUNT_COLUMNS else flat
    return pd.DataFrame(table, index=range(len(repeat)), copy=False)


def describe(table: pd.DataFrame, sample: Strata) -> pd.DataFrame:
    """Record one-PSU strata, their rule and an assumed deff in `table.attrs`; return the table."""
    table.attrs["lonely_psu"] = sample.rule
    table.attrs["lonely_strata"] = sample.stratum_labels[sample.lonely].tolist()
    if sample.assumed_deff is not None:
        table.attrs["assumed_deff"] = sample.assumed_deff
        table.attrs["lonely_strata"] = []
    return table
