"""One part of a wave: rows of whole blocks, and the sums that a first pass takes from them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
import pandas as pd

from survey.estimate.arrays import Codes, Floats, keep_freed_memory, limit_to_one_thread
from survey.estimate.cube.accumulator import CubeMoments, RowAccumulator, StatisticLayout, sum_psus
from survey.estimate.cube.rows import CubeRows, area_of_psus, cut_into_chunks, read_area, read_rows
from survey.estimate.cube.segments import PsuRuns, PsuSegments
from survey.estimate.cube.spec import CubeSpec, Labels, Membership
from survey.estimate.design import Sample, Strata

ROUNDING_TOLERANCE = 1e-9


@dataclass(frozen=True)
class PartAreas:
    """Areas of one level that occur in a part, and the area of each block (-1 for none)."""

    name: str
    labels: pd.Index
    declared: tuple[Any, ...] | None
    """Every category in order, where the labels are categories; else they are sorted."""
    of_block: Codes


@dataclass(frozen=True)
class PartLayout:
    """Blocks, strata, groups and statistics of a part of a wave, without its sums and rows."""

    plan: StatisticLayout
    columns: int
    groups: tuple[str, ...]
    everyone: int
    levels: tuple[PartAreas, ...]
    strata: Strata
    block_keys: pd.Series
    """Smallest order of each block, and below of each stratum."""
    stratum_keys: pd.Series


@dataclass(frozen=True)
class PartSums(PartLayout):
    """Layout of a part with its sums by segment and by block, as the first pass returns them."""

    segments: PsuSegments
    moments: CubeMoments


@dataclass(frozen=True)
class CubePart:
    """Rows of a part of a wave with their sums by PSU, the input of every pass."""

    layout: PartLayout
    runs: PsuRuns
    rows: CubeRows
    psu: Floats
    """Sums of w r and of w r (y - centre) by PSU, raw units, shape (P, G, 2K)."""
    psu_labels: pd.MultiIndex
    is_rest: bool = False
    """Whether the sums are those of each group's complement, which are made as they are asked."""

    @property
    def asked(self) -> int:
        """Number of requested groups, without a group of everyone added for the sums."""
        return len(self.layout.groups)

    def totals(
        self, part: slice = slice(None), groups: slice = slice(None)
    ) -> tuple[Floats, Floats]:
        """Return (weights, weighted centred scores) by PSU, for slices of PSUs and groups."""
        columns, psu = self.layout.columns, self.psu[part]
        if self.is_rest:
            some = slice(*groups.indices(self.asked))
            psu = complement_sums(psu, some, self.layout.everyone, columns)
        else:
            psu = psu[:, groups]
        return psu[..., :columns], psu[..., columns:]

    def weights(self, part: slice, groups: slice) -> Floats:
        """Return sums of scoring rows' weights for a slice of PSUs, PSUs × groups × columns."""
        return self.totals(part, groups)[0]

    def sum_rows(self) -> PartSums:
        """Sum the rows by block and the PSUs by segment, and return these sums."""
        layout = self.layout
        with limit_to_one_thread():
            blocks = len(layout.block_keys)
            moments = RowAccumulator(self.rows, layout.plan, self.psu, blocks).run()
            segments = PsuSegments.sum(self.runs, self.weights, layout.plan)
        known = {each.name: getattr(layout, each.name) for each in fields(layout)}
        return PartSums(**known, segments=segments, moments=moments)

    def rest(self) -> "CubePart":
        """Return a copy in which each group is replaced by its complement."""
        member = ~self.rows.member[: self.asked]
        return replace(self, rows=replace(self.rows, member=member), is_rest=True)

    def without_rows(self) -> "CubePart":
        """Return a copy without answers and rates, for passes that need the sums alone."""
        rows = self.rows
        none = replace(rows, answers=rows.answers[:, :0].copy(), rates=rows.rates.without_rows())
        return replace(self, rows=none)

    def without_sums(self) -> Self:
        """Return a copy without the sums, a fourth of the memory; `with_sums` makes them again."""
        return replace(self, psu=self.psu[:0].copy())

    def with_sums(self) -> Self:
        """Return a copy with the sums by PSU, computed from the rows."""
        with limit_to_one_thread():
            return replace(self, psu=sum_psus(self.rows, len(self.psu_labels)))

    @classmethod
    def read(cls, frame: pd.DataFrame, spec: CubeSpec) -> Self:
        """Build a part from the rows of `frame` and their sums by PSU; errors as in `Cube.of`."""
        keep_freed_memory()
        sample = Sample.read(frame, spec.design)
        key = _OrderKeys.read(frame, spec.order)
        sample, stratum_keys = _sort_strata(sample, key)
        codes = {level: read_area(frame, level, labels) for level, labels in spec.areas.items()}
        row_block = _find_common_blocks([code for code, _ in codes.values()])
        if sample.assumed_deff is not None:
            sample = sample.without_points(row_block)
        block = area_of_psus(sample, " and ".join(spec.areas), row_block)
        order = np.lexsort((sample.stratum, block))
        groups = _add_everyone(spec.groups)
        rows = read_rows(frame, spec, sample, groups, _find_row_order(order, sample))
        rows_of_psu = np.bincount(sample.psu, minlength=len(order))[order]
        rows.chunks.extend(cut_into_chunks(block[order], rows_of_psu))
        blocks = int(row_block.max(initial=-1)) + 1
        layout = PartLayout(
            plan=_build_statistic_layout(spec, rows),
            columns=rows.columns,
            groups=tuple(spec.groups),
            everyone=[group is None for group in groups.values()].index(True),
            levels=tuple(
                _build_part_areas(name, frame, spec.areas[name], found, row_block, blocks)
                for name, found in codes.items()
            ),
            strata=Strata(
                sample.stratum_labels,
                sample.units,
                sample.population,
                sample.psus,
                sample.rule,
                sample.assumed_deff,
            ),
            block_keys=key.smallest(row_block, blocks),
            stratum_keys=stratum_keys,
        )
        runs = PsuRuns.of(sample.stratum[order], block[order])
        none = np.empty((0, len(rows.member), 2 * rows.columns))
        return cls(layout, runs, rows, none, sample.psu_labels.take(order)).with_sums()


