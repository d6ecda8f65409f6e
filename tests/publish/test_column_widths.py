"""Columns of a report's table: no word and no number is broken while the page has room."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.reports.contents import PAGE_EMS, fit_widths

HEADS = ("Indicator", "Suzhou", "Nation", "Difference", "95%\u00a0interval", "n", "Verdict")
ROW = ("2.10 Freedom of choice", "92.1", "80.3", "+11.8", "10.8 to 12.7", "61,998", "▲ higher")
WORDS = st.text(alphabet="ab1,. 市民", max_size=12)


def test_a_column_keeps_the_part_it_wants_where_its_words_fit() -> None:
    assert fit_widths([3, 1], [("Area", "Score"), ("Beijing", "80.1")]) == (0.75, 0.25)


def test_a_number_of_five_digits_gets_the_room_it_needs() -> None:
    wanted = [3.4, 1.2, 1.2, 1.3, 2.2, 0.4, 1.7]
    widths = fit_widths(wanted, [HEADS, ROW])
    assert sum(widths) == pytest.approx(1)
    for width, word in zip(
        widths[1:], ("Suzhou", "Nation", "Difference", "", "61,998"), strict=False
    ):
        assert width * PAGE_EMS >= 0.58 * len(word) + 1.3 - 1e-9
    assert widths[5] > wanted[5] / sum(wanted)


def test_chinese_may_break_between_any_two_characters() -> None:
    chinese = fit_widths([1, 9], [("指标层级与名称的说明", "x")])
    assert chinese == pytest.approx((0.1, 0.9))


def test_more_words_than_the_page_is_wide_share_what_there_is() -> None:
    widths = fit_widths([1, 1], [("w" * 200, "w" * 100)])
    assert sum(widths) == pytest.approx(1)
    assert widths[0] == pytest.approx(2 * widths[1], rel=0.05)


@given(
    st.integers(1, 8).flatmap(
        lambda count: st.tuples(
            st.lists(st.floats(0.1, 10), min_size=count, max_size=count),
            st.lists(st.lists(WORDS, min_size=count, max_size=count), min_size=1, max_size=5),
        )
    )
)
def test_widths_fill_the_page_and_none_is_nothing(
    table: tuple[list[float], list[list[str]]],
) -> None:
    wanted, rows = table
    widths = fit_widths(wanted, rows)
    assert sum(widths) == pytest.approx(1)
    assert min(widths) > 0
