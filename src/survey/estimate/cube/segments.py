"""Runs of PSUs that share block and stratum, which is all that a variance keeps of the PSUs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from survey.estimate.arrays import Codes, Floats, flatten_rows
from survey.estimate.cube.accumulator import StatisticLayout

PSU_BATCH_SIZE = 48
LINE_BATCH_SIZE = 2_048
"""PSUs times groups of a large segment that are worked on together."""
_GROUP_STEP = 4
"""Groups are taken in fours, as products are made; where they are cut, a last bit may differ from
that of all groups at once, but not from part to part."""


@dataclass(frozen=True)
class PsuRuns:
    """Segments: runs of consecutive PSUs that share block and stratum, S in all."""

    size: Codes
    """PSUs of each segment, shape (S,)."""
    stratum: Codes
    block: Codes

    @classmethod
    def of(cls, stratum: Codes, block: Codes) -> "PsuRuns":
        """Build segments from the stratum code and the block code of each PSU."""
        change = np.ones(len(stratum), dtype=np.bool_)
        change[1:] = (np.diff(stratum) != 0) | (np.diff(block) != 0)
        starts = np.flatnonzero(change)
        size = np.diff(np.append(starts, len(stratum)))
        return PsuRuns(size, stratum[starts], block[starts])

    @cached_property
    def starts(self) -> Codes:
        """Index of the first PSU of each segment."""
        return np.cumsum(self.size) - self.size

    @cached_property
    def of_psu(self) -> Codes:
        """Index of the segment of each PSU."""
        return np.repeat(np.arange(len(self.size)), self.size)

    def pieces(self) -> Iterator[tuple[slice, slice]]:
        """Yield (slice of PSUs, slice of their segments), of limited size and whole segments.

        They are made of whole blocks, and a block that is larger than a piece is cut from its
        start: where it lies among others does not matter.
        """
        ends = np.append(self.starts, self.size.sum()).tolist()
        first = 0
        for block in self._iter_blocks_within(slice(0, len(self.size))):
            if block.start > first and ends[block.stop] - ends[first] > PSU_BATCH_SIZE:
                yield slice(ends[first], ends[block.start]), slice(first, block.start)
                first = block.start
            if ends[block.stop] - ends[block.start] > PSU_BATCH_SIZE:
                for last in range(block.start + 1, block.stop):
                    if ends[last + 1] - ends[first] > PSU_BATCH_SIZE:
                        yield slice(ends[first], ends[last]), slice(first, last)
                        first = last
        if first < len(self.size):
            yield slice(ends[first], ends[-1]), slice(first, len(self.size))

    def batches(self, groups: int) -> Iterator[tuple[slice, slice, slice]]:
        """Yield slices (PSUs, segments, groups) that fit into memory, over all of `groups` groups.

        A segment is never cut. Of one that is larger than a piece only some groups are looked at
        together: arrays by PSU of a city of half a million interviews would fill the memory.
        """
        for psus, inside in self.pieces():
            size, step = psus.stop - psus.start, groups
            if size > PSU_BATCH_SIZE:
                step = max(1, LINE_BATCH_SIZE // size // _GROUP_STEP) * _GROUP_STEP
            for first in range(0, groups, step):
                yield psus, inside, slice(first, min(first + step, groups))

    def _iter_blocks_within(self, inside: slice) -> Iterator[slice]:
        """Yield one slice of segments for each block within the slice `inside`."""
        first = inside.start
        for last in range(first + 1, inside.stop + 1):
            if last == inside.stop or self.block[last] != self.block[first]:
                yield slice(first, last)
                first = last

    def member(self, inside: slice) -> Floats:
        """Return a 0/1 matrix, segments (slice `inside`) × PSUs, to sum PSUs by segment."""
        size = self.size[inside]
        return np.repeat(np.eye(len(size)), size, axis=1)

    def add_squares(self, inside: slice, z: Floats, total: Floats, within: Floats) -> None:
        """Set `total` and `within` in segments `inside` to sums of `z` and squares about its means.

        `z` (p, ...) is overwritten; `total` and `within` are (S, ...) each. No product adds up PSUs
        of two blocks: its rounding would depend on which blocks lie in one part.
        """
        z_piece, first = flatten_rows(z), self.starts[inside.start]
        shape = z.shape[1:]
        for segments in self._iter_blocks_within(inside):
            starts, size = self.starts[segments] - first, self.size[segments]
            z_block = z_piece[starts[0] : starts[-1] + size[-1]]
            member = self.member(segments)
            sums = member @ z_block
            for start, psus, mean in zip(starts, size, sums / size[:, None], strict=True):
                z_piece[start : start + psus] -= mean
            z_block *= z_block
            total[segments] = sums.reshape(-1, *shape)
            within[segments] = (member @ z_block).reshape(-1, *shape)


@dataclass(frozen=True)
class PsuSegments(PsuRuns):
    """Segments with counts and weights of their members; G groups, K columns, T statistics."""

    psus: Floats
    """PSUs with members, shape (S, G, T)."""
    weight: Floats
    """Sum of w r, shape (S, G, K)."""

    @classmethod
    def sum(
        cls, runs: PsuRuns, weight_of: Callable[[slice, slice], Floats], plan: StatisticLayout
    ) -> "PsuSegments":
        """Sum weights by segment; `weight_of` returns them for slices (PSUs, groups)."""
        groups, columns = weight_of(slice(0, 0), slice(None)).shape[1:]
        blank = np.empty((len(runs.size), groups, len(plan.omega)))
        total = np.empty((len(runs.size), groups, columns))
        support = (plan.omega[plan.several] != 0).astype(np.float32).T
        for part, inside, some in runs.batches(groups):
            weight = weight_of(part, some)
            total[inside, some] = np.add.reduceat(weight, runs.starts[inside] - part.start, axis=0)
            scored = (weight > 0).astype(np.float32)
            several = (scored @ support > 0).astype(np.float32)
            member = runs.member(inside).astype(np.float32)
            blank[inside, some] = plan.spread_out(
                *(
                    (member @ flatten_rows(present)).reshape(len(member), *present.shape[1:])
                    for present in (scored, several)
                )
            )
        return cls(runs.size, runs.stratum, runs.block, blank, total)

    @classmethod
    def join(
        cls,
        parts: "Sequence[PsuSegments]",
        strata: Sequence[Codes],
        blocks: Sequence[Codes],
        order: Codes,
    ) -> "PsuSegments":
        """Return all parts' segments in `order`, with the codes `strata` and `blocks`."""
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
