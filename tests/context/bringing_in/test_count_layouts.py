"""Files of counts in the layouts of others become the counts that one adds up by hand."""

import io
import json
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from survey.collection.importing.mapping_documents import write_mapping_json
from survey.collection.importing.rejections import ImportNotPossibleError
from survey.counts.bringing_in.count_files import CountFile, read_count_file, write_problems
from survey.counts.bringing_in.loose_texts import fold_name
from survey.counts.bringing_in.proposal import known_layouts, propose_mapping, spread_over
from survey.counts.bringing_in.table_mapping import TableMapping, read_mapping_json
from survey.counts.count_kinds import COMPLAINTS, COUNT_KINDS, OPINION
from survey.frame.code_lists import econsumer_categories, shipped_code_lists
from survey.locale import SurveyError, translator
from survey.settings import PROJECT_ROOT
from survey.store.tables import DeliveryKind
from survey.tabular.text_table import FileUnreadableError

EXAMPLES = PROJECT_ROOT / "seed" / "context" / "examples"
ZH = translator("zh")
LONG = "期间,地区,性质,类别,受理,解决\n"


def example(name: str) -> bytes:
    return (EXAMPLES / name).read_bytes()


def sums(read: CountFile, measure: str, *by: str) -> dict[Any, int]:
    assert read.check.counts is not None, [str(each) for each in read.check.problems]
    frame = read.check.counts.frame.astype(dict.fromkeys(by, str))
    return frame.groupby(list(by))[measure].sum().to_dict()


def complaints(content: str | bytes, **more: Any) -> CountFile:
    data = content.encode() if isinstance(content, str) else content
    return read_count_file(COMPLAINTS, data, **more)


def problems(read: CountFile) -> list[tuple[int, str, str]]:
    assert read.check.counts is None
    return [(each.row, each.column, each.value) for each in read.check.problems]


def workbook(fill: Callable[[Any], None]) -> bytes:
    book = Workbook()
    fill(book.active)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def test_a_wide_sheet_with_titles_merged_heads_and_totals() -> None:
    read = complaints(example("complaints_12315_wide.xlsx"))
    assert sums(read, "accepted", "area") == {"320100": 240, "320500": 378, "32xxxx": 585}
    assert sums(read, "solved", "nature", "goods_class") == {
        ("price", "clothing"): 63, ("price", "food"): 226, ("quality", "clothing"): 151,
        ("quality", "food"): 530,
    }  # fmt: skip
    assert read.check.counts is not None
    assert read.check.counts.periods == ("2025-04",)
    assert (read.source.sheet, read.source.other_sheets) == ("4月", ("填报说明",))
    # Two rows of subtotals and the note; the last total is compared, with its parts.
    assert read.left_out == 3
    assert read.check.counts.total_rows == 9
    assert "张某" not in "".join(read.source.header)
    assert all("张某" not in read.source.texts(n).values for n in range(len(read.source.header)))


def test_a_long_table_as_people_write_it() -> None:
    read = complaints(example("complaints_long.csv"))
    assert sums(read, "accepted", "period", "area") == {
        ("2025-04", "420500"): 1070, ("2025-05", "420100"): 25,
    }  # fmt: skip
    # 1.25 + 12.3456 + 0 + 0.5 ten thousand yuan, in hundredths of a yuan.
    assert sums(read, "recovered_fen", "area") == {"420500": 14_095_600, "420100": 3_000_000}
    assert sums(read, "accepted", "channel") == {"online": 72, "telephone": 1020, "visit": 3}


