"""Fair comparison of cities: the method sheet of case mix and mode.

Source: docs/fairness.md.
"""

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import itemgetter
from typing import Any, Self

import numpy as np
import pandas as pd

from survey.access.roles import NATION
from survey.disclosure import AdditiveTotal, protect
from survey.estimate.arrays import Codes, Flags, Floats, limit_to_one_thread, ratio
from survey.estimate.case_mix import (
    CaseMixModel,
    CaseMixRows,
    CityMeans,
    CitySums,
    FairComparison,
    PointSums,
    compare_fairly,
    give_effect,
)
from survey.estimate.design import encode
from survey.estimate.direct_standard import CellMeans, DirectPoints, share_cells, standardise
from survey.estimate.mode_experiment import UsedEffects
from survey.estimate.rate_mix import (
    FairRates,
    RateChances,
    RateModel,
    RatePatterns,
    RatePointSums,
    compare_rates,
)
from survey.estimate.tree import COMPOSITE
from survey.estimate.variance import t_pvalue, t_quantile
from survey.frame.quotas import EVERYONE
from survey.locale.figures import round_two_digits
from survey.results.analysis import SCALE, add_verdicts, bound_rate_intervals
from survey.results.domains import BANDS
from survey.results.measures import Measure, measure_values
from survey.results.method_sheets import FAIRNESS, OBSTACLE
from survey.results.mode_experiment import find_used
from survey.results.sheet_source import SheetSource
from survey.results.wave_parts import MODE, PartLoader, WaveData, WaveParts
from survey.store.tables import Mode

FACTORS = (
    ("age_band", "gender"), ("education",), ("income",), ("residence",), ("guardian",),
    ("answered_by",), ("guardian_relation",), (MODE,),
)  # fmt: skip
"""What people differ in; the columns of one factor are crossed. The mode comes last, so that it
gives way to what it cannot be told from."""
SCHOOLING = "schooling"
STEPS = {
    "primary": "low", "junior": "low", "senior": "middle",
    "college": "high", "bachelor": "high", "postgraduate": "high",
}  # fmt: skip
"""Steps of schooling for the check without a model: hardly a city has people of every level."""
CHECKED = ("age_band", SCHOOLING)
"""What people are standardised by without a model."""
_ALL = "all"
_STRATUM, _POINT = "stratum", "point"
_ROUNDING = 1e-9
"""Points below which a shift is none."""


@dataclass(frozen=True)
class _Factor:
    """Columns of the interviews that are crossed, each with its levels."""

    levels: Mapping[str, Sequence[str]]

    def number(self, people: pd.DataFrame) -> tuple[Codes, int]:
        """Return the number of each person's crossed level (-1: none), and how many there are."""
        code, size, is_known = np.zeros(len(people), dtype=np.intp), 1, True
        for name, levels in self.levels.items():
            # A question whose answers were not kept has a column of nobody's answers.
            answers = people.get(name, pd.Series(None, index=people.index, dtype=object))
            codes, labels = encode(answers)
            # The last place is that of a missing answer, whose code is -1.
            place_of = {level: place for place, level in enumerate(levels)}
            place = np.array([*(place_of.get(str(each), -1) for each in labels), -1])[codes]
            code, size = code * len(levels) + place, size * len(levels)
            is_known = is_known & (place >= 0)
        return np.where(is_known, code, -1), size

    def encode(self, people: pd.DataFrame) -> Flags:
        """Return 0/1 columns of all crossed levels but the first, then of people without one."""
        code, size = self.number(people)
        code = np.where(code < 0, size, code)
        columns: Flags = code[:, None] == np.arange(1, size + 1)
        return columns


@dataclass(frozen=True)
class _Plan:
    """What people are compared by, and in which figures beside the tree."""

    factors: tuple[_Factor, ...]
    checked: _Factor | None
    """None: the wave did not ask what the check without a model needs."""
    rates: tuple[Measure, ...]


@dataclass(frozen=True)
class _City:
    """Rows of one city: its scores, its rates, and the cell of each person (n,)."""

    scores: CaseMixRows
    rates: CaseMixRows
    cell: Codes
    cells: int


@dataclass(frozen=True)
class _Found:
    scores: FairComparison
    rates: FairRates
    direct: tuple[Floats, Floats]
    """Composites and their errors, shape (C, 1)."""


def build_fairness(source: SheetSource) -> pd.DataFrame:
    """Return the rows of the sheet, those of small numbers hidden."""
    wave = source.wave
    if not wave.plan.has_composite:
        return FAIRNESS.build_obstacle("no_composite")
    overlap = _build_overlap(pd.concat(list(wave.run(_sum_weights, wave.parts))), source.cells)
    if wave.design.psu is None:
        return pd.concat([FAIRNESS.build_obstacle("no_points"), overlap], ignore_index=True)
    plan = _list_plan(wave, set(source.cells["indicator"].astype(str)))
    modes = plan.factors[-1].levels[MODE][1:]
    found = _compare(wave, plan, len(modes))
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


