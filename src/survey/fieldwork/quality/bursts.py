"""Bursts: more interviews in one hour than a point or a city can have; a sign of mobilisation.

A one-time link serves one interview only, so a shared list of links shows here and nowhere else.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from survey.fieldwork.quality.flags import Flags, rows_of
from survey.fieldwork.quality.hours import CHINA
from survey.fieldwork.quality.interviews import Floats, Groups, Interviews, Ints
from survey.fieldwork.quality.kinds import FlagKind

FEWEST = 6
"""Interviews in an hour below which nothing is a burst."""
CHANCE = 1e-6
"""Poisson probability of so many in an hour that is still taken for chance."""
TIMES = 4.0
"""So many times the usual number, because busy hours vary by more than Poisson."""
OWN_HOURS = 5
"""Hours with interviews from which a place's own median says what is usual there."""


@dataclass(frozen=True)
class _Crowd:
    """Of each interview: how many began in its place and hour, and how many do usually."""

    count: Ints
    usual: Floats
    surplus: Floats
    """Share of the hour's interviews beyond the usual number; 0 unless it is a burst."""


def burst_flags(interviews: Interviews) -> Flags:
    """Interviews of an hour that has far more than usual, at their point or in their city.

    Usual is the larger of the wave's mean over all hours with interviews at such a place and the
    place's own median. The strength is the share of the hour's interviews beyond that.
    """
    point = _crowd(interviews, interviews.point)
    city = _crowd(interviews, interviews.city)
    at_point = point.surplus >= city.surplus
    strength = np.where(at_point, point.surplus, city.surplus)
    rows = rows_of(strength > 0)
    details: list[dict[str, Any]] = [
        {
            "at": "point" if at_point[row] else "city",
            "count": int((point if at_point[row] else city).count[row]),
            "usual": round(float((point if at_point[row] else city).usual[row]), 1),
        }
        for row in rows
    ]
    return Flags(FlagKind.BURST, rows, strength[rows], details)


def _crowd(interviews: Interviews, places: Groups) -> _Crowd:
    count = np.zeros(len(interviews), dtype=np.int64)
    usual, surplus = np.zeros(len(interviews)), np.zeros(len(interviews))
    rows = rows_of(~np.isnat(interviews.started) & (places.codes >= 0))
    if not len(rows):
        return _Crowd(count, usual, surplus)
    hour = (interviews.started[rows] + CHINA).astype("datetime64[h]").astype(np.int64)
    keys = np.stack([places.codes[rows], hour], axis=1)
    cells, own, inside = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
    own = own.reshape(-1)
    expected = _expected(cells[:, 0], inside)
    chance = stats.poisson.sf(inside - 1, expected)
    burst = (inside >= FEWEST) & (inside >= TIMES * expected) & (chance < CHANCE)
    count[rows], usual[rows] = inside[own], expected[own]
    surplus[rows] = np.where(burst, np.round(1 - expected / inside, 4), 0.0)[own]
    return _Crowd(count, usual, surplus)


def _expected(place: Ints, inside: Ints) -> Floats:
    """Usual number an hour at the place of each cell; `place` is sorted."""
    overall = inside.mean()
    starts = np.flatnonzero(np.diff(place, prepend=-1))
    expected = np.full(len(place), overall)
    for first, last in zip(starts, np.append(starts[1:], len(place)), strict=True):
        if last - first >= OWN_HOURS:
            expected[first:last] = max(overall, float(np.median(inside[first:last])))
    return expected
