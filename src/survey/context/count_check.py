"""Checks that every delivery of counts shares: codes and numbers column by column, repeated keys.

Every problem names its row, its column, what stands there, and what is allowed. Checks look at
each distinct text once, so a million rows take seconds.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.fieldwork.importing.rejections import RowRejection
from survey.locale import Message, SurveyError, msg
from survey.tabular.text_table import TextTable

if TYPE_CHECKING:
    Categories: TypeAlias = pd.Categorical[str]
else:
    Categories = pd.Categorical

MAX_PROBLEMS = 200
"""Problems that are listed; all of them are counted."""
MAX_COUNT = 2_000_000_000
NOT_GIVEN = "-"
"""Code of a count that was delivered without one."""
Counts = TypeVar("Counts")


@dataclass(frozen=True, eq=False)
class CountCheck(Generic[Counts]):
    """Result of the checks of one file: the counts, or what stands against them."""

    counts: Counts | None
    problems: tuple[RowRejection, ...]
    """The first problems in the order of rows, at most `MAX_PROBLEMS`."""
    problem_count: int
    row_count: int
    ignored_columns: tuple[str, ...]
    version: str
    """Version of the code lists by which it was checked."""
    sha256: str
    """Hash of what was delivered."""

    def require_counts(self) -> Counts:
        """Return the counts. Raises `CountsRejectedError` if rows have problems."""
        if self.counts is None:
            raise CountsRejectedError(self)
        return self.counts


class CountsRejectedError(SurveyError):
    """Raised when counts have problems in their rows; nothing was stored."""

    code = "counts_rejected"

    def __init__(self, check: CountCheck[Counts]) -> None:
        super().__init__(
            msg(
                "{count} problems in {rows} rows. Nothing was stored.",
                count=check.problem_count,
                rows=check.row_count,
            )
        )
        self.check = check


class ProblemList:
    """Problems found so far; only the first ones are kept."""

    def __init__(self) -> None:
        self.count = 0
        self._kept: list[RowRejection] = []

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
            self._kept.append(RowRejection.of(int(rows[at]), column, values(at), message(at)))

    def first(self) -> tuple[RowRejection, ...]:
        """Return the first problems in the order of rows."""
        return tuple(sorted(self._kept, key=lambda each: each.row)[:MAX_PROBLEMS])


def read_codes(
    table: TextTable,
    place: int | None,
    parse: Callable[[str], str | None],
    allowed: Message,
    problems: ProblemList,
) -> Categories:
    """Return a column as categories; texts that `parse` does not know are problems.

    Args:
        place: Position of the column; None if the file has none, which gives `NOT_GIVEN`.
    """
    size = len(table.rows)
    if place is None:
        return _build_categories(np.zeros(size, np.int32), [NOT_GIVEN])
    column = table.columns[place]
    texts = [text.strip() for text in column.dictionary.to_pylist()]
    indices = column.indices.to_numpy(zero_copy_only=False)
    codes = [parse(text) for text in texts]
    is_bad = np.array([code is None for code in codes], bool)[indices]
    head = table.header[place]
    problems.add(table.rows, head, lambda at: texts[indices[at]], lambda _: allowed, is_bad)
    labels = sorted({code for code in codes if code is not None}) or [NOT_GIVEN]
    position = {code: number for number, code in enumerate(labels)}
    numbers = np.array([position.get(code or "", 0) for code in codes], np.int32)[indices]
    return _build_categories(numbers, labels)


def _build_categories(numbers: NDArray[np.int32], labels: Sequence[str]) -> Categories:
    return pd.Categorical.from_codes(numbers, pd.Index(list(labels)))


def read_numbers(
    table: TextTable,
    place: int,
    parse: Callable[[str], int | None],
    allowed: Message,
    problems: ProblemList,
) -> NDArray[np.int64]:
    """Return a column as whole numbers; texts that `parse` does not know are problems."""
    column = table.columns[place]
    texts = [text.strip() for text in column.dictionary.to_pylist()]
    indices = column.indices.to_numpy(zero_copy_only=False)
    numbers = [parse(text) for text in texts]
    is_bad = np.array([number is None for number in numbers], bool)[indices]
    problems.add(
        table.rows, table.header[place], lambda at: texts[indices[at]], lambda _: allowed, is_bad
    )
    parsed: NDArray[np.int64] = np.array([number or 0 for number in numbers], np.int64)[indices]
    return parsed


def without_separators(text: str) -> str:
    """Return a number without the commas that spreadsheets put between thousands."""
    head, *groups = text.split(",")
    is_grouped = groups and 1 <= len(head) <= 3 and all(len(g.split(".")[0]) == 3 for g in groups)
    return text.replace(",", "") if is_grouped else text


def parse_count(text: str) -> int | None:
    """Return a whole number from 0 to `MAX_COUNT`; None for another text."""
    plain = without_separators(text)
    if not (plain.isascii() and plain.isdigit() and len(plain) <= 12):
        return None
    number = int(plain)
    return number if number <= MAX_COUNT else None


def add_repeated(
    frame: pd.DataFrame,
    keys: Iterable[str],
    rows: NDArray[np.int64],
    column: str,
    message: Callable[[int], Message],
    problems: ProblemList,
) -> None:
    """Add a problem for each row whose key stands in an earlier row.

    Args:
        message: What is wrong, from the number of that earlier row.
    """
    names = list(keys)
    is_repeated = frame.duplicated(names).to_numpy()
    if not is_repeated.any():
        return
    repeated = frame.loc[is_repeated, names]
    texts = {place: " ".join(row) for place, *row in repeated.astype(str).itertuples()}
    first_rows = _find_first_rows(frame, names, rows, repeated.head(MAX_PROBLEMS))
    problems.add(
        rows,
        column,
        lambda at: texts[at],
        lambda at: message(first_rows.get(texts[at], 0)),
        is_repeated,
    )


def _find_first_rows(
    frame: pd.DataFrame, names: list[str], rows: NDArray[np.int64], wanted: pd.DataFrame
) -> dict[str, int]:
    # Texts are made of the few rows that may be meant: of a million they would take a gigabyte.
    is_candidate = ~frame.duplicated(names).to_numpy()
    for name in names:
        is_candidate &= frame[name].isin(wanted[name].unique()).to_numpy()
    candidates = frame.loc[is_candidate, names].astype(str)
    return {" ".join(row): int(rows[place]) for place, *row in candidates.itertuples()}
