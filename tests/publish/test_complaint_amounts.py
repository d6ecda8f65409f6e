"""Amounts of complaints are read behind the gate: no small number, medians from ten cases on."""

from collections.abc import Mapping
from datetime import date
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from survey.access.principal import OPERATOR
from survey.access.roles import NATION
from survey.counts.bringing_in.case_amounts import BOUNDS
from survey.counts.bringing_in.count_files import read_count_file
from survey.counts.bringing_in.proposal import propose_mapping
from survey.counts.bringing_in.table_mapping import Condition
from survey.counts.complaint_amounts import AmountYear, build_amount_table, read_amount_year
from survey.counts.complaint_gate import CountCells, protect_amounts
from survey.counts.complaint_tables import ComplaintYear, read_complaint_year
from survey.counts.count_declaration import TOTAL
from survey.counts.count_kinds import COMPLAINTS
from survey.counts.deliveries import import_delivery, withdraw_delivery
from survey.store.engine import read_scope
from survey.store.transactions import run_in_transaction
from tests.context.complaints.count_files import head
from tests.publish.test_complaint_tables import NOW, READER
from tests.work_of import work_of

AREAS = ("110000", "320100", "320200", "32xxxx", "440100", "44xxxx")
CODES = ("quality", "price", "safety")
KINDS = ("recovered", "only claimed", "without")
UNKNOWN = {key: at for at, key in enumerate(product(AREAS, CODES, KINDS))}
OF_NAME: Mapping[str, tuple[str, ...]] = {
    "accepted": KINDS, "claimed": KINDS[:2], "recovered": KINDS[:1],
}  # fmt: skip
Key = tuple[str, str, tuple[str, ...]]