def _list_plan(wave: WaveParts, indicators: Collection[str]) -> _Plan:
    """Return the factors whose questions the wave asked, and the rates among its `indicators`."""
    levels = {
        name: [choice.name for choice in item.choices]
        for name, item in wave.instrument.by_name.items()
    }
    levels["age_band"] = list(BANDS.get(wave.series, ()))
    levels[SCHOOLING] = list(
        dict.fromkeys(STEPS.values()) if set(levels.get("education", ())) >= set(STEPS) else ()
    )
    levels[MODE] = sorted(wave.facts.modes, key=lambda mode: (-wave.facts.modes[mode], mode))
    factors = []
    for columns in FACTORS:
        asked = {name: levels[name] for name in columns if levels.get(name)}
        if asked:
            factors.append(_Factor(asked))
    checked = {name: levels[name] for name in CHECKED if levels.get(name)}
    has_all = len(checked) == len(CHECKED)
    return _Plan(
        tuple(factors), _Factor(checked) if has_all else None, _list_rates(wave, indicators)
    )


def _list_rates(wave: WaveParts, indicators: Collection[str]) -> tuple[Measure, ...]:
    """Return the rates that are better high or low, of questions that everybody is asked."""
    asked_all = {
        item.name
        for section in wave.instrument.sections
        for item in section.items
        if section.relevant is None and item.relevant is None
    }
    return tuple(
        measure
        for measure in wave.rates
        if measure.key in indicators
        and measure.choices
        and measure.direction != "neutral"
        and measure.item in asked_all
    )


def _compare(wave: WaveParts, plan: _Plan, modes: int) -> _Found:
    """Return the comparison of the cities, in the order of their codes."""
    passes = _Passes.of(wave, plan)
    sums, patterns, cells = passes.sum_cities()
    model, rates = CaseMixModel.fit(sums), RateModel.fit(patterns)
    given = (model.beta, rates.chances, share_cells(cells))
    points, rate_points, direct = passes.sum_points(given, model.cities, cells)
    # The last column of the mode is that of interviews without one, which there are none of.
    last = model.beta.shape[1] - 1
    chosen = range(last - modes, last)
    design, omega = replace(wave.design, strata=_STRATUM, psu=_POINT), wave.plan.tree.omega
    return _Found(
        compare_fairly(model, points, omega, design, chosen),
        compare_rates(rates, rate_points, design),
        standardise(direct, _select_composite(wave), design),
    )


def _compare_given(wave: WaveParts, plan: _Plan, used: UsedEffects) -> FairComparison:
    """Return the comparison by composite with the effect that the wave's experiment has found."""
    # One column in place of those of the mode: whether the own phone was not what was used.
    factors = (*plan.factors[:-1], _Factor({MODE: (Mode.SELF,)}))
    passes = _Passes.of(wave, _Plan(factors, None, ()))
    sums, _, cells = passes.sum_cities()
    model = CaseMixModel.fit_given(sums, used.effect)
    nothing = RateChances(np.empty((len(sums), 0)), np.empty((0, model.beta.shape[1])))
    given = (model.beta, nothing, share_cells(cells))
    points, _, _ = passes.sum_points(given, model.cities, cells)
    design = replace(wave.design, strata=_STRATUM, psu=_POINT)
    last = model.beta.shape[1] - 1
    return compare_fairly(
        model,
        [give_effect(each, used.points, used.z) for each in points],
        _select_composite(wave),
        design,
        [last],
    )


def _select_composite(wave: WaveParts) -> Floats:
    """Return the item weights of the composite, shape (1, T)."""
    tree = wave.plan.tree
    return np.asarray(tree.omega[[tree.variables.index(COMPOSITE)]])


