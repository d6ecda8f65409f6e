"""Checks of delivered complaint counts: codes, numbers, bounds, repeated keys, and totals."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.access.roles import NATION
from survey.context.areas import leaf_areas, total_area_of
from survey.context.code_lists import CodeListName, CodeLists
from survey.context.complaints.columns import (
    AREA,
    BOUNDS,
    CODES,
    COLUMNS,
    MAX_RECOVERED_YUAN,
    MEASURES,
    OPTIONAL_CODES,
    PERIOD,
    RECOVERED,
    RECOVERED_FEN,
    TOTAL_NAMES,
)
from survey.context.count_check import (
    NOT_GIVEN,
    CountCheck,
    ProblemList,
    add_repeated,
    parse_count,
    read_codes,
    read_numbers,
    without_separators,
)
from survey.context.delivered_columns import bind_columns
from survey.locale import Message, msg
from survey.tabular.text_table import TextTable

KEY = (PERIOD, AREA, *CODES)
_TOTAL = "*"
_FIRST_YEAR, _LAST_YEAR = 2000, 2100


@dataclass(frozen=True, eq=False)
class CheckedCounts:
    """Counts of a delivery that passed every check, one row a key, sorted by it."""

    frame: pd.DataFrame
    """Columns of `KEY` (categories) and the measures that were delivered (whole numbers)."""
    measures: tuple[str, ...]
    total_rows: int
    """Rows of totals that were compared and are not kept."""

    @property
    def periods(self) -> tuple[str, ...]:
        return tuple(sorted(self.frame[PERIOD].unique()))

    @property
    def area_sums(self) -> dict[tuple[str, str], int]:
        """Complaints accepted by area and month."""
        sums = self.frame.groupby([AREA, PERIOD], observed=True)["accepted"].sum()
        return {(str(area), str(period)): int(n) for area, period, n in sums.reset_index().values}


def check_counts(
    table: TextTable, lists: CodeLists, version: str, sha256: str
) -> CountCheck[CheckedCounts]:
    """Check a file of counts against the code lists of a version.

    Raises:
        ImportNotPossibleError: A required column is missing, or two columns mean the same.
    """
    places, ignored = bind_columns(table.header, COLUMNS)
    problems = ProblemList()
    frame = pd.DataFrame(index=pd.RangeIndex(len(table.rows)))
    for key in KEY:
        parse, allowed = _choose_parser(key, lists, version)
        frame[key] = read_codes(table, places.get(key), parse, allowed, problems)
    measures = tuple(name for name in MEASURES if name in places)
    for name in measures:
        is_money = name == RECOVERED
        frame[RECOVERED_FEN if is_money else name] = read_numbers(
            table,
            places[name],
            _parse_fen if is_money else parse_count,
            _MONEY_ALLOWED if is_money else _COUNT_ALLOWED,
            problems,
        )
    stored_measures = tuple(RECOVERED_FEN if name == RECOVERED else name for name in measures)
    if not problems.count:
        _check_bounds(frame, table.rows, stored_measures, problems)
        add_repeated(
            frame, KEY, table.rows, COLUMNS[PERIOD].names[0], _build_repetition_message, problems
        )
    counts = None
    if not problems.count:
        counts = _split_totals(frame, table.rows, stored_measures, problems)
    if problems.count:
        counts = None
    return CountCheck(
        counts, problems.first(), problems.count, len(table.rows), ignored, version, sha256
    )


_COUNT_ALLOWED = msg("allowed is a whole number from 0 on; write 0 where there was none")
_MONEY_ALLOWED = msg("allowed is a sum in yuan from 0 on, with at most two decimals")


def _build_repetition_message(first_row: int) -> Message:
    return msg(
        "the same month, area and codes stand in row {row} already; add the two up or delete one",
        row=first_row,
    )


def _choose_parser(
    key: str, lists: CodeLists, version: str
) -> tuple[Callable[[str], str | None], Message]:
    """Return what turns the text of a cell into a code, and what is allowed, in words."""
    if key == PERIOD:
        return _parse_period, msg("allowed is a month such as 2024-05")
    if key == AREA:
        return _parse_area, msg(
            "allowed are the codes of the cities of the survey, 32xxxx for the other areas of a "
            "province, and 320000 or 000000 for totals"
        )
    listed = lists.listed(CodeListName(key), version)
    codes = {each.code: each.code for each in listed}
    codes |= {each.name_zh: each.code for each in listed}
    codes |= dict.fromkeys(TOTAL_NAMES, _TOTAL)
    if key in OPTIONAL_CODES:
        codes[""] = codes[NOT_GIVEN] = NOT_GIVEN
    allowed = msg(
        "allowed in version {version} are: {names}; and {total} in a row of totals",
        version=version,
        names=", ".join(each.name_zh for each in listed),
        total=TOTAL_NAMES[0],
    )
    return lambda text: codes.get(text, codes.get(text.lower())), allowed


def _parse_period(text: str) -> str | None:
    year, _, month = text[:7].partition("-")
    # Excel makes the first day of the month of what was typed as a month.
    rest = text[7:]
    is_month = len(month) == 2 and month.isascii() and month.isdigit() and 1 <= int(month) <= 12
    is_year = len(year) == 4 and year.isascii() and year.isdigit()
    if not (is_month and is_year and rest in {"", "-01", "-01 00:00:00"}):
        return None
    return text[:7] if _FIRST_YEAR <= int(year) <= _LAST_YEAR else None


def _parse_area(text: str) -> str | None:
    larger = total_area_of(text)
    if larger is not None:
        return f"{_TOTAL}{larger}"
    return text if text in _LEAVES else None


_LEAVES = frozenset(leaf_areas())


def _parse_fen(text: str) -> int | None:
    whole, _, cents = without_separators(text).partition(".")
    if not (whole.isascii() and whole.isdigit() and len(whole) <= 16):
        return None
    if cents and not (cents.isascii() and cents.isdigit()):
        return None
    if cents[2:].strip("0"):
        return None
    yuan = int(whole)
    return yuan * 100 + int(cents[:2].ljust(2, "0")) if yuan <= MAX_RECOVERED_YUAN else None


def _check_bounds(
    frame: pd.DataFrame, rows: NDArray[np.int64], measures: Sequence[str], problems: ProblemList
) -> None:
    for smaller, larger in BOUNDS:
        if smaller not in measures or larger not in measures:
            continue
        low, high = frame[smaller].to_numpy(), frame[larger].to_numpy()
        problems.add(
            rows,
            COLUMNS[smaller].names[0],
            lambda at, low=low: str(low[at]),  # type: ignore[misc]
            lambda at, high=high, larger=larger: msg(  # type: ignore[misc]
                "cannot be more than {column}, which is {number} in this row",
                column=COLUMNS[larger].names[0],
                number=int(high[at]),
            ),
            low > high,
        )


def _split_totals(
    frame: pd.DataFrame, rows: NDArray[np.int64], measures: tuple[str, ...], problems: ProblemList
) -> CheckedCounts | None:
    """Return the rows that are no totals, after every total row was compared with their sum."""
    is_total = np.zeros(len(frame), dtype=bool)
    for key in KEY[1:]:
        labels = frame[key].cat.categories
        flags = np.array([label.startswith(_TOTAL) for label in labels], bool)
        is_total |= flags[frame[key].cat.codes.to_numpy()]
    leaves = frame.loc[~is_total]
    if leaves.empty:
        problems.add(
            rows[:1],
            COLUMNS[AREA].names[0],
            lambda _: "",
            lambda _: msg("the file has rows of totals only; counts are needed by area and code"),
            np.array([True]),
        )
        return None
    if is_total.any():
        _compare_totals(leaves, frame.loc[is_total], rows, measures, problems)
    kept = leaves.sort_values(list(KEY), ignore_index=True)
    for key in KEY:
        kept[key] = kept[key].cat.remove_unused_categories()
    return CheckedCounts(kept, measures, int(is_total.sum()))


def _compare_totals(
    leaves: pd.DataFrame,
    totals: pd.DataFrame,
    rows: NDArray[np.int64],
    measures: tuple[str, ...],
    problems: ProblemList,
) -> None:
    # The channel and age of a total may be left out as well as called a total.
    given = totals.astype(dict.fromkeys(KEY, str))
    for name in OPTIONAL_CODES:
        if not (leaves[name] == NOT_GIVEN).any():
            given[name] = given[name].replace(NOT_GIVEN, _TOTAL)
    sums_by_shape: dict[tuple[str, ...], dict[tuple[str, ...], NDArray[np.int64]]] = {}
    for place, *row in given[[*KEY, *measures]].itertuples():
        key, numbers = row[: len(KEY)], row[len(KEY) :]
        kept = tuple(_choose_grouping(name, part) for name, part in zip(KEY, key, strict=True))
        sums = sums_by_shape.get(kept)
        if sums is None:
            sums = sums_by_shape[kept] = _sum_leaves(leaves, kept, measures)
        wanted = tuple(
            part.removeprefix(_TOTAL) for name, part in zip(kept, key, strict=True) if name
        )
        actual = sums.get(wanted, np.zeros(len(measures), np.int64))
        for name, stated, summed in zip(measures, numbers, actual, strict=True):
            if stated != summed:
                _add_wrong_total(problems, int(rows[place]), name, int(stated), int(summed))


def _choose_grouping(name: str, part: str) -> str:
    """Return by what a total is grouped in one column: the code, a province, or nothing."""
    if not part.startswith(_TOTAL):
        return name
    larger = part.removeprefix(_TOTAL)
    return "province" if name == AREA and larger != NATION and larger else ""


def _sum_leaves(
    leaves: pd.DataFrame, kept: Sequence[str], measures: tuple[str, ...]
) -> dict[tuple[str, ...], NDArray[np.int64]]:
    names = [name for name in kept if name]
    frame = leaves
    if "province" in names:
        frame = leaves.assign(province=leaves[AREA].astype(str).str[:2])
    grouped = frame.groupby(names, observed=True, sort=False)[list(measures)].sum()
    keys: Iterator[object] = iter(grouped.index)
    return {
        tuple(map(str, key)) if isinstance(key, tuple) else (str(key),): values
        for key, values in zip(keys, grouped.to_numpy(np.int64), strict=True)
    }


def _add_wrong_total(problems: ProblemList, row: int, name: str, stated: int, summed: int) -> None:
    column = RECOVERED if name == RECOVERED_FEN else name
    scale = 100 if name == RECOVERED_FEN else 1
    problems.add(
        np.array([row]),
        COLUMNS[column].names[0],
        lambda _: f"{stated / scale:.10g}" if scale > 1 else str(stated),
        lambda _: msg(
            "a total: the rows that it sums up add up to {sum}",
            sum=f"{summed / scale:.2f}" if scale > 1 else summed,
        ),
        np.array([True]),
    )
