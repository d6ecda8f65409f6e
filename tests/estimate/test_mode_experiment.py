"""Effects of a mode experiment: by hand, against a known truth, and the edges."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.truth import mode_experiment
from survey.estimate import Design
from survey.estimate.case_mix import (
    CaseMixModel,
    CaseMixRows,
    CitySums,
    PointSums,
    compare_fairly,
    give_effect,
)
from survey.estimate.mode_experiment import (
    ExperimentEffects,
    ExperimentRows,
    ExperimentSums,
    estimate_effects,
    find_used_effects,
    standardise_difference,
)

DESIGN = Design("w", strata="stratum", psu="point")
OMEGA = np.array([[0.25, 0.75], [1.0, 0.0]])


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    point = np.repeat(np.arange(24), 9)
    offered = (np.arange(24) % 3 == 0)[point].astype(float)
    switched = rng.random(len(point)) < 0.2
    used = np.where(switched, 1 - offered, offered)
    y1 = 60 + 4 * used + rng.normal(0, 5, len(point)) + rng.normal(0, 2, 24)[point]
    y2 = 80 - used + rng.normal(0, 5, len(point))
    return pd.DataFrame(
        {
            "city": point // 8, "stratum": point // 4, "point": point, "offered": offered,
            "used": used, "w": rng.uniform(0.5, 2, len(point)), "y1": y1,
            "y2": np.where(rng.random(len(point)) < 0.1, np.nan, y2),
        }
    )  # fmt: skip


def estimate(frame: pd.DataFrame, omega: np.ndarray = OMEGA) -> ExperimentEffects:
    cities = [
        ExperimentSums.of(
            ExperimentRows(
                part[["y1", "y2"]].to_numpy(), part["offered"].to_numpy(float),
                part["used"].to_numpy(float), part["w"].to_numpy(), part[["stratum", "point"]],
            )
        )
        for _, part in frame.groupby("city")
    ]  # fmt: skip
    return estimate_effects(cities, omega, DESIGN)


def regress_by_hand(frame: pd.DataFrame, y: str, column: str) -> tuple[float, pd.Series]:
    """The effect of `column` with the offer as instrument and a term for each city, written out.

    Two-stage least squares in full matrices, and the linearised total of each point.
    """
    own = frame[frame[y].notna()]
    cities = pd.get_dummies(own["city"]).to_numpy(float)
    x = np.column_stack([own[column], cities])
    z = np.column_stack([own["offered"], cities])
    w = own["w"].to_numpy()[:, None]
    bread = np.linalg.inv(z.T @ (w * x))
    beta = bread @ (z.T @ (w[:, 0] * own[y].to_numpy()))
    scores = (w * z) * (own[y].to_numpy() - x @ beta)[:, None] @ bread.T
    total = pd.Series(scores[:, 0], own.index).groupby([own["stratum"], own["point"]]).sum()
    return float(beta[0]), total


def error_by_hand(total: pd.Series) -> float:
    variance = sum(
        len(z) / (len(z) - 1) * ((z - z.mean()) ** 2).sum() for _, z in total.groupby("stratum")
    )
    return float(np.sqrt(variance))


@pytest.mark.parametrize(("name", "column"), [("offered", "offered"), ("used", "used")])
def test_effects_and_errors_are_those_written_out(
    frame: pd.DataFrame, name: str, column: str
) -> None:
    found = estimate(frame)
    (first, z1), (second, z2) = (regress_by_hand(frame, y, column) for y in ("y1", "y2"))
    effect, error = getattr(found, name), getattr(found, f"{name}_se")
    assert effect == pytest.approx([0.25 * first + 0.75 * second, first], rel=1e-10)
    assert error == pytest.approx(
        [error_by_hand(0.25 * z1 + 0.75 * z2), error_by_hand(z1)], rel=1e-10
    )
    assert found.df == 24 - 6


def test_what_was_used_is_the_offer_over_those_whom_it_moved(frame: pd.DataFrame) -> None:
    whole = frame.assign(y1=frame["y1"], y2=frame["used"] * 100)
    found = estimate(whole, np.eye(2))
    assert found.used[0] == pytest.approx(found.offered[0] / (found.offered[1] / 100))
    assert found.used[1] == pytest.approx(100)
    alike = estimate(frame.assign(used=frame["offered"]))
    np.testing.assert_allclose(alike.used, alike.offered)
    np.testing.assert_allclose(alike.used_se, alike.offered_se)


def test_an_offer_that_moves_nobody_says_nothing_of_what_was_used(frame: pd.DataFrame) -> None:
    found = estimate(frame.assign(used=0.0))
    assert np.isfinite(found.offered).all()
    assert np.isnan(found.used).all()
    assert np.isnan(found.used_se).all()


def test_a_side_without_answers_has_no_effect(frame: pd.DataFrame) -> None:
    found = estimate(frame.assign(y2=frame["y2"].where(frame["offered"] == 0)))
    assert np.isnan(found.offered[0])
    assert np.isfinite(found.offered[1])


def test_a_city_of_one_side_and_the_scale_of_weights_change_no_effect(frame: pd.DataFrame) -> None:
    further = frame.assign(city=9, stratum=9 + frame["stratum"], point=99 + frame["point"])
    more = pd.concat([frame, further.assign(offered=1.0, used=1.0)])
    one, other = estimate(frame), estimate(more.assign(w=more["w"] * 7))
    np.testing.assert_allclose(one.offered, other.offered)
    np.testing.assert_allclose(one.used_se, other.used_se)


def adjust(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Adjusted scores and shifts of the cities, with the experiment's effect given."""
    plain = [
        CaseMixRows(
            part[["y1", "y2"]].to_numpy(), part[["old", "used"]].to_numpy(float),
            part["w"].to_numpy(), part[["stratum", "point"]].reset_index(drop=True),
        )
        for _, part in frame.groupby("city")
    ]  # fmt: skip
    used = find_used_effects(
        [
            ExperimentSums.of(
                ExperimentRows(
                    own.scores, part["offered"].to_numpy(float), own.x[:, 1], own.weight, own.points
                )
            )
            for own, (_, part) in zip(plain, frame.groupby("city"), strict=True)
        ]
    )
    model = CaseMixModel.fit_given(map(CitySums.of, plain), used.effect)
    points = [
        give_effect(PointSums.of(own, means, model.beta), used.points, used.z)
        for own, means in zip(plain, model.cities, strict=True)
    ]
    found = compare_fairly(model, points, OMEGA, DESIGN, [1])
    return found.shift, np.stack([found.shift_se, found.adjusted_se])


