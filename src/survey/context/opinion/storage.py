"""Opinion counts that hold, read by area."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd
from sqlalchemy import Select, func, select
from sqlmodel import Session

from survey.access.principal import Principal
from survey.access.roles import NATION, Action
from survey.access.work import Work
from survey.context.count_declaration import AREA
from survey.context.deliveries import DeliveredPeriod, list_delivered_periods
from survey.context.opinion.declaration import (
    ALL_TOPICS,
    CHANNEL,
    DAY,
    ITEMS,
    KEY,
    NEGATIVE,
    SENTIMENT,
    TOPIC,
)
from survey.store.tables import DeliveryKind, OpinionCount, table_of

_COUNTS = table_of(OpinionCount)


def list_opinion_periods(work: Work) -> list[DeliveredPeriod]:
    """Return the revisions of opinion counts that hold, the newest month first."""
    work.require(Action.READ_RESULTS)
    listed = list_delivered_periods(work, kind=DeliveryKind.OPINION)
    return [each for each in listed if each.is_current]


def list_opinion_areas(work: Work) -> list[str]:
    """Return the areas with counts that a reader may see: the nation, and those of their own.

    There are no sums of provinces: with the cities beside them they would give small counts away.
    """
    work.require(Action.READ_RESULTS)
    held = [each.revision_id for each in list_opinion_periods(work)]
    query = select(_COUNTS.c.area).where(_COUNTS.c.revision_id.in_(held)).distinct()
    found = work.session.connection().execute(query).scalars()
    return sorted(area for area in found if area == NATION or work.principal.covers(area))


def require_opinion_area(principal: Principal, area: str) -> None:
    """Raise `AccessDeniedError` unless a reader may see the opinion counts of an area.

    The nation is open to every reader of results, an area to whoever it is under.
    """
    principal.require(Action.READ_RESULTS, None if area == NATION else area)


def read_opinion_days(work: Work, *, area: str, first: date, last: date) -> pd.DataFrame:
    """Return items of everything found by day, channel and sentiment."""
    require_opinion_area(work.principal, area)
    query = (
        _select_counts(work, area, first, last)
        .with_only_columns(
            _COUNTS.c.day,
            _COUNTS.c.channel,
            _COUNTS.c.sentiment,
            func.sum(_COUNTS.c[ITEMS]).label(ITEMS),
        )
        .where(_COUNTS.c.topic == ALL_TOPICS)
        .group_by(_COUNTS.c.day, _COUNTS.c.channel, _COUNTS.c.sentiment)
        .order_by(_COUNTS.c.day, _COUNTS.c.channel, _COUNTS.c.sentiment)
    )
    return _read_counts(work.session, query, (DAY, CHANNEL, SENTIMENT, ITEMS))


@dataclass(frozen=True)
class OpinionTopic:
    """Topic over some days, with the day on which most was found."""

    name: str
    items: int
    negative: int
    peak_day: date
    peak_items: int


def list_opinion_topics(
    work: Work, *, area: str, first: date, last: date, min_items: int = 1
) -> list[OpinionTopic]:
    """Return the topics of some days, the largest first.

    The peak day is found in the counts: a sender states none, so none can contradict them.

    Args:
        min_items: A day counts where its negative items are none or so many, and the others as
            well; a topic without such a day is not returned.
    """
    require_opinion_area(work.principal, area)
    query = (
        _select_counts(work, area, first, last)
        .with_only_columns(
            _COUNTS.c.topic,
            _COUNTS.c.day,
            _COUNTS.c.sentiment,
            func.sum(_COUNTS.c[ITEMS]).label(ITEMS),
        )
        .where(_COUNTS.c.topic != ALL_TOPICS)
        .group_by(_COUNTS.c.topic, _COUNTS.c.day, _COUNTS.c.sentiment)
    )
    frame = _read_counts(work.session, query, (TOPIC, DAY, SENTIMENT, ITEMS))
    topics = []
    for name, rows in frame.groupby(TOPIC, sort=True):
        is_negative = rows[SENTIMENT] == NEGATIVE
        whole = rows.groupby(DAY, sort=True)[ITEMS].sum()
        negative = rows[ITEMS].where(is_negative, 0).groupby(rows[DAY]).sum()
        counted = (whole > 0) & _is_none_or(negative, min_items)
        by_day = whole[counted & _is_none_or(whole - negative, min_items)]
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


def _is_none_or(counts: pd.Series, least: int) -> pd.Series:
    return (counts == 0) | (counts >= least)


def _select_counts(work: Work, area: str, first: date, last: date) -> "Select[tuple[object, ...]]":
    held = [each.revision_id for each in list_opinion_periods(work)]
    return select(_COUNTS).where(
        _COUNTS.c.revision_id.in_(held), _COUNTS.c.area == area, _COUNTS.c.day.between(first, last)
    )


def _read_counts(
    session: Session, query: "Select[tuple[object, ...]]", columns: Sequence[str]
) -> pd.DataFrame:
    frame = pd.DataFrame(session.connection().execute(query).all(), columns=list(columns))
    frame[ITEMS] = frame[ITEMS].astype("int64")
    return frame


def read_month_records(work: Work, *, period: str) -> list[dict[str, object]]:
    """Return the counts of a month that hold, as rows of a delivery; for those who deliver."""
    work.require(Action.DELIVER_EVIDENCE)
    held = [each.revision_id for each in list_opinion_periods(work) if each.period == period]
    query = select(*(_COUNTS.c[name] for name in (*KEY, ITEMS))).where(
        _COUNTS.c.revision_id.in_(held)
    )
    return [
        {**row._mapping, DAY: row.day.isoformat(), AREA: "" if row.area == NATION else row.area}
        for row in work.session.connection().execute(query)
    ]
