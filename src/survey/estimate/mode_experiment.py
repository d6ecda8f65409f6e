"""Mode experiment: what reading aloud changes in the answers, by chance offers at sampling points.

z is 1 where the questions were to be read aloud, 0 where the own phone was offered; d is 1 where
they were not answered on the own phone. Both effects are differences within cities: that of the
offer (z on y) and, with the offer as instrument, that of what was used (d on y). Errors are
linearised over sampling points, at which the offer was drawn (docs/fairness.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from typing import Self

import numpy as np
import pandas as pd

from survey.estimate.arrays import Floats, ratio
from survey.estimate.case_mix import combine_items, find_errors, number_points
from survey.estimate.design import Design, Sample

LEAST_MOVED = 0.1
"""Part of the people whom the offer has to move for an effect of what was used: with less, the
linearised interval of a ratio does not hold."""
_NONE = 1e-9
"""Share of an item's weight below which what the offers differ in is rounding."""


@dataclass(frozen=True)
class ExperimentRows:
    """Rows of one city: n people at points with an offer, T items."""

    scores: Floats
    """Shape (n, T); NaN: no score."""
    offered: Floats
    """1: read aloud, 0: own phone."""
    used: Floats
    """0: answered on the own phone, else 1."""
    weight: Floats
    points: pd.DataFrame
    """Stratum and PSU of each row, two columns."""


@dataclass(frozen=True)
class ExperimentSums:
    """Sums over the J points of one city of products about the city's means, shape (J, T) each."""

    points: pd.DataFrame
    """Stratum and PSU of each point."""
    zz: Floats
    zd: Floats
    zy: Floats
    mass: Floats
    """Sum of weights."""
    n: Floats
    """Scores where the own phone was offered, and where it was read aloud, shape (2, T)."""

    @classmethod
    def of(cls, rows: ExperimentRows) -> Self:
        has_score = ~np.isnan(rows.scores)
        masses = rows.weight[:, None] * has_score
        whole = ratio(np.ones(1), masses.sum(axis=0))

        def centre(values: Floats) -> Floats:
            centred: Floats = values - (masses * values).sum(axis=0) * whole
            return centred

        z, d = centre(rows.offered[:, None]), centre(rows.used[:, None])
        y = centre(np.nan_to_num(rows.scores))
        code, keys = number_points(rows.points)
        member = (code[:, None] == np.arange(len(keys))).T.astype(np.float64)
        arms = np.array([1 - rows.offered, rows.offered])
        zz, zd, zy = (member @ (masses * z * other) for other in (z, d, y))
        return cls(keys, zz, zd, zy, member @ masses, arms @ has_score)


@dataclass(frozen=True)
class ExperimentEffects:
    """Effects of reading aloud on I statistics, with errors; NaN where there is none."""

    offered: Floats
    """Read aloud less own phone, by what was to be offered."""
    offered_se: Floats
    used: Floats
    """The same by what was used, with the offer as instrument."""
    used_se: Floats
    df: int
    """Points less strata."""


@dataclass(frozen=True)
class UsedEffects:
    """Effects on T items by what was used, and their linearised values at J points."""

    effect: Floats
    """Shape (T,); NaN where there is none."""
    points: pd.DataFrame
    """Stratum and PSU of each point."""
    z: Floats
    """Shape (J, T)."""


def find_used_effects(cities: Sequence[ExperimentSums]) -> UsedEffects:
    """Return the effects of reading aloud by what was used, question by question."""
    every, least = _join_cities(cities)
    return UsedEffects(*_linearise(every.zy, every.zd, LEAST_MOVED * least, every.points))


def estimate_effects(
    cities: Sequence[ExperimentSums], omega: Floats, design: Design
) -> ExperimentEffects:
    """Return the effects on statistics with item weights `omega` (I, T).

    Args:
        cities: sums in the order of the cities.
        design: names the columns of stratum and PSU in `ExperimentSums.points`.
    """
    every, least = _join_cities(cities)
    sample = Sample.read(every.points.assign(**{design.weight: 1.0}), design)

    def estimate(products: Floats, enough: Floats) -> tuple[Floats, Floats]:
        effect, _, linearised = _linearise(every.zy, products, enough, every.points)
        errors = find_errors(sample, np.nan_to_num(combine_items(omega, linearised)))
        value = combine_items(omega, effect[None])[0]
        return value, np.where(np.isnan(value), np.nan, errors)

    df = len(every.points) - len(np.unique(sample.stratum))
    return ExperimentEffects(
        *estimate(every.zz, least), *estimate(every.zd, LEAST_MOVED * least), df
    )


def _join_cities(cities: Sequence[ExperimentSums]) -> tuple[ExperimentSums, Floats]:
    """Return the sums of all cities, and by item what the offers differ in; NaN for nothing."""
    zz, zd, zy, mass = (
        np.concatenate([getattr(city, name) for city in cities])
        for name in ("zz", "zd", "zy", "mass")
    )
    points = pd.concat([city.points for city in cities], ignore_index=True)
    n = np.sum([city.n for city in cities], axis=0)
    every = ExperimentSums(points, zz, zd, zy, mass, n)
    apart = every.zz.sum(axis=0)
    return every, np.where(apart > _NONE * every.mass.sum(axis=0), apart, np.nan)


def _linearise(
    zy: Floats, products: Floats, enough: Floats, points: pd.DataFrame
) -> tuple[Floats, pd.DataFrame, Floats]:
    """Return zy over `products` by item, NaN where these are not `enough`, linearised by point."""
    total = products.sum(axis=0)
    with np.errstate(invalid="ignore"):
        total = np.where(total >= enough, total, np.nan)
    effect = zy.sum(axis=0) / total
    return effect, points, (zy - effect * products) / total


def standardise_difference(one: Floats, other: Floats) -> float:
    """Return the difference of two means over the root of the mean variance; NaN without one."""
    if not len(one) or not len(other):
        return nan
    spread = np.sqrt((one.var() + other.var()) / 2)
    difference = float(one.mean() - other.mean())
    return difference / spread if spread > 0 else 0.0 if difference == 0 else nan