@pytest.mark.parametrize(
    ("name", "layout", "expected"),
    [
        (
            "complaint_cases_12315.csv",
            "12315 投诉清单",
            {("2025-04", "110000", "quality", "food"): (2, 1),
             ("2025-04", "320500", "contract", "tourism"): (1, 1),
             ("2025-05", "320900", "quality", "food"): (1, 0)},
        ),
        (
            "complaint_cases_cfpb.csv",
            "CFPB Consumer Complaint Database",
            {("2025-04", "110000", "dignity", "finance"): (1, 1),
             ("2025-04", "310000", "price", "finance"): (2, 1),
             ("2025-05", "310000", "price", "finance"): (1, 0)},
        ),
    ],
)  # fmt: skip
def test_single_cases_are_counted_into_the_monthly_table(
    name: str, layout: str, expected: dict[Any, tuple[int, int]]
) -> None:
    read = complaints(example(name), of_cases=True)
    assert read.layout == layout
    keys = ("period", "area", "nature", "goods_class")
    accepted, solved = (sums(read, measure, *keys) for measure in ("accepted", "solved"))
    assert {key: (accepted[key], solved[key]) for key in accepted} == expected
    # Nothing of the file but row numbers goes on.
    assert read.source.header == ()


def test_the_age_of_a_case_is_counted_by_group_and_abroad_only_if_accepted() -> None:
    read = complaints(example("complaint_cases_12315.csv"), of_cases=True)
    ages = {"60_plus": 1, "30_44": 1, "45_59": 1, "under_18": 0, "-": 1}
    assert sums(read, "accepted", "age_group") == ages
    assert sums(read, "abroad", "area") == {"110000": 0, "320500": 1, "320900": 0}


@pytest.mark.parametrize(
    ("age", "group"),
    [("0", "under_18"), ("17岁", "under_18"), ("１８", "18_29"), ("59", "45_59"),
     ("60岁", "60_plus"), ("60岁及以上", "60_plus"), ("104", "60_plus"), ("", "-")],
)  # fmt: skip
def test_an_age_in_years_becomes_its_group(age: str, group: str) -> None:
    read = complaints(f"期间,地区,性质,类别,受理,解决,年龄\n2025-04,宜昌,质量,食品,3,1,{age}\n")
    assert sums(read, "accepted", "age_group") == {group: 3}


def test_categories_of_econsumer_are_read_as_our_codes() -> None:
    rows = [
        f"2025-04,宜昌,{nature},{goods},1,1"
        for goods in ("Online Shopping", "旅行和度假", "credit and debt")
        for nature in ("Merchandise that did not arrive", "退款问题", "质量")
    ]
    read = complaints(LONG + "\n".join(rows))
    assert sums(read, "accepted", "goods_class") == {
        "sales_services": 3,
        "tourism": 3,
        "finance": 3,
    }
    assert sums(read, "accepted", "nature") == {"contract": 3, "after_sales": 3, "quality": 3}


def test_each_category_of_econsumer_is_one_code_and_has_a_source() -> None:
    lists = shipped_code_lists()
    for name, categories in econsumer_categories().items():
        own = {fold_name(text): each.code for each in lists.codes_of(name)
               for text in (each.code, each.name_zh, each.name_en)}  # fmt: skip
        folded = [fold_name(n) for each in categories for n in (each.category_zh, each.category_en)]
        assert len(folded) == len(set(folded))
        for each in categories:
            assert each.source.startswith("https://")
            assert each.status in {"published", "assumed"}
            for text in (each.category_zh, each.category_en):
                assert own.get(fold_name(text), each.code) == each.code
    codes = load_workbook(io.BytesIO(COMPLAINTS.write_template())).worksheets[1]
    told = {(row[0], row[1]): row[3] for row in codes.iter_rows(values_only=True)}
    assert told["商品服务类别", "tourism"] == "旅行和度假"
    assert told["投诉性质", "measurement"] in {None, ""}


def test_what_is_no_age_is_a_problem() -> None:
    for age in ("131", "-3", "六十"):
        assert (
            complaints(
                f"期间,地区,性质,类别,受理,解决,年龄\n2025-04,宜昌,质量,食品,3,1,{age}\n"
            ).check.problem_count
            == 1
        )


@pytest.mark.parametrize("name", ["opinion_long.csv", "opinion_wide.csv"])
def test_both_layouts_of_vendors_give_the_same_counts(name: str) -> None:
    read = read_count_file(OPINION, example(name))
    assert sums(read, "items", "topic", "sentiment") == {
        ("", "negative"): 220, ("", "neutral"): 950, ("", "positive"): 175,
        ("预付卡退费", "negative"): 75, ("预付卡退费", "neutral"): 110,
        ("预付卡退费", "positive"): 9, ("外卖配送", "negative"): 52,
        ("外卖配送", "neutral"): 150, ("外卖配送", "positive"): 20,
    }  # fmt: skip


