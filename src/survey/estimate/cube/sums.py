"""Sums of a cube, joined from its parts in an order that does not depend on them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import pandas as pd

from survey.estimate.arrays import Codes
from survey.estimate.cube.accumulator import CubeMoments, StatisticLayout
from survey.estimate.cube.part import PartAreas, PartSums, complement_sums
from survey.estimate.cube.segments import PsuSegments
from survey.estimate.cube.spec import CubeSpec
from survey.estimate.design import Strata
from survey.estimate.errors import EstimateError


@dataclass(frozen=True)
class AreaLevel:
    """Area level: the labels of its areas, and the area code of every block (-1 for none)."""

    name: str
    labels: pd.Index
    of_block: Codes

    @cached_property
    def of_blocks(self) -> bool:
        """Whether every area of the level is exactly one block, in the same order."""
        size = len(self.labels)
        return size == len(self.of_block) and bool((self.of_block == np.arange(size)).all())


@dataclass(frozen=True)
class PartPlace:
    """Positions of the blocks, segments and PSUs of one part among those of all parts."""

    block: Codes
    segment: Codes
    psu: Codes


@dataclass(frozen=True)
class CubeSums:
    """Sums of a cube by block and by segment; B blocks, G groups, K columns, T statistics.

    `groups` names the groups asked for; where none of them is everyone, the last of the G groups
    is.
    """

    spec: CubeSpec
    plan: StatisticLayout
    columns: int
    groups: tuple[str, ...]
    everyone: int
    """The group that holds every row."""
    levels: tuple[AreaLevel, ...]
    strata: Strata
    segments: PsuSegments
    moments: CubeMoments

    @property
    def shape(self) -> tuple[int, int]:
        """Number of groups asked for, and number of statistics."""
        return len(self.groups), len(self.plan.omega)

    @property
    def blocks(self) -> int:
        """Number of blocks, the smallest areas of which all others are unions."""
        return len(self.moments.block)

    def rest(self) -> "CubeSums":
        """Return a copy with block sums of each group's complement; the segments are the same."""
        asked, moments = len(self.groups), self.moments

        def less(sums: np.ndarray) -> np.ndarray:
            rest: np.ndarray = sums[:, self.everyone : self.everyone + 1] - sums[:, :asked]
            return rest

        members = less(moments.members)
        rest = CubeMoments(
            block=complement_sums(moments.block, slice(asked), self.everyone, self.columns),
            square=less(moments.square),
            product=less(moments.product),
            n=less(moments.n),
            members=members,
            base=less(moments.base) * (members > 0),
            scores=less(moments.scores),
        )
        return replace(self, moments=rest)

    @classmethod
    def join(cls, spec: CubeSpec, parts: Sequence[PartSums]) -> tuple[Self, tuple[PartPlace, ...]]:
        """Join sums of parts that share no block; return them and each part's positions in them.

        Raises:
            EstimateError: parts that share a block, or rates summed about different centres.
        """
        first = parts[0]
        if any(not np.array_equal(part.plan.offset, first.plan.offset) for part in parts):
            raise EstimateError("uneven_centres")
        labels, areas = zip(*(_join_areas(level) for level in _group_by_level(parts)), strict=True)
        block_order = _find_block_order(spec, parts, areas)
        blocks = _find_places(block_order, [len(part.block_keys) for part in parts])
        strata, stratum_of = _join_strata(parts, spec)
        block_of_segment = [
            place[part.segments.block] for place, part in zip(blocks, parts, strict=True)
        ]
        stratum_of_segment = [
            place[part.segments.stratum] for place, part in zip(stratum_of, parts, strict=True)
        ]
        segment_order = np.lexsort(
            (np.concatenate(stratum_of_segment), np.concatenate(block_of_segment))
        )
        sizes = [len(part.segments.size) for part in parts]
        segments = PsuSegments.join(
            [part.segments for part in parts], stratum_of_segment, block_of_segment, segment_order
        )
        segment_places = _find_places(segment_order, sizes)
        sums = cls(
            spec=spec,
            plan=first.plan,
            columns=first.columns,
            groups=first.groups,
            everyone=first.everyone,
            levels=tuple(
                AreaLevel(level.name, found, np.concatenate(area)[block_order])
                for level, found, area in zip(first.levels, labels, areas, strict=True)
            ),
            strata=strata,
            segments=segments,
            moments=CubeMoments.join([part.moments for part in parts], block_order),
        )
        sums._require_whole_blocks(len(parts))
        places = [
            PartPlace(block, segment, _find_psu_places(segments, segment))
            for block, segment in zip(blocks, segment_places, strict=True)
        ]
        return sums, tuple(places)

    def _require_whole_blocks(self, parts: int) -> None:
        """Raise an error where two blocks have the same areas: parts have cut a block in two."""
        areas = np.stack([level.of_block for level in self.levels])
        if parts > 1 and len(np.unique(areas, axis=1).T) < self.blocks:
            raise EstimateError("block_in_two_parts")


