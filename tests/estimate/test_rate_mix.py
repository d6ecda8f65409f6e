"""Adjusted rates against a plain fit with a column for each city, and its numerical derivatives."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from benchmarks.truth import rate_mix
from survey.estimate import Design
from survey.estimate.case_mix import CaseMixRows
from survey.estimate.rate_mix import (
    FairRates,
    RateModel,
    RatePatterns,
    RatePointSums,
    compare_rates,
)

DESIGN = Design("w", strata="stratum", psu="point")
CITIES, POINTS, ROWS = 3, 4, 30


def wave(seed: int = 1) -> pd.DataFrame:
    """Return three cities of two strata with two points each, and columns a, b, mode."""
    rng = np.random.default_rng(seed)
    size = CITIES * POINTS * ROWS
    frame = pd.DataFrame(
        {
            "city": np.repeat(np.arange(CITIES), POINTS * ROWS),
            "point": np.repeat(np.arange(CITIES * POINTS), ROWS),
            "w": rng.lognormal(0, 0.4, size),
        }
    )
    frame["stratum"] = frame["point"] // 2
    for place, name in enumerate(("a", "b", "mode")):
        frame[name] = rng.random(size) < 0.25 + 0.15 * frame["city"] + 0.05 * place
    log_odds = -0.5 + 0.8 * frame["a"] - 0.6 * frame["b"] + 0.5 * frame["mode"]
    frame["y"] = np.where(rng.random(size) < expit(log_odds), 1.0, 0.0)
    frame.loc[rng.random(size) < 0.1, "y"] = np.nan
    return frame


def rows_of(frame: pd.DataFrame, columns: tuple[str, ...] = ("a", "b", "mode")) -> CaseMixRows:
    return CaseMixRows(
        frame[["y"]].to_numpy(),
        frame[list(columns)].to_numpy(dtype=float),
        frame["w"].to_numpy(),
        frame[["stratum", "point"]].reset_index(drop=True),
    )


def compare(frame: pd.DataFrame, columns: tuple[str, ...] = ("a", "b", "mode")) -> FairRates:
    rows = [rows_of(part, columns) for _, part in frame.groupby("city")]
    model = RateModel.fit([RatePatterns.of(own) for own in rows])
    return compare_rates(
        model,
        [RatePointSums.of(own, place, model.chances) for place, own in enumerate(rows)],
        DESIGN,
    )


def fit_plainly(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return adjusted and plain rates of the cities, by a general optimiser with city columns."""
    own = frame.dropna(subset="y")
    rest = own[["a", "b", "mode"]].to_numpy(dtype=float)
    x = np.column_stack([own["city"].to_numpy()[:, None] == np.arange(CITIES), rest]).astype(float)
    y, w = own["y"].to_numpy(), own["w"].to_numpy()

    def loss(beta: np.ndarray) -> float:
        line = x @ beta
        return float(np.sum(w * (np.logaddexp(0, line) - y * line)) / w.sum())

    def slope(beta: np.ndarray) -> np.ndarray:
        return np.asarray(x.T @ (w * (expit(x @ beta) - y)) / w.sum())

    def curve(beta: np.ndarray) -> np.ndarray:
        p = expit(x @ beta)
        return np.asarray((x * (w * p * (1 - p))[:, None]).T @ x / w.sum())

    start = np.zeros(x.shape[1])
    beta = minimize(loss, start, jac=slope, hess=curve, method="Newton-CG", tol=1e-12).x
    for _ in range(3):  # The optimiser stops early; its curvature finishes the work.
        beta = beta - np.linalg.solve(curve(beta), slope(beta))
    adjusted = [w @ expit(beta[city] + rest @ beta[CITIES:]) / w.sum() for city in range(CITIES)]
    raw = [w[own["city"] == city] @ y[own["city"] == city] for city in range(CITIES)]
    mass = [w[own["city"] == city].sum() for city in range(CITIES)]
    return np.array(adjusted), np.array(raw) / np.array(mass)


def test_adjusted_rates_are_those_of_a_plain_fit() -> None:
    frame = wave()
    np.testing.assert_allclose(compare(frame).adjusted[:, 0], fit_plainly(frame)[0], rtol=1e-9)


