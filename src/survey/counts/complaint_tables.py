"""Complaint counts of a year as readers may see them, with coverage and comparison of years.

Counts of complaints are full counts of a system and no sample, so they have no interval. But a
count of one to nine in a small area tells who complained: such a cell, and what would let it be
computed from totals and siblings, is kept back like a cell of the survey (docs/complaints.md).
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from threading import Lock
from uuid import UUID

import pandas as pd

from survey.access.roles import Action
from survey.access.work import Work
from survey.counts.complaint_gate import (
    CountCell,
    CountCells,
    GatedCounts,
    GatedMonths,
    protect_ages,
    protect_codes,
    protect_months,
)
from survey.counts.complaints.sums import read_sums
from survey.counts.count_declaration import TOTAL
from survey.counts.count_kinds import AGE_LENSES, COMPLAINTS, LENSES
from survey.counts.standing_deliveries import DeliveredPeriod, list_standing_periods
from survey.frame.code_lists import is_within, leaf_areas, leaves_within, resident_population
from survey.store.tables import DeliveryKind

_MAX_GATED_TABLES = 96
_AGE = "age_group"
_Span = tuple[tuple[UUID, ...], tuple[str, ...]]
"""Revisions of a year, and those months of it with which the next year is compared."""
_GATED_TABLES: dict[tuple[_Span, str], "GatedCounts | GatedMonths"] = {}
"""Gated cells by what they are made of and their lens, the oldest given up first."""
_LOCK = Lock()


@dataclass(frozen=True, eq=False)
class ComplaintYear:
    """A year's complaint counts by area, code and month; small counts are hidden."""

    year: int
    periods: tuple[DeliveredPeriod, ...]
    """Revisions that the sums are made of."""
    by_lens: Mapping[str, CountCells]
    """Cells of each lens that was asked for and delivered."""
    by_month: CountCells

    @property
    def months(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each.period for each in self.periods))

    @property
    def is_demo(self) -> bool:
        return any(each.is_demo for each in self.periods)

    @cached_property
    def delivered(self) -> Mapping[str, frozenset[str]]:
        """Code of a city, or of the rest of a province -> months that were delivered of it."""
        months: dict[str, set[str]] = {}
        for area, month in self.by_month:
            if area in leaf_areas():
                months.setdefault(area, set()).add(month)
        return {area: frozenset(of_area) for area, of_area in months.items()}

    def find_cell(self, lens: str, area: str, code: str) -> CountCell | None:
        """Return measures of an area and code of list `lens`; None if hidden or not delivered."""
        return self.by_lens.get(lens, {}).get((area, code))


def list_complaint_years(work: Work) -> dict[int, int]:
    """Return year -> number of months delivered, newest year first."""
    work.require(Action.READ_RESULTS)
    standing = list_standing_periods(work, kind=DeliveryKind.COMPLAINTS)
    months = sorted({each.period for each in standing}, reverse=True)
    return dict(Counter(int(month[:4]) for month in months))


def read_complaint_year(
    work: Work, *, year: int, like: Sequence[str] = (), lenses: Collection[str] = LENSES
) -> ComplaintYear | None:
    """Return a year's counts by lists `lenses`, or of months as in `like`; None if not delivered.

    Args:
        like: Months of the next year, all that are delivered: only the same months are summed, so
            that the two compare, and of these nothing but the complaints accepted is given. Nothing
            is returned if one of them is missing. Both this sum and the year come from one decision
            of the gate, because what one leaves of the other can be subtracted.
        lenses: Lists whose cells are wanted, beside the totals; each is protected by itself, so
            that others need not be read.
    """
    work.require(Action.READ_RESULTS)
    current = list_standing_periods(work, kind=DeliveryKind.COMPLAINTS)
    periods = tuple(
        sorted(
            (each for each in current if each.period[:4] == str(year)), key=lambda each: each.period
        )
    )
    following = {
        f"{year}-{each.period[5:]}" for each in current if each.period[:4] == str(year + 1)
    }
    compared = tuple(each for each in periods if each.period in following)
    wanted = {f"{year}-{month[5:]}" for month in like}
    months_compared = {each.period for each in compared}
    if not periods or (wanted and not wanted == following == months_compared):
        return None
    is_split = following == months_compared < {each.period for each in periods}
    same = compared if is_split else ()
    names = [lens for lens in (*LENSES, *AGE_LENSES) if lens != TOTAL and lens in lenses]
    months, tables = _protect_year(work, periods, same, names)
    shown = {TOTAL: months.totals, **{lens: tables[lens] for lens in names}}
    is_part = bool(wanted) and is_split
    by_lens = {lens: cells.same if is_part else cells.whole for lens, cells in shown.items()}
    used = compared if wanted else periods
    of_months = {each.period for each in used}
    return ComplaintYear(
        year,
        used,
        {lens: cells for lens, cells in by_lens.items() if cells},
        {key: cell for key, cell in months.months.items() if key[1] in of_months},
    )


def read_year_before(
    work: Work, *, year: ComplaintYear, lenses: Collection[str] = LENSES
) -> ComplaintYear | None:
    """Return the year before by `lenses`: the same months, or just totals if some are missing.

    Of months that are not the same only what both years have is compared (`complaint_coverage`).
    """
    read = partial(read_complaint_year, work, year=year.year - 1)
    return read(like=year.months, lenses=lenses) or read(lenses=())


