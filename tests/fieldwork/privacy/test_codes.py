"""Codes that an old person can type: digits only, forgiving in form, strict in content."""

from hypothesis import given
from hypothesis import strategies as st

from survey.fieldwork.privacy.codes import (
    DRAWN,
    check_digit,
    code_digest,
    grouped,
    is_complete,
    new_code,
    read_code,
)

CODES = st.from_regex(r"[0-9]{19}", fullmatch=True).map(lambda drawn: drawn + check_digit(drawn))
WIDE = str.maketrans("0123456789", "０１２３４５６７８９")


def test_a_code_has_more_than_sixty_bits_and_none_comes_twice() -> None:
    assert 10**DRAWN > 2**60
    codes = {new_code() for _ in range(500)}
    assert len(codes) == 500
    assert all(read_code(code) == code for code in codes)


@given(CODES, st.sampled_from(["", " ", "-", "  ", "—", "、"]), st.booleans())
def test_it_is_read_however_it_is_grouped(code: str, between: str, wide: bool) -> None:
    typed = grouped(code).replace(" ", between)
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
    code = new_code()
    for typed in (code[:-1], code + "0", "", "x" * 20, code.translate(WIDE)[:19]):
        assert read_code(typed) is None


def test_the_hash_is_of_nothing_else() -> None:
    code = new_code()
    assert code_digest(code) != code_digest(new_code())
    assert code not in code_digest(code)
