"""Measurement sheet: do the questions measure together what they are added up for, and alike?

Source: docs/measurement.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd

from survey.access.roles import NATION
from survey.estimate import PairSums
from survey.estimate.arrays import Codes, Floats
from survey.estimate.factor_fit import FactorFit, fit_factors, invariance_steps
from survey.estimate.factor_model import Moments
from survey.estimate.item_bias import ItemBias, judge_purified
from survey.estimate.pair_sums import pair_covariances, pair_means
from survey.estimate.reliability import (
    alpha_if_dropped,
    cronbach_alpha,
    has_population,
    item_rest_correlation,
    mcdonald_omega,
    mean_reliability,
    split_half,
)
from survey.estimate.tree import COMPOSITE
from survey.frame.quotas import EVERYONE
from survey.locale.figures import round_two_digits
from survey.questionnaire.model import Item
from survey.results.analysis import ASSUMED_DEFF
from survey.results.measurement_sums import (
    CENTRE,
    GroupCovariances,
    WaveSums,
    count_wave,
    list_variables,
    sum_wave,
)
from survey.results.method_sheets import MEASUREMENT, OBSTACLE
from survey.results.sheet_source import SheetSource
from survey.results.wave_parts import WaveParts

MIN_RESPONDENTS = 100
"""Respondents of a group below which covariances are noise, as for drivers."""
MIN_FACTOR_ITEMS = 2
"""Items of a first-level indicator that is a factor; alone it needs three."""
TOO_FEW = "too_few_respondents"
"""Obstacle of a line that too few people answered."""
FEW_TOGETHER = "few_answered_together"
"""Obstacle of a line whose questions too few people answered together."""
HOLDS, FAILS, DIFFERS, ALIKE = "holds", "fails", "differs", "alike"
_Row = dict[str, Any]


def build_measurement(source: SheetSource) -> pd.DataFrame:
    """Return the rows of the sheet, each about the nation."""
    wave = source.wave
    if not wave.plan.has_composite:
        return MEASUREMENT.build_obstacle("no_tree")
    if len(wave.instrument.scored_items) < MIN_FACTOR_ITEMS:
        return MEASUREMENT.build_obstacle("one_question")
    sheet = _Sheet(source)
    rows = [
        *sheet.list_scales(),
        *sheet.list_items(),
        *sheet.list_city_means(),
        *sheet.list_model(),
        *sheet.list_invariance(),
        *sheet.list_bias(),
    ]
    return pd.DataFrame(rows).assign(area_level="nation", area=NATION)


def map_factors(wave: WaveParts) -> dict[str, list[Item]]:
    """Return first-level indicator -> its scored items, of those that can be a factor."""
    parent = (
        {indicator.code: indicator.parent for indicator in wave.tree.indicators}
        if wave.tree
        else {}
    )
    factors: dict[str, list[Item]] = {}
    for item in wave.instrument.scored_items:
        code = str(item.indicator)
        while (above := parent[code]) is not None:
            code = above
        factors.setdefault(code, []).append(item)
    factors = {code: own for code, own in factors.items() if len(own) >= MIN_FACTOR_ITEMS}
    fewest = sum(len(own) for own in factors.values())
    return factors if len(factors) > 1 or fewest > MIN_FACTOR_ITEMS else {}


@dataclass(frozen=True, eq=False)
class _Sheet:
    source: SheetSource

    @property
    def wave(self) -> WaveParts:
        return self.source.wave

    @cached_property
    def items(self) -> tuple[Item, ...]:
        return self.wave.instrument.scored_items

    @cached_property
    def variables(self) -> dict[str, tuple[str, ...]]:
        return list_variables(self.wave)

    @cached_property
    def sums(self) -> WaveSums:
        return sum_wave(self.wave, self.items, self.variables)

    @cached_property
    def factors(self) -> dict[str, list[Item]]:
        return map_factors(self.wave)

    @cached_property
    def factor_items(self) -> Codes:
        """Places in `items` of those that measure a factor, factor by factor."""
        names = [item.name for item in self.items]
        return np.array(
            [names.index(item.name) for own in self.factors.values() for item in own], dtype=np.intp
        )

    @property
    def factor_of(self) -> Codes:
        """Factor of each of `factor_items`."""
        return np.repeat(np.arange(len(self.factors)), [len(own) for own in self.factors.values()])

    @cached_property
    def fitted(self) -> FactorFit | None:
        everyone = self.sums.groups[EVERYONE]
        if not self.factors or everyone.n < MIN_RESPONDENTS:
            return None
        whole, resamples = everyone.select(self.factor_items)
        deviations = None
        if len(resamples):
            deviations = (resamples - resamples.mean(axis=0)) / np.sqrt(len(resamples) - 1)
        n = np.array([float(everyone.n)])
        moments = Moments(whole, np.zeros((1, len(self.factor_items))), n)
        return fit_factors(self.factor_of, moments, deviations)

    def list_scales(self) -> Iterator[_Row]:
        """Yield consistency by group and indicator of at least two items, the composite last."""
        tree = self.wave.plan.tree
        for group, sums in self.sums.groups.items():
            for code, omega in zip(tree.variables, tree.omega, strict=True):
                own = np.flatnonzero(omega)
                row = {"line": "scale", "group": group, "indicator": code, "items": len(own)}
                if len(own) < MIN_FACTOR_ITEMS:
                    continue
                if sums.n < MIN_RESPONDENTS:
                    yield row | {OBSTACLE: TOO_FEW}
                    continue
                if not has_population(sums.whole[:, own[:, None], own])[0]:
                    yield row | {OBSTACLE: FEW_TOGETHER}
                    continue
                yield row | {"n": sums.n} | _judge_scale(sums, own, self.wave.level, code)

    def list_items(self) -> Iterator[_Row]:
        """Yield what each question is like: how it is answered, and how it goes with the others."""
        whole = self.sums.groups[EVERYONE].whole
        enough = self.sums.groups[EVERYONE].n >= MIN_RESPONDENTS
        shares = self.sums.shares
        rest, dropped = (np.full(len(self.items), np.nan) for _ in range(2))
        loading = rest.copy()
        for own in _split(self.factor_items, self.factor_of):
            part = whole[:, own[:, None], own]
            if not has_population(part)[0]:
                continue
            rest[own], dropped[own] = item_rest_correlation(part)[0], alpha_if_dropped(part)[0]
        if self.fitted is not None:
            loading[self.factor_items] = self.fitted.standardised
        for place, item in enumerate(self.items):
            row = {"line": "item", "group": EVERYONE, "indicator": str(item.indicator)}
            row |= {"item": item.name}
            if not enough:
                yield row | {OBSTACLE: TOO_FEW}
                continue
            yield row | {
                "missing": shares.missing[place],
                "unknown": shares.unknown[place],
                "floor": shares.floor[place],
                "ceiling": shares.ceiling[place],
                "item_rest": rest[place],
                "alpha_dropped": dropped[place],
                "loading": loading[place],
            }

    def list_city_means(self) -> Iterator[_Row]:
        """Yield how much of the spread of the cities' scores is real, of those that are shown."""
        cells, codes = self.source.cells, set(self.wave.plan.tree.variables)
        cities = cells[(cells["area_level"] == "city") & cells["indicator"].isin(codes)]
        for (group, code), own in cities.groupby(["group", "indicator"], observed=True, sort=True):
            shown = own[own["shown"]]
            found = mean_reliability(
                *(
                    shown[name].to_numpy(dtype=float, na_value=np.nan)
                    for name in ("estimate", "se", "n")
                )
            )
            row = {"line": "city_means", "group": str(group), "indicator": str(code)}
            if found is None:
                yield row | {OBSTACLE: "too_few_cities"}
                continue
            yield row | {
                "reliability": found.reliability,
                "cities": found.areas,
                "needed_n": round_two_digits(found.needed_n),
            }

    def list_model(self) -> Iterator[_Row]:
        """Yield the fit of the tree's first level, and the correlations of its factors."""
        row = {"line": "model", "group": EVERYONE, "indicator": COMPOSITE}
        everyone = self.sums.groups[EVERYONE]
        if self.fitted is None:
            yield row | {OBSTACLE: self._explain_no_model(everyone.n)}
            return
        yield row | {
            "n": everyone.n,
            "items": len(self.factor_items),
            **_describe(self.fitted.indices),
            "srmr": self.fitted.srmr,
        }
        codes = list(self.factors)
        for first, second in zip(*np.triu_indices(len(codes), 1), strict=True):
            yield {
                "line": "factors",
                "group": EVERYONE,
                "indicator": codes[first],
                "item": codes[second],
                "correlation": self.fitted.correlation[first, second],
            }

    def _explain_no_model(self, n: int) -> str:
        if not self.factors:
            return "too_few_questions"
        if n < MIN_RESPONDENTS:
            return TOO_FEW
        return self._explain_no_fit(self.sums.groups[EVERYONE].select(self.factor_items)[0])

    def _explain_no_fit(self, covariance: Floats) -> str:
        return "no_fit" if has_population(covariance).all() else FEW_TOGETHER

    def _enough(self, variable: str) -> list[str]:
        """Return the values of a variable that enough respondents have."""
        return [
            value
            for value in self.variables[variable]
            if self.sums.strata[f"{variable}={value}"].n >= MIN_RESPONDENTS
        ]

    def list_invariance(self) -> Iterator[_Row]:
        """Yield, by variable, whether its groups answer by one model."""
        for variable in self.variables:
            row = {"line": "invariance", "group": EVERYONE, "indicator": COMPOSITE}
            values = self._enough(variable)
            if len(values) < 2 or not self.factors:
                reason = "too_few_questions" if not self.factors else "one_group"
                yield row | {"item": variable, OBSTACLE: reason}
                continue
            parts = [self.sums.strata[f"{variable}={value}"] for value in values]
            centre = np.full(len(self.items), CENTRE)
            moments = Moments(
                np.concatenate([_covariances(part, self.factor_items) for part in parts]),
                np.stack([pair_means(part.whole, centre)[self.factor_items] for part in parts]),
                np.array([float(part.n) for part in parts]),
            )
            steps = invariance_steps(self.factor_of, moments)
            if not steps:
                why = self._explain_no_fit(moments.covariance)
                yield row | {"item": variable, OBSTACLE: why}
            for step in steps:
                yield row | {
                    "item": f"{variable}:{step.level}",
                    **_describe(step.indices),
                    "cfi_loss": step.cfi_loss,
                    "rmsea_gain": step.rmsea_gain,
                    "verdict": HOLDS if step.holds else FAILS,
                }

    def list_bias(self) -> Iterator[_Row]:
        """Yield, by question and group, how it is answered at equal satisfaction."""
        wanted = {name: tuple(own) for name in self.variables if len(own := self._enough(name)) > 1}
        pairs = {
            (factor, variable): len(items)
            for factor, items in self.factors.items()
            for variable in wanted
            if len(items) > MIN_FACTOR_ITEMS
        }
        if not pairs:
            return
        count = partial(count_wave, self.wave, self.factors, wanted)
        for (factor, variable), bias in judge_purified(count, pairs, ASSUMED_DEFF).items():
            yield from _list_biases(self.factors[factor], variable, wanted[variable], bias)


