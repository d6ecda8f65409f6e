"""The shipped indicator trees, read from `seed/trees`."""

import csv
from functools import lru_cache

from survey.instrument.tree import Indicator, IndicatorTree, Provenance
from survey.settings import PROJECT_ROOT


@lru_cache(maxsize=4)
def shipped_tree(name: str) -> IndicatorTree:
    path = PROJECT_ROOT / "seed" / "trees" / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        indicators = tuple(
            Indicator(
                code=row["code"],
                parent=row["parent"] or None,
                level=int(row["level"]),
                name={"zh": row["name_zh"], "en": row["name_en"]},
                weight=float(row["weight"]),
                name_status=Provenance(row["name_status"]),
                weight_status=Provenance(row["weight_status"]),
            )
            for row in csv.DictReader(file)
        )
    return IndicatorTree(name=name, indicators=indicators)
