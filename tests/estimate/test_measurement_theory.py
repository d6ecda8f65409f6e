"""Reliability and factor models where the truth is known by hand."""

import numpy as np
import pytest

from survey.estimate.factor_fit import FitIndices, fit_factors, invariance_steps
from survey.estimate.factor_model import Moments
from survey.estimate.reliability import (
    alpha_if_dropped,
    cronbach_alpha,
    item_rest_correlation,
    mcdonald_omega,
    mean_reliability,
    split_half,
)

LOADING = np.array([8.0, 10.0, 12.0, 6.0, 9.0, 11.0])
FACTOR = np.array([0, 0, 0, 1, 1, 1])
PHI = np.array([[1.0, 0.6], [0.6, 1.0]])
UNIQUE = np.array([40.0, 60.0, 50.0, 30.0, 70.0, 45.0])


def implied(loading=LOADING, phi=PHI, unique=UNIQUE):
    lam = loading[:, None] * np.eye(2)[FACTOR]
    return lam @ phi @ lam.T + np.diag(unique)


def moments(*covariances, means=None, n=1000.0):
    groups = len(covariances)
    means = np.zeros((groups, 6)) if means is None else np.stack(means)
    return Moments(np.stack(covariances), means, np.full(groups, n))


def test_parallel_items():
    """k items that correlate by r have α = ω = kr / (1 + (k − 1) r) (Spearman and Brown)."""
    covariance = (0.4 + 0.6 * np.eye(4))[None] * 25
    expected = 4 * 0.4 / (1 + 3 * 0.4)
    assert cronbach_alpha(covariance) == pytest.approx([expected])
    assert mcdonald_omega(covariance) == pytest.approx([expected])
    assert split_half(covariance) == pytest.approx([expected])
    assert alpha_if_dropped(covariance)[0] == pytest.approx([3 * 0.4 / 1.8] * 4)
    assert item_rest_correlation(covariance)[0] == pytest.approx([1.2 / np.sqrt(3 + 6 * 0.4)] * 4)


def test_two_items_have_no_factor_of_their_own():
    covariance = np.array([[[4.0, 1.0], [1.0, 4.0]]])
    assert np.isnan(mcdonald_omega(covariance)).all()
    assert np.isnan(alpha_if_dropped(covariance)).all()
    assert cronbach_alpha(covariance) == pytest.approx([0.4])


def test_resamples_are_treated_one_by_one():
    """A resample in which an item is another one twice has no ω; the others keep theirs."""
    good, double = implied()[:3, :3], np.ones((3, 3))
    found = mcdonald_omega(np.stack([good, double, good * 4]))
    share = 1 - UNIQUE[:3].sum() / good.sum()
    assert found[[0, 2]] == pytest.approx([share, share])
    assert np.isnan(found[1])


def test_items_that_never_vary_leave_no_figure():
    nothing = np.zeros((1, 3, 3))
    assert np.isnan(cronbach_alpha(nothing)).all()
    assert np.isnan(mcdonald_omega(nothing)).all()
    assert np.isnan(item_rest_correlation(nothing)).all()


def test_the_true_model_is_found():
    found = fit_factors(FACTOR, moments(implied()), None)
    assert found is not None
    assert found.loading == pytest.approx(LOADING)
    assert found.correlation[0, 1] == pytest.approx(0.6)
    assert found.standardised == pytest.approx(LOADING / np.sqrt(LOADING**2 + UNIQUE))
    assert (found.indices.df, found.indices.cfi) == (8, 1.0)
    assert found.indices.chi2 == pytest.approx(0, abs=1e-6)
    assert (found.indices.rmsea, found.srmr) == pytest.approx((0, 0), abs=1e-6)


def test_a_factor_may_be_asked_the_other_way_round():
    found = fit_factors(FACTOR, moments(implied(phi=np.array([[1.0, -0.5], [-0.5, 1.0]]))), None)
    assert found is not None
    assert found.loading == pytest.approx(LOADING)
    assert found.correlation[0, 1] == pytest.approx(-0.5)


def test_covariances_of_no_population_cannot_be_fitted():
    impossible = implied()
    impossible[0, 1] = impossible[1, 0] = 400.0
    assert fit_factors(FACTOR, moments(impossible), None) is None
    assert invariance_steps(FACTOR, moments(implied(), impossible)) == ()


