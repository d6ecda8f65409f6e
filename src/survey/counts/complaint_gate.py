"""Disclosure gate of complaint counts: decides which counts by area, code and month are shown.

Two pages show one year: its own, whole, and that of the year after, the same months of it. What is
left between them is a count like any other, so both come from one decision.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from math import isnan

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.access.roles import NATION
from survey.counts.count_declaration import TOTAL
from survey.counts.count_kinds import COMPLAINTS
from survey.disclosure import AdditiveTotal, CubeAxes, protect
from survey.frame.code_lists import leaf_areas

CountCell = Mapping[str, float | None]
"""Measures of a cell: None where one is hidden, missing where it was not delivered."""
CountCells = Mapping[tuple[str, str], CountCell | None]
"""Cells by area and code (or month); None where the complaints accepted are hidden."""
_Keys = frozenset[tuple[str, ...]]
_ACCEPTED, _SOLVED, _RECOVERED = "accepted", "solved", "recovered_fen"
_ENQUIRIES = "consultations"
_PART, _WHOLE, _SAME, _REST = "part", "whole", "same", "rest"
_MONTH, _YEAR = "month", "year"
_WHOLES: Mapping[str, tuple[str, ...]] = {
    _SOLVED: (_ACCEPTED,),
    "settled_first": (_SOLVED, _ACCEPTED),
    "mediated": (_ACCEPTED,),
    "mediation_succeeded": ("mediated", _SOLVED, _ACCEPTED),
    "fraud": (_ACCEPTED,),
    "abroad": (_ACCEPTED,),
    _ENQUIRIES: (),
}
"""Counts that stand beside a measure and hold it: what they leave of it is protected as well."""


@dataclass(frozen=True)
class GatedCounts:
    """Counts that may be shown: of a year, and of its months that the next year compares with."""

    whole: CountCells = field(default_factory=dict)
    same: CountCells = field(default_factory=dict)
    """Only the complaints accepted."""


@dataclass(frozen=True)
class GatedMonths:
    """Areas' yearly totals and months that may be shown, protected together."""

    totals: GatedCounts
    months: CountCells


def protect_months(total: pd.DataFrame, same: Collection[str]) -> GatedMonths:
    """Return areas' totals and months that may be shown, and the sums of months `same` that may.

    Args:
        total: Sums by period and area.
        same: Months that are shown as a sum of their own, beside the year; none if the whole is.
    """
    periods = {str(period) for period in total["period"]}
    spans = {_YEAR: periods}
    if same:
        spans |= {_SAME: set(same), _REST: periods - set(same)}
    parts = [
        total.loc[total["period"].isin(months)].assign(period=name)
        for name, months in spans.items()
    ]
    sums = _add_larger_areas(pd.concat([total, *parts]), ["period"])
    sums = sums.rename(columns={"period": _MONTH})
    areas, by = _list_area_totals(), ["area", _MONTH]

    def total_of(name: str, members: Collection[str]) -> AdditiveTotal:
        return AdditiveTotal((_MONTH,), (name,), tuple((each,) for each in sorted(members)))

    of_year = total_of(_YEAR, periods)
    split = [total_of(name, months) for name, months in spans.items() if name != _YEAR]
    nested = [total_of(_YEAR, (_SAME, _REST)), *split] if same else [of_year]
    accepted = _GatedRows(sums, by, [*areas, *nested]).find_shown(sums[_ACCEPTED])
    # Of the months of the year before nothing but the complaints accepted is shown.
    open_sums = sums[~sums[_MONTH].isin([_SAME, _REST])]
    open_rows = _GatedRows(open_sums, by, [*areas, of_year])
    cells = _build_cells(
        open_sums,
        by,
        accepted,
        {name: open_rows.find_shown_measure(name) for name in (_SOLVED, _ENQUIRIES)},
    )
    year = sums[sums[_MONTH] == _YEAR]
    of_year_rows = _GatedRows(year, by, areas)
    of_area = {
        name: of_year_rows.find_shown_measure(name) & shown
        for name, shown in (
            *((name, accepted) for name in _WHOLES if name not in {_SOLVED, _ENQUIRIES}),
            *((name, _keys_of_measure(cells, name)) for name in (_SOLVED, _ENQUIRIES)),
        )
    }
    totals = _build_cells(year, by, accepted, of_area)
    same_cells = _build_cells(sums[sums[_MONTH] == _SAME], by, accepted, {})
    return GatedMonths(
        GatedCounts(
            {(area, TOTAL): cell for (area, _), cell in totals.items()},
            {(area, TOTAL): cell for (area, _), cell in same_cells.items()},
        ),
        {key: cell for key, cell in cells.items() if key[1] != _YEAR},
    )


