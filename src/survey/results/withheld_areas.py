"""Larger areas that a reader does not see before a release, since they would reveal a city.

A figure of a larger area is a sum over its cities. Which sums a reader knows of one wave follows
from the cities of that wave, and of a change from those that its two waves share.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pandas as pd

from survey.access.principal import covers
from survey.disclosure import areas_to_withhold
from survey.results.domains import area_labels, cities_of
from survey.results.snapshots import CELLS
from survey.results.table_cache import cached_table, file_age
from survey.sample.city_frame import build_frame_table, shipped_cities
from survey.sample.special_groups import EVERYONE


@dataclass(frozen=True)
class CellsFile:
    """File of the cells of one snapshot, as it was written last."""

    path: Path
    age: int

    @classmethod
    def of(cls, folder: Path) -> "CellsFile":
        """Return the cells in the folder of a snapshot."""
        return cls(folder / CELLS, file_age(folder / CELLS))


@lru_cache(maxsize=256)
def list_withheld_areas(
    cells: CellsFile, own_area: str
) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """Return larger areas (level, area, cities) that would reveal a city outside `own_area`."""
    codes = _list_cities(cells)
    areas = _group_cities(codes)
    gone = areas_to_withhold(areas, [code for code in codes if covers(own_area, code)])
    return tuple((level, area, areas[level, area]) for level, area in sorted(gone))


@lru_cache(maxsize=256)
def find_withheld_changes(
    cells: CellsFile, other: CellsFile, own_area: str
) -> frozenset[tuple[str, ...]]:
    """Return larger areas whose change would reveal a figure of a city outside `own_area`.

    That is a figure of the wave of `cells`. The reader knows the larger areas that
    `list_withheld_areas` leaves, over all cities of that wave; the change gives the same figures
    over those cities that the other wave has, too.
    """
    codes = _list_cities(cells)
    withheld = {(level, area) for level, area, _ in list_withheld_areas(cells, own_area)}
    shared = set(codes) & set(_list_cities(other))
    if len(shared) == len(codes):
        # The change gives the same figures, of which nothing is known but what was looked at.
        return frozenset(withheld)
    return areas_to_withhold(
        _group_cities(sorted(shared)),
        [code for code in codes if covers(own_area, code)],
        [cities for area, cities in _group_cities(codes).items() if area not in withheld],
    )


def _list_cities(cells: CellsFile) -> list[str]:
    """Return the codes of the cities that a wave has."""
    wanted = {"area_level": ["city"], "group": [EVERYONE]}
    return [str(code) for code in cached_table(cells.path, cells.age).find(wanted)["area"].unique()]


def _group_cities(codes: Sequence[str]) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Return the cities of every (level, area) above the city."""
    return cities_of(area_labels(pd.Series(codes), build_frame_table(shipped_cities())))