def _split(items: Codes, factor: Codes) -> list[Codes]:
    return [items[factor == number] for number in range(int(factor.max(initial=-1)) + 1)]


def _covariances(sums: PairSums, items: Codes) -> Floats:
    """Return covariances of the items at these places, shape (1, k, k)."""
    return pair_covariances(sums.whole[None][..., items[:, None], items])


def _judge_scale(sums: GroupCovariances, items: Codes, level: float, code: str) -> _Row:
    """Return consistency of the items at these places, with its intervals."""
    whole, resamples = sums.select(items)
    both = np.concatenate([whole, resamples])
    found = {"alpha": cronbach_alpha(both)}
    if code != COMPOSITE:
        # The whole tree is declared to have several factors; ω speaks of one.
        found["omega"] = mcdonald_omega(both)
    row: _Row = {"split_half": split_half(whole)[0]}
    tail = (1 - level) / 2
    for name, values in found.items():
        row[name] = values[0]
        drawn = values[1:][np.isfinite(values[1:])]
        if len(drawn) > 1:
            low, high = np.quantile(drawn, [tail, 1 - tail])
            row |= {f"{name}_low": min(low, values[0]), f"{name}_high": max(high, values[0])}
    return row


def _describe(indices: Any) -> Mapping[str, float]:
    return {name: getattr(indices, name) for name in ("chi2", "df", "cfi", "tli", "rmsea")}


def _list_biases(
    items: Sequence[Item], variable: str, values: Sequence[str], bias: ItemBias
) -> Iterator[_Row]:
    for place, item in enumerate(items):
        for number, value in enumerate(values):
            yield {
                "line": "bias",
                "group": EVERYONE,
                "indicator": str(item.indicator),
                "item": f"{item.name}:{variable}={value}",
                "log_odds": bias.effect[place, number],
                "points": bias.points[place, number],
                "verdict": DIFFERS if bias.flagged[place] else ALIKE,
            }
