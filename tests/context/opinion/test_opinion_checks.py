"""Delivered opinion counts: every fault has its row, and no part is larger than its whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.counts.count_check import check_counts
from survey.counts.count_kinds import COUNT_KINDS, OPINION
from survey.locale import Message, translator
from survey.store.tables import DeliveryKind
from survey.tabular.reading import read_text_table
from survey.tabular.text_table import FileUnreadableError
from tests.context.opinion.opinion_rows import check, day_rows

DAY = "2024-11-11"
NATION = day_rows(DAY, (100, 300, 50), channel="微博")


def problems(*rows: str) -> list[tuple[int, str]]:
    found = check(*rows)
    assert (found.counts is None) == bool(found.problem_count)
    for each in found.problems:
        assert isinstance(each.message, Message)
        assert translator("zh")(each.message) != str(each.message), "it is said in Chinese"
    return [(each.row, each.column) for each in found.problems]


def test_right_rows_are_read_with_their_month() -> None:
    counts = check(*NATION, *day_rows(DAY, (4, 5, 0), area="420500")).counts
    assert counts is not None
    assert counts.periods == ("2024-11",)
    assert set(counts.frame["area"]) == {"CN", "420500"}
    assert set(counts.frame["channel"]) == {"weibo", "-"}


@pytest.mark.parametrize("day", ["2024/11/11", "2024-11-11 00:00:00", "2024-11-11"])
def test_a_day_is_read_as_spreadsheets_write_it(day: str) -> None:
    counts = check(*day_rows(day, (1, 2, 3))).counts
    assert counts is not None
    assert set(counts.frame["day"]) == {DAY}


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("2024-11,,微博,负面,,5", "日期"),
        ("2024-02-30,,微博,负面,,5", "日期"),
        ("20241111,,微博,负面,,5", "日期"),
        (f"{DAY},420501,微博,负面,,5", "地区代码"),
        (f"{DAY},320000,微博,负面,,5", "地区代码"),
        (f"{DAY},,微波,负面,,5", "渠道"),
        (f"{DAY},,微博,坏,,5", "情感倾向"),
        (f"{DAY},,微博,负面,{'长' * 41},5", "话题"),
        (f"{DAY},,微博,负面,,-5", "信息条数"),
        (f"{DAY},,微博,负面,,", "信息条数"),
        (NATION[0], "日期"),
    ],
)
def test_every_fault_is_named_with_its_row_and_column(row: str, column: str) -> None:
    assert problems(*NATION, row) == [(5, column)]


def test_a_day_needs_every_sentiment_of_the_nation() -> None:
    assert problems(*NATION[:2]) == [(2, "情感倾向")]
    assert problems(*NATION, *day_rows("2024-11-12", (1, 2, 3), area="420500")) == [
        (5, "情感倾向"), (5, "信息条数"), (6, "信息条数"), (7, "信息条数"),
    ]  # fmt: skip


def test_parts_are_no_larger_than_their_wholes() -> None:
    one, two = (day_rows(DAY, (count, 0, 0), area=area) for count, area in
                ((60, "420500"), (41, "110000")))  # fmt: skip
    assert problems(*NATION, *one) == []
    assert problems(*NATION, *one, *two) == [(5, "信息条数")]
    topic = day_rows(DAY, (101, 0, 0), topic="预售")
    assert problems(*NATION, *topic) == [(5, "信息条数")]
    local = day_rows(DAY, (61, 0, 0), area="420500", topic="预售")
    assert problems(*NATION, *one, *local) == [(8, "信息条数")]


@given(st.lists(st.integers(0, 50), min_size=1, max_size=6), st.integers(-1, 1))
def test_areas_fit_exactly_when_they_add_up_to_no_more(parts: list[int], off: int) -> None:
    areas = ("110000", "310000", "420500", "320500", "32xxxx", "500000")
    whole = sum(parts) + off
    if whole < 0:
        return
    rows = day_rows(DAY, (whole, 0, 0))
    for area, count in zip(areas, parts, strict=False):
        rows += day_rows(DAY, (count, 0, 0), area=area)
    assert bool(problems(*rows)) == (off < 0)


@given(st.text(max_size=30))
def test_no_text_in_a_cell_breaks_the_check(text: str) -> None:
    cell = text.replace('"', '""')
    try:
        found = check(*NATION, f'"{cell}",,微博,负面,,1')
    except (FileUnreadableError, UnicodeEncodeError):
        return
    assert found.row_count in {3, 4}


def test_the_template_is_a_file_that_says_what_is_missing() -> None:
    table = read_text_table(COUNT_KINDS[DeliveryKind.OPINION].write_template())
    found = check_counts(OPINION, table, sha256="")
    assert found.row_count == 1
    # One row alone is no day: the other sentiments are asked for by name.
    assert {each.column for each in found.problems} == {"情感倾向", "信息条数"}
