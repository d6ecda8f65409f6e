"""Months of complaint counts that the nation has closed: who closed one, and what was missing.

What comes after is a correction: it needs a reason, and still stands like any other delivery.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session

from survey.access.audit import actor_id
from survey.access.roles import NATION, Action
from survey.access.work import Work
from survey.counts.count_kinds import COMPLAINTS
from survey.counts.delivery_changes import DeliveryNotAllowedError, require_ended
from survey.counts.overdue_deliveries import list_awaited_months, read_delivered_areas
from survey.counts.standing_deliveries import list_standing_periods
from survey.frame.code_lists import leaf_areas
from survey.locale import SurveyError, msg
from survey.store.audit_events import AuditEvent
from survey.store.tables import Account, ClosedMonth, DeliveryKind, table_of

MAX_REASON_CHARS = 200
_CLOSED, _ACCOUNTS = table_of(ClosedMonth), table_of(Account)


class MonthClosedError(SurveyError):
    """Raised when a delivery changes a month that is closed and gives no reason."""

    code = "month_closed"


@dataclass(frozen=True)
class MonthClosing:
    """A closed month, or one that can be closed, with the areas that it lacked or lacks."""

    period: str
    missing: tuple[str, ...]
    """Cities, and the rest of provinces, of which nothing was delivered."""
    closed_at: datetime | None = None
    closed_by: str = ""


def list_closed_months(work: Work) -> dict[str, MonthClosing]:
    """Return the closed months of complaints, newest first, of the data that the reader may use."""
    work.require(Action.READ_RESULTS)
    standing = list_standing_periods(work, kind=DeliveryKind.COMPLAINTS)
    return _read_closed(work.session, is_demo=any(each.is_demo for each in standing))


def _read_closed(session: Session, *, is_demo: bool) -> dict[str, MonthClosing]:
    query = (
        select(_CLOSED, _ACCOUNTS.c.name)
        .outerjoin(_ACCOUNTS, _ACCOUNTS.c.id == _CLOSED.c.account_id)
        .where(_CLOSED.c.is_demo == is_demo)
        .order_by(_CLOSED.c.period.desc())
    )
    return {
        row.period: MonthClosing(row.period, tuple(row.missing), row.at, row.name or "")
        for row in session.connection().execute(query)
    }


def list_open_months(work: Work) -> list[MonthClosing]:
    """Return the months that were delivered and are not closed, newest first, with what they lack.

    Raises:
        AccessDeniedError: The principal does not deliver for the nation, so closes nothing.
    """
    work.require(Action.DELIVER_EVIDENCE, NATION)
    closed = list_closed_months(work)
    standing = [
        each
        for each in list_standing_periods(work, kind=DeliveryKind.COMPLAINTS)
        if each.period not in closed
    ]
    delivered = read_delivered_areas(work.session, COMPLAINTS, standing)
    return [
        MonthClosing(period, tuple(area for area in leaf_areas() if area not in delivered[period]))
        for period in dict.fromkeys(each.period for each in standing)
    ]


def list_months_to_close(work: Work) -> list[str]:
    """Return the months of the last year whose day of delivery has passed and that are open.

    Of generated counts nothing waits.
    """
    work.require(Action.DELIVER_EVIDENCE, NATION)
    standing = list_standing_periods(work, kind=DeliveryKind.COMPLAINTS)
    if any(each.is_demo for each in standing):
        return []
    awaited = set(list_awaited_months(work))
    return sorted(each.period for each in list_open_months(work) if each.period in awaited)


def close_month(work: Work, *, period: str) -> MonthClosing:
    """Close a month of complaints for the nation, and return it with what it lacks.

    Raises:
        DeliveryNotAllowedError: Nothing of it was delivered, it is closed, or it has not ended.
    """
    work.require(Action.DELIVER_EVIDENCE, NATION)
    found = next((each for each in list_open_months(work) if each.period == period), None)
    if found is None:
        raise DeliveryNotAllowedError(
            msg("Nothing of {month} was delivered, or it is closed already.", month=period[:7])
        )
    require_ended({(NATION, period): 0}, data_as_of=None, now=work.now)
    standing = list_standing_periods(work, kind=DeliveryKind.COMPLAINTS)
    row = ClosedMonth(
        period=period,
        is_demo=any(each.is_demo for each in standing),
        missing=list(found.missing),
        account_id=actor_id(work.principal),
        at=work.now,
    )
    detail = {"month": period, "missing_areas": len(found.missing)}
    work.add(row, AuditEvent.EVIDENCE_MONTH_CLOSED, period, detail)
    return found


def require_open(
    session: Session, correction: str, periods: Collection[str], *, is_demo: bool
) -> None:
    """Raise `MonthClosedError` if one of the months is closed and `correction` gives no reason."""
    closed = sorted(_read_closed(session, is_demo=is_demo).keys() & {*periods})
    text = correction.strip()
    if closed and not text:
        raise MonthClosedError(
            msg(
                "Closed already: {months}. A delivery is a correction now and needs a reason.",
                months=", ".join(closed),
            )
        )
    if len(text) > MAX_REASON_CHARS or not text.isprintable():
        raise DeliveryNotAllowedError(
            msg("A reason of a correction takes at most {limit} characters.",
                limit=MAX_REASON_CHARS)
        )  # fmt: skip
