"""Opinion counts of the days around an event as readers may see them, after the disclosure gate.

Items are public, but in a small area a handful of them leads to who wrote them. Readers choose the
windows, and two windows subtracted are a day: so days are what is gated, by channel and sentiment,
and a sum is shown only where every day in it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from math import isnan

import numpy as np
import pandas as pd

from survey.access.roles import Action
from survey.access.work import Work
from survey.counts.count_kinds import CHANNEL, DAY, ITEMS, NEGATIVE, SENTIMENT
from survey.counts.opinion.event_windows import WindowDifference, compare_windows
from survey.counts.opinion.storage import OpinionTopic, list_opinion_topics, read_opinion_days
from survey.counts.standing_deliveries import DeliveredPeriod, list_standing_periods
from survey.disclosure import MINIMUM_N, AdditiveTotal, protect
from survey.figures.charts.count_charts import AFTER, BEFORE, DURING, WINDOWS
from survey.store.tables import DeliveryKind

_WHOLE, _ALL, _REST, _EVERY = "whole", "all", "rest", "*"
_WHICH = "which"
_DAY, _YEAR = timedelta(days=1), timedelta(days=366)
_MAX_DISTANCE = timedelta(days=30)
_MAX_KEPT_DAYS = 4_096
_Cells = Mapping[tuple[str, str], "tuple[float | None, float | None]"]
"""Items and negative items by day and channel, `*` for all channels; None where hidden."""
Numbers = Mapping[str, float]


@dataclass(frozen=True)
class EventWindow:
    """First and last day of an event, and how many days before and after are shown."""

    first: date
    last: date
    around: int

    def window_of(self, day: date) -> str:
        """Return the window in which a day is: before, during or after the event."""
        if day < self.first:
            return BEFORE
        return AFTER if day > self.last else DURING

    @property
    def span(self) -> tuple[date, date]:
        """First and last day of all three windows."""
        around = timedelta(days=self.around)
        return self.first - around, self.last + around


@dataclass(frozen=True)
class OpinionDay:
    """Items and negative items of one day; None where the disclosure gate hides them."""

    day: date
    window: str
    items: float | None
    negative: float | None

    @property
    def share(self) -> float | None:
        """Negative share of the day's items in per cent; None if hidden or without items."""
        if self.items is None or self.negative is None or not self.items:
            return None
        return 100 * self.negative / self.items


@dataclass(frozen=True, eq=False)
class OpinionEvent:
    """An area's opinion counts around an event, small ones hidden, and changes from before."""

    area: str
    event: EventWindow
    periods: tuple[DeliveredPeriod, ...]
    days: tuple[OpinionDay, ...]
    totals: Mapping[str, Numbers | None]
    """Items and negative items by window, and of all windows as `whole`; None where hidden."""
    share_changes: Mapping[str, WindowDifference | None]
    """Difference of the mean daily negative share, in points, from before; by window."""
    item_changes: Mapping[str, WindowDifference | None]
    """Difference of the mean logarithm of daily items from before, by window."""
    channels: Mapping[str, Numbers | None]
    topics: tuple[OpinionTopic, ...]
    missing_days: tuple[date, ...]
    """Days of the windows for which nothing was delivered."""

    @property
    def is_demo(self) -> bool:
        return any(each.is_demo for each in self.periods)

    @property
    def whole(self) -> Numbers | None:
        """Items and negative items summed over all days; None where hidden."""
        return self.totals.get(_WHOLE)


def find_busy_days(work: Work, *, area: str) -> tuple[date, date] | None:
    """Return first and last day of the busy days around the last year's peak, or None.

    They are found in the counts that are shown: a window that a hidden day moves would tell about
    it. None if nothing was delivered; the newest day if every day of the year is hidden.
    """
    work.require(Action.READ_RESULTS)
    counts = read_opinion_days(work, area=area, first=date.min, last=date.max)
    if counts.empty:
        return None
    newest: date = counts[DAY].max()
    recent = counts[[newest - day < _YEAR for day in counts[DAY]]]
    cells = _protect_days(recent)
    days: set[date] = {*recent[DAY]}
    items = {day: cells[day.isoformat(), _EVERY][0] for day in days}
    shown = {day: number for day, number in items.items() if number is not None}
    if not shown:
        return newest, newest
    peak = max(shown, key=lambda day: (shown[day], day))

    def last_high_day(step: timedelta) -> date:
        day = peak
        while 2 * shown.get(day + step, -1) >= shown[peak] and abs(day - peak) < _MAX_DISTANCE:
            day += step
        return day

    return last_high_day(-_DAY), last_high_day(_DAY)


def read_opinion_event(work: Work, *, area: str, event: EventWindow) -> OpinionEvent | None:
    """Return an area's counts around an event, small ones hidden; None without any."""
    work.require(Action.READ_RESULTS)
    first, last = event.span
    counts = read_opinion_days(work, area=area, first=first, last=last)
    if counts.empty:
        return None
    cells = _protect_days(counts)
    delivered = sorted({*counts[DAY]})
    days = tuple(
        OpinionDay(day, event.window_of(day), *cells[day.isoformat(), _EVERY]) for day in delivered
    )
    months = {day.strftime("%Y-%m") for day in delivered}
    periods = list_standing_periods(work, kind=DeliveryKind.OPINION)
    topics = list_opinion_topics(work, area=area, first=first, last=last, min_items=MINIMUM_N)
    return OpinionEvent(
        area=area,
        event=event,
        periods=tuple(each for each in reversed(periods) if each.period in months),
        days=days,
        totals=_sum_windows(days),
        share_changes=_compute_changes(days, [day.share for day in days]),
        item_changes=_compute_changes(
            days, [None if not day.items else float(np.log(day.items)) for day in days]
        ),
        channels=_sum_channels(cells),
        topics=tuple(topics),
        missing_days=tuple(
            day
            for number in range((last - first).days + 1)
            if (day := first + timedelta(days=number)) not in {*delivered}
        ),
    )