def test_months_as_columns_take_their_year_from_the_title() -> None:
    text = (
        "2025年各市受理情况（数字为虚构）,,,,,,\n,,,1月,,2月,\n地区,性质,类别,受理,解决,受理,解决\n"
    )
    read = complaints(text + "苏州,质量,食品,10,8,20,15\n无锡,质量,食品,1,1,2,0\n")
    assert sums(read, "accepted", "period") == {"2025-01": 11, "2025-02": 22}
    assert sums(read, "solved", "area") == {"320500": 23, "320200": 1}


def test_the_template_is_read_as_before_and_loose_texts_in_it_are_understood() -> None:
    for kind in COUNT_KINDS.values():
        assert read_count_file(kind, kind.write_template()).check.row_count == 1
    head = "期间,地区代码,投诉性质,商品服务类别,受理件数,解决件数\n"
    strict = complaints(head + "2024-05,420500,质量,食品类,40,30\n")
    loose = complaints(head + "2024年5月,宜昌,质量,食品,４０,30\n")
    assert strict.proposal is None
    assert loose.proposal is not None
    assert strict.check.counts is not None
    assert loose.check.counts is not None
    assert loose.check.counts.frame.equals(strict.check.counts.frame)


def test_every_problem_is_found_in_one_pass_and_goes_into_a_file_with_its_row() -> None:
    rows = (
        "2025-04,苏州,质量,食品,10,11\n2025-04,昆山,质量,食品,10,1\n2025-04,无锡,质坏,食品,3,2\n"
        "2025-04,无锡,质量,食品,3,2\n2025-04,无锡,质量,食品类,3,2\n2025-04,无锡,价格,食品,x,=1+1\n"
    )
    read = complaints(LONG + rows)
    assert problems(read) == [
        (2, "解决", "11"), (3, "地区", "昆山"), (4, "性质", "质坏"),
        (6, "期间", "2025-04 320200 quality food - -"),
        (7, "受理", "x"), (7, "解决", "=1+1"),
    ]  # fmt: skip
    lines = write_problems(read, "zh", ZH).decode("utf-8-sig").splitlines()
    assert lines[0] == "行,列,内容,原因,期间,地区,性质,类别,受理,解决"
    assert len(lines) == 7
    assert lines[2].endswith("2025-04,昆山,质量,食品,10,1")
    assert "'=1+1" in lines[-1], "no program runs it as a formula"


def test_more_problems_than_a_page_lists_all_go_into_the_file() -> None:
    read = complaints(LONG + "2025-04,昆山,质量,食品,1,1\n" * 500)
    assert read.check.problem_count == 500
    assert len(write_problems(read, "zh", ZH).splitlines()) == 501


def test_a_wrong_total_names_the_column_of_the_file() -> None:
    text = ("地区,性质,食品,食品,服装鞋帽,服装鞋帽,合计,合计\n,,受理,解决,受理,解决,受理,解决\n"
            "苏州,质量,5,4,3,2,9,6\n")  # fmt: skip
    read = complaints("2025年4月统计表,,,,,,,\n" + text)
    assert problems(read) == [(4, "合计 / 受理", "9")]


def test_heads_that_are_there_twice_are_never_chosen_silently() -> None:
    text = "期间,地区,性质,类别,受理,受理,解决\n2025-04,苏州,质量,食品,10,99,8\n"
    with pytest.raises(ImportNotPossibleError, match="受理件数"):
        complaints(text)
    mapping = propose_mapping(COMPLAINTS, text.encode()).mapping
    chosen = mapping.model_copy(update={"columns": {**mapping.columns, "accepted": "受理 (2)"}})
    assert sums(complaints(text, mapping=chosen), "accepted", "area") == {"320500": 99}


