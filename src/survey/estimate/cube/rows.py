"""Rows of a cube in the order of its sums.

Raw answers stay int8 until a chunk of whole PSUs is summed, so a wave costs little more memory
than its answers.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from survey.estimate.arrays import Codes, Flags, Floats
from survey.estimate.indicators import respondent_scores

Raw = npt.NDArray[np.int8]
Number = TypeVar("Number", bound=np.number)
ROW_BATCH_SIZE = 2048


@dataclass(frozen=True)
class Chunk:
    """Rows of whole PSUs of one block."""

    rows: slice
    block: int
    psus: list[tuple[int, slice]]
    """PSU and its rows within the chunk."""


@dataclass(frozen=True)
class CubeRows:
    """All rows, sorted by block, stratum and PSU; n rows, G groups, I items, R rates.

    A block is the common refinement of all area levels (the city, as a rule): every area of every
    level is a union of blocks. Arrays run along the rows, because every sum does.
    """

    answers: Raw
    """1 for a score, else 0, and its steps from the centre, else 0, stacked, shape (2I, n)."""
    rates: Floats
    """Shape (R, n), NaN outside the base."""
    member: Flags
    """Shape (G, n)."""
    weight: Floats
    chunks: list[Chunk]
    centre: Floats
    """Whole number near the middle of each item and rate, in raw units, shape (I + R,)."""
    omega: Floats
    """Tree weights (T, I), used row by row for the per-respondent composite; empty otherwise."""

    @property
    def columns(self) -> int:
        """Columns that are summed: items and rates, or per-respondent statistics and rates."""
        return (len(self.omega) or self.items) + len(self.rates)

    @property
    def items(self) -> int:
        return len(self.answers) // 2

    @property
    def widest(self) -> int:
        """Rows of the largest chunk."""
        return max((chunk.rows.stop - chunk.rows.start for chunk in self.chunks), default=0)

    def workspace(self, lines: int) -> Floats:
        """Return memory for `lines` values per row of any chunk, allocated once."""
        return np.empty(lines * self.widest)

    def features(self, chunk: Chunk, space: Floats) -> Floats:
        """Return r and r (y - centre) of each column, shape (2 * columns, rows), in `space`."""
        rates = self.rates[:, chunk.rows]
        features = workspace_slice(space, 2 * self.columns, chunk)
        if not len(self.omega) and not len(rates):
            features[:] = self.answers[:, chunk.rows]
            return features
        scored, value = features[: self.columns], features[self.columns :]
        known, steps = np.split(self.answers[:, chunk.rows], 2)
        count = self.columns - len(rates)
        if len(self.omega):
            centre = self.centre[: self.items]
            raw = np.where(known, steps + centre[:, None], np.nan)
            own = respondent_scores(raw.T, self.omega).T
            _fill(scored[:count], value[:count], own, self.omega @ centre)
        else:
            scored[:count], value[:count] = known, steps
        _fill(scored[count:], value[count:], rates, self.centre[self.items :])
        return features

    def mass(self, chunk: Chunk, space: Floats) -> Floats:
        """Return the weight of each row in each group, 0 for no member, (G, rows), in `space`."""
        mass = workspace_slice(space, len(self.member), chunk)
        return np.multiply(self.member[:, chunk.rows], self.weight[chunk.rows], out=mass)


def centre_answers(centre: Floats, raw: Raw) -> Raw:
    """Return the `answers` of `CubeRows` from raw answers (I, n) and centres (I,).

    Raw answers are negative where there is no score.
    """
    answers = np.empty((2 * len(raw), raw.shape[1]), dtype=np.int8)
    known, steps = np.split(answers, 2)
    np.greater_equal(raw, 0, out=known.view(np.bool_))
    np.subtract(raw, centre.astype(np.int8)[:, None], out=steps)
    steps *= known
    return answers


def workspace_slice(space: npt.NDArray[Number], lines: int, chunk: Chunk) -> npt.NDArray[Number]:
    """Return the contiguous part of a workspace with `lines` values per row of a chunk.

    Products of strided pieces take twice as long.
    """
    rows = chunk.rows.stop - chunk.rows.start
    return space[: lines * rows].reshape(lines, rows)


def _fill(scored: Floats, value: Floats, given: Floats, centre: Floats) -> None:
    known = ~np.isnan(given)
    scored[:] = known
    value[:] = np.where(known, given - centre[:, None], 0.0)


def cut_into_chunks(block_of_psu: Codes, rows_of_psu: Codes) -> Iterator[Chunk]:
    """Yield chunks of whole PSUs, which are given in row order."""
    blocks, ends = block_of_psu.tolist(), np.cumsum(rows_of_psu).tolist()
    start, first = 0, 0
    for psu, block in enumerate(blocks):
        last = psu + 1 == len(blocks)
        if last or blocks[psu + 1] != block or ends[psu + 1] - start > ROW_BATCH_SIZE:
            edges = [0, *(end - start for end in ends[first : psu + 1])]
            pieces = [slice(a, b) for a, b in itertools.pairwise(edges)]
            psus = list(zip(range(first, psu + 1), pieces, strict=True))
            yield Chunk(slice(start, ends[psu]), block, psus)
            start, first = ends[psu], psu + 1
