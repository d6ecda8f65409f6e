"""Lists of rules, samples and values: read back as written, and errors by row in Chinese."""

import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from survey.access.roles import Role
from survey.access.work import Seen
from survey.comparative_tests.grading import NOT_APPLICABLE
from survey.comparative_tests.measured_values import build_value_template, read_value_file
from survey.comparative_tests.product_samples import (
    SAMPLE_SHEET,
    SampleList,
    parse_claims,
    read_sample_file,
)
from survey.comparative_tests.rules_workbook import build_rules_sheets, read_rules_file
from survey.comparative_tests.value_list import VALUE_SHEET, ValueList
from survey.frame.workbook_io import CellError, write_workbook
from survey.locale import SurveyError, translator
from survey.store.engine import read_scope
from survey.store.tables import ComparativeTestState, MeasurementRound
from survey.tabular.workbook_safety import WorkbookError
from tests.context.comparative_tests.small_rules import COOKING, ENERGY, FROST, SAFETY, rules
from tests.context.comparative_tests.small_test import employ, start
from tests.error_codes import raises_code
from tests.work_of import work_of

zh = translator("zh")
LATER = datetime(2026, 6, 20, 3, 0, tzinfo=UTC)
GOOD = "A1,甲牌,M-1,6291041500213,2026A,甲公司,网店,某平台,2026-05-10,299.00,R1,是"
WRONG = "A1,甲牌,M-1,6291041500214,2026A,甲公司,隔壁,某平台,2027-05-10,299.001,R1,是"


def said(errors: tuple[CellError, ...]) -> list[tuple[int, str, str]]:
    return [(error.row, zh(error.column), zh(error.message)) for error in errors]


def test_rules_come_back_from_their_workbook_as_they_were() -> None:
    for language in ("zh", "en"):
        content = write_workbook(build_rules_sheets(rules()), language)
        uploaded = read_rules_file("rules.xlsx", content)
        assert uploaded.errors == ()
        assert uploaded.rules == rules()


def test_wrong_cells_of_rules_are_named() -> None:
    book = load_workbook(io.BytesIO(write_workbook(build_rules_sheets(rules()), "zh")))
    book["characteristics"].cell(3, 11).value = "20-100"
    book["devaluations"].cell(2, 5).value = "manchmal"
    book["grades"].cell(2, 4).value = "=1+1"
    buffer = io.BytesIO()
    book.save(buffer)
    uploaded = read_rules_file("rules.xlsx", buffer.getvalue())
    assert uploaded.rules is None
    assert [(error.sheet, error.row) for error in uploaded.errors] == [
        ("characteristics", 3), ("devaluations", 2), ("grades", 2),
    ]  # fmt: skip
    assert all("\u4e00" <= zh(error.message)[0] <= "\u9fff" for error in uploaded.errors)


def test_samples_from_csv_with_errors_by_row(sqlite_url: str) -> None:
    lin = employ(sqlite_url, Role.NATIONAL_OFFICIAL)
    test = start(sqlite_url, lin, ComparativeTestState.PLANNED)
    heads = ",".join(zh(column.label) for column in SAMPLE_SHEET.columns)
    # The test has a sample S01 from before.
    lines = [heads, GOOD, WRONG, GOOD.replace("A1", "S01")]

    def check(content: bytes) -> list[tuple[int, str, str]]:
        with read_scope(sqlite_url) as session:
            uploaded = read_sample_file(
                work_of(session, lin, LATER),
                Seen(test.id, test.version),
                name="samples.csv",
                content=content,
            )
        assert len(uploaded.samples) == 1
        assert uploaded.samples[0].price_fen == 29_900
        return said(uploaded.errors)

    expected = [
        (3, "条码（GTIN，可空）"), (3, "样品编号"), (3, "购买日期"), (3, "价格（元）"),
        (3, "渠道"), (4, "样品编号"),
    ]  # fmt: skip
    text = "\r\n".join(lines)
    for encoding in ("utf-8-sig", "gb18030", "utf-16"):
        assert [error[:2] for error in check(text.encode(encoding))] == expected


def test_a_file_without_a_column_is_refused_as_a_whole(sqlite_url: str) -> None:
    lin = employ(sqlite_url, Role.NATIONAL_OFFICIAL)
    test = start(sqlite_url, lin, ComparativeTestState.PLANNED)
    with read_scope(sqlite_url) as session, pytest.raises(WorkbookError):
        read_sample_file(
            work_of(session, lin, LATER),
            Seen(test.id, test.version),
            name="samples.csv",
            content="样品编号,品牌\nA1,甲".encode(),
        )


