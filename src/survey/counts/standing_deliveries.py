"""Deliveries of counts that stand: for each place and month the newest one not withdrawn.

A month has several where its areas were delivered one by one, and one may stand in a part of its
area alone (docs/decisions/0016-deliveries-of-parts.md).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, and_, false, func, not_, or_, select

from survey.access.principal import covers
from survey.access.roles import NATION, Action
from survey.access.work import Work
from survey.counts.count_declaration import AREA
from survey.frame.code_lists import leaf_areas
from survey.store.tables import Account, Delivery, DeliveryKind, DeliveryRevision, table_of

_DELIVERIES, _REVISIONS = table_of(Delivery), table_of(DeliveryRevision)
_ACCOUNTS = table_of(Account)


@dataclass(frozen=True)
class DeliveredPeriod:
    """Revision of one month of counts, with the delivery that it belongs to."""

    revision_id: UUID
    period: str
    number: int
    is_current: bool
    """Whether it stands, in its whole area or in the rest that `overridden` leaves of it."""
    delivery_id: UUID
    external_id: str
    source: str
    data_as_of: date
    known_faults: str
    code_version: str
    rows: int
    is_demo: bool
    delivered_at: datetime
    delivered_by: str
    withdrawn_at: datetime | None = None
    withdrawal_reason: str = ""
    area: str = NATION
    """Nation, province or city that the delivery speaks of."""
    overridden: tuple[str, ...] = ()
    """Parts of the area for which a later revision stands."""
    revises: bool = False
    """Whether something of the same area had been delivered before."""


def list_delivered_periods(work: Work, *, kind: DeliveryKind) -> list[DeliveredPeriod]:
    """Return every revision of every month that the reader may use, newest month first.

    An account of the demonstration reads what is demo; others read real deliveries, and demo ones
    only as long as there is no other.
    """
    work.require(Action.READ_RESULTS)
    query = (
        select(
            _REVISIONS.c.id.label("revision_id"),
            *_REVISIONS.c["period", "number", "delivery_id"],
            *_DELIVERIES.c["external_id", "source", "data_as_of", "known_faults", "code_version"],
            *_DELIVERIES.c["is_demo", "withdrawn_at", "area"],
            _DELIVERIES.c.row_count.label("rows"),
            _DELIVERIES.c.at.label("delivered_at"),
            func.coalesce(_ACCOUNTS.c.name, "").label("delivered_by"),
            func.coalesce(_DELIVERIES.c.withdrawal_reason, "").label("withdrawal_reason"),
        )
        .join(_DELIVERIES, _DELIVERIES.c.id == _REVISIONS.c.delivery_id)
        .outerjoin(_ACCOUNTS, _ACCOUNTS.c.id == _DELIVERIES.c.account_id)
        .where(_REVISIONS.c.kind == kind)
        .order_by(_REVISIONS.c.period.desc(), _REVISIONS.c.number.desc())
    )
    rows = work.session.connection().execute(query).all()
    has_real = not work.principal.is_demo and any(not row.is_demo for row in rows)
    of_period: dict[str, list[Any]] = {}
    for row in rows:
        if row.is_demo != has_real:
            of_period.setdefault(row.period, []).append(row)
    return [
        DeliveredPeriod(
            **row._mapping,
            is_current=is_current,
            overridden=overridden,
            revises=any(
                covers(row.area, other.area) or covers(other.area, row.area)
                for other in of_month[place + 1 :]
            ),
        )
        for of_month in of_period.values()
        for place, (row, is_current, overridden) in enumerate(_find_standing(of_month))
    ]


def _find_standing(rows: Sequence[Any]) -> list[tuple[Any, bool, tuple[str, ...]]]:
    """Return each revision of one month, whether it stands, and where a later one does instead.

    Args:
        rows: Revisions of the month, newest first.
    """
    later: list[str] = []
    found = []
    for row in rows:
        leaves = [leaf for leaf in leaf_areas() if covers(row.area, leaf)]
        stands = row.withdrawn_at is None and any(
            not any(covers(area, leaf) for area in later) for leaf in leaves
        )
        parts = tuple(area for area in later if covers(row.area, area)) if stands else ()
        found.append((row, stands, parts))
        if row.withdrawn_at is None:
            later.append(row.area)
    return found


def stands_for(table: Table, periods: Iterable[DeliveredPeriod]) -> ColumnElement[bool]:
    """Return the condition that a row of `table` is of one of these periods and not overridden."""
    chosen = list(periods)
    gone = [
        and_(table.c.revision_id == each.revision_id, table.c[AREA].startswith(area))
        for each in chosen
        for area in dict.fromkeys(each.overridden)
    ]
    is_chosen = table.c.revision_id.in_([each.revision_id for each in chosen])
    return and_(is_chosen, not_(or_(false(), *gone)))


def list_standing_periods(work: Work, *, kind: DeliveryKind) -> list[DeliveredPeriod]:
    """Return the revisions that stand, whole or in part, newest month first.

    A month has several where its areas were delivered one by one; these are sorted by area, so
    that the order in which they came shows nowhere.
    """
    standing = [each for each in list_delivered_periods(work, kind=kind) if each.is_current]
    standing.sort(key=lambda each: each.area)
    return sorted(standing, key=lambda each: each.period, reverse=True)
