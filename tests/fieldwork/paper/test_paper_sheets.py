"""Numbers of sheets, the draw for double entry, and what decides on an interview."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.collection.paper.keying import is_drawn, list_exit_items, read_serial
from survey.locale import RefusedError
from survey.questionnaire.model import Instrument
from survey.questionnaire.xlsform.reader import load_bundle
from survey.settings import PROJECT_ROOT
from tests.error_codes import raises_code


@pytest.mark.parametrize(
    ("typed", "serial"),
    [
        ("000123", "123"),
        ("123", "123"),
        (" 123 ", "123"),
        ("\uff11\uff12", "12"),
        ("0", "0"),
        ("000", "0"),
        ("bj-0017", "BJ-0017"),
        ("0A1", "A1"),
    ],
)
def test_numbers_are_stored_in_one_form(typed: str, serial: str) -> None:
    assert read_serial(typed) == serial
    assert read_serial(serial) == serial


@pytest.mark.parametrize("typed", ["", " ", "12 3", "-12", "\u4e00", "1" * 21, "12\n3", "<b>"])
def test_anything_else_is_no_number(typed: str) -> None:
    with raises_code("serial_invalid"):
        read_serial(typed)


@given(st.text(max_size=30))
def test_reading_a_number_twice_changes_nothing(typed: str) -> None:
    try:
        serial = read_serial(typed)
    except RefusedError as error:
        if error.code != "serial_invalid":
            raise
        return
    assert read_serial(serial) == serial


@given(seed=st.text(max_size=12), serial=st.integers(1, 10**9), share=st.floats(0, 1))
def test_the_draw_is_reproducible_and_grows_with_the_share(
    seed: str, serial: int, share: float
) -> None:
    drawn = is_drawn(seed=seed, serial=str(serial), share=share)
    assert drawn == is_drawn(seed=seed, serial=str(serial), share=share)
    assert not is_drawn(seed=seed, serial=str(serial), share=0)
    assert is_drawn(seed=seed, serial=str(serial), share=1)
    if drawn:
        assert is_drawn(seed=seed, serial=str(serial), share=min(1.0, share + 0.1))


def test_about_the_share_is_drawn_and_another_seed_draws_others() -> None:
    draws = {
        seed: {n for n in range(10_000) if is_drawn(seed=seed, serial=str(n), share=0.1)}
        for seed in ("a", "b")
    }
    assert 900 < len(draws["a"]) < 1_100
    assert len(draws["a"] & draws["b"]) < 160


def test_consent_screening_and_age_decide(small_instrument: Instrument) -> None:
    main = load_bundle(PROJECT_ROOT / "seed" / "instruments", "main-2023").instrument
    assert list_exit_items(main) == {"consent", "lived_6m", "offline_purchase", "age", "birth_year"}
    assert list_exit_items(small_instrument) == {"consent", "lived_6m"}
