"""Cities of a wave compared fairly: what people differ in, both readings by part, all comparisons.

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

from survey.estimate.arrays import Codes, Flags, Floats, limit_to_one_thread
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
from survey.results.analysis import SCALE
from survey.results.domains import BANDS
from survey.results.measures import Measure, measure_values
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
_STRATUM, _POINT = "stratum", "point"


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
class ComparisonPlan:
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
class CityComparison:
    """Cities compared by scores, by rates, and without a model, in the order of their codes."""

    scores: FairComparison
    rates: FairRates
    direct: tuple[Floats, Floats]
    """Composites and their errors, shape (C, 1)."""


def list_comparison_plan(wave: WaveParts, indicators: Collection[str]) -> ComparisonPlan:
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
    return ComparisonPlan(
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


def compare_cities(wave: WaveParts, plan: ComparisonPlan, modes: int) -> CityComparison:
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
    return CityComparison(
        compare_fairly(model, points, omega, design, chosen),
        compare_rates(rates, rate_points, design),
        standardise(direct, _select_composite(wave), design),
    )


def compare_given(wave: WaveParts, plan: ComparisonPlan, used: UsedEffects) -> FairComparison:
    """Return the comparison by composite with the effect that the wave's experiment has found."""
    # One column in place of those of the mode: whether the own phone was not what was used.
    factors = (*plan.factors[:-1], _Factor({MODE: (Mode.SELF,)}))
    passes = _Passes.of(wave, ComparisonPlan(factors, None, ()))
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
    plan: ComparisonPlan
    places: Sequence[Sequence[int]]
    """Cities of each part, by their place in the order of codes."""
    jobs: Sequence[tuple[PartLoader, Sequence[str]]]

    @classmethod
    def of(cls, wave: WaveParts, plan: ComparisonPlan) -> Self:
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


def _read_cities(data: WaveData, cities: Sequence[str], plan: ComparisonPlan) -> Iterator[_City]:
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
    plan: ComparisonPlan, job: tuple[PartLoader, Sequence[str]]
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
    plan: ComparisonPlan,
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
