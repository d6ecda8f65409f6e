"""Opinion counts are revised by month, corrected by day, and read by those whose area they are."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sqlmodel import Session

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import Role
from survey.counts.count_check import CountsRejectedError
from survey.counts.deliveries import DeliveryReceipt, import_delivery
from survey.counts.delivery_changes import DeliveryLosesError, DeliveryNotAllowedError
from survey.counts.opinion.storage import (
    EnteredDay,
    enter_opinion_day,
    list_opinion_areas,
    list_opinion_topics,
    read_month_records,
    read_opinion_days,
)
from survey.counts.standing_deliveries import list_delivered_periods
from survey.store.engine import read_scope
from survey.store.tables import DeliveryKind, new_id
from survey.store.transactions import run_in_transaction
from tests.context.opinion.opinion_rows import check, day_rows, head
from tests.work_of import work_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FIRST, LAST = date(2024, 11, 1), date(2024, 11, 30)
NATIONAL = Principal(new_id(), "office", Role.NATIONAL_OFFICIAL, "CN")
HERE = Principal(new_id(), "here", Role.CITY_OFFICIAL, "420500")
PROVINCE = Principal(new_id(), "province", Role.PROVINCE_OFFICIAL, "42")
ROWS = [
    *day_rows("2024-11-10", (100, 300, 50)),
    *day_rows("2024-11-11", (200, 300, 50)),
    *day_rows("2024-11-11", (40, 10, 0), area="420500"),
    *day_rows("2024-11-11", (30, 10, 0), area="110000"),
    *day_rows("2024-11-10", (20, 10, 0), topic="预售规则"),
    *day_rows("2024-11-11", (60, 10, 0), topic="预售规则"),
    *day_rows("2024-11-11", (15, 10, 0), topic="快递"),
]


def deliver(
    url: str,
    rows: list[str],
    external_id: str = "o-1",
    *,
    confirmed: str = "",
    sender: Principal = OPERATOR,
) -> DeliveryReceipt:
    found, said = check(*rows), replace(head(external_id), confirmed_losses=confirmed)
    return run_in_transaction(
        url, lambda session: import_delivery(work_of(session, sender, NOW), check=found, head=said)
    )


def days(session: Session, reader: Principal, area: str) -> dict[tuple[date, str], int]:
    frame = read_opinion_days(work_of(session, reader, NOW), area=area, first=FIRST, last=LAST)
    return {(row.day, row.sentiment): row.items for row in frame.itertuples()}


def test_opinion_is_delivered_for_the_whole_nation_alone(store_url: str) -> None:
    deliver(store_url, ROWS)
    with pytest.raises(AccessDeniedError):
        deliver(store_url, ROWS, "o-2", sender=PROVINCE)
    with read_scope(store_url) as session, pytest.raises(AccessDeniedError):
        read_month_records(work_of(session, PROVINCE, NOW), period="2024-11")


def test_counts_and_topics_are_read_with_their_peak_day(store_url: str) -> None:
    first = deliver(store_url, ROWS)
    assert first.revisions == {"2024-11": 1}
    assert deliver(store_url, ROWS).is_repeated
    with read_scope(store_url) as session:
        found = days(session, NATIONAL, "CN")
        topics = list_opinion_topics(work_of(session, HERE, NOW), area="CN", first=FIRST, last=LAST)
    assert found[date(2024, 11, 11), "negative"] == 200
    assert len(found) == 6
    assert [(topic.name, topic.items, topic.negative, topic.peak_day) for topic in topics] == [
        ("预售规则", 100, 80, date(2024, 11, 11)),
        ("快递", 25, 15, date(2024, 11, 11)),
    ]
    assert topics[0].peak_items == 70


def test_a_month_delivered_again_replaces_it_and_the_old_one_stays_known(store_url: str) -> None:
    deliver(store_url, ROWS)
    part = day_rows("2024-11-10", (1, 2, 3))
    with pytest.raises(DeliveryLosesError) as refused:
        deliver(store_url, part, "o-2")
    losses = refused.value.changes.losses
    assert {(row.area, row.period, row.lost) for row in losses} == {
        (area, "2024-11", ("2024-11-11",)) for area in ("CN", "420500", "110000")
    }
    deliver(store_url, part, "o-2", confirmed=refused.value.changes.confirmation)
    with read_scope(store_url) as session:
        assert days(session, NATIONAL, "CN") == {
            (date(2024, 11, 10), "negative"): 1,
            (date(2024, 11, 10), "neutral"): 2,
            (date(2024, 11, 10), "positive"): 3,
        }
        periods = list_delivered_periods(work_of(session, NATIONAL, NOW), kind=DeliveryKind.OPINION)
        others = list_delivered_periods(
            work_of(session, NATIONAL, NOW), kind=DeliveryKind.COMPLAINTS
        )
    assert [(each.number, each.is_current) for each in periods] == [(2, True), (1, False)]
    assert others == []


@pytest.mark.parametrize("day", ["2026-03-01", "2026-03-02", "2027-03-01"])
def test_a_day_that_has_not_ended_is_refused(sqlite_url: str, day: str) -> None:
    said = replace(head(), data_as_of=date(2026, 3, 1))
    with pytest.raises(DeliveryNotAllowedError, match=day):
        run_in_transaction(
            sqlite_url,
            lambda session: import_delivery(
                work_of(session, OPERATOR, NOW),
                check=check(*day_rows(day, (40, 50, 60))),
                head=said,
            ),
        )


def test_an_area_is_read_by_those_it_belongs_to(store_url: str) -> None:
    deliver(store_url, ROWS)
    with read_scope(store_url) as session:
        assert list_opinion_areas(work_of(session, NATIONAL, NOW)) == [
            "110000", "420500", "CN",
        ]  # fmt: skip
        for reader in (HERE, PROVINCE):
            assert list_opinion_areas(work_of(session, reader, NOW)) == ["420500", "CN"]
            assert days(session, reader, "420500")[date(2024, 11, 11), "negative"] == 40
            assert days(session, reader, "CN")
            for area in ("110000", "310000", "32xxxx"):
                with pytest.raises(AccessDeniedError):
                    days(session, reader, area)
                with pytest.raises(AccessDeniedError):
                    list_opinion_topics(
                        work_of(session, reader, NOW), area=area, first=FIRST, last=LAST
                    )


def test_a_day_entered_by_hand_leaves_the_rest_of_its_month(store_url: str) -> None:
    deliver(store_url, ROWS)
    entered = EnteredDay(
        date(2024, 11, 11), "CN", "",
        {("weibo", "negative"): 150, ("weibo", "neutral"): 90, ("-", "positive"): 0},
    )  # fmt: skip
    receipt = run_in_transaction(
        store_url,
        lambda session: enter_opinion_day(
            work_of(session, OPERATOR, NOW), entered=entered, head=head("entry")
        ),
    )
    assert receipt.revisions == {"2024-11": 2}
    with read_scope(store_url) as session:
        found = days(session, NATIONAL, "CN")
        assert found[date(2024, 11, 11), "negative"] == 150
        assert found[date(2024, 11, 10), "negative"] == 100
        assert days(session, HERE, "420500")[date(2024, 11, 11), "negative"] == 40


def test_a_day_by_hand_is_checked_with_the_month_it_stands_in(store_url: str) -> None:
    deliver(store_url, ROWS)
    too_small = EnteredDay(
        date(2024, 11, 11), "CN", "",
        {("-", "negative"): 69, ("-", "neutral"): 20, ("-", "positive"): 0},
    )  # fmt: skip
    for who, error in ((OPERATOR, CountsRejectedError), (HERE, AccessDeniedError)):
        with pytest.raises(error):
            run_in_transaction(
                store_url,
                lambda session, who=who: enter_opinion_day(
                    work_of(session, who, NOW), entered=too_small, head=head("x")
                ),
            )
    with read_scope(store_url) as session:
        assert days(session, NATIONAL, "CN")[date(2024, 11, 11), "negative"] == 200