def test_a_merged_number_is_of_its_first_row_alone() -> None:
    def fill(sheet: Any) -> None:
        for row in (LONG.strip().split(","), ["2025-04", "苏州", "质量", "食品", 10, 5],
                    [None, None, "价格", "食品", None, 1]):  # fmt: skip
            sheet.append(row)
        for cells in ("A2:A3", "B2:B3", "E2:E3"):
            sheet.merge_cells(cells)

    read = complaints(workbook(fill))
    assert problems(read) == [(3, "受理", "")]


@pytest.mark.parametrize("cell", ["=1+1", "#REF!"])
def test_a_sheet_with_formulas_is_refused_also_with_merged_heads(cell: str) -> None:
    def fill(sheet: Any) -> None:
        sheet.append(LONG.strip().split(","))
        sheet.append(["2025-04", "苏州", "质量", "食品", 10, 5])
        sheet["E2"] = cell
        if cell.startswith("#"):
            sheet["E2"].data_type = "e"
        sheet.merge_cells("A4:B4")

    with pytest.raises(FileUnreadableError, match="E2"):
        complaints(workbook(fill))


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"%PDF-1.7", b"PK\x03\x04 damaged", b"a,b\0", b"<html></html>",
                "只有标题\n".encode(), ("," * 3000 + "\n").encode(), b'a,"b\n1,2\n']
)  # fmt: skip
def test_what_is_no_table_is_refused_in_words(content: bytes) -> None:
    for of_cases in (False, True):
        with pytest.raises(SurveyError) as refused:
            complaints(content, of_cases=of_cases)
        assert ZH(refused.value.message) != str(refused.value.message), "it is said in Chinese"


@pytest.mark.slow
def test_more_rows_than_a_file_may_have_are_refused() -> None:
    with pytest.raises(FileUnreadableError):
        complaints(LONG + "2025-04,苏州,质量,食品,1,1\n" * 500_001)


def test_a_total_among_single_cases_is_no_case() -> None:
    text = example("complaint_cases_12315.csv").decode("utf-8-sig")
    for wrong in ("江苏省", "320000", "全国"):
        read = complaints(text.replace("320505", wrong), of_cases=True)
        assert problems(read) == [(4, "行政区划代码", "")]
    wrong = text.replace(",食品类,示例文字,调解不成", ",合计,示例文字,调解不成")
    read = complaints(wrong, of_cases=True)
    assert problems(read) == [(3, "客体类别", "")]


def test_a_text_that_the_mapping_does_not_decide_loses_no_case() -> None:
    text = example("complaint_cases_12315.csv").decode("utf-8-sig")
    read = complaints(text.replace("调解不成", "已转交"), of_cases=True)
    assert {(row, column) for row, column, _ in problems(read)} == {(3, "办理结果")}
    assert read.check.problem_count == 5, "each of the five measures asks"


def test_no_value_of_a_case_list_is_in_its_problems() -> None:
    text = example("complaint_cases_12315.csv").decode("utf-8-sig")
    text = text.replace("110105", "虚构人甲 13900000001").replace("320981", "京A00001")
    read = complaints(text, of_cases=True)
    assert read.check.problem_count == 3
    written = write_problems(read, "zh", ZH).decode()
    shown = written + repr(read) + repr(read.check.problems)
    for secret in ("虚构人", "1390000", "京A", "11010119900101001X", "示例文字"):
        assert secret not in shown


def test_a_case_list_is_not_taken_for_counts_nor_counts_for_cases() -> None:
    cases, counts = example("complaint_cases_cfpb.csv"), example("complaints_long.csv")
    with pytest.raises(ImportNotPossibleError, match="single complaints"):
        complaints(cases)
    mapping = propose_mapping(COMPLAINTS, counts).mapping
    with pytest.raises(ImportNotPossibleError, match="other way round"):
        complaints(counts, mapping=mapping, of_cases=True)


def test_values_of_columns_called_like_personal_data_are_never_looked_at() -> None:
    text = "期间,联系电话,性质,类别,受理,解决\n2025-04,苏州,质量,食品,1,1\n"
    assert "area" not in propose_mapping(COMPLAINTS, text.encode()).mapping.columns
    assert (
        "area"
        in propose_mapping(COMPLAINTS, text.replace("联系电话", "单位").encode()).mapping.columns
    )


