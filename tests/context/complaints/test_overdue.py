"""Months of counts that are overdue: awaited by what was delivered before, and by nothing else."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import NATION, Role
from survey.counts.count_kinds import COMPLAINTS, OPINION
from survey.counts.deliveries import import_delivery, withdraw_delivery
from survey.counts.overdue_deliveries import OverdueMonth, list_overdue_months
from survey.counts.standing_deliveries import list_delivered_periods
from survey.store.engine import read_scope
from survey.store.tables import DeliveryKind, new_id
from survey.store.transactions import run_in_transaction
from tests.context.complaints.count_files import check_file, count_file, head, rows_of
from tests.context.opinion.opinion_rows import check as check_opinion
from tests.context.opinion.opinion_rows import day_rows
from tests.work_of import work_of

YICHANG, BEIJING = "420500", "110000"
OFFICIAL = Principal(new_id(), "official", Role.NATIONAL_OFFICIAL, NATION)
DELIVERED_AT = datetime(2025, 5, 1, tzinfo=UTC)


def deliver(url: str, *places: tuple[str, str], is_demo: bool = False) -> None:
    rows = [row for period, area in places for row in rows_of(period, area, (30,))]
    said = replace(head(f"d-{new_id()}", day=date(2025, 5, 1)), is_demo=is_demo)
    run_in_transaction(
        url,
        lambda session: import_delivery(
            work_of(session, OPERATOR, DELIVERED_AT), check=check_file(count_file(*rows)), head=said
        ),
    )


def overdue(url: str, *day: int) -> list[OverdueMonth]:
    with read_scope(url) as session:
        work = work_of(session, OFFICIAL, datetime(*day, 4, tzinfo=UTC))  # type: ignore[misc]
        return list_overdue_months(work, kind=COMPLAINTS)


def test_a_month_is_overdue_from_the_sixteenth_of_the_next(store_url: str) -> None:
    assert overdue(store_url, 2025, 6, 16) == []
    deliver(store_url, ("2025-04", YICHANG))
    assert overdue(store_url, 2025, 6, 15) == []
    may = OverdueMonth("2025-05", date(2025, 6, 15), (YICHANG,))
    assert overdue(store_url, 2025, 6, 16) == [may]
    assert overdue(store_url, 2025, 7, 15) == [may]
    june = OverdueMonth("2025-06", date(2025, 7, 15), (YICHANG,))
    assert overdue(store_url, 2025, 7, 16) == [may, june]


def test_an_area_is_awaited_that_delivered_before_and_no_other(store_url: str) -> None:
    deliver(store_url, ("2025-02", YICHANG), ("2025-02", BEIJING))
    deliver(store_url, ("2025-03", YICHANG))
    assert [(each.period, each.areas) for each in overdue(store_url, 2025, 5, 16)] == [
        ("2025-03", (BEIJING,)),
        ("2025-04", (BEIJING, YICHANG)),
    ]


def test_what_was_withdrawn_is_awaited_again(store_url: str) -> None:
    deliver(store_url, ("2025-02", YICHANG))
    deliver(store_url, ("2025-03", YICHANG))
    assert overdue(store_url, 2025, 4, 20) == []
    with read_scope(store_url) as session:
        work = work_of(session, OPERATOR, DELIVERED_AT)
        march, _ = list_delivered_periods(work, kind=DeliveryKind.COMPLAINTS)
    run_in_transaction(
        store_url,
        lambda session: withdraw_delivery(
            work_of(session, OPERATOR, DELIVERED_AT), delivery_id=march.delivery_id, reason="x"
        ),
    )
    assert [each.period for each in overdue(store_url, 2025, 4, 20)] == ["2025-03"]


def test_an_area_is_asked_for_twelve_months_and_these_for_a_year(store_url: str) -> None:
    deliver(store_url, ("2025-04", YICHANG))
    months = [each.period for each in overdue(store_url, 2026, 5, 16)]
    assert (months[0], months[-1], len(months)) == ("2025-05", "2026-04", 12)
    assert [each.period for each in overdue(store_url, 2027, 5, 16)] == []
    assert [each.period for each in overdue(store_url, 2027, 5, 15)] == ["2026-04"]


def test_generated_counts_await_nothing(store_url: str) -> None:
    deliver(store_url, ("2025-04", YICHANG), is_demo=True)
    assert overdue(store_url, 2025, 8, 1) == []


def test_of_opinion_the_nation_is_awaited_and_its_parts_are_not(store_url: str) -> None:
    rows = [row for area in ("", BEIJING) for row in day_rows("2025-04-30", (9, 9, 9), area=area)]
    checked, said = check_opinion(*rows), head(day=date(2025, 5, 1))
    run_in_transaction(
        store_url,
        lambda session: import_delivery(
            work_of(session, OPERATOR, DELIVERED_AT), check=checked, head=said
        ),
    )
    with read_scope(store_url) as session:
        work = work_of(session, OFFICIAL, datetime(2025, 6, 20, tzinfo=UTC))
        assert list_overdue_months(work, kind=OPINION) == [
            OverdueMonth("2025-05", date(2025, 6, 15), (NATION,))
        ]


def test_an_area_is_reminded_of_what_it_delivered_itself(store_url: str) -> None:
    deliver(store_url, ("2025-04", YICHANG), ("2025-04", BEIJING))
    city = Principal(new_id(), "city", Role.CITY_OFFICIAL, YICHANG)

    def told() -> list[tuple[str, ...]]:
        with read_scope(store_url) as session:
            work = work_of(session, city, datetime(2025, 6, 16, 4, tzinfo=UTC))
            return [each.areas for each in list_overdue_months(work, kind=COMPLAINTS)]

    assert told() == [], "the nation delivers for it"
    said = replace(head("own", day=date(2025, 5, 1)), area=YICHANG)
    check = check_file(count_file(*rows_of("2025-04", YICHANG, (31,))))
    run_in_transaction(
        store_url,
        lambda session: import_delivery(
            work_of(session, OPERATOR, DELIVERED_AT), check=check, head=said
        ),
    )
    assert told() == [(YICHANG,)]


def test_only_who_delivers_is_told(store_url: str) -> None:
    reader = Principal(new_id(), "reader", Role.ANALYST, NATION)
    with read_scope(store_url) as session, pytest.raises(AccessDeniedError):
        list_overdue_months(work_of(session, reader, DELIVERED_AT), kind=COMPLAINTS)