@dataclass(frozen=True)
class _Passes:
    """The two readings of a wave by part: what is known of each city, then of its points."""

    wave: WaveParts
    plan: _Plan
    places: Sequence[Sequence[int]]
    """Cities of each part, by their place in the order of codes."""
    jobs: Sequence[tuple[PartLoader, Sequence[str]]]

    @classmethod
    def of(cls, wave: WaveParts, plan: _Plan) -> Self:
        cities = sorted(wave.facts.part_of)
        places = [
            [place for place, city in enumerate(cities) if wave.facts.part_of[city] == number]
            for number in range(len(wave.parts))
        ]
        jobs = [
            (part, [cities[place] for place in own])
            for part, own in zip(wave.parts, places, strict=True)
        ]
        return cls(wave, plan, places, jobs)

    def sum_cities(self) -> Iterator[Sequence[Any]]:
        """Return `CitySums`, `RatePatterns` and `CellMeans` of the cities."""
        return self._join(self.wave.run(partial(_sum_cities, self.plan), self.jobs))

    def sum_points(
        self,
        given: tuple[Floats, RateChances, Floats],
        means: Sequence[CityMeans],
        cells: Sequence[CellMeans],
    ) -> Iterator[Sequence[Any]]:
        """Return `PointSums`, `RatePointSums` and `DirectPoints` of the cities."""
        jobs = [
            (*job, [(place, means[place], cells[place]) for place in own])
            for job, own in zip(self.jobs, self.places, strict=True)
        ]
        return self._join(self.wave.run(partial(_sum_points, self.plan, given), jobs))

    def _join(self, by_part: Iterable[Sequence[tuple[Any, Any, Any]]]) -> Iterator[Sequence[Any]]:
        """Return three sequences of what is known of each city, in the order of their codes."""
        found = itertools.chain.from_iterable(
            zip(*pair, strict=True) for pair in zip(self.places, by_part, strict=True)
        )
        return zip(*(each for _, each in sorted(found, key=itemgetter(0))), strict=True)


def _read_cities(data: WaveData, cities: Sequence[str], plan: _Plan) -> Iterator[_City]:
    """Yield the rows of each city; what people are is read once for all of them."""
    people, scale = data.people, data.plan.scale
    if SCHOOLING in (plan.checked.levels if plan.checked else ()):
        people = people.assign(**{SCHOOLING: people["education"].astype(object).map(STEPS)})
    raw = people[list(data.plan.tree.item_columns)].to_numpy(dtype=np.float64, na_value=np.nan)
    with np.errstate(invalid="ignore"):
        scores = np.where(raw >= scale.minimum, (raw - scale.minimum) * scale.unit, np.nan)
    rates = np.empty((len(people), len(plan.rates)))
    for column, rate in enumerate(plan.rates):
        values = measure_values(rate, data.instrument.by_name[rate.item], people)
        rates[:, column] = values / SCALE
    x = np.column_stack([factor.encode(people) for factor in plan.factors])
    nobody = np.full(len(people), -1, dtype=np.intp), 0
    cell, cells = plan.checked.number(people) if plan.checked else nobody
    weight = people[data.design.weight].to_numpy(dtype=np.float64)
    points = people[[data.design.strata, data.design.psu]].astype(str)
    points = points.set_axis([_STRATUM, _POINT], axis=1)
    home = pd.Index(cities).get_indexer(pd.Index(people["city_code"].astype(str)))
    order = np.argsort(home, kind="stable")
    starts = np.searchsorted(home[order], np.arange(len(cities) + 1))
    for first, last in itertools.pairwise(starts):
        own = order[first:last]
        here = points.iloc[own].reset_index(drop=True)
        rows = CaseMixRows(scores[own], x[own].astype(np.float64), weight[own], here)
        yield _City(rows, replace(rows, scores=rates[own]), cell[own], cells)


def _sum_cities(
    plan: _Plan, job: tuple[PartLoader, Sequence[str]]
) -> list[tuple[CitySums, RatePatterns, CellMeans]]:
    part, cities = job
    with limit_to_one_thread():
        return [
            (
                CitySums.of(own.scores),
                RatePatterns.of(own.rates),
                CellMeans.of(own.scores, own.cell, own.cells),
            )
            for own in _read_cities(part(), cities, plan)
        ]


def _sum_points(
    plan: _Plan,
    given: tuple[Floats, RateChances, Floats],
    job: tuple[PartLoader, Sequence[str], Sequence[tuple[int, CityMeans, CellMeans]]],
) -> list[tuple[PointSums, RatePointSums, DirectPoints]]:
    """Return the sums of cities by point; `given` are effects, chances, and shares of cells."""
    part, cities, known = job
    beta, chances, share = given
    with limit_to_one_thread():
        return [
            (
                PointSums.of(own.scores, means, beta),
                RatePointSums.of(own.rates, place, chances),
                DirectPoints.of(own.scores, own.cell, cells, share),
            )
            for own, (place, means, cells) in zip(
                _read_cities(part(), cities, plan), known, strict=True
            )
        ]


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
    used: UsedEffects | None, plan: _Plan, cells: pd.DataFrame, wave: WaveParts
) -> pd.DataFrame:
    """Return the composite of each city, adjusted with the experiment's effect of the mode."""
    if used is None:
        return pd.DataFrame()
    found = _compare_given(wave, plan, used)
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
