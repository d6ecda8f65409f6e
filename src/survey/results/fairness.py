"""Fair comparison of cities: the method sheet of case mix and mode.

Source: docs/fairness.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from survey.access.roles import NATION
from survey.disclosure import AdditiveTotal, protect
from survey.estimate.arrays import Floats, limit_to_one_thread, ratio
from survey.estimate.case_mix import (
    CaseMixModel,
    CaseMixRows,
    CityMeans,
    CitySums,
    FairComparison,
    PointSums,
    compare_fairly,
)
from survey.estimate.design import encode
from survey.estimate.tree import COMPOSITE
from survey.estimate.variance import t_pvalue, t_quantile
from survey.frame.quotas import EVERYONE
from survey.locale.figures import round_two_digits
from survey.results.analysis import add_verdicts, bound_rate_intervals
from survey.results.domains import BANDS
from survey.results.method_sheets import FAIRNESS, OBSTACLE
from survey.results.sheet_source import SheetSource
from survey.results.wave_parts import MODE, PartLoader, WaveData, WaveParts

FACTORS = (
    ("age_band", "gender"), ("education",), ("income",), ("residence",), ("guardian",),
    ("answered_by",), ("guardian_relation",), (MODE,),
)  # fmt: skip
"""What people differ in; the columns of one factor are crossed. The mode comes last, so that it
gives way to what it cannot be told from."""
_ALL = "all"
_STRATUM, _POINT = "stratum", "point"
_ROUNDING = 1e-9
"""Points below which a shift is none."""


@dataclass(frozen=True)
class _Factor:
    """Columns of the interviews that are crossed, each with its levels."""

    levels: Mapping[str, Sequence[str]]

    def encode(self, people: pd.DataFrame) -> Floats:
        """Return 0/1 columns of all crossed levels but the first, then of people without one."""
        code, size, is_known = np.zeros(len(people), dtype=np.intp), 1, True
        for name, levels in self.levels.items():
            # A question whose answers were not kept has a column of nobody's answers.
            answers = people.get(name, pd.Series(None, index=people.index, dtype=object))
            codes, labels = encode(answers)
            # The last place is that of a missing answer, whose code is -1.
            place = np.append(pd.Index(levels).get_indexer(labels.astype(str)), -1)[codes]
            code, size = code * len(levels) + place, size * len(levels)
            is_known = is_known & (place >= 0)
        code = np.where(is_known, code, size)
        columns: Floats = (code[:, None] == np.arange(1, size + 1)).astype(np.float64)
        return columns


def build_fairness(source: SheetSource) -> pd.DataFrame:
    """Return the rows of the sheet, those of small numbers hidden."""
    wave = source.wave
    if not wave.plan.has_composite:
        return FAIRNESS.build_obstacle("no_composite")
    overlap = _build_overlap(pd.concat(list(wave.run(_sum_weights, wave.parts))), source.cells)
    if wave.design.psu is None:
        return pd.concat([FAIRNESS.build_obstacle("no_points"), overlap], ignore_index=True)
    factors = _list_factors(wave)
    modes = factors[-1].levels[MODE][1:]
    found = _compare(wave, factors, len(modes))
    variables = wave.plan.tree.variables
    cells = source.cells[source.cells["group"] == EVERYONE]
    scores = _build_scores(found, cells, wave)
    effects = _build_effects(found, variables, modes, wave.level)
    return pd.concat([scores, effects, overlap], ignore_index=True)


def _list_factors(wave: WaveParts) -> list[_Factor]:
    """Return the factors whose questions the wave asked, the same for all parts."""
    levels = {
        name: [choice.name for choice in item.choices]
        for name, item in wave.instrument.by_name.items()
    }
    levels["age_band"] = list(BANDS.get(wave.series, ()))
    levels[MODE] = sorted(wave.facts.modes, key=lambda mode: (-wave.facts.modes[mode], mode))
    factors = []
    for columns in FACTORS:
        asked = {name: levels[name] for name in columns if levels.get(name)}
        if asked:
            factors.append(_Factor(asked))
    return factors


def _compare(wave: WaveParts, factors: Sequence[_Factor], modes: int) -> FairComparison:
    """Return the comparison of the cities, in the order of their codes."""
    jobs = [(wave.parts[place], city) for city, place in sorted(wave.facts.part_of.items())]
    model = CaseMixModel.fit(wave.run(partial(_sum_city, factors), jobs))
    again = [(*job, means) for job, means in zip(jobs, model.cities, strict=True)]
    points = list(wave.run(partial(_sum_points, factors, model.beta), again))
    # The last column of the mode is that of interviews without one, which there are none of.
    last = model.beta.shape[1] - 1
    chosen = range(last - modes, last)
    design = replace(wave.design, strata=_STRATUM, psu=_POINT)
    return compare_fairly(model, points, wave.plan.tree.omega, design, chosen)


def _read_city(data: WaveData, city: str, factors: Sequence[_Factor]) -> CaseMixRows:
    own = (data.people["city_code"] == city).to_numpy(dtype=bool)
    people, scale = data.people[own], data.plan.scale
    raw = people[list(data.plan.tree.item_columns)].to_numpy(dtype=np.float64, na_value=np.nan)
    with np.errstate(invalid="ignore"):
        scores = np.where(raw >= scale.minimum, (raw - scale.minimum) * scale.unit, np.nan)
    points = people[[data.design.strata, data.design.psu]].astype(str)
    return CaseMixRows(
        scores=scores,
        x=np.column_stack([factor.encode(people) for factor in factors]),
        weight=people[data.design.weight].to_numpy(dtype=np.float64),
        points=points.set_axis([_STRATUM, _POINT], axis=1).reset_index(drop=True),
    )


def _sum_city(factors: Sequence[_Factor], job: tuple[PartLoader, str]) -> CitySums:
    part, city = job
    with limit_to_one_thread():
        return CitySums.of(_read_city(part(), city, factors))


def _sum_points(
    factors: Sequence[_Factor], beta: Floats, job: tuple[PartLoader, str, CityMeans]
) -> PointSums:
    part, city, means = job
    with limit_to_one_thread():
        return PointSums.of(_read_city(part(), city, factors), means, beta)


def _build_scores(found: FairComparison, cells: pd.DataFrame, wave: WaveParts) -> pd.DataFrame:
    """Return a row for each city and indicator: as published, adjusted, and what moved it."""
    variables, cities = wave.plan.tree.variables, [str(code) for code in wave.city_codes]
    keys = pd.MultiIndex.from_product([cities, variables], names=["area", "indicator"])
    own = cells[cells["area_level"] == "city"]
    own = own.astype({"area": str, "indicator": str}).set_index(["area", "indicator"])
    table = own[["estimate", "df", "n", "status", "shown"]].reindex(keys).reset_index()
    df = table["df"].fillna(0).to_numpy(dtype=float)
    t, shift = t_quantile(df, wave.level), found.shift.ravel()
    se, shift_se = found.adjusted_se.ravel(), found.shift_se.ravel()
    raw = table["estimate"].to_numpy(dtype=float)
    adjusted = bound_rate_intervals(
        table.assign(
            estimate=raw - shift, se=se, ci_low=raw - shift - t * se, ci_high=raw - shift + t * se
        ),
        (), level=wave.level, deff=1.0,
    )  # fmt: skip
    # A city that is the whole wave has no shift, and no error of it.
    p = t_pvalue(ratio(shift, shift_se, np.nan), df)
    p = np.where(np.abs(shift) > _ROUNDING, p, np.nan)
    table = table.assign(
        area_level="city", group=EVERYONE, line="score", raw=raw,
        adjusted=raw - shift, adjusted_low=adjusted["ci_low"], adjusted_high=adjusted["ci_high"],
        shift=shift, shift_low=shift - t * shift_se, shift_high=shift + t * shift_se,
        by_mode=found.part.ravel(), by_people=shift - found.part.ravel(),
        difference=shift, p=p, status=table["status"].astype(str),
    )  # fmt: skip
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
