"""Rank correlation with its interval."""

import numpy as np
import pytest

from survey.evidence_city.outside_city import compute_rank_correlation


def test_known_values() -> None:
    first = np.arange(20.0)
    up = compute_rank_correlation(first, first**3)
    assert up is not None
    assert up.value == pytest.approx(1)
    # By hand: r = 0.5 of 100 pairs, z = 0.5493 ± 1.96 sqrt(1.125 / 97).
    rng = np.random.default_rng(4)
    other = rng.permutation(20).astype(float)
    both = compute_rank_correlation(first, other)
    assert both is not None
    half = 1.959964 * np.sqrt((1 + both.value**2 / 2) / 17)
    assert both.low == pytest.approx(np.tanh(np.arctanh(both.value) - half))
    assert -1 <= both.low <= both.value <= both.high <= 1


def test_its_interval_covers_as_it_says() -> None:
    rng = np.random.default_rng(7)
    hits = 0
    for _ in range(400):
        pairs = rng.standard_normal((100, 2))
        found = compute_rank_correlation(pairs[:, 0], pairs[:, 1])
        assert found is not None
        hits += found.low <= 0 <= found.high
    assert 0.92 <= hits / 400 <= 0.98


def test_too_few_cities_or_one_value_give_none() -> None:
    assert compute_rank_correlation(range(9), range(9)) is None
    assert compute_rank_correlation([1.0] * 20, range(20)) is None
    gaps = [np.nan] * 11 + list(range(9))
    assert compute_rank_correlation(gaps, range(20)) is None
