"""The step between two questionnaires: by hand, against a known truth, and as it was planned."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.truth import bridge
from survey.estimate import (
    BridgedTree,
    Cube,
    CubeSpec,
    Design,
    Node,
    Tree,
    carried_variance,
    carry,
    cube_change,
    plan_smaller_part,
    smooth_steps,
)

DESIGN = Design("w", strata="stratum", psu="psu")
LATER = Tree((Node("a", None, 1, 0.6), Node("b", None, 1, 0.4)), {"x": "a", "y": "b", "z": "b"})
EARLIER = Tree((Node("1", None, 1, 1.0),), {"x": "1", "old": "1"})


def rows_of(seed: int, items: tuple[str, ...], points: range, ids: int = 15) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    psu = np.repeat(np.array(points), ids)
    answers = {item: rng.integers(1, 11, len(psu)).astype(np.int8) for item in items}
    columns = {"psu": psu, "stratum": psu % 2, "w": rng.uniform(0.5, 2, len(psu))}
    return pd.DataFrame(columns | answers)


def step_between(earlier: pd.DataFrame, later: pd.DataFrame) -> pd.Series:
    cubes = [
        Cube.of(frame, CubeSpec(BridgedTree.select(tree, names), DESIGN, {"nation": None},
                                {"all": None}))
        for frame, tree, names in (
            (earlier, EARLIER, {"a": "1", "composite": "composite"}),
            (later, LATER, {"a": "a", "composite": "composite"}),
        )
    ]  # fmt: skip
    table = cube_change(*cubes).set_index("indicator")
    assert list(table.index) == ["a", "composite"]
    return table.iloc[1]


def totals_by_hand(frame: pd.DataFrame, shares: dict[str, float]) -> tuple[float, pd.DataFrame]:
    """The score of a questionnaire, and the linearised total of each point, written out."""
    score, z = 0.0, pd.Series(0.0, frame.index)
    for item, share in shares.items():
        value = (frame[item].astype(float) - 1) / 9 * 100
        mean = np.average(value, weights=frame["w"])
        score += share * mean
        z = z + share * frame["w"] * (value - mean) / frame["w"].sum()
    return score, frame.assign(z=z).groupby(["stratum", "psu"], as_index=False)[["z"]].sum()


def variance_by_hand(points: pd.DataFrame) -> float:
    return sum(
        len(z) / (len(z) - 1) * ((z - z.mean()) ** 2).sum()
        for _, z in points.groupby("stratum")["z"]
    )


EARLIER_SHARES, LATER_SHARES = {"x": 0.5, "old": 0.5}, {"x": 0.6, "y": 0.2, "z": 0.2}


def test_points_of_their_own_add_their_variances() -> None:
    earlier, later = rows_of(1, ("x", "old"), range(6)), rows_of(2, ("x", "y", "z"), range(6, 24))
    found = step_between(earlier, later)
    before, first = totals_by_hand(earlier, EARLIER_SHARES)
    after, second = totals_by_hand(later, LATER_SHARES)
    assert found["difference"] == pytest.approx(after - before, rel=1e-10)
    variance = variance_by_hand(first) + variance_by_hand(second)
    assert found["se"] ** 2 == pytest.approx(variance, rel=1e-10)
    assert (found["n_before"], found["n_after"]) == (90, 270)


def test_two_questionnaires_at_the_same_points_bring_their_covariance() -> None:
    earlier, later = rows_of(1, ("x", "old"), range(12)), rows_of(2, ("x", "y", "z"), range(12))
    shift = np.random.default_rng(3).integers(0, 4, 12)
    for frame in (earlier, later):
        for item in ("x", "y", "z", "old"):
            if item in frame:
                frame[item] = np.minimum(frame[item] + shift[frame["psu"]], 10).astype(np.int8)
    first = totals_by_hand(earlier, EARLIER_SHARES)[1]
    second = totals_by_hand(later, LATER_SHARES)[1]
    both = first.assign(z=second["z"] - first["z"])
    found = step_between(earlier, later)
    assert found["se"] ** 2 == pytest.approx(variance_by_hand(both), rel=1e-10)
    assert found["se"] ** 2 < variance_by_hand(first) + variance_by_hand(second)


def test_cities_are_drawn_to_the_mean_step_as_far_as_they_are_unsure() -> None:
    rng = np.random.default_rng(4)
    direct, variance = rng.normal(2, 1.5, 30), np.where(np.arange(30) < 15, 0.1, 20.0)
    direct[29] = np.nan
    found = smooth_steps(direct, variance, fewest=20)
    assert (np.abs(found.step - direct)[:15] < 0.3).all()
    assert found.own[:15].min() > 0.8 > 0.4 > found.own[15:].max()
    assert np.isfinite(found.step[29])
    assert found.own[29] == 0
    few = smooth_steps(direct, variance, fewest=31)
    np.testing.assert_array_equal(few.step, direct)
    np.testing.assert_array_equal(few.mse[:29], variance[:29])


def test_a_score_less_its_own_step_has_the_error_of_the_earlier_questionnaire() -> None:
    step, later, earlier = np.array([2.5]), np.array([0.5]), np.array([2.0])
    alone = smooth_steps(np.array([1.0]), step, fewest=20)
    assert carried_variance(alone, step, later, earlier) == pytest.approx(earlier)
    none = smooth_steps(np.array([*np.linspace(0, 4, 25), np.nan]), np.full(26, 1.0), fewest=20)
    own_less = carried_variance(none, *(np.full(26, v) for v in (np.nan, 0.5, np.nan)))
    assert own_less[25] == pytest.approx(0.5 + none.mse[25])


def test_a_carried_score_has_the_errors_of_both() -> None:
    assert carry((80, 77, 84), (-2, -6, 1)) == pytest.approx((78, 73, 83))


@pytest.mark.parametrize(("half", "total"), [(0.5, 62_000), (1.0, 9_000)])
def test_the_plan_is_the_smaller_part_with_the_promised_width(half: float, total: int) -> None:
    size = plan_smaller_part(half, total=total, spread=14, deff=1.5)
    assert size is not None
    assert size < total / 2
    width = [1.959964 * 14 * np.sqrt(1.5 * (1 / m + 1 / (total - m))) for m in (size, size - 1)]
    assert width[0] <= half < width[1]


def test_half_of_a_small_wave_may_be_too_few() -> None:
    assert plan_smaller_part(0.5, total=3_000, spread=14, deff=1.5) is None
    assert plan_smaller_part(0, total=3_000, spread=14, deff=1.5) is None


def test_a_planted_step_is_found_and_its_intervals_hold() -> None:
    found = bridge.measure(waves=16, seed=6, spread=2.0)
    assert abs(found["nation off"]) <= 0.15
    assert found["nation held"] >= 0.85
    assert 0.93 <= found["cities held"] <= 0.975
    assert 0.93 <= found["carried held"] <= 0.975
    assert found["error / direct error"] <= 0.8
    # The sample that is planned for a width is the one that has it.
    assert found["planned / drawn"] == pytest.approx(1, abs=0.12)
