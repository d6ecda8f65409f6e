"""Means and domains: against plain loops, at the edges, and under harmless changes."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from survey.estimate import Design, EstimateError, estimate, estimate_tree, share
from survey.estimate.tree import Node, Tree
from tests.estimate.naive_estimates import combination, estimate_row, variance, wave

DESIGN = Design("weight", strata="stratum", psu="psu")
ITEMS = ["q0", "q1", "q2"]
TREE = Tree(
    (Node("A", None, 1, 0.6), Node("B", None, 1, 0.4), Node("A.1", "A", 2, 1.0)),
    {"q0": "A.1", "q1": "A.1", "q2": "B"},
)
OMEGA = {
    "A": {"q0": 0.5, "q1": 0.5},
    "B": {"q2": 1.0},
    "A.1": {"q0": 0.5, "q1": 0.5},
    "composite": {"q0": 0.3, "q1": 0.3, "q2": 0.4},
}
EXACT = ["estimate", "se", "ci_low", "ci_high", "df", "n", "sum_weight", "deff"]


def one(table: pd.DataFrame, **keys) -> pd.Series:
    for name, value in keys.items():
        table = table[table[name] == value]
    assert len(table) == 1
    return table.iloc[0]


@pytest.mark.parametrize("by", [(), ("city",), ("city", "gender"), ("old",)])
def test_estimate_is_the_formula(by):
    frame = wave()
    table = estimate(frame, ITEMS, DESIGN, by=by)
    assert list(table.columns) == [
        *by,
        "variable",
        "estimate",
        "se",
        "ci_low",
        "ci_high",
        "df",
        "n",
        "n_psu",
        "sum_weight",
        "deff",
        "status",
    ]
    for _, result in table.iterrows():
        rows = np.ones(len(frame), dtype=bool)
        for name in by:
            rows &= (frame[name] == result[name]).to_numpy()
        expected = estimate_row(frame, {result["variable"]: 1.0}, DESIGN, rows)
        for key in EXACT:
            assert result[key] == pytest.approx(expected[key], rel=1e-10), key


def test_tree_is_the_formula():
    frame = wave(seed=1)
    table = estimate_tree(frame, TREE, DESIGN, by=("city", "gender"))
    assert list(table["variable"][:4]) == ["A", "B", "A.1", "composite"]
    for _, result in table.iterrows():
        rows = (
            (frame["city"] == result["city"]) & (frame["gender"] == result["gender"])
        ).to_numpy()
        expected = estimate_row(frame, OMEGA[result["variable"]], DESIGN, rows)
        for key in EXACT:
            assert result[key] == pytest.approx(expected[key], rel=1e-10), key


def test_per_respondent_composite():
    frame = wave(seed=2)
    scored = frame[ITEMS].notna().to_numpy()
    omega = np.array([0.3, 0.3, 0.4])
    weight = (scored * omega).sum(1)
    own = (frame[ITEMS].fillna(0).to_numpy() * omega).sum(1) / np.where(weight > 0, weight, np.nan)
    table = estimate_tree(frame, TREE, DESIGN, by="city", composite="per_respondent")
    expected = estimate(frame.assign(composite=own), "composite", DESIGN, by="city")
    composites = table[table["variable"] == "composite"].reset_index(drop=True)
    assert_frame_equal(composites, expected, check_exact=False, rtol=1e-12)


@pytest.mark.parametrize("composite", ["item_means", "per_respondent"])
def test_an_item_without_scores_empties_every_indicator_above_it(composite):
    frame = wave(seed=3)
    frame.loc[frame["city"] == "C1", "q1"] = np.nan
    table = estimate_tree(frame, TREE, DESIGN, by="city", composite=composite)
    gone = table[(table["city"] == "C1") & table["variable"].isin(["A", "A.1", "composite"])]
    assert (gone["status"] == "empty").all()
    assert gone[["estimate", "se", "ci_low"]].isna().all(axis=None)
    assert one(table, city="C1", variable="B")["status"] == "ok"
    assert (table.loc[table["city"] != "C1", "status"] == "ok").all()
    declared = estimate_tree(frame, TREE, DESIGN, by="city", composite=composite, renormalise=True)
    expected = estimate(frame, "q0", DESIGN, by="city")
    result = one(declared, city="C1", variable="A")
    for key in ("estimate", "se", "deff"):
        assert result[key] == pytest.approx(one(expected, city="C1")[key], rel=1e-12)


def test_domain_inside_one_psu_has_no_error():
    frame = wave().assign(corner=lambda f: (f["stratum"] == "H3") & (f["psu"] == 2))
    result = one(estimate(frame, "q0", DESIGN, by="corner"), corner=True)
    assert result["status"] == "not_estimable"
    assert np.isnan(result["se"])
    assert np.isnan(result["deff"])
    assert np.isfinite(result["estimate"])
    assert result["n_psu"] == 1


def test_single_respondent_and_all_missing_item():
    frame = wave().assign(lone=lambda f: np.arange(len(f)) == 7, gone=np.nan)
    frame.loc[7, "q0"] = 50.0
    result = one(estimate(frame, "q0", DESIGN, by="lone"), lone=True)
    assert (result["estimate"], result["n"], result["status"]) == (50.0, 1, "not_estimable")
    assert np.isnan(result["se"])
    empty = estimate(frame, "gone", DESIGN).iloc[0]
    assert (empty["status"], empty["n"], empty["n_psu"]) == ("empty", 0, 0)
    assert np.isnan(empty["estimate"])
    assert np.isnan(empty["se"])


def test_single_respondent_without_points():
    frame = wave().head(1).assign(q0=40.0)
    for design in (Design("weight"), Design("weight", assumed_deff=1.4)):
        result = estimate(frame, "q0", design).iloc[0]
        assert (result["estimate"], result["status"]) == (40.0, "not_estimable")
        assert np.isnan(result["se"])


def test_declared_but_unobserved_category_is_empty():
    frame = wave()
    frame["gender"] = pd.Categorical(frame["gender"], categories=["f", "m", "x"])
    table = estimate(frame, "q0", DESIGN, by=("city", "gender"))
    assert len(table) == 12
    assert (table.loc[table["gender"] == "x", "status"] == "empty").all()
    assert (table.loc[table["gender"] == "x", "n"] == 0).all()


def test_rows_with_a_missing_key_are_in_no_domain_but_in_the_design():
    frame = wave()
    frame.loc[frame["gender"] == "m", "gender"] = None
    table = estimate(frame, "q0", DESIGN, by="gender")
    assert table["gender"].tolist() == ["f"]
    expected = estimate_row(frame, {"q0": 1.0}, DESIGN, (frame["gender"] == "f").to_numpy())
    assert table.loc[0, "se"] == pytest.approx(expected["se"], rel=1e-10)


def test_constant_item_has_no_spread_and_no_deff():
    frame = wave().assign(flat=77.7)
    result = estimate(frame, "flat", DESIGN).iloc[0]
    assert result["estimate"] == pytest.approx(77.7)
    assert result["se"] == 0.0
    assert np.isnan(result["deff"])


def test_zero_weights():
    frame = wave()
    frame.loc[frame["city"] == "C0", "weight"] = 0.0
    table = estimate(frame, "q0", DESIGN, by="city")
    assert one(table, city="C0")["status"] == "empty"
    assert one(table, city="C0")["n"] > 0
    assert one(table, city="C0")["n_psu"] == 0


def test_unreliable_below_thirty_rows_or_eight_degrees():
    frame = wave(psus=6, rows=5)
    table = estimate(frame.query("stratum in ['H0', 'H1']"), "q0", DESIGN, by=("city", "gender"))
    assert (table.loc[table["n"] < 30, "status"] == "unreliable").all()
    few = estimate(wave(strata=1, psus=5, rows=30).query("city == 'C0'"), "q0", DESIGN).iloc[0]
    assert (few["df"], few["status"]) == (4, "unreliable")


@pytest.mark.parametrize("rule", ["certainty", "average"])
def test_nothing_but_lonely_strata_is_not_estimable(rule):
    frame = wave(cities=3, strata=1, psus=1)
    design = Design("weight", strata="stratum", psu="psu", lonely_psu=rule)
    result = estimate(frame, "q0", design).iloc[0]
    assert result["status"] == "not_estimable"
    assert np.isnan(result["se"])
    assert estimate(frame, "q0", design).attrs["lonely_strata"] == ["H0", "H1", "H2"]


def test_lonely_rule_fail_names_the_stratum_only_where_it_matters():
    frame = pd.concat([wave(cities=1), wave(cities=1, strata=1, psus=1).assign(stratum="alone")])
    design = Design("weight", strata="stratum", psu="psu", lonely_psu="fail")
    with pytest.raises(EstimateError, match="'alone'") as caught:
        estimate(frame, "q0", design)
    assert caught.value.code == "lonely_psu"
    lucky = frame.assign(domain=np.where(frame["stratum"] == "alone", None, "rest"))
    assert estimate(lucky, "q0", design, by="domain").loc[0, "status"] == "ok"


def test_certainty_stratum_adds_no_variance():
    frame = wave(cities=1).assign(population=np.inf)
    frame.loc[frame["stratum"] == "H0", "population"] = 5
    alone = frame.head(8).assign(stratum="alone", population=1)
    both = pd.concat([frame, alone])
    design = Design("weight", strata="stratum", psu="psu", fpc="population", lonely_psu="fail")
    result = estimate(both, "q0", design).iloc[0]
    rows = np.ones(len(both), dtype=bool)
    _, z = combination(both.reset_index(), {"q0": 1.0}, "weight", rows)
    random_part = (both["stratum"] == "H1").to_numpy()
    expected = variance(both[random_part], z[random_part], "stratum", "psu")
    assert result["se"] == pytest.approx(np.sqrt(expected), rel=1e-10)


def test_a_census_of_psus_has_no_error_but_is_estimable():
    frame = wave(cities=1).assign(population=5)
    design = Design("weight", strata="stratum", psu="psu", fpc="population")
    result = estimate(frame, "q0", design).iloc[0]
    assert (result["se"], result["status"]) == (0.0, "ok")


def test_assumed_deff_is_used_and_said():
    frame = wave()
    plain = estimate(frame, "q0", DESIGN).iloc[0]
    table = estimate(frame, "q0", Design("weight", assumed_deff=1.4))
    result = table.iloc[0]
    assert table.attrs["assumed_deff"] == 1.4
    assert result["se"] == pytest.approx(plain["se"] / np.sqrt(plain["deff"] / 1.4), rel=1e-12)
    assert result["deff"] == pytest.approx(1.4)
    assert result["n_psu"] == 0
    assert "assumed_deff" not in estimate(frame, "q0", Design("weight")).attrs


def test_design_codes_may_be_text_or_numbers_or_categories():
    frame = wave()
    texts = frame.assign(stratum=frame["stratum"].astype(object), psu=frame["psu"].astype(str))
    kinds = frame.assign(stratum=frame["stratum"].astype("category"))
    expected = estimate(frame, ITEMS, DESIGN, by="city")
    for other in (texts, kinds):
        assert_frame_equal(estimate(other, ITEMS, DESIGN, by="city"), expected)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"weight": -1.0}, "negative_weight"),
        ({"weight": np.nan}, "missing_weight"),
        ({"psu": np.nan}, "missing_psu"),
        ({"stratum": None}, "missing_stratum"),
    ],
)
def test_unusable_design_columns_are_refused(change, code):
    frame = wave().astype({"psu": float, "stratum": object})
    for name, value in change.items():
        frame.loc[3, name] = value
    with pytest.raises(EstimateError) as caught:
        estimate(frame, "q0", DESIGN)
    assert caught.value.code == code
    assert caught.value.params["count"] == 1


def test_population_counts_are_checked():
    frame = wave().assign(population=4)
    design = Design("weight", strata="stratum", psu="psu", fpc="population")
    with pytest.raises(EstimateError) as caught:
        estimate(frame, "q0", design)
    assert caught.value.code == "fpc_too_small"
    frame.loc[0, "population"] = 9
    with pytest.raises(EstimateError) as caught:
        estimate(frame, "q0", design)
    assert caught.value.code == "fpc_varies"


def test_other_misuse_is_refused():
    frame = wave()
    for call, code in [
        (lambda: estimate(frame, "absent", DESIGN), "missing_column"),
        (lambda: estimate(frame, "city", DESIGN), "not_numeric"),
        (lambda: estimate(frame, [], DESIGN), "no_variables"),
        (lambda: estimate(frame, ["q0", "q0"], DESIGN), "duplicate_variable"),
        (lambda: estimate(frame, "q0", DESIGN, level=95), "bad_level"),
        (lambda: estimate(frame, "q0", DESIGN, deff="kish"), "not_a_choice"),
        (lambda: share(frame, "q0", DESIGN), "not_binary"),
        (lambda: share(frame, "old", DESIGN, method="exact"), "not_a_choice"),
        (lambda: Design("weight", lonely_psu="remove"), "not_a_choice"),
        (lambda: estimate_tree(frame.assign(q0=-2), TREE, DESIGN), "raw_codes"),
        (lambda: estimate_tree(frame, TREE, DESIGN, composite="C"), "not_a_choice"),
    ]:
        with pytest.raises(EstimateError) as caught:
            call()
        assert caught.value.code == code


def test_a_share_where_all_agreed_has_a_width():
    """As wide as n over the design effect of the other domains; by Kish's n where none differed."""
    frame = wave().assign(none=0, every=1)
    for name, edge in (("none", "ci_low"), ("every", "ci_high")):
        result = share(frame, name, DESIGN, by="city").iloc[0]
        assert result["estimate"] == result[edge] == (name == "every")
        w = frame.loc[frame["city"] == "C0", "weight"]
        size = w.sum() ** 2 / (w**2).sum()
        assert result["ci_high"] - result["ci_low"] == pytest.approx(1 - 0.025 ** (1 / size))
    mixed = frame.assign(some=(frame["city"] != "C0") & (frame["psu"] % 2 == 0))
    table = share(mixed, "some", DESIGN, by="city")
    others = table[table["se"] > 0]
    deff = (others["se"] ** 2).sum() / (others["se"] ** 2 / others["deff"]).sum()
    assert deff > 1.5
    agreed = table.iloc[0]
    assert agreed["ci_high"] == pytest.approx(1 - 0.025 ** (deff / agreed["n"]))


