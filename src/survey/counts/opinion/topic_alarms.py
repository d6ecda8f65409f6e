"""Early warning: topics of an area with more negative items in a week than usual.

What is shown of a week follows the days of topics (docs/opinion.md): each day decides by itself.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, func, select, tuple_

from survey.access.roles import Action
from survey.access.work import Work
from survey.counts.count_declaration import AREA
from survey.counts.count_kinds import ALL_TOPICS, DAY, ITEMS, NEGATIVE, SENTIMENT, TOPIC
from survey.counts.opinion.storage import is_none_or
from survey.counts.standing_deliveries import DeliveredPeriod, list_standing_periods, stands_for
from survey.counts.week_alarms import AlarmKey, WeekAlarms, find_week_alarms
from survey.counts.week_series import list_weeks, monday_of, week_of
from survey.disclosure import MINIMUM_N
from survey.estimate.outbreaks import LEAST_COUNT, MOST_PAST_WEEKS
from survey.store.tables import DeliveryKind, OpinionCount, table_of

_COUNTS = table_of(OpinionCount)
_IS_TOPIC = _COUNTS.c.topic != ALL_TOPICS
_WEEK = timedelta(days=7)
_KEYS_A_QUERY = 5_000


class TopicKey(NamedTuple):
    """Series of opinion: area and topic."""

    area: str
    topic: str


def read_topic_alarms(work: Work) -> WeekAlarms:
    """Return the alarms of the newest whole week, of the nation and the reader's own area."""
    work.require(Action.READ_RESULTS)
    standing = list_standing_periods(work, kind=DeliveryKind.OPINION)
    made_of = tuple(each.revision_id for each in standing)
    return find_week_alarms(
        work.principal, made_of, TopicWeeks, partial(TopicWeeks, work, standing)
    )


class TopicWeeks:
    """Negative items on topics by week; a week is known once each of its days was delivered."""

    is_spreading = True

    def __init__(self, work: Work, standing: Sequence[DeliveredPeriod]) -> None:
        self._connection, self._stands = work.session.connection(), stands_for(_COUNTS, standing)
        days: pd.Series = pd.Series(self._read_days(DAY)[DAY].map(week_of), dtype=str)
        of_week = days.value_counts()
        self._whole = {*of_week[of_week == _WEEK.days].index}
        self.weeks = list_weeks(self._whole, MOST_PAST_WEEKS + 1)
        months = {f"{day:%Y-%m}" for day in self._days_of(self.weeks[-1])} if self.weeks else ()
        self.newest = tuple(each for each in standing if each.period in months)

    def list_areas(self) -> dict[str, frozenset[str]]:
        """Return area -> whole weeks of which some topic was delivered of it."""
        days = self._read_days(AREA, DAY, where=_IS_TOPIC)
        weeks = days[DAY].map(week_of).groupby(days[AREA])
        return {str(area): frozenset(self._whole.intersection(of_area)) for area, of_area in weeks}

    def count_series(self, areas: int) -> int:
        return areas * len(self._read_days(TOPIC, where=_IS_TOPIC))

    def list_candidates(self) -> list[TopicKey]:
        counts = self._sum((AREA, TOPIC), self.weeks[-1:], _COUNTS.c[SENTIMENT] == NEGATIVE)
        most = counts[counts[ITEMS] >= LEAST_COUNT]
        return [TopicKey(*key) for key in most[[AREA, TOPIC]].itertuples(index=False, name=None)]

    def read_series(self, keys: Sequence[AlarmKey]) -> NDArray[np.int64]:
        """Return the negative items of series × weeks."""
        columns, is_negative = (
            tuple_(_COUNTS.c[AREA], _COUNTS.c[TOPIC]),
            _COUNTS.c[SENTIMENT] == NEGATIVE,
        )
        parts = [
            self._sum(
                (AREA, TOPIC, DAY),
                self.weeks,
                is_negative,
                columns.in_(keys[start : start + _KEYS_A_QUERY]),
            )
            for start in range(0, len(keys), _KEYS_A_QUERY)
        ]
        days = pd.concat(parts)
        table = days.groupby([AREA, TOPIC, days[DAY].map(week_of)])[ITEMS].sum().unstack(DAY)
        whole = table.reindex(index=pd.MultiIndex.from_tuples(keys), columns=self.weeks)
        counts: NDArray[np.int64] = whole.fillna(0).to_numpy(np.int64)
        return counts

    def show(self, key: AlarmKey, week: str) -> int | None:
        """Return the negative items of a week each of whose days is shown, else None."""
        is_key = tuple_(_COUNTS.c[AREA], _COUNTS.c[TOPIC]) == key
        days = self._sum((DAY, SENTIMENT), [week], is_key)
        is_negative = days[SENTIMENT] == NEGATIVE
        negative = days[ITEMS].where(is_negative, 0).groupby(days[DAY]).sum()
        others = days[ITEMS].where(~is_negative, 0).groupby(days[DAY]).sum()
        is_shown = is_none_or(negative, MINIMUM_N) & is_none_or(others, MINIMUM_N)
        count = int(negative.sum())
        return count if is_shown.all() and count >= MINIMUM_N else None

    def _read_days(self, *names: str, where: ColumnElement[bool] | None = None) -> pd.DataFrame:
        """Return the distinct values of columns among all counts, or those of `where`."""
        query = select(*_COUNTS.c[names]).where(self._stands, *([] if where is None else [where]))
        return pd.DataFrame(self._connection.execute(query.distinct()).all(), columns=names)

    def _sum(
        self, by: Sequence[str], weeks: Sequence[str], *conditions: ColumnElement[bool]
    ) -> pd.DataFrame:
        """Return items on topics by columns, of all days of weeks on end."""
        first, last = self._days_of(weeks[0])[0], self._days_of(weeks[-1])[-1]
        columns = [_COUNTS.c[name] for name in by]
        query = (
            select(*columns, func.sum(_COUNTS.c[ITEMS]))
            .where(self._stands, _IS_TOPIC, _COUNTS.c[DAY].between(first, last), *conditions)
            .group_by(*columns)
            .order_by(*columns)
        )
        rows = self._connection.execute(query).all()
        return pd.DataFrame(rows, columns=[*by, ITEMS]).astype({ITEMS: "int64"})

    def _days_of(self, week: str) -> list[date]:
        return [monday_of(week) + timedelta(days=number) for number in range(_WEEK.days)]
