"""Made-up interviews on disk, a file a city, and the parts that read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.estimate.synthetic import DESIGN, groups_20, tree_2023, wave
from survey.compute import open_file
from survey.estimate import CubeSpec, rake
from survey.snapshots.response_files import read_file

CITIES, ROWS_PER_POINT, MIN_POINTS = 100, 39, 16
REGIONS = 7
AREAS = {"nation": None, "region": "region", "city": "city"}
AGAINST = (("city", "nation"), ("city", "region"))
BASE_WEIGHT = "base"
MARGIN = ("age", "gender")
_CITY_PEOPLE = 1e6


def write_cities(folder: Path, rows: int, seed: int = 0) -> list[Path]:
    """Write `rows` interviews of a hundred cities; sampling points grow with the interviews."""
    paths = []
    for city in range(CITIES):
        size = rows // CITIES + (city < rows % CITIES)
        path = folder / f"city-{city:03d}.parquet"
        _city_rows(city, size, seed).to_parquet(path, index=False, compression="zstd")
        paths.append(path)
    return paths


def _city_rows(city: int, rows: int, seed: int) -> pd.DataFrame:
    points = max(MIN_POINTS, rows // ROWS_PER_POINT)
    frame = wave(rows, cities=1, points=points, seed=seed * CITIES + city)
    name = f"C{city:03d}"
    frame["city"] = pd.Categorical.from_codes(np.zeros(rows, np.int8), pd.Index([name]))
    frame["region"] = pd.Categorical.from_codes(
        np.full(rows, city % REGIONS, np.int8),
        pd.Index([f"R{number}" for number in range(REGIONS)]),
    )
    for key in ("stratum", "point"):
        frame[key] = frame[key].cat.rename_categories(lambda label: f"{name}-{label}")
    return frame.rename(columns={DESIGN.weight: BASE_WEIGHT})


@cache
def cube_spec() -> CubeSpec:
    """Twenty groups and 48 statistics in every city, region and the nation."""
    return CubeSpec(
        tree_2023(), DESIGN, areas=AREAS, groups=groups_20(), centres=(), df_rule="weighted"
    )


@dataclass(frozen=True)
class CityFiles:
    """Part of a wave: the files of some cities, weighted when they are read."""

    locations: tuple[str | Path, ...]

    def __call__(self) -> tuple[pd.DataFrame, CubeSpec]:
        frames = [weigh_city(_read_city(location)) for location in self.locations]
        return join_cities(frames), cube_spec()


def _read_city(location: str | Path) -> pd.DataFrame:
    with open_file(location) as file:
        return read_file(file)


def weigh_city(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the interviews of one city with weights raked to its age by gender cells."""
    # A stand-in for the census: even cells, where the sample's are not quite even.
    cells = pd.MultiIndex.from_frame(frame[list(MARGIN)].drop_duplicates())
    people = pd.Series(_CITY_PEOPLE / len(cells), index=cells)
    raked = rake(frame, BASE_WEIGHT, {MARGIN: people})
    return frame.assign(**{DESIGN.weight: raked.weights})


def join_cities(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of several cities as one frame whose keys are categories."""
    if len(frames) == 1:
        return frames[0]
    keys = ["city", "stratum", "point"]
    joined = pd.concat([frame.astype(dict.fromkeys(keys, str)) for frame in frames])
    return joined.reset_index(drop=True).astype(dict.fromkeys(keys, "category"))
