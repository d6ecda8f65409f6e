"""Interviewer effect and Wilson interval against figures worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.estimate.interviewer_effect import interviewer_effect, wilson


def test_two_surveyors_by_hand() -> None:
    # means 2 and 6 around 4: MSB = 3(4) + 3(4) = 24 on 1 df; MSW = (2 + 2) / 4 = 1; m0 = 3
    values = np.array([1.0, 2.0, 3.0, 5.0, 6.0, 7.0])
    effect = interviewer_effect(values, np.array([0, 0, 0, 1, 1, 1]))
    assert effect is not None
    assert effect.icc == pytest.approx((24 - 1) / (24 + 2 * 1))
    assert effect.deff == pytest.approx(1 + 2 * 23 / 26)
    assert (effect.surveyors, effect.interviews) == (2, 6)


def test_unequal_workloads_by_hand() -> None:
    # m = 2 and 4, N = 6: m0 = 6 - 20/6 = 8/3; means 1 and 4, whole 3: MSB = 2(4) + 4(1) = 12
    values = np.array([0.0, 2.0, 3.0, 5.0, 3.0, 5.0])
    effect = interviewer_effect(values, np.array([0, 0, 1, 1, 1, 1]))
    within = (2 + 4) / 4
    assert effect is not None
    assert effect.icc == pytest.approx((12 - within) / (12 + (8 / 3 - 1) * within))


def test_surveyors_that_do_not_differ_have_no_design_effect() -> None:
    effect = interviewer_effect(np.array([1.0, 3.0, 1.0, 3.0]), np.array([0, 0, 1, 1]))
    assert effect is not None
    assert effect.icc < 0
    assert effect.deff == 1


def test_differences_between_cities_are_not_those_of_surveyors() -> None:
    values = np.array([1.0, 3.0, 1.0, 3.0, 91.0, 93.0, 91.0, 93.0])
    surveyor, city = np.array([0, 0, 1, 1, 2, 2, 3, 3]), np.repeat([0, 1], 4)
    nested = interviewer_effect(values, surveyor, city)
    pooled = interviewer_effect(values, surveyor)
    assert nested is not None
    assert pooled is not None
    assert nested.icc < 0 < 0.9 < pooled.icc


@pytest.mark.parametrize(
    ("values", "surveyor"),
    [
        ([], []),
        ([1.0, 2.0], [0, 0]),
        ([1.0, 2.0], [0, 1]),
        ([5.0] * 4, [0, 0, 1, 1]),
        ([200 / 3] * 31, [0, *[0, 1, 2] * 10]),
        ([np.nan] * 4, [0, 0, 1, 1]),
    ],
)
def test_too_little_says_nothing(values: list[float], surveyor: list[int]) -> None:
    assert interviewer_effect(np.array(values), np.array(surveyor, dtype=np.int64)) is None


def test_the_estimator_finds_the_share_that_was_put_in() -> None:
    rng = np.random.default_rng(1)
    surveyor = np.repeat(np.arange(400), 25)
    values = rng.normal(0, np.sqrt(0.05), 400)[surveyor] + rng.normal(0, np.sqrt(0.95), 10_000)
    effect = interviewer_effect(values, surveyor)
    assert effect is not None
    assert effect.icc == pytest.approx(0.05, abs=0.012)
    assert effect.deff == pytest.approx(1 + 24 * effect.icc)


def test_wilson_by_hand() -> None:
    # 8 of 10 with z = 1.959964: the usual textbook interval
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=5e-5)


@given(st.integers(0, 500), st.integers(0, 500))
def test_wilson_holds_the_share_and_stays_inside(good: int, bad: int) -> None:
    low, high = wilson(good, good + bad)
    assert 0 <= low <= high <= 1
    if good + bad:
        assert low - 1e-12 <= good / (good + bad) <= high + 1e-12
