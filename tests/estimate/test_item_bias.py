"""Items that groups answer differently: what the counts are, and what is found and named."""

import numpy as np
import pytest

from benchmarks.truth.item_bias import measure_bias
from survey.estimate.item_bias import BANDS, count_answers, judge_items, rest_bands


def test_band_of_the_other_items():
    scores = np.array([[100.0, 0.0, 50.0], [100.0, 100.0, np.nan], [40.0, np.nan, np.nan]])
    found = rest_bands(scores, np.array([True, True, True]))
    assert found[0].tolist() == [5, 15, 10]
    assert found[1].tolist() == [BANDS - 1, BANDS - 1, BANDS - 1]
    assert found[2].tolist() == [-1, 8, 8]


def test_an_item_outside_the_rest_score_is_judged_by_the_others():
    scores = np.array([[100.0, 0.0, 50.0]])
    assert rest_bands(scores, np.array([False, True, True]))[0].tolist() == [5, 10, 0]


def test_counts_add_up_over_parts():
    rng = np.random.default_rng(1)
    answers, bands = rng.integers(-1, 4, (60, 3)), rng.integers(-1, BANDS, (60, 3))
    group = rng.integers(-1, 2, 60)
    whole = count_answers(answers, bands, group, (2, 4))
    parts = [
        count_answers(answers[rows], bands[rows], group[rows], (2, 4))
        for rows in (slice(0, 25), slice(25, 60))
    ]
    np.testing.assert_array_equal(whole, parts[0] + parts[1])
    known = (answers >= 0) & (bands >= 0) & (group >= 0)[:, None]
    np.testing.assert_array_equal(whole.sum(axis=(1, 2, 3)), known.sum(axis=0))


def test_points_are_the_difference_at_equal_satisfaction():
    counts = np.zeros((1, 2, BANDS, 3))
    counts[0, 0, 4] = [30, 0, 10]
    counts[0, 1, 4] = [10, 0, 30]
    counts[0, 1, 9] = [0, 0, 50]
    found = judge_items(counts, 1.0)
    # Band 4: 25 and 75 beside 50 of all; band 9 has one group alone.
    assert found.points[0].tolist() == pytest.approx([-25.0, 25.0 * 40 / 90])


@pytest.mark.parametrize("counts", [np.zeros((1, 3, BANDS, 5)), np.full((1, 1, BANDS, 5), 4.0)])
def test_nothing_is_said_of_one_group_or_none(counts):
    found = judge_items(counts, 1.4)
    assert np.isnan(found.p).all()
    assert not found.flagged.any()


def test_planted_item_is_found_and_no_other():
    """A whole grid: `python -m benchmarks.truth item_bias`."""
    planted = measure_bias(0.8, waves=12, impact=0.3, seed=3)
    assert planted.found >= 0.9
    assert planted.false <= 0.05


def test_groups_that_are_less_satisfied_are_not_called_biased():
    honest = measure_bias(0.0, waves=12, impact=0.5, seed=4)
    assert honest.found <= 0.05
    assert honest.false <= 0.05
