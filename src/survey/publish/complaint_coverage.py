"""What complaint counts cover: areas and months that were delivered, and what two years share.

Like is compared with like: where two years were not delivered for the same areas and months, only
what both have is added up, from counts of months that readers see anyway.
"""

from dataclasses import dataclass

from survey.context.areas import is_within, leaves_within, resident_population
from survey.context.count_declaration import TOTAL
from survey.publish.complaint_tables import ComplaintYear

_Units = frozenset[tuple[str, str]]
"""Areas of counts with the months (of any year) that were delivered of them."""


@dataclass(frozen=True)
class CountCoverage:
    """Areas that were delivered of a larger area, beside those there are."""

    areas: tuple[str, ...]
    missing: tuple[str, ...]
    partial: tuple[str, ...]
    """Areas that lack some of the months delivered."""


def find_coverage(year: ComplaintYear, area: str) -> CountCoverage:
    """Return which parts of an area were delivered."""
    expected = leaves_within(area)
    areas = tuple(leaf for leaf in expected if leaf in year.delivered)
    return CountCoverage(
        areas,
        tuple(leaf for leaf in expected if leaf not in year.delivered),
        tuple(leaf for leaf in areas if len(year.delivered[leaf]) < len(year.months)),
    )


def find_residents(year: ComplaintYear, area: str) -> int | None:
    """Return the residents of what was delivered; None where months are missing of a single area.

    Of a larger area each part counts for the share of the months that were delivered of it.
    """
    coverage = find_coverage(year, area)
    if not coverage.partial:
        return resident_population(coverage.areas) or None
    if len(leaves_within(area)) == 1:
        return None
    months = sum(resident_population([leaf]) * len(year.delivered[leaf]) for leaf in coverage.areas)
    return round(months / len(year.months))


@dataclass(frozen=True)
class CountComparison:
    """Complaints accepted of the areas and months that two years have."""

    now: float
    then: float
    areas: int
    months: int
    is_whole: bool
    """Whether that is all that either year has of the area."""


def compare_years(
    year: ComplaintYear, before: ComplaintYear | None, area: str
) -> CountComparison | None:
    """Return the complaints of an area beside those of the year before, like with like."""
    if before is None:
        return None
    is_whole = has_same_coverage(year, before, area)
    units = _list_units(year, area) & _list_units(before, area)
    if is_whole:
        pairs = [(year.find_cell(TOTAL, area, TOTAL), before.find_cell(TOTAL, area, TOTAL))]
    else:
        by_unit = {
            (leaf, month): (
                year.by_month.get((leaf, f"{year.year}-{month}")),
                before.by_month.get((leaf, f"{before.year}-{month}")),
            )
            for leaf, month in units
        }
        units = frozenset(unit for unit, pair in by_unit.items() if None not in pair)
        pairs = [by_unit[unit] for unit in units]
    now, then = (
        sum((cell or {}).get("accepted") or 0.0 for cell in side)
        for side in (zip(*pairs, strict=True) if pairs else ((), ()))
    )
    if not now or not then:
        return None
    areas, months = {leaf for leaf, _ in units}, {month for _, month in units}
    return CountComparison(now, then, len(areas), len(months), is_whole)


def has_same_coverage(year: ComplaintYear, before: ComplaintYear | None, area: str) -> bool:
    """Return whether two years were delivered for the same parts and months of an area."""
    return before is not None and _list_units(year, area) == _list_units(before, area)


def _list_units(year: ComplaintYear, area: str) -> _Units:
    return frozenset(
        (leaf, month[5:])
        for leaf, months in year.delivered.items()
        if is_within(leaf, area)
        for month in months
    )