@given(
    seed=st.integers(0, 1000), factor=st.floats(1e-3, 1e4), missing=st.sampled_from([0.0, 0.2, 0.6])
)
@settings(max_examples=25, deadline=None)
def test_harmless_changes_change_nothing(seed, factor, missing):
    frame = wave(seed, cities=2, psus=3, rows=3, missing=missing)
    table = estimate_tree(frame, TREE, DESIGN, by=("city", "gender"))
    scaled = estimate_tree(
        frame.assign(weight=frame["weight"] * factor), TREE, DESIGN, by=("city", "gender")
    )
    scaled["sum_weight"] /= factor
    assert_frame_equal(scaled, table, check_exact=False, rtol=1e-9, atol=1e-9)
    shuffled = estimate_tree(
        frame.sample(frac=1, random_state=seed), TREE, DESIGN, by=("city", "gender")
    )
    assert_frame_equal(shuffled, table, check_exact=False, rtol=1e-9, atol=1e-9)
    ghost = frame.head(1).assign(weight=0.0, q0=3.0, q1=99.0, q2=0.0)
    haunted = estimate_tree(pd.concat([frame, ghost]), TREE, DESIGN, by=("city", "gender"))
    same = [c for c in table.columns if c != "n"]
    assert_frame_equal(haunted[same], table[same], check_exact=False, rtol=1e-9, atol=1e-9)
    assert (haunted["n"] >= table["n"]).all()


@given(seed=st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_splitting_a_domain_and_recombining_agrees(seed):
    frame = wave(seed, cities=2, psus=3, rows=4)
    whole = estimate(frame, ITEMS, DESIGN, by="city")
    parts = estimate(frame, ITEMS, DESIGN, by=("city", "gender"))
    parts["total"] = parts["estimate"] * parts["sum_weight"]
    keys = ["city", "variable"]
    sums = parts.groupby(keys)[["total", "sum_weight", "n"]].sum()
    again = sums.loc[list(zip(whole["city"], whole["variable"], strict=True))]
    np.testing.assert_allclose(again["total"] / again["sum_weight"], whole["estimate"], rtol=1e-12)
    assert again["n"].tolist() == whole["n"].tolist()


def test_empty_frame():
    frame = wave().head(0)
    assert len(estimate(frame, "q0", DESIGN, by="city")) == 0
    assert estimate(frame, "q0", DESIGN).loc[0, "status"] == "empty"
