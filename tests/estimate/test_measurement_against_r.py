"""Agreement of reliability, factor models and item bias with R psych, lavaan and MASS."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from survey.estimate.factor_fit import fit_factors, invariance_steps
from survey.estimate.factor_model import Moments
from survey.estimate.item_bias import fit_ordinal
from survey.estimate.reliability import (
    alpha_if_dropped,
    cronbach_alpha,
    item_rest_correlation,
    mcdonald_omega,
    split_half,
)

DATA = Path(__file__).parent / "data"
ITEMS = [f"x{i}" for i in range(1, 10)]
FACTOR = np.repeat(np.arange(3), 3)
PUPILS = pd.read_csv(DATA / "holzinger.csv")
CASES = {
    case: dict(zip(part["key"], part["value"], strict=True))
    for case, part in pd.read_csv(DATA / "r_measurement.csv").groupby("case", sort=False)
}


def weighted_moments(*groups: pd.DataFrame) -> Moments:
    covariances, means = [], []
    for rows in groups:
        y, w = rows[ITEMS].to_numpy(), rows["weight"].to_numpy()
        means.append(w @ y / w.sum())
        centred = y - means[-1]
        covariances.append((centred * w[:, None]).T @ centred / w.sum())
    sizes = np.array([float(len(rows)) for rows in groups])
    return Moments(np.stack(covariances), np.stack(means), sizes)


def psu_deviations(moments: Moments) -> np.ndarray:
    """Return linearised totals of the covariances by PSU, centred in their strata."""
    weight = PUPILS["weight"].to_numpy()
    off = PUPILS[ITEMS].to_numpy() - moments.mean[0]
    each = (off[:, :, None] * off[:, None, :] - moments.covariance) * weight[:, None, None]
    found = []
    for rows in PUPILS.groupby("school").indices.values():
        codes, labels = pd.factorize(PUPILS["psu"].to_numpy()[rows])
        totals = np.zeros((len(labels), 9, 9))
        np.add.at(totals, codes, each[rows] / weight.sum())
        found.append((totals - totals.mean(axis=0)) * np.sqrt(len(labels) / (len(labels) - 1)))
    return np.concatenate(found)


@pytest.mark.parametrize("case", [case for case in CASES if case.startswith("reliability")])
def test_reliability(case):
    names = case.split("|")[1].split("+")
    expected = CASES[case]
    own = [ITEMS.index(name) for name in names]
    covariance = weighted_moments(PUPILS).covariance[:, own][:, :, own]
    assert cronbach_alpha(covariance)[0] == pytest.approx(expected["alpha"], rel=1e-9)
    dropped = [expected[f"dropped_{name}"] for name in names]
    np.testing.assert_allclose(alpha_if_dropped(covariance)[0], dropped, rtol=1e-9)
    rest = [expected[f"rest_{name}"] for name in names]
    np.testing.assert_allclose(item_rest_correlation(covariance)[0], rest, rtol=1e-9)
    assert split_half(covariance)[0] == pytest.approx(expected["split_half"], rel=1e-9)
    assert mcdonald_omega(covariance)[0] == pytest.approx(expected["omega"], abs=1e-6)
    spread = np.sqrt(np.diag(covariance[0]))
    correlation = covariance / np.outer(spread, spread)
    assert mcdonald_omega(correlation)[0] == pytest.approx(expected["omega_psych"], abs=1e-6)


@pytest.mark.parametrize("kind", ["plain", "robust"])
def test_factor_model_and_its_test(kind):
    expected, moments = CASES[f"model|{kind}"], weighted_moments(PUPILS)
    found = fit_factors(FACTOR, moments, psu_deviations(moments) if kind == "robust" else None)
    assert found is not None
    for key in ("chi2", "df", "cfi", "tli", "rmsea"):
        assert getattr(found.indices, key) == pytest.approx(expected[key], abs=1e-6, rel=1e-6), key
    assert found.srmr == pytest.approx(expected["srmr"], abs=1e-6)
    for key, values in (("loading", found.loading), ("standardised", found.standardised)):
        np.testing.assert_allclose(values, [expected[f"{key}_{i}"] for i in ITEMS], atol=1e-6)
    phi = [expected["phi_12"], expected["phi_13"], expected["phi_23"]]
    np.testing.assert_allclose(found.correlation[[0, 0, 1], [1, 2, 2]], phi, atol=1e-6)
    if kind == "robust":
        errors = [expected[f"se_{item}"] for item in ITEMS]
        np.testing.assert_allclose(found.loading_se, errors, atol=1e-6)


def test_invariance_over_schools():
    steps = invariance_steps(FACTOR, weighted_moments(*(r for _, r in PUPILS.groupby("school"))))
    assert [step.level for step in steps] == ["configural", "metric", "scalar"]
    for step in steps:
        expected = CASES[f"invariance|{step.level}"]
        for key, value in expected.items():
            assert getattr(step.indices, key) == pytest.approx(value, abs=1e-6, rel=1e-6), key
    assert steps[1].cfi_loss == pytest.approx(
        CASES["invariance|configural"]["cfi"] - CASES["invariance|metric"]["cfi"], abs=1e-6
    )
    # Textbook: the schools' loadings agree, their intercepts do not.
    assert steps[1].holds
    assert not steps[2].holds


def test_ordinal_model_of_group_and_band():
    counts = pd.read_csv(DATA / "ordinal_counts.csv")
    table = np.zeros((3, 6, 6))
    for group, band, answer, n in counts[["group", "band", "answer", "n"]].to_numpy():
        table["abc".index(group), band, answer - 1] = n
    bands = np.tile(np.eye(6)[:, 1:], (3, 1))
    group = np.repeat(np.eye(3)[:, 1:], 6, axis=0)
    slope, whole = fit_ordinal(table.reshape(18, 6), np.hstack([bands, group]))
    _, alone = fit_ordinal(table.reshape(18, 6), bands)
    expected = CASES["ordinal"]
    assert slope[5:] == pytest.approx([expected["group_b"], expected["group_c"]], abs=1e-5)
    assert alone - whole == pytest.approx(expected["deviance"], abs=1e-6)
