"""Crosswalk of indicator trees: a declared, dated file of the comparable indicators.

Two trees of the same content need no file. `seed/trees/crosswalk_<before>_<after>.csv` declares the
rest, a row an indicator: `before`, `after` (codes, empty where a tree has none), `level`,
`name_zh`, `name_en`, `comparable` (yes, no), `reason` (why not) and `status`. What is not declared
comparable is not compared.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from survey.estimate.tree import COMPOSITE
from survey.questionnaire.indicator_tree import IndicatorTree, Provenance
from survey.settings import PROJECT_ROOT

TREES = PROJECT_ROOT / "seed" / "trees"


class NotComparableReason(StrEnum):
    """Reason why an indicator of one tree cannot be compared with another tree."""

    RECIPE = "recipe"
    """The indicator is in both trees, but made of other parts or with other weights."""
    NEW = "new"
    GONE = "gone"


@dataclass(frozen=True)
class CrosswalkRow:
    """Row of a crosswalk file: an indicator's codes in both trees, and whether it is comparable."""

    before: str
    after: str
    level: int
    name_zh: str
    name_en: str
    comparable: bool
    reason: str
    status: Provenance


@dataclass(frozen=True)
class Crosswalk:
    """Comparable indicators of two trees; `before_of` maps a later tree's code to the earlier's."""

    before_of: Mapping[str, str]
    why_not: Mapping[str, NotComparableReason]
    """Code in the later tree -> why it is not compared."""


def crosswalk(
    before: IndicatorTree, after: IndicatorTree, folder: Path = TREES
) -> Crosswalk | None:
    """Return which indicators of two trees are comparable; None if no file in `folder` says so."""
    if before.sha256 == after.sha256:
        codes = (*(indicator.code for indicator in after.indicators), COMPOSITE)
        return Crosswalk({code: code for code in codes}, {})
    if before.name == after.name:
        return _match_shared_parts(before, after)
    rows = _read_declared(folder / file_name(before.name, after.name))
    if rows is None:
        rows = _read_declared(folder / file_name(after.name, before.name))
        rows = None if rows is None else tuple(_reverse_row(row) for row in rows)
    if rows is None:
        return None
    return Crosswalk(
        {row.after: row.before for row in rows if row.comparable},
        {
            row.after: NotComparableReason(row.reason)
            for row in rows
            if row.after and not row.comparable
        },
    )


def list_counterparts(
    before: IndicatorTree, after: IndicatorTree, folder: Path = TREES
) -> dict[str, str]:
    """Return code of the later tree -> the earlier tree's for the same matter, comparable or not.

    Between two versions of a tree codes stay; without a declared file only the composites meet.
    """
    if before.name == after.name:
        return {code: code for code in (COMPOSITE, *after.by_code) if code in _share_parts(before)}
    rows = _read_declared(folder / file_name(before.name, after.name))
    if rows is None:
        turned = _read_declared(folder / file_name(after.name, before.name)) or ()
        rows = tuple(_reverse_row(row) for row in turned)
    pairs = {row.after: row.before for row in rows if row.before and row.after}
    return {COMPOSITE: COMPOSITE} | pairs


def _match_shared_parts(before: IndicatorTree, after: IndicatorTree) -> Crosswalk:
    """Return the crosswalk of two versions of a tree: comparable if the parts below are equal.

    An indicator is comparable where the same parts with the same weights lie below it.
    """
    old, new = _share_parts(before), _share_parts(after)
    same = {code: code for code, parts in new.items() if old.get(code) == parts}
    why = {
        code: NotComparableReason.RECIPE if code in old else NotComparableReason.NEW
        for code in new.keys() - same.keys()
    }
    return Crosswalk(same, why)


def _share_parts(tree: IndicatorTree) -> dict[str, frozenset[tuple[str, float]]]:
    """Return code -> set of (code below it, weight in its parent), also for the composite."""
    below: dict[str, set[tuple[str, float]]] = {
        indicator.code: set() for indicator in tree.indicators
    }
    below[COMPOSITE] = set()
    for indicator in tree.indicators:
        part, parent = (indicator.code, round(indicator.weight, 9)), indicator.parent
        while parent is not None:
            below[parent].add(part)
            parent = tree.by_code[parent].parent
        below[COMPOSITE].add(part)
    return {code: frozenset(parts) for code, parts in below.items()}


def file_name(before: str, after: str) -> str:
    return f"crosswalk_{before}_{after}.csv"


@lru_cache(maxsize=16)
def _read_declared(path: Path) -> tuple[CrosswalkRow, ...] | None:
    if not path.exists():
        return None
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(
            CrosswalkRow(
                before=row["before"],
                after=row["after"],
                level=int(row["level"]),
                name_zh=row["name_zh"],
                name_en=row["name_en"],
                comparable=row["comparable"] == "yes",
                reason=row["reason"],
                status=Provenance(row["status"]),
            )
            for row in csv.DictReader(file)
        )


def _reverse_row(row: CrosswalkRow) -> CrosswalkRow:
    """Return the row of a crosswalk file for the same two trees in the other order."""
    reason = {
        NotComparableReason.NEW.value: NotComparableReason.GONE.value,
        NotComparableReason.GONE.value: NotComparableReason.NEW.value,
    }
    return replace(
        row, before=row.after, after=row.before, reason=reason.get(row.reason, row.reason)
    )
