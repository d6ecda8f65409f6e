"""Figures the association has published since 2017, keyed like the cells of results.

These figures stand beside the estimates, clearly apart, and never enter them.
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from survey.access.roles import NATION
from survey.frame.city_frame import FrameCity, shipped_cities
from survey.frame.quotas import EVERYONE
from survey.settings import PROJECT_ROOT

_SEED = PROJECT_ROOT / "seed"
RESULTS_CSV = _SEED / "published_results.csv"
NAMES_CSV = _SEED / "published_names.csv"
WAVES_CSV = _SEED / "published_waves.csv"
MEAN_OF_CITIES = "mean_of_cities"


@dataclass(frozen=True)
class PublishedResult:
    """Score or rank that the association published for one area, group, indicator and year."""

    year: int
    area_level: str
    area: str
    group: str
    indicator: str
    score: float | None
    """None where only the rank became known."""
    rank: int | None
    status: str
    """`press`: as reported; `derived`: our arithmetic from reported figures."""
    statistic: str
    """`score`, or `mean_of_cities` for the unweighted mean over the cities of a province."""
    source: str


@dataclass(frozen=True)
class PublishedWave:
    """Published facts of one year of the survey; None where nothing was published."""

    year: int
    cities: int
    collected: int | None
    valid: int | None
    first_level: int | None
    second_level: int | None
    third_level: int | None
    fieldwork: str
    above_national: int | None
    max_city: str
    max_score: float | None
    min_city: str
    min_score: float | None


@dataclass(frozen=True)
class _Names:
    areas: Mapping[str, tuple[str, str]]
    groups: Mapping[str, str]
    indicators: Mapping[str, str]
    cities: Mapping[str, str]


@lru_cache(maxsize=1)
def published_results() -> tuple[PublishedResult, ...]:
    """Return all published figures shipped with the platform."""
    return read_results(RESULTS_CSV, shipped_cities())


def read_results(
    path: Path, cities: Iterable[FrameCity], *, names: Path = NAMES_CSV
) -> tuple[PublishedResult, ...]:
    """Read published figures from a CSV; raise `ValueError` for a name not in `cities`, `names`."""
    known = _read_names(names, cities)
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(_parse_result(row, known) for row in csv.DictReader(file))


@lru_cache(maxsize=1)
def published_waves() -> tuple[PublishedWave, ...]:
    """Return fieldwork, counts and extremes published for each year of the survey."""
    with WAVES_CSV.open(encoding="utf-8", newline="") as file:
        return tuple(_parse_wave(row) for row in csv.DictReader(file))


def published_series(
    *, area_level: str = "nation", area: str = NATION, group: str = EVERYONE, indicator: str
) -> pd.DataFrame:
    """Return what was published for one area, group and indicator: a row (score, rank …) a year."""
    wanted = (area_level, area, group, indicator)
    rows = [
        asdict(result)
        for result in published_results()
        if (result.area_level, result.area, result.group, result.indicator) == wanted
        and result.statistic == "score"
    ]
    columns = ["year", "score", "rank", "status", "source"]
    series = pd.DataFrame(rows, columns=columns).sort_values("year", ignore_index=True)
    return series.astype({"year": "int64", "score": "float64", "rank": "Int64"})


def _read_names(path: Path, cities: Iterable[FrameCity]) -> _Names:
    areas: dict[str, tuple[str, str]] = {}
    groups: dict[str, str] = {}
    indicators: dict[str, str] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["kind"] == "area":
                areas[row["name_zh"]] = (row["area_level"], row["key"])
            elif row["kind"] == "group":
                groups[row["name_zh"]] = row["key"]
            else:
                indicators[row["name_zh"]] = row["key"]
    return _Names(areas, groups, indicators, {city.name_zh: city.code for city in cities})


def _parse_result(row: Mapping[str, str], names: _Names) -> PublishedResult:
    level, area, group = _find_cell_key(row["level"], row["area_zh"], names)
    if row["indicator_zh"] not in names.indicators:
        raise _unknown_name_error(row["indicator_zh"])
    return PublishedResult(
        year=int(row["year"]),
        area_level=level,
        area=area,
        group=group,
        indicator=names.indicators[row["indicator_zh"]],
        score=float(row["score"]) if row["score"] else None,
        rank=int(row["rank"]) if row["rank"] else None,
        status=row["status"],
        statistic=MEAN_OF_CITIES if row["level"] == "province_mean" else "score",
        source=row["source"],
    )


def _find_cell_key(level: str, name: str, names: _Names) -> tuple[str, str, str]:
    if level == "city":
        return "city", _find_city_code(name, names.cities), EVERYONE
    if name in names.groups:
        return "nation", NATION, names.groups[name]
    if name in names.areas:
        return *names.areas[name], EVERYONE
    raise _unknown_name_error(name)


def _find_city_code(name: str, cities: Mapping[str, str]) -> str:
    """Return the code of the only city whose name begins with `name`; raise an error otherwise."""
    codes = [code for full, code in cities.items() if full.startswith(name)]
    if len(codes) != 1:
        raise _unknown_name_error(name)
    return codes[0]


def _unknown_name_error(name: str) -> ValueError:
    return ValueError(f"the published figures name {name!r}, which nobody knows")


def _parse_wave(row: Mapping[str, str]) -> PublishedWave:
    kinds: Mapping[str, type] = {"fieldwork": str, "max_city": str, "min_city": str,
                                 "max_score": float, "min_score": float}  # fmt: skip
    kind_of = {each.name: kinds.get(each.name, int) for each in fields(PublishedWave)}
    values: dict[str, Any] = {
        name: kind(row[name]) if row[name] or kind is str else None
        for name, kind in kind_of.items()
    }
    return PublishedWave(**values)