def _protect_days(counts: pd.DataFrame) -> _Cells:
    """Return (day, channel) -> items and negative items; None for those hidden.

    Readers choose the windows: if the other days had a say in what is hidden beside a small count,
    two windows would hide different channels of one day, and what one shows solves the other.
    """
    negative = counts[ITEMS].where(counts[SENTIMENT] == NEGATIVE, 0)
    sums = counts.assign(**{_ALL: counts[ITEMS], NEGATIVE: negative})
    parts = pd.concat([sums, sums.assign(**{CHANNEL: _EVERY})])
    table = parts.groupby([DAY, CHANNEL], sort=True)[[_ALL, NEGATIVE]].sum()
    table[_REST] = table[_ALL] - table[NEGATIVE]
    rows = table.reset_index().melt([DAY, CHANNEL], var_name=_WHICH, value_name="n")
    rows["n"] = rows["n"].astype(float)
    gated = protect(rows)
    shown = dict(zip(rows[[DAY, CHANNEL, _WHICH]].itertuples(index=False, name=None),
                     gated["n"].where(gated["shown"]).tolist(), strict=True))  # fmt: skip
    # Only a day with a small count has anything to protect from what else is shown of it.
    for day in sorted({*rows.loc[~gated["shown"] & (rows["n"] > 0), DAY]}):
        of_day = rows[rows[DAY] == day]
        numbers = tuple(of_day[[CHANNEL, _WHICH, "n"]].itertuples(index=False, name=None))
        shown |= {(day, *key): number for key, number in _protect_day(numbers).items()}

    def find(day: date, channel: str, which: str) -> float | None:
        number = shown[day, channel, which]
        return None if isnan(number) else number

    return {
        (day.isoformat(), channel): (find(day, channel, _ALL), find(day, channel, NEGATIVE))
        for day, channel in table.index
    }


@lru_cache(maxsize=_MAX_KEPT_DAYS)
def _protect_day(numbers: tuple[tuple[str, str, float], ...]) -> Mapping[tuple[str, str], float]:
    """Return (channel, sentiment) -> a day's count, NaN if hidden; only this day decides.

    Sentiments add up to all items, channels to the day. Nothing but the counts of the day decides.
    """
    table = pd.DataFrame(numbers, columns=[CHANNEL, _WHICH, "n"])
    channels = tuple((channel,) for channel in sorted({*table[CHANNEL]} - {_EVERY}))
    gated = protect(
        table,
        by=[CHANNEL, _WHICH],
        totals=[
            AdditiveTotal((_WHICH,), (_ALL,), ((NEGATIVE,), (_REST,))),
            AdditiveTotal((CHANNEL,), (_EVERY,), channels),
        ],
    )
    counts = gated["n"].where(gated["shown"]).tolist()
    return {
        (channel, which): count for (channel, which, _), count in zip(numbers, counts, strict=True)
    }


def _sum_windows(days: tuple[OpinionDay, ...]) -> dict[str, Numbers | None]:
    return {
        window: _sum_days([(day.items, day.negative) for day in days
                           if window in {day.window, _WHOLE}])
        for window in (*WINDOWS, _WHOLE)
    }  # fmt: skip


def _sum_channels(cells: _Cells) -> dict[str, Numbers | None]:
    days = {day for day, _ in cells}
    channels = sorted({channel for _, channel in cells} - {_EVERY})
    return {
        channel: _sum_days([cells.get((day, channel), (0.0, 0.0)) for day in days])
        for channel in channels
    }


def _sum_days(pairs: "Sequence[tuple[float | None, float | None]]") -> Numbers | None:
    """Return sums of items and negative items, each only if no day is hidden; None if neither."""
    sums = {}
    for name, numbers in zip((ITEMS, NEGATIVE), zip(*pairs, strict=True), strict=False):
        known = [number for number in numbers if number is not None]
        if len(known) == len(pairs):
            sums[name] = float(sum(known))
    return sums or None


def _compute_changes(
    days: tuple[OpinionDay, ...], values: list[float | None]
) -> dict[str, WindowDifference | None]:
    """Return window -> its mean minus that before the event; None if any day lacks a value.

    Days without a value are the small ones: the mean of the others would say something else.
    """
    if any(value is None for value in values):
        return dict.fromkeys((DURING, AFTER))
    at = np.array([day.day.toordinal() for day in days], dtype=float)
    labels = np.array([WINDOWS.index(day.window) for day in days])
    return {
        window: compare_windows(
            at,
            np.array(values, dtype=float),
            labels,
            first=WINDOWS.index(BEFORE),
            second=WINDOWS.index(window),
        )
        for window in (DURING, AFTER)
    }