def adjust_by_hand(frame: pd.DataFrame) -> np.ndarray:
    """Shifts and adjusted scores (2, C, I): two-stage least squares, then what age adds."""
    shifts, raws = [], []
    for y in ("y1", "y2"):
        own = frame[frame[y].notna()]
        effect, _ = regress_by_hand(frame, y, "used")
        cities = pd.get_dummies(own["city"]).to_numpy(float)
        x, w = np.column_stack([own["old"], cities]), own["w"].to_numpy()
        left = own[y].to_numpy() - effect * own["used"].to_numpy()
        age = np.linalg.solve(x.T @ (w[:, None] * x), x.T @ (w * left))[0]
        total = age * own["old"].to_numpy() + effect * own["used"].to_numpy()
        mean = w @ total / w.sum()
        share = (w[:, None] * cities) / (w @ cities)
        shifts.append(share.T @ total - mean)
        raws.append(share.T @ own[y].to_numpy())
    shift, raw = (np.array(each).T @ OMEGA.T for each in (shifts, raws))
    return np.stack([shift, raw - shift])


def test_a_fair_comparison_takes_the_effect_of_the_mode_from_the_experiment(
    frame: pd.DataFrame,
) -> None:
    """Errors are those of numerical derivatives of the whole by the weight of each point."""
    older = np.random.default_rng(8).random(len(frame)) < 0.3 + 0.2 * frame["city"]
    frame = frame.assign(old=older.astype(float), y1=frame["y1"] + 3 * older)
    shift, errors = adjust(frame)
    np.testing.assert_allclose(shift, adjust_by_hand(frame)[0], rtol=1e-9)
    step, z = 1e-5, []
    for point in range(24):
        ends = [
            adjust_by_hand(
                frame.assign(w=frame["w"] * np.where(frame["point"] == point, 1 + sign * step, 1))
            )
            for sign in (1, -1)
        ]
        z.append((ends[0] - ends[1]) / (2 * step))
    by_stratum = np.array(z).reshape(6, 4, 2, *shift.shape)
    deviation = by_stratum - by_stratum.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(errors, np.sqrt(4 / 3 * (deviation**2).sum(axis=(0, 1))), rtol=1e-5)


def test_the_difference_of_sides_is_in_standard_deviations() -> None:
    one, other = np.array([1.0, 0.0, 1.0, 1.0]), np.array([0.0, 0.0, 1.0, 0.0])
    assert standardise_difference(one, other) == pytest.approx(0.5 / np.sqrt(3 / 16))
    assert standardise_difference(one, one) == 0
    assert np.isnan(standardise_difference(one, one[:0]))


def test_a_planted_effect_is_found_and_its_intervals_hold() -> None:
    found = mode_experiment.measure(waves=15, seed=3)
    assert abs(found["offered off"]) <= 0.4
    assert abs(found["used off"]) <= 0.6
    assert found["offered held"] >= 0.85
    assert found["used held"] >= 0.85
    # Those who would not use a phone are happier: to leave them out would mislead.
    assert abs(found["obedient off"]) > 3 * abs(found["used off"])
