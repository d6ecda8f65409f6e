"""Zero carries no sign, wherever a difference is written."""

import pytest

from survey.figures.tables.published_tables import _simplify_value
from survey.locale.figures import format_change, format_score, format_signed


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (0.0, 1, "0.0"),
        (-0.0, 1, "0.0"),
        (-0.04, 1, "0.0"),
        (0.04, 1, "0.0"),
        (-0.004, 2, "0.00"),
        (0.4, 0, "0"),
        (-0.06, 1, "−0.1"),
        (0.06, 1, "+0.1"),
        (-1234.5, 1, "−1,234.5"),
        (100, 0, "+100"),
    ],
)
def test_a_difference_that_rounds_to_zero_is_neither_more_nor_less(
    value: float, decimals: int, text: str
) -> None:
    assert format_signed(value, decimals) == text


def test_figures_and_changes_of_counts_too() -> None:
    assert format_change(9999, 10000) == format_change(10000, 10000) == "0.0%"
    assert format_change(9900, 10000) == "−1.0%"
    assert format_score(-0.04) == "0.0"
    assert str(_simplify_value("difference", -0.00001)) == "0.0"
