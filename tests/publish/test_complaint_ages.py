"""Complaints of older people and of minors by code, beside those of all: no small count is told.

Everything that a page shows of areas, codes and ages is solved as equations here.
"""

from collections.abc import Mapping
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from survey.access.principal import OPERATOR
from survey.access.roles import NATION
from survey.counts.complaint_gate import (
    CountCells,
    GatedMonths,
    protect_ages,
    protect_codes,
    protect_months,
)
from survey.counts.complaint_lists import build_age_table
from survey.counts.complaint_tables import read_complaint_year
from survey.counts.count_declaration import TOTAL
from survey.counts.count_kinds import AGE_LENSES, COMPLAINTS, LENSES
from survey.store.engine import read_scope
from tests.context.complaints.count_files import HEADER
from tests.publish.test_complaint_tables import NOW, READER, stored_year
from tests.work_of import work_of

AREAS = ("110000", "320100", "320200", "32xxxx", "440100", "44xxxx")
CODES = ("quality", "price", "safety")
GROUPS: Mapping[str, tuple[str, ...]] = {
    "elder_nature": ("60_plus",),
    "minor_nature": ("under_18",),
    "rest": ("30_44", "not_stated"),
}
AGES = tuple(age for ages in GROUPS.values() for age in ages)
Count = tuple[str, str, str]
UNKNOWN: Mapping[Count, int] = {key: at for at, key in enumerate(product(AREAS, CODES, AGES))}
Key = tuple[str, str, tuple[str, ...]]
"""Area, code or total, and ages that a cell adds up."""


def drawn(seed: int) -> NDArray[np.int64]:
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(len(CODES) * len(AGES), 0.5), len(AREAS))
    sizes = [rng.integers(*rng.choice([(10, 60), (60, 200), (200, 900)])) for _ in AREAS]
    parts = [rng.multinomial(n, share) for n, share in zip(sizes, shares, strict=True)]
    return np.concatenate(parts)


def row_of(key: Key) -> NDArray[np.float64]:
    area, code, ages = key
    return np.array(
        [
            float(
                (area in {leaf, NATION} or leaf[:2] == area)
                and code in {each, TOTAL}
                and age in ages
            )
            for leaf, each, age in UNKNOWN
        ]
    )


def frame(counts: NDArray[np.int64], *keys: str) -> pd.DataFrame:
    rows = pd.DataFrame([*UNKNOWN], columns=["area", "nature", "age_group"]).assign(accepted=counts)
    sums = rows.groupby(["area", *keys], as_index=False)["accepted"].sum()
    sums = sums.rename(columns=dict.fromkeys(keys, "code"))
    columns = dict.fromkeys(["area", *(["code"] if keys else []), *COMPLAINTS.stored_measures])
    return sums.reindex(columns=[*columns]).astype({"accepted": float})


def show(counts: NDArray[np.int64]) -> dict[Key, float | None]:
    """Return every cell of the page of complaints by nature, None where it is hidden."""
    total = frame(counts)
    months: GatedMonths = protect_months(total.assign(period="2024-01"), ())
    natures, ages = (
        protect_codes(frame(counts, key), total, months, None).whole
        for key in ("nature", "age_group")
    )
    crossed = {}
    for lens in ("elder_nature", "minor_nature"):
        of_age = np.where([age in GROUPS[lens] for _, _, age in UNKNOWN], counts, 0)
        crossed[lens] = frame(of_age, "nature")
    found = protect_ages(frame(counts, "nature"), total, crossed, natures, ages)
    tables: list[tuple[CountCells, bool, tuple[str, ...]]] = [
        (natures, True, AGES),
        (ages, False, ()),
        *((cells, True, GROUPS[lens]) for lens, cells in found.items()),
    ]
    return {
        (area, code if of_nature else TOTAL, of_ages or (AGES if code == TOTAL else (code,))): (
            None if cell is None else cell["accepted"]
        )
        for cells, of_nature, of_ages in tables
        for (area, code), cell in cells.items()
    }


