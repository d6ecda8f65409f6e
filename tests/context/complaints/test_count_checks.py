"""Delivered counts are checked row by row: every fault is named, and nothing wrong is let in."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from survey.collection.importing.rejections import ImportNotPossibleError
from survey.counts.count_kinds import COUNT_KINDS
from survey.locale import Message, translator
from survey.store.tables import DeliveryKind
from survey.tabular.text_table import FileUnreadableError
from tests.context.complaints.count_files import HEADER, ROW, check_file, count_file

ZH = translator("zh")


def problems(*rows: str, header: str = HEADER, version: str = "") -> list[tuple[int, str, str]]:
    check = check_file(count_file(*rows, header=header), version=version)
    assert (check.counts is None) == bool(check.problem_count)
    messages = [each.message for each in check.problems]
    assert all(isinstance(message, Message) for message in messages)
    return [(each.row, each.column, each.value) for each in check.problems]


def test_a_right_file_is_read_with_money_in_hundredths() -> None:
    check = check_file(count_file(ROW))
    assert check.counts is not None
    row = check.counts.frame.iloc[0]
    assert (row["nature"], row["goods_class"], row["channel"]) == ("quality", "food", "-")
    assert (row["accepted"], row["recovered_fen"]) == (40, 123450)
    assert check.counts.periods == ("2024-05",)


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("2024-13,420500,质量,食品类,40,30,20,15,5,0", "期间"),
        ("May 2024,420500,质量,食品类,40,30,20,15,5,0", "期间"),
        ("2024-05,420501,质量,食品类,40,30,20,15,5,0", "地区代码"),
        ("2024-05,42xxx,质量,食品类,40,30,20,15,5,0", "地区代码"),
        ("2024-05,420500,质 量,食品类,40,30,20,15,5,0", "投诉性质"),
        ("2024-05,420500,质量,食品,40,30,20,15,5,0", "商品服务类别"),
        ("2024-05,420500,质量,食品类,,30,20,15,5,0", "受理件数"),
        ("2024-05,420500,质量,食品类,-1,0,0,0,0,0", "受理件数"),
        ("2024-05,420500,质量,食品类,4.5,0,0,0,0,0", "受理件数"),
        ("2024-05,420500,质量,食品类,4e3,0,0,0,0,0", "受理件数"),
        ("2024-05,420500,质量,食品类,99999999999,0,0,0,0,0", "受理件数"),
        ("2024-05,420500,质量,食品类,40,41,0,0,0,0", "解决件数"),
        ("2024-05,420500,质量,食品类,40,30,41,0,0,0", "调解件数"),
        ("2024-05,420500,质量,食品类,40,30,10,11,0,0", "调解成功件数"),
        ("2024-05,420500,质量,食品类,40,30,20,15,31,0", "先行和解件数"),
        ("2024-05,420500,质量,食品类,40,30,20,15,5,1.234", "挽回经济损失（元）"),
        ("2024-05,420500,质量,食品类,40,30,20,15,5,-3", "挽回经济损失（元）"),
    ],
)
def test_every_fault_is_named_with_its_row_and_column(row: str, column: str) -> None:
    found = problems(ROW.replace("质量", "合同"), row)
    assert [(place, name) for place, name, _ in found] == [(3, column)]


def test_what_is_allowed_is_said_in_chinese() -> None:
    check = check_file(count_file(ROW.replace("质量", "质差")))
    (problem,) = check.problems
    assert isinstance(problem.message, Message)
    text = ZH(problem.message)
    assert "人格权益" in text
    assert "可用" in text


def test_a_code_of_an_older_list_is_refused_by_the_newer_one() -> None:
    row = ROW.replace("质量", "人格尊严")
    assert [column for _, column, _ in problems(row)] == ["投诉性质"]
    assert problems(row, version="2016") == []


def test_the_same_key_twice_names_the_first_row() -> None:
    check = check_file(count_file(ROW, ROW.replace("食品类", "旅游服务"), ROW))
    (problem,) = check.problems
    assert problem.row == 4
    assert isinstance(problem.message, Message)
    assert "2" in ZH(problem.message)


def test_rows_of_totals_are_compared_and_not_kept() -> None:
    rows = [ROW, ROW.replace("食品类", "旅游服务").replace(",40,30,", ",60,50,")]
    right = "2024-05,420500,质量,合计,100,80,40,30,10,2469.00"
    check = check_file(count_file(*rows, right, right.replace("质量", "合计")))
    assert check.counts is not None
    assert (len(check.counts.frame), check.counts.total_rows) == (2, 2)
    assert problems(*rows, right.replace(",100,", ",101,")) == [(4, "受理件数", "101")]
    nation = "2024-05,000000,合计,合计,100,80,40,30,10,2469"
    province = nation.replace("000000", "420000")
    assert problems(*rows, nation, province) == []
    assert problems(*rows, nation, province.replace(",80,", ",79,")) == [(5, "解决件数", "79")]
    # Another province has no rows at all: its total is nothing.
    assert len(problems(*rows, nation.replace("000000", "320000"))) == 6


def test_totals_alone_are_no_delivery() -> None:
    assert len(problems("2024-05,420500,质量,合计,100,80,40,30,10,0")) == 1


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", FileUnreadableError),
        (count_file(), FileUnreadableError),
        (count_file(ROW + ",1"), FileUnreadableError),
        (count_file(ROW[:-9]), FileUnreadableError),
        (b"%PDF-1.7 ...", FileUnreadableError),
        (b"<html><table></table></html>", FileUnreadableError),
        (count_file(ROW) + b"\0", FileUnreadableError),
        ("期间,地区代码\n2024-05,420500".encode(), ImportNotPossibleError),
        (count_file(ROW, header=HEADER.replace("解决件数", "受理")), ImportNotPossibleError),
    ],
)
def test_what_is_no_table_of_counts_is_refused_as_a_whole(
    content: bytes, error: type[Exception]
) -> None:
    with pytest.raises(error):
        check_file(content)


def test_a_workbook_in_gb18030_or_excel_reads_like_the_text_file() -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for line in (HEADER, ROW):
        sheet.append([float(c) if c.replace(".", "").isdigit() else c for c in line.split(",")])
    buffer = io.BytesIO()
    book.save(buffer)
    expected = check_file(count_file(ROW)).counts
    assert expected is not None
    text = (HEADER + "\r\n\r\n" + ROW + "\r\n").encode("gb18030")
    for content in (buffer.getvalue(), text):
        counts = check_file(content).counts
        assert counts is not None
        assert counts.frame.astype(str).equals(expected.frame.astype(str))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["110000", "420500", "32xxxx", "320500"]),
            st.sampled_from(["质量", "价格", "安全"]),
            st.integers(0, 10**6),
        ),
        min_size=1,
        max_size=12,
        unique_by=lambda each: each[:2],
    ),
    st.integers(-1, 1),
)
def test_totals_hold_exactly_when_they_are_the_sums(
    cells: list[tuple[str, str, int]], off: int
) -> None:
    header = "期间,地区代码,投诉性质,商品服务类别,受理件数,解决件数"
    rows = [f"2024-01,{area},{nature},食品类,{n},{n}" for area, nature, n in cells]
    whole = sum(n for *_, n in cells) + off
    if whole < 0:
        return
    found = problems(*rows, f"2024-01,000000,合计,合计,{whole},{whole}", header=header)
    assert bool(found) == bool(off)


@given(st.text(max_size=40))
def test_no_text_in_a_cell_breaks_the_check(text: str) -> None:
    cell = text.replace('"', '""')
    header = "期间,地区代码,投诉性质,商品服务类别,受理件数,解决件数"
    content = f'{header}\n2024-01,110000,质量,食品类,1,1\n2024-01,110000,"{cell}",食品类,1,1\n'
    try:
        check = check_file(content.encode("utf-8", "surrogatepass"))
    except FileUnreadableError:
        return
    assert check.row_count in {1, 2}


def test_the_template_is_a_file_that_can_be_imported() -> None:
    counts = check_file(COUNT_KINDS[DeliveryKind.COMPLAINTS].write_template()).counts
    assert counts is not None
    assert len(counts.frame) == 1
    assert counts.frame["recovered_fen"].tolist() == [123450]
