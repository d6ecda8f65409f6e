"""Pairs of domains that differ by a few people, whom subtraction would reveal."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from survey.disclosure.suppression import MINIMUM_N
from survey.disclosure.totals import Flags, Numbers


@dataclass(frozen=True, eq=False)
class Overlaps:
    """Pairs of rows of a table, m x 2."""

    near: Numbers
    """Pairs whose respondents differ by 1 to minimum - 1 people."""
    same: Numbers
    """Pairs with the same respondents."""

    @classmethod
    def none(cls) -> "Overlaps":
        nothing = np.zeros((0, 2), dtype=np.int64)
        return cls(nothing, nothing)


@dataclass(frozen=True, eq=False)
class Memberships:
    """Membership of N respondents in areas and groups, and who has a figure."""

    city: Numbers
    """City of each respondent, 0 to C - 1."""
    within: Flags
    """Whether a city lies in an area, A x C."""
    member: Flags
    """Whether a respondent is in a group, N x G."""
    answered: Flags
    """Whether a respondent has a figure for an indicator, N x I."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Numbers of areas, groups and indicators, in the order of the rows that overlaps name."""
        return self.within.shape[0], self.member.shape[1], self.answered.shape[1]

    def counts(self) -> Numbers:
        """Return the respondents of each domain and indicator, areas × groups × indicators."""
        groups = self.member.astype(np.float32)
        by_city = np.stack(
            [groups[rows].T @ self.answered[rows].astype(np.float32) for rows in self.rows()]
        )
        flat = self.within.astype(np.float32) @ by_city.reshape(len(by_city), -1)
        return flat.round().astype(np.int64).reshape(self.shape)

    def rows(self) -> list[Numbers]:
        order = np.argsort(self.city, kind="stable")
        edges = np.searchsorted(self.city[order], np.arange(self.within.shape[1] + 1))
        return [order[low:high] for low, high in pairwise(edges)]


def find_overlaps(
    who: Memberships, *, nested: frozenset[tuple[int, int]], minimum: int = MINIMUM_N
) -> Overlaps:
    """Find all pairs of domains, of one area or of two, that differ by few respondents.

    |A delta B| = |A| + |B| - 2 |A and B|, with |A and B| from one matrix product a city. Pairs of
    which one has fewer than `minimum` respondents are left out: that one is hidden anyway.

    Args:
        nested: pairs of areas (larger, smaller) that are a whole and its part in a declared
            total, which sees what they tell apart of one and the same group.
    """
    n, shared = who.counts(), _Shared.of(who)
    near, same = [np.zeros((0, 2), dtype=np.int64)], [np.zeros((0, 2), dtype=np.int64)]
    for area in range(who.shape[0]):
        overlapping = (who.within[area:] & who.within[area]).any(axis=1)
        for other in (area + np.flatnonzero(overlapping)).tolist():
            is_nested = (area, other) in nested or (other, area) in nested
            pairs, difference = _close_pairs(who, n, shared, (area, other), is_nested, minimum)
            near.append(pairs[difference > 0])
            same.append(pairs[difference == 0])
    return Overlaps(np.concatenate(near), np.concatenate(same))


@dataclass(frozen=True, eq=False)
class _Shared:
    """Respondents of both groups of a pair: cities × indicators × pairs."""

    by_city: NDArray[np.int32]
    pair_index: Numbers
    """Place of a pair of groups, G x G."""

    @classmethod
    def of(cls, who: Memberships) -> "_Shared":
        groups = who.shape[1]
        first, other = np.triu_indices(groups)
        by_city = np.stack([_count_of_both(who, rows, first, other) for rows in who.rows()])
        place = np.zeros((groups, groups), dtype=np.int64)
        place[first, other] = place[other, first] = np.arange(len(first))
        return cls(by_city.round().astype(np.int32), place)

    def count(self, cities: Flags, first: Numbers, other: Numbers, indicator: Numbers) -> Numbers:
        total: Numbers = self.by_city[cities][:, indicator, self.pair_index[first, other]].sum(
            axis=0
        )
        return total


def _count_of_both(who: Memberships, rows: Numbers, first: Numbers, other: Numbers) -> Numbers:
    """Return the respondents of both groups of each pair among `rows`, indicators × pairs."""
    member = np.ascontiguousarray(who.member[rows].T.astype(np.float32))
    return who.answered[rows].T.astype(np.float32) @ (member[first] * member[other]).T


def _close_pairs(
    who: Memberships,
    n: Numbers,
    shared: _Shared,
    areas: tuple[int, int],
    is_nested: bool,
    minimum: int,
) -> tuple[Numbers, Numbers]:
    """Return pairs of rows of one or two areas that differ by less than `minimum`, and by how much.

    Who is in one area only always makes a difference; where that alone is enough, nothing else
    is counted.
    """
    both = who.within[areas[0]] & who.within[areas[1]]
    groups = np.arange(who.shape[1])[:, None]
    inside = shared.count(both, groups, groups, np.arange(who.shape[2])[None, :])
    left, right = ((n[area] >= minimum) & (n[area] - inside < minimum) for area in areas)
    candidates = left[:, None, :] & right[None, :, :]
    if areas[0] == areas[1]:
        candidates &= np.triu(np.ones(candidates.shape[:2], dtype=bool), 1)[:, :, None]
    elif is_nested:
        candidates &= ~np.eye(len(groups), dtype=bool)[:, :, None]
    first, other, indicator = np.nonzero(candidates)
    difference = n[areas[0], first, indicator] + n[areas[1], other, indicator]
    difference -= 2 * shared.count(both, first, other, indicator)
    close = difference < minimum
    rows = [
        np.ravel_multi_index(
            (np.full(close.sum(), area), group[close], indicator[close]), who.shape
        )
        for area, group in zip(areas, (first, other), strict=True)
    ]
    return np.stack(rows, axis=1).astype(np.int64), difference[close]
