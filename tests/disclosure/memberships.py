"""Who is in which area and group, respondent by respondent, as an attacker knows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.disclosure import DomainCounts, count_pairs
from survey.results.domain_counts import find_answered
from survey.results.wave_parts import WaveData

Flags = NDArray[np.bool_]
Numbers = NDArray[np.int64]


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
        """Numbers of areas, groups and indicators."""
        return self.within.shape[0], self.member.shape[1], self.answered.shape[1]

    def count(self) -> DomainCounts:
        """Return the respondents of every pair of groups by city and indicator."""
        order = np.argsort(self.city, kind="stable")
        edges = np.searchsorted(self.city[order], np.arange(self.within.shape[1] + 1))
        both = [
            count_pairs(self.member[rows], self.answered[rows])
            for rows in (order[low:high] for low, high in pairwise(edges))
        ]
        return DomainCounts(self.within, np.stack(both), self.member.shape[1])


def memberships(
    data: WaveData, areas: pd.DataFrame, groups: Sequence[str], indicators: Sequence[str]
) -> Memberships:
    """Return who is in which area (columns area_level, area), group and base."""
    city, cities = pd.factorize(data.areas["city"], sort=True)
    first = np.unique(city, return_index=True)[1]
    levels = {level: labels[first].astype(str) for level, labels in data.areas.items()}
    within = [levels[level] == area for level, area in areas.itertuples(index=False, name=None)]
    answered = find_answered(data)
    return Memberships(
        city=city.astype(np.int64),
        within=np.array(within).reshape(-1, len(cities)),
        member=np.stack([data.memberships[group] for group in groups], axis=1),
        answered=np.stack([answered[name] for name in indicators], axis=1),
    )
