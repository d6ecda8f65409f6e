"""Complaint counts as they may be read: sums of a year behind the disclosure gate.

Counts of complaints are full counts of a system and no sample, so they have no interval. But a
count of one to nine in a small area tells who complained: such a cell, and what would let it be
computed from totals and siblings, is kept back like a cell of the survey (docs/complaints.md).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import isnan
from threading import Lock
from uuid import UUID

import numpy as np
import pandas as pd
from sqlmodel import Session

from survey.access.principal import Principal
from survey.access.roles import NATION, Action
from survey.context.areas import leaf_areas
from survey.context.complaints.storage import STORED_MEASURES, read_sums
from survey.context.complaints.summaries import LENSES, TOTAL
from survey.context.deliveries import DeliveredPeriod, list_delivered_periods
from survey.disclosure import AdditiveTotal, protect
from survey.store.tables import DeliveryKind

_MONTH, _YEAR = "month", "year"
_BY_MONTH = "by_month"
CountCells = Mapping[tuple[str, str], Mapping[str, float] | None]
"""Measures by area and code (or month); None where they are hidden, a measure missing where it was
not delivered."""
_MAX_GATED_TABLES = 48
_GATED_TABLES: dict[tuple[tuple[UUID, ...], str], CountCells] = {}
"""Gated cells by the revisions that they are made of and their lens, the oldest given up first."""
_LOCK = Lock()


@dataclass(frozen=True, eq=False)
class ComplaintYear:
    """Gated sums over some months of a year, for every area and every lens."""

    year: int
    periods: tuple[DeliveredPeriod, ...]
    """Revisions that the sums are made of."""
    by_lens: Mapping[str, CountCells]
    """Cells of each lens that was asked for and delivered."""
    by_month: CountCells

    @property
    def months(self) -> tuple[str, ...]:
        return tuple(each.period for each in self.periods)

    @property
    def is_demo(self) -> bool:
        return any(each.is_demo for each in self.periods)

    def find_cell(self, lens: str, area: str, code: str) -> Mapping[str, float] | None:
        """Return the measures of a cell; None where it is hidden or nothing was delivered."""
        return self.by_lens.get(lens, {}).get((area, code))


def list_complaint_years(*, session: Session, principal: Principal) -> dict[int, int]:
    """Return the years with deliveries, the newest first, each with its number of months."""
    principal.require(Action.READ_RESULTS)
    years: dict[int, int] = {}
    for each in _list_current_periods(session, principal):
        year = int(each.period[:4])
        years[year] = years.get(year, 0) + 1
    return dict(sorted(years.items(), reverse=True))


def read_complaint_year(
    *,
    session: Session,
    principal: Principal,
    year: int,
    like: Sequence[str] = (),
    lenses: Collection[str] = LENSES,
) -> ComplaintYear | None:
    """Return the gated sums of a year; None if nothing of it was delivered.

    Args:
        like: Months of another year: only the same months are summed, so that the two compare, and
            nothing is returned if one of them is missing.
        lenses: Lists whose cells are wanted, beside the totals; each is protected by itself, so
            that others need not be read.
    """
    principal.require(Action.READ_RESULTS)
    wanted = {f"{year}-{month[5:]}" for month in like}
    periods = tuple(
        each
        for each in reversed(_list_current_periods(session, principal))
        if each.period[:4] == str(year) and (not wanted or each.period in wanted)
    )
    if not periods or len(periods) < len(wanted):
        return None
    names = [lens for lens in LENSES if lens == TOTAL or lens in lenses]
    tables = _protect_year(session, principal, periods, (*names, _BY_MONTH))
    by_lens = {lens: tables[lens] for lens in names if tables[lens]}
    return ComplaintYear(year, periods, by_lens, tables[_BY_MONTH])


def _protect_year(
    session: Session,
    principal: Principal,
    periods: tuple[DeliveredPeriod, ...],
    names: Sequence[str],
) -> dict[str, CountCells]:
    """Return the gated cells of each lens, and those of the months by the name `_BY_MONTH`.

    A revision never changes, and every reader who may use it sees the same: what was gated for its
    id is kept for the next reader.
    """
    revisions = tuple(each.revision_id for each in periods)
    kept = {name: _GATED_TABLES.get((revisions, name)) for name in names}
    tables = {name: cells for name, cells in kept.items() if cells is not None}
    if len(tables) == len(names):
        return tables
    read = partial(read_sums, session=session, principal=principal, periods=periods)
    total = read(lens=TOTAL)
    for name in names:
        if name in tables:
            continue
        if name == _BY_MONTH:
            tables[name] = _protect_months(total)
        else:
            frame = total if name == TOTAL else read(lens=name, by_period=False)
            tables[name] = protect_sums(frame, total) if len(frame) else {}
        _keep_table((revisions, name), tables[name])
    return tables


def _keep_table(key: tuple[tuple[UUID, ...], str], cells: CountCells) -> None:
    with _LOCK:
        if len(_GATED_TABLES) >= _MAX_GATED_TABLES:
            del _GATED_TABLES[next(iter(_GATED_TABLES))]
        _GATED_TABLES[key] = cells


def _list_current_periods(session: Session, principal: Principal) -> list[DeliveredPeriod]:
    listed = list_delivered_periods(
        session=session, principal=principal, kind=DeliveryKind.COMPLAINTS
    )
    return [each for each in listed if each.is_current]


def _add_larger_areas(frame: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Return sums of cities with those of provinces and the nation below them."""
    parts = [frame]
    is_part = frame["area"].isin(_PARTS_OF_PROVINCES)
    for larger, rows in (
        (frame.loc[is_part, "area"].str[:2], frame[is_part]),
        (pd.Series(NATION, index=frame.index), frame),
    ):
        parts.append(rows.assign(area=larger))
    whole = pd.concat(parts, ignore_index=True)
    return (
        whole.groupby(["area", *keys], sort=True)[list(STORED_MEASURES)]
        .sum(min_count=1)
        .reset_index()
    )


