"""Degrees of freedom where a group lives: R's count, and the count weighed by strata."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from survey.estimate import Cube, CubeSpec, Design, EstimateError, Node, Tree, cube_change, estimate

TREE = Tree((Node("A", None, 1, 1.0),), {"q": "A"})
DESIGN = Design("weight", strata="stratum", psu="psu")


def wave(strays: int, seed: int = 0) -> pd.DataFrame:
    """Three village points with 30 villagers each; ten town points, in `strays` of which there is
    one villager among 30 townspeople."""
    rng = np.random.default_rng(seed)
    villages = pd.DataFrame({"stratum": "rural", "psu": np.repeat(range(3), 30), "villager": True})
    towns = pd.DataFrame({"stratum": "urban", "psu": np.repeat(range(10), 30)})
    towns["villager"] = (towns.index % 30 == 0) & (towns["psu"] < strays)
    frame = pd.concat([villages, towns], ignore_index=True).assign(city="C", weight=1.0)
    frame["q"] = np.clip(np.rint(rng.normal(8, 1, len(frame))), 1, 10).astype(np.int8)
    return frame


def made(frame: pd.DataFrame, rule: str, **options) -> Cube:
    groups = {"all": None, "villager": "villager", "none": np.zeros(len(frame), bool)}
    spec = CubeSpec(TREE, DESIGN, areas={"city": "city"}, groups=groups, df_rule=rule, **options)
    return Cube.of(frame, spec)


def row(table: pd.DataFrame, group: str) -> pd.Series:
    return table[(table["group"] == group) & (table["indicator"] == "A")].iloc[0]


def test_a_group_in_three_villages_does_not_borrow_the_points_of_the_town():
    frame = wave(strays=8)
    ours, plain = (row(made(frame, rule).table(), "villager") for rule in ("weighted", "design"))
    assert plain["df"] == 11 - 2
    share = np.array([90, 8]) / 98
    assert ours["df"] == round(1 / (share**2 / [2, 9]).sum()) == 2
    assert ours[["estimate", "se", "n", "n_psu"]].equals(plain[["estimate", "se", "n", "n_psu"]])
    assert ours["ci_high"] - ours["estimate"] == pytest.approx(stats.t.ppf(0.975, 2) * ours["se"])
    assert (plain["status"], ours["status"]) == ("ok", "unreliable")


def test_everyone_in_evenly_sampled_strata_keeps_the_count_of_the_design():
    table = made(wave(strays=0), "weighted").table()
    assert row(table, "all")["df"] == 13 - 2
    assert row(table, "villager")["df"] == 3 - 1
    assert row(table, "none")["df"] == 0


def test_the_count_of_the_design_is_the_default_and_that_of_estimate():
    frame = wave(strays=4)
    options = {"areas": {"city": "city"}, "groups": {"villager": "villager"}}
    default = Cube.of(frame, CubeSpec(TREE, DESIGN, **options)).table()
    assert default["df"].iloc[0] == estimate(frame, "q", DESIGN, by="villager")["df"].iloc[1]
    with pytest.raises(EstimateError) as error:
        made(frame, "satterthwaite")
    assert error.value.code == "not_a_choice"


def test_differences_and_changes_count_as_their_sides_do():
    before, after = (made(wave(8, seed), "weighted") for seed in (0, 1))
    assert row(before.gaps(), "villager")["df"] == 2
    change = cube_change(before, after)
    assert row(change, "villager")["df"] == 2
    assert row(change, "none")["df"] <= 0
