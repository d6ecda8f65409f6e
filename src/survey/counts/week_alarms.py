"""Early warning: series of an area's counts with more in the newest week than usual.

Complaints and opinion have their own series, and their own gate of what is shown of a week; it is
decided once for every reader. How alarms are found, kept and read is the same.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from survey.access.principal import Principal
from survey.access.roles import NATION
from survey.counts.standing_deliveries import DeliveredPeriod
from survey.counts.week_series import StandOut, find_standing_out
from survey.disclosure import MINIMUM_N
from survey.estimate.outbreaks import LEAST_HISTORY_WEEKS

AlarmKey = tuple[str, ...]
"""Series of an alarm: its area, then what is counted there."""
MadeOf = tuple[UUID, ...]
"""Revisions that alarms were made of."""
_KEPT: "dict[tuple[type, MadeOf], WeekAlarms]" = {}
"""Alarms by source and revisions; the oldest are given up first."""
_MOST_KEPT = 8
_LOCK = Lock()


@dataclass(frozen=True)
class WeekAlarm:
    """Series with more in the newest week than its past lets expect."""

    key: AlarmKey
    week: str
    count: int
    least: int | None
    most: int | None
    """Range of the week, with 95 % probability, by its own past; None is fewer than ten."""
    since: str
    """First week on end with more than that."""
    counts: Mapping[str, int | None]
    """Weeks since then with their counts, the newest first; None where one is kept back."""

    @property
    def area(self) -> str:
        return self.key[0]


@dataclass(frozen=True)
class WeekAlarms:
    """Alarms of the newest week that was delivered, the least likely first."""

    weeks: tuple[str, ...] = ()
    """Weeks on end that were looked at, the newest last."""
    tested: int = 0
    """Series over which false alarms are held."""
    alarms: tuple[WeekAlarm, ...] = ()
    kept_back: Mapping[str, int] = field(default_factory=dict)
    """Area -> alarms that are not shown, because the gate keeps their counts back."""
    periods: tuple[DeliveredPeriod, ...] = ()
    """Revisions of the newest week."""

    @property
    def has_history(self) -> bool:
        """Whether the past is long enough for any alarm."""
        return len(self.weeks) >= LEAST_HISTORY_WEEKS

    @property
    def is_demo(self) -> bool:
        return any(each.is_demo for each in self.periods)


class WeekSource(Protocol):
    """Weekly counts that stand, and the gate of what is shown of them."""

    is_spreading: bool
    """Whether their dispersion grows with the mean (`estimate/outbreaks.py`)."""
    weeks: list[str]
    """Weeks on end, the newest last."""
    newest: tuple[DeliveredPeriod, ...]
    """Revisions of the newest week."""

    def list_areas(self) -> Mapping[str, frozenset[str]]:
        """Return area -> weeks of which something was delivered of it."""

    def count_series(self, areas: int) -> int:
        """Return the number of all series of so many areas."""

    def list_candidates(self) -> Sequence[AlarmKey]:
        """Return the series with at least `LEAST_COUNT` in the newest week."""

    def read_series(self, keys: Sequence[AlarmKey]) -> NDArray[np.int64]:
        """Return the counts of series × weeks."""

    def show(self, key: AlarmKey, week: str) -> int | None:
        """Return a count and keep that it is shown; None where it may not be."""


def find_week_alarms(
    principal: Principal, made_of: MadeOf, source: type[WeekSource], build: Callable[[], WeekSource]
) -> WeekAlarms:
    """Return the alarms of the nation and the own area; the caller has checked the right.

    Args:
        made_of: Revisions that decide the alarms; with the same ones they are found once.
        build: Returns the source, `source` its class.
    """
    known = _KEPT.get((source, made_of))
    if known is None:
        known = _find_alarms(build())
        with _LOCK:
            if len(_KEPT) >= _MOST_KEPT:
                del _KEPT[next(iter(_KEPT))]
            _KEPT[source, made_of] = known

    def may_read(area: str) -> bool:
        return area == NATION or principal.covers(area)

    own = tuple(each for each in known.alarms if may_read(each.area))
    kept_back = {area: count for area, count in known.kept_back.items() if may_read(area)}
    return replace(known, alarms=own, kept_back=kept_back)


def _find_alarms(source: WeekSource) -> WeekAlarms:
    if not source.weeks:
        return WeekAlarms()
    weeks, areas = source.weeks, source.list_areas()
    tested = source.count_series(len(areas))
    keys = source.list_candidates()
    found: list[tuple[AlarmKey, StandOut]] = []
    if keys:
        is_known = np.array([[week in areas[key[0]] for week in weeks] for key in keys])
        standing_out = find_standing_out(
            source.read_series(keys), is_known, tested=tested, is_spreading=source.is_spreading
        )
        found = [(keys[each.series], each) for each in standing_out]
    alarms = _show(source, found)
    kept_back = Counter(key[0] for key, _ in found)
    kept_back.subtract(each.area for each in alarms)
    return WeekAlarms(tuple(weeks), tested, alarms, +kept_back, source.newest)


def _show(source: WeekSource, found: Sequence[tuple[AlarmKey, StandOut]]) -> tuple[WeekAlarm, ...]:
    """Return the alarms whose newest count is shown, with what is shown of earlier weeks.

    The newest counts of all are decided before any earlier one, the least likely alarm first.
    """
    weeks = source.weeks
    newest = {key: source.show(key, weeks[-1]) for key, _ in found}
    return tuple(
        WeekAlarm(
            key,
            weeks[-1],
            count,
            least=each.least if each.least >= MINIMUM_N else None,
            most=each.most if each.most >= MINIMUM_N else None,
            since=weeks[each.since],
            counts={
                weeks[-1]: count,
                **{week: source.show(key, week) for week in weeks[each.since : -1][::-1]},
            },
        )
        for key, each in found
        if (count := newest[key]) is not None
    )
