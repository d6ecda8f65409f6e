"""Repeated measurements by hand, and what must hold for all of them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.comparative_tests.grading import NOT_APPLICABLE, Measurement
from survey.comparative_tests.replicates import combine_replicates, compute_repeatability
from tests.context.comparative_tests.small_rules import measured

TWO = Decimal(2)


def test_three_values_by_hand() -> None:
    """Mean of 31.0, 31.4, 30.8: 31.0666…; squares 0.0044 + 0.1111 + 0.0711 = 0.1867, s² = 0.0933.

    u² = 0.2² + 0.0933/3 = 0.04 + 0.03111 = 0.07111, u = 0.26667, U = 2 u = 0.53333.
    """
    values = [measured(each, "0.4") for each in ("31.0", "31.4", "30.8")]
    combined = combine_replicates(values, TWO)
    assert combined == Measurement(Decimal("31.07"), Decimal("0.54"), TWO, replicates=tuple(values))
    assert compute_repeatability(values).quantize(Decimal("0.00001")) == Decimal("0.30551")


def test_each_uncertainty_is_taken_with_its_own_coverage_factor() -> None:
    """0.6 with k = 3 and 0.4 with k = 2 are both u = 0.2; equal values have no repeatability."""
    values = [measured("31.0", "0.6", "3"), measured("31.0", "0.4", "2")]
    combined = combine_replicates(values, Decimal(3))
    assert combined is not None
    assert (combined.value, combined.uncertainty, combined.coverage) == (
        Decimal("31.00"), Decimal("0.60"), Decimal(3),
    )  # fmt: skip


def test_without_uncertainty_none_is_made_up() -> None:
    combined = combine_replicates([measured("3"), measured("4")], TWO)
    assert combined is not None
    assert (combined.value, combined.uncertainty) == (Decimal("3.5"), None)


def test_not_detected_is_not_averaged() -> None:
    below = [Measurement(Decimal(each), is_below=True) for each in ("0.02", "0.05")]
    combined = combine_replicates(below, TWO)
    assert combined == Measurement(Decimal("0.05"), is_below=True, replicates=tuple(below))


@pytest.mark.parametrize(
    "other",
    [Measurement(Decimal("0.05"), is_below=True), measured("3", "0.2"), NOT_APPLICABLE],
    ids=["not detected", "with uncertainty", "not applicable"],
)
def test_what_cannot_be_combined(other: Measurement) -> None:
    assert combine_replicates([measured("3"), other], TWO) is None
    assert combine_replicates([NOT_APPLICABLE, NOT_APPLICABLE], TWO) is None


numbers = st.decimals("0.1", 100, places=2)


@given(st.lists(numbers, min_size=2, max_size=6), numbers, st.randoms())
def test_the_mean_lies_among_the_values_and_is_less_sure_than_the_method(
    values: list[Decimal], half: Decimal, random: object
) -> None:
    same = [Measurement(each, half, TWO) for each in values]
    combined = combine_replicates(same, TWO)
    assert combined is not None
    assert min(values) <= combined.value <= max(values)
    # Repeating does not make the method itself better.
    assert combined.uncertainty is not None
    assert combined.uncertainty >= half
    random.shuffle(same)  # type: ignore[attr-defined]
    again = combine_replicates(same, TWO)
    assert again is not None
    assert (again.value, again.uncertainty) == (combined.value, combined.uncertainty)
