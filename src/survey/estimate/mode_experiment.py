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
from survey.estimate.case_mix import combine_items
from survey.estimate.design import Design, Sample
from survey.estimate.variance import psu_variance

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
        code = rows.points.groupby(list(rows.points), sort=False).ngroup().to_numpy()
        keys = rows.points.drop_duplicates()
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


def estimate_effects(
    cities: Sequence[ExperimentSums], omega: Floats, design: Design
) -> ExperimentEffects:
    """Return the effects on statistics with item weights `omega` (I, T).

    Args:
        cities: sums in the order of the cities.
        design: names the columns of stratum and PSU in `ExperimentSums.points`.
    """
    frame = pd.concat([city.points for city in cities], ignore_index=True)
    zz, zd, zy, mass = (
        np.concatenate([getattr(city, name) for city in cities])
        for name in ("zz", "zd", "zy", "mass")
    )
    sample = Sample.read(frame.assign(**{design.weight: 1.0}), design)
    apart = zz.sum(axis=0)
    least = np.where(apart > _NONE * mass.sum(axis=0), apart, np.nan)

    def estimate(products: Floats, enough: Floats) -> tuple[Floats, Floats]:
        total = products.sum(axis=0)
        with np.errstate(invalid="ignore"):
            total = np.where(total >= enough, total, np.nan)
        effect = zy.sum(axis=0) / total
        linearised = (zy - effect * products) / total
        z = combine_items(omega, linearised)
        psu = np.arange(len(z))
        members = np.ones_like(z)
        found = psu_variance(sample, psu, np.zeros_like(psu), np.nan_to_num(z), members, 1)
        value = combine_items(omega, effect[None])[0]
        return value, np.where(np.isnan(value), np.nan, np.sqrt(found.variance[0]))

    df = len(frame) - len(np.unique(sample.stratum))
    return ExperimentEffects(*estimate(zz, least), *estimate(zd, LEAST_MOVED * least), df)


def standardise_difference(one: Floats, other: Floats) -> float:
    """Return the difference of two means over the root of the mean variance; NaN without one."""
    if not len(one) or not len(other):
        return nan
    spread = np.sqrt((one.var() + other.var()) / 2)
    difference = float(one.mean() - other.mean())
    return difference / spread if spread > 0 else 0.0 if difference == 0 else nan