def test_values_by_the_template_of_the_laboratory(sqlite_url: str) -> None:
    lin = employ(sqlite_url, Role.NATIONAL_OFFICIAL)
    test = start(sqlite_url, lin, ComparativeTestState.AT_LABORATORY)
    where = {"seen": Seen(test.id, test.version)}
    with read_scope(sqlite_url) as session:
        template = build_value_template(work_of(session, lin), **where)
    assert [row[:2] for row in template.rows][:4] == [
        ["S01", "leakage"], ["S01", "cooking"], ["S01", "energy"], ["S02", "leakage"],
    ]  # fmt: skip
    assert "Brand" not in repr(template.rows)
    lines = [
        ",".join(column.key for column in VALUE_SHEET.columns),
        "S01,leakage,0.30,0.02,2,2026-05-18",
        "s01,thermal efficiency,78.2,0.9,2,2026-05-18",
        "S02,leakage,<0.05,,,2026-05-18",
        "S02,energy,<5,,,2026-05-18",
        "S02,cooking,1e5,,,2026-05-18",
        "S03,leakage,0.30,,,2026-05-18",
        "S03,cooking,31,0.1,,2026-05-18",
        "S01,leakage,0.31,0.02,2,2026-05-18",
        "S09,noise,31,0.1,2,2026-05-18",
        "S03,leakage,<0.8,,,2026-05-18",
    ]
    with read_scope(sqlite_url) as session:
        uploaded = read_value_file(
            work_of(session, lin, LATER),
            occasion=MeasurementRound.FIRST,
            name="values.csv",
            content="\n".join(lines).encode(),
            **where,
        )
    assert [(v.sample, v.characteristic) for v in uploaded.values] == [
        ("S01", "leakage"), ("S01", "energy"), ("S02", "leakage"),
    ]  # fmt: skip
    assert uploaded.values[2].measurement.is_below
    assert [(error.row, zh(error.column)) for error in uploaded.errors] == [
        (5, "测得值"), (6, "测得值"), (7, "扩展不确定度 U"), (8, "包含因子 k"), (9, "试验项目"),
        (10, "样品编号"), (10, "试验项目"), (11, "试验项目"), (11, "测得值"),
    ]  # fmt: skip


def read_values(url: str, lines: list[str]) -> ValueList:
    """Read a laboratory's list for the test with FROST, which only some cookers have."""
    lin = employ(url, Role.NATIONAL_OFFICIAL)
    known = rules(characteristics=[SAFETY, COOKING, ENERGY, {**FROST, "weight": "0"}])
    test = start(url, lin, ComparativeTestState.AT_LABORATORY, rules=known)
    heads = ",".join(column.key for column in VALUE_SHEET.columns)
    with read_scope(url) as session:
        return read_value_file(
            work_of(session, lin, LATER),
            Seen(test.id, test.version),
            occasion=MeasurementRound.FIRST,
            name="values.csv",
            content="\n".join([heads, *lines]).encode(),
        )


def test_repeated_measurements_of_a_list_are_one_value(sqlite_url: str) -> None:
    listed = read_values(
        sqlite_url,
        [
            "S01,cooking,31.0,0.4,2,2026-05-18,1",
            "S01,cooking,31.4,0.4,2,2026-05-19,2",
            "S01,energy,78.2,0.9,2,2026-05-18,",
            "S01,cooking,30.8,0.4,2,2026-05-18,3",
        ],
    )
    assert listed.errors == ()
    cooking, energy = listed.values
    assert (cooking.measurement.value, cooking.measurement.uncertainty) == (
        Decimal("31.07"), Decimal("0.54"),
    )  # fmt: skip
    assert [str(each.value) for each in cooking.measurement.replicates] == ["31.0", "31.4", "30.8"]
    assert cooking.measured_on == date(2026, 5, 19)
    assert energy.measurement.replicates == ()


