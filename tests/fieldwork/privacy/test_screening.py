"""What identifies a person is found in any writing; prices and years are left alone."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.fieldwork.privacy.codes import check_digit
from survey.fieldwork.privacy.screening import Identifier, masked, screen

WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
CHINESE = str.maketrans("0123456789", "零一二三四五六七八九")
BANK = str.maketrans("0123456789", "〇壹贰叁肆伍陆柒捌玖")
ID = "11010519491231002X"


@pytest.mark.parametrize(
    ("text", "kind", "what"),
    [
        ("请打13812345678谢谢", Identifier.PHONE, "13812345678"),
        ("电话 138-1234-5678", Identifier.PHONE, "138-1234-5678"),
        ("+86 138 1234 5678", Identifier.PHONE, "+86 138 1234 5678"),
        ("13812345678一直打不通", Identifier.PHONE, "13812345678"),
        ("１３８１２３４５６７８", Identifier.PHONE, "１３８１２３４５６７８"),
        ("一三八一二三四五六七八", Identifier.PHONE, "一三八一二三四五六七八"),
        ("幺三八幺二三四五六拐八", Identifier.PHONE, "幺三八幺二三四五六拐八"),
        ("1 3 8 1 2 3 4 5 6 7 8", Identifier.PHONE, "1 3 8 1 2 3 4 5 6 7 8"),
        ("座机010-65251234。", Identifier.PHONE, "010-65251234"),
        ("0755 8888 1234", Identifier.PHONE, "0755 8888 1234"),
        ("400-810-1234", Identifier.PHONE, "400-810-1234"),
        (f"身份证{ID}。", Identifier.ID_NUMBER, ID),
        (f"身份证{ID.lower()}", Identifier.ID_NUMBER, ID.lower()),
        ("110105194912310021", Identifier.ID_NUMBER, "110105194912310021"),
        ("110105 19491231 002X", Identifier.ID_NUMBER, "110105 19491231 002X"),
        ("卡号6222 0212 3456 7890 128", Identifier.BANK_CARD, "6222 0212 3456 7890 128"),
        ("写信 li.lei@example.com.cn 好", Identifier.EMAIL, "li.lei@example.com.cn"),
        ("ｌｉ＠ｑｑ．ｃｏｍ", Identifier.EMAIL, "ｌｉ＠ｑｑ．ｃｏｍ"),
        ("加我微信：lilei_2020吧", Identifier.WECHAT, "lilei_2020"),
        ("微信号 87654321", Identifier.WECHAT, "87654321"),
        ("VX: han-meimei", Identifier.WECHAT, "han-meimei"),
    ],
)
def test_what_identifies_a_person_is_found_where_it_stands(
    text: str, kind: Identifier, what: str
) -> None:
    result = screen(text)
    assert [(text[each.first : each.last], each.kind) for each in result.found] == [(what, kind)]
    assert what not in result.masked
    assert result.masked == text.replace(what, "***")


@pytest.mark.parametrize(
    "text",
    [
        "", "2024年买的，价格1380元", "排队一二三四五个人", "订单号6222021234567890123",
        "满意度10分", "99.99", "从2019到2024，3000元", "编号 1381234567", "138123456789",
        "110108201", "微信支付很方便", "房号1-2-3456",
    ],
)  # fmt: skip
def test_ordinary_words_and_numbers_are_left_alone(text: str) -> None:
    assert screen(text).found == ()
    assert masked(text) == text


def test_two_numbers_side_by_side_are_both_found() -> None:
    assert masked("13812345678，13912345678") == "***，***"
    assert masked(f"{ID} 13812345678") == "*** ***"


@given(
    number=st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True),
    table=st.sampled_from([{}, WIDE, CHINESE, BANK]),
    between=st.sampled_from(["", " ", "-", ".", "·", "　"]),
    before=st.text(st.characters(categories=["Lo"], exclude_characters="零一二三四五六七八九")),
)
def test_no_way_of_writing_hides_a_mobile_number(
    number: str, table: dict[int, str], between: str, before: str
) -> None:
    written = between.join(number).translate(table)
    shown = masked(f"{before}，{written}。")
    assert written not in shown


@given(st.text(max_size=300))
def test_marking_loses_and_adds_nothing(text: str) -> None:
    result = screen(text)
    assert "".join(part for part, _ in result.parts()) == text
    assert all(first.last <= second.first for first, second in pairwise(result.found))


@given(st.from_regex(r"62[0-9]{13,16}", fullmatch=True))
def test_a_card_is_found_exactly_when_its_check_digit_agrees(digits: str) -> None:
    card = digits + check_digit(digits)
    other = digits + str((int(card[-1]) + 1) % 10)
    assert masked(card) == "***"
    kinds = {each.kind for each in screen(other).found}
    assert Identifier.BANK_CARD not in kinds


def test_a_long_text_takes_no_long_time_to_look_at() -> None:
    for hostile in ("1 " * 5_000, "a@" * 5_000, "微信" * 5_000, "0" * 10_000, "-" * 10_000):
        assert isinstance(masked(hostile), str)
