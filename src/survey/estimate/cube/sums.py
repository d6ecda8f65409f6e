"""Sums of a cube, taken from the rows once for all its tables."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import pandas as pd

from survey.estimate.arrays import Codes, Floats, keep_freed_memory, limit_to_one_thread
from survey.estimate.cube.accumulator import CubeMoments, RowAccumulator, StatisticLayout
from survey.estimate.cube.rows import CubeRows, area_of_psus, cut_into_chunks, read_area, read_rows
from survey.estimate.cube.spec import CubeSpec, Membership
from survey.estimate.design import Sample

ROUNDING_TOLERANCE = 1e-9


@dataclass(frozen=True)
class AreaLevel:
    """Area level with the area of every PSU and block (-1 for none) and the areas' labels."""

    name: str
    labels: pd.Index
    of_psu: Codes
    of_block: Codes

    @cached_property
    def of_blocks(self) -> bool:
        """Whether the areas are the blocks."""
        size = len(self.labels)
        return size == len(self.of_block) and bool((self.of_block == np.arange(size)).all())


@dataclass(frozen=True)
class CubeSums:
    """Sums by PSU and block: P PSUs in row order, B blocks, G groups, K columns, T statistics.

    `groups` names the groups asked for; where none of them is everyone, the last of the G groups
    is.
    """

    spec: CubeSpec
    sample: Sample
    plan: StatisticLayout
    rows: CubeRows
    groups: tuple[str, ...]
    everyone: int
    """The group that holds every row."""
    levels: tuple[AreaLevel, ...]
    order: Codes
    """Place in `sample` of each PSU in row order, shape (P,)."""
    block: Codes
    """Block of each PSU, shape (P,)."""
    stratum: Codes
    """Stratum of each PSU, shape (P,)."""
    moments: CubeMoments

    @property
    def shape(self) -> tuple[int, int]:
        """Groups asked for, and statistics."""
        return len(self.groups), len(self.plan.omega)

    @property
    def weight(self) -> Floats:
        """Sum of w r by PSU, shape (P, G, K)."""
        return self.moments.psu[..., : self.rows.columns]

    @property
    def total(self) -> Floats:
        """Sum of w r (y - centre) by PSU, in raw units, shape (P, G, K)."""
        return self.moments.psu[..., self.rows.columns :]

    def rest(self) -> "CubeSums":
        """Return the sums of the complement of each group.

        What subtraction leaves of sums without a member is rounding, and is set to 0.
        """
        asked, every = slice(0, len(self.groups)), slice(self.everyone, self.everyone + 1)
        columns, moments = self.rows.columns, self.moments

        def less(sums: Floats) -> Floats:
            return sums[:, every] - sums[:, asked]

        def sums_less(sums: Floats) -> Floats:
            rest = less(sums)
            none = rest[..., :columns] <= ROUNDING_TOLERANCE * sums[:, every, :columns]
            rest[..., :columns][none] = 0.0
            rest[..., columns:][none] = 0.0
            return rest

        members = less(moments.members)
        rest = CubeMoments(
            psu=sums_less(moments.psu),
            block=sums_less(moments.block),
            square=less(moments.square),
            product=less(moments.product),
            n=less(moments.n),
            members=members,
            base=less(moments.base) * (members > 0),
            scores=less(moments.scores),
        )
        rows = replace(self.rows, member=~self.rows.member[asked])
        return replace(self, rows=rows, moments=rest)

    @classmethod
    def collect(cls, frame: pd.DataFrame, spec: CubeSpec) -> Self:
        """Read the frame and sum its rows; errors as in `Cube.of`."""
        keep_freed_memory()
        sample = Sample.read(frame, spec.design)
        codes = {level: read_area(frame, level, labels) for level, labels in spec.areas.items()}
        row_block = _common_blocks([code for code, _ in codes.values()])
        if sample.assumed_deff is not None:
            sample = sample.without_points(row_block)
        block = area_of_psus(sample, " and ".join(spec.areas), row_block)
        order = np.lexsort((sample.stratum, block))
        row_order = _row_order(order, sample)
        groups = _with_everyone(spec.groups)
        rows = read_rows(frame, spec, sample, groups, row_order)
        rows_of_psu = np.bincount(sample.psu, minlength=len(order))[order]
        rows.chunks.extend(cut_into_chunks(block[order], rows_of_psu))
        plan = _statistic_layout(spec, rows)
        blocks = int(block.max(initial=-1)) + 1
        with limit_to_one_thread():
            moments = RowAccumulator(rows, plan, len(order), blocks).run()
        return cls(
            spec=spec,
            sample=sample,
            plan=plan,
            rows=rows,
            groups=tuple(spec.groups),
            everyone=[group is None for group in groups.values()].index(True),
            levels=tuple(
                _area_level(name, sample, code, labels, block, order, blocks)
                for name, (code, labels) in codes.items()
            ),
            order=order,
            block=block[order],
            stratum=sample.stratum[order],
            moments=moments,
        )


def _with_everyone(groups: Mapping[str, Membership]) -> Mapping[str, Membership]:
    """Return the groups, with everyone last unless they are among them."""
    return groups if any(group is None for group in groups.values()) else {**groups, "": None}


def _row_order(order: Codes, sample: Sample) -> Codes:
    """Return the order that sorts the rows like their PSUs."""
    rank = np.empty(len(order), dtype=np.uint16 if len(order) < 2**16 else np.intp)
    rank[order] = np.arange(len(order))
    return np.argsort(rank[sample.psu], kind="stable")


def _common_blocks(codes: list[Codes]) -> Codes:
    """Return the block of each row; rows with equal codes at every level share one."""
    block = codes[0] + 1
    for code in codes[1:]:
        block = block * (int(code.max(initial=-1)) + 2) + code + 1
        block = pd.factorize(block)[0].astype(np.intp)
    return pd.factorize(block, sort=True)[0].astype(np.intp)


def _area_level(
    name: str,
    sample: Sample,
    code: Codes,
    labels: pd.Index,
    block: Codes,
    order: Codes,
    blocks: int,
) -> AreaLevel:
    area = area_of_psus(sample, name, code)
    of_block = np.full(blocks, -1, dtype=np.intp)
    of_block[block] = area
    return AreaLevel(name, labels, area[order], of_block)


def _statistic_layout(spec: CubeSpec, rows: CubeRows) -> StatisticLayout:
    """Return weights and offsets of the tree's indicators and the rates over the summed columns."""
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
    first, place = _distinct(np.hstack([omega, support]))
    return StatisticLayout(
        (*tree.variables, *spec.rates), place, omega[first], offset, support[first]
    )


def _distinct(lines: Floats) -> tuple[Codes, Codes]:
    """Return the first of each group of equal lines, in order, and the group of every line."""
    place, _ = pd.factorize(pd.Series([line.tobytes() for line in lines]))
    first = np.unique(place, return_index=True)[1]
    return first, place.astype(np.intp)
