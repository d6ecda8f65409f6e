"""Weeks of ISO 8601 on end, and the series of counts that stand out in the last of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from survey.estimate.outbreaks import LEAST_COUNT, LEFT_OUT_WEEKS, warn_of_outbreaks

_WEEK = timedelta(days=7)


def monday_of(week: str) -> date:
    """Return the first day of a week such as `2024W05`."""
    return date.fromisoformat(f"{week}1")


def week_of(day: date) -> str:
    """Return the week of a day, such as `2024W05`."""
    year, week, _ = day.isocalendar()
    return f"{year}W{week:02}"


def list_weeks(known: Collection[str], most: int) -> list[str]:
    """Return the weeks on end from the first to the last of `known`, the newest `most` of them."""
    if not known:
        return []
    first, last = monday_of(min(known)), monday_of(max(known))
    count = min((last - first).days // 7 + 1, most)
    return [week_of(last - back * _WEEK) for back in reversed(range(count))]


@dataclass(frozen=True)
class StandOut:
    """Series whose last week has more than its past lets expect."""

    series: int
    count: int
    least: int
    """Least and most that the week brings with 95 % probability."""
    most: int
    since: int
    """Place of the first week on end with more than that."""
    p: float


def find_standing_out(
    counts: NDArray[np.int64],
    is_known: NDArray[np.bool_],
    *,
    tested: int,
    is_spreading: bool = False,
) -> list[StandOut]:
    """Return the series that stand out in the last week, the least likely first.

    Args:
        counts: Counts of series × weeks on end; those with fewer than `LEAST_COUNT` in the last
            week may be left out.
        tested: Number of all series.
        is_spreading: As in `warn_of_outbreaks`.
    """
    warnings = warn_of_outbreaks(counts, is_known, tested=tested, is_spreading=is_spreading)
    found = []
    for series in warnings.find_alarms().tolist():
        least, most = warnings.forecast.interval(series)
        since = _find_begin(counts[series], is_known[series], max(most, LEAST_COUNT - 1))
        count, p = int(counts[series, -1]), float(warnings.p[series])
        found.append(StandOut(series, count, least, most, since, p))
    return sorted(found, key=lambda each: (each.p, each.series))


def _find_begin(counts: Sequence[int], is_known: Sequence[bool], most: int) -> int:
    """Return the place of the first of the last weeks on end that have more than `most`."""
    place = len(counts) - 1
    first = max(place - LEFT_OUT_WEEKS, 0)
    while place > first and is_known[place - 1] and counts[place - 1] > most:
        place -= 1
    return place