def protect_codes(
    frame: pd.DataFrame, total: pd.DataFrame, months: GatedMonths, same: pd.DataFrame | None
) -> GatedCounts:
    """Return sums by area and code that may be shown, given totals `months`, also of months `same`.

    Every list adds up to the totals, so what these show and hide is decided once, before any list:
    a total that is shown stays so, and what it tells of the codes is what the codes are protected
    against; of an area whose total is hidden no code is shown, since all of them are the total.

    Args:
        frame: Sums of the year by area and code.
        total: Sums of the year by area.
        months: Gated totals; what they hide of an area is hidden here as well.
        same: Sums by area and code of the months with which the next year is compared, with the
            totals of these; None if these are all months or none.
    """
    by = ["area", "code"]
    # Every area of the total is there, also one without any count of this list.
    both = pd.concat([total.assign(code=TOTAL), frame.loc[frame["code"] != TOTAL]])
    sums = _add_larger_areas(both, ["code"])
    codes = sorted(set(sums["code"]) - {TOTAL})
    totals = _list_area_totals()
    if codes:
        totals.append(AdditiveTotal(("code",), (TOTAL,), tuple((code,) for code in codes)))
    shown_same: _Keys = frozenset()
    open_totals = _keys_of_measure(months.totals.whole, _ACCEPTED)
    if same is None:
        rows = _GatedRows(sums, by, totals, open_totals)
        part, shown = sums.iloc[:0], rows.find_shown(sums[_ACCEPTED])
    else:
        part = _add_larger_areas(same, ["code"])
        open_same = _keys_of_measure(months.totals.same, _ACCEPTED)
        open_parts = {_WHOLE: open_totals, _SAME: open_same, _REST: open_totals & open_same}
        shown, shown_same = _protect_parts(sums, part, totals, open_parts)
    measures = {}
    for name in (_SOLVED, _ENQUIRIES):
        if sums[name].notna().any():
            open_measure = _keys_of_measure(months.totals.whole, name)
            rows = _GatedRows(sums, by, totals, open_measure)
            measures[name] = rows.find_shown_measure(name)
    whole = _build_cells(sums, by, shown, measures)
    of_months = _build_cells(part, by, shown_same, {})
    return GatedCounts(
        {key: months.totals.whole.get(key) if key[1] == TOTAL else cell
         for key, cell in whole.items()},
        {key: months.totals.same.get(key) if key[1] == TOTAL else cell
         for key, cell in of_months.items()},
    )  # fmt: skip


def _protect_parts(
    sums: pd.DataFrame,
    same: pd.DataFrame,
    totals: Sequence[AdditiveTotal],
    open_totals: Mapping[str, _Keys],
) -> tuple[_Keys, _Keys]:
    """Return keys (area, code) that may be shown: of year (`sums`), of compared months (`same`).

    What the same months leave of the year is a part that nobody prints and anybody can subtract.

    Args:
        open_totals: totals that are shown, by part.
    """
    by = ["area", "code"]
    whole, part = (rows.set_index(by)[_ACCEPTED].astype("float64") for rows in (sums, same))
    parts = {_WHOLE: whole, _SAME: part.reindex(whole.index, fill_value=0.0)}
    parts[_REST] = parts[_WHOLE] - parts[_SAME]
    table = pd.concat([counts.reset_index().assign(**{_PART: name})
                       for name, counts in parts.items()], ignore_index=True)  # fmt: skip
    split = AdditiveTotal((_PART,), (_WHOLE,), ((_SAME,), (_REST,)))
    keys = [(*key, name) for name, open_keys in open_totals.items() for key in open_keys]
    rows = _GatedRows(table, [*by, _PART], [*totals, split], frozenset(keys))
    shown = rows.find_shown(table[_ACCEPTED])
    in_part = {
        wanted: frozenset((area, code) for area, code, name in shown if name == wanted)
        for wanted in (_WHOLE, _SAME)
    }
    return in_part[_WHOLE], in_part[_SAME]


