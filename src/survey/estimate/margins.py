"""Margins of a raking problem: declared totals matched to the rows that must meet them."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import pandas as pd

from survey.estimate.arrays import Codes, Flags, Floats, weighted_count
from survey.estimate.design import encode, get_column
from survey.estimate.errors import EstimateError

MarginKey = str | tuple[str, ...]
CONSISTENCY = 1e-8


@dataclass(frozen=True)
class RakingGroups:
    """Groups of rows that are raked separately: the values of `within`, or one group of all."""

    column: str | None
    code: Codes
    labels: pd.Index

    @classmethod
    def read(cls, frame: pd.DataFrame, within: str | None) -> "RakingGroups":
        if within is None:
            return cls(None, np.zeros(len(frame), dtype=np.intp), pd.Index(["all"]))
        codes, labels = encode(get_column(frame, within), sort=True)
        if missing := int((codes < 0).sum()):
            raise EstimateError("missing_value", name=within, count=missing)
        return cls(within, codes.astype(np.intp), labels)

    def describe(self, label: Hashable) -> str:
        return "" if self.column is None else f"{self.column} {label!r}, "


@dataclass(frozen=True)
class RakingMargin:
    """Raking margin: each row's cell, and each cell's target total, NaN where undeclared.

    Cells are the grid groups × levels of each column, in C order.
    """

    name: MarginKey
    groups: RakingGroups
    levels: tuple[pd.Index, ...]
    cell: Codes
    target: Floats

    @property
    def width(self) -> int:
        """Number of cells in each group."""
        return int(np.prod([len(level) for level in self.levels]))

    def fail(self, code: str, cell: int, **params: object) -> NoReturn:
        """Raise an `EstimateError` with this `code` that names group, margin and cell."""
        group, label = self.labels(cell)
        raise EstimateError(
            code,
            margin=self.name,
            within=self.groups.describe(group),
            cell=label,
            group=group,
            **params,
        )

    def labels(self, cell: int) -> tuple[Hashable, Hashable]:
        """Return (value of `within`, level or tuple of levels) that name a cell."""
        place = np.unravel_index(cell % self.width, [len(level) for level in self.levels])
        levels = tuple(level[int(i)] for level, i in zip(self.levels, place, strict=True))
        return self.groups.labels[cell // self.width], levels[0] if len(levels) == 1 else levels

    def neighbour(self, cell: int, occupied: Flags) -> Hashable:
        """Return the level(s) of the nearest cell flagged `occupied`, for a merge; else None.

        Errors propose to merge with it.
        """
        sizes = [len(level) for level in self.levels]
        place = np.array(np.unravel_index(cell % self.width, sizes))
        start = cell - cell % self.width
        for axis in np.argsort([-size for size in sizes], kind="stable"):
            for step in sorted(range(1 - sizes[axis], sizes[axis]), key=lambda s: (abs(s), s)):
                moved = place.copy()
                moved[axis] += step
                if step and 0 <= moved[axis] < sizes[axis]:
                    other = start + int(np.ravel_multi_index(moved.tolist(), sizes))
                    if occupied[other]:
                        return self.labels(other)[1]
        return None


def read_margins(
    frame: pd.DataFrame, base: Floats, margins: Mapping[MarginKey, pd.Series], groups: RakingGroups
) -> list[RakingMargin]:
    """Return margins with target totals by cell; raise an error if rows cannot meet them."""
    if not margins:
        raise EstimateError("no_margins")
    built = [
        _read_margin(frame, name, pd.Series(targets), groups) for name, targets in margins.items()
    ]
    for margin in built:
        _check_cells(margin, base)
    _check_totals(built, groups)
    return built


def _read_margin(
    frame: pd.DataFrame, name: MarginKey, targets: pd.Series, groups: RakingGroups
) -> RakingMargin:
    columns = (name,) if isinstance(name, str) else name
    index = targets.index
    depth = len(columns) + (groups.column is not None)
    if index.nlevels != depth:
        raise EstimateError(
            "shape", name=f"index of margin {name!r}", found=index.nlevels, expected=depth
        )
    keys = [index.get_level_values(i) for i in range(depth)]
    group = np.zeros(len(index), dtype=np.intp)
    if groups.column is not None:
        group = _find_target_groups(name, groups, keys.pop(0), targets)
    codes, values = zip(
        *(pd.factorize(key.astype(object), use_na_sentinel=False) for key in keys), strict=True
    )
    levels = tuple(pd.Index(value, dtype=object) for value in values)
    sizes = (len(groups.labels), *(len(level) for level in levels))
    known = group >= 0
    cells = np.ravel_multi_index([group[known], *(code[known] for code in codes)], sizes)
    target = np.full(int(np.prod(sizes)), np.nan)
    target[cells] = targets.to_numpy(np.float64)[known]
    rows = [_level_of(frame, c, level, name) for c, level in zip(columns, levels, strict=True)]
    margin = RakingMargin(
        name, groups, levels, np.ravel_multi_index([groups.code, *rows], sizes), target
    )
    if len(set(cells.tolist())) < len(cells):
        margin.fail("repeated_target", int(cells[pd.Index(cells).duplicated()][0]))
    bad = np.flatnonzero(np.isinf(target) | (target < 0))
    if bad.size:
        margin.fail("bad_target", int(bad[0]), target=float(target[bad[0]]))
    return margin


def _find_target_groups(
    name: MarginKey, groups: RakingGroups, key: pd.Index, targets: pd.Series
) -> Codes:
    """Return each target's raking group (`key`: its value), -1 if no rows; raise if above 0."""
    group = groups.labels.get_indexer(key)
    stale = np.flatnonzero((group < 0) & (targets.to_numpy() > 0))
    if stale.size:
        entry = targets.index[stale[0]]
        raise EstimateError(
            "empty_cell",
            margin=name,
            within=groups.describe(entry[0]),
            group=entry[0],
            cell=entry[1] if len(entry) == 2 else entry[1:],
            target=float(targets.iloc[stale[0]]),
            merge=None,
        )
    return group.astype(np.intp)


