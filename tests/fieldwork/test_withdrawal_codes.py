"""Codes that an old person can type: digits only, forgiving in form, strict in content."""

from hypothesis import given
from hypothesis import strategies as st

from survey.waves.personal_data import (
    RANDOM_DIGITS,
    check_digit,
    format_code,
    generate_code,
    hash_code,
    is_complete,
    read_code,
)

CODES = st.from_regex(r"[0-9]{19}", fullmatch=True).map(lambda drawn: drawn + check_digit(drawn))
WIDE = str.maketrans("0123456789", "０１２３４５６７８９")


def test_a_code_has_more_than_sixty_bits_and_none_comes_twice() -> None:
    assert 10**RANDOM_DIGITS > 2**60
    codes = {generate_code() for _ in range(500)}
    assert len(codes) == 500
    assert all(read_code(code) == code for code in codes)


@given(CODES, st.sampled_from(["", " ", "-", "  ", "—", "、"]), st.booleans())
def test_it_is_read_however_it_is_grouped(code: str, between: str, wide: bool) -> None:
    typed = format_code(code).replace(" ", between)
    assert read_code(f" {typed.translate(WIDE) if wide else typed}\n") == code


@given(CODES, st.integers(0, 19), st.integers(1, 9))
def test_any_wrong_digit_is_noticed(code: str, place: int, by: int) -> None:
    wrong = code[:place] + str((int(code[place]) + by) % 10) + code[place + 1 :]
    assert not is_complete(wrong)
    assert read_code(wrong) is None


@given(st.text(max_size=200))
def test_whatever_is_typed_is_a_code_or_nothing(typed: str) -> None:
    code = read_code(typed)
    assert code is None or (len(code) == 20 and code.isascii() and code.isdigit())


def test_a_digit_too_few_or_too_many_is_no_code() -> None:
    code = generate_code()
    for typed in (code[:-1], code + "0", "", "x" * 20, code.translate(WIDE)[:19]):
        assert read_code(typed) is None


def test_the_hash_is_of_nothing_else() -> None:
    code = generate_code()
    assert hash_code(code) != hash_code(generate_code())
    assert code not in hash_code(code)
