"""Disclosure gate of early warnings: which weekly counts of an area may be shown one by one.

A count of one class and nature in one week is finer than every published table. Those sum over
months. So a count is shown where its month has at least ten others of its nature, of its class, and
besides each, whatever else of the month is shown; and of a series at most two weeks of a month, so
that none of its months can be put together. Weeks that come later only add to what is left.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from survey.disclosure import MINIMUM_N

_WEEKS_A_MONTH = 2
"""Fewer than the whole weeks that every month has."""


class ShownWeeks:
    """Counts of an area's weeks that are shown, and what they leave of months.

    Args:
        mondays: First days of weeks on end.
        counts: Complaints of these weeks × natures × classes.
        is_open: Weeks × natures × classes of which no published total is hidden.
    """

    def __init__(
        self, mondays: Sequence[date], counts: NDArray[np.int64], is_open: NDArray[np.bool_]
    ) -> None:
        self._counts, self._is_open = counts, is_open
        self._months = np.array([f"{day + timedelta(days=3):%Y%m}" for day in mondays])
        is_whole = np.array([day.month == (day + timedelta(days=6)).month for day in mondays])
        # Of a week that lies in two months no table of one of them can be less its count.
        self._holds = (self._months[:, None] == self._months) & is_whole
        self._holds |= np.eye(len(mondays), dtype=bool)
        holds = self._holds.astype(np.int64)
        self._of_nature = holds @ counts.sum(axis=2)
        self._of_class = holds @ counts.sum(axis=1)
        self._shown: Counter[tuple[str, int, int]] = Counter()

    def show(self, week: int, nature: int, goods_class: int) -> int | None:
        """Return a count and keep that it is shown; None where it may not be."""
        count = int(self._counts[week, nature, goods_class])
        if count < MINIMUM_N or not self._is_open[week, nature, goods_class]:
            return None
        series = str(self._months[week]), nature, goods_class
        holding = self._holds[:, week]
        for table, own in ((self._of_nature, nature), (self._of_class, goods_class)):
            rests = table[holding, own] - count
            others = table[holding].sum(axis=1) - table[holding, own]
            if min(rests.min(), others.min()) < MINIMUM_N:
                return None
        if self._shown[series] == _WEEKS_A_MONTH:
            return None
        self._shown[series] += 1
        self._of_nature[holding, nature] -= count
        self._of_class[holding, goods_class] -= count
        return count
