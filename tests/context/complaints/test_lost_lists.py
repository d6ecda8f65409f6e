"""A revision that lacks a class, a whole list or a column asks before anything is gone."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from survey.access.principal import OPERATOR
from survey.counts.count_kinds import COMPLAINTS
from survey.counts.deliveries import DeliveryReceipt, import_delivery
from survey.counts.delivery_changes import DeliveryLosesError, LostList
from survey.counts.lost_lists import name_lost
from survey.store.transactions import run_in_transaction
from tests.context.complaints.count_files import HEADER, check_file, count_file, head, rows_of
from tests.work_of import work_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MONTH = "2024-05"
BY_CHANNEL = HEADER.replace("受理件数,", "投诉渠道,受理件数,", 1)


def deliver(
    url: str, content: bytes, name: str, confirmed: str = "", version: str = ""
) -> DeliveryReceipt:
    check = check_file(content, version=version)
    said = replace(head(name), confirmed_losses=confirmed)
    return run_in_transaction(
        url,
        lambda session: import_delivery(work_of(session, OPERATOR, NOW), check=check, head=said),
    )


def losses(url: str, content: bytes, version: str = "") -> tuple[LostList, ...]:
    with pytest.raises(DeliveryLosesError) as refused:
        deliver(url, content, "lost", version=version)
    assert not refused.value.changes.losses
    return refused.value.changes.lost_lists


def with_channel(rows: list[str], channel: str = "网络") -> list[str]:
    return [row.replace(",食品类,", f",食品类,{channel},") for row in rows]


@pytest.fixture
def standing(store_url: str) -> str:
    rows = [*rows_of(MONTH, "420100", (40, 50, 60)), *rows_of(MONTH, "420500", (10, 20, 0))]
    deliver(store_url, count_file(*with_channel(rows), header=BY_CHANNEL), "first")
    return store_url


def test_a_list_that_no_longer_comes_is_lost_where_it_stood(standing: str) -> None:
    rows = [*rows_of(MONTH, "420100", (40, 50, 60)), *rows_of(MONTH, "420500", (10, 20, 0))]
    assert losses(standing, count_file(*rows)) == (LostList(MONTH, "channel", (), 2),)
    # Kept in one of the two, it is lost in the other.
    mixed = [*with_channel(rows[:3]), *with_channel(rows[3:], "")]
    (lost,) = losses(standing, count_file(*mixed, header=BY_CHANNEL))
    assert lost == LostList(MONTH, "channel", (), 1)
    assert name_lost(COMPLAINTS, lost, "zh") == "投诉渠道"
    with pytest.raises(DeliveryLosesError) as refused:
        deliver(standing, count_file(*rows), "again")
    with pytest.raises(DeliveryLosesError):
        deliver(standing, count_file(*mixed, header=BY_CHANNEL), "again",
                refused.value.changes.confirmation)  # fmt: skip
    assert not deliver(standing, count_file(*rows), "again",
                       refused.value.changes.confirmation).is_repeated  # fmt: skip


def test_a_class_that_no_longer_comes_is_named_and_one_with_zero_is_not(standing: str) -> None:
    kept = with_channel([*rows_of(MONTH, "420100", (40, 50)), *rows_of(MONTH, "420500", (10, 20))])
    (lost,) = losses(standing, count_file(*kept, header=BY_CHANNEL))
    assert lost == LostList(MONTH, "nature", ("safety",), 2)
    assert name_lost(COMPLAINTS, lost, "zh") == "投诉性质 (安全)"
    zero = [*kept, *with_channel([f"{MONTH},420500,安全,食品类,0,0,0,0,0,0"])]
    deliver(standing, count_file(*zero, header=BY_CHANNEL), "with a zero")


def test_a_column_that_no_longer_comes_is_lost(standing: str) -> None:
    rows = with_channel(
        [*rows_of(MONTH, "420100", (40, 50, 60)), *rows_of(MONTH, "420500", (10, 20, 0))]
    )
    header = BY_CHANNEL.removesuffix(",挽回经济损失（元）")
    content = count_file(*(row.rpartition(",")[0] for row in rows), header=header)
    assert losses(standing, content) == (LostList(MONTH, "recovered", (), 2),)


def test_a_code_of_an_older_version_is_not_lost_when_its_successor_comes(store_url: str) -> None:
    old = [f"{MONTH},420100,{nature},食品类,40,30,0,0,0,0" for nature in ("人格尊严", "质量")]
    deliver(store_url, count_file(*old), "old", version="2016")
    new = [row.replace("人格尊严", "人格权益") for row in old]
    deliver(store_url, count_file(*new), "new", version="2021")
