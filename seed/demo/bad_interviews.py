"""Bad interviews with a known kind: what review is there to find."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seed.demo.field_plan import DemoPoints
from seed.demo.sample_draw import DrawnInterviews, Ints

KINDS = ("", "speeder", "straight_liner", "near_duplicate", "mobilised")
"""By code; the empty kind is a good interview."""
GOOD, SPEEDER, STRAIGHT, DUPLICATE, MOBILISED = range(len(KINDS))
SHARE = 0.08
"""Of all completed interviews."""
UNDETECTED = 0.05
"""Of the bad ones: they slip through review and stand among the approved."""
_MIX = ((SPEEDER, 0.44), (STRAIGHT, 0.30), (DUPLICATE, 0.26))
_MOBILISED_SHARE = 0.28
"""Of the mobilised city's good interviews, that many more come in through a shared link."""
_CHEATS = 0.12
"""Share of the surveyors who bring most of the bad interviews."""
_CHEATING = 14.0

MOBILISED_CITY = "220700"
"""Arbitrary: one of the cities whose place in the survey is inferred; it means nothing."""

Codes = npt.NDArray[np.int8]


@dataclass(frozen=True)
class BadInterviews:
    """B bad interviews, their kind, and for near-duplicates the row that was copied (else -1)."""

    draw: DrawnInterviews
    kind: Codes
    copied: Ints


def count_bad_interviews(valid: int) -> int:
    """Bad interviews that belong to a wave with `valid` approved ones."""
    return round(valid * SHARE / (1 - SHARE * (1 - UNDETECTED)))


def generate_bad_interviews(
    good: DrawnInterviews, count: int, points: DemoPoints, place: int, rng: np.random.Generator
) -> BadInterviews:
    """`count` bad interviews made from good ones; `place` is the city that is mobilised, or -1."""
    in_city = np.flatnonzero(good.city == place)
    mobilised = min(round(_MOBILISED_SHARE * len(in_city)), count // 3)
    sent = in_city[rng.integers(0, max(len(in_city), 1), mobilised)]
    source = np.concatenate([_draw_templates(good, count - mobilised, rng), sent])
    kind = np.concatenate(
        [
            rng.choice([k for k, _ in _MIX], count - mobilised, p=[share for _, share in _MIX]),
            np.full(mobilised, MOBILISED),
        ]
    ).astype(np.int8)
    made = good.select_rows(source)
    _make_speeders(made, np.flatnonzero(kind == SPEEDER), rng)
    _make_straight_liners(made, np.flatnonzero(kind == STRAIGHT), rng)
    _make_near_duplicates(made, np.flatnonzero(kind == DUPLICATE), rng)
    _make_mobilised(made, np.flatnonzero(kind == MOBILISED), points, place, rng)
    return BadInterviews(made, kind, np.where(kind == DUPLICATE, source, -1))


def _draw_templates(good: DrawnInterviews, count: int, rng: np.random.Generator) -> Ints:
    """Draw the rows to start from; a few surveyors stand behind most of them."""
    surveyor = good.city * 100 + good.surveyor
    names, own = np.unique(surveyor, return_inverse=True)
    weight = np.where(rng.random(len(names)) < _CHEATS, _CHEATING, 1.0)[own]
    ends = np.cumsum(weight)
    rows: Ints = np.searchsorted(ends, rng.random(count) * ends[-1], side="right")
    return rows


def _make_speeders(made: DrawnInterviews, rows: Ints, rng: np.random.Generator) -> None:
    """Draw careless scores around a level of the moment; nothing is ever "do not know"."""
    level = rng.normal(7.9, 1.3, len(rows))
    for column in made.ratings.values():
        careless = np.rint(rng.normal(level, 1.9)).clip(1, 10).astype(np.int8)
        column[rows] = np.where(column[rows] > -3, careless, column[rows])


def _make_straight_liners(made: DrawnInterviews, rows: Ints, rng: np.random.Generator) -> None:
    """Give one score throughout, with at most one slip."""
    level = rng.choice(np.arange(5, 11), len(rows), p=[0.05, 0.06, 0.12, 0.32, 0.20, 0.25])
    slip = rng.integers(0, 2 * len(made.ratings), len(rows))
    for number, column in enumerate(made.ratings.values()):
        score = np.where(slip == number, np.maximum(level - 1, 1), level).astype(np.int8)
        column[rows] = np.where(column[rows] > -3, score, column[rows])


def _make_near_duplicates(made: DrawnInterviews, rows: Ints, rng: np.random.Generator) -> None:
    """Move two or three scores of a copied interview by one."""
    share = 2.5 / len(made.ratings)
    for column in made.ratings.values():
        moved = (rng.random(len(rows)) < share) & (column[rows] > 0)
        step = rng.choice([-1, 1], len(rows))
        column[rows] = np.where(moved, (column[rows] + step).clip(1, 10), column[rows])


def _make_mobilised(
    made: DrawnInterviews, rows: Ints, points: DemoPoints, place: int, rng: np.random.Generator
) -> None:
    """Give glowing answers of people who were sent, all through two points of the city."""
    if not len(rows):
        return
    level = rng.choice([9, 10], len(rows), p=[0.3, 0.7])
    for column in made.ratings.values():
        score = (level - (rng.random(len(rows)) < 0.12)).astype(np.int8)
        column[rows] = np.where(column[rows] > -3, score, column[rows])
    for stratum in (0, 1):
        inside = rows[made.stratum[rows] == stratum]
        here = points.of_stratum[place, stratum]
        if len(inside):
            made.point[inside] = here[rng.integers(0, min(2, len(here)), len(inside))]
