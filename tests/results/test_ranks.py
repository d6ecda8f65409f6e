"""Places agree with the library called directly; hidden and small cities take none."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from survey.disclosure import protect
from survey.estimate import (
    Node,
    Tree,
    rank_sensitivity,
    rank_sets,
    significant_pairs,
    top_probability,
    tree_draws,
)
from survey.results.ranks import FIGURES, RANKING, rank_tables
from survey.results.wave_estimates import WaveEstimates

CITIES = [f"{code:06d}" for code in range(110000, 110012)]
TREE = Tree(
    (
        Node("1", None, 1, 0.4),
        Node("2", None, 1, 0.6),
        Node("1.1", "1", 2, 1.0),
        Node("2.1", "2", 2, 0.5),
        Node("2.2", "2", 2, 0.5),
        Node("1.1.1", "1.1", 3, 1.0),
        Node("2.1.1", "2.1", 3, 1.0),
        Node("2.2.1", "2.2", 3, 1.0),
    )
)


def figures(*, n: list[int] | None = None, has_composite: bool = True) -> WaveEstimates:
    rng = np.random.default_rng(4)
    leaves = pd.DataFrame(rng.normal(80, 4, (12, 3)), CITIES, ["1.1.1", "2.1.1", "2.2.1"])
    values = leaves.assign(
        **{"1.1": leaves["1.1.1"], "2.1": leaves["2.1.1"], "2.2": leaves["2.2.1"]},
        **{"1": leaves["1.1.1"], "2": leaves[["2.1.1", "2.2.1"]].mean(axis=1)},
    )
    values["composite"] = 0.4 * values["1"] + 0.6 * values["2"]
    values.loc[CITIES[3], "composite"] = values["composite"].loc[CITIES[5]]
    long = values.rename_axis("area").melt(
        ignore_index=False, var_name="indicator", value_name="estimate"
    )
    size = dict(zip(CITIES, n or [600] * 12, strict=True))
    cells = long.reset_index().assign(area_level="city", group="all")
    cells = cells.assign(
        se=rng.uniform(0.4, 1.2, len(cells)), n=cells["area"].map(size), status="ok"
    )
    cells = cells.assign(df=rng.choice([4.0, 8.0, 12.0, 35.0], len(cells)))
    cells = cells.astype(dict.fromkeys(["area_level", "area", "group", "indicator"], "category"))
    source = SimpleNamespace(
        plan=SimpleNamespace(tree=TREE, has_composite=has_composite), level=0.95
    )
    return WaveEstimates(cast(Any, source), cells)


def rank_table(made: WaveEstimates, cells: pd.DataFrame) -> pd.DataFrame:
    return rank_tables(made, cells)[0]


def of(table: pd.DataFrame, indicator: str = "composite") -> pd.DataFrame:
    part = table[table["indicator"] == indicator]
    return part.set_index(part["area"].astype(str))


@pytest.mark.parametrize("indicator", ["composite", "2", "2.1"])
def test_places_are_those_of_the_library(indicator: str) -> None:
    made = figures()
    ranks = of(rank_table(made, protect(made.cells)), indicator)
    cells = of(made.cells, indicator)
    draws = np.random.default_rng(RANKING.seed).standard_normal((RANKING.draws, 12))
    drawn: dict[str, Any] = {"df": cells["df"], "normal_draws": draws, "seed": RANKING.seed}
    joint = rank_sets(cells["estimate"], cells["se"], **drawn)
    single = rank_sets(cells["estimate"], cells["se"], simultaneous=False, **drawn)
    assert ranks["rank"].tolist() == joint["rank"].tolist()
    assert ranks[["low", "high"]].to_numpy().tolist() == joint[["low", "high"]].to_numpy().tolist()
    if indicator == "composite":
        assert ranks["marginal_low"].tolist() == single["low"].tolist()
        assert ranks["marginal_high"].tolist() == single["high"].tolist()
    else:
        assert ranks[["marginal_low", "marginal_high"]].isna().all(axis=None)
    top = top_probability(cells["estimate"], cells["se"], **drawn)
    assert ranks["p_top"].tolist() == top.tolist()
    assert set(ranks["ranked"]) == {12}


def test_equal_scores_share_the_better_place() -> None:
    made = figures()
    ranks = of(rank_table(made, protect(made.cells)))
    assert ranks.loc[CITIES[3], "rank"] == ranks.loc[CITIES[5], "rank"]
    assert ranks["tied"].to_dict() == {
        city: 1.0 if city in {CITIES[3], CITIES[5]} else 0.0 for city in CITIES
    }


def test_the_composite_alone_says_how_weights_move_it() -> None:
    made = figures()
    table = rank_table(made, protect(made.cells))
    leaves = pd.DataFrame(
        {code: of(made.cells, code)["estimate"] for code in ("1.1.1", "2.1.1", "2.2.1")}
    )
    drawn = tree_draws(TREE, draws=RANKING.weight_draws, seed=RANKING.weight_seed)
    weights = pd.Series({"1.1.1": 0.4, "2.1.1": 0.3, "2.2.1": 0.3})
    expected = rank_sensitivity(leaves, weights, weight_draws=drawn)
    assert of(table)["sensitivity_low"].tolist() == expected["low"].tolist()
    assert of(table)["sensitivity_high"].tolist() == expected["high"].tolist()
    assert (expected["high"] > expected["low"]).any()
    assert of(table, "2")["sensitivity_low"].isna().all()


def test_small_and_hidden_cities_are_listed_without_a_place() -> None:
    made = figures(n=[600, 99, 9, 100, *[600] * 8])
    table = of(rank_table(made, protect(made.cells)))
    assert len(table) == 12
    assert table.loc[CITIES[1:3], list(FIGURES)].isna().all(axis=None)
    assert table.loc[CITIES[1], "n"] == 99
    assert np.isnan(table.loc[CITIES[2], "n"])
    assert table.loc[CITIES[2], "reason"] == "too_few"
    placed = table.drop(CITIES[1:3])
    assert placed["rank"].between(1, 10).all()
    assert set(placed["ranked"]) == {10}


def test_a_city_hidden_by_any_other_rule_takes_no_place_either() -> None:
    made = figures()
    cells = protect(made.cells)
    hidden = cells["area"] == CITIES[0]
    cells.loc[hidden, "shown"] = False
    cells["reason"] = cells["reason"].cat.set_categories(["", "secondary", "empty", "too_few"])
    cells.loc[hidden, "reason"] = "secondary"
    table = of(rank_table(made, cells))
    assert table.loc[CITIES[0], ["n", *FIGURES]].isna().all()
    assert table.drop(CITIES[0])["rank"].max() == 11


def test_the_same_figures_give_the_same_places() -> None:
    made = figures()
    cells = protect(made.cells)
    pd.testing.assert_frame_equal(rank_table(made, cells), rank_table(made, cells))


def test_without_a_composite_nobody_is_placed() -> None:
    made = figures(has_composite=False)
    table = rank_table(made, protect(made.cells))
    assert table.empty
    assert {*table.columns} >= {"area", "indicator", "n", *FIGURES, "shown", "reason"}


@pytest.mark.parametrize("indicator", ["composite", "2.1"])
def test_the_pairs_told_apart_are_those_that_the_sets_count(indicator: str) -> None:
    made = figures()
    table, pairs = rank_tables(made, protect(made.cells))
    cells, ranks = of(made.cells, indicator), of(table, indicator)
    pairs = pairs[pairs["indicator"] == indicator]
    assert pairs["area"].value_counts().reindex(ranks.index, fill_value=0).tolist() == (
        (12 - ranks["high"]).tolist()
    )
    assert pairs["other"].value_counts().reindex(ranks.index, fill_value=0).tolist() == (
        (ranks["low"] - 1).tolist()
    )
    draws = np.random.default_rng(RANKING.seed).standard_normal((RANKING.draws, 12))
    joint = rank_sets(
        cells["estimate"], cells["se"], df=cells["df"], normal_draws=draws, seed=RANKING.seed
    )
    apart = significant_pairs(
        cells["estimate"], cells["se"], joint.attrs["critical"], df=cells["df"]
    )
    assert apart.sum() == len(pairs) > 0


def test_a_city_whose_error_has_no_degrees_of_freedom_takes_no_place() -> None:
    made = figures()
    cells = made.cells.assign(
        df=np.where(made.cells["area"] == CITIES[0], 0.0, made.cells["df"].to_numpy())
    )
    table = of(rank_table(WaveEstimates(made.source, cells), protect(cells)))
    assert table.loc[CITIES[0], list(FIGURES)].isna().all()
    assert set(table.drop(CITIES[0])["ranked"]) == {11}


def test_few_degrees_of_freedom_make_sets_wider_never_narrower() -> None:
    made = figures()
    known = WaveEstimates(made.source, made.cells.assign(df=np.inf))
    few = WaveEstimates(made.source, made.cells.assign(df=4.0))
    sizes = []
    for estimated in (known, few):
        table = of(rank_table(estimated, protect(made.cells)))
        sizes.append((table["high"] - table["low"]).sum())
    assert sizes[1] > sizes[0]