_PROVINCES = sorted({area[:2] for area in leaf_areas() if area.endswith("xxxx")})
"""Provinces with several areas; a municipality is one area and stands below the nation."""
_PARTS_OF_PROVINCES = frozenset(area for area in leaf_areas() if area[:2] in _PROVINCES)


def _list_area_totals() -> list[AdditiveTotal]:
    municipalities = [area for area in leaf_areas() if area not in _PARTS_OF_PROVINCES]
    nation = tuple((area,) for area in (*_PROVINCES, *municipalities))
    provinces = [
        AdditiveTotal(
            ("area",), (province,), tuple((area,) for area in leaf_areas() if area[:2] == province)
        )
        for province in _PROVINCES
    ]
    return [AdditiveTotal(("area",), (NATION,), nation), *provinces]


def protect_sums(frame: pd.DataFrame, total: pd.DataFrame) -> CountCells:
    """Return the sums over all months by area and code, with the total of each area, gated."""
    by = ["area", "code"]
    # Every area of the total is there, also one without any count of this list.
    both = pd.concat([total.assign(code=TOTAL), frame.loc[frame["code"] != TOTAL]])
    sums = _add_larger_areas(both, ["code"])
    codes = sorted(set(sums["code"]) - {TOTAL})
    totals = _list_area_totals()
    if codes:
        totals.append(AdditiveTotal(("code",), (TOTAL,), tuple((code,) for code in codes)))
    return _protect_sums(sums, by, totals)


def _protect_months(total: pd.DataFrame) -> CountCells:
    months = _add_larger_areas(total, ["period"]).rename(columns={"period": _MONTH})
    year = _add_larger_areas(total.assign(period=_YEAR), ["period"])
    both = pd.concat([months, year.rename(columns={"period": _MONTH})], ignore_index=True)
    parts = tuple((month,) for month in sorted(set(months[_MONTH])))
    totals = [*_list_area_totals(), AdditiveTotal((_MONTH,), (_YEAR,), parts)]
    cells = _protect_sums(both, ["area", _MONTH], totals)
    return {key: cell for key, cell in cells.items() if key[1] != _YEAR}


def _protect_sums(sums: pd.DataFrame, by: list[str], totals: Sequence[AdditiveTotal]) -> CountCells:
    gated = protect(sums.assign(n=sums["accepted"].astype(float)), by=by, totals=totals)
    keys = zip(*(gated[name].astype(str) for name in by), strict=True)
    measures = sums[list(STORED_MEASURES)].astype("float64").to_numpy(na_value=np.nan)
    return {
        (area, code): _drop_undelivered(numbers) if shown else None
        for (area, code), shown, numbers in zip(
            keys, gated["shown"].tolist(), measures.tolist(), strict=True
        )
    }


def _drop_undelivered(numbers: Sequence[float]) -> Mapping[str, float]:
    return {
        name: number
        for name, number in zip(STORED_MEASURES, numbers, strict=True)
        if not isnan(number)
    }
