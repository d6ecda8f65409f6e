"""Current opinion counts read by area, and the manual entry of one day's counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

import orjson
import pandas as pd
from sqlalchemy import ColumnElement, func, select

from survey.access.roles import NATION, Action
from survey.access.work import Work
from survey.counts.count_check import CountCheck, check_counts
from survey.counts.count_declaration import AREA
from survey.counts.count_kinds import (
    ALL_TOPICS,
    CHANNEL,
    DAY,
    ITEMS,
    NEGATIVE,
    OPINION,
    OPINION_KEY,
    SENTIMENT,
    TOPIC,
)
from survey.counts.deliveries import DeliveryHead, DeliveryReceipt, import_delivery
from survey.counts.standing_deliveries import list_standing_periods, stands_for
from survey.store.tables import DeliveryKind, OpinionCount, table_of
from survey.tabular.reading import table_of_records

_COUNTS = table_of(OpinionCount)


def list_opinion_areas(work: Work) -> list[str]:
    """Return codes of areas that have counts: the nation, and the reader's own areas.

    There are no sums of provinces: with the cities beside them they would give small counts away.
    """
    work.require(Action.READ_RESULTS)
    query = select(_COUNTS.c.area).where(_select_standing(work)).distinct()
    found = work.session.connection().execute(query).scalars()
    return sorted(area for area in found if area == NATION or work.principal.covers(area))


def read_opinion_days(work: Work, *, area: str, first: date, last: date) -> pd.DataFrame:
    """Return numbers of items in an area, regardless of topic, by day, channel and sentiment."""
    return _sum_items(work, area, first, last, by=(DAY, CHANNEL, SENTIMENT), of_topics=False)


def _sum_items(
    work: Work, area: str, first: date, last: date, *, by: Sequence[str], of_topics: bool
) -> pd.DataFrame:
    """Return items summed by columns `by`: of single topics if `of_topics`, else of all items.

    The nation is open to every reader of results.
    """
    work.require(Action.READ_RESULTS, None if area == NATION else area)
    is_topic = _COUNTS.c.topic != ALL_TOPICS
    columns = [_COUNTS.c[name] for name in by]
    query = (
        select(*columns, func.sum(_COUNTS.c[ITEMS]))
        .where(
            _select_standing(work),
            _COUNTS.c.area == area,
            _COUNTS.c.day.between(first, last),
            is_topic if of_topics else ~is_topic,
        )
        .group_by(*columns)
        .order_by(*columns)
    )
    rows = work.session.connection().execute(query).all()
    return pd.DataFrame(rows, columns=[*by, ITEMS]).astype({ITEMS: "int64"})


def _select_standing(work: Work, period: str = "") -> ColumnElement[bool]:
    """Return the condition that a count stands, of one month or, if none is named, of any."""
    standing = list_standing_periods(work, kind=DeliveryKind.OPINION)
    return stands_for(_COUNTS, [each for each in standing if period in {"", each.period}])


@dataclass(frozen=True)
class OpinionTopic:
    """Number of items on one topic over some days, negative ones, and the busiest day."""

    name: str
    items: int
    negative: int
    peak_day: date
    peak_items: int


def list_opinion_topics(
    work: Work, *, area: str, first: date, last: date, min_items: int = 1
) -> list[OpinionTopic]:
    """Return topics, most items first, less days of 1 to `min_items` - 1 negative or other items.

    The peak day is found in the counts: a sender states none, so none can contradict them.

    Args:
        min_items: A day counts where its negative items are none or so many, and the others as
            well; a topic without such a day is not returned.
    """
    frame = _sum_items(work, area, first, last, by=(TOPIC, DAY, SENTIMENT), of_topics=True)
    topics = []
    for name, rows in frame.groupby(TOPIC, sort=True):
        is_negative = rows[SENTIMENT] == NEGATIVE
        whole = rows.groupby(DAY, sort=True)[ITEMS].sum()
        negative = rows[ITEMS].where(is_negative, 0).groupby(rows[DAY]).sum()
        counted = (whole > 0) & is_none_or(negative, min_items)
        by_day = whole[counted & is_none_or(whole - negative, min_items)]
        if by_day.empty:
            continue
        peak, most = max(by_day.items(), key=lambda pair: int(pair[1]))
        topics.append(
            OpinionTopic(
                name=str(name),
                items=int(by_day.sum()),
                negative=int(negative[by_day.index].sum()),
                peak_day=date.fromisoformat(str(peak)),
                peak_items=int(most),
            )
        )
    return sorted(topics, key=lambda topic: (-topic.items, topic.name))


def is_none_or(counts: pd.Series, least: int) -> pd.Series:
    """Return which counts are none or at least so many."""
    return (counts == 0) | (counts >= least)


def read_month_records(work: Work, *, period: str) -> list[dict[str, object]]:
    """Return a month's current counts as rows (column -> value); needs the right to deliver."""
    work.require(Action.DELIVER_EVIDENCE, NATION)
    query = select(*(_COUNTS.c[name] for name in (*OPINION_KEY, ITEMS))).where(
        _select_standing(work, period)
    )
    return [
        {**row._mapping, DAY: row.day.isoformat(), AREA: "" if row.area == NATION else row.area}
        for row in work.session.connection().execute(query)
    ]


@dataclass(frozen=True)
class EnteredDay:
    """Counts of one day, area and topic as a person typed them on the page."""

    day: date
    area: str
    topic: str
    items: Mapping[tuple[str, str], int]
    """By channel and sentiment; a channel that is missing has no row."""

    @property
    def period(self) -> str:
        return self.day.strftime("%Y-%m")

    def records(self) -> list[dict[str, object]]:
        """Return the typed counts as rows (column -> value) of a delivery."""
        area = "" if self.area == NATION else self.area
        return [
            {
                DAY: self.day.isoformat(),
                AREA: area,
                CHANNEL: channel,
                SENTIMENT: sentiment,
                TOPIC: self.topic,
                ITEMS: count,
            }
            for (channel, sentiment), count in self.items.items()
        ]


def check_opinion_day(work: Work, *, entered: EnteredDay) -> CountCheck:
    """Return the check of a whole month in which the entered day replaces the stored one."""
    work.require(Action.DELIVER_EVIDENCE, NATION)
    own = entered.records()
    same = (entered.day.isoformat(), "" if entered.area == NATION else entered.area, entered.topic)
    kept = [
        record
        for record in read_month_records(work, period=entered.period)
        if (record[DAY], record[AREA], record[TOPIC]) != same
    ]
    records = [*own, *kept]
    digest = sha256(orjson.dumps(records, option=orjson.OPT_SORT_KEYS)).hexdigest()
    return check_counts(OPINION, table_of_records(records), sha256=digest)


def enter_opinion_day(work: Work, *, entered: EnteredDay, head: DeliveryHead) -> DeliveryReceipt:
    """Store a month again as a new revision, in which only the entered day is changed.

    The month is read in the transaction that stores it, so that of two people none overwrites the
    other's day.

    Raises:
        CountsRejectedError: The month would not pass the checks.
    """
    work.require(Action.DELIVER_EVIDENCE, NATION)
    check = check_opinion_day(work, entered=entered)
    return import_delivery(work, check=check, head=head)
