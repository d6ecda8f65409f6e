"""Figures of one area level from PSU sums: A areas, G groups, T statistics."""

from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np

from survey.estimate.arrays import Codes, Floats, flatten_rows, group_sum, ratio, sum_by_code
from survey.estimate.cube.part_passes import PartPasses
from survey.estimate.cube.passes import AreaMeans, RestSegments
from survey.estimate.cube.segments import PsuSegments
from survey.estimate.cube.sums import AreaLevel, CubeSums
from survey.estimate.psu_sums import coverage_of
from survey.estimate.variance import PsuVariance, from_cells

_ASKED_BY_PASSES = {"mass", "mean", "inverse", "coverage"}
"""What every pass over the rows needs of every level."""


@dataclass(frozen=True)
class LevelView:
    """Estimates, counts and sums of a cube at one area level, by area, group and statistic."""

    sums: CubeSums
    level: AreaLevel
    passes: PartPasses
    is_rest: bool = False
    """Whether the sums are those of the groups' complements."""

    @cached_property
    def segments(self) -> PsuSegments:
        if not self.is_rest:
            return self.sums.segments
        psus, weight = self.passes.fetch(RestSegments())
        return replace(self.sums.segments, psus=psus, weight=weight)

    @property
    def means(self) -> AreaMeans:
        """Area means by group, which further passes over the rows need."""
        return AreaMeans(self.mean, self.inverse, self.coverage, self.level.of_block)

    def forget(self) -> None:
        """Delete cached arrays that no pass over the parts needs; reading one recomputes it."""
        kept = {field.name for field in fields(self)} | _ASKED_BY_PASSES
        for name in set(self.__dict__) - kept:
            del self.__dict__[name]

    def to_areas(self, of_blocks: Floats) -> Floats:
        """Return values of blocks (B, ...) summed by area (A, ...); unchanged for blocks."""
        if self.level.of_blocks:
            return of_blocks
        return sum_by_code(self.level.of_block, of_blocks, len(self.level.labels))

    @cached_property
    def n(self) -> Floats:
        """Number of rows in a statistic's base (scoring any of its columns), by area and group."""
        return self.to_areas(self.sums.moments.n)

    @cached_property
    def members(self) -> Floats:
        """Number of rows in a statistic's base with a positive weight, by area and group."""
        return self.to_areas(self.sums.moments.members)

    @cached_property
    def base(self) -> Floats:
        """Sum of weights of the rows that score any column of a statistic, by area and group."""
        return self.to_areas(self.sums.moments.base)

    @cached_property
    def mass(self) -> Floats:
        """Sum of the weights of rows that score a column, areas × groups × columns."""
        return self.to_areas(self.sums.moments.block[..., : self.sums.columns])

    @cached_property
    def mean(self) -> Floats:
        """Mean per area, group and column, less the column's centring constant; 0 without n."""
        return self.to_areas(self.sums.moments.block[..., self.sums.columns :]) * self.inverse

    @cached_property
    def inverse(self) -> Floats:
        return ratio(np.ones(1), self.mass)

    @cached_property
    def coverage(self) -> Floats:
        """Factor of each estimate: 1, NaN if an item is unscored, or rescaling for it."""
        plan = self.sums.plan
        scored = self.mass > 0
        factor = coverage_of(scored, plan.omega, self.sums.spec.renormalise)
        if not self.sums.spec.renormalise:
            unscored = (self.to_areas(self.sums.moments.scores) == 0).astype(np.float64)
            missing = unscored @ plan.items.T
            factor = np.where(missing > 0, np.nan, factor)
        return factor

    @cached_property
    def estimate(self) -> Floats:
        plan = self.sums.plan
        location = (self.mean + plan.offset) * (self.mass > 0)
        return (location @ plan.omega.T) * self.coverage

    @property
    def size(self) -> Floats:
        """Magnitude of the numbers behind each estimate; differences far below it are rounding."""
        plan = self.sums.plan
        offset: Floats = np.abs(plan.omega) @ np.abs(plan.offset)
        return np.abs(self.estimate) + offset

    @cached_property
    def psus(self) -> Floats:
        """Number of PSUs with members, areas × groups × statistics."""
        home = self.level.of_block[self.segments.block]
        return sum_by_code(home, self.segments.psus, len(self.level.labels))

    @cached_property
    def design_df(self) -> Floats:
        """Degrees of freedom by area, group and statistic: PSUs less strata, with members.

        Without recorded points, rows less strata.
        """
        cells = self.cells
        members = flatten_rows(self.segments.psus[cells.inside])
        occupied = group_sum(cells.of_segment, members, len(cells.home)) > 0
        strata = group_sum(cells.home, occupied.astype(np.float64), len(self.level.labels))
        units = self.psus if self.sums.strata.assumed_deff is None else self.members
        return units - strata.reshape(units.shape)

    @cached_property
    def df(self) -> Floats:
        """Degrees of freedom by the `df_rule` of the cube, areas × groups × statistics.

        "weighted": at most 1 / sum_h p_h^2 / (n_h - 1), p_h the share of the group's weight that
        lies in stratum h, rounded. It is Satterthwaite's (1946) number where every member brings
        the same variance. A group that lives at the three points of one stratum, with a few
        members strewn over the ten of another, knows its error by three points, not by thirteen.
        """
        if self.sums.spec.df_rule == "design" or self.sums.strata.assumed_deff is not None:
            return self.design_df
        sums, cells, columns = self.sums, self.cells, self.sums.columns
        picked = cells.pick(self.segments.weight)
        share = picked.reshape(-1, columns) @ np.abs(sums.plan.omega).T
        lines = flatten_rows(share.reshape(*picked.shape[:2], share.shape[-1]))
        inside = group_sum(cells.of_segment, lines, len(cells.home))
        known = np.maximum(sums.strata.psus[cells.stratum] - 1, 1)[:, None]
        areas = len(self.level.labels)
        whole = group_sum(cells.home, inside, areas) ** 2
        most = ratio(whole, group_sum(cells.home, inside**2 / known, areas), np.inf)
        limited = np.minimum(self.design_df, most.reshape(self.design_df.shape))
        return np.where(self.design_df >= 1, np.maximum(np.rint(limited), 1), self.design_df)

    @cached_property
    def cells(self) -> "StratumCells":
        home = self.level.of_block[self.segments.block]
        inside = np.flatnonzero(home >= 0)
        strata = len(self.sums.strata.psus)
        key = home[inside] * strata + self.segments.stratum[inside]
        keys, of_segment = np.unique(key, return_inverse=True)
        return StratumCells(inside, of_segment, keys % strata, keys // strata)

    def spread(self, total: Floats, within: Floats, psus: Floats) -> PsuVariance:
        """Return PSU variance by area from sums `total`, squares `within` and `psus`, by segment.

        `psus` are the PSUs with members in each segment.
        """
        strata, cells, areas = self.sums.strata, self.cells, len(self.level.labels)
        total, within, members = (flatten_rows(cells.pick(x)) for x in (total, within, psus))
        squares = combine(
            strata.psus[cells.stratum].astype(np.float64),
            cells.of_segment,
            self.segments.size[cells.inside].astype(np.float64),
            total,
            within,
        )
        home = self.level.of_block[self.segments.block[cells.inside]]
        spread = from_cells(
            strata,
            cells.stratum,
            cells.home,
            squares,
            group_sum(cells.of_segment, members, len(cells.home)) > 0,
            group_sum(home, members, areas),
        )
        parts = (spread.variance, spread.df, spread.psus, spread.factor)
        return PsuVariance(*(x.reshape(areas, *psus.shape[1:]) for x in parts))


@dataclass(frozen=True)
class StratumCells:
    """Cells, the (area, stratum) pairs of one area level, and the cell of each segment.

    Segments inside any area, the cell of each, and stratum and area of every cell.
    """

    inside: Codes
    of_segment: Codes
    stratum: Codes
    home: Codes

    def pick(self, of_segments: Floats) -> Floats:
        """Return the rows of `of_segments` (one per segment) that lie in an area of the level."""
        whole = len(self.inside) == len(of_segments)
        return of_segments if whole else of_segments[self.inside]


def combine(size: Floats, cell: Codes, psus: Floats, total: Floats, within: Floats) -> Floats:
    """Return cells' squared deviations of PSUs, from sums `total` and squares `within` segments."""
    if len(cell) == len(size) and (cell == np.arange(len(cell))).all() and (psus == size).all():
        alone = size == 1
        return np.where(alone[:, None], total**2, within) if alone.any() else within
    mean = group_sum(cell, total, len(size)) / size[:, None]
    mean[size == 1] = 0.0
    shift = total / psus[:, None] - mean[cell]
    n_outside = size - np.bincount(cell, psus, minlength=len(size))
    squares = group_sum(cell, within + psus[:, None] * shift**2, len(size))
    return squares + n_outside[:, None] * mean**2
