"""The nation closes a month by name, with what was missing; what comes later is a correction."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlmodel import select

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import Role
from survey.counts.closed_months import (
    MonthClosedError,
    MonthClosing,
    close_month,
    list_closed_months,
    list_months_to_close,
    list_open_months,
)
from survey.counts.complaint_tables import read_complaint_year
from survey.counts.complaint_view import describe_closed, describe_missing
from survey.counts.deliveries import import_delivery, withdraw_delivery
from survey.counts.delivery_changes import DeliveryNotAllowedError
from survey.frame.code_lists import leaf_areas
from survey.locale import translator
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Account, AuditEntry, Delivery, new_id
from survey.store.transactions import run_in_transaction
from tests.context.complaints.count_files import check_file, count_file, head, rows_of
from tests.work_of import work_of

NOW = datetime(2024, 6, 20, tzinfo=UTC)
MONTH = "2024-05"
NATION = Principal(new_id(), "office", Role.NATIONAL_OFFICIAL, "CN")
HUBEI = Principal(new_id(), "hubei", Role.PROVINCE_OFFICIAL, "42")


@pytest.fixture(autouse=True)
def _accounts(store_url: str) -> None:
    with session_scope(store_url) as session:
        for each in (NATION, HUBEI):
            session.add(
                Account(
                    id=each.account_id, login=each.name, name=each.name, role=each.role,
                    area=each.area,
                )
            )  # fmt: skip


def deliver(url: str, name: str, count: int, *, area: str = "420100", sender: Principal = HUBEI,
            correction: str = "", month: str = MONTH) -> None:  # fmt: skip
    check = check_file(count_file(*rows_of(month, area, (count,))))
    said = replace(head(name, day=NOW.date()), correction=correction, area=area)
    run_in_transaction(
        url, lambda session: import_delivery(work_of(session, sender, NOW), check=check, head=said)
    )


def close(url: str, *, month: str = MONTH, principal: Principal = NATION) -> MonthClosing:
    return run_in_transaction(
        url, lambda session: close_month(work_of(session, principal, NOW), period=month)
    )


def test_closing_says_who_and_what_was_missing_and_asks_for_reasons_later(store_url: str) -> None:
    deliver(store_url, "d-1", 40)
    deliver(store_url, "d-2", 30, area="110000", sender=OPERATOR)
    with read_scope(store_url) as session:
        work = work_of(session, NATION, NOW)
        assert list_months_to_close(work) == [MONTH]
        (waiting,) = list_open_months(work)
    assert set(waiting.missing) == set(leaf_areas()) - {"420100", "110000"}
    assert describe_missing(waiting.missing, "zh")[0].startswith("来自31个省中的2个")
    with pytest.raises(AccessDeniedError):
        close(store_url, principal=HUBEI)
    close(store_url)
    with read_scope(store_url) as session:
        work = work_of(session, NATION, NOW)
        closed = list_closed_months(work)[MONTH]
        assert (closed.closed_by, closed.closed_at, closed.missing) == (
            "office", NOW, waiting.missing,
        )  # fmt: skip
        assert not list_open_months(work)
        assert not list_months_to_close(work)
        entry = session.exec(
            select(AuditEntry).where(AuditEntry.action == "evidence.month_closed")
        ).one()
        assert entry.detail == {"month": MONTH, "missing_areas": len(waiting.missing)}
        year = read_complaint_year(work, year=2024)
    assert year is not None
    assert describe_closed(year, {MONTH}, translator("en")) == "All of these months are closed."
    with pytest.raises(DeliveryNotAllowedError):
        close(store_url)

    with pytest.raises(MonthClosedError, match=MONTH):
        deliver(store_url, "d-3", 41)
    deliver(store_url, "d-3", 41, correction=" 漏报一个区 ")
    with read_scope(store_url) as session:
        row = session.exec(select(Delivery).where(Delivery.external_id == "d-3")).one()
        assert row.correction == "漏报一个区"
        entries = session.exec(
            select(AuditEntry).where(AuditEntry.action == "evidence.delivered")
        ).all()
        assert [each.detail.get("correction") for each in entries] == [None, None, "漏报一个区"]
    # The month before is open, and whoever sends the same again needs no reason.
    deliver(store_url, "d-4", 41, month="2024-04")
    deliver(store_url, "d-3", 41)


def test_a_month_without_counts_or_not_over_is_not_closed(store_url: str) -> None:
    for month in (MONTH, "2024-06", "no month"):
        with pytest.raises(DeliveryNotAllowedError):
            close(store_url, month=month)
    deliver(store_url, "d-1", 40)
    with read_scope(store_url) as session:
        # Until the fifteenth the month still comes in.
        early = work_of(session, NATION, datetime(2024, 6, 10, tzinfo=UTC))
        assert list_months_to_close(early) == []


def test_a_withdrawal_after_closing_has_its_reason_and_leaves_it_closed(store_url: str) -> None:
    deliver(store_url, "d-1", 40)
    close(store_url)
    with read_scope(store_url) as session:
        delivery_id = session.exec(select(Delivery.id)).one()
    run_in_transaction(
        store_url,
        lambda session: withdraw_delivery(
            work_of(session, NATION, NOW), delivery_id=delivery_id, reason="重复"
        ),
    )
    with pytest.raises(MonthClosedError):
        deliver(store_url, "d-2", 50)
