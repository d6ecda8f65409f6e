"""Short runs of benchmarks/truth: figures against a known truth."""

import pytest

from benchmarks.truth import rates, scores


def test_intervals_ranks_arrows_and_models_against_the_truth():
    found = scores.measure(waves=10, seed=1)
    assert 0.91 <= found["interval"] <= 0.98
    assert 0.91 <= found["interval against the nation"] <= 0.98
    assert 0.91 <= found["interval of no change"] <= 0.98
    assert found["rank sets"] >= 0.9
    assert found["waves with a false arrow"] <= 0.2
    assert found["false among arrows"] <= 0.1
    assert found["true changes found"] >= 0.7
    assert found["model error"] < 0.7 * found["direct error"]
    by_grade = [found[f"grade error {grade}"] for grade in "ABC"]
    assert by_grade == sorted(by_grade)
    assert 0.7 <= found["stated error"] / found["model error"] <= 1.5


@pytest.mark.parametrize(
    ("rate", "correlation", "size", "waves"),
    [
        (0.9, 0.1, (8, 20), 8),
        (0.95, 0.05, (8, 20), 8),
        (0.97, 0.1, (8, 40), 6),
        (0.99, 0.1, (8, 40), 8),
        (0.995, 0.0, (8, 20), 8),
        (0.03, 0.1, (8, 20), 8),
        (0.95, 0.05, (5, 6), 15),
    ],
)
def test_intervals_of_rates_hold_where_points_are_alike(rate, correlation, size, waves):
    found = rates.measure(rate, correlation, size, waves=waves)
    assert 0.93 <= found.held <= 0.98
    assert found.held_unanimous >= 0.93 or found.unanimous < 0.01
