"""Probabilities of bands against t tables and intervals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from survey.estimate import EstimateError, band_probabilities


def test_a_hand_case():
    # t = (70 - 68) / 1 = 2 on 4 df: P(T > 2) = 0.0580583 (printed tables: 0.058)
    probabilities = band_probabilities([70.0], [1.0], [4.0], [68.0, 72.0])
    assert probabilities[0].tolist() == pytest.approx([0.0580583, 0.8838835, 0.0580583], abs=1e-6)


def test_the_end_of_the_interval_on_an_edge_leaves_two_and_a_half_per_cent():
    margin = stats.t.ppf(0.975, 12) * 0.7
    probabilities = band_probabilities([70 + margin], [0.7], [12], [70.0])
    assert probabilities[0].tolist() == pytest.approx([0.025, 0.975])


def test_without_an_error_nothing_is_said():
    probabilities = band_probabilities([70, 70, np.nan], [np.nan, 1, 1], [5, 0, 5], [60.0])
    assert np.isnan(probabilities).all()


def test_an_exact_value_lies_in_one_band_and_an_edge_belongs_above():
    probabilities = band_probabilities([70, 70], [0, 0], [5, 5], [60.0, 70.0])
    assert probabilities.tolist() == [[0, 0, 1], [0, 0, 1]]


def test_edges_must_increase():
    with pytest.raises(EstimateError):
        band_probabilities([70], [1], [5], [70.0, 60.0])


@given(x=st.floats(0, 100), se=st.floats(0.01, 20), df=st.integers(1, 200), shift=st.floats(0, 10))
def test_rows_sum_to_one_and_higher_estimates_lie_higher(x, se, df, shift):
    edges = [60.0, 70.0, 85.0]
    probabilities = band_probabilities([x, x + shift], [se, se], [df, df], edges)
    assert probabilities.sum(axis=1) == pytest.approx([1, 1])
    assert (probabilities >= 0).all()
    below = probabilities.cumsum(axis=1)
    assert (below[0] >= below[1] - 1e-12).all()
