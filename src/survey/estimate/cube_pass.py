"""The single pass over the rows of a cube, and what its statistics are made of."""

from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from survey.estimate.arrays import Codes, Floats, Singles
from survey.estimate.cube_rows import Chunk, Rows

PAIRED_ITEMS = 3
Figures = TypeVar("Figures", Floats, Singles)


@dataclass(frozen=True)
class Plan:
    """What the T statistics are made of, K columns each.

    Indicators that are the same combination of columns (an indicator and its only child) are one
    statistic: `place` says which statistic each indicator is.
    A statistic of one column needs that column's squares for its deff, one of a few columns the
    products of their pairs, and the `dense` rest a second look at the rows.
    """

    indicators: tuple[str, ...]
    place: Codes
    omega: Floats
    """Score units per raw step, shape (T, K)."""
    offset: Floats
    """Raw steps from the scale's start to the columns' centres, shape (K,)."""
    items: Floats
    """Which items a statistic rests on, shape (T, I), for availability."""
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
        """Per statistic (..., T): its column's figure (..., K), or its own (..., several)."""
        found = columns[..., np.maximum(self.only, 0)]
        found[..., self.several] = several
        return found


@dataclass(frozen=True)
class Moments:
    """Sums over the rows; P PSUs, B blocks, G groups, K columns, T statistics, I items."""

    psu: Floats
    """Sums of w r and of w r (y - centre) by PSU, shape (P, G, 2K)."""
    block: Floats
    """The same by block, shape (B, G, 2K)."""
    square: Floats
    """Sum of w r (y - centre)^2, shape (B, G, K)."""
    product: Floats
    """Sums of w times r r, r y, y r, y y over pairs of columns, shape (B, G, 4, q)."""
    n: Floats
    """Rows in the base of each statistic, shape (B, G, T)."""
    members: Floats
    """Those with a positive weight, shape (B, G, T)."""
    base: Floats
    """Sum of their weights, shape (B, G, T)."""
    scores: Floats
    """Scored rows with a positive weight by item, shape (B, G, I)."""


class Pass:
    """Sums chunk by chunk, in memory that is taken once."""

    def __init__(self, rows: Rows, plan: Plan, psus: int, blocks: int) -> None:
        groups, columns, several = len(rows.member), rows.columns, len(plan.several)
        self._rows, self._plan = rows, plan
        self._weightless = not (rows.weight > 0).all()
        self._support = (plan.omega[plan.several] != 0).astype(np.float32)
        first, second = plan.pairs.T
        self._left = np.concatenate([first, first, columns + first, columns + first])
        self._right = np.concatenate([second, columns + second, second, columns + second])
        self._parts = np.cumsum([columns, len(self._left), several])
        self._features, self._mass = rows.workspace(2 * columns), rows.workspace(groups)
        self._lines = rows.workspace(int(self._parts[-1]))
        self._scored = np.empty((columns + several, rows.widest), dtype=np.float32)
        self._psu = np.empty((psus, groups, 2 * columns))
        self._block = np.zeros((blocks, groups, 2 * columns))
        self._moment = np.zeros((blocks, groups, int(self._parts[-1])))
        self._n = np.zeros((blocks, groups, columns + several))
        self._members = np.zeros_like(self._n) if self._weightless else self._n
        self._answers = np.zeros((blocks, groups, len(rows.raw)))

    def run(self) -> Moments:
        for chunk in self._rows.chunks:
            self._add(chunk)
        columns, spread_out = self._rows.columns, self._plan.spread_out
        square, product, base, _ = np.split(self._moment, self._parts, axis=2)
        n, members = self._n, self._members
        answered = self._answers if len(self._rows.omega) else members[..., : len(self._rows.raw)]
        return Moments(
            psu=self._psu,
            block=self._block,
            square=square,
            product=product.reshape(*product.shape[:2], 4, -1),
            n=spread_out(n[..., :columns], n[..., columns:]),
            members=spread_out(members[..., :columns], members[..., columns:]),
            base=spread_out(self._block[..., :columns], base),
            scores=answered,
        )

    def _add(self, chunk: Chunk) -> None:
        rows, columns = self._rows, self._rows.columns
        features, mass = rows.features(chunk, self._features), rows.mass(chunk, self._mass)
        for psu, part in chunk.psus:
            np.matmul(mass[:, part], features[:, part].T, out=self._psu[psu])
        first, last = chunk.psus[0][0], chunk.psus[-1][0]
        self._block[chunk.block] += self._psu[first : last + 1].sum(axis=0)
        scored, moment = self._scored[:, : mass.shape[1]], self._lines[:, : mass.shape[1]]
        scored[:columns] = features[:columns]
        scored[columns:] = self._support @ scored[:columns] > 0
        square, product, base, _ = np.split(moment, self._parts)
        np.multiply(features[columns:], features[columns:], out=square)
        np.multiply(features[self._left], features[self._right], out=product)
        base[:] = scored[columns:]
        self._moment[chunk.block] += mass @ moment.T
        self._count(chunk, scored)

    def _count(self, chunk: Chunk, scored: Singles) -> None:
        present = self._rows.member[:, chunk.rows].astype(np.float32)
        self._n[chunk.block] += present @ scored.T
        if self._weightless:
            present *= self._rows.weight[chunk.rows] > 0
            self._members[chunk.block] += present @ scored.T
        if len(self._rows.omega):
            answered = (self._rows.raw[:, chunk.rows] >= 0).astype(np.float32)
            self._answers[chunk.block] += present @ answered.T
