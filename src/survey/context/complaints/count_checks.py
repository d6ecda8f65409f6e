"""Checks of delivered complaint counts: codes, numbers, bounds, repeated keys, and totals.

Every problem names its row, its column, what stands there, and what is allowed. Checks look at
each distinct text once and at numbers column by column, so a million rows take seconds.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.access.roles import NATION
from survey.context.complaints.areas import leaf_areas, total_area_of
from survey.context.complaints.code_lists import NOT_GIVEN, CodeListName, CodeLists
from survey.context.complaints.columns import (
    AREA,
    BOUNDS,
    CODES,
    COLUMNS,
    MAX_COUNT,
    MAX_RECOVERED_YUAN,
    MEASURES,
    OPTIONAL_CODES,
    PERIOD,
    RECOVERED,
    RECOVERED_FEN,
    TOTAL_NAMES,
    key_of_column,
)
from survey.context.complaints.count_reader import TextTable
from survey.fieldwork.importing.rejections import ImportNotPossibleError, RowRejection
from survey.locale import Message, msg

MAX_PROBLEMS = 200
"""Problems that are listed; all of them are counted."""
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


@dataclass(frozen=True, eq=False)
class CountCheck:
    """Result of the checks: the counts, or what stands against them."""

    counts: CheckedCounts | None
    problems: tuple[RowRejection, ...]
    """The first problems in the order of rows, at most `MAX_PROBLEMS`."""
    problem_count: int
    row_count: int
    ignored_columns: tuple[str, ...]


class _ProblemList:
    """Problems found so far; only the first ones are kept."""

    def __init__(self) -> None:
        self.count = 0
        self.kept: list[RowRejection] = []

    def add(
        self,
        rows: NDArray[np.int64],
        column: str,
        values: Callable[[int], str],
        message: Callable[[int], Message],
        bad: NDArray[np.bool_],
    ) -> None:
        """Add one problem for each row where `bad` is true."""
        places = np.flatnonzero(bad)
        self.count += len(places)
        for place in places[:MAX_PROBLEMS]:
            at = int(place)
            self.kept.append(RowRejection.of(int(rows[at]), column, values(at), message(at)))

    def first(self) -> tuple[RowRejection, ...]:
        return tuple(sorted(self.kept, key=lambda each: each.row)[:MAX_PROBLEMS])


def check_counts(table: TextTable, lists: CodeLists, version: str) -> CountCheck:
    """Check a file of counts against the code lists of a version.

    Raises:
        ImportNotPossibleError: A required column is missing, or two columns mean the same.
    """
    places, ignored = _bind_columns(table.header)
    problems = _ProblemList()
    frame = pd.DataFrame(index=pd.RangeIndex(len(table.rows)))
    for key in KEY:
        frame[key] = _read_codes(table, places, key, lists, version, problems)
    measures = tuple(name for name in MEASURES if name in places)
    for name in measures:
        stored = RECOVERED_FEN if name == RECOVERED else name
        frame[stored] = _read_numbers(table, places[name], name, problems)
    stored_measures = tuple(RECOVERED_FEN if name == RECOVERED else name for name in measures)
    if not problems.count:
        _check_bounds(frame, table.rows, stored_measures, problems)
        _check_repeated(frame, table.rows, problems)
    counts = None
    if not problems.count:
        counts = _split_totals(frame, table.rows, stored_measures, problems)
    if problems.count:
        counts = None
    return CountCheck(counts, problems.first(), problems.count, len(table.rows), ignored)


def _bind_columns(header: Sequence[str]) -> tuple[dict[str, int], tuple[str, ...]]:
    places: dict[str, int] = {}
    ignored = []
    for number, head in enumerate(header):
        key = key_of_column(head)
        if key is None:
            ignored.append(head)
        elif key in places:
            raise ImportNotPossibleError(
                msg("Two columns are called {name}. Please keep one of them.", name=head)
            )
        else:
            places[key] = number
    missing = [
        column.names[0] for key, column in COLUMNS.items() if column.required and key not in places
    ]
    if missing:
        raise ImportNotPossibleError(
            msg(
                "The file has no column {missing}. Required are: {required}.",
                missing=", ".join(missing),
                required=", ".join(each.names[0] for each in COLUMNS.values() if each.required),
            )
        )
    return places, tuple(each for each in ignored if each)


def _read_codes(
    table: TextTable,
    places: Mapping[str, int],
    key: str,
    lists: CodeLists,
    version: str,
    problems: _ProblemList,
) -> "pd.Categorical[str]":
    """Return a column of the key as categories; texts that are no code are problems."""
    size = len(table.rows)
    if key not in places:
        return _categories(np.zeros(size, np.int32), [NOT_GIVEN])
    column = table.columns[places[key]]
    texts = [text.strip() for text in column.dictionary.to_pylist()]
    indices = column.indices.to_numpy(zero_copy_only=False)
    parse, allowed = _parser(key, lists, version)
    codes = [parse(text) for text in texts]
    is_bad = np.array([code is None for code in codes], bool)[indices]
    head = table.header[places[key]]
    problems.add(table.rows, head, lambda at: texts[indices[at]], lambda _: allowed, is_bad)
    labels = sorted({code for code in codes if code is not None}) or [NOT_GIVEN]
    position = {code: number for number, code in enumerate(labels)}
    numbers = np.array([position.get(code or "", 0) for code in codes], np.int32)[indices]
    return _categories(numbers, labels)


def _categories(numbers: NDArray[np.int32], labels: Sequence[str]) -> "pd.Categorical[str]":
    return pd.Categorical.from_codes(numbers, pd.Index(list(labels)))


def _parser(
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


def _read_numbers(
    table: TextTable, place: int, name: str, problems: _ProblemList
) -> NDArray[np.int64]:
    column = table.columns[place]
    texts = [text.strip() for text in column.dictionary.to_pylist()]
    indices = column.indices.to_numpy(zero_copy_only=False)
    parse = _parse_fen if name == RECOVERED else _parse_count
    numbers = [parse(text) for text in texts]
    is_bad = np.array([number is None for number in numbers], bool)[indices]
    allowed = (
        msg("allowed is a sum in yuan from 0 on, with at most two decimals")
        if name == RECOVERED
        else msg("allowed is a whole number from 0 on; write 0 where there was none")
    )
    problems.add(
        table.rows, table.header[place], lambda at: texts[indices[at]], lambda _: allowed, is_bad
    )
    parsed: NDArray[np.int64] = np.array([number or 0 for number in numbers], np.int64)[indices]
    return parsed


def _plain(text: str) -> str:
    """Return a number without the commas that spreadsheets put between thousands."""
    head, *groups = text.split(",")
    is_grouped = groups and 1 <= len(head) <= 3 and all(len(g.split(".")[0]) == 3 for g in groups)
    return text.replace(",", "") if is_grouped else text


def _parse_count(text: str) -> int | None:
    plain = _plain(text)
    if not (plain.isascii() and plain.isdigit() and len(plain) <= 12):
        return None
    number = int(plain)
    return number if number <= MAX_COUNT else None


def _parse_fen(text: str) -> int | None:
    whole, _, cents = _plain(text).partition(".")
    if not (whole.isascii() and whole.isdigit() and len(whole) <= 16):
        return None
    if cents and not (cents.isascii() and cents.isdigit()):
        return None
    if cents[2:].strip("0"):
        return None
    yuan = int(whole)
    return yuan * 100 + int(cents[:2].ljust(2, "0")) if yuan <= MAX_RECOVERED_YUAN else None


def _check_bounds(
    frame: pd.DataFrame, rows: NDArray[np.int64], measures: Sequence[str], problems: _ProblemList
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


def _check_repeated(frame: pd.DataFrame, rows: NDArray[np.int64], problems: _ProblemList) -> None:
    is_repeated = frame.duplicated(list(KEY)).to_numpy()
    if not is_repeated.any():
        return
    repeated = frame.loc[is_repeated, list(KEY)].astype(str)
    first_rows = _first_rows(frame, rows, repeated)
    texts = {place: " ".join(row) for place, *row in repeated.itertuples()}
    problems.add(
        rows,
        COLUMNS[PERIOD].names[0],
        lambda at: texts[at],
        lambda at: msg(
            "the same month, area and codes stand in row {row} already; add the two up or delete "
            "one",
            row=first_rows.get(texts[at], 0),
        ),
        is_repeated,
    )


def _first_rows(
    frame: pd.DataFrame, rows: NDArray[np.int64], repeated: pd.DataFrame
) -> dict[str, int]:
    wanted = {" ".join(row) for row in repeated.head(MAX_PROBLEMS).itertuples(index=False)}
    firsts = frame.loc[~frame.duplicated(list(KEY)).to_numpy(), list(KEY)]
    keep = firsts[AREA].isin(repeated[AREA].head(MAX_PROBLEMS))
    found: dict[str, int] = {}
    for place, *row in firsts.loc[keep].astype(str).itertuples():
        text = " ".join(row)
        if text in wanted:
            found.setdefault(text, int(rows[place]))
    return found


def _split_totals(
    frame: pd.DataFrame, rows: NDArray[np.int64], measures: tuple[str, ...], problems: _ProblemList
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
    problems: _ProblemList,
) -> None:
    # The channel and age of a total may be left out as well as called a total.
    given = totals.astype(dict.fromkeys(KEY, str))
    for name in OPTIONAL_CODES:
        if not (leaves[name] == NOT_GIVEN).any():
            given[name] = given[name].replace(NOT_GIVEN, _TOTAL)
    sums_by_shape: dict[tuple[str, ...], dict[tuple[str, ...], NDArray[np.int64]]] = {}
    for place, *row in given[[*KEY, *measures]].itertuples():
        key, numbers = row[: len(KEY)], row[len(KEY) :]
        kept = tuple(_group_name(name, part) for name, part in zip(KEY, key, strict=True))
        sums = sums_by_shape.get(kept)
        if sums is None:
            sums = sums_by_shape[kept] = _sums(leaves, kept, measures)
        wanted = tuple(
            part.removeprefix(_TOTAL) for name, part in zip(kept, key, strict=True) if name
        )
        actual = sums.get(wanted, np.zeros(len(measures), np.int64))
        for name, stated, summed in zip(measures, numbers, actual, strict=True):
            if stated != summed:
                _add_wrong_total(problems, int(rows[place]), name, int(stated), int(summed))


def _group_name(name: str, part: str) -> str:
    """Return by what a total is grouped in one column: the code, a province, or nothing."""
    if not part.startswith(_TOTAL):
        return name
    larger = part.removeprefix(_TOTAL)
    return "province" if name == AREA and larger != NATION and larger else ""


def _sums(
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


def _add_wrong_total(problems: _ProblemList, row: int, name: str, stated: int, summed: int) -> None:
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
