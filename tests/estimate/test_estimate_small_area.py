"""Fay–Herriot: R sae's figures, the likelihood maximised by brute force, and the edges."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

from benchmarks.truth import small_areas
from survey.estimate import EstimateError, fay_herriot

AREAS = pd.read_csv(Path(__file__).parent / "data" / "r_sae.csv").set_index("area")
COVARIATES = AREAS[["city", "region"]]


@pytest.mark.parametrize("case", ["", "_flat"])
def test_same_as_sae(case):
    model = fay_herriot(AREAS[f"direct{case}"], AREAS["variance"], COVARIATES)
    assert model.model_variance == pytest.approx(AREAS[f"model_variance{case}"].iloc[0], rel=1e-6)
    np.testing.assert_allclose(model.eblup, AREAS[f"eblup{case}"], rtol=1e-10)
    np.testing.assert_allclose(model.mse, AREAS[f"mse{case}"], rtol=1e-10)


def negative_restricted_likelihood(model, y, x, psi):
    v = np.diag(1 / (model + psi))
    information = x.T @ v @ x
    residual = y - x @ np.linalg.solve(information, x.T @ v @ y)
    return (
        np.log(model + psi).sum() + np.linalg.slogdet(information)[1] + residual @ v @ residual
    ) / 2


def test_model_variance_maximises_the_restricted_likelihood():
    model = fay_herriot(AREAS["direct"], AREAS["variance"], COVARIATES, tolerance=1e-10)
    region = pd.get_dummies(AREAS["region"], dtype=float)[["middle", "west"]]
    x = np.column_stack([np.ones(len(AREAS)), AREAS["city"], region])
    best = optimize.minimize_scalar(
        negative_restricted_likelihood,
        bounds=(0, 50),
        args=(AREAS["direct"].to_numpy(), x, AREAS["variance"].to_numpy()),
        method="bounded",
        options={"xatol": 1e-9},
    )
    assert model.model_variance == pytest.approx(best.x, rel=1e-5)
    assert model.coefficients.index.tolist() == [
        "intercept",
        "city",
        "region_middle",
        "region_west",
    ]


def test_adjusted_variance_maximises_the_likelihood_times_itself():
    model = fay_herriot(
        AREAS["direct_flat"], AREAS["variance"], COVARIATES, likelihood="adjusted", tolerance=1e-9
    )
    region = pd.get_dummies(AREAS["region"], dtype=float)[["middle", "west"]]
    x = np.column_stack([np.ones(len(AREAS)), AREAS["city"], region])
    y, psi = AREAS["direct_flat"].to_numpy(), AREAS["variance"].to_numpy()
    tried = model.model_variance * np.array([0.5, 0.99, 1.01, 2])
    best = negative_restricted_likelihood(model.model_variance, y, x, psi)
    best -= np.log(model.model_variance)
    others = [negative_restricted_likelihood(each, y, x, psi) - np.log(each) for each in tried]
    assert model.model_variance > 0
    assert min(others) > best
    assert (model.shrinkage > 0).all()


@pytest.mark.parametrize("ratio", [0.25, 1.0])
def test_intervals_hold_where_areas_hardly_vary(ratio):
    """A short run of benchmarks/truth/small_areas.py."""
    adjusted = small_areas.measure(100, ratio, "adjusted", samples=30)
    assert 0.935 <= adjusted.held <= 0.97
    assert adjusted.claimed == pytest.approx(adjusted.error, rel=0.15)
    if ratio < 1:
        assert small_areas.measure(100, ratio, "restricted", samples=30).held < adjusted.held


def test_shrinkage():
    model = fay_herriot(AREAS["direct"], AREAS["variance"], COVARIATES)
    expected = model.model_variance / (model.model_variance + AREAS["variance"])
    np.testing.assert_allclose(model.shrinkage, expected)
    mixed = model.shrinkage * AREAS["direct"] + (1 - model.shrinkage) * model.synthetic
    np.testing.assert_allclose(model.eblup, mixed)
    assert (model.mse < AREAS["variance"]).mean() > 0.8
    flat = fay_herriot(AREAS["direct_flat"], AREAS["variance"], COVARIATES)
    assert flat.model_variance == 0.0
    assert (flat.shrinkage == 0).all()


def test_area_without_direct_estimate_gets_the_synthetic_one():
    direct = AREAS["direct"].copy()
    direct.iloc[3] = np.nan
    model = fay_herriot(direct, AREAS["variance"], COVARIATES)
    others = fay_herriot(
        direct.drop(index=3), AREAS["variance"].drop(index=3), COVARIATES.drop(index=3)
    )
    assert model.model_variance == pytest.approx(others.model_variance)
    assert model.eblup[3] == model.synthetic[3]
    assert model.shrinkage[3] == 0
    assert model.mse[3] > model.model_variance
    np.testing.assert_allclose(model.eblup.drop(index=3), others.eblup)


def test_unusable_input():
    direct, variance = AREAS["direct"], AREAS["variance"]
    zero = variance.where(variance.index != 5, 0.0)
    twice = COVARIATES.assign(again=COVARIATES["city"] * 2)
    for call, code in [
        (lambda: fay_herriot(direct, zero, COVARIATES), "bad_variance"),
        (lambda: fay_herriot(direct, variance, twice), "collinear"),
        (lambda: fay_herriot(direct[:3], variance[:3], COVARIATES[:3]), "too_few_areas"),
        (lambda: fay_herriot(direct, variance, COVARIATES[:20]), "missing_value"),
    ]:
        with pytest.raises(EstimateError) as caught:
            call()
        assert caught.value.code == code
