"""Published tables of a quarter are read as printed, without a mapping, and else refused."""

import pytest

from survey.collection.importing.rejections import ImportNotPossibleError
from survey.counts.bringing_in.published_tables import (
    find_period,
    months_of_period,
    read_published_tables,
)
from survey.frame.code_lists import CodeListName
from survey.settings import PROJECT_ROOT

EXAMPLES = PROJECT_ROOT / "seed" / "context" / "examples"
EXAMPLE = (EXAMPLES / "published_quarter.csv").read_text(encoding="utf-8")


def test_both_tables_of_a_quarter() -> None:
    found = read_published_tables(EXAMPLE.encode())
    assert found is not None
    assert not found.problems
    nature, goods = found.tables
    assert (nature.period, nature.lens) == ("2024-Q1", CodeListName.NATURE)
    # The name of an older version of the list is the code of the newest.
    assert nature.counts == {
        "after_sales": 12700, "contract": 11200, "quality": 7600, "false_advertising": 2840,
        "price": 1960, "safety": 1600, "counterfeit": 640, "dignity": 360, "measurement": 300,
        "other": 800, "total": 40000,
    }  # fmt: skip
    assert nature.changes["contract"] == -310
    assert goods.lens is CodeListName.GOODS_CLASS
    assert goods.counts["internet"] == 9600
    assert "other" not in goods.changes


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("2024年第一季度全国受理投诉情况", "2024-Q1"), ("2023 年 三季度", "2023-Q3"),
        ("2024年上半年", "2024-H1"), ("2025年Q4", "2025-Q4"), ("2024年4月", None), ("一季度", None),
    ],
)  # fmt: skip
def test_periods_of_titles(text: str, period: str | None) -> None:
    assert find_period(text) == period


def test_months_of_periods() -> None:
    assert months_of_period("2024-Q4") == ("2024-10", "2024-11", "2024-12")
    assert months_of_period("2024-H2")[0] == "2024-07"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("售后服务,12700", "售后服务,12701"), (14, "数量", "40000")),
        (("31.75", "31.85"), (4, "比重(%)", "31.85")),
        (("合同,11200", "合同纠纷,11200"), (5, "类别", "合同纠纷")),
        (("价格,1960", "安全,1960"), (9, "类别", "安全")),
        (("质量,7600", "质量,7600.5"), (6, "数量", "7600.5")),
        (("-8.25", "降8.25"), (9, "同比(%)", "降8.25")),
    ],
)
def test_what_is_wrong_is_named_with_its_row(
    change: tuple[str, str], problem: tuple[int, str, str]
) -> None:
    found = read_published_tables(EXAMPLE.replace(*change, 1).encode())
    assert found is not None
    assert [(each.row, each.column, each.value) for each in found.problems] == [problem]


def test_a_table_without_a_total_and_with_fewer_digits() -> None:
    rows = ["2024年上半年", "投诉性质,件数,占比", "质量,2000,66.7%", "价格,1000,33.3%"]
    found = read_published_tables("\n".join(rows).encode())
    assert found is not None
    assert not found.problems
    assert found.tables[0].counts == {"quality": 2000, "price": 1000, "total": 3000}


@pytest.mark.parametrize("name", ["complaints_long.csv", "complaints_12315_wide.xlsx",
                                  "complaint_cases_12315.csv", "opinion_long.csv"])  # fmt: skip
def test_other_layouts_are_no_published_tables(name: str) -> None:
    assert read_published_tables((EXAMPLES / name).read_bytes()) is None


def test_a_month_is_no_quarter() -> None:
    assert read_published_tables(EXAMPLE.replace("第一季度", "4月").encode()) is None


def test_two_tables_of_one_list_are_refused() -> None:
    with pytest.raises(ImportNotPossibleError):
        read_published_tables((EXAMPLE + "\n" + EXAMPLE).encode())
