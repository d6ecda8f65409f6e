"""The shipped indicator trees, read from `seed/trees`."""

from functools import lru_cache

from survey.instrument.tree import IndicatorTree
from survey.instrument.tree_csv import read_tree
from survey.settings import PROJECT_ROOT


@lru_cache(maxsize=4)
def shipped_tree(name: str) -> IndicatorTree:
    return read_tree(PROJECT_ROOT / "seed" / "trees" / f"{name}.csv", name=name)
