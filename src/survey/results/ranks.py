"""Ranks of the cities, the sets of ranks that the data allow, and their sensitivity.

Cities are sampled independently of each other, so their errors are too. Sources: statistics.md,
"Ranks"; `survey.estimate.rank_sets`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.disclosure import propagate_suppression
from survey.estimate import (
    Tree,
    rank_sensitivity,
    rank_sets,
    significant_pairs,
    top_probability,
    tree_draws,
)
from survey.estimate.tree import COMPOSITE
from survey.frame.quotas import EVERYONE
from survey.results.method import RankMethod
from survey.results.table_columns import ColumnTypes
from survey.results.wave_estimates import WaveEstimates

RANKING = RankMethod()

FIGURES = (
    "rank",
    "tied",
    "ranked",
    "low",
    "high",
    "marginal_low",
    "marginal_high",
    "p_top",
    "sensitivity_low",
    "sensitivity_high",
)
"""Columns that a hidden or unranked city does not have."""
_PAIR = ("area_level", "area", "other", "indicator")
_PAIR_TYPES = ColumnTypes(_PAIR)


@dataclass(frozen=True, eq=False)
class _Scores:
    """Scores with errors, cities × indicators; `placed` is True where a city is ranked."""

    estimate: pd.DataFrame
    se: pd.DataFrame
    df: pd.DataFrame
    placed: pd.DataFrame


def rank_tables(figures: WaveEstimates, cells: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the table of ranks of the cities, and that of significantly different pairs.

    Ranked are the composite and its first- and second-level indicators.

    `cells` are the protected cells: a city that is hidden there, that has fewer than
    `ranked_from_n` respondents or no margin of error has a row without figures.

    Columns of the places: area_level, area, indicator, n, rank (ties share the better one), tied
    (other cities at the same rank), ranked (cities in the order), low and high (simultaneous set),
    marginal_low and marginal_high (the composite only), p_top (probability of the first ten),
    sensitivity_low and sensitivity_high (under other indicator weights; the composite only), shown,
    reason. Of the pairs: area_level, area, other, indicator; `area` is surely above `other`, as the
    simultaneous sets count. Both are empty for a wave without indicator tree.
    """
    plan = figures.source.plan
    codes = [COMPOSITE, *(node.code for node in plan.tree.nodes if node.level <= 2)]
    codes = codes if plan.has_composite else []
    part = figures.cities[figures.cities["indicator"].isin(codes)]
    table = part[["area_level", "area", "indicator", "n"]].reset_index(drop=True)
    table = table.assign(**dict.fromkeys(FIGURES, np.nan))
    pairs = pd.DataFrame(columns=list(_PAIR))
    if len(table):
        scores = _read_scores(figures.cities, cells)
        ranks, pairs = _rank_scores(scores, codes, plan.tree, figures.source.level)
        keys = pd.MultiIndex.from_frame(table[["area", "indicator"]].astype(str))
        table[list(FIGURES)] = ranks.reindex(keys)[list(FIGURES)].to_numpy()
    protected = propagate_suppression(table, cells, at={"group": EVERYONE}, figures=FIGURES)
    return protected, _PAIR_TYPES.cast(pairs)


def _read_scores(cities: pd.DataFrame, cells: pd.DataFrame) -> _Scores:
    placed = (
        cells.loc[cities.index, "shown"]
        & (cities["n"] >= RANKING.ranked_from_n)
        & cities[["estimate", "se"]].notna().all(axis=1)
        & (cities["df"] >= 1)
    )
    named = cities.assign(
        area=cities["area"].astype(str), indicator=cities["indicator"].astype(str), placed=placed
    )

    def wide(column: str, kind: type) -> pd.DataFrame:
        return named.pivot(index="area", columns="indicator", values=column).astype(kind)

    return _Scores(
        wide("estimate", float), wide("se", float), wide("df", float), wide("placed", bool)
    )


def _rank_scores(
    scores: _Scores, codes: Sequence[str], tree: Tree, level: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the ranks by (city, indicator), and pairs of cities that differ significantly."""
    shape = (RANKING.draws, len(scores.estimate))
    normal = np.random.default_rng(RANKING.seed).standard_normal(shape)

    # Not in threads: the C library keeps what each has freed, a fifth of the memory of a freeze.
    both = {code: _rank_indicator(scores, code, normal, level) for code in codes}
    tables = {code: table for code, (table, _) in both.items()}
    moved = _compute_composite_sensitivity(scores, tree, level)
    tables[COMPOSITE] = tables[COMPOSITE].drop(columns=list(moved)).join(moved)
    joined = pd.concat(tables, names=["indicator", "area"])
    pairs = pd.concat([pairs for _, pairs in both.values()], ignore_index=True)
    return joined.reorder_levels(["area", "indicator"]), pairs


def _rank_indicator(
    scores: _Scores, code: str, normal: NDArray[np.float64], level: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return ranks and significant pairs of cities in one indicator; `normal` are random draws."""
    placed = scores.placed[code].to_numpy()
    estimate, se, df = (
        table.loc[placed, code] for table in (scores.estimate, scores.se, scores.df)
    )
    if not len(estimate):
        empty = pd.DataFrame(index=estimate.index, columns=list(FIGURES), dtype=float)
        return empty, pd.DataFrame(columns=list(_PAIR))
    drawn = {"df": df, "normal_draws": normal[:, placed], "seed": RANKING.seed}
    joint = rank_sets(estimate, se, level=level, **drawn)
    single = joint[["low", "high"]] * np.nan
    if code == COMPOSITE:
        single = rank_sets(estimate, se, level=level, simultaneous=False, **drawn)
    rank_table = joint.assign(
        tied=joint.groupby("rank")["rank"].transform("size") - 1,
        ranked=len(joint),
        marginal_low=single["low"],
        marginal_high=single["high"],
        p_top=top_probability(estimate, se, top=RANKING.top, **drawn),
        sensitivity_low=np.nan,
        sensitivity_high=np.nan,
    )
    above, below = np.nonzero(significant_pairs(estimate, se, joint.attrs["critical"], df=df))
    names = estimate.index.to_numpy(dtype=object)
    columns = ("city", names[above], names[below], code)
    return rank_table, pd.DataFrame(dict(zip(_PAIR, columns, strict=True)))


def _compute_composite_sensitivity(scores: _Scores, tree: Tree, level: float) -> pd.DataFrame:
    """Return the range of each city's composite rank under randomly varied indicator weights.

    There are none where a ranked city lacks an indicator: its composite under other weights would
    not be one.
    """
    names = {"low": "sensitivity_low", "high": "sensitivity_high"}
    drawn = tree_draws(
        tree, spread=RANKING.weight_spread, draws=RANKING.weight_draws, seed=RANKING.weight_seed
    )
    leaves = [str(code) for code in drawn.columns]
    parts = scores.estimate.loc[scores.placed[COMPOSITE], leaves]
    if parts.empty or parts.isna().any(axis=None):
        return pd.DataFrame(index=parts.index, columns=list(names.values()), dtype=float)
    weights = pd.Series(_compute_tree_weights(tree, leaves), index=leaves)
    moved = rank_sensitivity(parts, weights, level=level, weight_draws=drawn)
    return moved[list(names)].rename(columns=names)


def _compute_tree_weights(tree: Tree, codes: Sequence[str]) -> NDArray[np.float64]:
    """Return the weight of each indicator of `codes` in the composite."""
    omega = dict(zip(tree.item_columns, tree.omega[-1], strict=True))
    return np.array(
        [sum(omega[item] for item in omega if tree.feeds[item] == code) for code in codes]
    )
