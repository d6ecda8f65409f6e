"""The domains every wave is read by: areas of the frame, groups of people."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

NATION = "CN"
AREA_LEVELS = (
    "nation",
    "region3",
    "region",
    "province",
    "city_class",
    "size_tier",
    "retail_tier",
    "city",
)
GROUP_VARIABLES = (
    "gender",
    "age_band",
    "residence",
    "guardian",
    "income",
    "education",
    "hukou",
    "answered_by",
    "school_stage",
    "guardian_relation",
)
EVERYONE = "all"
ELDERLY = "elderly=yes"
ELDERLY_FROM_AGE = 60

_BANDS: Mapping[str, tuple[tuple[int, int], ...]] = {
    "main": ((15, 24), (25, 34), (35, 44), (45, 54), (55, 70)),
    "elderly": ((60, 69), (70, 79), (80, 120)),
}


def band_name(low: int, high: int) -> str:
    return f"{low}+" if high >= 120 else f"{low}-{high}"


def age_bands(series: str) -> tuple[str, ...]:
    """Names of the age bands a series is read by; none for a series without them."""
    return tuple(band_name(low, high) for low, high in _BANDS.get(series, ()))


def age_band_of(age: pd.Series, series: str) -> pd.Series:
    """The age band of each age in completed years; null outside every band."""
    result = pd.Series(pd.NA, index=age.index, dtype="string")
    for low, high in _BANDS.get(series, ()):
        result[(age >= low) & (age <= high)] = band_name(low, high)
    return result.astype(pd.CategoricalDtype(list(age_bands(series))))


def area_labels(codes: pd.Series, cities: pd.DataFrame) -> dict[str, NDArray[Any]]:
    """Area level -> label of each row; `cities` is indexed by city code, a column per level.

    A city whose tier is unknown has the empty label there and belongs to no tier.
    """
    city = codes.astype(str)
    labels = {
        level: city.map(cities[level]).fillna("").astype(str).to_numpy(dtype=object)
        for level in AREA_LEVELS
        if level not in {"nation", "city"}
    }
    everywhere = np.full(len(city), NATION, dtype=object)
    return {"nation": everywhere, **labels, "city": city.to_numpy(dtype=object)}


def groups(frame: pd.DataFrame, series: str) -> dict[str, NDArray[np.bool_]]:
    """Group key -> membership of each row; overlapping, everyone first."""
    return dict(_groups(frame, series))


def _groups(frame: pd.DataFrame, series: str) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    yield EVERYONE, np.ones(len(frame), dtype=bool)
    if series == "main" and "age" in frame:
        yield ELDERLY, (frame["age"] >= ELDERLY_FROM_AGE).to_numpy(dtype=bool)
    for variable in GROUP_VARIABLES:
        if variable in frame:
            for value in frame[variable].cat.categories:
                yield f"{variable}={value}", (frame[variable] == value).to_numpy(dtype=bool)
