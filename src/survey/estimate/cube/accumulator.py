"""Sums over the rows of a cube, and the layout of its statistics."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from survey.estimate.arrays import Codes, Floats, Singles
from survey.estimate.cube.rows import Chunk, CubeRows, workspace_slice

PAIRED_ITEMS = 3
LINE_BATCH_SIZE = 48
Integers = npt.NDArray[np.int8] | npt.NDArray[np.int16]
Figures = TypeVar("Figures", Floats, Singles)


@dataclass(frozen=True)
class StatisticLayout:
    """Statistics as weighted sums of columns, and the squares and products each one needs.

    Indicators that are the same combination of columns (an indicator and its only child) are one
    statistic: `place` says which statistic each indicator is.
    A statistic of one column needs that column's squares for its deff, one of a few columns the
    products of their pairs, and the `dense` rest a second pass over the rows.
    """

    indicators: tuple[str, ...]
    place: Codes
    omega: Floats
    """Score units per raw step, shape (T, K)."""
    offset: Floats
    """Raw steps from the scale's start to the columns' centres, shape (K,)."""
    items: Floats
    """Items that each statistic is made of, shape (T, I), to see whether they are available."""
    only: Codes = field(init=False)
    """The column of each statistic that has one, -1 for the others."""
    several: Codes = field(init=False)
    """Statistics with more than one column."""
    dense: Codes = field(init=False)
    """Statistics with more columns than are paired."""
    pairs: Codes = field(init=False)
    """Column pairs of the others, shape (q, 2)."""

    def __post_init__(self) -> None:
        size = (self.omega != 0).sum(axis=1)
        small = [np.flatnonzero(row) for row in self.omega[(size > 1) & (size <= PAIRED_ITEMS)]]
        pairs = {(a, b) for columns in small for a in columns for b in columns if a < b}
        object.__setattr__(self, "only", np.where(size == 1, (self.omega != 0).argmax(axis=1), -1))
        object.__setattr__(self, "several", np.flatnonzero(size > 1))
        object.__setattr__(self, "dense", np.flatnonzero(size > PAIRED_ITEMS))
        object.__setattr__(self, "pairs", np.array(sorted(pairs), np.intp).reshape(-1, 2))

    def spread_out(self, columns: Figures, several: Figures) -> Figures:
        """Return one array (..., T) from `columns` (one-column statistics) and `several`."""
        figures = columns.take(np.maximum(self.only, 0), axis=-1)
        figures[..., self.several] = several
        return figures


@dataclass(frozen=True)
class CubeMoments:
    """Sums and counts over the rows of each block; G groups, K columns, T statistics, I items."""

    block: Floats
    """Sums of w r and of w r (y - centre) by block, shape (B, G, 2K)."""
    square: Floats
    """Sum of w r (y - centre)^2, shape (B, G, K)."""
    product: Floats
    """Sums of w times r r, r y, y r, y y over pairs of columns, shape (B, G, 4, q)."""
    n: Floats
    """Rows in the base of each statistic, shape (B, G, T)."""
    members: Floats
    """Rows of the base with a positive weight, shape (B, G, T)."""
    base: Floats
    """Sum of their weights, shape (B, G, T)."""
    scores: Floats
    """Scored rows with a positive weight by item, shape (B, G, I)."""

    @classmethod
    def join(cls, parts: "Sequence[CubeMoments]", order: Codes) -> "CubeMoments":
        """Return the blocks of all parts as one, put into `order` (block numbers across parts)."""
        if len(parts) == 1 and (order == np.arange(len(order))).all():
            return parts[0]
        return cls(
            *(
                np.concatenate([getattr(part, each.name) for part in parts])[order]
                for each in fields(cls)
            )
        )


def sum_psus(rows: CubeRows, psus: int) -> Floats:
    """Return sums by PSU (`psus`: how many) of weights and weighted scores, PSUs × groups × 2K."""
    groups, lines = len(rows.member), 2 * rows.columns
    sums = np.empty((psus, groups, lines))
    spaces = rows.workspace(lines), rows.workspace(groups)
    for chunk in rows.chunks:
        features, mass = rows.features(chunk, spaces[0]), rows.mass(chunk, spaces[1])
        for psu, part in chunk.psus:
            np.matmul(mass[:, part], features[:, part].T, out=sums[psu])
    return sums


class RowAccumulator:
    """Accumulator that sums chunks of rows by block, in memory that is allocated once.

    What whole numbers can hold, products of answers and who answered any item of a statistic, is
    made of small integers. Rates and per-respondent scores are neither paired nor several.
    """

    def __init__(self, rows: CubeRows, plan: StatisticLayout, psu: Floats, blocks: int) -> None:
        groups, columns, several = len(rows.member), rows.columns, len(plan.several)
        self._rows = rows
        self._plan, self._psu = plan, psu
        self._weightless = not (rows.weight > 0).all()
        self._any = _mark_any_scored(rows, plan)
        self._left, self._right = _build_pair_lines(rows.items, plan)
        largest = int(rows.answers.max(initial=0)), int(rows.answers.min(initial=0))
        self._small = max(map(abs, largest)) ** 2 <= np.iinfo(np.int8).max
        self._parts = np.cumsum([columns, len(self._left), several])
        self._features, self._mass = rows.workspace(2 * columns), rows.workspace(groups)
        self._lines = rows.workspace(int(self._parts[-1]))
        self._scored = np.empty((columns + several) * rows.widest, dtype=np.float32)
        self._present = np.empty(groups * rows.widest, dtype=np.float32)
        self._block = np.zeros((blocks, groups, 2 * columns))
        self._moments = np.zeros((blocks, groups, int(self._parts[-1])))
        self._n = np.zeros((blocks, groups, columns + several))
        self._members = np.zeros_like(self._n) if self._weightless else self._n
        self._answers = np.zeros((blocks, groups, rows.items))

    def run(self) -> CubeMoments:
        """Sum all chunks of rows, and return the sums by block."""
        for chunk in self._rows.chunks:
            self._add(chunk)
        columns, spread_out = self._rows.columns, self._plan.spread_out
        square, product, base, _ = np.split(self._moments, self._parts, axis=2)
        n, members = self._n, self._members
        answered = self._answers if len(self._rows.omega) else members[..., : self._rows.items]
        return CubeMoments(
            block=self._block,
            square=square,
            product=product.reshape(*product.shape[:2], 4, -1),
            n=spread_out(n[..., :columns], n[..., columns:]),
            members=spread_out(members[..., :columns], members[..., columns:]),
            base=spread_out(self._block[..., :columns], base),
            scores=answered,
        )

    def _add(self, chunk: Chunk) -> None:
        rows, columns, block = self._rows, self._rows.columns, chunk.block
        features, mass = rows.features(chunk, self._features), rows.mass(chunk, self._mass)
        first, last = chunk.psus[0][0], chunk.psus[-1][0]
        self._block[block] += self._psu[first : last + 1].sum(axis=0)
        lines = workspace_slice(self._lines, int(self._parts[-1]), chunk)
        square, product, base, _ = np.split(lines, self._parts)
        np.multiply(features[columns:], features[columns:], out=square)
        product[:] = self._multiply_pairs(chunk)
        base[:] = self._any[:, chunk.rows]
        for start in range(0, len(lines), LINE_BATCH_SIZE):
            some = slice(start, start + LINE_BATCH_SIZE)
            self._moments[block, :, some] += mass @ lines[some].T
        self._count(chunk, features)

    def _multiply_pairs(self, chunk: Chunk) -> Integers:
        answers = self._rows.answers[:, chunk.rows]
        left, right = answers.take(self._left, axis=0), answers.take(self._right, axis=0)
        return np.multiply(left, right, dtype=np.int8 if self._small else np.int16)

    def _count(self, chunk: Chunk, features: Floats) -> None:
        rows, columns = self._rows, self._rows.columns
        scored = workspace_slice(self._scored, columns + len(self._any), chunk)
        scored[:columns] = features[:columns]
        scored[columns:] = self._any[:, chunk.rows]
        present = workspace_slice(self._present, len(rows.member), chunk)
        present[:] = rows.member[:, chunk.rows]
        self._n[chunk.block] += present @ scored.T
        if self._weightless:
            present *= rows.weight[chunk.rows] > 0
            self._members[chunk.block] += present @ scored.T
        if len(rows.omega):
            answered = rows.answers[: rows.items, chunk.rows].astype(np.float32)
            self._answers[chunk.block] += present @ answered.T


def _build_pair_lines(items: int, plan: StatisticLayout) -> tuple[Codes, Codes]:
    """Return the two arrays of line numbers of `answers` whose products the pairs need."""
    first, second = plan.pairs.T
    left = np.concatenate([first, first, items + first, items + first])
    right = np.concatenate([second, items + second, second, items + second])
    return left, right


def _mark_any_scored(rows: CubeRows, plan: StatisticLayout) -> Integers:
    """Return 1 where a row scores any item of a statistic, several-column statistics × rows."""
    is_scored = np.empty((len(plan.several), rows.answers.shape[1]), dtype=np.int8)
    for scored, line in zip(is_scored, plan.omega[plan.several], strict=True):
        np.bitwise_or.reduce(rows.answers[np.flatnonzero(line)], axis=0, out=scored)
    return is_scored
