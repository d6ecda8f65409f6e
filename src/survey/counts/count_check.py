"""Check of delivered counts of any kind: codes, numbers, bounds, repeated keys, totals, parts.

Every problem names its row, its column, what stands there, and what is allowed. Checks look at
each distinct text once, so a million rows take seconds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

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
from survey.tabular.text_table import CodedColumn, TextTable

MAX_PROBLEMS = 200
"""Problems that are listed; all of them are counted."""
MAX_FILE_PROBLEMS = 20_000
"""Problems in a file of problems."""
MAX_COUNT = 2_000_000_000
MAX_YUAN = 10_000_000_000_000
_COUNT_ALLOWED = msg("allowed is a whole number from 0 on; write 0 where there was none")
_CASE_ALLOWED = msg("the mapping has to say whether this text counts")
_MONEY_ALLOWED = msg("allowed is a sum in yuan from 0 on, with at most two decimals")
_Totals = dict[tuple[str, ...], NDArray[np.int64]]


@dataclass(frozen=True, eq=False)
class CountCheck:
    """Result of checking a file: counts if every row is right, else the first problems."""

    kind: CountKind
    counts: CheckedCounts | None
    problems: tuple[RowRejection, ...]
    """The first problems in the order of rows, at most as many as were asked for."""
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


@dataclass(frozen=True)
class MappedOrigin:
    """What is known of a table that was made from another one by a mapping."""

    head: Callable[[str, int], str]
    """Returns the head in the file of a column at a position in the table."""
    is_cases: bool = False
    """Whether every row is one case: rows of one key are added up, and no value is repeated in a
    problem, because it could be a name."""


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


def check_counts(
    kind: CountKind,
    table: TextTable,
    *,
    sha256: str,
    version: str = "",
    lists: CodeLists | None = None,
    origin: MappedOrigin | None = None,
    most_problems: int = MAX_PROBLEMS,
) -> CountCheck:
    """Check a table against code lists of a version; return its counts or its problems.

    Args:
        origin: Given if the table was made from another one.

    Raises:
        NotFoundError: There is no such version.
        ImportNotPossibleError: A required column is missing, or two columns mean the same.
    """
    lists = lists or shipped_code_lists()
    version = version or lists.newest
    lists.require_version(version)
    positions, ignored = kind.bind_columns(table.header)
    checker = _CountChecker(kind, table, positions, lists, version)
    checker.origin, checker.most = origin, most_problems
    counts = checker.run()
    first = sorted(checker.problems, key=lambda each: each.row)[:most_problems]
    return CountCheck(
        kind, counts, tuple(first), checker.count, len(table.rows), ignored, version, sha256
    )


class _CountChecker:
    """Checker of one table of counts, which collects the problems that its checks find."""

    def __init__(
        self,
        kind: CountKind,
        table: TextTable,
        positions: Mapping[str, int],
        lists: CodeLists,
        version: str,
    ) -> None:
        self.kind, self.table, self.positions = kind, table, positions
        self.lists, self.version = lists, version
        self.frame = pd.DataFrame(index=pd.RangeIndex(len(table.rows)))
        self.measures: tuple[str, ...] = ()
        self.rows = table.rows
        self.origin: MappedOrigin | None = None
        self.most = MAX_PROBLEMS
        self.is_wrong = np.zeros(len(table.rows), bool)
        """Of each row whether a cell of it has a problem."""
        self.count = 0
        self.problems: list[RowRejection] = []
        """The first of each check; all of them are counted."""

    @property
    def is_cases(self) -> bool:
        return self.origin is not None and self.origin.is_cases

    def run(self) -> CheckedCounts | None:
        """Run all checks and return the counts; None if any check found a problem."""
        self._read_columns()
        if self.is_cases:
            if self.count:
                return None
            self._sum_cases()
        self._check_bounds()
        self._check_repeated()
        if not self.count:
            self._check_complete()
            for part in self.kind.parts:
                self._check_parts(part)
        counts = None if self.count else self._split_totals()
        return None if self.count else counts

    def _add(
        self,
        places: Sequence[int] | NDArray[np.intp],
        column: str,
        values: Callable[[int], str],
        message: Callable[[int], Message],
        head: str = "",
    ) -> None:
        """Add a problem (value, message) in `head` or else `column`, per row position in `places`.

        Args:
            head: Name of the column in the file; the usual one unless given.
        """
        self.count += len(places)
        self.is_wrong[places] = True
        name = head or self.kind.columns[column].names[0]
        for at in map(int, places[: self.most]):
            if self.origin is not None:
                name = self.origin.head(column, at)
            value = "" if self.is_cases else values(at)
            self.problems.append(RowRejection.of(int(self.rows[at]), name, value, message(at)))

    def _read_columns(self) -> None:
        for key in self.kind.keys:
            self.frame[key] = self._read_codes(key)
        for name in self.kind.measures:
            if name in self.positions:
                is_money = name in self.kind.money
                parse = _parse_fen if is_money else _parse_count
                count_allowed = _CASE_ALLOWED if self.is_cases else _COUNT_ALLOWED
                allowed = _MONEY_ALLOWED if is_money else count_allowed
                numbers = self._parse_cells(name, parse, allowed)
                whole = np.array([number or 0 for number in numbers.values], np.int64)
                self.frame[self.kind.stored_name(name)] = whole[numbers.codes]
        self.measures = tuple(name for name in self.kind.stored_measures if name in self.frame)

    def _sum_cases(self) -> None:
        """Add up the rows of each key; the first of them stands for all in a problem."""
        keys, measures = [*self.kind.keys], [*self.measures]
        grouped = self.frame.assign(row=self.rows).groupby(keys, observed=True, sort=False)
        summed = grouped[measures].sum().assign(row=grouped["row"].min()).reset_index()
        self.rows = summed.pop("row").to_numpy(np.int64)
        self.is_wrong = np.zeros(len(summed), bool)
        self.frame = summed

    def _parse_cells(
        self, column: str, parse: Callable[[str], str | int | None], allowed: Message
    ) -> CodedColumn:
        """Return a column's parsed texts; add problem `allowed` where `parse` returns None."""
        place = self.positions[column]
        texts = self.table.texts(place)
        parsed = texts.map(parse)
        bad = np.flatnonzero(parsed.where(value is None for value in parsed.values))
        head = self.table.header[place]
        self._add(bad, column, lambda at: texts.values[texts.codes[at]], lambda _: allowed, head)
        return parsed

    def _read_codes(self, column: str) -> "pd.Categorical[str]":
        """Return a key column as a categorical whose categories are sorted codes."""
        if column not in self.positions:
            none = np.zeros(len(self.table.rows), np.int32)
            return pd.Categorical.from_codes(none, pd.Index([self.kind.missing_code(column)]))
        parse, allowed = self._choose_parser(column)
        if self.is_cases:
            parse = partial(_parse_single, parse)  # A case is no total.
        codes = self._parse_cells(column, parse, allowed)
        labels = sorted({code for code in codes.values if code is not None}) or [NOT_GIVEN]
        position = {code: number for number, code in enumerate(labels)}
        numbers = np.array([position.get(code, 0) for code in codes.values], np.int32)[codes.codes]
        return pd.Categorical.from_codes(numbers, pd.Index(labels))

    def _choose_parser(self, column: str) -> tuple[Callable[[str], str | None], Message]:
        """Return the function from a cell's text to its code, and a message of what is allowed."""
        key, total_names = self.kind.keys[column], self.kind.total_names
        if not isinstance(key, CodeListName):
            return key.parse, key.allowed
        listed = self.lists.codes_of(key, self.version)
        codes = {each.code: each.code for each in listed}
        codes |= {each.name_zh: each.code for each in listed}
        codes |= dict.fromkeys(total_names, TOTAL_MARK)
        if not self.kind.columns[column].required:
            codes[""] = codes[NOT_GIVEN] = NOT_GIVEN
        names = ", ".join(each.name_zh for each in listed)
        version = self.version
        allowed = msg("allowed in version {version} are: {names}", version=version, names=names)
        if total_names:
            allowed = msg(
                "allowed in version {version} are: {names}; and {total} in a row of totals",
                version=version,
                names=names,
                total=total_names[0],
            )
        return lambda text: codes.get(text, codes.get(text.lower())), allowed

    def _check_bounds(self) -> None:
        is_read = ~self.is_wrong
        for smaller, larger in self.kind.bounds:
            if smaller not in self.frame or larger not in self.frame:
                continue
            low, high = self.frame[smaller].to_numpy(), self.frame[larger].to_numpy()
            self._add(
                np.flatnonzero((low > high) & is_read),
                smaller,
                lambda at, low=low: str(low[at]),  # type: ignore[misc]
                lambda at, high=high, larger=larger: msg(  # type: ignore[misc]
                    "cannot be more than {column}, which is {number} in this row",
                    column=self.kind.columns[larger].names[0],
                    number=int(high[at]),
                ),
            )

    def _check_repeated(self) -> None:
        """Add a problem for each row that has the same key as an earlier row."""
        names = list(self.kind.keys)
        frame = self.frame.loc[~self.is_wrong] if self.is_wrong.any() else self.frame
        is_repeated = frame.duplicated(names).to_numpy()
        if not is_repeated.any():
            return
        repeated = frame.loc[is_repeated, names]
        texts = {place: " ".join(row) for place, *row in repeated.astype(str).itertuples()}
        # Texts are made of the few rows that may be meant: of a million they would take a gigabyte.
        is_candidate = ~is_repeated
        for name in names:
            wanted = repeated[name].head(self.most).unique()
            is_candidate = is_candidate & frame[name].isin(wanted).to_numpy()
        candidates = frame.loc[is_candidate, names].astype(str).itertuples()
        first_rows = {" ".join(row): int(self.rows[place]) for place, *row in candidates}
        self._add(
            frame.index.to_numpy()[is_repeated],
            self.kind.when,
            lambda at: texts[at],
            lambda at: self.kind.repeated(first_rows.get(texts[at], 0)),
        )

    def _find_wholes(self, column: str) -> "pd.Series[bool]":
        return self.frame[column] == self.kind.missing_code(column)

    def _check_complete(self) -> None:
        """Add a problem for each day that lacks the nation's counts for a required code."""
        frame, key = self.frame, self.kind.complete
        if not key:
            return
        is_whole = np.logical_and.reduce([self._find_wholes(p.column) for p in self.kind.parts])
        listed = self.lists.codes_of(self.kind.codes[key], self.version)
        days = frame[self.kind.when].astype(object).to_numpy()
        delivered = set(zip(days[is_whole], frame.loc[is_whole, key], strict=True))
        names = {
            day: [each.name_zh for each in listed if (day, each.code) not in delivered]
            for day in {*days}
        }
        is_first = ~frame.duplicated([self.kind.when]).to_numpy()
        self._add(
            np.flatnonzero(is_first & np.array([bool(names[day]) for day in days], bool)),
            key,
            lambda at: str(days[at]),
            lambda at: msg(
                "for this day the counts of the whole nation are missing for: {names}; write 0 "
                "where there was none",
                names=", ".join(names[days[at]]),
            ),
        )

    def _check_parts(self, part: PartOfWhole) -> None:
        """Add a problem at the first row of each part (topic, area) larger than its whole."""
        frame, is_whole = self.frame, self._find_wholes(part.column)
        is_compared = self._find_wholes(part.outside) if part.outside else True
        parts, wholes = frame[~is_whole & is_compared], frame[is_whole & is_compared]
        if parts.empty:
            return
        shared, keys = [*part.shared], [*part.shared, *part.own]
        measure = self.kind.measures[0]
        summed = parts.groupby(keys, sort=False, observed=True)[measure].sum().reset_index()
        known = wholes.groupby(shared, sort=False, observed=True)[measure].sum().rename("whole")
        joined = summed.merge(known.reset_index(), how="left", on=shared)
        wrong = joined.loc[joined[measure] > joined["whole"].fillna(0), keys]
        first = parts[~parts.duplicated(keys)].reset_index(names="place")
        at_fault = first.merge(wrong, on=keys)["place"]
        numbers = frame[measure].to_numpy()
        self._add(
            np.flatnonzero(frame.index.isin(at_fault)),
            measure,
            lambda at: str(numbers[at]),
            lambda _: part.too_many,
        )

    def _split_totals(self) -> CheckedCounts | None:
        """Check rows of totals against sums of their parts; return counts without them, or None."""
        frame, keys = self.frame, list(self.kind.keys)
        is_total = np.zeros(len(frame), dtype=bool)
        for key in keys:
            labels = frame[key].cat.categories
            flags = np.array([label.startswith(TOTAL_MARK) for label in labels], bool)
            is_total |= flags[frame[key].cat.codes.to_numpy()] & bool(self.kind.total_names)
        leaves = frame.loc[~is_total]
        if leaves.empty:
            totals_only = msg(
                "the file has rows of totals only; counts are needed by area and code"
            )
            self._add([0], AREA, lambda _: "", lambda _: totals_only)
            return None
        if is_total.any():
            self._compare_totals(leaves, frame.loc[is_total])
        kept = leaves.sort_values(keys, ignore_index=True)
        for key in keys:
            kept[key] = kept[key].cat.remove_unused_categories()
        totals = int(is_total.sum())
        return CheckedCounts(self.kind, kept, self.measures, totals, self.version)

    def _compare_totals(self, leaves: pd.DataFrame, totals: pd.DataFrame) -> None:
        kind, measures = self.kind, self.measures
        # The optional codes of a total may be left out as well as called a total.
        given = totals.astype(dict.fromkeys(kind.keys, str))
        for name in kind.codes:
            if not kind.columns[name].required and not (leaves[name] == NOT_GIVEN).any():
                given[name] = given[name].replace(NOT_GIVEN, TOTAL_MARK)
        names = [name for name in kind.measures if kind.stored_name(name) in measures]
        sums_by_shape: dict[tuple[str, ...], _Totals] = {}
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
                    self._add_wrong_total(place, name, int(stated), int(summed))

    def _add_wrong_total(self, place: int, name: str, stated: int, summed: int) -> None:
        is_money = name in self.kind.money
        text = f"{stated / 100:.10g}" if is_money else str(stated)
        wrong = msg(
            "a total: the rows that it sums up add up to {sum}",
            sum=format_score(summed / 100, 2) if is_money else summed,
        )
        self._add([place], name, lambda _: text, lambda _: wrong)


