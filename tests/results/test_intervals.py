"""Rates keep their intervals between 0 and 100, and agree with the estimator's own shares."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from survey.estimate import Design, EstimateError, bound_interval, estimate, pooled_mean, share
from survey.results.analysis import (
    bound_difference_intervals,
    bound_rate_intervals,
    pool_design_effects,
)


def people(rate: float = 0.03) -> pd.DataFrame:
    dice = np.random.default_rng(5)
    size = 400
    return pd.DataFrame(
        {
            "solved": (dice.random(size) < rate).astype(float),
            "weight": 1.0,
            "point": np.repeat(np.arange(40), 10),
        }
    )


def cells(rate: pd.Series) -> pd.DataFrame:
    frame = people().assign(solved=rate * 100)
    table = estimate(frame, ["solved"], Design("weight", psu="point"))
    return table.assign(indicator="solved")


def test_a_rate_has_the_interval_of_a_share() -> None:
    frame = people(0.2)
    result = bound_rate_intervals(cells(frame["solved"]), ["solved"], level=0.95, deff=1.0)
    expected = share(frame, "solved", Design("weight", psu="point")).iloc[0]
    assert result["ci_low"].iloc[0] == pytest.approx(expected["ci_low"] * 100, rel=1e-9)
    assert result["ci_high"].iloc[0] == pytest.approx(expected["ci_high"] * 100, rel=1e-9)


def test_a_rate_near_an_end_has_the_interval_of_its_effective_answers() -> None:
    """Jeffreys' for 12 of 400 answers that count as 200 (Brown, Cai and DasGupta 2001)."""
    rate = people()["solved"]
    assert 0 < rate.mean() < 0.05
    for answers, mirrored in ((rate, False), (1 - rate, True)):
        result = bound_rate_intervals(cells(answers), ["solved"], level=0.95, deff=2.0).iloc[0]
        posterior = stats.beta(rate.mean() * 200 + 0.5, (1 - rate.mean()) * 200 + 0.5)
        ends = posterior.ppf([0.025, 0.975])
        expected = 100 * (1 - ends[::-1] if mirrored else ends)
        assert [result["ci_low"], result["ci_high"]] == pytest.approx(expected)


def test_the_design_effect_is_pooled_over_the_areas_of_a_level() -> None:
    def row(**values: object) -> dict[str, object]:
        usual = {"area_level": "city", "group": "all", "indicator": "solved", "se": 2.0, "n": 100}
        return usual | {"deff": 2.0} | values

    table = pd.DataFrame(
        [
            row(),
            row(se=4.0, deff=4.0),
            row(se=0.0, deff=np.nan),
            row(se=90.0, deff=9.0, n=9),
            row(indicator="agreed", se=0.0, deff=np.nan),
            row(indicator="heard", deff=0.5),
            row(area_level="nation", se=0.0, deff=np.nan),
            row(indicator="times", se=500.0, deff=50.0),
        ]
    )
    own, level = (4 + 16) / (2 + 4), (4 + 16 + 4) / (2 + 4 + 8)
    found = pool_design_effects(table, otherwise=1.3, unbounded=["times"])
    assert found == pytest.approx([own] * 4 + [level, 1.0, 1.3, level])


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_nobody_and_everybody_still_leave_doubt(value: float) -> None:
    rate = people()["solved"] * 0 + value
    result = bound_rate_intervals(cells(rate), ["solved"], level=0.95, deff=1.0).iloc[0]
    width = result["ci_high"] - result["ci_low"]
    assert 0 < width < 5
    assert result["ci_low"] >= 0
    assert result["ci_high"] <= 100


def test_a_mean_keeps_its_own_interval() -> None:
    table = cells(people()["solved"] * 0.2 + 0.4 + 0.1 * (np.arange(400) % 3))
    pd.testing.assert_frame_equal(bound_rate_intervals(table, [], level=0.95, deff=1.0), table)


def test_a_number_is_on_no_scale() -> None:
    table = cells(people()["solved"] * 50)
    kept = bound_rate_intervals(table, [], level=0.95, deff=1.0, unbounded=["solved"])
    pd.testing.assert_frame_equal(kept, table)
    assert (table["ci_high"] > 100).all()


def test_a_score_that_leaves_the_scale_has_the_interval_of_a_share() -> None:
    """Few people, most of whom gave a ten: t on two degrees of freedom goes far beyond 100."""
    frame = pd.DataFrame(
        {"score": [100.0, 100, 100, 100, 100, 60], "point": [1, 1, 2, 2, 3, 3], "weight": 1.0}
    )
    linear = estimate(frame, "score", Design("weight", psu="point")).assign(indicator="score")
    assert linear["ci_high"].iloc[0] > 120
    row = bound_rate_intervals(linear, [], level=0.95, deff=1.0).iloc[0]
    p, se = row["estimate"] / 100, row["se"] / 100
    margin = stats.t.ppf(0.975, 2) * se / (p * (1 - p))
    expected = special.expit(special.logit(p) + np.array([-margin, margin])) * 100
    assert [row["ci_low"], row["ci_high"]] == pytest.approx(expected)
    assert 0 < row["ci_low"] < row["estimate"] < row["ci_high"] < 100


