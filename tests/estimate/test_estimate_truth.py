"""A short run of benchmarks/estimate/truth.py: figures against a known truth."""

from benchmarks.estimate import truth


def test_intervals_ranks_arrows_and_models_against_the_truth():
    rates = truth.measure(waves=10, seed=1)
    assert 0.91 <= rates["interval"] <= 0.98
    assert 0.91 <= rates["interval against the nation"] <= 0.98
    assert 0.91 <= rates["interval of no change"] <= 0.98
    assert rates["rank sets"] >= 0.9
    assert rates["waves with a false arrow"] <= 0.2
    assert rates["false among arrows"] <= 0.1
    assert rates["true changes found"] >= 0.7
    assert rates["model error"] < 0.7 * rates["direct error"]
    by_grade = [rates[f"grade error {grade}"] for grade in "ABC"]
    assert by_grade == sorted(by_grade)
    assert 0.7 <= rates["stated error"] / rates["model error"] <= 1.5
