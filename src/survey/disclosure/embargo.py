"""Larger areas that, before a release, would tell the figures of one city outside a reader's area.

This is about an embargo, not about small cells, which no reader can work out from all rows
together. A reader sees their own cities and the larger areas; subtracting, they know every sum of
other cities that the larger areas span. An area is withheld when such a sum is a single city.
"""

from collections.abc import Collection, Mapping

import numpy as np

from survey.disclosure.totals import Flags, Floats, Key

_ZERO = 1e-9


def areas_to_withhold(
    areas: Mapping[Key, Collection[str]], covered: Collection[str]
) -> frozenset[Key]:
    """Return the areas to withhold from a reader, so that no city of others is determined.

    Of the areas that together determine a city the one with the fewest cities outside `covered`
    goes first, so that the nation stays longest.

    Args:
        areas: area -> its cities; the cities themselves are not among them.
        covered: the reader's own cities.
    """
    uncovered = sorted({city for cities in areas.values() for city in cities} - set(covered))
    kept = sorted(areas, key=lambda area: (len(set(areas[area]) - set(covered)), area))
    gone: set[Key] = set()
    while kept and uncovered:
        sums = np.array([[city in areas[area] for city in uncovered] for area in kept], dtype=float)
        telling = _find_single_city_rows(sums)
        if not telling.any():
            break
        first = kept.pop(int(np.flatnonzero(telling)[0]))
        gone.add(first)
    return frozenset(gone)


def _find_single_city_rows(sums: Floats) -> Flags:
    """Return the rows of `sums` that take part in a combination that is one single city."""
    inverse = np.linalg.pinv(sums)
    spanned = np.abs(inverse @ sums - np.eye(sums.shape[1])).max(axis=0) < _ZERO
    rows: Flags = (np.abs(inverse[spanned]) > _ZERO).any(axis=0)
    return rows
