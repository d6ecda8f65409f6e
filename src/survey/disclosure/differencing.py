"""Pairs of domains that differ by a few people, whom subtraction would reveal."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from survey.disclosure.suppression import MINIMUM_N, Flags, Numbers

_BATCH_ROWS = 4096
"""Rows of which all pairs of groups are in memory; float32 counts them exactly."""


@dataclass(frozen=True, eq=False)
class Overlaps:
    """Pairs of table rows whose respondents are the same or almost so, as row numbers (m, 2)."""

    near: Numbers
    """Pairs whose respondents differ by 1 to minimum - 1 people."""
    same: Numbers
    """Pairs with the same respondents."""

    def select(self, columns: int, chosen: Numbers) -> "Overlaps":
        """Return the pairs renumbered for a table of only the `chosen` ones of its `columns`.

        Args:
            columns: of the table of these pairs, the last of its keys.
            chosen: the old column of each new one.
        """

        def moved(pairs: Numbers) -> Numbers:
            cell, column = np.divmod(pairs, columns)
            own = [
                cell[column[:, 0] == old] * len(chosen) + new
                for new, old in enumerate(chosen.tolist())
            ]
            return np.concatenate([pairs[:0], *own])

        return Overlaps(moved(self.near), moved(self.same))

    @classmethod
    def none(cls) -> "Overlaps":
        nothing = np.zeros((0, 2), dtype=np.int64)
        return cls(nothing, nothing)


@dataclass(frozen=True, eq=False)
class DomainCounts:
    """Numbers of respondents with a figure, by city, indicator and pair of groups (both members).

    C cities, A areas, I indicators; the pairs of the G groups are those of `numpy.triu_indices(G)`,
    each group with itself among them.
    """

    within: Flags
    """Whether a city lies in an area, A x C."""
    both: NDArray[np.int32]
    """Respondents of both groups of a pair, C x I x pairs."""
    groups: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Numbers of areas, groups and indicators, the order in which rows are numbered."""
        return self.within.shape[0], self.groups, self.both.shape[1]

    def counts(self) -> Numbers:
        """Return the numbers of respondents, areas × groups × indicators."""
        first, other = np.triu_indices(self.groups)
        alone = self.both[:, :, first == other].astype(np.float64)
        flat = self.within.astype(np.float64) @ alone.reshape(len(alone), -1)
        areas, groups, indicators = self.shape
        by_indicator = flat.round().astype(np.int64).reshape(areas, indicators, groups)
        return np.ascontiguousarray(by_indicator.swapaxes(1, 2))

    def count_both(
        self, cities: Flags, first: Numbers, other: Numbers, indicator: Numbers
    ) -> Numbers:
        """Count people in flagged `cities` who are in both groups of a pair (`first`, `other`)."""
        pair = self._pair_index[first, other]
        city = np.flatnonzero(cities).reshape(-1, *(1,) * np.broadcast(indicator, pair).ndim)
        total: Numbers = self.both[city, indicator, pair].sum(axis=0, dtype=np.int64)
        return total

    @cached_property
    def _pair_index(self) -> Numbers:
        """Index, groups × groups, of each pair of groups along the last axis of `both`."""
        first, other = np.triu_indices(self.groups)
        place = np.zeros((self.groups, self.groups), dtype=np.int64)
        place[first, other] = place[other, first] = np.arange(len(first))
        return place


def count_pairs(member: Flags, answered: Flags) -> NDArray[np.int32]:
    """Count people in both groups of a pair (`member`) who `answered`, indicators × pairs.

    Args:
        member: whether a respondent is in a group, n x G.
        answered: whether a respondent has a figure for an indicator, n x I.
    """
    first, other = np.triu_indices(member.shape[1])
    pairs = np.zeros((answered.shape[1], len(first)), dtype=np.int32)
    for start in range(0, len(member), _BATCH_ROWS):
        rows = slice(start, start + _BATCH_ROWS)
        groups = np.ascontiguousarray(member[rows].T.astype(np.float32))
        counted = answered[rows].T.astype(np.float32) @ (groups[first] * groups[other]).T
        pairs += counted.round().astype(np.int32)
    return pairs


def find_overlaps(
    who: DomainCounts, *, nested: frozenset[tuple[int, int]], minimum: int = MINIMUM_N
) -> Overlaps:
    """Find pairs of domains that differ by under `minimum` people; `nested`: areas within others.

    |A delta B| = |A| + |B| - 2 |A and B|. Pairs of which one has fewer than `minimum` respondents
    are left out: that one is hidden anyway.

    Args:
        nested: pairs of areas (larger, smaller) that are a whole and its part in a declared
            total, which sees what they tell apart of one and the same group.
    """
    n = who.counts()
    near, same = [np.zeros((0, 2), dtype=np.int64)], [np.zeros((0, 2), dtype=np.int64)]
    for area in range(who.shape[0]):
        overlapping = (who.within[area:] & who.within[area]).any(axis=1)
        for other in (area + np.flatnonzero(overlapping)).tolist():
            is_nested = (area, other) in nested or (other, area) in nested
            pairs, difference = _close_pairs(who, n, (area, other), is_nested, minimum)
            near.append(pairs[difference > 0])
            same.append(pairs[difference == 0])
    return Overlaps(np.concatenate(near), np.concatenate(same))


def _close_pairs(
    who: DomainCounts, n: Numbers, areas: tuple[int, int], is_nested: bool, minimum: int
) -> tuple[Numbers, Numbers]:
    """Return row pairs of two areas (indices) that differ by under `minimum`, and by how many.

    Who is in one area only always makes a difference; where that alone is enough, nothing else
    is counted.
    """
    both = who.within[areas[0]] & who.within[areas[1]]
    groups = np.arange(who.shape[1])[:, None]
    inside = who.count_both(both, groups, groups, np.arange(who.shape[2])[None, :])
    left, right = ((n[area] >= minimum) & (n[area] - inside < minimum) for area in areas)
    candidates = left[:, None, :] & right[None, :, :]
    if areas[0] == areas[1]:
        candidates &= np.triu(np.ones(candidates.shape[:2], dtype=bool), 1)[:, :, None]
    elif is_nested:
        candidates &= ~np.eye(len(groups), dtype=bool)[:, :, None]
    first, other, indicator = np.nonzero(candidates)
    difference = n[areas[0], first, indicator] + n[areas[1], other, indicator]
    difference -= 2 * who.count_both(both, first, other, indicator)
    close = difference < minimum
    rows = [
        np.ravel_multi_index(
            (np.full(close.sum(), area), group[close], indicator[close]), who.shape
        )
        for area, group in zip(areas, (first, other), strict=True)
    ]
    return np.stack(rows, axis=1).astype(np.int64), difference[close]