def test_errors_are_those_of_numerical_derivatives() -> None:
    """A point's linearised value is what its weight moves: the whole fit is done anew for each."""
    frame = wave()
    found, step = compare(frame), 1e-4
    z_adjusted, z_shift = [], []
    for point in range(CITIES * POINTS):
        ends = []
        for sign in (1, -1):
            factor = np.where(frame["point"] == point, 1 + sign * step, 1.0)
            adjusted, raw = fit_plainly(frame.assign(w=frame["w"] * factor))
            ends.append((adjusted, raw - adjusted))
        z_adjusted.append((ends[0][0] - ends[1][0]) / (2 * step))
        z_shift.append((ends[0][1] - ends[1][1]) / (2 * step))
    for z, errors in ((z_adjusted, found.adjusted_se), (z_shift, found.shift_se)):
        by_stratum = np.array(z).reshape(-1, 2, CITIES)
        variance = 2 * ((by_stratum - by_stratum.mean(axis=1, keepdims=True)) ** 2).sum(axis=(0, 1))
        np.testing.assert_allclose(errors[:, 0], np.sqrt(variance), rtol=1e-5)


def test_order_of_rows_and_scale_of_weights_change_nothing() -> None:
    frame = wave()
    mixed = frame.sample(frac=1, random_state=1).assign(w=lambda each: each["w"] * 7)
    one, other = compare(frame), compare(mixed)
    for name in ("adjusted", "adjusted_se", "shift_se"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-8)


def test_a_city_of_one_answer_has_no_adjusted_rate_and_the_others_keep_theirs() -> None:
    frame = wave()
    whole = frame.assign(y=np.where((frame["city"] == 0) & frame["y"].notna(), 1.0, frame["y"]))
    found = compare(whole)
    assert np.isnan(found.adjusted[0, 0])
    assert np.isfinite(found.adjusted[1:, 0]).all()
    assert np.isfinite(found.shift_se[1:, 0]).all()


def test_a_mode_that_only_tells_cities_apart_determines_no_rate() -> None:
    frame = wave()
    assert np.isnan(compare(frame.assign(mode=frame["city"] == 0)).adjusted).all()


def test_a_column_that_others_determine_changes_no_rate() -> None:
    frame = wave()
    twice = frame.assign(not_a=~frame["a"])
    np.testing.assert_allclose(
        compare(twice, ("a", "b", "mode", "not_a")).adjusted, compare(frame).adjusted, atol=1e-9
    )


def test_a_wave_without_rates_has_none() -> None:
    none = [
        CaseMixRows(np.empty((len(own.weight), 0)), own.x, own.weight, own.points)
        for own in (rows_of(part) for _, part in wave().groupby("city"))
    ]
    model = RateModel.fit([RatePatterns.of(own) for own in none])
    points = [RatePointSums.of(own, place, model.chances) for place, own in enumerate(none)]
    assert compare_rates(model, points, DESIGN).adjusted.shape == (CITIES, 0)


def test_a_level_whose_people_all_answer_alike_stops_nothing() -> None:
    frame = wave()
    alike = frame.assign(y=np.where(frame["b"] & frame["y"].notna(), 0.0, frame["y"]))
    found = compare(alike)
    assert np.isfinite(found.adjusted).all()
    assert np.isfinite(found.adjusted_se).all()


def test_planted_mix_and_mode_are_found() -> None:
    found = rate_mix.measure(waves=12, seed=1)
    assert found["error / raw error"] <= 0.6
    assert found["interval held"] == pytest.approx(0.95, abs=0.05)
    assert found["interval of the shift held"] == pytest.approx(0.95, abs=0.05)


@pytest.mark.parametrize("seed", [17, 49, 97, 134, *range(8)])
def test_rare_levels_with_large_effects_are_fitted_all_the_same(seed: int) -> None:
    """Newton's own steps led away from the solution: chances of 0 and 1 without an error."""
    rng = np.random.default_rng(seed)
    effects, cities = rng.normal(0, 3, 4), []
    for level in rng.normal(-2, 1, 3):
        x = (rng.random((120, 4)) < [0.02, 0.05, 0.2, 0.5]).astype(float)
        y = (rng.random(120) < expit(level + x @ effects)).astype(float)
        rows = CaseMixRows(
            y[:, None], x, rng.choice([1.0, 5.0, 30.0], size=120), pd.DataFrame(index=range(120))
        )
        cities.append(RatePatterns.of(rows))
    sums = RateModel.fit(cities).sums
    mass = sum(city.mass.sum() for city in cities)
    assert np.abs(sums.score / mass).max() < 1e-6
    assert np.abs(sums.x_score / mass).max() < 1e-6