def protect_ages(
    frame: pd.DataFrame,
    total: pd.DataFrame,
    crossed: Mapping[str, pd.DataFrame],
    codes: CountCells,
    ages: CountCells,
) -> dict[str, CountCells]:
    """Return, by lens, the counts of older people and of minors by area and code that may be shown.

    Those of all ages (`codes`) and the sums by age (`ages`) are on the same page, decided before.
    What each group leaves of all ages, and what both leave, is gated like the group itself; a
    count is shown where all of these are, so that no sum of what is shown is a small count of them.

    Args:
        frame: Sums of all ages by area and code.
        total: Sums by area.
        crossed: Lens (all of one code list) -> its sums by area and code.
    """
    by = ["area", "code"]

    def add_up(rows: pd.DataFrame, of_area: pd.DataFrame) -> pd.DataFrame:
        both = pd.concat([of_area.assign(code=TOTAL), rows.loc[rows["code"] != TOTAL]])
        return _add_larger_areas(both, ["code"])

    sums = add_up(frame, total)
    index = pd.MultiIndex.from_frame(sums[by])
    whole = sums[_ACCEPTED].astype("float64")
    counts = {
        lens: add_up(rows, rows).set_index(by)[_ACCEPTED].astype("float64").reindex(index).fillna(0)
        for lens, rows in crossed.items()
    }
    others = whole - sum(each.to_numpy() for each in counts.values())
    names = sorted(set(sums["code"]) - {TOTAL})
    totals = [*_list_area_totals(), AdditiveTotal(("code",), (TOTAL,), tuple((n,) for n in names))]
    keys, open_codes = _list_keys(sums, by), _keys_of_measure(codes, _ACCEPTED)
    cells: dict[str, CountCells] = {}
    for lens, n in counts.items():
        age = COMPLAINTS.crossed[lens].code
        open_ages = {area for area, code in _keys_of_measure(ages, _ACCEPTED) if code == age}
        rows = _GatedRows(sums, by, totals, frozenset((area, TOTAL) for area in open_ages))
        shown = open_codes | {(area, TOTAL) for area in open_ages}
        for each in (n, whole - n.to_numpy(), others):
            shown &= rows.find_shown(each)
        cells[lens] = {
            (area, code): {_ACCEPTED: count} if (area, code) in shown else None
            for (area, code), count in zip(keys, n.tolist(), strict=True)
            if (area, age) in ages
        }
    return cells


def protect_amounts(
    sums: pd.DataFrame, codes: CountCells
) -> dict[tuple[str, str], dict[str, float | None]]:
    """Return the numbers of complaints with an amount that may be shown, by area and code.

    They are parts of the complaints accepted, and those with something recovered of them; each is
    protected with what it leaves, the totals before any code, as measures of complaints are.

    Args:
        sums: Sums of the smallest areas by code, with the totals of these.
        codes: Complaints accepted, which were decided before.
    """
    by = ["area", "code"]
    names = [name for name in sums.columns if name not in by]
    whole = _add_larger_areas(sums, ["code"], names)
    # Where every complaint has an amount, there is none without to protect.
    is_complete = bool((whole[_ACCEPTED].astype("float64") == whole[names[1]]).all())
    of_codes = tuple((code,) for code in sorted({*whole["code"]} - {TOTAL}))
    areas, of_all = _list_area_totals(), AdditiveTotal(("code",), (TOTAL,), of_codes)
    of_area = _GatedRows(whole[whole["code"] == TOTAL].reset_index(drop=True), by, areas)
    open_codes = _keys_of_measure(codes, _ACCEPTED)
    cells: dict[tuple[str, str], dict[str, float | None]] = {}
    keys = _list_keys(whole, by)
    for number, name in enumerate(names[1:], start=1):
        wholes = names[int(is_complete) : number]
        open_totals = of_area.find_shown_measure(name, wholes) & open_codes
        rows = _GatedRows(whole, by, [*areas, of_all], open_totals)
        shown = rows.find_shown_measure(name, wholes) & open_codes
        for (area, code), n in zip(keys, whole[name].tolist(), strict=True):
            is_nested = number == 1 or (area, code) in cells
            if (area, code) in shown and is_nested:
                cells.setdefault((area, code), {})[name] = float(n)
    return cells


