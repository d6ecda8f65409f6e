"""Gate of totals by name: what of them can stand beside the whole without telling a small count.

A total stands from the threshold on. So that nobody subtracts, what the totals that stand leave of
the whole reaches the threshold too, or is nothing; the smallest gives way. The share settled stands
where both the settled and the others reach it, and so do those that it leaves of all settled.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class NamedTotal:
    """Complaints of one name and, where that can stand, how many of them were settled."""

    name: str
    cases: int
    settled: int | None


def protect_totals(
    totals: Iterable[NamedTotal], cases: int, settled: int | None, least: int
) -> list[NamedTotal]:
    """Return the totals that can stand beside the whole, by name.

    Args:
        cases: Complaints of the whole, settled: those of them that were settled.
        least: The threshold.
    """
    shown = _leave_enough([each for each in totals if each.cases >= least], cases, least, _cases)
    both = [
        each
        for each in shown
        if each.settled is not None and least <= each.settled <= each.cases - least
    ]
    if settled is None:
        both = []
    else:
        before = -1
        while before != len(both):
            before = len(both)
            both = _leave_enough(both, settled, least, _settled)
            both = _leave_enough(both, cases - settled, least, _unsettled)
    told = {each.name for each in both}
    ordered = sorted(shown, key=lambda each: each.name)
    return [each if each.name in told else replace(each, settled=None) for each in ordered]


def _cases(total: NamedTotal) -> int:
    return total.cases


def _settled(total: NamedTotal) -> int:
    return total.settled or 0


def _unsettled(total: NamedTotal) -> int:
    return total.cases - _settled(total)


def _leave_enough(
    totals: list[NamedTotal], whole: int, least: int, count: Callable[[NamedTotal], int]
) -> list[NamedTotal]:
    """Leave out the smallest until the rest of the whole is nothing or reaches the threshold."""
    kept = sorted(totals, key=lambda each: (count(each), each.name), reverse=True)
    while kept and 0 < whole - sum(map(count, kept)) < least:
        kept.pop()
    return kept
