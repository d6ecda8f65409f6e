"""Deliveries are stored whole or not at all, as revisions of their months, on both databases."""

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pandas as pd
import pytest
from sqlalchemy import func, select
from sqlmodel import Session

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import Role
from survey.counts.complaints.sums import read_sums
from survey.counts.count_check import CountsRejectedError
from survey.counts.count_kinds import COMPLAINTS
from survey.counts.deliveries import (
    DeliveryConflictError,
    DeliveryReceipt,
    import_delivery,
    withdraw_delivery,
)
from survey.counts.delivery_changes import DeliveryLosesError, DeliveryNotAllowedError
from survey.counts.standing_deliveries import list_delivered_periods
from survey.store.audit_events import AuditEvent
from survey.store.engine import read_scope
from survey.store.tables import AuditEntry, ComplaintCount, Delivery, DeliveryKind, new_id, table_of
from survey.store.transactions import run_in_transaction
from tests.context.complaints.count_files import ROW, check_file, count_file, head
from tests.work_of import work_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
READER = Principal(new_id(), "reader", Role.CITY_OFFICIAL, "110000")


def deliver(
    url: str, content: bytes, external_id: str = "d-1", version: str = "", faults: str = "",
    day: date = date(2025, 1, 3), confirmed: str = "",
) -> DeliveryReceipt:  # fmt: skip
    check = check_file(content, version=version)
    return run_in_transaction(
        url,
        lambda session: import_delivery(
            work_of(session, OPERATOR, NOW),
            check=check,
            head=replace(
                head(external_id, version=version, faults=faults, day=day),
                confirmed_losses=confirmed,
            ),
        ),
    )


def count_rows(session: Session, model: type[ComplaintCount] | type[Delivery]) -> int:
    return int(
        session.connection().execute(select(func.count()).select_from(table_of(model))).scalar_one()
    )


def accepted(url: str, *, current: bool, lens: str = "nature") -> dict[tuple[str, str], float]:
    with read_scope(url) as session:
        periods = list_delivered_periods(
            work_of(session, READER, NOW), kind=DeliveryKind.COMPLAINTS
        )
        wanted = [each for each in periods if each.is_current == current]
        sums = read_sums(work_of(session, READER, NOW), lens=lens, periods=wanted)
    return {
        (row.period, row.code): float(row.accepted) for row in sums.itertuples()
    }  # fmt: skip


def test_a_second_delivery_of_a_month_is_a_revision_and_the_first_stays(store_url: str) -> None:
    june = ROW.replace("2024-05", "2024-06")
    first = deliver(store_url, count_file(ROW, june), faults="缺一个县")
    assert first.revisions == {"2024-05": 1, "2024-06": 1}
    second = deliver(store_url, count_file(ROW.replace(",40,30,", ",44,30,")), "d-2")
    assert second.revisions == {"2024-05": 2}
    assert accepted(store_url, current=True) == {
        ("2024-05", "quality"): 44.0,
        ("2024-06", "quality"): 40.0,
    }
    assert accepted(store_url, current=False) == {("2024-05", "quality"): 40.0}
    with read_scope(store_url) as session:
        periods = list_delivered_periods(
            work_of(session, READER, NOW), kind=DeliveryKind.COMPLAINTS
        )
    assert [(each.period, each.number, each.known_faults) for each in periods] == [
        ("2024-06", 1, "缺一个县"),
        ("2024-05", 2, ""),
        ("2024-05", 1, "缺一个县"),
    ]


def test_a_file_of_one_city_does_not_take_the_place_of_all_without_a_word(store_url: str) -> None:
    cities = ("420100", "420500", "110000")
    deliver(store_url, count_file(*(ROW.replace("420500", city) for city in cities)))
    june = ROW.replace("2024-05", "2024-06")
    part = count_file(ROW, june)
    with pytest.raises(DeliveryLosesError) as refused:
        deliver(store_url, part, "d-2")
    changes = refused.value.changes
    assert [(row.area, row.period, row.before, row.after) for row in changes.losses] == [
        ("110000", "2024-05", 40, None),
        ("420100", "2024-05", 40, None),
    ]
    with pytest.raises(DeliveryLosesError):
        deliver(store_url, part, "d-2", confirmed="another loss")
    receipt = deliver(store_url, part, "d-2", confirmed=changes.confirmation)
    assert receipt.revisions == {"2024-05": 2, "2024-06": 1}
    with read_scope(store_url) as session:
        assert count_rows(session, ComplaintCount) == 3 + 2, "the older edition stays"
    # Whoever sends the same again need not confirm it again.
    assert deliver(store_url, part, "d-2").is_repeated


@pytest.mark.parametrize(
    ("period", "day"),
    [("2027-03", date(2026, 3, 1)), ("2026-03", date(2026, 3, 1)), ("2024-06", date(2024, 6, 3))],
)
def test_a_month_that_has_not_ended_is_refused(store_url: str, period: str, day: date) -> None:
    with pytest.raises(DeliveryNotAllowedError, match=period):
        deliver(store_url, count_file(ROW, ROW.replace("2024-05", period)), day=day)
    with read_scope(store_url) as session:
        assert count_rows(session, Delivery) == 0


def test_one_wrong_row_leaves_nothing_behind(store_url: str) -> None:
    with pytest.raises(CountsRejectedError) as refused:
        deliver(store_url, count_file(ROW, ROW.replace("质量", "价格").replace(",40,", ",29,")))
    assert refused.value.check.problem_count == 1
    with read_scope(store_url) as session:
        assert (count_rows(session, ComplaintCount), count_rows(session, Delivery)) == (0, 0)


