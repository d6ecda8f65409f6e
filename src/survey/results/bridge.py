"""Bridge across questionnaires: the method sheet of the step between two of them.

Source: docs/bridge.md.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from survey.access.roles import NATION
from survey.disclosure import AdditiveTotal, protect
from survey.estimate import BridgedTree, Cube, carried_variance, cube_change, smooth_steps
from survey.estimate.arrays import Floats, ratio
from survey.estimate.variance import t_pvalue, t_quantile
from survey.frame.quotas import EVERYONE
from survey.results.analysis import SCALE, add_verdicts
from survey.results.crosswalk import list_counterparts
from survey.results.method_sheets import BRIDGE, OBSTACLE
from survey.results.sheet_source import SheetSource
from survey.results.small_areas import MIN_CITIES, pooled_variance
from survey.results.wave_estimates import CubeRequest, build_cube, translate_estimate_errors
from survey.results.wave_parts import WaveParts

DIRECT, SMOOTHED = "direct", "smoothed"
"""Basis of a step: the interviews of the area alone, or drawn to the mean of all cities."""
_KEYS = ["area_level", "area", "indicator"]


def build_bridge(source: SheetSource) -> pd.DataFrame:
    """Return the rows of the sheet, those of small numbers hidden."""
    wave, earlier = source.wave, source.wave.earlier
    if earlier is None:
        return BRIDGE.build_obstacle("no_overlap")
    if not (wave.plan.has_composite and earlier.plan.has_composite):
        return BRIDGE.build_obstacle("no_two_scores")
    if wave.design.psu is None or earlier.design.psu is None:
        return BRIDGE.build_obstacle("no_step_points")
    table = _estimate_steps(wave, earlier)
    cities = table.loc[table["area_level"] == "city", "area"].unique().tolist()
    whole = AdditiveTotal(("area",), (NATION,), tuple((city,) for city in cities))
    table = protect(table, n="n_earlier", by=("area", "indicator"), totals=[whole])
    table = add_verdicts(table, family=("area_level", "indicator"))
    return table.drop(columns=["difference", "p", "status"])


def _list_names(wave: WaveParts, earlier: WaveParts) -> dict[str, str]:
    """Return indicator of the wave -> its code in the earlier tree, of those that both measure."""
    assert wave.tree is not None
    assert earlier.tree is not None
    pairs = list_counterparts(earlier.tree, wave.tree)
    measured = set(earlier.plan.tree.variables)
    return {code: pairs[code] for code in wave.plan.tree.variables if pairs.get(code) in measured}


def _build_cubes(wave: WaveParts, earlier: WaveParts) -> tuple[Cube, Cube]:
    """Return the sums of both questionnaires over the cities that have both, the earlier first."""
    names = _list_names(wave, earlier)
    common = frozenset(map(str, wave.city_codes)) & frozenset(map(str, earlier.city_codes))

    def build(source: WaveParts, codes: Mapping[str, str]) -> Cube:
        tree = BridgedTree.select(source.plan.tree, codes)
        request = CubeRequest(("nation", "city"), (EVERYONE,), tree=tree, cities=common)
        return build_cube(source, request)

    return build(earlier, names), build(wave, {name: name for name in names})


def _estimate_steps(wave: WaveParts, earlier: WaveParts) -> pd.DataFrame:
    """Return scores of both questionnaires and steps of the nation and the cities."""
    with translate_estimate_errors():
        cubes = _build_cubes(wave, earlier)
        table = cube_change(*cubes, level=wave.level)
        errors = [_read_errors(cube, table, wave.level) for cube in cubes]
    table = table.astype(dict.fromkeys((*_KEYS, "status"), str))
    table = table.assign(earlier_variance=errors[0], later_variance=errors[1])
    nation = table["area_level"] == "nation"
    parts = [_describe_nation(table[nation], wave.level)]
    for _, rows in table[~nation].groupby("indicator", sort=False):
        parts.append(_describe_cities(rows, wave.level))
    columns = pd.concat(parts).sort_index()
    found = columns["step"].to_numpy(dtype=float)
    return table[_KEYS].assign(
        **columns,
        group=EVERYONE,
        line="step",
        n_earlier=table["n_before"],
        difference=found,
        status="ok",
        **{OBSTACLE: np.where(np.isnan(found), "no_step", "")},
    )


def _read_errors(cube: Cube, table: pd.DataFrame, level: float) -> Floats:
    """Return the variance of a cube's score in each row of `table`."""
    own = cube.table(level=level).astype(dict.fromkeys(_KEYS, str)).set_index(_KEYS)["se"]
    keys = pd.MultiIndex.from_frame(table[_KEYS].astype(str))
    return own.reindex(keys).to_numpy(dtype=float) ** 2


def _describe_nation(rows: pd.DataFrame, level: float) -> pd.DataFrame:
    """Return the columns of the nation, whose step is that of the interviews."""
    later, earlier = (rows[name].to_numpy(dtype=float) for name in ("after", "before"))
    df = rows["df"].to_numpy(dtype=float)
    error = t_quantile(df, level) * np.sqrt(rows["earlier_variance"].to_numpy(dtype=float))
    return pd.DataFrame(
        {
            "later": later,
            "earlier": earlier,
            "earlier_low": earlier - error,
            "earlier_high": earlier + error,
            "step": later - earlier,
            "step_low": rows["ci_low"],
            "step_high": rows["ci_high"],
            "basis": DIRECT,
            "p": rows["p"],
        },
        index=rows.index,
    )


def _describe_cities(rows: pd.DataFrame, level: float) -> pd.DataFrame:
    """Return the columns of the cities for one indicator, their steps smoothed."""
    n_later, n_earlier = (rows[name].to_numpy(dtype=float) for name in ("n_after", "n_before"))
    df = rows["df"].to_numpy(dtype=float)
    size = ratio(np.ones(1), ratio(np.ones(1), n_later) + ratio(np.ones(1), n_earlier))
    direct = rows["difference"].to_numpy(dtype=float)
    variance = pooled_variance(rows["se"].to_numpy(dtype=float) ** 2, size, df)
    later = pooled_variance(rows["later_variance"].to_numpy(dtype=float), n_later, df)
    earlier = pooled_variance(rows["earlier_variance"].to_numpy(dtype=float), n_earlier, df)
    found = smooth_steps(direct, variance, fewest=MIN_CITIES)
    is_smoothed = bool((found.own < 1).any())
    # A model rests on all cities; a single step on the points of its own.
    t = t_quantile(np.full(len(rows), 1e6) if is_smoothed else df, level)
    score = rows["after"].to_numpy(dtype=float)
    carried = np.clip(score - found.step, 0, SCALE)
    error = t * np.sqrt(found.mse)
    carried_error = t * np.sqrt(carried_variance(found, variance, later, earlier))
    return pd.DataFrame(
        {
            "later": score,
            "earlier": carried,
            "earlier_low": np.clip(carried - carried_error, 0, SCALE),
            "earlier_high": np.clip(carried + carried_error, 0, SCALE),
            "step": found.step,
            "step_low": found.step - error,
            "step_high": found.step + error,
            "basis": SMOOTHED if is_smoothed else DIRECT,
            "p": t_pvalue(ratio(found.step, np.sqrt(found.mse), np.nan), np.full(len(rows), 1e6)),
        },
        index=rows.index,
    )