class _GatedRows:
    """Rows of sums of complaints, to find which of their counts may be shown.

    Args:
        open_totals: keys of the totals over all codes that are shown, where that was decided
            before; where a total is hidden, so are its codes.
    """

    def __init__(
        self,
        sums: pd.DataFrame,
        by: list[str],
        totals: Sequence[AdditiveTotal],
        open_totals: _Keys | None = None,
    ) -> None:
        self._sums, self._by, self._totals = sums, by, totals
        self._keys = _list_keys(sums, by)
        self._axes = CubeAxes(sums, by, totals) if len(sums) else None
        self._is_open: NDArray[np.bool_] | None = None
        self._kept: NDArray[np.bool_] | None = None
        if open_totals is not None:
            of_totals = sums[by].assign(code=TOTAL).itertuples(index=False, name=None)
            self._is_open = np.fromiter((key in open_totals for key in of_totals), bool, len(sums))
            self._kept = self._is_open & (sums["code"] == TOTAL).to_numpy()

    def find_shown_measure(self, name: str, wholes: Sequence[str] | None = None) -> _Keys:
        """Return keys of cells where measure `name`, and each whole minus it, may be shown.

        Each of these counts is gated by itself. A cell is shown where all are: then no sum of what
        is shown is a small count of any of them (docs/complaints.md).
        """
        sums = self._sums
        measure = sums[name].astype("float64").fillna(0.0)
        shown = self.find_shown(measure)
        for whole in _WHOLES[name] if wholes is None else wholes:
            if sums[whole].isna().all():
                continue  # not delivered: there is nothing to subtract from
            rest = sums[whole].astype("float64").fillna(0.0) - measure
            if (rest < 0).any():
                return frozenset()  # months without the whole: neither is a base of the other
            shown &= self.find_shown(rest)
        return shown

    def find_shown(self, counts: pd.Series) -> _Keys:
        """Return the keys of the rows whose count in `counts` may be shown."""
        table = self._sums[self._by].assign(n=counts.astype("float64").to_numpy())
        decided = []
        if self._is_open is not None:
            decided = ["n_of_total"]
            table["n_of_total"] = np.where(self._is_open, np.inf, 0.0)
        gated = protect(
            table, by=self._by, totals=self._totals, counts=decided, kept=self._kept,
            axes=self._axes,
        )  # fmt: skip
        return frozenset(compress(self._keys, gated["shown"].to_numpy(dtype=bool)))


def _build_cells(
    sums: pd.DataFrame, by: list[str], shown: _Keys, measures: Mapping[str, _Keys]
) -> CountCells:
    """Return key (columns `by`) -> its `measures` that may be shown; None for a key not in `shown`.

    Money is recovered in complaints that were solved; it is shown where their number is.
    """
    names = [name for name in COMPLAINTS.stored_measures if name in measures]
    if set(_WHOLES) <= set(measures):
        names.append(_RECOVERED)
        measures = {**measures, _RECOVERED: measures[_SOLVED]}
    keys = _list_keys(sums, by)
    columns = {name: sums[name].astype("float64").tolist() for name in (_ACCEPTED, *names)}
    cells: dict[tuple[str, str], CountCell | None] = {}
    for number, (area, other) in enumerate(keys):
        key = area, other
        cell = {
            name: counts[number] if name == _ACCEPTED or key in measures[name] else None
            for name, counts in columns.items()
            if not isnan(counts[number])
        }
        cells[key] = cell if key in shown else None
    return cells


def _list_keys(rows: pd.DataFrame, by: list[str]) -> list[tuple[str, ...]]:
    """Return the values of the columns `by` of each row, as a tuple of texts."""
    return list(zip(*(rows[name].astype(str).tolist() for name in by), strict=True))


def _keys_of_measure(cells: CountCells, name: str) -> _Keys:
    return frozenset(
        key for key, cell in cells.items() if cell is not None and cell.get(name) is not None
    )


def _add_larger_areas(
    frame: pd.DataFrame, keys: Sequence[str], measures: Sequence[str] = COMPLAINTS.stored_measures
) -> pd.DataFrame:
    """Return sums by area and `keys`, those of provinces and the nation added to the cities'."""
    parts = [frame]
    is_part = frame["area"].isin(_PARTS_OF_PROVINCES)
    for larger, rows in (
        (frame.loc[is_part, "area"].str[:2], frame[is_part]),
        (pd.Series(NATION, index=frame.index), frame),
    ):
        parts.append(rows.assign(area=larger))
    whole = pd.concat(parts, ignore_index=True)
    return whole.groupby(["area", *keys], sort=True)[[*measures]].sum(min_count=1).reset_index()


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
