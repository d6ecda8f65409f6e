"""Check of delivered counts of any kind: codes, numbers, bounds, repeated keys, totals, parts.

Every problem names its row, its column, what stands there, and what is allowed. Checks look at
each distinct text once, so a million rows take seconds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.access.roles import NATION
from survey.collection.importing.rejections import RowRejection
from survey.counts.count_declaration import (
    AREA,
    NOT_GIVEN,
    TOTAL_MARK,
    CheckedCounts,
    CountKind,
    PartOfWhole,
)
from survey.frame.code_lists import CodeListName, CodeLists, shipped_code_lists
from survey.locale import Message, SurveyError, msg
from survey.locale.figures import format_score
from survey.tabular.text_table import TextTable

MAX_PROBLEMS = 200
"""Problems that are listed; all of them are counted."""
MAX_COUNT = 2_000_000_000
MAX_YUAN = 10_000_000_000_000
_COUNT_ALLOWED = msg("allowed is a whole number from 0 on; write 0 where there was none")
_MONEY_ALLOWED = msg("allowed is a sum in yuan from 0 on, with at most two decimals")
_Value = TypeVar("_Value", str, int)
_Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class CountCheck:
    """Result of the checks of one file: the counts, or what stands against them."""

    kind: CountKind
    counts: CheckedCounts | None
    problems: tuple[RowRejection, ...]
    """The first problems in the order of rows, at most `MAX_PROBLEMS`."""
    problem_count: int
    row_count: int
    ignored_columns: tuple[str, ...]
    version: str
    """Version of the code lists by which it was checked."""
    sha256: str
    """Hash of what was delivered."""

    def require_counts(self) -> CheckedCounts:
        """Return the counts. Raises `CountsRejectedError` if rows have problems."""
        if self.counts is None:
            raise CountsRejectedError(self)
        return self.counts


class CountsRejectedError(SurveyError):
    """Raised when counts have problems in their rows; nothing was stored."""

    code = "counts_rejected"

    def __init__(self, check: CountCheck) -> None:
        super().__init__(
            msg(
                "{count} problems in {rows} rows. Nothing was stored.",
                count=check.problem_count,
                rows=check.row_count,
            )
        )
        self.check = check


class _ProblemList:
    """Problems found so far, by column; only the first ones are kept."""

    def __init__(self, kind: CountKind) -> None:
        self._columns = kind.columns
        self.count = 0
        self._kept: list[RowRejection] = []

    def add(
        self,
        rows: _Rows,
        column: str,
        values: Callable[[int], str],
        message: Callable[[int], Message],
        bad: NDArray[np.bool_],
        head: str = "",
    ) -> None:
        """Add one problem for each row where `bad` is true.

        Args:
            head: Name of the column in the file; the usual one unless given.
        """
        places = np.flatnonzero(bad)
        self.count += len(places)
        name = head or self._columns[column].names[0]
        for at in map(int, places[:MAX_PROBLEMS]):
            self._kept.append(RowRejection.of(int(rows[at]), name, values(at), message(at)))

    def first(self) -> tuple[RowRejection, ...]:
        """Return the first problems in the order of rows."""
        return tuple(sorted(self._kept, key=lambda each: each.row)[:MAX_PROBLEMS])


def check_counts(
    kind: CountKind,
    table: TextTable,
    *,
    sha256: str,
    version: str = "",
    lists: CodeLists | None = None,
) -> CountCheck:
    """Check a table of counts against the code lists of a version, the newest if empty.

    Raises:
        NotFoundError: There is no such version.
        ImportNotPossibleError: A required column is missing, or two columns mean the same.
    """
    lists = lists or shipped_code_lists()
    version = version or lists.newest
    lists.require_version(version)
    places, ignored = kind.bind_columns(table.header)
    problems = _ProblemList(kind)
    frame = pd.DataFrame(index=pd.RangeIndex(len(table.rows)))
    for key in kind.keys:
        frame[key] = _read_codes(kind, key, table, places.get(key), lists, version, problems)
    for name in kind.measures:
        if name in places:
            is_money = name in kind.money
            parse = _parse_fen if is_money else _parse_count
            allowed = _MONEY_ALLOWED if is_money else _COUNT_ALLOWED
            numbers, indices = _parse_cells(table, name, places[name], parse, allowed, problems)
            whole = np.array([number or 0 for number in numbers], np.int64)
            frame[kind.stored_name(name)] = whole[indices]
    measures = tuple(name for name in kind.stored_measures if name in frame)
    if not problems.count:
        _check_bounds(kind, frame, table.rows, problems)
        _check_repeated(kind, frame, table.rows, problems)
    counts = None
    if not problems.count:
        if kind.complete:
            _check_complete(kind, frame, table.rows, lists, version, problems)
        for part in kind.parts:
            _check_parts(kind, part, frame, table.rows, problems)
    if not problems.count:
        counts = _split_totals(kind, frame, table.rows, measures, problems)
    if problems.count:
        counts = None
    return CountCheck(
        kind, counts, problems.first(), problems.count, len(table.rows), ignored, version, sha256
    )


def _parse_cells(
    table: TextTable,
    column: str,
    place: int,
    parse: Callable[[str], _Value | None],
    allowed: Message,
    problems: _ProblemList,
) -> tuple[list[_Value | None], NDArray[np.int32]]:
    """Return what each distinct text of a column means, and which of them each row has.

    Texts that `parse` does not know are problems.
    """
    cells = table.columns[place]
    texts = [text.strip() for text in cells.dictionary.to_pylist()]
    indices = cells.indices.to_numpy(zero_copy_only=False)
    values = [parse(text) for text in texts]
    is_bad = np.array([value is None for value in values], bool)[indices]
    problems.add(table.rows, column, lambda at: texts[indices[at]], lambda _: allowed, is_bad,
                 table.header[place])  # fmt: skip
    return values, indices


def _read_codes(
    kind: CountKind,
    column: str,
    table: TextTable,
    place: int | None,
    lists: CodeLists,
    version: str,
    problems: _ProblemList,
) -> "pd.Categorical[str]":
    """Return a column of the key as categories in the order of their codes."""
    if place is None:
        none = np.zeros(len(table.rows), np.int32)
        return pd.Categorical.from_codes(none, pd.Index([kind.missing_code(column)]))
    parse, allowed = _choose_parser(kind, column, lists, version)
    codes, indices = _parse_cells(table, column, place, parse, allowed, problems)
    labels = sorted({code for code in codes if code is not None}) or [NOT_GIVEN]
    position = {code: number for number, code in enumerate(labels)}
    numbers = np.array([position.get(code or "", 0) for code in codes], np.int32)[indices]
    return pd.Categorical.from_codes(numbers, pd.Index(labels))


def _choose_parser(
    kind: CountKind, column: str, lists: CodeLists, version: str
) -> tuple[Callable[[str], str | None], Message]:
    """Return what turns the text of a cell into a code, and what is allowed, in words."""
    key = kind.keys[column]
    if not isinstance(key, CodeListName):
        return key.parse, key.allowed
    listed = lists.listed(key, version)
    codes = {each.code: each.code for each in listed} | {each.name_zh: each.code for each in listed}
    codes |= dict.fromkeys(kind.total_names, TOTAL_MARK)
    if not kind.columns[column].required:
        codes[""] = codes[NOT_GIVEN] = NOT_GIVEN
    names = ", ".join(each.name_zh for each in listed)
    allowed = msg("allowed in version {version} are: {names}", version=version, names=names)
    if kind.total_names:
        allowed = msg(
            "allowed in version {version} are: {names}; and {total} in a row of totals",
            version=version,
            names=names,
            total=kind.total_names[0],
        )
    return lambda text: codes.get(text, codes.get(text.lower())), allowed


def _without_separators(text: str) -> str:
    """Return a number without the commas that spreadsheets put between thousands."""
    head, *groups = text.split(",")
    is_grouped = groups and 1 <= len(head) <= 3 and all(len(g.split(".")[0]) == 3 for g in groups)
    return text.replace(",", "") if is_grouped else text


def _parse_count(text: str) -> int | None:
    """Return a whole number from 0 to `MAX_COUNT`; None for another text."""
    plain = _without_separators(text)
    if not (plain.isascii() and plain.isdigit() and len(plain) <= 12):
        return None
    number = int(plain)
    return number if number <= MAX_COUNT else None


def _parse_fen(text: str) -> int | None:
    whole, _, cents = _without_separators(text).partition(".")
    if not (whole.isascii() and whole.isdigit() and len(whole) <= 16):
        return None
    if cents and not (cents.isascii() and cents.isdigit()):
        return None
    if cents[2:].strip("0"):
        return None
    yuan = int(whole)
    return yuan * 100 + int(cents[:2].ljust(2, "0")) if yuan <= MAX_YUAN else None


def _check_bounds(
    kind: CountKind, frame: pd.DataFrame, rows: _Rows, problems: _ProblemList
) -> None:
    for smaller, larger in kind.bounds:
        if smaller not in frame or larger not in frame:
            continue
        low, high = frame[smaller].to_numpy(), frame[larger].to_numpy()
        problems.add(
            rows,
            smaller,
            lambda at, low=low: str(low[at]),  # type: ignore[misc]
            lambda at, high=high, larger=larger: msg(  # type: ignore[misc]
                "cannot be more than {column}, which is {number} in this row",
                column=kind.columns[larger].names[0],
                number=int(high[at]),
            ),
            low > high,
        )


def _check_repeated(
    kind: CountKind, frame: pd.DataFrame, rows: _Rows, problems: _ProblemList
) -> None:
    """Add a problem for each row whose key stands in an earlier row."""
    names = list(kind.keys)
    is_repeated = frame.duplicated(names).to_numpy()
    if not is_repeated.any():
        return
    repeated = frame.loc[is_repeated, names]
    texts = {place: " ".join(row) for place, *row in repeated.astype(str).itertuples()}
    # Texts are made of the few rows that may be meant: of a million they would take a gigabyte.
    is_candidate = ~is_repeated
    for name in names:
        wanted = repeated[name].head(MAX_PROBLEMS).unique()
        is_candidate = is_candidate & frame[name].isin(wanted).to_numpy()
    candidates = frame.loc[is_candidate, names].astype(str)
    first_rows = {" ".join(row): int(rows[place]) for place, *row in candidates.itertuples()}
    problems.add(
        rows,
        kind.when,
        lambda at: texts[at],
        lambda at: kind.repeated(first_rows.get(texts[at], 0)),
        is_repeated,
    )


def _find_wholes(kind: CountKind, frame: pd.DataFrame, column: str) -> "pd.Series[bool]":
    return frame[column] == kind.missing_code(column)


def _check_complete(
    kind: CountKind,
    frame: pd.DataFrame,
    rows: _Rows,
    lists: CodeLists,
    version: str,
    problems: _ProblemList,
) -> None:
    """Require every code of every day for the whole: a share needs all its parts."""
    is_whole = np.logical_and.reduce([_find_wholes(kind, frame, p.column) for p in kind.parts])
    listed = lists.listed(kind.codes[kind.complete], version)
    days = frame[kind.when].astype(object).to_numpy()
    delivered = set(zip(days[is_whole], frame.loc[is_whole, kind.complete], strict=True))
    names = {
        day: [each.name_zh for each in listed if (day, each.code) not in delivered]
        for day in {*days}
    }
    is_first = ~frame.duplicated([kind.when]).to_numpy()
    problems.add(
        rows,
        kind.complete,
        lambda at: str(days[at]),
        lambda at: msg(
            "for this day the counts of the whole nation are missing for: {names}; write 0 where "
            "there was none",
            names=", ".join(names[days[at]]),
        ),
        is_first & np.array([bool(names[day]) for day in days], bool),
    )


def _check_parts(
    kind: CountKind, part: PartOfWhole, frame: pd.DataFrame, rows: _Rows, problems: _ProblemList
) -> None:
    """Add a problem at the first row of every part that is larger than its whole."""
    is_whole = _find_wholes(kind, frame, part.column)
    is_compared = _find_wholes(kind, frame, part.outside) if part.outside else True
    parts, wholes = frame[~is_whole & is_compared], frame[is_whole & is_compared]
    if parts.empty:
        return
    shared, keys, measure = [*part.shared], [*part.shared, *part.own], kind.measures[0]
    summed = parts.groupby(keys, sort=False, observed=True)[measure].sum().reset_index()
    known = wholes.groupby(shared, sort=False, observed=True)[measure].sum().rename("whole")
    joined = summed.merge(known.reset_index(), how="left", on=shared)
    wrong = joined.loc[joined[measure] > joined["whole"].fillna(0), keys]
    first = parts[~parts.duplicated(keys)].reset_index(names="place")
    at_fault = first.merge(wrong, on=keys)["place"]
    numbers = frame[measure].to_numpy()
    problems.add(
        rows,
        measure,
        lambda at: str(numbers[at]),
        lambda _: part.too_many,
        frame.index.isin(at_fault),
    )


def _split_totals(
    kind: CountKind,
    frame: pd.DataFrame,
    rows: _Rows,
    measures: tuple[str, ...],
    problems: _ProblemList,
) -> CheckedCounts | None:
    """Return the rows that are no totals, after every total row was compared with their sum."""
    keys = list(kind.keys)
    is_total = np.zeros(len(frame), dtype=bool)
    for key in keys:
        labels = frame[key].cat.categories
        flags = np.array([label.startswith(TOTAL_MARK) for label in labels], bool)
        is_total |= flags[frame[key].cat.codes.to_numpy()] & bool(kind.total_names)
    leaves = frame.loc[~is_total]
    if leaves.empty:
        problems.add(
            rows[:1],
            AREA,
            lambda _: "",
            lambda _: msg("the file has rows of totals only; counts are needed by area and code"),
            np.array([True]),
        )
        return None
    if is_total.any():
        _compare_totals(kind, leaves, frame.loc[is_total], rows, measures, problems)
    kept = leaves.sort_values(keys, ignore_index=True)
    for key in keys:
        kept[key] = kept[key].cat.remove_unused_categories()
    return CheckedCounts(kind, kept, measures, int(is_total.sum()))


def _compare_totals(
    kind: CountKind,
    leaves: pd.DataFrame,
    totals: pd.DataFrame,
    rows: _Rows,
    measures: tuple[str, ...],
    problems: _ProblemList,
) -> None:
    # The optional codes of a total may be left out as well as called a total.
    given = totals.astype(dict.fromkeys(kind.keys, str))
    for name in kind.codes:
        if not kind.columns[name].required and not (leaves[name] == NOT_GIVEN).any():
            given[name] = given[name].replace(NOT_GIVEN, TOTAL_MARK)
    names = [name for name in kind.measures if kind.stored_name(name) in measures]
    sums_by_shape: dict[tuple[str, ...], dict[tuple[str, ...], NDArray[np.int64]]] = {}
    for place, *row in given[[*kind.keys, *measures]].itertuples():
        key, numbers = row[: len(kind.keys)], row[len(kind.keys) :]
        kept = tuple(
            _choose_grouping(name, part) for name, part in zip(kind.keys, key, strict=True)
        )
        sums = sums_by_shape.get(kept)
        if sums is None:
            sums = sums_by_shape[kept] = _sum_leaves(leaves, kept, measures)
        wanted = tuple(
            part.removeprefix(TOTAL_MARK) for name, part in zip(kept, key, strict=True) if name
        )
        actual = sums.get(wanted, np.zeros(len(measures), np.int64))
        for name, stated, summed in zip(names, numbers, actual, strict=True):
            if stated != summed:
                _add_wrong_total(kind, int(rows[place]), name, int(stated), int(summed), problems)


def _choose_grouping(name: str, part: str) -> str:
    """Return by what a total is grouped in one column: the code, a province, or nothing."""
    if not part.startswith(TOTAL_MARK):
        return name
    larger = part.removeprefix(TOTAL_MARK)
    return "province" if name == AREA and larger != NATION and larger else ""


def _sum_leaves(
    leaves: pd.DataFrame, kept: Sequence[str], measures: tuple[str, ...]
) -> dict[tuple[str, ...], NDArray[np.int64]]:
    names = [name for name in kept if name]
    frame = leaves
    if "province" in names:
        frame = leaves.assign(province=leaves[AREA].astype(str).str[:2])
    grouped = frame.groupby(names, observed=True, sort=False)[list(measures)].sum()
    return {
        tuple(map(str, key)) if isinstance(key, tuple) else (str(key),): values
        for key, values in zip(grouped.index, grouped.to_numpy(np.int64), strict=True)
    }


def _add_wrong_total(
    kind: CountKind, row: int, name: str, stated: int, summed: int, problems: _ProblemList
) -> None:
    is_money = name in kind.money
    problems.add(
        np.array([row]),
        name,
        lambda _: f"{stated / 100:.10g}" if is_money else str(stated),
        lambda _: msg(
            "a total: the rows that it sums up add up to {sum}",
            sum=format_score(summed / 100, 2) if is_money else summed,
        ),
        np.array([True]),
    )