def read_years_for_wave(
    work: Work, *, wave_year: int, lenses: Collection[str] = LENSES
) -> tuple[ComplaintYear | None, ComplaintYear | None]:
    """Return the counts of a wave's year, and of the year before as `read_year_before`.

    Without any of its year the newest before it is taken, else the first after it.
    """
    years = list_complaint_years(work)
    fitting = [known for known in years if known <= wave_year]
    chosen = max(fitting, default=min(years, default=wave_year))
    year = read_complaint_year(work, year=chosen, lenses=lenses)
    return year, None if year is None else read_year_before(work, year=year, lenses=lenses)


def _protect_year(
    work: Work,
    periods: tuple[DeliveredPeriod, ...],
    same: tuple[DeliveredPeriod, ...],
    lenses: Sequence[str],
) -> tuple[GatedMonths, dict[str, GatedCounts]]:
    """Return totals by area and month, and list -> its counts, small ones hidden; `same`: compared.

    A revision never changes, and every reader who may use it sees the same: what was gated for its
    id is kept for the next reader.

    Args:
        same: Months that the page of the next year shows of this one, where these are not all.
    """
    of_same = tuple(dict.fromkeys(each.period for each in same))
    span = (tuple(each.revision_id for each in periods), of_same)
    kept = {name: _GATED_TABLES.get((span, name)) for name in (TOTAL, *lenses)}
    months = kept.pop(TOTAL)
    tables = {name: cells for name, cells in kept.items() if isinstance(cells, GatedCounts)}
    if isinstance(months, GatedMonths) and len(tables) == len(lenses):
        return months, tables
    read = partial(read_sums, work)
    total = read(lens=TOTAL, periods=periods)
    if not isinstance(months, GatedMonths):
        months = protect_months(total, span[1])
        _keep_table((span, TOTAL), months)
    for by in {COMPLAINTS.crossed[lens].by for lens in lenses if lens in AGE_LENSES}:
        of_age = [lens for lens in AGE_LENSES if COMPLAINTS.crossed[lens].by == by]
        if not tables.keys() >= {*of_age}:
            tables |= _protect_ages(work, periods, same, by, of_age)
            for lens in of_age:
                _keep_table((span, lens), tables[lens])
    for lens in lenses:
        if lens not in tables:
            frame = read(lens=lens, periods=periods, by_period=False)
            tables[lens] = GatedCounts()
            if len(frame):
                part = None
                if same:
                    of_lens = read(lens=lens, periods=same, by_period=False)
                    part = pd.concat([total[total["period"].isin(span[1])].assign(code=TOTAL),
                                      of_lens[of_lens["code"] != TOTAL]])  # fmt: skip
                tables[lens] = protect_codes(frame, total, months, part)
            _keep_table((span, lens), tables[lens])
    return months, tables


def _protect_ages(
    work: Work,
    periods: tuple[DeliveredPeriod, ...],
    same: tuple[DeliveredPeriod, ...],
    by: str,
    lenses: Sequence[str],
) -> dict[str, GatedCounts]:
    """Return list -> its counts, of those lists that cross ages with list `by`."""
    months, tables = _protect_year(work, periods, same, [by, _AGE])
    read = partial(read_sums, work, periods=periods, by_period=False)
    codes = {**months.totals.whole, **tables[by].whole}
    if not codes or not tables[_AGE].whole:
        return dict.fromkeys(lenses, GatedCounts())
    crossed = {lens: read(lens=lens) for lens in lenses}
    found = protect_ages(read(lens=by), read(lens=TOTAL), crossed, codes, tables[_AGE].whole)
    return {lens: GatedCounts(cells) for lens, cells in found.items()}


def _keep_table(key: tuple[_Span, str], cells: "GatedCounts | GatedMonths") -> None:
    with _LOCK:
        if len(_GATED_TABLES) >= _MAX_GATED_TABLES:
            del _GATED_TABLES[next(iter(_GATED_TABLES))]
        _GATED_TABLES[key] = cells


_Units = frozenset[tuple[str, str]]
"""Areas of counts with the months (of any year) that were delivered of them."""


@dataclass(frozen=True)
class CountCoverage:
    """Parts (cities, rest of provinces) of an area: delivered, not delivered, or incomplete."""

    areas: tuple[str, ...]
    missing: tuple[str, ...]
    partial: tuple[str, ...]
    """Areas that lack some of the months delivered."""


def find_coverage(year: ComplaintYear, area: str) -> CountCoverage:
    """Return which parts of an area were delivered, were not, or lack months."""
    expected = leaves_within(area)
    areas = tuple(leaf for leaf in expected if leaf in year.delivered)
    return CountCoverage(
        areas,
        tuple(leaf for leaf in expected if leaf not in year.delivered),
        tuple(leaf for leaf in areas if len(year.delivered[leaf]) < len(year.months)),
    )


def find_residents(year: ComplaintYear, area: str) -> int | None:
    """Return residents of an area's delivered parts, by their months; None for a partial city.

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
    """Complaints accepted in two years, over the areas and months that both years have."""

    now: float
    then: float
    areas: int
    months: int
    is_whole: bool
    """Whether that is all that either year has of the area."""


def compare_years(
    year: ComplaintYear, before: ComplaintYear | None, area: str
) -> CountComparison | None:
    """Return an area's complaints in two years over months and areas of both; None without any."""
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
    """Return whether both years were delivered for the same parts and months of an area."""
    return before is not None and _list_units(year, area) == _list_units(before, area)


def _list_units(year: ComplaintYear, area: str) -> _Units:
    return frozenset(
        (leaf, month[5:])
        for leaf, months in year.delivered.items()
        if is_within(leaf, area)
        for month in months
    )