def test_covariances_that_are_nearly_those_of_a_population_have_no_fit_either():
    """As pairwise covariances of few people: |det| has a logarithm, and the fit looked good."""
    factor = np.repeat([0, 1], 6)
    lam = np.tile(LOADING, 2)[:, None] * np.eye(2)[factor]
    possible = lam @ PHI @ lam.T + np.diag(np.tile(UNIQUE, 2))
    values, vectors = np.linalg.eigh(possible)
    impossible = (vectors * [-5, *values[1:]]) @ vectors.T
    both = Moments(np.stack([possible, impossible]), np.zeros((2, 12)), np.full(2, 1000.0))
    assert invariance_steps(factor, both) == ()
    assert fit_factors(factor, Moments(impossible[None], both.mean[:1], both.n[:1]), None) is None
    assert fit_factors(factor, Moments(possible[None], both.mean[:1], both.n[:1]), None) is not None


def test_correction_by_normal_resamples_is_none():
    """Resamples of a simple random sample of normal items: a statistic of df degrees of freedom."""
    rng = np.random.default_rng(5)
    root, n = np.linalg.cholesky(implied()), 500
    drawn = rng.normal(size=(400, n, 6)) @ root.T
    deviations = (np.einsum("rni,rnj->rij", drawn, drawn) / n - implied()) / np.sqrt(400)
    worse = implied()
    worse[0, 4] = worse[4, 0] = worse[0, 4] + 6
    plain = fit_factors(FACTOR, moments(worse, n=n), None)
    robust = fit_factors(FACTOR, moments(worse, n=n), deviations)
    assert robust.indices.chi2 == pytest.approx(plain.indices.chi2, rel=0.08)
    assert robust.indices.cfi == pytest.approx(plain.indices.cfi, abs=0.01)
    doubled = fit_factors(FACTOR, moments(worse, n=n), deviations * np.sqrt(2))
    assert doubled.indices.chi2 == pytest.approx(robust.indices.chi2 / 2)
    assert doubled.loading_se == pytest.approx(robust.loading_se * np.sqrt(2))


LAM = LOADING[:, None] * np.eye(2)[FACTOR]
INTERCEPT = np.array([70.0, 75.0, 72.0, 68.0, 74.0, 71.0])


@pytest.mark.parametrize(
    ("loading", "shift", "held"),
    [
        (LOADING, np.zeros(6), [True, True, True]),
        (LOADING, np.array([0, 0, 0, 0, 0, 9.0]), [True, True, False]),
        (LOADING * [1, 1, 0.3, 1, 1, 1], np.zeros(6), [True, False, False]),
    ],
)
def test_invariance_of_groups_with_other_levels_and_spreads(loading, shift, held):
    """Groups may differ in what they feel; how they answer is what must not differ."""
    first = implied()
    second = implied(loading, np.array([[1.6, 0.5], [0.5, 0.8]]), UNIQUE * 1.3)
    means = [INTERCEPT, INTERCEPT + LAM @ [0.5, -0.4] + shift]
    steps = invariance_steps(FACTOR, moments(first, second, means=means))
    assert [step.holds for step in steps] == held
    assert [step.indices.df for step in steps] == [16, 20, 24]


def test_fit_of_a_model_without_degrees_of_freedom():
    found = FitIndices.of((0.0, 0.0), (50.0, 3.0), n=100.0)
    assert np.isnan(found.cfi)
    assert np.isnan(found.p)


def test_reliability_of_means():
    """Means 1, 3, 5 vary by 4; errors of 1 leave 3 of 4, and 3n would be needed for 0.9."""
    found = mean_reliability(np.array([1.0, 3.0, 5.0]), np.ones(3), np.full(3, 50.0))
    assert found is not None
    assert found.reliability == pytest.approx(0.75)
    assert found.needed_n == pytest.approx(150)
    assert found.areas == 3


def test_means_that_differ_by_chance_alone():
    found = mean_reliability(np.array([1.0, 1.1, 0.9]), np.ones(3), np.full(3, 50.0))
    assert found is not None
    assert found.reliability == 0.0
    assert np.isnan(found.needed_n)


def test_two_areas_say_nothing():
    assert mean_reliability(np.array([1.0, 3.0, np.nan]), np.ones(3), np.ones(3)) is None
