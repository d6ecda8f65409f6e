"""Further passes over the parts of a wave, once the means of its areas are known.

A deviation from the mean of the nation needs that mean, so squares cannot be taken by the first
pass over a part. Each pass returns arrays by segment, block or PSU of the part, never by row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal, Protocol

import numpy as np

from survey.estimate.arrays import Codes, Floats, limit_to_one_thread
from survey.estimate.cube.part import CubePart
from survey.estimate.cube.second_pass import SecondPass, StatisticBasis, kernels_of
from survey.estimate.cube.segments import PsuSegments

Axis = Literal["segment", "block", "psu"]


@dataclass(frozen=True)
class AreaMeans:
    """Means of the areas that contain the blocks of a part, at one level; A areas."""

    mean: Floats
    """Column means about the centre in raw units, 0 where nothing is scored, (A, G, K)."""
    inverse: Floats
    """One over the sum of w r, 0 where nothing is scored, (A, G, K)."""
    coverage: Floats
    """1, NaN where an item is missing altogether, or the renormalising factor, (A, G, T)."""
    of_block: Codes
    """Area of each block of the part, -1 for none."""

    @cached_property
    def covers_all(self) -> bool:
        """Whether every coverage factor is 1: no estimate is missing or renormalised."""
        return bool((self.coverage == 1).all())

    def take(self, blocks: Codes) -> "AreaMeans":
        """Return a copy for these `blocks` alone, with only the areas that contain them."""
        area = self.of_block[blocks]
        present = np.unique(area[area >= 0])
        of_block = np.where(area >= 0, np.searchsorted(present, area), -1)
        return AreaMeans(
            self.mean[present], self.inverse[present], self.coverage[present], of_block
        )


@dataclass(frozen=True)
class PartMeans:
    """Area means by area level, of the groups and, where a pass needs them, their complements."""

    own: Mapping[str, AreaMeans]
    rest: Mapping[str, AreaMeans]

    def take(self, blocks: Codes) -> "PartMeans":
        """Return the means of the areas that contain these blocks, at every level."""
        return PartMeans(
            {level: means.take(blocks) for level, means in self.own.items()},
            {level: means.take(blocks) for level, means in self.rest.items()},
        )


@dataclass(frozen=True)
class SeenPart:
    """Part of a cube's rows, with the area means about which several passes linearise them."""

    part: CubePart
    means: PartMeans
    squares: tuple["Squares", ...] = ()
    """Squares that are asked for, which are taken together."""

    @cached_property
    def squares_by_pass(self) -> Mapping["Squares", tuple[Floats, ...]]:
        """Sums and squared deviations by segment for each `Squares` pass, taken together."""
        return dict(zip(self.squares, take_squares(self), strict=True))

    @cached_property
    def rest(self) -> CubePart:
        """The same part with each group replaced by its complement."""
        return self.part.rest()


class Pass(Protocol):
    """Protocol of a computation over a part of a cube, hashable and small enough to send away."""

    @property
    def axis(self) -> Axis:
        """What the first axis of the arrays counts: segments, blocks or PSUs."""

    @property
    def needs_rest(self) -> bool:
        """Whether the pass needs the sums of the complement of each group."""

    def at(self, seen: SeenPart) -> tuple[Floats, ...]:
        """Return this pass's arrays for the part in `seen`, first axis as `axis` says."""


class LinearisedTotals:
    """Linearised totals of some PSUs about the means of their areas, cached by area level.

    Shape (p, g, T); 0 outside the areas and where an area's estimate is missing.
    """

    def __init__(
        self, seen: SeenPart, psus: slice = slice(None), groups: slice = slice(None)
    ) -> None:
        self._seen, self._psus = seen, psus
        self._groups = slice(*groups.indices(seen.part.asked))
        runs = seen.part.runs
        self._block = runs.block[runs.of_psu[psus]]
        self._own: dict[str, Floats] = {}
        self._rest: dict[str, Floats] = {}

    def own(self, level: str) -> Floats:
        """Return PSU totals of the groups, linearised about their area means at `level`."""
        if level not in self._own:
            self._own[level] = self._linearise_about(self._seen.means.own[level], self._own_sums)
        return self._own[level]

    def rest(self, level: str) -> Floats:
        """Return PSU totals of the complements, linearised about their area means at `level`."""
        if level not in self._rest:
            self._rest[level] = self._linearise_about(self._seen.means.rest[level], self._rest_sums)
        return self._rest[level]

    @cached_property
    def _own_sums(self) -> tuple[Floats, Floats]:
        return self._seen.part.totals(self._psus, self._groups)

    @cached_property
    def _rest_sums(self) -> tuple[Floats, Floats]:
        return self._seen.rest.totals(self._psus, self._groups)

    def _linearise_about(self, means: AreaMeans, sums: tuple[Floats, Floats]) -> Floats:
        weight, total = sums
        area, omega = means.of_block[self._block], self._seen.part.layout.plan.omega
        if not len(means.mean):
            return np.zeros((*weight.shape[:2], len(omega)))
        # PSUs of one city share their means, which then need no copy for each.
        places = area[:1] if (area == area[:1]).all() else area
        groups = self._groups
        residual = weight * means.mean[:, groups].take(places, axis=0)
        np.subtract(total, residual, out=residual)
        residual *= means.inverse[:, groups].take(places, axis=0)
        # A product for each PSU: some processors round the last line of a product otherwise, and
        # which PSU is the last of several depends on the part.
        z: Floats = residual @ omega.T
        if not means.covers_all:
            z *= np.nan_to_num(means.coverage)[places, groups]
        z[area < 0] = 0.0
        return z


