"""Crosswalk of indicator trees: a declared, dated file of the comparable indicators.

Two trees of the same content need no file. `seed/trees/crosswalk_<before>_<after>.csv` declares the
rest, a row an indicator: `before`, `after` (codes, empty where a tree has none), `level`,
`name_zh`, `name_en`, `comparable` (yes, no), `reason` (why not) and `status`. What is not declared
comparable is not compared.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import lru_cache
from math import isclose
from pathlib import Path
from types import MappingProxyType

from survey.estimate.tree import COMPOSITE
from survey.instrument.indicator_tree import Indicator, IndicatorTree, Provenance
from survey.settings import PROJECT_ROOT
from survey.spreadsheets import csv_row

TREES = PROJECT_ROOT / "seed" / "trees"
_TOLERANCE = 1e-6


class NotComparableReason(StrEnum):
    """Reason why an indicator cannot be compared with another tree."""

    RECIPE = "recipe"
    """The indicator is in both trees, but made of other parts or with other weights."""
    NEW = "new"
    GONE = "gone"


@dataclass(frozen=True)
class CrosswalkRow:
    """Line of a crosswalk file."""

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
    """Comparable indicators; `before_of` maps a code in the later tree to one in the earlier."""

    before_of: Mapping[str, str]
    why_not: Mapping[str, NotComparableReason]
    """Code in the later tree -> why it is not compared."""


def crosswalk(
    before: IndicatorTree, after: IndicatorTree, folder: Path = TREES
) -> Crosswalk | None:
    """Return the comparable indicators of two trees, or None if no file declares them."""
    if before.sha256 == after.sha256:
        codes = (*(indicator.code for indicator in after.indicators), COMPOSITE)
        return Crosswalk({code: code for code in codes}, MappingProxyType({}))
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


def _match_shared_parts(before: IndicatorTree, after: IndicatorTree) -> Crosswalk:
    """Match the parts of one tree of which the two waves measure different ones.

    An indicator is comparable where the same parts with the same weights lie below it.
    """
    old, new = _parts(before), _parts(after)
    same = {code: code for code, parts in new.items() if old.get(code) == parts}
    why = {
        code: NotComparableReason.RECIPE if code in old else NotComparableReason.NEW
        for code in new.keys() - same.keys()
    }
    return Crosswalk(same, MappingProxyType(why))


def _parts(tree: IndicatorTree) -> dict[str, frozenset[tuple[str, float]]]:
    """Return all that lies below each indicator, with its share of its parent."""
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


def derive_crosswalk(before: IndicatorTree, after: IndicatorTree) -> tuple[CrosswalkRow, ...]:
    """Derive a first crosswalk from the names, for people to check; every row is `assumed`.

    Indicators correspond when they and their parents have the same Chinese name. They are
    comparable when, in addition, the same parts with the same weights lie below them.
    """
    rows = [*_compare_children(_TreePair(before, after), None, None)]
    alike = all(row.comparable for row in rows if row.level == 1) and _has_same_weights(
        list(before.level(1)), list(after.level(1))
    )
    whole = CrosswalkRow(
        before=COMPOSITE,
        after=COMPOSITE,
        level=0,
        name_zh="",
        name_en="",
        comparable=alike,
        reason="" if alike else NotComparableReason.RECIPE,
        status=Provenance.ASSUMED,
    )
    return (whole, *rows)


def write_crosswalk(rows: Sequence[CrosswalkRow], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(field.name for field in fields(CrosswalkRow))
        writer.writerows(csv_row(_cells(row)) for row in rows)


def _cells(row: CrosswalkRow) -> tuple[object, ...]:
    return (
        row.before, row.after, row.level, row.name_zh, row.name_en,
        "yes" if row.comparable else "no", row.reason, row.status.value,
    )  # fmt: skip


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
    """Return the same declaration for the trees in the other order."""
    reason = {
        NotComparableReason.NEW.value: NotComparableReason.GONE.value,
        NotComparableReason.GONE.value: NotComparableReason.NEW.value,
    }
    return CrosswalkRow(
        before=row.after,
        after=row.before,
        level=row.level,
        name_zh=row.name_zh,
        name_en=row.name_en,
        comparable=row.comparable,
        reason=reason.get(row.reason, row.reason),
        status=row.status,
    )


@dataclass(frozen=True)
class _TreePair:
    before: IndicatorTree
    after: IndicatorTree


def _compare_children(
    sides: _TreePair, before: str | None, after: str | None
) -> Iterator[CrosswalkRow]:
    """Return rows of the children of two corresponding indicators, and of all below them."""
    old, new = _children(sides.before, before), _children(sides.after, after)
    earlier = {_name(indicator): indicator for indicator in old}
    for indicator in new:
        twin = earlier.pop(_name(indicator), None)
        if twin is None:
            yield from _unmatched_rows(sides.after, indicator, NotComparableReason.NEW)
            continue
        alike = _is_same_recipe(sides, twin, indicator)
        yield _crosswalk_row(
            twin.code, indicator.code, indicator, "" if alike else NotComparableReason.RECIPE
        )
        yield from _compare_children(sides, twin.code, indicator.code)
    for indicator in earlier.values():
        yield from _unmatched_rows(sides.before, indicator, NotComparableReason.GONE)


def _unmatched_rows(
    tree: IndicatorTree, indicator: Indicator, why: NotComparableReason
) -> Iterator[CrosswalkRow]:
    codes = (indicator.code, "") if why is NotComparableReason.GONE else ("", indicator.code)
    yield _crosswalk_row(*codes, indicator, why)
    for child in _children(tree, indicator.code):
        yield from _unmatched_rows(tree, child, why)


def _crosswalk_row(before: str, after: str, indicator: Indicator, reason: str) -> CrosswalkRow:
    return CrosswalkRow(
        before=before,
        after=after,
        level=indicator.level,
        name_zh=indicator.name["zh"],
        name_en=indicator.name["en"],
        comparable=not reason,
        reason=reason,
        status=Provenance.ASSUMED,
    )


def _is_same_recipe(sides: _TreePair, before: Indicator, after: Indicator) -> bool:
    old, new = _children(sides.before, before.code), _children(sides.after, after.code)
    twins = {_name(indicator): indicator for indicator in old}
    return _has_same_weights(old, new) and all(
        _is_same_recipe(sides, twins[_name(indicator)], indicator) for indicator in new
    )


def _has_same_weights(old: Sequence[Indicator], new: Sequence[Indicator]) -> bool:
    before, after = (
        {_name(indicator): indicator.weight for indicator in side} for side in (old, new)
    )
    return before.keys() == after.keys() and all(
        isclose(before[name], after[name], abs_tol=_TOLERANCE) for name in after
    )


def _children(tree: IndicatorTree, parent: str | None) -> list[Indicator]:
    return [indicator for indicator in tree.indicators if indicator.parent == parent]


def _name(indicator: Indicator) -> str:
    return indicator.name["zh"]
