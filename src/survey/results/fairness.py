"""Fair comparison of cities: the method sheet of case mix and mode.

Source: docs/fairness.md.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from survey.access.roles import NATION
from survey.disclosure import AdditiveTotal, protect
from survey.estimate.arrays import Floats, ratio
from survey.estimate.case_mix import FairComparison
from survey.estimate.mode_experiment import UsedEffects
from survey.estimate.rate_mix import FairRates
from survey.estimate.tree import COMPOSITE
from survey.estimate.variance import t_pvalue, t_quantile
from survey.frame.quotas import EVERYONE
from survey.locale.figures import round_two_digits
from survey.results.analysis import SCALE, add_verdicts, bound_rate_intervals
from survey.results.city_comparison import (
    ComparisonPlan,
    compare_cities,
    compare_given,
    list_comparison_plan,
)
from survey.results.method_sheets import FAIRNESS, OBSTACLE
from survey.results.mode_experiment import find_used
from survey.results.sheet_source import SheetSource
from survey.results.wave_parts import MODE, PartLoader, WaveParts

_ALL = "all"
_ROUNDING = 1e-9
"""Points below which a shift is none."""


def build_fairness(source: SheetSource) -> pd.DataFrame:
    """Return the rows of the sheet, those of small numbers hidden."""
    wave = source.wave
    if not wave.plan.has_composite:
        return FAIRNESS.build_obstacle("no_composite")
    overlap = _build_overlap(pd.concat(list(wave.run(_sum_weights, wave.parts))), source.cells)
    if wave.design.psu is None:
        return pd.concat([FAIRNESS.build_obstacle("no_points"), overlap], ignore_index=True)
    plan = list_comparison_plan(wave, set(source.cells["indicator"].astype(str)))
    modes = plan.factors[-1].levels[MODE][1:]
    found = compare_cities(wave, plan, len(modes))
    variables = wave.plan.tree.variables
    own = source.cells[source.cells["group"] == EVERYONE]
    lines = [
        _build_scores(found.scores, own, wave),
        _build_rates(found.rates, own, wave, [measure.key for measure in plan.rates]),
        _build_direct(found.direct, own, wave),
        _build_given(find_used(wave), plan, own, wave),
        _build_effects(found.scores, variables, modes, wave.level),
        overlap,
    ]
    return pd.concat([table for table in lines if len(table)], ignore_index=True)


def _build_scores(found: FairComparison, cells: pd.DataFrame, wave: WaveParts) -> pd.DataFrame:
    """Return a row for each city and indicator: as published, adjusted, and what moved it."""
    table = _read_published(cells, wave, wave.plan.tree.variables)
    shift, part = found.shift.ravel(), found.part.ravel()
    return _add_shifts(
        table.assign(line="score", by_mode=part, by_people=shift - part),
        (table["raw"].to_numpy() - shift, found.adjusted_se.ravel(), found.shift_se.ravel()),
        wave.level,
    )


def _build_rates(
    found: FairRates, cells: pd.DataFrame, wave: WaveParts, rates: Sequence[str]
) -> pd.DataFrame:
    """Return a row for each city and rate: as published, and adjusted."""
    table = _read_published(cells, wave, rates).assign(line="rate")
    adjusted, se, shift_se = (
        SCALE * each.ravel() for each in (found.adjusted, found.adjusted_se, found.shift_se)
    )
    return _add_shifts(table, (adjusted, se, shift_se), wave.level, rates)


def _build_given(
    used: UsedEffects | None, plan: ComparisonPlan, cells: pd.DataFrame, wave: WaveParts
) -> pd.DataFrame:
    """Return the composite of each city, adjusted with the experiment's effect of the mode."""
    if used is None:
        return pd.DataFrame()
    found = compare_given(wave, plan, used)
    table = _read_published(cells, wave, [COMPOSITE])
    shift, part = found.shift.ravel(), found.part.ravel()
    return _add_shifts(
        table.assign(line="given", by_mode=part, by_people=shift - part),
        (table["raw"].to_numpy() - shift, found.adjusted_se.ravel(), found.shift_se.ravel()),
        wave.level,
    )


def _build_direct(
    found: tuple[Floats, Floats], cells: pd.DataFrame, wave: WaveParts
) -> pd.DataFrame:
    """Return the directly standardised composite of each city that has people of every cell."""
    score, se = (each[:, 0] for each in found)
    table = _read_published(cells, wave, [COMPOSITE]).assign(line="direct")
    table = _add_intervals(table, score, se, wave.level)
    is_open = table["shown"] & table["raw"].notna()
    table[OBSTACLE] = np.where(is_open & np.isnan(score), "cells_empty", "")
    return table.drop(columns="shown")


def _read_published(
    cells: pd.DataFrame, wave: WaveParts, indicators: Sequence[str]
) -> pd.DataFrame:
    """Return a row for each city and indicator, with what is published."""
    cities = [str(code) for code in wave.city_codes]
    keys = pd.MultiIndex.from_product([cities, indicators], names=["area", "indicator"])
    own = cells[cells["area_level"] == "city"]
    own = own.astype({"area": str, "indicator": str}).set_index(["area", "indicator"])
    table = own[["estimate", "df", "n", "status", "shown"]].reindex(keys).reset_index()
    return table.assign(
        area_level="city", group=EVERYONE, raw=table["estimate"].astype(float),
        df=table["df"].fillna(0).astype(float), status=table["status"].astype(str),
        shown=table["shown"].eq(True),
    )  # fmt: skip


