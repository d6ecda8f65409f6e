"""The shipped indicator trees, read from `seed/trees`."""

import csv
from dataclasses import dataclass
from functools import lru_cache

from survey.questionnaire.indicator_tree import IndicatorTree, read_tree
from survey.questionnaire.model import Instrument
from survey.questionnaire.xlsform.reader import load_bundle
from survey.settings import PROJECT_ROOT


@lru_cache(maxsize=4)
def shipped_tree(name: str) -> IndicatorTree:
    return read_tree(PROJECT_ROOT / "seed" / "trees" / f"{name}.csv", name=name)


@lru_cache(maxsize=4)
def shipped_instrument(name: str) -> Instrument:
    return load_bundle(PROJECT_ROOT / "seed" / "instruments", name).instrument


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
