"""The rows of a cube in the order its sums want them: raw answers stay int8 until a chunk of
whole PSUs is summed, so a wave costs little more memory than its answers."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from survey.estimate.arrays import Codes, Flags, Floats
from survey.estimate.indicators import respondent_scores

Raw = npt.NDArray[np.int8]
ROWS_AT_ONCE = 2048


@dataclass(frozen=True)
class Scale:
    """The instrument's scale; a score is (x - minimum) / (maximum - minimum) * 100."""

    minimum: int = 1
    maximum: int = 10

    @property
    def unit(self) -> float:
        """Score points per step."""
        return 100 / (self.maximum - self.minimum)


@dataclass(frozen=True)
class Chunk:
    """Rows of whole PSUs of one block."""

    rows: slice
    block: int
    psus: list[tuple[int, slice]]
    """PSU and its rows within the chunk."""


@dataclass(frozen=True)
class Rows:
    """All rows, sorted by block, stratum and PSU; n rows, G groups, I items, R rates.

    A block is the common refinement of all area levels (the city, as a rule): every area of every
    level is a union of blocks. Arrays run along the rows, because every sum does.
    """

    raw: Raw
    """Answers, negative where there is no score, shape (I, n)."""
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
    scale: Scale

    @property
    def columns(self) -> int:
        """Columns that are summed: items and rates, or per-respondent statistics and rates."""
        return (len(self.omega) or len(self.raw)) + len(self.rates)

    @property
    def widest(self) -> int:
        """Rows of the largest chunk."""
        return max((chunk.rows.stop - chunk.rows.start for chunk in self.chunks), default=0)

    def workspace(self, lines: int) -> Floats:
        """Memory for `lines` values per row of any chunk; taken once, not once a chunk."""
        return np.empty((lines, self.widest))

    def features(self, chunk: Chunk, space: Floats) -> Floats:
        """r and r (y - centre) of each column, stacked, shape (2 * columns, rows), in `space`."""
        raw, rates = self.raw[:, chunk.rows], self.rates[:, chunk.rows]
        features = space[:, : raw.shape[1]]
        answers = self.columns - len(rates)
        scored, value = features[: self.columns], features[self.columns :]
        if len(self.omega):
            scores = np.where(raw < 0, np.nan, raw.astype(np.float64))
            own = respondent_scores(scores.T, self.omega).T
            _fill(scored[:answers], value[:answers], own, self.omega @ self.centre[: len(raw)])
        else:
            known = raw >= 0
            scored[:answers] = known
            value[:answers] = (raw - self.centre[: len(raw), None].astype(np.int8)) * known
        if len(rates):
            _fill(scored[answers:], value[answers:], rates, self.centre[len(raw) :])
        return features

    def mass(self, chunk: Chunk, space: Floats) -> Floats:
        """Weight of each row in each group, 0 for no member, shape (G, rows), in `space`."""
        weight = self.weight[chunk.rows]
        return np.multiply(self.member[:, chunk.rows], weight, out=space[:, : len(weight)])


def _fill(scored: Floats, value: Floats, given: Floats, centre: Floats) -> None:
    known = ~np.isnan(given)
    scored[:] = known
    value[:] = np.where(known, given - centre[:, None], 0.0)


def cut(block_of_psu: Codes, rows_of_psu: Codes) -> Iterator[Chunk]:
    """Chunks of whole PSUs; PSUs are given in row order."""
    ends = np.cumsum(rows_of_psu)
    start, first = 0, 0
    for psu in range(len(block_of_psu)):
        last = psu + 1 == len(block_of_psu)
        full = not last and (
            block_of_psu[psu + 1] != block_of_psu[psu]
            or ends[psu] - start + rows_of_psu[psu + 1] > ROWS_AT_ONCE
        )
        if last or full:
            edges = np.concatenate([[start], ends[first : psu + 1]]) - start
            pieces = [slice(int(a), int(b)) for a, b in itertools.pairwise(edges)]
            rows = slice(start, int(ends[psu]))
            psus = list(zip(range(first, psu + 1), pieces, strict=True))
            yield Chunk(rows, int(block_of_psu[psu]), psus)
            start, first = int(ends[psu]), psu + 1
