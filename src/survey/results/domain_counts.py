"""Counts behind the disclosure gate: who is in which area, group and base, summed by city."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.disclosure import DomainCounts, count_pairs
from survey.results.domains import area_labels
from survey.results.measures import Measure, QuestionBases
from survey.results.wave_parts import PartLoader, WaveData, WaveParts

EVERYBODY = 100.0
"""Value of a respondent whom a rate counts."""
Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class CityCounts:
    """Counts by city for the disclosure gate: respondents of group pairs, and sensitive answers."""

    cities: tuple[str, ...]
    both: NDArray[np.int32]
    """Respondents of both groups of a pair, C x I x pairs (`DomainCounts`); of bases, once all
    cities are joined."""
    least: Mapping[str, Floats]
    """Smallest value of each sensitive mean, inf where there is none, C x G."""
    most: Mapping[str, Floats]
    """Largest value of each sensitive mean, -inf where there is none, C x G."""
    chose: Mapping[str, Counts]
    """Respondents whom each careful rate counts, C x G."""
    others: Mapping[str, Counts]
    """Respondents of its base whom it does not count, C x G."""

    @classmethod
    def join(cls, parts: Sequence["CityCounts"]) -> "CityCounts":
        """Join the counts of parts that have no city in common, sorted by city code."""
        if len(parts) == 1:
            return parts[0]
        cities = [city for part in parts for city in part.cities]
        order = sorted(range(len(cities)), key=cities.__getitem__)
        place = np.argsort(order)

        def joined(name: str) -> dict[str, np.ndarray]:
            keys = getattr(parts[0], name)
            return {
                key: np.concatenate([getattr(part, name)[key] for part in parts])[order]
                for key in keys
            }

        # The largest array of a freeze: it is filled where it stands.
        both = np.empty((len(cities), *parts[0].both.shape[1:]), dtype=np.int32)
        start = 0
        for part in parts:
            both[place[start : start + len(part.cities)]] = part.both
            start += len(part.cities)
        return cls(
            tuple(cities[number] for number in order),
            both,
            joined("least"),
            joined("most"),
            joined("chose"),
            joined("others"),
        )


@dataclass(frozen=True)
class _CountRequest:
    """Function that counts the given groups and indicators in one part of a wave."""

    groups: tuple[str, ...]
    indicators: tuple[str, ...]

    def __call__(self, part: PartLoader) -> CityCounts:
        data = part()
        city, cities = pd.factorize(data.areas["city"], sort=True)
        members = np.stack([data.memberships[group] for group in self.groups], axis=1)
        answered = find_answered(data)
        base = np.stack([answered[name] for name in self.indicators], axis=1)
        rows = [np.flatnonzero(city == place) for place in range(len(cities))]
        values = data.unscored_values()
        sensitive = {
            name: _value_of(data, values, name)
            for name in self.indicators
            if name in {m.key for m in data.measures if m.sensitive and not m.choices}
        }
        careful = {m.key: values[m.key] for m in careful_measures(data.rates)}
        range_of = {name: _find_value_range(rows, members, own) for name, own in sensitive.items()}
        pairs = len(self.groups) * (len(self.groups) + 1) // 2
        both = np.empty((len(rows), len(self.indicators), pairs), dtype=np.int32)
        for place, own in enumerate(rows):
            both[place] = count_pairs(members[own], base[own])
        return CityCounts(
            tuple(str(name) for name in cities),
            both,
            {name: low for name, (low, _) in range_of.items()},
            {name: high for name, (_, high) in range_of.items()},
            {key: _count(rows, members, own == EVERYBODY) for key, own in careful.items()},
            {key: _count(rows, members, own == 0.0) for key, own in careful.items()},
        )


def careful_measures(measures: Sequence[Measure]) -> list[Measure]:
    """Return rates protected by answer: of sensitive questions or with a minimum on each side."""
    return [m for m in measures if m.choices and (m.sensitive or m.min_side > 1)]


@dataclass(frozen=True, eq=False)
class WaveCounts:
    """Numbers of respondents for the disclosure gate, by area, group and base of a question."""

    domains: DomainCounts
    cities: CityCounts
    bases: QuestionBases

    def common_value(self, name: str) -> Floats:
        """Return the value of measure `name` shared by all of a cell, else NaN, areas x groups."""
        within = self.domains.within[:, :, None]
        low = np.where(within, self.cities.least[name], np.inf).min(axis=1)
        high = np.where(within, self.cities.most[name], -np.inf).max(axis=1)
        return np.where(low == high, low, np.nan)

    @property
    def chose(self) -> dict[str, Counts]:
        """Rate of `careful_measures` -> number of respondents that it counts, areas x groups."""
        return self._group_by_area(self.cities.chose)

    @property
    def others(self) -> dict[str, Counts]:
        """Rate of `careful_measures` -> number of its base that it omits, areas x groups."""
        return self._group_by_area(self.cities.others)

    def _group_by_area(self, counts: Mapping[str, Counts]) -> dict[str, Counts]:
        within = self.domains.within.astype(np.int64)
        return {key: np.asarray(within @ by_city) for key, by_city in counts.items()}


def count_wave(
    source: WaveParts, areas: pd.DataFrame, groups: Sequence[str], indicators: Sequence[str]
) -> WaveCounts:
    """Count the respondents by area (rows of area_level, area), group and base of an indicator."""
    request = _CountRequest(tuple(groups), tuple(indicators))
    cities = CityCounts.join(list(source.run(request, source.parts)))
    labels = area_labels(pd.Series(cities.cities), source.cities)
    levels = {level: names.astype(str) for level, names in labels.items()}
    within = [levels[level] == area for level, area in areas.itertuples(index=False, name=None)]
    lies_within = np.array(within).reshape(-1, len(cities.cities))
    bases = QuestionBases.compare(cities.both)
    cities = replace(cities, both=cities.both[:, bases.first])
    return WaveCounts(DomainCounts(lies_within, cities.both, len(groups)), cities, bases)


def find_answered(data: WaveData) -> dict[str, NDArray[np.bool_]]:
    """Return indicator -> whether each respondent has a score or value for it."""
    plan = data.plan
    items = data.people[list(plan.tree.item_columns)].to_numpy() >= plan.scale.minimum
    answered: dict[str, NDArray[np.bool_]] = {
        name: np.any(items[:, weights > 0], axis=1)
        for name, weights in zip(plan.tree.variables, plan.tree.omega, strict=True)
    }
    return answered | {key: ~np.isnan(values) for key, values in data.unscored_values().items()}


def _value_of(data: WaveData, values: Mapping[str, Floats], name: str) -> Floats:
    if name in values:
        return values[name]
    scores = data.people[name].to_numpy(dtype=float)
    return np.where(scores < data.plan.scale.minimum, np.nan, scores)


def _find_value_range(
    rows: Sequence[NDArray[np.intp]], members: NDArray[np.bool_], values: Floats
) -> tuple[Floats, Floats]:
    """Return the extremes of `values` by city (`rows`) and group (`members`); inf, -inf if none."""
    shape = (len(rows), members.shape[1])
    low, high = np.full(shape, np.inf), np.full(shape, -np.inf)
    known = ~np.isnan(values)
    for place, own in enumerate(rows):
        there = members[own] & known[own, None]
        of_city = values[own, None]
        low[place] = np.where(there, of_city, np.inf).min(axis=0, initial=np.inf)
        high[place] = np.where(there, of_city, -np.inf).max(axis=0, initial=-np.inf)
    return low, high


def _count(
    rows: Sequence[NDArray[np.intp]], members: NDArray[np.bool_], chosen: NDArray[np.bool_]
) -> Counts:
    """Count the `chosen` respondents by city (`rows`: indices of each) and group (`members`)."""
    counts = [(members[own] & chosen[own, None]).sum(axis=0) for own in rows]
    return np.asarray(counts, dtype=np.int64)
