"""Domains of every wave: areas of the frame and groups of people."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.access.roles import NATION
from survey.frame.population_margins import ELDERLY_BANDS, MAIN_BANDS
from survey.frame.quotas import ELDERLY, EVERYONE
from survey.questionnaire.special_names import GROUP_QUESTIONS

FRAME_COLUMNS = {
    "region3": "region3",
    "region": "region",
    "province": "province_code",
    "city_class": "city_class",
    "size_tier": "size_tier",
    "retail_tier": "retail_tier",
}
AREA_LEVELS = ("nation", *FRAME_COLUMNS, "city")
UNKNOWN_TIER = "unknown"
MAIN_SERIES = "main"
SHIPPED_SERIES = (MAIN_SERIES, "elderly", "minors")
"""Series of the platform's own questionnaires."""
GROUP_VARIABLES = tuple("age_band" if name == "age" else name for name in GROUP_QUESTIONS)
ELDERLY_FROM_AGE = 60
_MAX_NAMED_CITIES = 5

Bands = Mapping[str, tuple[int, int]]
"""Name -> youngest and oldest age, both included."""
BANDS: Mapping[str, Bands] = {"main": MAIN_BANDS, "elderly": ELDERLY_BANDS}


def age_band_of(age: pd.Series, bands: Bands) -> pd.Series:
    """Return the age band of each age in completed years; null outside every band."""
    years = age.to_numpy(dtype=float, na_value=np.nan)
    codes = np.full(len(age), -1, dtype=np.int8)
    for place, (youngest, oldest) in enumerate(bands.values()):
        codes[(years >= youngest) & (years <= oldest)] = place
    names = pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(list(bands)))
    return pd.Series(names, index=age.index)


def area_labels(codes: pd.Series, cities: pd.DataFrame) -> dict[str, NDArray[Any]]:
    """Return area level -> area of each row by its city code; null where a city has no tier.

    A city whose tier is unknown has a null label there and belongs to no tier. Equal labels are one
    object: a text of its own for each row would take more memory than all its answers.
    """
    place, cities_present = pd.factorize(codes)
    assert (place >= 0).all(), "a response without a city"
    city = pd.Series(cities_present).astype(str)
    labels = {
        level: city.map(cities[column].replace(UNKNOWN_TIER, None)).to_numpy(dtype=object)[place]
        for level, column in FRAME_COLUMNS.items()
    }
    everywhere = np.array([NATION], dtype=object).repeat(len(place))
    return {"nation": everywhere, **labels, "city": city.to_numpy(dtype=object)[place]}


def cities_of(labels: Mapping[str, NDArray[Any]]) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Return (area level, area) -> codes of the cities in it, for all levels above the city."""
    area_cities: dict[tuple[str, ...], tuple[str, ...]] = {}
    for level, areas in labels.items():
        for area, city in zip(areas, labels["city"], strict=True):
            if level != "city" and not pd.isna(area):
                key = level, str(area)
                area_cities[key] = (*area_cities.get(key, ()), str(city))
    return area_cities


def list_counts(by_city: Mapping[str, int]) -> str:
    """Format the counts above 0 in `by_city` for a message, naming only the first five cities."""
    counts = [(city, count) for city, count in sorted(by_city.items()) if count]
    named = ", ".join(f"{city}: {count}" for city, count in counts[:_MAX_NAMED_CITIES])
    return named + (" …" if len(counts) > _MAX_NAMED_CITIES else "")


def group_memberships(frame: pd.DataFrame, series: str) -> dict[str, NDArray[np.bool_]]:
    """Return group -> membership of each row; groups may overlap, everyone comes first."""
    groups = {EVERYONE: np.ones(len(frame), dtype=bool)}
    if series == "main" and "age" in frame:
        groups[ELDERLY] = (frame["age"] >= ELDERLY_FROM_AGE).to_numpy(dtype=bool)
    for variable in GROUP_VARIABLES:
        if variable in frame and isinstance(frame[variable].dtype, pd.CategoricalDtype):
            for value in frame[variable].cat.categories:
                groups[f"{variable}={value}"] = (frame[variable] == value).to_numpy(dtype=bool)
    return groups