@pytest.mark.parametrize("kind", [DeliveryKind.COMPLAINTS, DeliveryKind.OPINION])
def test_known_layouts_and_proposals_go_through_their_file(kind: DeliveryKind) -> None:
    declared = COUNT_KINDS[kind]
    mappings = [layout.mapping for layout in known_layouts(kind)]
    names = {"complaints": ("complaints_12315_wide.xlsx", "complaints_long.csv"),
             "opinion": ("opinion_long.csv", "opinion_wide.csv")}[kind.value]  # fmt: skip
    mappings += [propose_mapping(declared, example(name)).mapping for name in names]
    for mapping in mappings:
        assert read_mapping_json(write_mapping_json(mapping), declared) == mapping


def test_columns_that_a_person_picks_side_by_side_are_read_by_their_heads() -> None:
    content = example("complaints_12315_wide.xlsx")
    mapping = propose_mapping(COMPLAINTS, content).mapping
    assert mapping.spread is not None
    heads = [each.column for each in mapping.spread.columns]
    assert spread_over(COMPLAINTS, content, mapping, "goods_class", heads) == mapping.spread
    assert spread_over(COMPLAINTS, content, mapping, "goods_class", []) is None


CLASSES, NATURES = ("食品", "旅游服务", "家用电子电器类"), ("质量", "价格")
MONTHS, PLACES = ("2025年3月", "2025-04"), ("苏州", "110105")
COUNTS = st.lists(st.integers(0, 10**6), min_size=24, max_size=24)


def table(rows: list[list[Any]], titles: list[str]) -> bytes:
    width = max(map(len, rows))
    lines = [*([title] for title in titles), *rows]
    return "\n".join(
        ",".join(map(str, line + [""] * (width - len(line)))) for line in lines
    ).encode()