def _add_intervals(
    table: pd.DataFrame, adjusted: Floats, se: Floats, level: float, rates: Sequence[str] = ()
) -> pd.DataFrame:
    """Return the rows with adjusted figures and their intervals, of `rates` on log odds."""
    half = t_quantile(table["df"].to_numpy(), level) * se
    bounded = bound_rate_intervals(
        table.assign(estimate=adjusted, se=se, ci_low=adjusted - half, ci_high=adjusted + half),
        rates, level=level, deff=1.0,
    )  # fmt: skip
    return table.assign(
        adjusted=adjusted, adjusted_low=bounded["ci_low"], adjusted_high=bounded["ci_high"]
    )


def _add_shifts(
    table: pd.DataFrame,
    figures: tuple[Floats, Floats, Floats],
    level: float,
    rates: Sequence[str] = (),
) -> pd.DataFrame:
    """Return the rows with adjusted figures, shifts and verdicts.

    Args:
        figures: adjusted figures, their errors, and those of the shifts, by row.
    """
    adjusted, se, shift_se = figures
    df, raw = table["df"].to_numpy(), table["raw"].to_numpy()
    shift, half = raw - adjusted, t_quantile(df, level) * shift_se
    table = _add_intervals(table, adjusted, se, level, rates)
    # A city that is the whole wave has no shift, and no error of it.
    p = t_pvalue(ratio(shift, shift_se, np.nan), df)
    p = np.where(np.abs(shift) > _ROUNDING, p, np.nan)
    table = table.assign(
        shift=shift, shift_low=shift - half, shift_high=shift + half, difference=shift, p=p
    )
    has_score, is_known = ~np.isnan(raw), ~np.isnan(shift)
    table[OBSTACLE] = np.select(
        [~table["shown"], ~has_score, ~is_known], ["", "no_score", "not_identified"], ""
    )
    return add_verdicts(table, family=("indicator",)).drop(columns="shown")


def _build_effects(
    found: FairComparison, variables: Sequence[str], modes: Sequence[str], level: float
) -> pd.DataFrame:
    """Return the effect of each mode against the most frequent one, for the nation."""
    t = t_quantile(np.array([float(found.df)]), level)[0]
    effect, error = found.effect.ravel(), t * found.effect_se.ravel()
    keys = pd.MultiIndex.from_product([list(modes), list(variables)], names=["item", "indicator"])
    table = keys.to_frame(index=False).assign(
        area_level="nation", area=NATION, group=EVERYONE, line="effect",
        effect=effect, effect_low=effect - error, effect_high=effect + error,
        **{OBSTACLE: np.where(np.isnan(effect), "not_identified", "")},
    )  # fmt: skip
    return table.assign(item=f"{MODE}=" + table["item"])


def _sum_weights(part: PartLoader) -> pd.DataFrame:
    """Return n, sum of weights and of their squares by city and mode, the columns of a part."""
    data = part()
    weight = data.people[data.design.weight].to_numpy(dtype=float)
    keys = {"area": data.people["city_code"].astype(str), "item": data.people[MODE].astype(str)}
    rows = pd.DataFrame({**keys, "n": 1, "weight": weight, "square": weight**2})
    return rows.groupby(["area", "item"], as_index=False).sum()


def _build_overlap(sums: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """Return the effective number of interviews of each mode, in the nation and in each city.

    Modes add up to the interviews of a city, and cities to the nation: a mode that few were asked
    by is hidden, and so is what would tell their number.
    """
    sums = sums.sort_values(["area", "item"])
    nation = sums.groupby("item", as_index=False)[["n", "weight", "square"]].sum()
    modes, cities = nation["item"].tolist(), sorted(sums["area"].unique())
    whole = pd.concat([sums, nation.assign(area=NATION)])
    everyone = whole.groupby("area", as_index=False)[["n", "weight", "square"]].sum()
    table = pd.concat([whole, everyone.assign(item=_ALL)], ignore_index=True)
    totals = [
        AdditiveTotal(("item",), (_ALL,), tuple((mode,) for mode in modes)),
        AdditiveTotal(("area",), (NATION,), tuple((city,) for city in cities)),
    ]
    table = protect(table, by=("area", "item"), totals=totals)
    size = table["weight"] ** 2 / table["square"]
    table = table[table["item"] != _ALL].assign(
        area_level=np.where(table["area"] == NATION, "nation", "city")[table["item"] != _ALL],
        group=EVERYONE,
        indicator=COMPOSITE,
        line="overlap",
        n_effective=size[table["shown"]].map(round_two_digits),
    )
    known = cells[(cells["group"] == EVERYONE) & (cells["indicator"] == COMPOSITE)]
    table = table[table["area"].isin(known["area"].astype(str))]
    return table.assign(item=f"{MODE}=" + table["item"].astype(str))
