"""Agreement of observers: published worked examples, limits, and intervals that cover the truth."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from benchmarks.truth import agreement
from survey.estimate.agreement import (
    compute_cohen_kappa,
    compute_kappa_error,
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
    found = compute_krippendorff_alpha([[unit] for unit in units], metric=metric, minimum=2)
    assert found is not None
    return found.value


def codes(text: str) -> list[float]:
    return [float("0123456789abcde".index(sign)) for sign in text]


def test_kappa_of_a_textbook_with_its_interval() -> None:
    found = compute_cohen_kappa(DIAGNOSES)
    assert found is not None
    assert found.value == pytest.approx(0.676, abs=0.001)
    table = np.array(DIAGNOSES) / 100
    assert compute_kappa_error(table, 100) == pytest.approx(0.087, abs=0.001)
    # The book's 0.505 to 0.848 is symmetric; an agreement seen of 0.89 leaves more room below it.
    ends = stats.beta(89.5, 11.5).ppf([0.025, 0.975])
    chance = 0.8 * 0.8 + 0.1 * 0.05 + 0.1 * 0.15
    assert (found.low, found.high) == pytest.approx(tuple(1 - (1 - ends) / (1 - chance)))


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
    assert compute_krippendorff_alpha(same, metric="nominal") is None
    assert compute_krippendorff_alpha(same[:5], metric="nominal") is None


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=12, max_size=40))
@example([(0, 1)] * 10 + [(1, 0)] * 2)
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
        compute_krippendorff_alpha(each, metric="interval") for each in (venues, turned)
    )
    assert (first is None) == (second is None)
    if first is not None and second is not None:
        assert first.value == pytest.approx(second.value)
        assert -1 <= first.low <= first.value <= first.high


@pytest.mark.parametrize("units", [[[4.0, 5.0]], [[5 / 3, 7 / 3], [2.0, 8 / 3], [2.0, 2.0]]])
def test_venues_alike_leave_doubt(units: list[list[float]]) -> None:
    """That the same scores came twelve times is no proof that they always do."""
    alpha = compute_krippendorff_alpha([units] * 12, metric="interval")
    assert alpha is not None
    assert alpha.high - alpha.low > 0.1


def test_full_agreement_leaves_doubt() -> None:
    """Twenty pairs of three categories: one twentieth more would still be likely."""
    venues = [[[float(i % 3)] * 2] for i in range(20)]
    alpha = compute_krippendorff_alpha(venues, metric="nominal")
    kappa = compute_cohen_kappa(np.diag([7, 7, 6]))
    assert alpha is not None
    assert kappa is not None
    assert alpha.value == alpha.high == kappa.value == kappa.high == 1
    assert alpha.units == 20
    chance = (7**2 + 7**2 + 6**2) / 20**2
    assert kappa.low == pytest.approx(1 - (1 - 0.025 ** (1 / 20)) / (1 - chance))
    chance = (2 * 14 * 13 + 12 * 11) / (40 * 39)
    assert alpha.low == pytest.approx(1 - (1 - 0.025 ** (1 / 20)) / (1 - chance))
    scores = compute_krippendorff_alpha(venues, metric="interval")
    assert scores is not None
    assert (scores.low, scores.high) == (alpha.low, 1)


@pytest.mark.parametrize("case", agreement.SMALL_CASES, ids=str)
def test_intervals_hold_the_true_agreement(case: agreement.Case) -> None:
    """A short run of benchmarks/truth/agreement.py."""
    for share in agreement.measure(case, samples=400).values():
        assert 0.93 <= share <= 0.985