def complement_sums(sums: Floats, groups: slice, everyone: int, columns: int) -> Floats:
    """Return the sums (..., 2K) of complements of `groups`: those of group `everyone` less theirs.

    What subtraction leaves of sums without a member is rounding, and is set to 0.
    """
    every = slice(everyone, everyone + 1)
    rest: Floats = sums[:, every] - sums[:, groups]
    none = rest[..., :columns] <= ROUNDING_TOLERANCE * sums[:, every, :columns]
    rest[..., :columns][none] = 0.0
    rest[..., columns:][none] = 0.0
    return rest


def _add_everyone(groups: Mapping[str, Membership]) -> Mapping[str, Membership]:
    """Return the groups, with one of everyone added last unless a group is everyone already."""
    return groups if any(group is None for group in groups.values()) else {**groups, "": None}


@dataclass(frozen=True)
class _OrderKeys:
    """Values by which strata and blocks are ordered, one for each row."""

    values: pd.Series
    are_sorted: bool

    @classmethod
    def read(cls, frame: pd.DataFrame, column: str | None) -> Self:
        """Read the values of `column`; without a column, take the row numbers."""
        if column is None:
            return cls(pd.Series(range(len(frame))), are_sorted=True)
        values = frame[column].reset_index(drop=True)
        return cls(values, values.is_monotonic_increasing)

    def smallest(self, codes: Codes, size: int) -> pd.Series:
        """Return the smallest value of the rows of each code 0 … size - 1, all of which occur."""
        if not self.are_sorted:
            return self.values.groupby(codes).min()
        first = np.empty(size, dtype=np.intp)
        first[codes[::-1]] = np.arange(len(codes))[::-1]
        return pd.Series(self.values.array.take(first))


def _sort_strata(sample: Sample, key: _OrderKeys) -> tuple[Sample, pd.Series]:
    """Return the sample with strata sorted by their smallest value of `key`, and these values."""
    keys = key.smallest(sample.stratum[sample.psu], len(sample.psus))
    order = np.argsort(keys.to_numpy(), kind="stable")
    if (order == np.arange(len(order))).all():
        return sample, keys
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    moved = replace(
        sample,
        stratum_labels=sample.stratum_labels[order],
        units=sample.units[order],
        population=sample.population[order],
        psus=sample.psus[order],
        stratum=place[sample.stratum],
    )
    return moved, keys.iloc[order]


def _find_row_order(order: Codes, sample: Sample) -> Codes:
    """Return the permutation that sorts rows by their PSUs, the PSUs as in `order`."""
    rank = np.empty(len(order), dtype=np.uint16 if len(order) < 2**16 else np.intp)
    rank[order] = np.arange(len(order))
    return np.argsort(rank[sample.psu], kind="stable")


def _find_common_blocks(codes: list[Codes]) -> Codes:
    """Return the block code of each row; rows with equal area codes at every level share one."""
    block = codes[0] + 1
    for code in codes[1:]:
        block = block * (int(code.max(initial=-1)) + 2) + code + 1
        block = pd.factorize(block)[0].astype(np.intp)
    return pd.factorize(block, sort=True)[0].astype(np.intp)


def _build_part_areas(
    name: str,
    frame: pd.DataFrame,
    given: Labels,
    found: tuple[Codes, pd.Index],
    row_block: Codes,
    blocks: int,
) -> PartAreas:
    code, labels = found
    dtype = frame[given].dtype if isinstance(given, str) else None
    declared = tuple(dtype.categories.tolist()) if isinstance(dtype, pd.CategoricalDtype) else None
    of_block = np.full(blocks, -1, dtype=np.intp)
    of_block[row_block] = code
    return PartAreas(name, labels, declared, of_block)


def _build_statistic_layout(spec: CubeSpec, rows: CubeRows) -> StatisticLayout:
    """Build the layout of the tree's indicators and the rates over the summed columns."""
    tree, scale = spec.tree, spec.scale
    items, statistics, rates = len(tree.item_columns), len(tree.omega), len(spec.rates)
    by_respondent = spec.composite == "per_respondent"
    answers = np.eye(statistics) if by_respondent else tree.omega
    omega = np.zeros((statistics + rates, answers.shape[1] + rates))
    omega[:statistics, : answers.shape[1]] = answers * scale.unit
    omega[statistics:, answers.shape[1] :] = np.eye(rates)
    centre = rows.centre[:items]
    if by_respondent:
        centre = tree.omega @ centre
    offset = np.concatenate([centre - scale.minimum, rows.centre[items:]])
    support = np.zeros((statistics + rates, items))
    support[:statistics] = tree.omega != 0
    first, place = _find_distinct(np.hstack([omega, support]))
    if not tree.folds_equal:
        first = place = np.arange(len(omega))
    return StatisticLayout(
        (*tree.variables, *spec.rates), place, omega[first], offset, support[first]
    )


def _find_distinct(lines: Floats) -> tuple[Codes, Codes]:
    """Return the first index of each set of equal `lines`, and each line's number of its set."""
    first: dict[bytes, int] = {}
    keys = [line.tobytes() for line in lines]
    for number, key in enumerate(keys):
        first.setdefault(key, number)
    code = {key: number for number, key in enumerate(first)}
    return np.array([*first.values()], np.intp), np.array([code[key] for key in keys], np.intp)