def find_told(counts: NDArray[np.int64], shown: Mapping[Key, float | None]) -> list[Key]:
    """Return the counts of one to nine, of any group, that the shown cells determine together."""
    known = np.array([row_of(key) for key, cell in shown.items() if cell is not None])
    _, sizes, directions = np.linalg.svd(known)
    free = directions[int((sizes > 1e-9).sum()) :]
    areas = (*AREAS, "32", "44", NATION)
    of_groups = product(areas, (*CODES, TOTAL), (*GROUPS.values(), AGES))
    return [
        key
        for key in of_groups
        if 1 <= row_of(key) @ counts <= 9 and np.abs(free @ row_of(key)).max(initial=0) < 1e-7
    ]


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_ages_by_code_tell_no_small_count_beside_both_lists(seed: int) -> None:
    counts = drawn(seed)
    shown = show(counts)
    for key, cell in shown.items():
        assert cell is None or cell == row_of(key) @ counts >= 10
    assert find_told(counts, shown) == []


def test_one_small_count_does_not_hide_a_whole_table() -> None:
    counts = np.full(len(UNKNOWN), 200)
    counts[UNKNOWN["320200", "price", "under_18"]] = 4
    shown = show(counts)
    assert shown["320200", "price", ("under_18",)] is None
    assert sum(cell is None for cell in shown.values()) < len(shown) / 10
    assert find_told(counts, shown) == []


def test_without_the_gate_the_equations_tell_small_counts() -> None:
    counts = drawn(3)
    assert find_told(counts, {key: row_of(key) @ counts for key in show(counts)})


def test_most_large_counts_are_shown() -> None:
    counts = np.full(len(UNKNOWN), 40)
    assert None not in show(counts).values()


AGE_HEADER = HEADER + ",投诉人年龄段"


def with_ages(month: str = "2024-05") -> list[str]:
    return [
        f"{month},{area},{nature},食品类,{count},{count // 2},0,0,0,0,{age}"
        for area in ("110000", "320500")
        for nature in ("质量", "价格", "安全")
        for age, count in (("60岁及以上", 40), ("18岁以下", 20), ("30—44岁", 200))
    ]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_ages_stand_beside_all_of_the_same_nature(sqlite_url: str, language: str) -> None:
    lenses = ("nature", "elder_nature", "minor_nature")
    year = stored_year(sqlite_url, with_ages(), lenses=lenses, header=AGE_HEADER)
    assert year is not None
    heads, rows = build_age_table(year=year, area="110000", lens="nature", language=language) or (
        (), (),
    )  # fmt: skip
    assert [heads[place] for place in (1, 3, 5)] == (
        ["各年龄", "60岁及以上", "18岁以下"] if language == "zh"
        else ["All ages", "60 and over", "Under 18"]
    )  # fmt: skip
    quality = next(row for row in rows if row[0] in {"质量", "Quality"})
    assert quality[1:] == ("260", "33.33%", "40", "33.33%", "20", "33.33%")
    assert build_age_table(year=year, area="110000", lens="channel", language=language) is None


def test_where_no_age_was_delivered_there_is_no_table(sqlite_url: str) -> None:
    rows = [row.rsplit(",", 1)[0] for row in with_ages() if row.endswith("60岁及以上")]
    year = stored_year(sqlite_url, rows, lenses=(*LENSES, *AGE_LENSES))
    assert year is not None
    assert not set(AGE_LENSES) & set(year.by_lens)
    assert build_age_table(year=year, area="110000", lens="nature", language="zh") is None


def test_a_withdrawn_or_revised_month_changes_its_ages(sqlite_url: str) -> None:
    stored_year(sqlite_url, with_ages(), header=AGE_HEADER)
    rows = [row.replace(",40,20,", ",50,20,") for row in with_ages()]
    year = stored_year(sqlite_url, rows, lenses=("elder_class",), header=AGE_HEADER)
    assert year is not None
    assert year.by_lens["elder_class"]["110000", "food"] == {"accepted": 150.0}
    assert year.by_lens["elder_class"][NATION, TOTAL] == {"accepted": 300.0}
    with read_scope(sqlite_url) as session:
        for principal in (OPERATOR, READER):
            again = read_complaint_year(
                work_of(session, principal, NOW), year=2024, lenses=("elder_class",)
            )
            assert again is not None
            assert again.by_lens == year.by_lens
