"""Disclosure gate of published quarters beside the months that the platform shows.

A published table is printed elsewhere, and still tells what the gate of the months keeps back: a
hidden class of the nation, or what a quarter leaves of a year. So a class that is hidden in one of
the tables beside it is hidden here, and so is one whose difference to them is a small count.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from survey.counts.bringing_in.published_tables import months_of_period
from survey.counts.count_declaration import TOTAL
from survey.disclosure import MINIMUM_N

_Counts = Mapping[str, int]
"""Count by code, and under `total` all together."""


@dataclass(frozen=True)
class ShownBeside:
    """What the platform shows of the nation and the same year beside published quarters."""

    tables: Sequence[tuple[frozenset[str], Mapping[str, float | None]]] = ()
    """Months, and their sums by code of the list and in total; None where one is hidden."""
    months: Mapping[str, float | None] = field(default_factory=dict)
    """Total of each month that was delivered; None where it is hidden."""


def protect_published(
    quarters: Mapping[str, _Counts], beside: ShownBeside
) -> dict[str, dict[str, int | None]]:
    """Return the counts of one list and year that may be shown, by period; None for the others.

    The same codes are hidden in all of them, so that no sum of some periods tells one.
    """
    codes = list(dict.fromkeys(code for each in quarters.values() for code in each))
    vectors = list(_iter_differences(quarters, beside))
    is_open = not any(
        beside.months.get(month, 0) is None
        for period in quarters
        for month in months_of_period(period)
    )
    is_open &= all(each.get(TOTAL, 0) is not None for _, each in beside.tables)
    is_open &= all(each.get(TOTAL, 0) >= MINIMUM_N for each in quarters.values())
    is_open &= not any(_is_small(each) for each in _iter_month_rests(quarters, beside))
    hidden = {
        code
        for code in codes
        if any(each.get(code, 0) is None for _, each in beside.tables)
        or any(0 < each.get(code, 0) < MINIMUM_N for each in quarters.values())
        or any(_is_small(each.get(code, 0)) for each in vectors)
    }
    is_open &= TOTAL not in hidden
    hidden.discard(TOTAL)
    while is_open and hidden and not _is_enough(hidden, quarters, vectors):
        left = [code for code in codes if code not in hidden | {TOTAL}]
        if not left:
            is_open = False
            break
        hidden.add(min(left, key=lambda code: sum(each.get(code, 0) for each in quarters.values())))
    return {
        period: {code: n if is_open and code not in hidden else None for code, n in each.items()}
        for period, each in quarters.items()
    }


def _is_small(count: float) -> bool:
    return 0 < abs(count) < MINIMUM_N


def _is_enough(
    hidden: set[str], quarters: Mapping[str, _Counts], vectors: Sequence[Mapping[str, float]]
) -> bool:
    """Return whether what is hidden cannot be told from the total and what is shown."""
    sums = [sum(each.get(code, 0) for code in hidden) for each in quarters.values()]
    rests = [sum(each.get(code, 0) for code in hidden) for each in vectors]
    return len(hidden) > 1 and min(sums) >= MINIMUM_N and not any(map(_is_small, rests))


def _iter_differences(
    quarters: Mapping[str, _Counts], beside: ShownBeside
) -> Iterator[dict[str, float]]:
    """Yield, by code, what published periods that do not overlap leave of other months.

    Of the same months nothing is left but what was corrected between two editions.
    """
    wholes = [*beside.tables, *((frozenset(months_of_period(p)), quarters[p]) for p in quarters)]
    for parts in _iter_apart([*quarters]):
        covered = frozenset(month for period in parts for month in months_of_period(period))
        for months, whole in wholes:
            if months == covered:
                continue
            yield {
                code: number - sum(quarters[period].get(code, 0) for period in parts)
                for code, number in whole.items()
                if number is not None
            }


def _iter_apart(periods: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield every choice of one period or several that have no month in common."""
    for number, period in enumerate(periods):
        yield (period,)
        months = {*months_of_period(period)}
        later = [
            each for each in periods[number + 1 :] if months.isdisjoint(months_of_period(each))
        ]
        for rest in _iter_apart(later):
            yield (period, *rest)


def _iter_month_rests(quarters: Mapping[str, _Counts], beside: ShownBeside) -> Iterator[float]:
    """Yield what the months that are shown leave of each period of which some are not there."""
    for period, counts in quarters.items():
        shown = [beside.months.get(month) for month in months_of_period(period)]
        known = [number for number in shown if number is not None]
        if 0 < len(known) < len(shown):
            yield counts[TOTAL] - sum(known)
