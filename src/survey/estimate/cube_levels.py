"""From PSU sums to the figures of one area level: A areas, G groups, T statistics."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from survey.estimate.arrays import Codes, Floats, group_sum, ratio
from survey.estimate.cube_sums import AreaLevel, CubeSums
from survey.estimate.sums import coverage_of, in_base
from survey.estimate.variance import Spread, from_cells

PSUS_AT_ONCE = 128


@dataclass(frozen=True)
class Segments:
    """Runs of PSUs that share block and stratum; s segments, in row order."""

    starts: Codes
    size: Floats
    stratum: Codes
    block: Codes
    psus: Floats
    """PSUs with members, shape (s, G, T)."""

    @classmethod
    def of(cls, sums: CubeSums) -> "Segments":
        psus = len(sums.stratum)
        change = np.ones(psus, dtype=np.bool_)
        change[1:] = (np.diff(sums.stratum) != 0) | (np.diff(sums.block) != 0)
        starts = np.flatnonzero(change)
        size = np.diff(np.append(starts, psus)).astype(np.float64)
        blank = np.empty((len(starts), *sums.n.shape[1:]))
        segments = cls(starts, size, sums.stratum[starts], sums.block[starts], blank)
        for part, inside in segments.pieces():
            present = presence(sums, part)
            blank[inside] = np.add.reduceat(present, starts[inside] - part.start, axis=0)
        return segments

    def pieces(self) -> Iterator[tuple[slice, slice]]:
        """Slices of PSUs made of whole segments, with the slices of those segments."""
        ends = np.append(self.starts, self.starts[-1:] + self.size[-1:].astype(np.intp))
        first = 0
        for last in range(1, len(ends)):
            if last + 1 == len(ends) or ends[last + 1] - ends[first] > PSUS_AT_ONCE:
                yield slice(int(ends[first]), int(ends[last])), slice(first, last)
                first = last

    def squares(
        self, z_of: Callable[[slice], Floats], shape: tuple[int, ...]
    ) -> tuple[Floats, Floats]:
        """Sum, and squares about its own mean, of `z` in each segment, shape (s, ...) each."""
        total, within = np.empty((len(self.starts), *shape)), np.empty((len(self.starts), *shape))
        for part, inside in self.pieces():
            z, starts = z_of(part), self.starts[inside] - part.start
            total[inside] = np.add.reduceat(z, starts, axis=0)
            mean = total[inside] / self.size[inside, None, None]
            z -= np.repeat(mean, self.size[inside].astype(np.intp), axis=0)
            z *= z
            within[inside] = np.add.reduceat(z, starts, axis=0)
        return total, within


def presence(sums: CubeSums, part: slice) -> Floats:
    """1.0 where a PSU has members in the base of a statistic, shape (p, G, T)."""
    scored = (sums.weight[part] > 0).astype(np.float64)
    return in_base(scored, sums.plan.omega)


@dataclass(frozen=True)
class View:
    """The cube's sums at one area level."""

    sums: CubeSums
    segments: Segments
    level: AreaLevel

    def to_areas(self, of_blocks: Floats) -> Floats:
        """Add blocks (B, ...) up to areas (A, ...)."""
        return add_up(self.level.of_block, of_blocks, len(self.level.labels))

    @cached_property
    def mass(self) -> Floats:
        """Sum of w r, shape (A, G, K)."""
        return self.to_areas(self.sums.block_weight)

    @cached_property
    def mean(self) -> Floats:
        """Column means about the centre in raw units, 0 where nothing is scored, (A, G, K)."""
        return self.to_areas(self.sums.block_total) * self.inverse

    @cached_property
    def inverse(self) -> Floats:
        return ratio(np.ones(1), self.mass)

    @cached_property
    def coverage(self) -> Floats:
        """1, NaN where an item is missing altogether, or the renormalising factor, (A, G, T)."""
        plan = self.sums.plan
        scored = self.mass > 0
        factor = coverage_of(scored, plan.omega, self.sums.renormalise)
        if not self.sums.renormalise:
            missing = (self.to_areas(self.sums.scores) == 0).astype(np.float64) @ plan.items.T
            factor = np.where(missing > 0, np.nan, factor)
        return factor

    @cached_property
    def estimate(self) -> Floats:
        plan = self.sums.plan
        location = (self.mean + plan.offset) * (self.mass > 0)
        return (location @ plan.omega.T) * self.coverage

    @property
    def size(self) -> Floats:
        """Magnitude of the numbers behind the estimates, shape (A, G, T)."""
        plan = self.sums.plan
        offset: Floats = np.abs(plan.omega) @ np.abs(plan.offset)
        return np.abs(self.estimate) + offset

    def z(self, part: slice, area: Codes, groups: slice = slice(None)) -> Floats:
        """Linearised totals of PSUs about the means of `area` (p,), 0 outside, (p, g, T)."""
        weight, total = self.sums.weight[part, groups], self.sums.total[part, groups]
        residual = total - self.mean[area, groups] * weight
        residual *= self.inverse[area, groups]
        z = residual.reshape(-1, residual.shape[-1]) @ self.sums.plan.omega.T
        z = z.reshape(*residual.shape[:2], -1)
        if not self.plain:
            z *= self.coverage[area, groups]
        z[area < 0] = 0.0
        return z

    @cached_property
    def psus(self) -> Floats:
        """PSUs with members, shape (A, G, T)."""
        home = self.level.of_block[self.segments.block]
        return add_up(home, self.segments.psus, len(self.level.labels))

    @cached_property
    def plain(self) -> bool:
        return bool((self.coverage == 1).all())

    def spread(self, total: Floats, within: Floats, psus: Floats) -> Spread:
        """Variance of segment totals by area, from sums and squares (s, g, T), and the PSUs with
        members in each segment."""
        segments, sample = self.segments, self.sums.sample
        shape = total.shape[1:]
        home = self.level.of_block[segments.block]
        inside = np.flatnonzero(home >= 0)
        strata = len(sample.psus)
        keys, cell = np.unique(
            home[inside] * strata + segments.stratum[inside], return_inverse=True
        )
        flat = (len(inside), -1)
        squares = combine(
            sample.psus[keys % strata].astype(np.float64),
            cell,
            segments.size[inside],
            total[inside].reshape(flat),
            within[inside].reshape(flat),
        )
        members = psus[inside].reshape(flat)
        spread = from_cells(
            sample,
            keys % strata,
            keys // strata,
            squares,
            group_sum(cell, members, len(keys)) > 0,
            group_sum(home[inside], members, len(self.level.labels)),
        )
        area = (len(self.level.labels), *shape)
        parts = (spread.variance, spread.df, spread.psus, spread.factor)
        return Spread(*(x.reshape(area) for x in parts))


def combine(size: Floats, cell: Codes, psus: Floats, total: Floats, within: Floats) -> Floats:
    """Squares about the stratum's mean, from segments and the PSUs outside them (zeros)."""
    mean = group_sum(cell, total, len(size)) / size[:, None]
    mean[size == 1] = 0.0
    shift = total / psus[:, None] - mean[cell]
    outside = size - np.bincount(cell, psus, minlength=len(size))
    squares = group_sum(cell, within + psus[:, None] * shift**2, len(size))
    return squares + outside[:, None] * mean**2


def add_up(codes: Codes, values: Floats, size: int) -> Floats:
    """Sum (B, ...) by code, skipping -1, shape (size, ...)."""
    inside = np.flatnonzero(codes >= 0)
    flat = values[inside].reshape(len(inside), -1)
    return group_sum(codes[inside], flat, size).reshape(size, *values.shape[1:])
