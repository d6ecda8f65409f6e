"""Change between waves and their mean: shared PSUs, matched cities, false-discovery rate."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from survey.estimate import Design, Node, Tree, change, estimate, pooled_mean
from survey.estimate.change import benjamini_hochberg
from tests.estimate.naive_estimates import combination, degrees, variance, wave

DESIGN = Design("weight", strata="stratum", psu="psu")
KEYS = ["before", "after", "difference", "se", "ci_low", "ci_high", "df", "p", "p_adjusted"]


def row(table, **keys):
    for name, value in keys.items():
        table = table[table[name] == value]
    assert len(table) == 1
    return table.iloc[0]


def test_the_same_psus_bring_their_covariance():
    before, after = wave(seed=1), wave(seed=2)
    table = change(before, after, ["q0", "q1"], DESIGN, by="city")
    assert list(table.columns) == ["city", "variable", *KEYS, "status"]
    both = pd.concat([before, after], ignore_index=True)
    for city in before["city"].unique():
        ends, linear = [], np.zeros(len(both))
        for sign, part in ((-1, slice(0, len(before))), (1, slice(len(before), None))):
            rows = np.zeros(len(both), dtype=bool)
            rows[part] = (both["city"] == city).to_numpy()[part]
            theta, z = combination(both, {"q0": 1.0}, "weight", rows)
            ends.append(theta)
            linear += sign * z
        change_row = row(table, city=city, variable="q0")
        assert change_row["before"] == pytest.approx(ends[0], rel=1e-12)
        assert change_row["after"] == pytest.approx(ends[1], rel=1e-12)
        assert change_row["difference"] == pytest.approx(ends[1] - ends[0], rel=1e-12)
        expected = variance(both, linear, "stratum", "psu")
        assert change_row["se"] == pytest.approx(np.sqrt(expected), rel=1e-10)
        rows = (both["city"] == city).to_numpy()
        assert change_row["df"] == degrees(both, rows, "weight", "stratum", "psu")


def test_other_psus_are_independent():
    before, after = wave(seed=1), wave(seed=2, psus=4)
    after["psu"] += 100
    changes = change(before, after, "q0", DESIGN, by="city")
    first, second = (estimate(frame, "q0", DESIGN, by="city") for frame in (before, after))
    np.testing.assert_allclose(changes["se"] ** 2, first["se"] ** 2 + second["se"] ** 2, rtol=1e-12)
    assert (changes["df"] == first["df"] + second["df"]).all()


def test_some_shared_psus():
    """Cov = sqrt(c1 c2) sum over shared PSUs of (z1 - zbar1)(z2 - zbar2)."""
    before, after = wave(seed=3, cities=2), wave(seed=4, cities=2, psus=6)
    before = before[before["psu"] != 1]
    after["psu"] += 2
    changes = change(before, after, "q0", DESIGN, by="city")
    waves = []
    for frame in (before.reset_index(drop=True), after):
        rows = (frame["city"] == "C0").to_numpy()
        _, z = combination(frame, {"q0": 1.0}, "weight", rows)
        totals = frame.assign(z=z).groupby(["stratum", "psu"])["z"].sum()
        size = totals.groupby("stratum").transform("size")
        centred = totals - totals.groupby("stratum").transform("mean")
        waves.append(centred * np.sqrt(size / (size - 1)))
    joint = pd.concat(waves, axis=1, keys=["first", "second"]).dropna()
    expected = (waves[0] ** 2).sum() + (waves[1] ** 2).sum() - 2 * joint.prod(axis=1).sum()
    assert row(changes, city="C0")["se"] == pytest.approx(np.sqrt(expected), rel=1e-12)
    assert row(changes, city="C0")["df"] == (8 - 2) + (12 - 2) - (6 - 2)


@pytest.mark.parametrize("rule", ["adjust", "certainty", "average"])
def test_no_change_is_no_change(rule):
    frame = wave(seed=5)
    frame.loc[frame["stratum"] == "H2", "psu"] = 0
    design = Design("weight", strata="stratum", psu="psu", lonely_psu=rule)
    table = change(frame, frame.sample(frac=1, random_state=0), "q0", design, by="city")
    assert (table["difference"] == 0).all()
    np.testing.assert_allclose(table["se"], 0, atol=1e-6)


def test_matched_cities():
    before, after = wave(seed=1), wave(seed=2, cities=6)
    change_row = change(before, after, "q0", DESIGN, matched="city").iloc[0]
    kept = after[after["city"].isin(before["city"])]
    assert change_row["after"] == pytest.approx(estimate(kept, "q0", DESIGN).loc[0, "estimate"])
    everything = change(before, after, "q0", DESIGN).iloc[0]
    assert everything["after"] == pytest.approx(estimate(after, "q0", DESIGN).loc[0, "estimate"])


def test_a_city_in_one_wave_only():
    before, after = wave(seed=1, cities=3), wave(seed=2, cities=4)
    table = change(before, after, "q0", DESIGN, by="city")
    change_row = row(table, city="C3")
    assert change_row["status"] == "empty"
    assert np.isnan(change_row["before"])
    assert np.isfinite(change_row["after"])
    assert np.isnan(change_row["p_adjusted"])
    assert row(table, city="C2")["status"] == "ok"


def test_tree_and_no_recorded_points():
    tree = Tree((Node("q0", None, 1, 0.5), Node("q1", None, 1, 0.5)))
    before, after = wave(seed=1), wave(seed=2)
    assert change(before, after, tree, DESIGN)["variable"].tolist() == ["q0", "q1", "composite"]
    design = Design("weight", assumed_deff=1.4)
    table = change(before, after, "q0", design, by="city")
    first, second = (estimate(frame, "q0", design, by="city") for frame in (before, after))
    np.testing.assert_allclose(table["se"] ** 2, first["se"] ** 2 + second["se"] ** 2, rtol=1e-12)
    assert table.attrs["assumed_deff"] == 1.4


def test_benjamini_hochberg():
    """Benjamini and Hochberg (1995), section 3.2: the first four of fifteen are rejected."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344]
    p += [0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    column = np.array([*p, np.nan])[::-1].reshape(-1, 1)
    adjusted = benjamini_hochberg(column, np.zeros(1, dtype=int))[::-1, 0]
    assert (adjusted[:15] <= 0.05).sum() == 4
    assert adjusted[0] == pytest.approx(0.0015)
    assert adjusted[3] == pytest.approx(0.035625)
    assert adjusted[6] == pytest.approx(0.0298 * 15 / 7)
    assert np.isnan(adjusted[15])


def test_a_mean_of_two_waves_by_hand() -> None:
    first = np.array([80.0, 80.0, 70.0, np.nan])
    two = np.array([82.0, 82.0, 74.0, 75.0])
    pooled = pooled_mean(
        (first, two),
        (np.array([3.0, 3.0, 1.0, np.nan]), np.array([4.0, 4.0, 1.0, 1.0])),
        (np.full(4, 40.0), np.array([30.0, 30.0, 30.0, 30.0])),
        # Nothing shared: V(change) = 9 + 16. A lot shared: V(change) = 5. The last: unknown.
        change_se=np.array([5.0, np.sqrt(5.0), np.nan, 1.0]),
        level=0.95,
    )
    assert pooled.estimate[:2].tolist() == [81.0, 81.0]
    t = stats.t.ppf(0.975, 30)
    assert pooled.high[0] - 81 == pytest.approx(t * 2.5)
    assert pooled.high[1] - 81 == pytest.approx(t * np.sqrt(25 / 2 - 5 / 4))
    assert pooled.low[1] == pytest.approx(162 - pooled.high[1])
    assert np.isnan([pooled.estimate[2:], pooled.low[2:], pooled.high[2:]]).all()


def test_the_variance_of_a_mean_of_two_waves() -> None:
    rng = np.random.default_rng(3)
    shared = rng.normal(0, 1, 400_000)
    first = 80 + 2 * shared + rng.normal(0, 1, shared.size)
    two = 81 + 1 * shared + rng.normal(0, 2, shared.size)
    pooled = pooled_mean(
        (np.array([80.0]), np.array([81.0])),
        (np.array([np.std(first)]), np.array([np.std(two)])),
        (np.array([np.inf]), np.array([np.inf])),
        change_se=np.array([np.std(two - first)]),
        level=0.95,
    )
    expected = stats.norm.ppf(0.975) * np.std((first + two) / 2)
    assert pooled.high[0] - pooled.estimate[0] == pytest.approx(expected, rel=1e-9)
