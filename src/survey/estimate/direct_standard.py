"""Direct standardisation: scores of cities if each cell of people had its share in the nation.

A check of `case_mix` without a model: sum over cells of the nation's share times the city's own
mean. It needs people of every cell in the city. The nation's shares are taken as given; errors are
linearised over sampling points.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from survey.estimate.arrays import Codes, Floats, flatten_rows, group_sum, ratio
from survey.estimate.case_mix import CaseMixRows, find_errors
from survey.estimate.design import Design, Sample

MIN_PEOPLE = 3
"""Fewest people of a cell in a city whose mean is taken for that of the cell."""


@dataclass(frozen=True)
class CellMeans:
    """Cells H of people in one city: means of T items, their weight and people, each (H, T)."""

    mean: Floats
    mass: Floats
    people: Floats

    @classmethod
    def of(cls, rows: CaseMixRows, cell: Codes, cells: int) -> Self:
        """Sum rows by `cell` (n,), -1 for people of none."""
        masses = rows.masses
        values = (masses * np.nan_to_num(rows.scores), masses, (masses > 0).astype(np.float64))
        total, mass, people = (
            group_sum(np.where(cell >= 0, cell, cells), each, cells + 1)[:cells] for each in values
        )
        return cls(ratio(total, mass), mass, people)


def share_cells(cities: Sequence[CellMeans]) -> Floats:
    """Return the nation's share of each cell among those who scored an item, shape (H, T)."""
    mass = np.sum([city.mass for city in cities], axis=0)
    return ratio(mass, mass.sum(axis=0))


@dataclass(frozen=True)
class DirectPoints:
    """Directly standardised scores of one city (T,), and their linearised values by point."""

    points: pd.DataFrame
    """Stratum and PSU of each of J points."""
    score: Floats
    """NaN where a cell of the nation has too few people here."""
    z: Floats
    """Shape (J, T)."""

    @classmethod
    def of(cls, rows: CaseMixRows, cell: Codes, own: CellMeans, share: Floats) -> Self:
        has_all = ((own.people >= MIN_PEOPLE) | (share == 0)).all(axis=0) & share.any(axis=0)
        # The last row is that of people of no cell, who count for nothing.
        weight, mean = (
            np.vstack([each, np.zeros((1, each.shape[1]))])
            for each in (ratio(share, own.mass), own.mean)
        )
        z = rows.masses * weight[cell] * (np.nan_to_num(rows.scores) - mean[cell])
        points, keys = rows.number_points()
        score = np.where(has_all, (share * own.mean).sum(axis=0), np.nan)
        return cls(keys, score, group_sum(points, z, len(keys)))


def standardise(
    cities: Sequence[DirectPoints], omega: Floats, design: Design
) -> tuple[Floats, Floats]:
    """Return scores and standard errors (C, I) of statistics with item weights `omega` (I, T)."""
    frame = pd.concat([city.points for city in cities], ignore_index=True)
    sample = Sample.read(frame.assign(**{design.weight: 1.0}), design)
    used = omega != 0
    score = np.array(
        [
            [city.score[own] @ row[own] for row, own in zip(omega, used, strict=True)]
            for city in cities
        ]
    )
    z = np.zeros((len(frame), len(cities), len(omega)))
    start = 0
    for place, city in enumerate(cities):
        z[start : start + len(city.points), place] = city.z @ omega.T
        start += len(city.points)
    errors = find_errors(sample, flatten_rows(z)).reshape(score.shape)
    return score, np.where(np.isnan(score), np.nan, errors)
