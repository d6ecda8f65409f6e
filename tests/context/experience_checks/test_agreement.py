"""Agreement of observers: published worked examples, limits, and intervals that cover the truth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.context.experience_checks.agreement import (
    compute_cohen_kappa,
    compute_krippendorff_alpha,
    tabulate_pairs,
)

DIAGNOSES = [[75, 1, 4], [5, 4, 1], [0, 0, 10]]
"""Fleiss, Levin and Paik, Statistical Methods for Rates and Proportions (2003), table 18.1."""
MEG, OWEN = "0100000010", "1110010000"
BEN, GERRY = "aabbdcccedda", "babbbccceddd"
"""Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), examples A and B."""
FOUR_OBSERVERS = [
    [1, 1, 1], [2, 2, 3, 2], [3, 3, 3, 3], [3, 3, 3, 3], [2, 2, 2, 2], [1, 2, 3, 4],
    [4, 4, 4, 4], [1, 1, 2, 1], [2, 2, 2, 2], [5, 5, 5], [1, 1], [3],
]  # fmt: skip
"""The same paper, example C: four observers, twelve units, gaps."""


def alpha_of(units: list[list[float]], metric: str) -> float:
    found = compute_krippendorff_alpha(
        [[unit] for unit in units], metric=metric, seed=1, resamples=200, minimum=2
    )
    assert found is not None
    return found.value


def codes(text: str) -> list[float]:
    return [float("0123456789abcde".index(sign)) for sign in text]


def test_kappa_of_a_textbook_with_its_interval() -> None:
    found = compute_cohen_kappa(DIAGNOSES)
    assert found is not None
    assert found.value == pytest.approx(0.676, abs=0.001)
    assert (found.high - found.value) / 1.96 == pytest.approx(0.087, abs=0.001)
    assert (found.low, found.high) == pytest.approx((0.505, 0.848), abs=0.001)


def test_kappa_of_fifty_proposals() -> None:
    found = compute_cohen_kappa([[20, 5], [10, 15]])
    assert found is not None
    assert found.value == pytest.approx(0.4)


@pytest.mark.parametrize(("first", "second", "value"), [(MEG, OWEN, 0.095), (BEN, GERRY, 0.692)])
def test_alpha_of_two_observers(first: str, second: str, value: float) -> None:
    units = [list(pair) for pair in zip(codes(first), codes(second), strict=True)]
    assert alpha_of(units, "nominal") == pytest.approx(value, abs=0.0006)


@pytest.mark.parametrize(("metric", "value"), [("nominal", 0.743), ("interval", 0.849)])
def test_alpha_of_four_observers_with_gaps(metric: str, value: float) -> None:
    assert alpha_of(FOUR_OBSERVERS, metric) == pytest.approx(value, abs=0.0006)


def test_nothing_is_said_where_nothing_varies_or_little_was_seen() -> None:
    assert compute_cohen_kappa([[30, 0], [0, 0]]) is None
    assert compute_cohen_kappa([[3, 1], [1, 3]]) is None
    same = [[[1.0, 1.0]]] * 30
    assert compute_krippendorff_alpha(same, metric="nominal", seed=1) is None
    assert compute_krippendorff_alpha(same[:5], metric="nominal", seed=1) is None


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=12, max_size=40))
def test_neither_observer_nor_order_of_venues_matters(pairs: list[tuple[int, int]]) -> None:
    """Exchanged observers and reversed venues give the same coefficients."""
    table = tabulate_pairs(pairs, range(4))
    one, other = compute_cohen_kappa(table), compute_cohen_kappa(table.T)
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert one.value == pytest.approx(other.value)
        assert -1 <= one.low <= one.value <= one.high <= 1
    venues = [[list(map(float, pair))] for pair in pairs]
    turned = [[unit[::-1] for unit in units] for units in reversed(venues)]
    first, second = (
        compute_krippendorff_alpha(each, metric="interval", seed=1, resamples=20)
        for each in (venues, turned)
    )
    assert (first is None) == (second is None)
    if first is not None and second is not None:
        assert first.value == pytest.approx(second.value)


def test_full_agreement_is_one() -> None:
    venues = [[[float(i % 3)] * 2] for i in range(20)]
    found = compute_krippendorff_alpha(venues, metric="nominal", seed=3, resamples=100)
    assert found is not None
    assert found.value == found.low == found.high == 1
    assert found.units == 20


def test_intervals_cover_the_true_agreement() -> None:
    """Observers who copy the truth with probability √κ and guess otherwise agree with κ."""
    random, truth, covered, runs = np.random.default_rng(7), 0.6, {"kappa": 0, "alpha": 0}, 60
    for run in range(runs):
        seen = random.integers(0, 2, 80)
        given_ = [
            np.where(random.random(80) < np.sqrt(truth), seen, random.integers(0, 2, 80))
            for _ in range(2)
        ]
        pairs = list(zip(given_[0].tolist(), given_[1].tolist(), strict=True))
        kappa = compute_cohen_kappa(tabulate_pairs(pairs, (0, 1)))
        alpha = compute_krippendorff_alpha(
            [[[float(a), float(b)]] for a, b in pairs], metric="nominal", seed=run, resamples=200
        )
        assert kappa is not None
        assert alpha is not None
        covered["kappa"] += kappa.low <= truth <= kappa.high
        covered["alpha"] += alpha.low <= truth <= alpha.high
    assert all(0.85 <= count / runs <= 1 for count in covered.values()), covered
