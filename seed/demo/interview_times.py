"""When an interview took place, and how long each question took."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt

from seed.demo import bad_interviews
from seed.demo.answer_modes import MODES
from seed.demo.sample_draw import DrawnInterviews
from seed.demo.wave_plans import WavePlan

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.int64]

LANGUAGES = ("zh", "en")
DAY = 86_400
_SHANGHAI = 8 * 3600
_HOURS = np.array([9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20])
_BUSY = np.array([3, 9, 10, 5, 5, 8, 10, 11, 10, 9, 7, 3], dtype=float)
_WEEKEND = 1.6
_VISITS = 9
"""Days on which one point is visited."""
_SECONDS = 6.6
"""Median time for one question of a young person answering alone."""


@dataclass(frozen=True)
class GeneratedTimes:
    """Of each interview: start and receipt in seconds since 1970 (UTC), language, pace.

    `pace` is the person's factor on the time for a question.
    """

    started: Times
    seconds: Floats
    language: npt.NDArray[np.int8]
    pace: Floats

    def select_rows(self, rows: npt.NDArray[np.int64]) -> "GeneratedTimes":
        """The moments at those places."""
        return GeneratedTimes(
            self.started[rows], self.seconds[rows], self.language[rows], self.pace[rows]
        )

    @cached_property
    def submitted(self) -> Times:
        return self.started + np.ceil(self.seconds).astype(np.int64)


def generate_times(
    drawn: DrawnInterviews,
    plan: WavePlan,
    kind: npt.NDArray[np.int8],
    copied: npt.NDArray[np.int64],
    rng: np.random.Generator,
) -> GeneratedTimes:
    """Times of all interviews of a wave; bad kinds are fast, crowded, or soon after the original.

    `copied` is the row that an interview was copied from, or -1.
    """
    count = len(drawn)
    pace = np.exp(rng.normal(0, 0.30, count))
    if "age" in drawn.numbers:
        pace *= 1 + np.clip(drawn.numbers["age"] - 40, 0, None) * 0.011
    pace *= np.where(drawn.mode == MODES.index("assisted"), 1.25, 1.0)
    pace = np.where(kind == bad_interviews.SPEEDER, rng.uniform(0.12, 0.26, count), pace)
    pace = np.where(kind == bad_interviews.STRAIGHT, rng.uniform(0.30, 0.60, count), pace)
    pace = np.where(kind == bad_interviews.MOBILISED, rng.uniform(0.45, 0.70, count), pace)
    asked = _count_asked(drawn)
    seconds = pace * _SECONDS * (asked + 4) * np.exp(rng.normal(0, 0.06, count)) + 6
    started = _draw_starts(drawn, plan, kind, rng)
    later = started[copied] + seconds[copied].astype(np.int64) + rng.integers(60, 1500, count)
    started = np.where(copied >= 0, later, started)
    language = (rng.random(count) < 0.004).astype(np.int8)
    return GeneratedTimes(started, np.round(seconds, 1), language, pace)


def _count_asked(drawn: DrawnInterviews) -> Floats:
    asked = np.zeros(len(drawn))
    for column in (*drawn.ratings.values(), *drawn.choices.values()):
        asked += column > -4
    for ticks in drawn.ticks.values():
        asked += ticks[:, 0] > -4
    return asked


def _draw_starts(
    drawn: DrawnInterviews, plan: WavePlan, kind: npt.NDArray[np.int8], rng: np.random.Generator
) -> Times:
    """Draw starts: each point is visited on a few days of its own, at shopping hours in China."""
    first, last = plan.opens_on.toordinal(), plan.closes_on.toordinal()
    days = np.arange(first, last + 1)
    weekday = (days + 6) % 7
    weight = np.where(weekday >= 5, _WEEKEND, 1.0)
    spots = int(drawn.point.max()) + 1
    visits = rng.choice(days, size=(spots, _VISITS), p=weight / weight.sum())
    day = visits[drawn.point, rng.integers(0, _VISITS, len(drawn))]
    hour = rng.choice(_HOURS, len(drawn), p=_BUSY / _BUSY.sum())
    minute = rng.uniform(0, 3600, len(drawn))
    crowd = kind == bad_interviews.MOBILISED
    day = np.where(crowd, visits[0, 0], day)
    hour = np.where(crowd, 20, hour)
    odd = (kind == bad_interviews.SPEEDER) & (rng.random(len(drawn)) < 0.15)
    hour = np.where(odd, rng.integers(0, 6, len(drawn)), hour)
    epoch = date(1970, 1, 1).toordinal()
    starts: Times = ((day - epoch) * DAY + hour * 3600 - _SHANGHAI + minute).astype(np.int64)
    return starts
