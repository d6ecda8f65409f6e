"""Rank sets: R csranks on the same draws, the definition as loops, and coverage."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmarks.estimate import ranks
from survey.estimate import (
    EstimateError,
    Node,
    Tree,
    rank_sensitivity,
    rank_sets,
    significant_pairs,
    top_probability,
    tree_draws,
)
from survey.estimate.rank_pairs import RankPairs

CSRANKS = pd.read_csv(Path(__file__).parent / "data" / "r_csranks.csv")


def case():
    """Estimates (two are equal), errors, draws and a covariance, as r_csranks.csv was made from."""
    rng = np.random.default_rng(7)
    p = 14
    x = np.round(np.linspace(60, 90, p) + rng.normal(0, 3, p), 3)
    x[4] = x[3]
    se = np.round(rng.uniform(0.8, 3, p), 3)
    draws = rng.standard_normal((500, p))
    root = rng.normal(size=(p, p))
    return x, se, draws, np.diag(se**2) * 0.5 + (root @ root.T) / p * 1.5


def naive(x, z, deviation, units, step_down):
    """Units surely above and below each unit of `units`, from the definition."""
    p = len(x)
    pairs = {(i, j) for i in units for j in range(p)} | {(j, i) for i in units for j in range(p)}
    pairs = {(i, j) for i, j in pairs if i != j}
    sure = set()
    while pairs:
        largest = [max((d[i] - d[j]) / deviation[i, j] for i, j in pairs) for d in z]
        critical = np.quantile(largest, 0.95)
        significant = {(i, j) for i, j in pairs if x[i] - x[j] - deviation[i, j] * critical > 0}
        sure |= significant
        pairs -= significant
        if not (significant and step_down):
            break
    above = [sum((j, i) in sure for j in range(p)) for i in units]
    below = [sum((i, j) in sure for j in range(p)) for i in units]
    return above, below


@pytest.mark.parametrize("covariance", ["diagonal", "full"])
@pytest.mark.parametrize("simultaneous", [True, False])
@pytest.mark.parametrize("step_down", [True, False])
def test_same_ranks_as_csranks(covariance, simultaneous, step_down):
    x, se, draws, sigma = case()
    ranks = rank_sets(
        pd.Series(x, index=[f"C{i}" for i in range(len(x))]),
        se,
        covariance=sigma if covariance == "full" else None,
        simultaneous=simultaneous,
        step_down=step_down,
        normal_draws=draws,
    )
    expected = CSRANKS.query(
        "covariance == @covariance and simultaneous == @simultaneous and step_down == @step_down"
    )
    for name in ("rank", "low", "high"):
        assert ranks[name].tolist() == expected[name].tolist(), name
    assert ranks.index[0] == "C0"


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("step_down", [True, False])
def test_ranks_are_the_definition(seed, step_down):
    rng = np.random.default_rng(seed)
    p = 6
    x, se, draws = rng.normal(0, 3, p), rng.uniform(0.3, 2, p), rng.standard_normal((150, p))
    deviation = np.sqrt(se**2 + se[:, None] ** 2)
    ranks = rank_sets(x, se, normal_draws=draws, step_down=step_down)
    above, below = naive(x, draws * se, deviation, range(p), step_down)
    assert (ranks["low"] - 1).tolist() == above
    assert (p - ranks["high"]).tolist() == below
    single = rank_sets(x, se, normal_draws=draws, step_down=step_down, simultaneous=False)
    for i in range(p):
        above, below = naive(x, draws * se, deviation, [i], step_down)
        assert single.loc[i, "low"] - 1 == above[0]
        assert p - single.loc[i, "high"] == below[0]


def test_sets_hold_the_rank_and_marginal_ones_are_no_wider():
    x, se, _, _ = case()
    joint, single = rank_sets(x, se), rank_sets(x, se, simultaneous=False)
    for table in (joint, single):
        assert (table["low"] <= table["rank"]).all()
        assert (table["rank"] <= table["high"]).all()
    assert ((joint["high"] - joint["low"]) >= (single["high"] - single["low"])).all()
    assert single.attrs == {"level": 0.95, "draws": 10_000, "seed": 0}
    assert joint.attrs == single.attrs | {"critical": joint.attrs["critical"]}
    pd.testing.assert_frame_equal(joint, rank_sets(x, se))


@pytest.mark.parametrize("step_down", [True, False])
def test_the_critical_value_says_which_pairs_are_told_apart(step_down):
    x, se, _, _ = case()
    joint = rank_sets(x, se, step_down=step_down)
    values, errors = np.asarray(x), np.asarray(se)
    surely = values[:, None] - values > joint.attrs["critical"] * np.hypot(errors, errors[:, None])
    assert (1 + surely.sum(axis=0)).tolist() == joint["low"].tolist()
    assert (len(values) - surely.sum(axis=1)).tolist() == joint["high"].tolist()


def test_simultaneous_sets_cover_the_true_ranks():
    rng = np.random.default_rng(0)
    truth = np.linspace(70, 80, 12)
    true_rank = 12 - np.arange(12)
    covered = 0
    for repeat in range(200):
        table = rank_sets(rng.normal(truth, 1.0), np.ones(12), draws=500, seed=repeat)
        covered += int(((table["low"] <= true_rank) & (true_rank <= table["high"])).all())
    assert covered >= 186


def test_few_units_and_no_spread():
    assert rank_sets([80.0], [1.0]).to_numpy().tolist() == [[1, 1, 1]]
    assert rank_sets([], []).empty
    assert rank_sets([1.0, 2.0], [0.0, 0.0]).to_numpy().tolist() == [[2, 2, 2], [1, 1, 1]]
    singular = np.ones((3, 3))
    assert rank_sets([1, 2, 3], [1, 1, 1], covariance=singular)["low"].tolist() == [3, 2, 1]


def test_unusable_input():
    for call, code in [
        (lambda: rank_sets([1.0, np.nan], [1.0, 1.0]), "missing_value"),
        (lambda: rank_sets([1.0, 2.0], [1.0]), "shape"),
        (lambda: rank_sets([1.0, 2.0], [1.0, 1.0], normal_draws=np.ones((5, 3))), "shape"),
        (lambda: rank_sets([1.0, 2.0], [1.0, 1.0], covariance=np.eye(3)), "shape"),
    ]:
        with pytest.raises(EstimateError) as caught:
            call()
        assert caught.value.code == code


def test_top_probability():
    score = pd.Series(np.arange(20.0), index=[f"C{i}" for i in range(20)])
    probabilities = top_probability(score, np.full(20, 2.0), top=5)
    assert probabilities.sum() == pytest.approx(5)
    assert probabilities.is_monotonic_increasing
    assert probabilities["C19"] > 0.95
    assert top_probability(score, np.full(20, 1e-9), top=5).tolist() == [0.0] * 15 + [1.0] * 5
    assert (top_probability(score, np.full(20, 1.0), top=50) == 1).all()


def test_rank_sensitivity():
    rng = np.random.default_rng(0)
    scores = pd.DataFrame(rng.normal(80, 5, (30, 3)), columns=["a", "b", "c"])
    weights = pd.Series({"a": 0.356, "b": 0.446, "c": 0.198})
    sensitivity = rank_sensitivity(scores, weights)
    assert sorted(sensitivity["rank"]) == list(range(1, 31))
    assert (sensitivity["low"] <= sensitivity["rank"]).all()
    assert (sensitivity["rank"] <= sensitivity["high"]).all()
    assert (sensitivity["high"] > sensitivity["low"]).any()
    wider = rank_sensitivity(scores, weights, spread=0.6)
    assert (wider["high"] - wider["low"]).mean() > (sensitivity["high"] - sensitivity["low"]).mean()
    same = scores.assign(b=scores["a"], c=scores["a"])
    still = rank_sensitivity(same, weights)
    assert (still["low"] == still["high"]).all()
    with pytest.raises(EstimateError):
        rank_sensitivity(scores, weights.drop("c"))


def small_tree():
    return Tree(
        (
            Node("1", None, 1, 0.3),
            Node("2", None, 1, 0.7),
            Node("1.1", "1", 2, 1.0),
            Node("2.1", "2", 2, 0.5),
            Node("2.2", "2", 2, 0.5),
        ),
        {"a": "1.1", "b": "2.1", "c": "2.2", "d": "2.2"},
    )


def test_weights_of_a_tree_move_at_every_level():
    drawn = tree_draws(small_tree(), draws=4_000, seed=3)
    assert list(drawn.columns) == ["1.1", "2.1", "2.2"]
    assert np.allclose(drawn.sum(axis=1), 1)
    assert drawn.mean().tolist() == pytest.approx([0.3, 0.35, 0.35], abs=0.01)
    first = drawn["1.1"]
    relative = 0.3 * (first.std() / 0.3) ** 2 + 0.7 * (first.std() / 0.7) ** 2
    assert relative == pytest.approx(0.2**2, rel=0.1)
    inside = drawn["2.1"] / (1 - first)
    assert inside.std() / 0.5 == pytest.approx(0.2, rel=0.1)
    pd.testing.assert_frame_equal(drawn, tree_draws(small_tree(), draws=4_000, seed=3))


def test_ranks_under_given_weights():
    scores = pd.DataFrame({"a": [80.0, 70.0], "b": [70.0, 80.0]}, index=["x", "y"])
    weights = pd.Series({"a": 0.6, "b": 0.4})
    sensitivity = rank_sensitivity(scores, weights, weight_draws=[[0.6, 0.4], [0.7, 0.3]])
    assert sensitivity.loc["x"].tolist() == [1, 1, 1]
    sensitivity = rank_sensitivity(scores, weights, weight_draws=[[0.6, 0.4], [0.3, 0.7]])
    assert sensitivity.loc["x"].tolist() == [1, 1, 2]
    with pytest.raises(EstimateError):
        rank_sensitivity(scores, weights, weight_draws=[[1.0]])


def estimated(p=9, df=(4.0, 8.0, 35.0), draws=400, seed=3):
    """Estimates with estimated errors, and the draws that `rank_sets` makes of both."""
    rng = np.random.default_rng(seed)
    x, se = rng.normal(0, 3, p), rng.uniform(0.3, 1.2, p)
    freedom = rng.choice(df, p)
    normal = rng.standard_normal((draws, p))
    half = freedom / 2
    scale = np.random.default_rng([0, 1]).standard_gamma(half, size=(draws, p)) / half
    return x, se, freedom, normal, scale


def deviate(d, first, second, df_first, df_second):
    """Wallace's normal deviate of Welch's t, from its textbook definition."""
    variance = first + second
    nu = min(variance**2 / (first**2 / df_first + second**2 / df_second), 1000)
    return np.sign(d) * np.sqrt(nu * np.log(1 + d**2 / variance / nu) / (1 + 1 / (2 * nu)))


def naive_estimated(x, se, df, z, scale, units):
    p = len(x)

    def between(values, variances, i, j):
        return deviate(values[i] - values[j], variances[i], variances[j], df[i], df[j])

    pairs = {(i, j) for i in units for j in range(p)} | {(j, i) for i in units for j in range(p)}
    pairs = {(i, j) for i, j in pairs if i != j}
    sure = set()
    while pairs:
        largest = [
            max(between(error, variance, i, j) for i, j in pairs)
            for error, variance in zip(z * se, se**2 * scale, strict=True)
        ]
        critical = np.quantile(np.square(largest) * np.sign(largest), 0.95)
        significant = {
            (i, j) for i, j in pairs if (b := between(x, se**2, i, j)) > 0 and b**2 > critical
        }
        sure |= significant
        pairs -= significant
        if not significant:
            break
    above = [sum((j, i) in sure for j in range(p)) for i in units]
    below = [sum((i, j) in sure for j in range(p)) for i in units]
    return above, below


@pytest.mark.parametrize("seed", range(3))
def test_ranks_with_estimated_errors_are_the_definition(seed):
    x, se, df, normal, scale = estimated(seed=seed, draws=100, p=6)
    ranks = rank_sets(x, se, df=df, normal_draws=normal)
    above, below = naive_estimated(x, se, df, normal, scale, range(6))
    assert (ranks["low"] - 1).tolist() == above
    assert (6 - ranks["high"]).tolist() == below
    single = rank_sets(x, se, df=df, normal_draws=normal, simultaneous=False)
    for i in range(6):
        above, below = naive_estimated(x, se, df, normal, scale, [i])
        assert single.loc[i, "low"] - 1 == above[0]
        assert 6 - single.loc[i, "high"] == below[0]


def test_infinite_degrees_of_freedom_are_known_errors():
    x, se, _, _ = case()
    for df in (np.inf, np.full(len(x), np.inf)):
        for simultaneous in (True, False):
            ranks = rank_sets(x, se, df=df, simultaneous=simultaneous)
            pd.testing.assert_frame_equal(ranks, rank_sets(x, se, simultaneous=simultaneous))
    score = pd.Series(x)
    assert top_probability(score, se, df=np.inf).tolist() == top_probability(score, se).tolist()
    close = rank_sets(x, se, df=1e6)
    pd.testing.assert_frame_equal(close, rank_sets(x, se), check_flags=False)
    mixed = np.full(len(x), np.inf)
    mixed[0] = 1e5
    pd.testing.assert_frame_equal(rank_sets(x, se, df=mixed), rank_sets(x, se), check_flags=False)


def test_the_search_for_the_quantile_leaves_nothing_out(monkeypatch):
    rng = np.random.default_rng(5)
    for df in (4.0, 12.0, rng.choice([4.0, 35.0, np.inf], 40), None):
        for spread in (0.0, 4.0):
            x, se = rng.normal(0, 1, 40) + rng.normal(0, spread, 40), rng.uniform(0.5, 1.5, 40)
            quick = rank_sets(x, se, df=df, draws=2_000)
            with monkeypatch.context() as patch:
                patch.setattr(
                    RankPairs, "max_pair_bound", lambda self, units: np.full((2_000, 40), np.inf)
                )
                whole = rank_sets(x, se, df=df, draws=2_000)
            pd.testing.assert_frame_equal(quick, whole)
            assert quick.attrs == whole.attrs


def test_pairs_told_apart_are_those_that_the_sets_count():
    x, se, df, normal, _ = estimated(p=14)
    for freedom in (df, None):
        sets = rank_sets(x, se, df=freedom, normal_draws=normal)
        apart = significant_pairs(x, se, sets.attrs["critical"], df=freedom)
        assert (1 + apart.sum(axis=0)).tolist() == sets["low"].tolist()
        assert (14 - apart.sum(axis=1)).tolist() == sets["high"].tolist()


def test_the_same_seed_gives_the_same_sets_with_estimated_errors():
    x, se, df, _, _ = estimated(p=20)
    first, again = (rank_sets(x, se, df=df, seed=9) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    assert first.attrs == again.attrs


@pytest.mark.slow
def test_no_family_error_beyond_five_per_cent_with_estimated_errors():
    """A short run of benchmarks/estimate/ranks.py, 40 cities."""
    for case, df in (("equal", 4), ("equal", 12), ("two levels", 8), ("spread", 12)):
        errors = list(ranks.family_errors(case, df, surveys=60, cities=40, draws=400))
        wrong, as_known, _ = np.mean(errors, axis=0)
        assert wrong <= 0.1, (case, df)
        assert as_known > 2 * wrong or case == "spread", (case, df)
    small = list(ranks.family_errors("equal", np.inf, surveys=40, cities=40, draws=400))
    assert all(wrong == as_known for wrong, as_known, _ in small)


def test_top_probability_knows_that_errors_are_estimated():
    score = pd.Series(np.arange(20.0))
    known = top_probability(score, np.full(20, 2.0), top=5)
    few = top_probability(score, np.full(20, 2.0), df=3, top=5)
    assert few.sum() == pytest.approx(5)
    assert few[:10].sum() > known[:10].sum()
    assert few[19] < known[19]
    two = top_probability(pd.Series([0.0, 1.0]), np.array([1.0, 1e-9]), df=[4, 1e9], top=1)
    assert two[0] == pytest.approx(stats.t.sf(1, 4), abs=0.015)


def test_degrees_of_freedom_that_cannot_be_used():
    for df, code in (
        ([1.0, 2.0, 3.0], "shape"),
        ([4.0, 0.5], "bad_df"),
        ([4.0, np.nan], "missing_value"),
    ):
        for call in (
            lambda df=df: rank_sets([1.0, 2.0], [1.0, 1.0], df=df),
            lambda df=df: top_probability(pd.Series([1.0, 2.0]), [1.0, 1.0], df=df),
        ):
            with pytest.raises(EstimateError) as caught:
                call()
            assert caught.value.code == code
    with pytest.raises(EstimateError) as caught:
        rank_sets([1.0, 2.0], [1.0, 1.0], df=5, covariance=np.eye(2))
    assert caught.value.code == "df_with_covariance"
    assert rank_sets([1.0, 2.0], [0.0, 0.0], df=5).to_numpy().tolist() == [[2, 2, 2], [1, 1, 1]]
    assert rank_sets([1.0], [1.0], df=5).to_numpy().tolist() == [[1, 1, 1]]
    assert rank_sets([], [], df=5).empty
