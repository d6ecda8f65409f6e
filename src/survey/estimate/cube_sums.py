"""The sums of a cube: everything its tables need, taken from the rows once."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Literal, Self

import numpy as np
import pandas as pd
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from survey.estimate.arrays import Codes, Flags, Floats
from survey.estimate.cube_accumulator import CubeMoments, RowAccumulator, StatisticLayout
from survey.estimate.cube_read import (
    Labels,
    Membership,
    area_of_psus,
    read_area,
    read_groups,
    read_raw,
)
from survey.estimate.cube_rows import CubeRows, RatingScale, centre_answers, cut_into_chunks
from survey.estimate.design import Design, Sample, numbers
from survey.estimate.errors import EstimateError
from survey.estimate.indicators import Composite, check_composite
from survey.estimate.tree import Tree

DfRule = Literal["design", "weighted"]
DF_RULES = ("design", "weighted")
ROUNDING_TOLERANCE = 1e-9


def limit_to_one_thread() -> AbstractContextManager[object]:
    """Hold BLAS to one thread: for many small products more threads only wait for each other."""
    limit: AbstractContextManager[object] = _blas().limit(limits=1, user_api="blas")
    return limit


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()


@cache
def keep_freed_memory() -> None:
    """Let the C library keep what one cube frees for the next one.

    glibc gives a large free top of its heap back to the system, and every page of it is then
    fetched anew: a fifth of a cube's time. The first large block that a process frees sets how
    large (twice the block, up to 64 MiB; mallopt(3), M_MMAP_THRESHOLD). This one is never written
    to, so it costs nothing; other C libraries ignore it.
    """
    np.empty(31 << 20, dtype=np.uint8)


@dataclass(frozen=True)
class AreaLevel:
    """One area level: the area of every PSU and block (-1 for none) and the areas' labels."""

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
    """Sums by PSU and by block; P PSUs in row order, B blocks, G groups, K columns, T statistics.

    `groups` names the groups asked for; where none of them is everyone, the last of the G groups
    is.
    """

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
    composite: Composite
    renormalise: bool
    df_rule: DfRule

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
        """The complement of each group among everyone; what subtraction leaves of sums that have
        no member is rounding, and is set to 0."""
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
    def collect(
        cls,
        frame: pd.DataFrame,
        tree: Tree,
        design: Design,
        *,
        areas: Mapping[str, Labels],
        groups: Mapping[str, Membership],
        rates: Sequence[str] = (),
        composite: Composite,
        scale: RatingScale,
        renormalise: bool,
        df_rule: DfRule,
    ) -> Self:
        """Read the frame and sum it; arguments as in `Cube.of`."""
        keep_freed_memory()
        if not areas:
            raise EstimateError("no_areas")
        if not groups:
            raise EstimateError("no_groups")
        check_composite(composite)
        if df_rule not in DF_RULES:
            raise EstimateError("not_a_choice", name="df_rule", choices=DF_RULES, value=df_rule)
        sample = Sample.read(frame, design)
        codes = {level: read_area(frame, level, labels) for level, labels in areas.items()}
        row_block = _refinement([code for code, _ in codes.values()])
        if sample.assumed_deff is not None:
            sample = sample.without_points(row_block)
        block = area_of_psus(sample, " and ".join(areas), row_block)
        order = np.lexsort((sample.stratum, block))
        row_order = _row_order(order, sample)
        member = read_groups(frame, _with_everyone(groups), row_order)
        rows = _cube_rows(frame, tree, rates, composite, scale, row_order, member, sample)
        rows_of_psu = np.bincount(sample.psu, minlength=len(order))[order]
        rows.chunks.extend(cut_into_chunks(block[order], rows_of_psu))
        plan = _plan(tree, rates, composite, rows)
        blocks = int(block.max(initial=-1)) + 1
        with limit_to_one_thread():
            moments = RowAccumulator(rows, plan, len(order), blocks).run()
        return cls(
            sample=sample,
            plan=plan,
            rows=rows,
            groups=tuple(groups),
            everyone=[group is None for group in _with_everyone(groups).values()].index(True),
            levels=tuple(
                _level(name, sample, code, labels, block, order, blocks)
                for name, (code, labels) in codes.items()
            ),
            order=order,
            block=block[order],
            stratum=sample.stratum[order],
            composite=composite,
            renormalise=renormalise,
            df_rule=df_rule,
            moments=moments,
        )


def _with_everyone(groups: Mapping[str, Membership]) -> Mapping[str, Membership]:
    """The groups, with everyone last unless they are among them."""
    return groups if any(group is None for group in groups.values()) else {**groups, "": None}


def _row_order(order: Codes, sample: Sample) -> Codes:
    """Rows sorted by the order of their PSUs."""
    rank = np.empty(len(order), dtype=np.uint16 if len(order) < 2**16 else np.intp)
    rank[order] = np.arange(len(order))
    return np.argsort(rank[sample.psu], kind="stable")


def _refinement(codes: list[Codes]) -> Codes:
    """Rows with equal codes at every level share a block."""
    block = codes[0] + 1
    for code in codes[1:]:
        block = block * (int(code.max(initial=-1)) + 2) + code + 1
        block = pd.factorize(block)[0].astype(np.intp)
    return pd.factorize(block, sort=True)[0].astype(np.intp)


def _level(
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


def _cube_rows(
    frame: pd.DataFrame,
    tree: Tree,
    rates: Sequence[str],
    composite: Composite,
    scale: RatingScale,
    order: Codes,
    member: Flags,
    sample: Sample,
) -> CubeRows:
    raw = read_raw(frame, tree.item_columns, scale, order)
    extra = np.empty((len(rates), len(frame)))
    for values, name in zip(extra, rates, strict=True):
        values[:] = numbers(frame, name)[order]
    middle = [np.rint((scale.minimum + scale.maximum) / 2)] * len(raw)
    middle += [np.rint(np.nan_to_num(values).mean()) if len(values) else 0.0 for values in extra]
    omega = tree.omega if composite == "per_respondent" else np.empty((0, len(raw)))
    centre = np.array(middle, dtype=np.float64)
    return CubeRows(
        answers=centre_answers(centre[: len(raw)], raw),
        rates=extra,
        member=member,
        weight=sample.weight[order],
        chunks=[],
        centre=centre,
        omega=omega,
        scale=scale,
    )


def _plan(
    tree: Tree, rates: Sequence[str], composite: Composite, rows: CubeRows
) -> StatisticLayout:
    items, unit = len(tree.item_columns), rows.scale.unit
    statistics, extra = len(tree.omega), len(rates)
    answers = np.eye(statistics) if composite == "per_respondent" else tree.omega
    omega = np.zeros((statistics + extra, answers.shape[1] + extra))
    omega[:statistics, : answers.shape[1]] = answers * unit
    omega[statistics:, answers.shape[1] :] = np.eye(extra)
    centre = rows.centre[:items]
    if composite == "per_respondent":
        centre = tree.omega @ centre
    offset = np.concatenate([centre - rows.scale.minimum, rows.centre[items:]])
    support = np.zeros((statistics + extra, items))
    support[:statistics] = tree.omega != 0
    first, place = _distinct(np.hstack([omega, support]))
    return StatisticLayout((*tree.variables, *rates), place, omega[first], offset, support[first])


def _distinct(lines: Floats) -> tuple[Codes, Codes]:
    """First of each group of equal lines, in order, and the group of every line."""
    place, _ = pd.factorize(pd.Series([line.tobytes() for line in lines]))
    first = np.unique(place, return_index=True)[1]
    return first, place.astype(np.intp)
