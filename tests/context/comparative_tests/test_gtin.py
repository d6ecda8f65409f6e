"""Check digits of GTIN, against numbers printed in the GS1 manuals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.comparative_tests.product_samples import check_digit, is_gtin


@pytest.mark.parametrize("number", ["6291041500213", "614141007349", "10614141007346", "96385074"])
def test_numbers_of_the_manuals(number: str) -> None:
    assert is_gtin(number)


@pytest.mark.parametrize(
    "text", ["", "629104150021", "６２９１０４１５００２１３", "629104150021X"]
)
def test_what_is_none(text: str) -> None:
    assert not is_gtin(text)


@given(st.from_regex(r"[0-9]{12}", fullmatch=True), st.integers(0, 12), st.integers(1, 9))
def test_every_single_wrong_digit_is_noticed(digits: str, position: int, shift: int) -> None:
    number = f"{digits}{check_digit(digits)}"
    assert is_gtin(number)
    wrong = str((int(number[position]) + shift) % 10)
    assert not is_gtin(number[:position] + wrong + number[position + 1 :])
