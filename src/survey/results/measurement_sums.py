"""What the measurement sheet needs of the answers: sums by city, added up in one order.

No respondent leaves a city: products of scores by sampling point, counts of answers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from survey.estimate import PairSums, PairTotal, PsuPairSums
from survey.estimate.arrays import Codes, Flags, Floats, limit_to_one_thread
from survey.estimate.design import Sample
from survey.estimate.item_bias import count_answers, rest_bands
from survey.estimate.pair_sums import pair_covariances, pair_sums
from survey.questionnaire.model import Item
from survey.questionnaire.question_types.question_type import DONT_KNOW, NOT_ASKED
from survey.results.drivers import DRIVER_GROUPS, REPLICATES, SEED
from survey.results.wave_parts import MODE, PartLoader, WaveData, WaveParts

CENTRE = 50.0
"""Score about which products are summed, the same in every part of a wave."""
REGION = "region3"
_PER_CENT = 100.0

Variables = Mapping[str, tuple[str, ...]]
"""Variable -> values of it that make groups."""
Comparison = tuple[str, str]
"""First-level indicator, and variable over whose groups its items are compared."""


@dataclass(frozen=True)
class AnswerShares:
    """Weighted answers to K items: asked, no score, unknown, lowest and highest; (5, K)."""

    sums: Floats

    @property
    def missing(self) -> Floats:
        """Per cent of those asked who gave no score."""
        return self._percent(self.sums[1], self.sums[0])

    @property
    def unknown(self) -> Floats:
        """Per cent of those asked who said that they do not know."""
        return self._percent(self.sums[2], self.sums[0])

    @property
    def floor(self) -> Floats:
        """Per cent of the scores that are the lowest possible."""
        return self._percent(self.sums[3], self.sums[0] - self.sums[1])

    @property
    def ceiling(self) -> Floats:
        """Per cent of the scores that are the highest possible."""
        return self._percent(self.sums[4], self.sums[0] - self.sums[1])

    @staticmethod
    def _percent(part: Floats, whole: Floats) -> Floats:
        share = np.full(len(part), np.nan)
        np.divide(part * _PER_CENT, whole, out=share, where=whole > 0)
        return share


@dataclass(frozen=True)
class GroupCovariances:
    """Covariances of the K items in a group: a quarter of the sums that they come from."""

    n: int
    whole: Floats
    """Shape (1, K, K)."""
    resamples: Floats
    """Shape (R, K, K); none where no stratum has points to draw from."""

    @classmethod
    def of(cls, sums: PairSums) -> "GroupCovariances":
        """Return the covariances of these sums."""
        resampled = sums.resampled if sums.is_resampled else sums.resampled[:0]
        return cls(sums.n, pair_covariances(sums.whole[None]), pair_covariances(resampled))

    def select(self, items: Codes) -> tuple[Floats, Floats]:
        """Return those of the items at these places: of all (1, k, k), by resample (R, k, k)."""
        row = items[:, None]
        return self.whole[:, row, items], self.resamples[:, row, items]


@dataclass(frozen=True)
class WaveSums:
    """Sums of a whole wave over its K scored items."""

    groups: Mapping[str, GroupCovariances]
    """Group -> covariances of the scores, with resamples."""
    strata: Mapping[str, PairSums]
    """`variable=value` -> products of the scores, without resamples."""
    shares: AnswerShares


@dataclass(frozen=True)
class _CitySums:
    groups: Mapping[str, PsuPairSums]
    strata: Mapping[str, PsuPairSums]
    shares: Floats


def list_variables(source: WaveParts) -> dict[str, tuple[str, ...]]:
    """Return the variables over which answers are compared, with their values in this wave."""
    named = [group.split("=", 1) for group in source.groups if "=" in group]
    regions = source.cities.loc[source.city_codes.astype(str), REGION].astype(str)
    variables = {
        MODE: tuple(sorted(source.facts.modes)),
        **{
            name: tuple(value for variable, value in named if variable == name)
            for name in ("age_band", "residence")
        },
        REGION: tuple(sorted(set(regions))),
    }
    return {name: values for name, values in variables.items() if len(values) > 1}


def sum_wave(source: WaveParts, items: Sequence[Item], variables: Variables) -> WaveSums:
    """Return the sums of all cities, added up in the order of their codes."""
    groups: dict[str, PairTotal] = {}
    strata: dict[str, PairTotal] = {}
    shares = np.zeros((5, len(items)))
    for city in source.run(_sum_city, _list_jobs(source, items, variables)):
        for total, own in ((groups, city.groups), (strata, city.strata)):
            for key, by_psu in own.items():
                total.setdefault(key, PairTotal()).add(by_psu)
        shares += city.shares
    # One group after the other, each let go of: all of their sums at once take most memory.
    covariances = {key: GroupCovariances.of(groups.pop(key).total()) for key in list(groups)}
    return WaveSums(
        covariances, {key: own.total() for key, own in strata.items()}, AnswerShares(shares)
    )


def count_wave(
    source: WaveParts,
    factors: Mapping[str, Sequence[Item]],
    variables: Variables,
    pure: Mapping[Comparison, Flags],
) -> dict[Comparison, Floats]:
    """Return comparison -> counts as `count_answers`, with the items of its rest scores in `pure`.

    Whole numbers of people, so the order of the parts does not matter.
    """
    jobs = [(part, factors, variables, pure) for part in source.parts]
    total: dict[Comparison, Floats] = {}
    for counts in source.run(_count_part, jobs):
        for key, own in counts.items():
            total[key] = total[key] + own if key in total else own.astype(np.float64)
    return total


def _list_jobs(
    source: WaveParts, items: Sequence[Item], variables: Variables
) -> list[tuple[PartLoader, str, tuple[Item, ...], Variables]]:
    return [
        (source.parts[place], city, tuple(items), variables)
        for city, place in sorted(source.facts.part_of.items())
    ]


def _sum_city(job: tuple[PartLoader, str, tuple[Item, ...], Variables]) -> _CitySums:
    part, city, items, variables = job
    data = part()
    rows = (data.people["city_code"] == city).to_numpy(dtype=bool)
    people = data.people.loc[rows]
    raw = _read_answers(people, items)
    scores = _score(raw, items)
    sample = Sample.read(people, data.design)
    alone = sample.without_points(np.zeros(len(people), dtype=np.intp))
    everywhere: dict[str, Any] = {
        "counted": ~np.isnan(scores).all(axis=1),
        "centre": np.full(len(items), CENTRE),
    }
    codes = {name: _code_groups(data, rows, name, values) for name, values in variables.items()}
    strata = {
        f"{name}={value}": codes[name] == place
        for name, values in variables.items()
        for place, value in enumerate(values)
    }
    groups = {
        name: data.memberships[name][rows] for name in DRIVER_GROUPS if name in data.memberships
    }
    with limit_to_one_thread():
        return _CitySums(
            pair_sums(
                scores,
                sample if data.design.psu else alone,
                domains=groups,
                resamples=(REPLICATES, SEED),
                **everywhere,
            ),
            # One sum a stratum: the errors of these are not asked for.
            pair_sums(scores, alone, domains=strata, resamples=(0, SEED), **everywhere),
            _sum_shares(raw, items, people[data.design.weight].to_numpy(dtype=np.float64)),
        )


def _count_part(
    job: tuple[PartLoader, Mapping[str, Sequence[Item]], Variables, Mapping[Comparison, Flags]],
) -> dict[Comparison, Codes]:
    part, factors, variables, pure = job
    data = part()
    everyone = np.ones(len(data.people), dtype=bool)
    codes = {name: _code_groups(data, everyone, name, values) for name, values in variables.items()}
    counts = {}
    for (factor, variable), items in pure.items():
        raw = _read_answers(data.people, factors[factor])
        scores = _score(raw, factors[factor])
        low, high = _bounds(factors[factor])
        answers = np.where(np.isnan(scores), -1, raw - low).astype(np.intp)
        shape = len(variables[variable]), int((high - low).max()) + 1
        bands = rest_bands(scores, items)
        counts[factor, variable] = count_answers(answers, bands, codes[variable], shape)
    return counts


def _read_answers(people: Any, items: Sequence[Item]) -> Floats:
    """Return raw answers and codes of the items, shape (n, K)."""
    columns = [people[item.name].to_numpy(dtype=np.float64, na_value=np.nan) for item in items]
    return np.column_stack(columns)


def _bounds(items: Sequence[Item]) -> tuple[Floats, Floats]:
    return (
        np.array([float(item.minimum or 0) for item in items]),
        np.array([float(item.maximum or 0) for item in items]),
    )


def _score(raw: Floats, items: Sequence[Item]) -> Floats:
    low, high = _bounds(items)
    return np.where(raw >= low, (raw - low) / (high - low) * _PER_CENT, np.nan)


def _sum_shares(raw: Floats, items: Sequence[Item], weight: Floats) -> Floats:
    low, high = _bounds(items)
    asked = raw != NOT_ASKED
    flags = (asked, asked & ~(raw >= low), raw == DONT_KNOW, raw == low, raw == high)
    return np.stack([weight @ flag for flag in flags])


def _code_groups(data: WaveData, rows: Flags, variable: str, values: Sequence[str]) -> Codes:
    """Return the place of the value of each of these `rows` in `values`, -1 for none of them."""
    if variable == REGION:
        own = data.areas[REGION][rows]
    else:
        own = data.people[variable].array[rows].astype(object)
    place = {value: number for number, value in enumerate(values)}
    return np.array([place.get(value, -1) for value in own], dtype=np.intp)