def test_what_is_wrong_with_repeated_measurements_is_said_by_row(sqlite_url: str) -> None:
    listed = read_values(
        sqlite_url,
        [
            "S01,leakage,0.30,0.02,2,2026-05-18,1",
            "S01,leakage,<0.05,,,2026-05-18,2",
            "S02,cooking,31,1,2,2026-05-18,1",
            "S02,cooking,32,1,2,2026-05-18,1",
            "S02,energy,78,1,2,2026-05-18,2",
            "S02,energy,78,1,2,2026-05-18,",
            "S03,cooking,31,1,2,2026-05-18,one",
        ],
    )
    assert said(listed.errors) == [
        (3, "测得值", zh("Repeated measurements are all detected, or none is, and all have an "
                      "uncertainty, or none has.")),
        (5, "试验项目", "该数值在第 4 行也出现了。"),
        (7, "试验项目", "该数值在第 6 行也出现了。"),
        (8, "第几次重复检测", "应为 1 至 99 之间的整数。"),
    ]  # fmt: skip


@pytest.mark.parametrize("sign", ["不适用", "N/A", "—", "/", "not applicable"])
def test_not_applicable_is_a_value_where_the_rules_allow_it(sqlite_url: str, sign: str) -> None:
    listed = read_values(
        sqlite_url, [f"S01,frost,{sign},,,2026-05-18,", f"S01,leakage,{sign},,,2026-05-18,"]
    )
    assert [value.measurement for value in listed.values] == [NOT_APPLICABLE]
    assert said(listed.errors) == [(3, "测得值", "按规则，这个项目适用于所有产品。")]


def test_claims_of_samples_are_read_from_their_list(sqlite_url: str) -> None:
    lin = employ(sqlite_url, Role.NATIONAL_OFFICIAL)
    test = start(sqlite_url, lin, ComparativeTestState.PLANNED)
    heads = ",".join(column.key for column in SAMPLE_SHEET.columns)
    lines = [heads, f"{GOOD},cooking:30； energy：80", f"{GOOD},cooking:30; cooking:31"]
    with read_scope(sqlite_url) as session:
        listed = read_sample_file(
            work_of(session, lin, LATER),
            Seen(test.id, test.version),
            name="samples.csv",
            content="\n".join(lines).encode(),
        )
    assert [parse_claims(each.claims) for each in listed.samples] == [
        {"cooking": Decimal(30), "energy": Decimal(80)}
    ]
    assert (3, "标称值，如 spf:50; volume:217") in [each[:2] for each in said(listed.errors)]


def read_samples(url: str, lines: list[str], barcodes: str) -> SampleList:
    lin = employ(url, Role.NATIONAL_OFFICIAL)
    test = start(url, lin, ComparativeTestState.PLANNED)
    heads = ",".join(column.key for column in SAMPLE_SHEET.columns)
    with read_scope(url) as session:
        return read_sample_file(
            work_of(session, lin, LATER),
            Seen(test.id, test.version),
            name="samples.csv",
            content="\n".join([heads, *lines]).encode(),
            barcodes=barcodes.encode(),
        )


BARCODES = """商品目录,,,
序号,商品条码,品牌,型号
1,06291041500213,甲牌,M-1
2,６９０１２３４５６７８９２,乙牌,X9
"""


def test_brand_and_model_come_from_a_file_of_barcodes(sqlite_url: str) -> None:
    bare = GOOD.replace("甲牌,M-1", ",")
    other = bare.replace("A1", "A2").replace("6291041500213", "6901234567892")
    wrong = GOOD.replace("A1", "A3").replace("M-1", "M-2")
    unknown = bare.replace("A1", "A4").replace("6291041500213", "40170725")
    listed = read_samples(sqlite_url, [bare, other, wrong, unknown], BARCODES)
    assert [(each.brand, each.model) for each in listed.samples] == [
        ("甲牌", "M-1"),
        ("乙牌", "X9"),
    ]
    assert [each[:2] for each in said(listed.errors)] == [
        (4, "型号"), (5, "品牌"), (5, "型号"),
    ]  # fmt: skip
    assert said(listed.errors)[0][2] == "这个条码对应“M-1”。"


@pytest.mark.parametrize(
    "wrong", ["3,6291041500214,甲牌,M-1", "3,6291041500213,甲牌,M-7", "3,,丙牌,Z"]
)
def test_a_file_of_barcodes_with_a_wrong_or_doubtful_one_is_refused(
    sqlite_url: str, wrong: str
) -> None:
    with raises_code("comparative_test_not_allowed"):
        read_samples(sqlite_url, [GOOD], BARCODES + wrong)


@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_any_file_is_read_or_refused_in_words(content: bytes) -> None:
    for name in ("rules.xlsx", "rules.csv"):
        try:
            uploaded = read_rules_file(name, content)
        except SurveyError:
            continue
        assert uploaded.rules is None
