"""The measures that the shipped questionnaires declare, read from `seed/instruments`."""

import csv
from dataclasses import dataclass
from functools import lru_cache

from survey.settings import PROJECT_ROOT


@dataclass(frozen=True)
class Measure:
    """A rate (share of `choices`) or, without choices, the mean of a 10-point item."""

    key: str
    item: str
    choices: tuple[str, ...]


@lru_cache(maxsize=1)
def shipped_measures() -> tuple[Measure, ...]:
    path = PROJECT_ROOT / "seed" / "instruments" / "measures.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(
            Measure(row["key"], row["item"], tuple(row["choices"].split()))
            for row in csv.DictReader(file)
        )