def row_of(key: Key) -> NDArray[np.float64]:
    area, code, kinds = key
    return np.array(
        [
            float(
                (area in {leaf, NATION} or leaf[:2] == area)
                and code in {each, TOTAL}
                and kind in kinds
            )
            for leaf, each, kind in UNKNOWN
        ]
    )


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_numbers_with_amounts_tell_no_small_count(seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts = np.concatenate(
        [rng.multinomial(n, rng.dirichlet(np.full(9, 0.6))) for n in rng.integers(100, 900, 6)]
    )
    codes = (*CODES, TOTAL)
    sums = pd.DataFrame(
        [
            [area, code, *(float(row_of((area, code, OF_NAME[name])) @ counts) for name in OF_NAME)]
            for area, code in product(AREAS, codes)
        ],
        columns=["area", "code", *OF_NAME],
    )
    larger = (*AREAS, "32", "44", NATION)
    accepted: CountCells = {
        (area, code): {"accepted": whole} if whole >= 10 else None
        for area, code in product(larger, codes)
        if (whole := float(row_of((area, code, KINDS)) @ counts)) >= 0
    }
    cells = protect_amounts(sums, accepted)
    assert cells
    known = [row_of((*key, KINDS)) for key, cell in accepted.items() if cell]
    for (area, code), cell in cells.items():
        for name, n in cell.items():
            assert n == row_of((area, code, OF_NAME[name])) @ counts
            assert n is not None
            assert n >= 10
            known.append(row_of((area, code, OF_NAME[name])))
    _, sizes, directions = np.linalg.svd(np.array(known))
    free = directions[int((sizes > 1e-9).sum()) :]
    parts = (KINDS[:1], KINDS[1:2], KINDS[:2], KINDS[2:])
    told = [
        key
        for key in product(larger, codes, parts)
        if 1 <= row_of(key) @ counts <= 9 and np.abs(free @ row_of(key)).max(initial=0) < 1e-7
    ]
    assert told == []


HEADS = "登记时间,地区,问题类别,客体类别,办理结果,挽回经济损失,涉案金额"


def cases(area: str, nature: str, claimed: int, recovered: int, times: int) -> list[str]:
    told = "调解成功" if recovered else "调解不成"
    return [f"2024-05-03,{area},{nature},食品类,{told},{recovered},{claimed}"] * times


def stored(url: str, rows: list[str]) -> tuple[AmountYear | None, ComplaintYear]:
    content = "\n".join([HEADS, *rows]).encode()
    proposed = propose_mapping(COMPLAINTS, content, of_cases=True).mapping
    solved = Condition(column="办理结果", yes=["调解成功"], no=["调解不成"])
    mapping = proposed.model_copy(update={"cases": {"solved": solved}})
    read = read_count_file(COMPLAINTS, content, mapping=mapping, of_cases=True)
    run_in_transaction(
        url,
        lambda session: import_delivery(
            work_of(session, OPERATOR, NOW),
            check=read.check,
            head=head(str(hash(content)), day=date(2025, 1, 5)),
        ),
    )
    return read_both(url)


def read_both(url: str) -> tuple[AmountYear | None, ComplaintYear]:
    with read_scope(url) as session:
        work = work_of(session, READER, NOW)
        year = read_complaint_year(work, year=2024)
        assert year is not None
        return read_amount_year(work, year=year, lens="nature"), year


ROWS = [
    row
    for area in ("110000", "320500")
    for row in (
        *cases(area, "质量", 120, 0, 20), *cases(area, "质量", 450, 80, 40),
        *cases(area, "合同", 9_000, 9_000, 30), *cases(area, "合同", 2_500, 0, 15),
        *cases(area, "价格", 60, 0, 40), *cases(area, "价格", 0, 0, 25),
        *cases(area, "质量", 0, 0, 12), *cases(area, "合同", 0, 0, 12),
    )
]  # fmt: skip


@pytest.mark.parametrize("language", ["zh", "en"])
def test_medians_and_what_came_back_stand_by_nature(store_url: str, language: str) -> None:
    found, year = stored(store_url, ROWS)
    assert found is not None
    heads, rows = build_amount_table(
        found=found, year=year, area="110000", lens="nature", language=language
    ) or ((), ())
    assert heads[1] == ("有涉案金额" if language == "zh" else "With an amount claimed")
    by_name = {row[0]: row[1:] for row in rows}
    assert by_name["质量" if language == "zh" else "Quality"] == (
        "60", "300–500", "66.67%", "70–100"
    )  # fmt: skip
    assert by_name["合同" if language == "zh" else "Contract"] == (
        "45", "7,000–10,000", "66.67%", "7,000–10,000"
    )  # fmt: skip
    # Of the complaints about prices nothing came back: kept back, as fewer than ten would be.
    assert by_name["价格" if language == "zh" else "Price"] == ("40", "50–70", "–", "–")
    assert found.areas == ("110000", "320500")


def test_a_revised_delivery_takes_its_amounts_and_a_withdrawn_one_gives_them_back(
    sqlite_url: str,
) -> None:
    stored(sqlite_url, ROWS)
    more = [row.replace(",450", ",999") for row in ROWS]
    found, year = stored(sqlite_url, more)
    assert found is not None
    assert found.cells["110000", "quality"]["claimed"] == 60.0
    assert BOUNDS[found.medians["110000", "quality", "claimed"]] == 700
    newest = max(year.periods, key=lambda each: each.number)
    run_in_transaction(
        sqlite_url,
        lambda session: withdraw_delivery(
            work_of(session, OPERATOR, NOW), delivery_id=newest.delivery_id, reason="重复"
        ),
    )
    again, _ = read_both(sqlite_url)
    assert again is not None
    assert again.medians["110000", "quality", "claimed"] == BOUNDS.index(300)


def test_where_every_complaint_has_an_amount_the_numbers_are_shown(sqlite_url: str) -> None:
    found, _ = stored(sqlite_url, [row for row in ROWS if not row.endswith(",0")])
    assert found is not None
    assert found.cells["110000", "quality"] == {"claimed": 60.0, "recovered": 40.0}
    assert found.cells["110000", "price"] == {"claimed": 40.0}


def test_fewer_than_ten_amounts_have_no_number_and_no_median(sqlite_url: str) -> None:
    rows = [*cases("110000", "质量", 500, 100, 9), *cases("110000", "质量", 0, 0, 60)]
    found, year = stored(sqlite_url, rows)
    assert found is not None
    assert (found.cells, found.medians) == ({}, {})
    assert build_amount_table(
        found=found, year=year, area="110000", lens="nature", language="zh"
    ) is None  # fmt: skip
