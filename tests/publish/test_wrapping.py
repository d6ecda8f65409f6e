"""Lines are short enough, and nothing of the text is lost."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from survey.figures.charts.marks import wrap_text


def width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def test_english_breaks_between_words() -> None:
    assert list(wrap_text("Had a dispute in the last 12 months", 20)) == [
        "Had a dispute in the",
        "last 12 months",
    ]


def test_chinese_breaks_anywhere() -> None:
    assert list(wrap_text("一二三四五六", 8)) == ["一二三四", "五六"]


@given(st.text(st.sampled_from("ab 一二，"), max_size=80), st.integers(4, 30))
def test_nothing_is_lost_and_only_long_words_stick_out(text: str, limit: int) -> None:
    lines = list(wrap_text(text, limit))
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(width(line) <= limit or " " not in line.strip() for line in lines)
