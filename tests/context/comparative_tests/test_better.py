"""Which of two products is better, by hand, and what must hold for all of them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.comparative_tests.better import Direction, compute_probability_better, find_direction
from survey.comparative_tests.grading import NOT_APPLICABLE, Measurement
from survey.comparative_tests.rules import Characteristic
from tests.context.comparative_tests.small_rules import COOKING, ENERGY, SAFETY, measured


def test_two_values_by_hand() -> None:
    """78.2 ± 0.9 (k = 2: u = 0.45) and 76.7 ± 1.2 (k = 2: u = 0.6): the difference 1.5 has
    u = √(0.2025 + 0.36) = 0.75, and Φ(2) = 0.97725.
    """
    one, other = measured("78.2", "0.9"), measured("76.7", "1.2")
    more = compute_probability_better(one, other, Direction.MORE)
    less = compute_probability_better(one, other, Direction.LESS)
    assert (more, less) == pytest.approx((0.97725, 0.02275), abs=1e-5)
    # The same standard uncertainty with another factor is the same answer.
    again = measured("78.2", "1.35", "3")
    same = compute_probability_better(again, other, Direction.MORE)
    assert same == pytest.approx(more)


@pytest.mark.parametrize(
    "other",
    [
        NOT_APPLICABLE,
        measured("76.7"),
        measured("76.7", "0"),
        Measurement(Decimal(1), is_below=True),
    ],
    ids=["not applicable", "no uncertainty", "none at all", "not detected"],
)
def test_where_nothing_can_be_said(other: Measurement) -> None:
    one = measured("78.2", "0.9")
    assert compute_probability_better(one, other, Direction.MORE) is None
    assert compute_probability_better(other, one, Direction.MORE) is None


@pytest.mark.parametrize(
    ("item", "direction"),
    [
        (SAFETY, Direction.LESS),  # An upper limit alone.
        (COOKING, Direction.LESS),  # Falling marks.
        (ENERGY, Direction.MORE),
        ({**COOKING, "points": [], "claim": "at_least"}, Direction.MORE),
        ({**COOKING, "points": [], "claim": "within"}, None),
        ({**SAFETY, "lower": "0.1"}, None),
        (
            {
                **COOKING,
                "points": [
                    {"value": "1", "mark": "0"},
                    {"value": "2", "mark": "100"},
                    {"value": "3", "mark": "0"},
                ],
            },
            None,
        ),
        ({**COOKING, "points": [{"value": "1", "mark": "9"}, {"value": "2", "mark": "9"}]}, None),
    ],
)
def test_the_rules_say_what_is_better(item: dict[str, object], direction: Direction | None) -> None:
    assert find_direction(Characteristic.model_validate(item)) is direction


numbers = st.decimals("0.1", 100, places=1)
values = st.builds(Measurement, numbers, numbers, st.just(Decimal(2)))


@given(values, values)
def test_either_is_better(one: Measurement, other: Measurement) -> None:
    first = compute_probability_better(one, other, Direction.MORE)
    second = compute_probability_better(other, one, Direction.MORE)
    assert first is not None
    assert second is not None
    assert first + second == pytest.approx(1)
    assert (first > 0.5) is (one.value > other.value)
