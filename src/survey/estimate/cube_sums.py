"""One pass over the rows: PSU sums for every group and column, and the second moments that the
design effect needs. Every area level is worked out from these."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Self

import numpy as np
import pandas as pd
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from survey.estimate.arrays import Codes, Flags, Floats
from survey.estimate.cube_rows import (
    Labels,
    Membership,
    Rows,
    Scale,
    cut,
    of_psus,
    read_area,
    read_groups,
    read_raw,
)
from survey.estimate.design import Design, Sample, numbers
from survey.estimate.errors import EstimateError
from survey.estimate.indicators import Composite, check_composite
from survey.estimate.sums import in_base
from survey.estimate.tree import Tree

PAIRED_ITEMS = 3
ROUNDING = 1e-9


def one_thread() -> AbstractContextManager[object]:
    """Hold BLAS to one thread: for many small products more threads only wait for each other."""
    limit: AbstractContextManager[object] = _blas().limit(limits=1, user_api="blas")
    return limit


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()


@dataclass(frozen=True)
class Plan:
    """What the T statistics are made of, K columns each.

    `omega` (T, K) is in score units per raw step. Statistics of one column need its squares,
    those of a few columns the products of their pairs, the `dense` rest a pass over the rows.
    """

    indicators: tuple[str, ...]
    omega: Floats
    offset: Floats
    """Score at the columns' centres, shape (K,), in score units over raw units."""
    items: Floats
    """Which items a statistic rests on, shape (T, I), for availability."""
    pairs: Codes = field(init=False)
    """Column pairs (q, 2) of the statistics with two or three columns."""
    dense: Codes = field(init=False)
    """Statistics with more columns."""
    several: Codes = field(init=False)
    """Statistics with more than one column."""

    def __post_init__(self) -> None:
        size = (self.omega != 0).sum(axis=1)
        small = [np.flatnonzero(row) for row in self.omega[(size > 1) & (size <= PAIRED_ITEMS)]]
        pairs = {(a, b) for columns in small for a in columns for b in columns if a < b}
        object.__setattr__(self, "pairs", np.array(sorted(pairs), np.intp).reshape(-1, 2))
        object.__setattr__(self, "dense", np.flatnonzero(size > PAIRED_ITEMS))
        object.__setattr__(self, "several", np.flatnonzero(size > 1))


@dataclass(frozen=True)
class AreaLevel:
    """One area level: the area of every PSU and block (-1 for none) and the areas' labels."""

    name: str
    labels: pd.Index
    of_psu: Codes
    of_block: Codes


@dataclass(frozen=True)
class CubeSums:
    """Sums by PSU and by block; P PSUs in row order, B blocks, G groups, K columns, T statistics.

    `groups` names the groups asked for; where none of them is everyone, the last of the G groups
    is.
    """

    sample: Sample
    plan: Plan
    rows: Rows
    groups: tuple[str, ...]
    everyone: int
    """The group that holds every row."""
    levels: tuple[AreaLevel, ...]
    block: Codes
    """Block of each PSU, shape (P,)."""
    stratum: Codes
    """Stratum of each PSU, shape (P,)."""
    weight: Floats
    """Sum of w r, shape (P, G, K)."""
    total: Floats
    """Sum of w r (y - centre) in raw units, shape (P, G, K)."""
    square: Floats
    """Sum of w r (y - centre)^2, shape (B, G, K)."""
    product: Floats
    """Sums of r r, r y, y r, y y over pairs of columns, shape (B, G, 4, q)."""
    n: Floats
    """Rows in the base of each statistic, shape (B, G, T)."""
    members: Floats
    """Those with a positive weight, shape (B, G, T)."""
    base: Floats
    """Sum of their weights, shape (B, G, T)."""
    scores: Floats
    """Scored rows with a positive weight by item, shape (B, G, I)."""
    composite: Composite
    renormalise: bool

    @property
    def shape(self) -> tuple[int, int]:
        """Groups asked for, and statistics."""
        return len(self.groups), len(self.plan.omega)

    @cached_property
    def block_weight(self) -> Floats:
        """Sum of w r, shape (B, G, K)."""
        return np.add.reduceat(self.weight, self._block_starts, axis=0)

    @cached_property
    def block_total(self) -> Floats:
        """Sum of w r (y - centre), shape (B, G, K)."""
        return np.add.reduceat(self.total, self._block_starts, axis=0)

    @property
    def _block_starts(self) -> Codes:
        return np.searchsorted(self.block, np.arange(len(self.n)))

    def rest(self) -> "CubeSums":
        """The complement of each group among everyone; what subtraction leaves of sums that have
        no member is rounding, and is set to 0."""
        asked, every = slice(0, len(self.groups)), slice(self.everyone, self.everyone + 1)

        def less(sums: Floats) -> Floats:
            return sums[:, every] - sums[:, asked]

        weight, members = less(self.weight), less(self.members)
        scored = weight > ROUNDING * self.weight[:, every]
        return replace(
            self,
            rows=replace(self.rows, member=~self.rows.member[:, asked]),
            weight=weight * scored,
            total=less(self.total) * scored,
            square=less(self.square),
            product=less(self.product),
            n=less(self.n),
            members=members,
            base=less(self.base) * (members > 0),
            scores=less(self.scores),
        )

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
        scale: Scale,
        renormalise: bool,
    ) -> Self:
        """Read the frame and sum it; arguments as in `Cube.of`."""
        if not areas:
            raise EstimateError("no_areas")
        check_composite(composite)
        sample = Sample.read(frame, design)
        codes = {level: read_area(frame, level, labels) for level, labels in areas.items()}
        row_block = _refinement([code for code, _ in codes.values()])
        if sample.assumed_deff is not None:
            sample = sample.without_points(row_block)
        block = of_psus(sample, " and ".join(areas), row_block)
        order = np.lexsort((sample.stratum, block))
        rank = np.argsort(order)
        row_order = np.argsort(rank[sample.psu], kind="stable")
        member = read_groups(frame, groups)
        if not any(group is None for group in groups.values()):
            member = np.column_stack([member, np.ones(len(frame), np.bool_)])
        rows = _rows(frame, tree, rates, composite, scale, row_order, member, sample)
        rows_of_psu = np.bincount(sample.psu, minlength=len(order))[order]
        rows.chunks.extend(cut(block[order], rows_of_psu))
        plan = _plan(tree, rates, composite, rows)
        blocks = int(block.max(initial=-1)) + 1
        with one_thread():
            sums = _pass(rows, plan, len(order), blocks)
        return cls(
            sample=sample,
            plan=plan,
            rows=rows,
            groups=tuple(groups),
            everyone=[*(group is None for group in groups.values()), True].index(True),
            levels=tuple(
                _level(name, sample, code, labels, block, order, blocks)
                for name, (code, labels) in codes.items()
            ),
            block=block[order],
            stratum=sample.stratum[order],
            composite=composite,
            renormalise=renormalise,
            **sums,
        )


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
    area = of_psus(sample, name, code)
    of_block = np.full(blocks, -1, dtype=np.intp)
    of_block[block] = area
    return AreaLevel(name, labels, area[order], of_block)


