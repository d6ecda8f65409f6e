"""Restrictions on what readers learn of cities outside their area before a release.

This is about an embargo, not about small cells, which no reader can work out from all rows
together. Two rules:

A reader sees their own cities and the larger areas; subtracting, they know every sum of other
cities that the larger areas span. An area is withheld when such a sum is a single city. The figures
of a change are sums over the cities of both waves, and known beside those over all of each wave.

Of other cities a reader sees microaggregated scores. Cities in the order of an indicator are cut
into runs of at least `MIN_RUN_CITIES`, and a run is shown by its positions and the plain mean of
its scores (univariate microaggregation, Defays & Nanopoulos 1993). The runs are the same for every
reader, so two readers together learn nothing about a third city; a run with fewer than
`MIN_OUTSIDE_CITIES` cities outside the reader's area is not shown. It has no code, name, n,
interval, population or place on a map.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from survey.disclosure.suppression import Flags, Floats, Key

_ZERO = 1e-9


def areas_to_withhold(
    areas: Mapping[Key, Collection[str]],
    covered: Collection[str],
    beside: Collection[Collection[str]] = (),
) -> frozenset[Key]:
    """Return those of `areas` to withhold, or they and sums `beside` reveal a city not `covered`.

    Of the areas that together determine a city the one with the fewest cities outside `covered`
    goes first, so that the nation stays longest.

    Args:
        areas: area -> its cities; the cities themselves are not among them.
        covered: the reader's own cities.
        beside: cities of the sums that the reader sees anyway, of the same figures.
    """
    known = [frozenset(cities) for cities in (*areas.values(), *beside)]
    uncovered = sorted(frozenset().union(*known) - set(covered))
    kept = sorted(areas, key=lambda area: (len(set(areas[area]) - set(covered)), area))
    gone: set[Key] = set()
    while kept and uncovered:
        members = [*(areas[area] for area in kept), *beside]
        sums = np.array([[city in cities for city in uncovered] for cities in members], dtype=float)
        telling = _find_single_city_rows(sums)[: len(kept)]
        if not telling.any():
            break
        first = kept.pop(int(np.flatnonzero(telling)[0]))
        gone.add(first)
    return frozenset(gone)


def _find_single_city_rows(sums: Floats) -> Flags:
    """Return flags of rows of `sums` (0/1 by city) that combine linearly to a single city."""
    inverse = np.linalg.pinv(sums)
    spanned = np.abs(inverse @ sums - np.eye(sums.shape[1])).max(axis=0) < _ZERO
    rows: Flags = (np.abs(inverse[spanned]) > _ZERO).any(axis=0)
    return rows


MIN_RUN_CITIES = 5
MIN_OUTSIDE_CITIES = 3


@dataclass(frozen=True)
class CityRun:
    """Neighbours in a ranking that stay unnamed: their first and last place and mean score."""

    first: int
    last: int
    """Places, counted from 1, whether or not some are shared."""
    mean: float
    """Plain mean of the scores, to one decimal."""


def microaggregate(scores: pd.DataFrame, covers: Callable[[str], bool]) -> tuple[CityRun, ...]:
    """Return runs of neighbouring unnamed cities, highest first; `covers(code)`: the reader's.

    Args:
        scores: `area`, `estimate`: the cities that take a place, in any order.
        covers: whether a city is the reader's own.
    """
    if len(scores) < 2 * MIN_RUN_CITIES:
        return ()
    ordered = scores.sort_values(["estimate", "area"], ascending=[False, True])
    foreign = np.array([not covers(str(code)) for code in ordered["area"]])
    estimate = ordered["estimate"].to_numpy(dtype=float)
    runs = np.array_split(np.arange(len(ordered)), len(ordered) // MIN_RUN_CITIES)
    return tuple(
        CityRun(int(part[0]) + 1, int(part[-1]) + 1, round(float(estimate[part].mean()), 1))
        for part in runs
        if foreign[part].sum() >= MIN_OUTSIDE_CITIES
    )


def top_city_codes(ranks: pd.DataFrame, count: int) -> tuple[str, ...]:
    """Return the codes of the cities with rank `count` or better, sorted by code.

    No place is told. A city that shares the last place is named as well.
    """
    named = ranks.loc[ranks["rank"] <= count, "area"]
    return tuple(sorted(named.astype(str)))
