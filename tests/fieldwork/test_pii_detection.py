"""What identifies a person is found in any writing; prices and years are left alone."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seed.survey_provider import inventor
from survey.settings import PROJECT_ROOT
from survey.waves.personal_data import (
    PiiKind,
    check_digit,
    clean_note,
    find_pii,
    mask_remark,
    mask_text,
)

WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
CHINESE = str.maketrans("0123456789", "零一二三四五六七八九")
BANK = str.maketrans("0123456789", "〇壹贰叁肆伍陆柒捌玖")
ID = "11010519491231002X"


@pytest.mark.parametrize(
    ("text", "kind", "what"),
    [
        ("请打13812345678谢谢", PiiKind.PHONE, "13812345678"),
        ("电话 138-1234-5678", PiiKind.PHONE, "138-1234-5678"),
        ("+86 138 1234 5678", PiiKind.PHONE, "+86 138 1234 5678"),
        ("13812345678一直打不通", PiiKind.PHONE, "13812345678"),
        ("１３８１２３４５６７８", PiiKind.PHONE, "１３８１２３４５６７８"),
        ("一三八一二三四五六七八", PiiKind.PHONE, "一三八一二三四五六七八"),
        ("幺三八幺二三四五六拐八", PiiKind.PHONE, "幺三八幺二三四五六拐八"),
        ("1 3 8 1 2 3 4 5 6 7 8", PiiKind.PHONE, "1 3 8 1 2 3 4 5 6 7 8"),
        ("座机010-65251234。", PiiKind.PHONE, "010-65251234"),
        ("0755 8888 1234", PiiKind.PHONE, "0755 8888 1234"),
        ("400-810-1234", PiiKind.PHONE, "400-810-1234"),
        (f"身份证{ID}。", PiiKind.ID_NUMBER, ID),
        (f"身份证{ID.lower()}", PiiKind.ID_NUMBER, ID.lower()),
        ("110105194912310021", PiiKind.ID_NUMBER, "110105194912310021"),
        ("110105 19491231 002X", PiiKind.ID_NUMBER, "110105 19491231 002X"),
        ("卡号6222 0212 3456 7890 128", PiiKind.BANK_CARD, "6222 0212 3456 7890 128"),
        ("写信 li.lei@example.com.cn 好", PiiKind.EMAIL, "li.lei@example.com.cn"),
        ("ｌｉ＠ｑｑ．ｃｏｍ", PiiKind.EMAIL, "ｌｉ＠ｑｑ．ｃｏｍ"),
        ("加我微信：lilei_2020吧", PiiKind.WECHAT, "lilei_2020"),
        ("微信号 87654321", PiiKind.WECHAT, "87654321"),
        ("VX: han-meimei", PiiKind.WECHAT, "han-meimei"),
    ],
)
def test_what_identifies_a_person_is_found_where_it_stands(
    text: str, kind: PiiKind, what: str
) -> None:
    result = find_pii(text)
    assert [(text[each.first : each.last], each.kind) for each in result.matches] == [(what, kind)]
    assert what not in result.masked
    assert result.masked == text.replace(what, "***")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2024年买的，价格1380元",
        "排队一二三四五个人",
        "订单号6222021234567890123",
        "满意度10分",
        "99.99",
        "从2019到2024，3000元",
        "编号 1381234567",
        "138123456789",
        "110108201",
        "微信支付很方便",
        "房号1-2-3456",
    ],
)
def test_ordinary_words_and_numbers_are_left_alone(text: str) -> None:
    assert find_pii(text).matches == ()
    assert mask_text(text) == text


def test_two_numbers_side_by_side_are_both_found() -> None:
    assert mask_text("13812345678，13912345678") == "***，***"
    assert mask_text(f"{ID} 13812345678") == "*** ***"


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
    shown = mask_text(f"{before}，{written}。")
    assert written not in shown


@given(st.text(max_size=300))
def test_marking_loses_and_adds_nothing(text: str) -> None:
    result = find_pii(text)
    assert "".join(part for part, _ in result.parts()) == text
    assert all(first.last <= second.first for first, second in pairwise(result.matches))


@given(st.from_regex(r"62[0-9]{13,16}", fullmatch=True))
def test_a_card_is_found_exactly_when_its_check_digit_agrees(digits: str) -> None:
    card = digits + check_digit(digits)
    other = digits + str((int(card[-1]) + 1) % 10)
    assert mask_text(card) == "***"
    kinds = {each.kind for each in find_pii(other).matches}
    assert PiiKind.BANK_CARD not in kinds


def test_a_long_text_takes_no_long_time_to_look_at() -> None:
    for hostile in ("1 " * 5_000, "a@" * 5_000, "微信" * 5_000, "0" * 10_000, "-" * 10_000):
        assert isinstance(mask_text(hostile), str)


@pytest.mark.parametrize(
    "sign", ["\u200b", "\u2060", "\xad", "\u202d", "\ufeff", "\ufe0f\u20e3", "\x01", "\x7f"]
)
def test_signs_that_nobody_sees_hide_no_number(sign: str) -> None:
    number = sign.join("13800138000")
    text = f"电话{sign}{number}，请回"
    scanned = find_pii(text)
    (found,) = scanned.matches
    assert text[found.first : found.last] == number
    assert scanned.masked == f"电话{sign}***，请回"
    assert "138" not in clean_note(text)


def test_a_note_holds_nothing_that_a_file_could_not() -> None:
    assert clean_note("a\x01b\x1bc\ufffed\ud800e\tf\n g") == "abcde f g"
    assert clean_note("家👩\u200d👧、整改①\ufe0f") == "家👩\u200d👧、整改①\ufe0f"


PLANTED_NUMBERS = (
    "13812345678", "138-1234-5678", "010-65251234", "4008101234", ID, "粤B12345", "粤B·12345",
    "沪AD12345", "京A 8X8X8", "鲁L1234学", "浙A·F0F0F0", "１３８１２３４５６７８",
)  # fmt: skip
PLANTED_NAMES = (
    "王芳", "李晓明", "张伟", "刘洋", "陈静", "杨帆", "欧阳娜", "赵敏", "黄晓丽", "周杰", "徐涛",
    "孙丽", "马超", "朱婷", "胡斌", "郭敏", "何平", "林峰", "罗勇", "高峰", "逄勃", "佘诗", "方圆",
    "明月", "亓元",
)  # fmt: skip
NAME_CONTEXTS = (
    "服务员{}没有给小票", "{}女士说不能退货", "收银员：{}。", "店长名叫{}，态度冷淡",
    "自称{}的人接待", "{}经理同意换货", "听见同事喊{}过来", "{}很热情",
)  # fmt: skip
NAME_RECALL = 0.60
"""Share of the planted names that is masked, as the documents state it."""
CLEAN_REMARKS = (
    "店员高声喧哗", "服务员态度好", "经理不在现场", "保安马上赶来", "店员金额算错",
    "门口水果店老板很热情",
    "服务员范围内均佩戴工牌", "张贴了价格表，收银员未找零", "苏打水每瓶5元", "黄色警戒线",
    "付款后店员没有给小票",
    "京味小吃A区", "客服电话无人接听", "店长和收银员都在", "云B区货架", "导购周末不上班",
)  # fmt: skip


@pytest.mark.parametrize("number", PLANTED_NUMBERS)
@pytest.mark.parametrize("context", ["留了{}。", "门口贴着{}，无人接听", "{}"])
def test_every_planted_number_of_a_remark_is_masked(number: str, context: str) -> None:
    assert mask_remark(context.format(number)) == context.format("***")


def test_names_in_remarks_are_masked_as_far_as_the_documents_say() -> None:
    planted = [(name, each.format(name)) for name in PLANTED_NAMES for each in NAME_CONTEXTS]
    found = [name for name, text in planted if name not in mask_remark(text)]
    assert len(found) / len(planted) == pytest.approx(NAME_RECALL, abs=0.005)
    document = (PROJECT_ROOT / "docs" / "experience-checks.md").read_text(encoding="utf-8")
    assert f"{NAME_RECALL * 100:.0f} % of {len(planted)} planted names" in document


@pytest.mark.parametrize("remark", CLEAN_REMARKS)
def test_a_remark_that_names_nobody_stays_as_it_is(remark: str) -> None:
    assert mask_remark(remark) == remark


@pytest.mark.parametrize("seed", range(30))
def test_a_number_in_what_people_write_is_found_and_the_rest_stays(seed: int) -> None:
    invented = inventor(seed)
    before, number, after = invented.complaint(), invented.phone_number(), invented.comment()
    assert mask_text(before) == before
    assert mask_text(f"{before}电话{number}，{after}") == f"{before}电话***，{after}"