def _rows(
    frame: pd.DataFrame,
    tree: Tree,
    rates: Sequence[str],
    composite: Composite,
    scale: Scale,
    order: Codes,
    member: Flags,
    sample: Sample,
) -> Rows:
    raw = read_raw(frame, tree.item_columns, scale, order)
    extra = np.empty((len(frame), len(rates)))
    for k, name in enumerate(rates):
        extra[:, k] = numbers(frame, name)[order]
    middle = [_whole(column[column >= 0]) for column in raw.T]
    middle += [_whole(column[~np.isnan(column)]) for column in extra.T]
    omega = tree.omega if composite == "per_respondent" else np.empty((0, raw.shape[1]))
    return Rows(
        raw=raw,
        rates=extra,
        member=member[order],
        weight=sample.weight[order],
        chunks=[],
        centre=np.array(middle, dtype=np.float64),
        omega=omega,
        scale=scale,
    )


def _whole(values: np.ndarray) -> float:
    return float(np.rint(values.mean())) if values.size else 0.0


def _plan(tree: Tree, rates: Sequence[str], composite: Composite, rows: Rows) -> Plan:
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
    return Plan((*tree.variables, *rates), omega, offset, support)


def _pass(rows: Rows, plan: Plan, psus: int, blocks: int) -> dict[str, Floats]:
    """The single pass over the rows."""
    groups, columns = rows.member.shape[1], rows.columns
    items, statistics = rows.raw.shape[1], len(plan.omega)
    sums = np.empty((psus, groups, 2 * columns))
    square = np.zeros((blocks, groups, columns))
    product = np.zeros((blocks, groups, 4, len(plan.pairs)))
    n, members, base = (np.zeros((blocks, groups, statistics)) for _ in range(3))
    scores = np.zeros((blocks, groups, items))
    weightless = not (rows.weight > 0).all()
    first, second = plan.pairs.T
    for chunk in rows.chunks:
        features, mass = rows.features(chunk), rows.mass(chunk)
        for psu, part in chunk.psus:
            np.matmul(mass[part].T, features[part], out=sums[psu])
        r, y = features[:, :columns], features[:, columns:]
        square[chunk.block] += mass.T @ (y * y)
        if len(plan.pairs):
            parts = (r, r), (r, y), (y, r), (y, y)
            pairs = np.stack([a[:, first] * b[:, second] for a, b in parts], axis=1)
            moments = mass.T @ pairs.reshape(len(pairs), -1)
            product[chunk.block] += moments.reshape(groups, 4, -1)
        present = rows.member[chunk.rows].astype(np.float32)
        in_bases = _bases(r, plan)
        n[chunk.block] += present.T @ in_bases
        if weightless:
            present *= (rows.weight[chunk.rows] > 0)[:, None]
        members[chunk.block] += present.T @ in_bases
        scores[chunk.block] += present.T @ (rows.raw[chunk.rows] >= 0).astype(np.float32)
        base[chunk.block] += mass.T @ in_bases
    return {
        "weight": sums[..., :columns],
        "total": sums[..., columns:],
        "square": square,
        "product": product,
        "n": n,
        "members": members,
        "base": base,
        "scores": scores,
    }


def _bases(scored: Floats, plan: Plan) -> np.ndarray:
    return in_base(scored, plan.omega).astype(np.float32)