def test_where_everybody_agreed_the_interval_has_a_width() -> None:
    """Nobody knows a thing for sure from five people who all gave a seven."""
    frame = pd.DataFrame({"score": [66.7] * 8, "point": [1, 1, 2, 2, 3, 3, 4, 4], "weight": 1.0})
    table = estimate(frame, "score", Design("weight", psu="point")).assign(indicator="score")
    assert table["se"].iloc[0] == 0
    row = bound_rate_intervals(table, [], level=0.95, deff=1.0).iloc[0]
    assert row["ci_low"] < 66.7 - 20
    assert row["ci_high"] > 66.7 + 10
    wider = bound_rate_intervals(table, [], level=0.95, deff=2.0).iloc[0]
    assert wider["ci_high"] - wider["ci_low"] > row["ci_high"] - row["ci_low"]


def gaps(**columns: object) -> pd.DataFrame:
    row = {
        "indicator": "score", "difference": 90.0, "se": 20.0, "ci_low": 40.0, "ci_high": 140.0,
        "p": 0.01, "status": "ok",
    }  # fmt: skip
    return pd.DataFrame([row | columns])


def test_a_difference_ends_at_a_hundred() -> None:
    row = bound_difference_intervals(gaps()).iloc[0]
    assert (row["ci_low"], row["ci_high"], row["p"]) == (40.0, 100.0, 0.01)
    low = bound_difference_intervals(gaps(difference=-90.0, ci_low=-140.0, ci_high=-40.0)).iloc[0]
    assert (low["ci_low"], low["ci_high"]) == (-100.0, -40.0)
    assert bound_difference_intervals(gaps(), ["score"]).iloc[0]["ci_high"] == 140.0


def test_a_difference_without_spread_is_not_estimable() -> None:
    row = bound_difference_intervals(gaps(se=0.0, ci_low=90.0, ci_high=90.0, p=np.nan)).iloc[0]
    assert np.isnan([row[name] for name in ("ci_low", "ci_high", "p")]).all()
    assert row["status"] == "not_estimable"
    assert row["difference"] == 90.0


figures = st.floats(0, 100)
errors = st.one_of(st.just(0.0), st.floats(0, 1e-12), st.floats(0, 60), st.floats(0, 1e6))
freedoms = st.one_of(st.integers(1, 200).map(float), st.just(np.inf))


@given(figures, errors, freedoms, st.floats(1, 1e5), st.booleans(), st.floats(0.5, 0.999))
def test_every_interval_holds_its_figure_and_stays_on_the_scale(
    x: float, se: float, df: float, n: float, logit: bool, level: float
) -> None:
    low, high = bound_interval(x, se, df, n, level=level, logit=logit)
    assert 0 <= low <= x + 1e-12
    assert x - 1e-12 <= high <= 100
    assert high - low > 0
    margin = stats.t.ppf((1 + level) / 2, df) * se
    if not logit and margin > 1e-6 and x - margin > 1e-6 and x + margin < 100 - 1e-6:
        assert (low, high) == pytest.approx((x - margin, x + margin))


@given(st.integers(0, 2**31 - 1), st.integers(1, 6), st.integers(1, 9), st.floats(0, 1))
def test_for_any_answers_every_cell_has_an_honest_interval(
    seed: int, points: int, people: int, agreement: float
) -> None:
    rng = np.random.default_rng(seed)
    size = points * people
    score = np.where(rng.random(size) < agreement, 100.0, rng.integers(0, 10, size) / 9 * 100)
    frame = pd.DataFrame(
        {
            "score": score,
            "point": np.repeat(range(points), people),
            "weight": rng.uniform(1, 4, size),
        }
    )
    raw = estimate(frame, "score", Design("weight", psu="point")).assign(indicator="score")
    for rates in ([], ["score"]):
        row = bound_rate_intervals(raw, rates, level=0.95, deff=1.2).iloc[0]
        if np.isnan(row["ci_low"]):
            assert not row["df"] >= 1 or np.isnan(row["se"])
            continue
        assert 0 <= row["ci_low"] <= row["estimate"] + 1e-9
        assert row["estimate"] - 1e-9 <= row["ci_high"] <= 100
        assert row["ci_high"] - row["ci_low"] > 0


def test_nothing_is_made_of_nothing() -> None:
    for x, se, df in (
        (np.nan, 1.0, 5.0),
        (50.0, np.nan, 5.0),
        (50.0, 1.0, 0.0),
        (50.0, 1.0, np.nan),
    ):
        assert np.isnan(bound_interval(x, se, df, 10.0)).all()
    assert np.isnan(bound_interval(100.0, 0.0, 5.0, 0.0)).all()
    for options in ({"level": 1.0}, {"lowest": 3.0, "highest": 3.0}):
        with pytest.raises(EstimateError):
            bound_interval(50.0, 1.0, 5.0, 10.0, **options)


def test_pooled_waves_stay_on_the_scale() -> None:
    score = np.array([99.0])
    two = (score, score), (score * 0 + 3, score * 0 + 3), (score * 0 + 4, score * 0 + 4)
    beyond = pooled_mean(*two, change_se=score * 0 + 4, level=0.95)
    assert beyond.high[0] > 100
    within = pooled_mean(*two, change_se=score * 0 + 4, level=0.95, scale=(0, 100))
    assert 0 < within.low[0] < 99 < within.high[0] < 100
    middle = (score - 40, score - 40), *two[1:]
    for scale in (None, (0.0, 100.0)):
        pooled = pooled_mean(*middle, change_se=score * 0 + 4, level=0.95, scale=scale)
        assert pooled.high[0] - 59 == pytest.approx(59 - pooled.low[0])
