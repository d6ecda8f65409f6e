"""Deliveries of counts that stand: for each place and month the newest one not withdrawn.

A month has several where its areas were delivered one by one, and one may stand in a part of its
area alone (docs/decisions/0016-deliveries-of-parts.md).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, and_, func, select, true, tuple_

from survey.access.principal import covers
from survey.access.roles import NATION, Action
from survey.access.work import Work
from survey.counts.count_declaration import AREA
from survey.frame.code_lists import leaf_areas
from survey.store.tables import Account, Delivery, DeliveryKind, DeliveryRevision, table_of

_DELIVERIES, _REVISIONS = table_of(Delivery), table_of(DeliveryRevision)
_ACCOUNTS = table_of(Account)
_PROVINCE_CHARS = 2


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
        DeliveredPeriod(**row._mapping, **standing)
        for of_month in of_period.values()
        for row, standing in zip(of_month, _find_standing(of_month), strict=True)
    ]


@lru_cache
def _places_of(area: str) -> frozenset[str]:
    return frozenset(leaf for leaf in leaf_areas() if covers(area, leaf))


def _find_standing(rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Return for each revision of one month what the fields of `DeliveredPeriod` say of it.

    Args:
        rows: Revisions of the month, newest first.
    """
    taken, later = frozenset[str](), set[str]()
    found: list[dict[str, Any]] = []
    for row in rows:
        is_current = row.withdrawn_at is None and not _places_of(row.area) <= taken
        parts = sorted(area for area in later if is_current and covers(row.area, area))
        found.append({"is_current": is_current, "overridden": tuple(parts)})
        if row.withdrawn_at is None:
            taken |= _places_of(row.area)
            later.add(row.area)
    before = frozenset[str]()
    for row, standing in zip(reversed(rows), reversed(found), strict=True):
        standing["revises"] = not before.isdisjoint(_places_of(row.area))
        before |= _places_of(row.area)
    return found


def stands_for(table: Table, periods: Iterable[DeliveredPeriod]) -> ColumnElement[bool]:
    """Return the condition that a row of `table` is of one of these periods and not overridden."""
    chosen, columns = list(periods), table.c
    gone = {(each.revision_id, area) for each in chosen for area in each.overridden}
    # As lists of pairs: a chain of "or" is too deep for SQLite once it has a thousand links.
    of_provinces = [pair for pair in gone if len(pair[1]) == _PROVINCE_CHARS]
    of_places = [pair for pair in gone if len(pair[1]) != _PROVINCE_CHARS]
    province = func.substr(columns[AREA], 1, _PROVINCE_CHARS)
    return and_(
        columns.revision_id.in_([each.revision_id for each in chosen]),
        tuple_(columns.revision_id, province).not_in(of_provinces) if of_provinces else true(),
        tuple_(columns.revision_id, columns[AREA]).not_in(of_places) if of_places else true(),
    )


def list_own_deliveries(work: Work, *, kind: DeliveryKind) -> list[DeliveredPeriod]:
    """Return the revisions that say something of the sender's own area, newest month first."""
    work.require(Action.DELIVER_EVIDENCE)
    own = work.principal.area
    return [
        each
        for each in list_delivered_periods(work, kind=kind)
        if covers(own, each.area) or covers(each.area, own)
    ]


def list_standing_periods(work: Work, *, kind: DeliveryKind) -> list[DeliveredPeriod]:
    """Return the revisions that stand, whole or in part, newest month first.

    A month has several where its areas were delivered one by one; these are sorted by area, so
    that the order in which they came shows nowhere.
    """
    standing = [each for each in list_delivered_periods(work, kind=kind) if each.is_current]
    standing.sort(key=lambda each: each.area)
    return sorted(standing, key=lambda each: each.period, reverse=True)
