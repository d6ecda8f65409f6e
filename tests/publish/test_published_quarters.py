"""Published quarters beside the monthly counts: stored, revised, withdrawn, and no leak together.

The attack solves everything that is shown as equations: months and codes of all areas, and the
published table, which sums up some of the same complaints.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import NATION, Role
from survey.counts.bringing_in.published_tables import months_of_period, read_published_tables
from survey.counts.complaint_gate import protect_codes, protect_months
from survey.counts.complaint_tables import read_complaint_year
from survey.counts.count_check import CountsRejectedError
from survey.counts.count_declaration import TOTAL
from survey.counts.count_kinds import COMPLAINTS
from survey.counts.deliveries import DeliveryReceipt, import_delivery
from survey.counts.delivery_changes import DeliveryLosesError, DeliveryNotAllowedError, LostList
from survey.counts.published_gate import ShownBeside, protect_published
from survey.counts.published_quarters import (
    PublishedQuarter,
    preview_published,
    read_published_quarters,
    store_published,
    withdraw_published,
)
from survey.settings import PROJECT_ROOT
from survey.store.engine import read_scope
from survey.store.tables import Account, new_id
from survey.store.transactions import run_in_transaction
from tests.context.complaints.count_files import check_file, count_file, head, rows_of
from tests.work_of import work_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
EXAMPLE = PROJECT_ROOT / "seed" / "context" / "examples" / "published_quarter.csv"
AREAS = ("110000", "320100", "320200", "320300", "32xxxx", "440100", "440300", "44xxxx")
MONTHS = tuple(f"2024-{month:02}" for month in range(1, 6))
CODES = ("c0", "c1", "c2", "c3", "c4")
PERIODS = ("2024-Q1",)
Counts = NDArray[np.int64]
"""Complaints by area, month and code."""


def drawn(seed: int) -> Counts:
    rng = np.random.default_rng(seed)
    rates = rng.choice([0.05, 0.3, 2.0, 30.0], (len(AREAS), 1, 1)) * rng.dirichlet(
        np.full(len(CODES), 0.4)
    )
    return rng.poisson(rates * rng.uniform(0.3, 2.0, (1, len(MONTHS), 1)))


def frame(counts: Counts, *, by_month: bool) -> pd.DataFrame:
    names = MONTHS if by_month else CODES
    summed = counts.sum(axis=2 if by_month else 1)
    rows = [
        {"area": area, "period" if by_month else "code": name, "accepted": float(n)}
        for area, row in zip(AREAS, summed, strict=True)
        for name, n in zip(names, row, strict=True)
    ]
    columns = ["area", "period" if by_month else "code", *COMPLAINTS.stored_measures]
    return pd.DataFrame(rows).reindex(columns=columns)


def shape(area: str, months: tuple[str, ...], code: str) -> Counts:
    """Return the cube of ones where complaints are of an area (or larger), months and a code."""
    of_area = np.array([area in {leaf, NATION} or leaf[:2] == area for leaf in AREAS])
    of_month = np.array([month in months for month in MONTHS])
    of_code = np.array([code in {each, TOTAL} for each in CODES])
    cube: Counts = (of_area[:, None, None] & of_month[:, None] & of_code).astype(np.int64)
    return cube


def find_told(counts: Counts, *, gated: bool) -> set[tuple[str, tuple[str, ...], str]]:
    """Return small counts that all shown tables determine together."""
    of_months = frame(counts, by_month=True)
    months = protect_months(of_months, ())
    year = of_months.groupby("area", as_index=False)[[*COMPLAINTS.stored_measures]].sum(min_count=1)
    codes = protect_codes(frame(counts, by_month=False), year, months, None).whole
    shown = [
        *((shape(area, (month,), TOTAL), cell) for (area, month), cell in months.months.items()),
        *((shape(area, MONTHS, code), cell) for (area, code), cell in codes.items()),
    ]
    equations = [cube for cube, cell in shown if cell is not None]
    quarters = {
        period: {
            code: int((counts * shape(NATION, months_of_period(period), code)).sum())
            for code in (*CODES, TOTAL)
        }
        for period in PERIODS
    }
    table = {
        code: None if cell is None else cell["accepted"]
        for (area, code), cell in codes.items()
        if area == NATION
    }
    of_nation = {
        month: None if cell is None else cell["accepted"]
        for (area, month), cell in months.months.items()
        if area == NATION
    }
    beside = ShownBeside([(frozenset(MONTHS), table)], of_nation)
    open_counts: Mapping[str, Mapping[str, int | None]] = (
        protect_published(quarters, beside) if gated else quarters
    )
    for period, of_period in open_counts.items():
        equations += [
            shape(NATION, months_of_period(period), code)
            for code, n in of_period.items()
            if n is not None
        ]
    targets = [
        *((area, MONTHS, code) for area in (*AREAS, "32", "44", NATION) for code in CODES),
        *((area, (month,), TOTAL) for area in (*AREAS, "32", "44", NATION) for month in MONTHS),
        *((NATION, part, code) for part in (MONTHS[:3], MONTHS[3:]) for code in CODES),
    ]
    _, sizes, directions = np.linalg.svd(np.array([cube.ravel() for cube in equations], float))
    free = directions[int((sizes > 1e-9).sum()) :]
    return {
        target
        for target in targets
        if 0 < (counts * shape(*target)).sum() < 10
        and np.abs(free @ shape(*target).ravel()).max(initial=0) < 1e-7
    }


@pytest.mark.slow
def test_months_and_published_quarters_together_tell_no_small_count() -> None:
    told_without_gate = 0
    for seed in range(60):
        counts = drawn(seed)
        assert find_told(counts, gated=True) == set(), seed
        told_without_gate += bool(find_told(counts, gated=False))
    assert told_without_gate > 20, "the attack finds what the gate has to keep back"


def test_a_quarter_beside_nothing_is_shown_but_for_small_counts() -> None:
    quarters = {"2024-Q1": {"a": 500, "b": 4, "c": 30, "d": 40, TOTAL: 574}}
    assert protect_published(quarters, ShownBeside()) == {
        # 574 - 500 - 40 is the two that are hidden, and tells neither.
        "2024-Q1": {"a": 500, "b": None, "c": None, "d": 40, TOTAL: 574}
    }


def test_what_the_months_hide_is_hidden_in_the_quarter() -> None:
    months = dict.fromkeys(months_of_period("2024-Q1"), 200.0)
    quarters = {"2024-Q1": {"a": 500, "b": 40, "c": 60, TOTAL: 600}}
    table = {"a": 500.0, "b": None, "c": None, TOTAL: 600.0}
    shown = protect_published(quarters, ShownBeside([(frozenset(months), table)], months))
    assert shown["2024-Q1"] == {"a": 500, "b": None, "c": None, TOTAL: 600}
    hidden_month = {**months, "2024-02": None}
    shown = protect_published(quarters, ShownBeside([(frozenset(months), table)], hidden_month))
    assert {*shown["2024-Q1"].values()} == {None}


def test_what_a_quarter_leaves_of_a_longer_table_is_no_small_count() -> None:
    quarters = {"2024-Q1": {"a": 500, "b": 40, "c": 60, TOTAL: 600}}
    months = dict.fromkeys((*months_of_period("2024-Q1"), "2024-04"), 200.0)
    table = {"a": 690.0, "b": 46.0, "c": 64.0, TOTAL: 800.0}
    shown = protect_published(quarters, ShownBeside([(frozenset(months), table)], months))
    # Six and four of April; both hidden are ten of it, and forty and sixty are as well.
    assert shown["2024-Q1"] == {"a": 500, "b": None, "c": None, TOTAL: 600}


def stored(
    url: str, content: bytes, *, principal: Principal = OPERATOR, confirmed: str = ""
) -> DeliveryReceipt:
    file = read_published_tables(content)
    assert file is not None
    said = replace(head("-"), source="某消费者协会", confirmed_losses=confirmed)
    return run_in_transaction(
        url, lambda session: store_published(work_of(session, principal, NOW), file=file, head=said)
    )


def read(url: str) -> dict[tuple[str, str], PublishedQuarter]:
    with read_scope(url) as session:
        found = read_published_quarters(work_of(session, OPERATOR, NOW))
    return {(each.period, each.lens): each for each in found}


def test_a_quarter_is_stored_once_revised_and_withdrawn(store_url: str) -> None:
    content = EXAMPLE.read_bytes()
    receipt = stored(store_url, content)
    assert (receipt.revisions, receipt.is_repeated) == ({"2024-Q1": 1}, False)
    assert stored(store_url, content) == replace(receipt, is_repeated=True)
    first = read(store_url)["2024-Q1", "nature"]
    assert (first.counts["after_sales"], first.counts[TOTAL]) == (12700, 40000)
    assert (first.source, first.changes["contract"]) == ("某消费者协会", -310)
    nature = content.decode().split("表2")[0]
    lacking = nature.replace("计量,300,0.75,3.00\n", "").replace("其他,800,2.00", "其他,1100,2.75")
    with pytest.raises(DeliveryLosesError) as refused:
        stored(store_url, lacking.encode())
    changes = refused.value.changes
    assert changes.lost_lists == (LostList("2024-Q1", "nature", ("measurement",), 1),)
    receipt = stored(store_url, lacking.encode(), confirmed=changes.confirmation)
    assert receipt.revisions == {"2024-Q1": 2}
    revised = read(store_url)
    assert revised["2024-Q1", "nature"].counts["other"] == 1100
    # The table by class was not in the file and holds.
    assert revised["2024-Q1", "goods_class"].counts["internet"] == 9600
    table_id = revised["2024-Q1", "nature"].table_id
    for reason in ("", "录错了"):
        try:
            run_in_transaction(
                store_url,
                lambda session, reason=reason: withdraw_published(  # type: ignore[misc]
                    work_of(session, OPERATOR, NOW), table_id=table_id, reason=reason
                ),
            )
        except DeliveryNotAllowedError:
            assert not reason
    assert read(store_url)["2024-Q1", "nature"].counts["measurement"] == 300


def test_it_is_added_to_no_month(store_url: str) -> None:
    rows = [row for month in (1, 2, 3) for row in rows_of(f"2024-{month:02}", "420100", (40, 50))]
    check = check_file(count_file(*rows))
    run_in_transaction(
        store_url,
        lambda session: import_delivery(work_of(session, OPERATOR, NOW), check=check, head=head()),
    )

    def year_of() -> float | None:
        with read_scope(store_url) as session:
            year = read_complaint_year(work_of(session, OPERATOR, NOW), year=2024)
        assert year is not None
        cell = year.find_cell(TOTAL, NATION, TOTAL)
        return None if cell is None else cell["accepted"]

    before = year_of()
    stored(store_url, EXAMPLE.read_bytes())
    assert year_of() == before == 270


def test_only_the_nation_delivers_and_only_what_is_over_and_right(store_url: str) -> None:
    hubei = Principal(new_id(), "hubei", Role.PROVINCE_OFFICIAL, "42")
    run_in_transaction(
        store_url,
        lambda session: session.add(
            Account(id=hubei.account_id, login="h", name="h", role=hubei.role, area="42")
        ),
    )
    content = EXAMPLE.read_text(encoding="utf-8")
    with pytest.raises(AccessDeniedError):
        stored(store_url, content.encode(), principal=hubei)
    with pytest.raises(DeliveryNotAllowedError):
        stored(store_url, content.replace("2024年第一季度", "2026年第一季度").encode())
    with pytest.raises(CountsRejectedError):
        stored(store_url, content.replace("12700", "12701").encode())
    file = read_published_tables(content.encode())
    assert file is not None
    with read_scope(store_url) as session, pytest.raises(DeliveryNotAllowedError):
        preview_published(work_of(session, OPERATOR, NOW), file=file, data_as_of=date(2024, 3, 20))
    assert read(store_url) == {}