@pytest.mark.slow
@given(
    COUNTS,
    st.permutations(range(6)),
    st.lists(st.sampled_from(["统计表", "数字为虚构"]), max_size=3),
)
def test_the_same_counts_are_read_from_every_layout(
    numbers: list[int], order: list[int], titles: list[str]
) -> None:
    keys = [(m, a, n, c) for m in MONTHS for a in PLACES for n in NATURES for c in CLASSES]
    counts = dict(zip(keys, numbers, strict=True))

    def shuffled(row: list[Any]) -> list[Any]:
        return [row[place] for place in order]

    long = [shuffled(["月份", "城市", "投诉性质", "商品大类", "受理量", "办结"])]
    long += [shuffled([*key, n, n // 2]) for key, n in counts.items()]
    by_class: list[list[Any]] = [
        ["月份", "城市", "投诉性质", *(name for c in CLASSES for name in (c, ""))],
        ["", "", "", *("受理", "解决") * 3],
    ]
    for month in MONTHS:
        for place in PLACES:
            for nature in NATURES:
                cells = [counts[month, place, nature, c] for c in CLASSES]
                pairs = [value for n in cells for value in (n, n // 2)]
                by_class.append([month, place, nature, *pairs])
    by_month: list[list[Any]] = [
        ["城市", "投诉性质", "商品大类", *(name for m in MONTHS for name in (m, ""))],
        ["", "", "", *("受理", "解决") * 2],
    ]
    for place in PLACES:
        for nature in NATURES:
            for goods in CLASSES:
                cells = [counts[m, place, nature, goods] for m in MONTHS]
                pairs = [value for n in cells for value in (n, n // 2)]
                by_month.append([place, nature, goods, *pairs])
    frames = [
        read.check.counts.frame
        for read in (complaints(table(rows, titles)) for rows in (long, by_class, by_month))
        if read.check.counts is not None
    ]
    assert len(frames) == 3
    assert frames[0]["accepted"].sum() == sum(numbers)
    assert all(frame.astype(str).equals(frames[0].astype(str)) for frame in frames)


def test_empty_cells_and_dashes_are_0_only_if_the_mapping_says_so() -> None:
    text = LONG + "2025-04,苏州,质量,食品,10,\n2025-04,苏州,价格,食品,—,-\n"
    assert len(problems(complaints(text))) == 3
    mapping = propose_mapping(COMPLAINTS, text.encode()).mapping
    read = complaints(text, mapping=mapping.model_copy(update={"blank_is_zero": True}))
    assert sums(read, "accepted", "nature") == {"quality": 10, "price": 0}


def test_constants_and_translations_of_a_mapping_hold_for_their_columns() -> None:
    text = "类目,量,完成\n吃的,10,5\n"
    mapping = TableMapping(
        kind=DeliveryKind.COMPLAINTS,
        columns={"goods_class": "类目", "accepted": "量", "solved": "完成"},
        constants={"period": "2025年4月", "area": "苏州", "nature": "质量"},
        codes={"goods_class": {"吃的": "food"}},
    )
    read = complaints(text, mapping=mapping)
    assert sums(read, "accepted", "period", "area", "nature", "goods_class") == {
        ("2025-04", "320500", "quality", "food"): 10
    }  # fmt: skip
    other = complaints(text, mapping=mapping.model_copy(update={"constants": {
        **mapping.constants, "area": "无锡"}}))  # fmt: skip
    assert other.check.sha256 != read.check.sha256, "read otherwise, it is another delivery"


GOOD: dict[str, Any] = {"kind": "complaints", "columns": {"accepted": "量"}}


@pytest.mark.parametrize(
    "document",
    [
        {**GOOD, "columns": {"accepted": ""}},
        {**GOOD, "columns": {"height": "量"}},
        {**GOOD, "columns": ["量"]},
        {**GOOD, "more": 1},
        {**GOOD, "kind": "opinion"},
        {**GOOD, "kind": "weather"},
        {"columns": {}},
        {**GOOD, "head_row": 0},
        {**GOOD, "head_row": "1"},
        {**GOOD, "head_rows": 3},
        {**GOOD, "units": {"accepted": 0}},
        {**GOOD, "units": {"area": 10}},
        {**GOOD, "codes": {"accepted": {"a": "b"}}},
        {**GOOD, "constants": {"accepted": "1"}},
        {**GOOD, "cases": {}},
        {**GOOD, "cases": {"area": {"column": "a", "yes": ["b"]}}},
        {**GOOD, "cases": {"solved": {"column": "a", "yes": []}}},
        {**GOOD, "spread": {"key": "nature", "columns": []}},
        {**GOOD, "spread": {"key": "solved", "columns": [
            {"column": "a", "value": "b", "measure": "solved"}]}},
        {**GOOD, "spread": {"key": "nature", "columns": [
            {"column": "a", "value": "b", "measure": "accepted"}]}},
        {**GOOD, "spread": {"key": "nature", "columns": [
            {"column": "a", "value": "b", "measure": "solved"},
            {"column": "c", "value": " b ", "measure": "solved"}]}},
        [],
        "text",
    ],
)  # fmt: skip
def test_a_wrong_mapping_file_is_refused_in_words(document: Any) -> None:
    assert read_mapping_json(json.dumps(GOOD).encode(), COMPLAINTS).columns == {"accepted": "量"}
    with pytest.raises(ImportNotPossibleError) as refused:
        read_mapping_json(orjson.dumps(document), COMPLAINTS)
    assert ZH(refused.value.message) != str(refused.value.message), "it is said in Chinese"


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b"null", b"[" * 2000, b" " * 1_000_001]
)
def test_what_is_no_json_is_no_mapping(content: bytes) -> None:
    with pytest.raises(ImportNotPossibleError):
        read_mapping_json(content, COMPLAINTS)


def test_a_mapping_for_another_file_is_refused() -> None:
    mapping = propose_mapping(COMPLAINTS, example("complaints_long.csv")).mapping
    with pytest.raises(ImportNotPossibleError, match="统计月份"):
        complaints("a,b\n1,2\n", mapping=mapping)
    with pytest.raises(FileUnreadableError, match="Sheet7"):
        complaints(example("complaints_12315_wide.xlsx"),
                   mapping=mapping.model_copy(update={"sheet": "Sheet7"}))  # fmt: skip
