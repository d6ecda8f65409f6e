"""What a list of names tells of those that it leaves out, worked out by everybody who subtracts."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.counts.bringing_in.trader_totals import NamesOf
from survey.counts.trader_gate import NamedTotal, protect_totals
from survey.locale import SurveyError
from tests.context.complaints.trader_cases import BIG, OTHER, case_file, case_rows, read_cases


@st.composite
def _worlds(draw: st.DrawFn) -> tuple[list[NamedTotal], int, int, int]:
    """Totals of every name, the whole with people who are never named, and a threshold."""
    pairs = draw(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8))
    totals = [NamedTotal(f"n{at}", a + b, a) for at, (a, b) in enumerate(pairs)]
    settled, unsettled = draw(st.integers(0, 30)), draw(st.integers(0, 30))
    cases = sum(each.cases for each in totals) + settled + unsettled
    whole = sum(each.settled or 0 for each in totals) + settled
    return totals, cases, whole, draw(st.integers(10, 25))


@given(_worlds())
def test_nothing_that_can_be_subtracted_is_below_the_threshold(
    world: tuple[list[NamedTotal], int, int, int],
) -> None:
    totals, cases, settled, least = world
    shown = protect_totals(totals, cases, settled, least)
    told = [each for each in shown if each.settled is not None]
    rests = [
        cases - sum(each.cases for each in shown),
        settled - sum(each.settled or 0 for each in told),
        cases - settled - sum(each.cases - (each.settled or 0) for each in told),
    ]
    if not told:
        rests = rests[:1]
    if not shown:
        rests = []
    assert all(rest == 0 or rest >= least for rest in rests)
    for each in told:
        assert least <= (each.settled or 0) <= each.cases - least
    assert all(each.cases >= least for each in shown)
    assert [each.name for each in shown] == sorted(each.name for each in shown)
    # It says nothing that is not so, and once more it says the same.
    whole = {each.name: each for each in totals}
    assert all(each.cases == whole[each.name].cases for each in shown)
    assert protect_totals(shown, cases, settled, least) == shown


@given(_worlds())
def test_a_list_that_leaves_nothing_small_stands_whole(
    world: tuple[list[NamedTotal], int, int, int],
) -> None:
    totals, cases, settled, least = world
    large = {each.name for each in totals if each.cases >= least}
    rest = cases - sum(each.cases for each in totals if each.name in large)
    if rest == 0 or rest >= least:
        assert {each.name for each in protect_totals(totals, cases, settled, least)} == large


def test_the_smallest_gives_way_so_that_the_others_cannot_be_counted() -> None:
    totals = [NamedTotal("a", 50, 20), NamedTotal("b", 12, 1), NamedTotal("c", 4, 0)]
    # 66 less 50 less 12 would be the four of c.
    assert protect_totals(totals, 66, 21, 10) == [NamedTotal("a", 50, None)]
    assert protect_totals(totals, 66, None, 10) == [NamedTotal("a", 50, None)]
    assert protect_totals(totals[:2], 62, 21, 10) == [
        NamedTotal("a", 50, None), NamedTotal("b", 12, None),
    ]  # fmt: skip


def names(*groups: list[list[str]], names_of: NamesOf = NamesOf.TRADER) -> list[str]:
    totals = read_cases(case_file(*groups, case_rows("", 20, 10)), names_of).traders
    assert totals is not None
    return [each.name for each in totals.totals]


@pytest.mark.parametrize(
    "trader",
    [
        "虚构个体工商户甲", "某某商行（个体）", "张三", "欧阳小明", "买买提·吐尔逊", "王先生",
        "李师傅", "张三小吃店", "红火火锅馆", "万家便民五金行", "张三（示例）", "张 三",
        "虚构公司13900000001", "11010119900101001X", "",
    ],
)  # fmt: skip
def test_a_sole_trader_is_never_in_a_list(trader: str) -> None:
    assert names(case_rows(trader, 40, 20)) == []


@pytest.mark.parametrize(
    ("trader", "mark", "is_kept"),
    [
        ("红火火锅馆", "有限责任公司", True),
        ("华为", "企业", True),
        ("华为", "", False),
        (BIG, "个体工商户", False),
        (BIG, "个人独资企业", False),
        (BIG, "是", False),
        (BIG, "否", True),
        (BIG, "", True),
        ("张三个体超市", "企业", False),
    ],
)
def test_the_mark_in_the_file_decides_before_the_form_of_the_name(
    trader: str, mark: str, is_kept: bool
) -> None:
    assert names(case_rows(trader, 40, 20, mark=mark)) == ([trader] if is_kept else [])


def test_one_row_that_marks_a_sole_trader_is_enough() -> None:
    marked = case_rows(BIG, 1, 0, mark="个体工商户")
    assert names(case_rows(BIG, 40, 20, mark="企业"), marked) == []


def test_the_same_name_written_in_two_ways_is_one() -> None:
    wide = BIG.replace("（", "(").replace("）", ")")
    totals = read_cases(
        case_file(case_rows(BIG, 8, 4), case_rows(f" {wide} ", 6, 3), case_rows("", 30, 11))
    ).traders
    assert totals is not None
    assert [(each.name, each.cases) for each in totals.totals] == [(BIG, 14)]


def test_brands_are_counted_of_companies_alone() -> None:
    brand = "虚构牌"
    assert names(case_rows(BIG, 40, 20, brand=brand), names_of=NamesOf.BRAND) == [brand]
    assert names(case_rows("张三", 40, 20, brand=brand), names_of=NamesOf.BRAND) == []
    mixed = (case_rows(BIG, 9, 4, brand=brand), case_rows("张三", 40, 20, brand=brand))
    assert names(*mixed, names_of=NamesOf.BRAND) == []


def test_a_complaint_that_was_not_accepted_counts_for_nobody() -> None:
    rows = [[*row[:-1], "不予受理"] for row in case_rows(BIG, 40, 0)]
    totals = read_cases(case_file(rows, case_rows(OTHER, 30, 12))).traders
    assert totals is not None
    assert (totals.cases, [each.name for each in totals.totals]) == (30, [OTHER])


@pytest.mark.parametrize(
    "broken",
    [
        lambda row: [*row[:1], row[1].replace("-12-", "-11-"), *row[2:]],
        lambda row: [*row[:1], row[1].replace("2025-12-", "2024-12-"), *row[2:]],
    ],
)
def test_a_part_of_a_year_or_two_years_make_no_list(
    broken: Callable[[list[str]], list[str]],
) -> None:
    with pytest.raises(SurveyError, match="twelve months"):
        read_cases(case_file([broken(row) for row in case_rows(BIG, 40, 20)]))


def test_without_a_question_no_name_leaves_the_file() -> None:
    file = read_cases(case_file(case_rows(BIG, 40, 20)), None)
    assert file.traders is None
    assert BIG not in repr(vars(file))
