"""Unscored measures: what the modules of a questionnaire say, as rates and means.

Which measures there are is data (`seed/instruments/measures.csv`), not code; none of them ever
enters the score.
"""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from survey.instrument.model import Instrument, Item, Kind, Special

_NOT_SUBSTANTIVE = tuple(special.value for special in Special)


class Measure(BaseModel):
    """A rate (per cent of those asked who gave a substantive answer) or a mean of one item."""

    model_config = ConfigDict(frozen=True)

    key: str
    item: str
    choices: tuple[str, ...]
    """Choices that count as 100; none: the mean of a rating (0-100) or of a number."""
    name: Mapping[str, str]
    topic: str
    direction: Literal["higher", "lower", "neutral"]
    sensitive: bool = False


def read_measures(path: Path) -> tuple[Measure, ...]:
    """All measures declared in the CSV at `path`."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return tuple(
            Measure(
                key=row["key"],
                item=row["item"],
                choices=tuple(row["choices"].split()),
                name={"zh": row["name_zh"], "en": row["name_en"]},
                topic=row["topic"],
                direction=row["direction"],
            )
            for row in csv.DictReader(file)
        )


def measures_for(instrument: Instrument, declared: tuple[Measure, ...]) -> tuple[Measure, ...]:
    """Those of `declared` whose item the instrument asks, marked sensitive where the item is."""
    return tuple(
        measure.model_copy(update={"sensitive": instrument.by_name[measure.item].sensitive})
        for measure in declared
        if measure.item in instrument.by_name
    )


def measure_values(measure: Measure, item: Item, frame: pd.DataFrame) -> NDArray[np.float64]:
    """One value a respondent: 0 or 100 for rates, null outside the base."""
    if item.kind is Kind.SELECT_MULTIPLE:
        return _any_chosen(measure, frame)
    if item.kind is Kind.SELECT_ONE:
        answer = frame[item.name]
        base = answer.notna() & ~answer.isin(_NOT_SUBSTANTIVE)
        return np.where(base, np.where(answer.isin(measure.choices), 100.0, 0.0), np.nan)
    values = frame[item.name].to_numpy(dtype=np.float64)
    if item.kind is Kind.RATING:
        low, high = float(item.minimum or 0), float(item.maximum or 0)
        return np.where(values < low, np.nan, (values - low) / (high - low) * 100.0)
    return values


def _any_chosen(measure: Measure, frame: pd.DataFrame) -> NDArray[np.float64]:
    columns = [frame[f"{measure.item}/{choice}"].to_numpy() for choice in measure.choices]
    picks = np.vstack(columns)
    return np.where(picks.min(axis=0) < 0, np.nan, np.where(picks.max(axis=0) == 1, 100.0, 0.0))