def test_the_same_id_is_stored_once_and_never_with_another_content(store_url: str) -> None:
    first = deliver(store_url, count_file(ROW))
    again = deliver(store_url, count_file(ROW))
    assert again == replace(first, is_repeated=True)
    with pytest.raises(DeliveryConflictError):
        deliver(store_url, count_file(ROW.replace(",40,", ",41,")))
    with pytest.raises(DeliveryConflictError):
        deliver(store_url, count_file(ROW), faults="缺一个县")
    with read_scope(store_url) as session:
        assert (count_rows(session, ComplaintCount), count_rows(session, Delivery)) == (1, 1)


def withdraw(url: str, delivery_id: UUID, reason: str = "重复计入") -> None:
    run_in_transaction(
        url,
        lambda session: withdraw_delivery(
            work_of(session, OPERATOR, NOW), delivery_id=delivery_id, reason=reason
        ),
    )


def test_a_withdrawn_delivery_gives_way_to_the_one_before_it(store_url: str) -> None:
    first = deliver(store_url, count_file(ROW))
    wrong = count_file(ROW.replace(",40,30,", ",44,30,"))
    second = deliver(store_url, wrong, "d-2")
    with pytest.raises(DeliveryNotAllowedError):
        withdraw(store_url, second.delivery_id, reason=" ")
    withdraw(store_url, second.delivery_id)
    assert accepted(store_url, current=True) == {("2024-05", "quality"): 40.0}
    assert accepted(store_url, current=False) == {("2024-05", "quality"): 44.0}
    with pytest.raises(DeliveryNotAllowedError):
        withdraw(store_url, second.delivery_id)
    with pytest.raises(DeliveryConflictError, match="重复计入"):
        deliver(store_url, wrong, "d-2")
    assert deliver(store_url, wrong, "d-3").revisions == {"2024-05": 3}
    with read_scope(store_url) as session:
        entry = session.exec(
            select(AuditEntry).where(AuditEntry.action == AuditEvent.EVIDENCE_WITHDRAWN)
        ).scalar_one()
    assert (entry.subject_id, entry.detail["reason"]) == (str(second.delivery_id), "重复计入")
    for each in (first.delivery_id, deliver(store_url, wrong, "d-3").delivery_id):
        withdraw(store_url, each)
    assert accepted(store_url, current=True) == {}


def test_counts_by_an_older_list_are_read_by_the_newest(store_url: str) -> None:
    deliver(store_url, count_file(ROW.replace("质量", "人格尊严")), version="2016")
    assert accepted(store_url, current=True) == {("2024-05", "dignity"): 40.0}


def test_what_was_not_delivered_is_unknown_and_not_nothing(store_url: str) -> None:
    header = "期间,地区代码,投诉性质,商品服务类别,受理件数,解决件数"
    deliver(store_url, count_file("2024-05,420500,质量,食品类,40,30", header=header))
    with read_scope(store_url) as session:
        periods = list_delivered_periods(
            work_of(session, READER, NOW), kind=DeliveryKind.COMPLAINTS
        )
        sums = read_sums(work_of(session, READER, NOW), lens="total", periods=periods)
        by_age = read_sums(work_of(session, READER, NOW), lens="age_group", periods=periods)
    assert sums["mediated"].isna().all()
    assert by_age.empty


@pytest.mark.parametrize("lens", ["total", "nature", "goods_class"])
def test_sums_over_months_are_those_of_the_months_added(store_url: str, lens: str) -> None:
    old = ROW.replace("2024-05", "2024-03").replace("质量", "人格尊严")
    june = ROW.replace("2024-05", "2024-06").replace("质量", "人格权益")
    deliver(store_url, count_file(old), version="2016")
    deliver(store_url, count_file(ROW, june, june.replace("420500", "420100")), "d-2")
    with read_scope(store_url) as session:
        periods = list_delivered_periods(
            work_of(session, READER, NOW), kind=DeliveryKind.COMPLAINTS
        )
        by_month, whole = (
            read_sums(
                work_of(session, READER, NOW), lens=lens, periods=periods, by_period=by_period
            )
            for by_period in (True, False)
        )
    added = by_month.groupby(["area", "code"])[[*COMPLAINTS.stored_measures]].sum(min_count=1)
    pd.testing.assert_frame_equal(whole, added.reset_index())
    assert len(by_month) > len(whole) > 0


@pytest.mark.parametrize("day", [date(2026, 3, 2), date(2030, 1, 1)])
def test_data_cannot_be_counted_until_a_day_to_come(store_url: str, day: date) -> None:
    with pytest.raises(DeliveryNotAllowedError):
        run_in_transaction(
            store_url,
            lambda session: import_delivery(
                work_of(session, OPERATOR, NOW),
                check=check_file(count_file(ROW)),
                head=head(day=day),
            ),
        )


def test_a_day_that_has_begun_in_china_is_no_day_to_come(sqlite_url: str) -> None:
    check, evening = check_file(count_file(ROW)), datetime(2026, 3, 1, 17, tzinfo=UTC)
    receipt = run_in_transaction(
        sqlite_url,
        lambda session: import_delivery(
            work_of(session, OPERATOR, evening), check=check, head=head(day=date(2026, 3, 2))
        ),
    )
    assert receipt.revisions == {"2024-05": 1}


def test_nobody_delivers_for_another_area(store_url: str) -> None:
    for area, error in (("420500", AccessDeniedError), ("", DeliveryNotAllowedError)):
        with pytest.raises(error):
            run_in_transaction(
                store_url,
                lambda session, area=area: import_delivery(  # type: ignore[misc]
                    work_of(session, READER, NOW),
                    check=check_file(count_file(ROW)),
                    head=replace(head(), area=area),
                ),
            )