@dataclass(frozen=True)
class Squares:
    """Pass for the sum and the squared deviations of linearised PSU totals in each segment.

    With `reference`, of these totals less those about the means of that larger area; with
    `needs_rest`, less those of each group's complement.
    """

    axis: ClassVar[Axis] = "segment"
    level: str
    reference: str | None = None
    needs_rest: bool = False

    def at(self, seen: SeenPart) -> tuple[Floats, ...]:
        return seen.squares_by_pass[self]

    def deviations(self, totals: LinearisedTotals) -> Floats:
        """Return PSU totals, less those about `reference` or of complements as the pass asks."""
        own = totals.own(self.level)
        if self.reference is not None:
            return own - totals.own(self.reference)
        return own - totals.rest(self.level) if self.needs_rest else own.copy()


def take_squares(seen: SeenPart) -> list[tuple[Floats, ...]]:
    """Return, for each `Squares` pass of `seen`, sums and squared deviations by segment."""
    runs = seen.part.runs
    shape = (len(runs.size), seen.part.asked, len(seen.part.layout.plan.omega))
    found: list[tuple[Floats, ...]] = [(np.empty(shape), np.empty(shape)) for _ in seen.squares]
    for psus, inside, groups in runs.batches(seen.part.asked):
        totals = LinearisedTotals(seen, psus, groups)
        for each_pass, (total, within) in zip(seen.squares, found, strict=True):
            deviations = each_pass.deviations(totals)
            runs.add_squares(inside, deviations, total[:, groups], within[:, groups])
    return found


@dataclass(frozen=True)
class RestSegments:
    """Pass for each group's complement: PSUs with members and sums of weights, by segment."""

    axis: ClassVar[Axis] = "segment"
    needs_rest: bool = True

    def at(self, seen: SeenPart) -> tuple[Floats, ...]:
        rest, plan = seen.rest, seen.part.layout.plan
        segments = PsuSegments.sum(seen.part.runs, rest.weights, plan)
        return segments.psus, segments.weight


@dataclass(frozen=True)
class DenseProducts:
    """Pass that sums weighted products of linearised values of many-column statistics, by block."""

    axis: ClassVar[Axis] = "block"
    levels: tuple[str, ...]
    needs_rest: bool = False

    def at(self, seen: SeenPart) -> tuple[Floats, ...]:
        known = seen.means.rest if self.needs_rest else seen.means.own
        rows = seen.rest.rows if self.needs_rest else seen.part.rows
        plan = seen.part.layout.plan
        basis = StatisticBasis.of(plan.omega[plan.dense], mixed=True)
        blocks = len(seen.part.layout.block_keys)
        shape = (blocks, len(basis.pairs), len(rows.member))
        by_level = tuple(np.zeros(shape) for _ in self.levels)
        if len(basis.omega):
            second_pass = SecondPass(rows, basis)
            kernels = [
                kernels_of(basis, known[level].mean, known[level].inverse) for level in self.levels
            ]
            for chunk in rows.chunks:
                second_pass.at(chunk)
                for level, kernel, products in zip(self.levels, kernels, by_level, strict=True):
                    if (area := known[level].of_block[chunk.block]) >= 0:
                        products[chunk.block] += second_pass.products(
                            [lines[area] for lines in kernel]
                        )
        return by_level


@dataclass(frozen=True)
class ContrastProducts:
    """Pass that sums products for an area's difference from its larger area, by block.

    u and v are linearised about the area and about the larger area that contains it.
    """

    axis: ClassVar[Axis] = "block"
    level: str
    reference: str
    needs_rest: bool = False

    def at(self, seen: SeenPart) -> tuple[Floats, ...]:
        part, means = seen.part, seen.means
        basis = StatisticBasis.of(part.layout.plan.omega, mixed=False)
        second_pass = SecondPass(part.rows, basis)
        view, larger = means.own[self.level], means.own[self.reference]
        own, other = (
            kernels_of(basis, known.mean, known.inverse, known.coverage) for known in (view, larger)
        )
        blocks = len(part.layout.block_keys)
        products = np.zeros((blocks, len(basis.pairs), len(part.rows.member)))
        for chunk in part.rows.chunks:
            area, outer = view.of_block[chunk.block], larger.of_block[chunk.block]
            if area < 0:
                continue
            second_pass.at(chunk)
            whole = [kernel[outer] for kernel in other]
            gap = [kernel[area] - wide for kernel, wide in zip(own, whole, strict=True)]
            products[chunk.block] += second_pass.products(gap) - second_pass.products(whole)
        return (products,)


@dataclass(frozen=True)
class PsuTotals:
    """Pass for the linearised totals of each PSU, to compare two waves."""

    axis: ClassVar[Axis] = "psu"
    level: str
    needs_rest: bool = False

    def at(self, seen: SeenPart) -> tuple[Floats, ...]:
        return (LinearisedTotals(seen).own(self.level),)


@dataclass(frozen=True)
class PsuScores:
    """Pass that returns 1.0 where a PSU has a score in a column, else 0.0, to compare two waves."""

    axis: ClassVar[Axis] = "psu"
    needs_rest: bool = False

    def at(self, seen: SeenPart) -> tuple[Floats, ...]:
        weight, _ = seen.part.totals(groups=slice(0, seen.part.asked))
        return ((weight > 0).astype(np.float64),)


def run_passes(
    part: CubePart, passes: tuple[Pass, ...], means: PartMeans
) -> list[tuple[Floats, ...]]:
    """Return the arrays of each pass over one part, linearised about `means`, in their order."""
    squares = tuple(each_pass for each_pass in passes if isinstance(each_pass, Squares))
    seen = SeenPart(part, means, squares)
    with limit_to_one_thread():
        return [each_pass.at(seen) for each_pass in passes]
