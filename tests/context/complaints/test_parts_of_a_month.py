"""Provinces and cities deliver their own part: in any order, twice, with corrections."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import Role
from survey.counts.complaint_tables import ComplaintYear, read_complaint_year
from survey.counts.complaint_view import build_complaint_view
from survey.counts.complaints.sums import compare_revisions, read_sums
from survey.counts.count_declaration import TOTAL
from survey.counts.deliveries import (
    DeliveryConflictError,
    DeliveryReceipt,
    find_repeated,
    import_delivery,
    preview_delivery,
    withdraw_delivery,
)
from survey.counts.delivery_changes import DeliveryLosesError, DeliveryNotAllowedError
from survey.counts.standing_deliveries import (
    list_delivered_periods,
    list_standing_periods,
    stands_for,
)
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Account, ComplaintSummary, DeliveryKind, new_id, table_of
from survey.store.transactions import run_in_transaction
from tests.context.complaints.count_files import check_file, count_file, head, rows_of
from tests.work_of import work_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MONTH = "2024-05"
HUBEI = Principal(new_id(), "hubei", Role.PROVINCE_OFFICIAL, "42")
WUHAN = Principal(new_id(), "wuhan", Role.CITY_OFFICIAL, "420100")
KINDS = DeliveryKind.COMPLAINTS


@pytest.fixture(autouse=True)
def _accounts(store_url: str) -> None:
    with session_scope(store_url) as session:
        for each in (HUBEI, WUHAN):
            session.add(
                Account(
                    id=each.account_id, login=each.name, name=each.name, role=each.role,
                    area=each.area,
                )
            )  # fmt: skip


def deliver(
    url: str, rows: list[str], name: str, sender: Principal = OPERATOR, area: str = "",
    confirmed: str = "",
) -> DeliveryReceipt:  # fmt: skip
    check = check_file(count_file(*rows))
    said = replace(head(name), area=area, confirmed_losses=confirmed, source=f"source of {area}")
    return run_in_transaction(
        url, lambda session: import_delivery(work_of(session, sender, NOW), check=check, head=said)
    )


def sums(url: str) -> dict[str, float]:
    with read_scope(url) as session:
        work = work_of(session, OPERATOR, NOW)
        frame = read_sums(work, lens=TOTAL, periods=list_standing_periods(work, kind=KINDS))
    return {row.area: float(row.accepted) for row in frame.itertuples()}


def year_of(url: str) -> ComplaintYear:
    with read_scope(url) as session:
        year = read_complaint_year(work_of(session, OPERATOR, NOW), year=2024)
    assert year is not None
    return year


def test_a_province_replaces_its_own_part_alone(store_url: str) -> None:
    whole = [*rows_of(MONTH, "420100", (40,)), *rows_of(MONTH, "420500", (50,)),
             *rows_of(MONTH, "110000", (60,))]  # fmt: skip
    deliver(store_url, whole, "nation")
    corrected = [*rows_of(MONTH, "420100", (41,)), *rows_of(MONTH, "420500", (51,))]
    receipt = deliver(store_url, corrected, "hubei", HUBEI)
    assert sums(store_url) == {"110000": 60, "420100": 41, "420500": 51}
    deliver(store_url, rows_of(MONTH, "420100", (42,)), "wuhan", WUHAN)
    assert sums(store_url) == {"110000": 60, "420100": 42, "420500": 51}
    with read_scope(store_url) as session:
        standing = list_standing_periods(work_of(session, OPERATOR, NOW), kind=KINDS)
    assert [(each.area, each.overridden, each.revises) for each in standing] == [
        ("42", ("420100",), True),
        ("420100", (), True),
        ("CN", ("42", "420100"), False),
    ]
    withdraw(store_url, receipt.delivery_id, HUBEI)
    # What the city corrected after its province stays, the rest is that of the nation again.
    assert sums(store_url) == {"110000": 60, "420100": 42, "420500": 50}


def withdraw(url: str, delivery_id: UUID, sender: Principal) -> None:
    run_in_transaction(
        url,
        lambda session: withdraw_delivery(
            work_of(session, sender, NOW), delivery_id=delivery_id, reason="重复计入"
        ),
    )


def test_a_loss_is_only_asked_about_in_the_own_part(store_url: str) -> None:
    deliver(store_url, [*rows_of(MONTH, "420100", (40,)), *rows_of(MONTH, "420500", (50,)),
                        *rows_of(MONTH, "110000", (60,))], "nation")  # fmt: skip
    with pytest.raises(DeliveryLosesError) as refused:
        deliver(store_url, rows_of(MONTH, "420100", (41,)), "hubei", HUBEI)
    assert [row.area for row in refused.value.changes.losses] == ["420500"]
    confirmed = refused.value.changes.confirmation
    deliver(store_url, rows_of(MONTH, "420100", (41,)), "hubei", HUBEI, confirmed=confirmed)
    assert sums(store_url) == {"110000": 60, "420100": 41}, "Yichang is lost as was confirmed"


def test_nobody_delivers_or_withdraws_for_others(store_url: str) -> None:
    of_beijing = rows_of(MONTH, "110000", (60,))
    with pytest.raises(DeliveryNotAllowedError, match="110000"):
        deliver(store_url, [*rows_of(MONTH, "420100", (40,)), *of_beijing], "hubei", HUBEI)
    with pytest.raises(AccessDeniedError):
        deliver(store_url, of_beijing, "hubei", HUBEI, area="11")
    with pytest.raises(AccessDeniedError):
        deliver(store_url, rows_of(MONTH, "420100", (40,)), "wuhan", WUHAN, area="42")
    with pytest.raises(DeliveryNotAllowedError, match="99"):
        deliver(store_url, of_beijing, "nation", area="99")
    with pytest.raises(DeliveryNotAllowedError, match="110000"):
        deliver(store_url, of_beijing, "nation", area="42")
    assert sums(store_url) == {}
    nation = deliver(store_url, of_beijing, "nation")
    with pytest.raises(DeliveryNotAllowedError):
        withdraw(store_url, nation.delivery_id, HUBEI)
    assert sums(store_url) == {"110000": 60}


def test_who_delivers_sees_exact_sums_of_the_own_area_alone(store_url: str) -> None:
    rows = [*rows_of(MONTH, "420100", (4,)), *rows_of(MONTH, "110000", (6,))]
    deliver(store_url, rows, "first")
    deliver(store_url, [*rows_of(MONTH, "420100", (5,)), *rows_of(MONTH, "110000", (7,))], "second")
    with read_scope(store_url) as session:
        work = work_of(session, HUBEI, NOW)
        older = next(each for each in list_delivered_periods(work, kind=KINDS)
                     if not each.is_current)  # fmt: skip
        differences = compare_revisions(work, older=older)
        check = check_file(count_file(*rows_of(MONTH, "420500", (8,))))
        changes = preview_delivery(work, counts=check.require_counts())
    assert [(each.area, each.before, each.after) for each in differences] == [("420100", 4, 5)]
    assert {row.area for row in changes.rows} == {"420100", "420500"}


def test_the_same_id_for_another_area_is_another_delivery(store_url: str) -> None:
    rows = rows_of(MONTH, "420100", (40,))
    deliver(store_url, rows, "one", area="42")
    check = check_file(count_file(*rows))
    said = replace(head("one"), area="420100", source="source of 42")
    with read_scope(store_url) as session, pytest.raises(DeliveryConflictError):
        find_repeated(work_of(session, OPERATOR, NOW), kind=KINDS, head=said, sha256=check.sha256)


PARTS = {
    "11": rows_of(MONTH, "110000", (60, 30, 12)),
    "42": [*rows_of(MONTH, "420100", (41, 5, 14)), *rows_of(MONTH, "42xxxx", (400, 300, 200))],
    "420100": rows_of(MONTH, "420100", (43, 11, 14)),
    "44": rows_of(MONTH, "440100", (70, 3, 20)),
}


@pytest.mark.slow
@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_the_order_of_deliveries_shows_nowhere(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    made, empty = set(), request.getfixturevalue("_sqlite_template")
    # Wuhan corrects what its province delivers, so its part always comes after that.
    orders = [each for each in permutations(PARTS) if each.index("42") < each.index("420100")]
    for number, order in enumerate(orders):
        url = f"sqlite:///{shutil.copyfile(empty, tmp_path / f'{number}.db')}"
        for round_ in (1, 2):
            for area in order:
                deliver(url, PARTS[area], f"{area}-{round_}", area=area)
        year = year_of(url)
        views = [
            repr(
                build_complaint_view(
                    year=year, before=None, lens="nature", area=area, language="zh"
                )
            )
            for area in ("CN", "42", "420100")
        ]
        made.add("\n".join([repr(year.by_lens), repr(year.by_month), *views]))
    assert len(orders) == 12
    assert len(made) == 1


def test_missing_provinces_are_named_and_a_month_counts_once(store_url: str) -> None:
    for area, rows in PARTS.items():
        deliver(store_url, rows, area, area=area)
    year = year_of(store_url)
    assert year.months == (MONTH,)
    view = build_complaint_view(year=year, before=None, lens="nature", area="CN", language="en")
    told = "\n".join(view.sentences)
    assert "From 4 of 127 areas and 1 of 12 months." in told
    assert "3 of 31 provinces" in told
    assert "Not delivered" in told


def test_many_years_of_parts_are_one_condition_of_the_store(store_url: str) -> None:
    """A chain of "or" would be too deep for SQLite after the third year."""
    deliver(store_url, [*rows_of(MONTH, "420100", (40,)), *rows_of(MONTH, "110000", (60,))], "all")
    deliver(store_url, rows_of(MONTH, "420100", (41,)), "wuhan", WUHAN)
    overridden = ("42", "31", "440100", *(f"{number:02}" for number in range(10, 40)))
    with read_scope(store_url) as session:
        standing = list_standing_periods(work_of(session, OPERATOR, NOW), kind=KINDS)
        whole = next(each for each in standing if each.area == "CN")
        others = [
            replace(whole, revision_id=new_id(), overridden=overridden) for _ in range(10 * 12)
        ]
        table = table_of(ComplaintSummary)
        query = select(func.distinct(table.c.area)).where(
            stands_for(table, [*others, replace(whole, overridden=overridden), *standing[:-1]])
        )
        places = sorted(session.connection().execute(query).scalars())
    assert places == ["420100"], "of Wuhan, which the city delivered itself"
