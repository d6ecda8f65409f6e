"""Dates, numbers, places and names of classes as people write them."""

from calendar import monthrange
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.counts.bringing_in.loose_texts import (
    code_parser,
    key_parsers,
    parse_day,
    parse_month,
    parse_month_of_day,
)
from survey.counts.count_kinds import COMPLAINTS, OPINION
from survey.frame.city_frame import shipped_cities
from survey.frame.code_lists import leaf_areas, shipped_code_lists
from survey.frame.written_places import parse_area, parse_place
from survey.tabular.written_numbers import parse_number

LISTS = shipped_code_lists()
FULL_WIDTH = str.maketrans("0123456789/-.,", "０１２３４５６７８９／－．，")
MONTH_FORMS = ("{y}-{m:02}", "{y}/{m}", "{y}.{m:02}", "{y}年{m}月", "{y}年 {m:02} 月", "{y}{m:02}",
               "{y}-{m:02}-01", "{y}-{m:02}-01 00:00:00")  # fmt: skip
DAY_FORMS = ("{y}-{m:02}-{d:02}", "{y}/{m}/{d}", "{y}年{m}月{d}日", "{y}{m:02}{d:02}",
             "{y}-{m:02}-{d:02} 09:30:00", "{y}.{m}.{d}")  # fmt: skip


@given(st.integers(2000, 2099), st.integers(1, 12), st.sampled_from(MONTH_FORMS), st.booleans())
def test_a_month_is_the_same_however_it_is_written(y: int, m: int, form: str, wide: bool) -> None:
    text = form.format(y=y, m=m)
    assert parse_month(f" {text.translate(FULL_WIDTH) if wide else text} ") == f"{y}-{m:02}"


@given(
    st.dates().filter(lambda day: 2000 <= day.year < 2100),
    st.sampled_from(DAY_FORMS),
    st.booleans(),
)
def test_a_day_is_the_same_however_it_is_written(day, form: str, wide: bool) -> None:
    text = form.format(y=day.year, m=day.month, d=day.day)
    text = text.translate(FULL_WIDTH) if wide else text
    assert parse_day(text) == day.isoformat()
    assert parse_month_of_day(text) == day.isoformat()[:7]
    # A day is a month only as spreadsheets write a month.
    assert (parse_month(text) is None) == (day.day > 1)


@given(st.integers(2000, 2099), st.integers(1, 12), st.integers(1, 3))
def test_days_that_no_month_has_are_no_days(y: int, m: int, beyond: int) -> None:
    assert parse_day(f"{y}-{m}-{monthrange(y, m)[1] + beyond}") is None


@pytest.mark.parametrize(
    "text", ["2025", "4月", "2025年第一季度", "2025Q1", "2025年上半年", "2025-13", "05/25/2013", "",
             "20251301", "2025-4-5-6", "20２５０"]
)  # fmt: skip
def test_what_could_mean_two_things_is_no_month(text: str) -> None:
    assert parse_month(text) is None


@given(st.text(max_size=30))
def test_no_text_breaks_a_parser(text: str) -> None:
    for parse in (parse_month, parse_day, parse_month_of_day, parse_number, parse_place):
        assert parse(text) is None or isinstance(parse(text), str)
    for kind in (COMPLAINTS, OPINION):
        for understand in key_parsers(kind, LISTS, LISTS.newest).values():
            found = understand(text)
            assert found is None or isinstance(found, str)


@given(st.integers(0, 10**9), st.integers(0, 99), st.booleans())
def test_numbers_keep_their_value(whole: int, cents: int, wide: bool) -> None:
    text = f"{whole:,}.{cents:02}"
    parsed = parse_number(text.translate(FULL_WIDTH) if wide else text)
    assert parsed is not None
    assert Decimal(parsed) == Decimal(f"{whole}.{cents:02}")


@pytest.mark.parametrize(
    ("text", "factor", "number"),
    [("1.25", 10_000, "12500"), ("12.3456", 10_000, "123456"), ("0.00015", 10_000, "1.5"),
     ("3.2万", 1, "32000"), ("3.2 万条", 1, "32000"), ("40件", 1, "40"), ("1亿元", 1, "100000000"),
     ("0", 10_000, "0"), ("１，０２０", 1, "1020")],
)  # fmt: skip
def test_units_are_multiplied_exactly(text: str, factor: int, number: str) -> None:
    assert parse_number(text, factor) == number


@pytest.mark.parametrize("text", ["-1", "1,02", "1e3", "=1+1", "12 34", "约40", "4/5", "NaN", "∞"])
def test_what_is_no_number_from_0_on_is_left_to_the_check(text: str) -> None:
    assert parse_number(text) is None


@pytest.mark.parametrize("city", shipped_cities(), ids=lambda city: city.code)
def test_a_city_is_found_by_code_and_by_its_names(city) -> None:
    assert parse_place(city.code) == parse_place(city.name_zh) == city.code
    short = city.name_zh.removesuffix("市")
    assert parse_place(short) in ({city.code} if short != "吉林" else {None})
    assert parse_place(city.name_en.upper()) in ({city.code} if short != "吉林" else {None})


@pytest.mark.parametrize(
    ("text", "code"),
    [("江苏省", "320000"), ("江苏", "320000"), ("江苏省其他地区", "32xxxx"), ("江苏其它", "32xxxx"),
     ("全国", "000000"), ("合计", "000000"), ("内蒙古", "150000"), ("320505", "320500"),
     ("110101", "110000"), ("420900", "42xxxx"), ("429004", "42xxxx"), ("32XXXX", "32xxxx"),
     ("３２０５００", "320500"), ("320500.0", "320500"), ("红河州", "532500"),
     ("420501", None), ("990000", None), ("320", None), ("昆山市", None), ("小计", None),
     ("吉林", None), ("", None), ("张三", None)],
)  # fmt: skip
def test_places_are_counted_to_their_city_or_not_understood(text: str, code: str | None) -> None:
    assert parse_place(text) == code


@pytest.mark.parametrize(
    ("text", "area"),
    [("全国", "CN"), ("江苏", "32"), ("江苏省其他地区", "32"), ("苏州", "320500"),
     ("北京市", "110000"), ("320505", "320500"), ("429004", "42"), ("昆山市", None), ("", None)],
)  # fmt: skip
def test_a_place_in_no_city_of_the_survey_lies_in_its_province(text: str, area: str | None) -> None:
    assert parse_area(text) == area


@given(st.from_regex(r"[0-9]{6}", fullmatch=True))
def test_a_code_of_six_digits_never_leaves_its_province(text: str) -> None:
    found = parse_place(text)
    assert found is None or found == "000000" or found[:2] == text[:2]
    assert found is None or found.endswith("0000") or found in leaf_areas()


@pytest.mark.parametrize("key", COMPLAINTS.codes)
@pytest.mark.parametrize("version", LISTS.versions)
def test_every_code_is_found_by_its_names_and_no_two_are_mixed_up(key: str, version: str) -> None:
    parse = code_parser(COMPLAINTS, key, LISTS, version)
    for each in LISTS.codes_of(COMPLAINTS.codes[key], version):
        bare = each.name_zh.removesuffix("类")
        names = (each.code, each.name_zh, bare, f"{bare}类", each.name_en)
        assert {parse(name) for name in names} == {each.code}
    assert parse("合计") == parse("总计") == COMPLAINTS.total_names[0]
    assert parse("张三") is None
