"""How long a text takes to read at the very least."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.instrument.reading_time import min_reading_seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", 0.0),
        # the question mark is none
        ("您愿意参加这次调查吗？", 10 / 16),
        ("Are you willing to take part in this survey?", 9 / 10),
        # 5 characters and one number
        ("例如1985年出生", 5 / 16 + 1 / 10),
        ("People’s choice", 2 / 10),
        ("**${city}**<br>的商店", 3 / 16),
        ("བོད་ཡིག", 2 / 16),
        ("—— … ？！", 0.0),
    ],
)
def test_characters_and_words_are_counted_by_hand(text: str, seconds: float) -> None:
    assert min_reading_seconds(text) == pytest.approx(seconds)


@given(st.text("消费者 the word 12，。", max_size=40), st.sampled_from([" 城市", " city"]))
def test_a_longer_text_has_a_larger_floor(text: str, more: str) -> None:
    assert min_reading_seconds(text + more) > min_reading_seconds(text)


@given(st.text())
def test_any_text_has_a_floor_that_nobody_falls_below(text: str) -> None:
    assert 0 <= min_reading_seconds(text) <= len(text) / 10