def _group_by_level(parts: Sequence[PartSums]) -> list[list[PartAreas]]:
    return [list(levels) for levels in zip(*(part.levels for part in parts), strict=True)]


def _join_areas(level: Sequence[PartAreas]) -> tuple[pd.Index, list[Codes]]:
    """Return the area labels of a level over all parts, and area codes of each part's blocks."""
    labels = level[0].labels
    for part in level[1:]:
        labels = labels.append(part.labels)
    if len(level) > 1:
        declared = level[0].declared
        labels = labels.unique()
        if declared is not None and all(part.declared == declared for part in level):
            labels = labels.take(np.argsort(pd.Index(declared).get_indexer(labels)))
        else:
            labels = labels.sort_values()
    areas = []
    for part in level:
        place = np.append(labels.get_indexer(part.labels), -1)
        areas.append(place[part.of_block])
    return labels, areas


def _find_block_order(
    spec: CubeSpec, parts: Sequence[PartSums], areas: Sequence[Sequence[Codes]]
) -> Codes:
    """Return the order of all parts' blocks: by area label if there is one level, else by key."""
    if len(areas) == 1:
        return np.argsort(np.concatenate(areas[0]), kind="stable")
    return _find_key_order(spec, [part.block_keys for part in parts])


def _find_key_order(spec: CubeSpec, keys: Sequence[pd.Series]) -> Codes:
    """Return the permutation that sorts all parts' order keys; row numbers sort part by part."""
    if spec.order is None:
        part_of = np.repeat(np.arange(len(keys)), [len(part) for part in keys])
        return np.lexsort((np.concatenate([part.to_numpy() for part in keys]), part_of))
    joined = pd.concat(list(keys), ignore_index=True)
    return joined.sort_values(kind="stable").index.to_numpy()


def _find_places(order: Codes, sizes: Sequence[int]) -> list[Codes]:
    """Return, for each part of `sizes` members, their positions in the common `order`."""
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return np.split(place, np.cumsum(sizes)[:-1])


def _join_strata(parts: Sequence[PartSums], spec: CubeSpec) -> tuple[Strata, list[Codes]]:
    """Return the distinct strata of all parts, sorted by order key, and each part's codes."""
    first = parts[0].strata
    if len(parts) == 1:
        return first, [np.arange(len(first.psus))]
    labels = first.stratum_labels
    for part in parts[1:]:
        labels = labels.append(part.strata.stratum_labels)
    order = _find_key_order(spec, [part.stratum_keys for part in parts])
    code, _ = pd.factorize(labels[order])
    of_all = np.empty(len(labels), dtype=np.intp)
    of_all[order] = code
    size = int(code.max(initial=-1)) + 1
    chosen = np.empty(size, dtype=np.intp)
    chosen[of_all[::-1]] = np.arange(len(labels))[::-1]
    population = np.concatenate([part.strata.population for part in parts])
    if (population[chosen][of_all] != population).any():
        uneven = int(np.argmax(population[chosen][of_all] != population))
        raise EstimateError("fpc_varies", column=spec.design.fpc, stratum=labels[uneven])

    def total(counts: Sequence[Codes]) -> Codes:
        return np.bincount(of_all, np.concatenate(list(counts)), size).astype(np.intp)

    strata = Strata(
        stratum_labels=labels[chosen],
        units=total([part.strata.units for part in parts]),
        population=population[chosen],
        psus=total([part.strata.psus for part in parts]),
        rule=first.rule,
        assumed_deff=first.assumed_deff,
    )
    strata.require_enough(spec.design.fpc)
    return strata, np.split(of_all, np.cumsum([len(part.strata.psus) for part in parts])[:-1])


def _find_psu_places(segments: PsuSegments, own: Codes) -> Codes:
    """Return positions of a part's PSUs among all, from its segments' positions `own`."""
    size = segments.size[own]
    inside = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
    places: Codes = np.repeat(segments.starts[own], size) + inside
    return places