def _level_of(frame: pd.DataFrame, name: str, levels: pd.Index, margin: MarginKey) -> Codes:
    codes, distinct = encode(get_column(frame, name))
    if missing := int((codes < 0).sum()):
        raise EstimateError("missing_level", margin=margin, within=name, count=missing)
    places = {level: place for place, level in enumerate(levels.tolist())}
    place = np.array([places.get(value, -1) for value in distinct.tolist()], dtype=np.intp)
    if (unknown := np.flatnonzero(place < 0)).size:
        count = int((codes == unknown[0]).sum())
        raise EstimateError(
            "missing_target", margin=margin, within="", cell=distinct[unknown[0]], count=count
        )
    places_of_rows: Codes = place[codes]
    return places_of_rows


def _check_cells(margin: RakingMargin, base: Floats) -> None:
    rows = np.bincount(margin.cell, minlength=len(margin.target))
    undeclared = np.flatnonzero(np.isnan(margin.target) & (rows > 0))
    if undeclared.size:
        cell = int(undeclared[0])
        margin.fail("missing_target", cell, count=int(rows[cell]))
    mass = weighted_count(margin.cell, base, len(margin.target))
    empty = np.flatnonzero((margin.target > 0) & (mass <= 0))
    if empty.size:
        cell = int(empty[0])
        merge = margin.neighbour(cell, mass > 0)
        margin.fail("empty_cell", cell, target=float(margin.target[cell]), merge=merge)


def _check_totals(margins: list[RakingMargin], groups: RakingGroups) -> None:
    totals = np.stack(
        [np.nansum(margin.target.reshape(-1, margin.width), axis=1) for margin in margins]
    )
    uneven = np.ptp(totals, axis=0) > CONSISTENCY * totals.max(axis=0)
    if uneven.any():
        worst = int(np.argmax(uneven))
        named = {m.name: float(t) for m, t in zip(margins, totals[:, worst], strict=True)}
        label = groups.labels[worst]
        raise EstimateError(
            "inconsistent_margins", within=groups.describe(label), group=label, totals=named
        )
