"""Runs of PSUs that share block and stratum, which is all that a variance keeps of the PSUs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from survey.estimate.arrays import Codes, Floats, flatten_rows
from survey.estimate.cube.accumulator import StatisticLayout

PSU_BATCH_SIZE = 48


@dataclass(frozen=True)
class PsuSegments:
    """S runs of PSUs, in row order; G groups, K columns, T statistics."""

    size: Codes
    """PSUs of each segment, shape (S,)."""
    stratum: Codes
    block: Codes
    psus: Floats
    """PSUs with members, shape (S, G, T)."""
    weight: Floats
    """Sum of w r, shape (S, G, K)."""

    @classmethod
    def of(
        cls,
        stratum: Codes,
        block: Codes,
        weight_of: Callable[[slice], Floats],
        plan: StatisticLayout,
    ) -> "PsuSegments":
        """Return the segments of PSUs with these strata, blocks and sums of w r, (p, G, K)."""
        psus = len(stratum)
        change = np.ones(psus, dtype=np.bool_)
        change[1:] = (np.diff(stratum) != 0) | (np.diff(block) != 0)
        starts = np.flatnonzero(change)
        groups, columns = weight_of(slice(0, 0)).shape[1:]
        blank = np.empty((len(starts), groups, len(plan.omega)))
        total = np.empty((len(starts), groups, columns))
        size = np.diff(np.append(starts, psus))
        segments = cls(size, stratum[starts], block[starts], blank, total)
        support = (plan.omega[plan.several] != 0).astype(np.float32).T
        for part, inside in segments.pieces():
            weight = weight_of(part)
            total[inside] = np.add.reduceat(weight, starts[inside] - part.start, axis=0)
            scored = (weight > 0).astype(np.float32)
            several = (scored @ support > 0).astype(np.float32)
            member = segments.member(inside).astype(np.float32)
            blank[inside] = plan.spread_out(
                *(
                    (member @ flatten_rows(present)).reshape(len(member), groups, -1)
                    for present in (scored, several)
                )
            )
        return segments

    @classmethod
    def join(
        cls,
        parts: "Sequence[PsuSegments]",
        strata: Sequence[Codes],
        blocks: Sequence[Codes],
        order: Codes,
    ) -> "PsuSegments":
        """Return the segments of all parts in `order`, with their strata and blocks renumbered."""
        if len(parts) == 1 and (order == np.arange(len(order))).all():
            psus, weight = parts[0].psus, parts[0].weight
        else:
            psus = np.concatenate([part.psus for part in parts])[order]
            weight = np.concatenate([part.weight for part in parts])[order]
        return cls(
            np.concatenate([part.size for part in parts])[order],
            np.concatenate(list(strata))[order],
            np.concatenate(list(blocks))[order],
            psus,
            weight,
        )

    @cached_property
    def starts(self) -> Codes:
        """The first PSU of each segment, shape (S,)."""
        return np.cumsum(self.size) - self.size

    @cached_property
    def of_psu(self) -> Codes:
        """The segment of each PSU, shape (P,)."""
        return np.repeat(np.arange(len(self.size)), self.size)

    def pieces(self) -> Iterator[tuple[slice, slice]]:
        """Yield slices of PSUs made of whole segments, with those segments."""
        ends = np.append(self.starts, self.size.sum())
        first = 0
        for last in range(1, len(ends)):
            if last + 1 == len(ends) or ends[last + 1] - ends[first] > PSU_BATCH_SIZE:
                yield slice(int(ends[first]), int(ends[last])), slice(first, last)
                first = last

    def _blocks_within(self, inside: slice) -> Iterator[slice]:
        """Yield the segments of a piece block by block."""
        first = inside.start
        for last in range(first + 1, inside.stop + 1):
            if last == inside.stop or self.block[last] != self.block[first]:
                yield slice(first, last)
                first = last

    def member(self, inside: slice) -> Floats:
        """Return 1.0 where a PSU lies in a segment, shape (s, p), to sum as a matrix product."""
        size = self.size[inside]
        return np.repeat(np.eye(len(size)), size, axis=1)

    def squares(
        self, z_of: Callable[[slice], Floats], shape: tuple[int, ...]
    ) -> tuple[Floats, Floats]:
        """Return the sum of `z` in each segment and its squares about the mean, (S, ...) each.

        No product adds up PSUs of two blocks: its rounding would depend on which blocks lie in one
        part.
        """
        total, within = np.empty((2, len(self.size), *shape))
        for part, piece in self.pieces():
            z_piece = flatten_rows(z_of(part))
            for inside in self._blocks_within(piece):
                start = self.starts[inside.start] - part.start
                z = z_piece[start : start + self.size[inside].sum()]
                member = self.member(inside)
                sums = member @ z
                z -= member.T @ (sums / self.size[inside, None])
                z *= z
                total[inside] = sums.reshape(-1, *shape)
                within[inside] = (member @ z).reshape(-1, *shape)
        return total, within