def _parse_single(parse: Callable[[str], str | None], text: str) -> str | None:
    """Return what `parse` returns, but None for the code of a total."""
    code = parse(text)
    return None if code is None or code.startswith(TOTAL_MARK) else code


def _choose_grouping(name: str, part: str) -> str:
    """Return the column to group a total's parts by: `name`, `province`, or "" for none."""
    if not part.startswith(TOTAL_MARK):
        return name
    larger = part.removeprefix(TOTAL_MARK)
    return "province" if name == AREA and larger != NATION and larger else ""


def _sum_leaves(leaves: pd.DataFrame, kept: Sequence[str], measures: tuple[str, ...]) -> _Totals:
    names = [name for name in kept if name]
    frame = leaves
    if "province" in names:
        frame = leaves.assign(province=leaves[AREA].astype(str).str[:2])
    grouped = frame.groupby(names, observed=True, sort=False)[list(measures)].sum()
    return {
        tuple(map(str, key)) if isinstance(key, tuple) else (str(key),): values
        for key, values in zip(grouped.index, grouped.to_numpy(np.int64), strict=True)
    }


def _without_separators(text: str) -> str:
    """Return the text of a number without commas between groups of three digits."""
    head, *groups = text.split(",")
    is_grouped = groups and 1 <= len(head) <= 3 and all(len(g.split(".")[0]) == 3 for g in groups)
    return text.replace(",", "") if is_grouped else text


def _parse_count(text: str) -> int | None:
    """Return the whole number from 0 to `MAX_COUNT` that a text means; None for any other text."""
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
