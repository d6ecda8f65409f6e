"""Months of outside counts that are overdue: ended, awaited by what came before, and incomplete."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlmodel import Session

from survey.access.roles import NATION, Action
from survey.access.work import Work
from survey.counts.count_declaration import AREA, CountKind
from survey.counts.count_kinds import WEEK
from survey.counts.standing_deliveries import DeliveredPeriod, list_standing_periods, stands_for
from survey.store.china_time import china_date
from survey.store.tables import table_of

DUE_DAY = 15
"""Day of the following month until which a month is delivered."""
AWAITED_MONTHS = 12
"""Months that an area is asked for after its last delivery, and that are looked back on."""


@dataclass(frozen=True)
class OverdueMonth:
    """Month of counts that should be there, with the areas that lack."""

    period: str
    due: date
    areas: tuple[str, ...]


def list_overdue_months(work: Work, *, kind: CountKind) -> list[OverdueMonth]:
    """Return the months of a kind of counts that are overdue, the oldest first.

    An area is awaited in a month if one of the twelve before it was delivered of it by whom the
    reader's area includes: who never delivered is not reminded. Of a kind whose areas are parts
    only the nation is awaited, and of weeks and of generated counts nothing.
    """
    work.require(Action.DELIVER_EVIDENCE)
    if kind.when == WEEK:
        return []
    standing = [each for each in list_standing_periods(work, kind=kind.kind) if not each.is_demo]
    delivered = _by_number(read_delivered_areas(work.session, kind, standing))
    of_reader = [each for each in standing if work.principal.covers(each.area)]
    own = delivered
    if len(of_reader) < len(standing):
        own = _by_number(read_delivered_areas(work.session, kind, of_reader))
    overdue = []
    for month in _awaited_months(work):
        before = range(month - AWAITED_MONTHS, month)
        awaited = set[str]().union(*(own.get(each, set()) for each in before))
        lacking = awaited - delivered.get(month, set())
        if lacking:
            due = _first_day(month + 1).replace(day=DUE_DAY)
            period = f"{_first_day(month):%Y-%m}"
            overdue.append(OverdueMonth(period, due, tuple(sorted(lacking))))
    return overdue


def list_awaited_months(work: Work) -> list[str]:
    """Return the twelve last months whose day of delivery has passed, the oldest first."""
    work.require(Action.DELIVER_EVIDENCE)
    return [f"{_first_day(month):%Y-%m}" for month in _awaited_months(work)]


def _awaited_months(work: Work) -> range:
    today = china_date(work.now)
    newest = _count_months(today) - (1 if today.day > DUE_DAY else 2)
    return range(newest - AWAITED_MONTHS + 1, newest + 1)


def _by_number(delivered: Mapping[str, set[str]]) -> dict[int, set[str]]:
    return {
        _count_months(date.fromisoformat(f"{period}-01")): areas
        for period, areas in delivered.items()
    }


def _count_months(day: date) -> int:
    """Return the number of a day's month, counted on over the years."""
    return day.year * 12 + day.month - 1


def _first_day(month: int) -> date:
    return date(month // 12, month % 12 + 1, 1)


def read_delivered_areas(
    session: Session, kind: CountKind, standing: Sequence[DeliveredPeriod]
) -> Mapping[str, set[str]]:
    """Return month -> areas of which counts of these revisions stand."""
    month_of = {each.revision_id: each.period for each in standing}
    table = table_of(kind.sums)
    query = select(table.c.revision_id, table.c[AREA]).where(
        stands_for(table, standing),
        *(table.c[name] == value for name, value in kind.whole.items()),
        *([table.c[AREA] == NATION] if kind.complete else []),
    )
    delivered = defaultdict[str, set[str]](set)
    for revision_id, area in session.connection().execute(query.distinct()):
        delivered[month_of[revision_id]].add(area)
    return delivered
