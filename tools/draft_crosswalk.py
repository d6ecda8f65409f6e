"""Write a first crosswalk between two trees of `seed/trees`, for people to check and correct.

`python tools/draft_crosswalk.py cca-2021 cca-2023`
"""

import csv
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from math import isclose
from pathlib import Path

from survey.estimate.tree import COMPOSITE
from survey.questionnaire.indicator_tree import Indicator, IndicatorTree, Provenance, read_tree
from survey.results.crosswalk import TREES, CrosswalkRow, NotComparableReason, file_name
from survey.spreadsheets import csv_row

_TOLERANCE = 1e-6


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
        row.before,
        row.after,
        row.level,
        row.name_zh,
        row.name_en,
        "yes" if row.comparable else "no",
        row.reason,
        row.status.value,
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


if __name__ == "__main__":
    first, second = (read_tree(TREES / f"{name}.csv") for name in sys.argv[1:3])
    write_crosswalk(derive_crosswalk(first, second), TREES / file_name(first.name, second.name))
