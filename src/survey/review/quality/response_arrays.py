"""Interviews of a wave, or of a part of it, as arrays: one row an interview."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import islice
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt

from survey.questionnaire.model import Instrument, Item, SpecialAnswer
from survey.questionnaire.question_types import type_of
from survey.store.china_time import china_date
from survey.store.tables import Mode

Bools = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int16]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Times = npt.NDArray[np.datetime64]

NOT_ASKED, MISSING, DONT_KNOW, REFUSED, NOT_EXPERIENCED = 0, -1, -2, -3, -4
_ABSENT = object()
_SPECIAL_CODES: Mapping[Any, int] = {
    _ABSENT: NOT_ASKED,
    None: MISSING,
    SpecialAnswer.DONT_KNOW.value: DONT_KNOW,
    SpecialAnswer.REFUSED.value: REFUSED,
    SpecialAnswer.NOT_EXPERIENCED.value: NOT_EXPERIENCED,
}
_MAX_VALUES = 32_000
_ENCODING_BATCH_SIZE = 256
"""Interviews encoded together: few enough that their answers are still in the processor's cache."""


@dataclass(frozen=True, slots=True)
class RawResponse:
    """One finished interview as stored, with the days of its point and the target of its cell."""

    id: UUID
    city_code: str
    point_id: UUID | None
    surveyor_id: UUID | None
    mode: str
    started_at: datetime | None
    submitted_at: datetime
    duration_seconds: float | None
    counted: bool
    """Its status is one that quotas count."""
    quota_cell_id: UUID | None
    quota_target: int | None
    answers: Mapping[str, Any]
    timings: Mapping[str, float]
    device: str | None = None
    """What is kept of the phone that the link was opened on; None where a surveyor asked."""
    first_day: date | None = None
    last_day: date | None = None
    """Days on which the point is worked at."""
    assigned: bool = True
    """Whether the surveyor works at the point; true as well where nobody is known to."""
    language: str | None = None
    """In which the questions were read; None is the questionnaire's own."""

    @property
    def day(self) -> date:
        """Day of the interview in China."""
        return china_date(self.started_at or self.submitted_at)

    @property
    def days_off(self) -> int:
        """Days before the point opens (negative) or after it closes; 0 within its days."""
        if self.first_day is not None and self.day < self.first_day:
            return (self.day - self.first_day).days
        if self.last_day is not None and self.day > self.last_day:
            return (self.day - self.last_day).days
        return 0


@dataclass(frozen=True)
class RowGroups:
    """Group of each row (its city, surveyor or other unit): index in `names`, -1 for none."""

    codes: Ints
    names: tuple[Any, ...]

    @classmethod
    def of(cls, values: Iterable[Any]) -> "RowGroups":
        """Return rows' groups from one value per row; None is in no group."""
        known: dict[Any, int] = {}
        codes = [-1 if v is None else known.setdefault(v, len(known)) for v in values]
        return cls(np.array(codes, dtype=np.int64), tuple(known))


@dataclass(frozen=True)
class ResponseArrays:
    """Arrays of N interviews by receipt, of M questions and R ratings, that detectors read."""

    ids: tuple[UUID, ...]
    city: RowGroups
    point: RowGroups
    surveyor: RowGroups
    mode: RowGroups
    cell: RowGroups
    target: Floats
    """Target of the interview's quota cell; NaN without one."""
    started: Times
    """UTC, by the second; NaT where nobody noted it."""
    duration: Floats
    """Seconds; NaN where unknown."""
    counted: Bools
    answers: Codes
    """Shape (N, M): equal codes are equal answers; see `NOT_ASKED` and the others below zero."""
    ratings: tuple[Item, ...]
    scores: Floats
    """Shape (N, R), on each rating's own scale; NaN without a score."""
    seconds: npt.NDArray[np.float32]
    """Shape (N, M): time in view of each question; NaN where none was measured."""
    device: RowGroups
    """Phones behind links."""
    day: Times
    """Of the interview, in China."""
    days_off: Ints
    """Days before (below zero) or after those of the interview's point; 0 within."""
    assigned: Bools
    items: tuple[Item, ...]
    """The M questions."""
    language: RowGroups
    default_language: str
    """Of the questionnaire, where an interview or a text has no other."""

    def __len__(self) -> int:
        return len(self.ids)

    def is_mode(self, mode: Mode) -> Bools:
        """Return which interviews were collected in this mode, as booleans of shape (N,)."""
        names = self.mode.names
        code = names.index(mode) if mode in names else len(names)
        is_mode: Bools = self.mode.codes == code
        return is_mode


def sum_by_row(values: npt.NDArray[Any]) -> Floats:
    """Return each row's sum, always added in the order of the columns.

    The last bit of NumPy's own sum of a row may depend on the rows beside it.
    """
    total = np.zeros(len(values))
    for column in values.T:
        total += column
    return total


def build_response_arrays(rows: Iterable[RawResponse], instrument: Instrument) -> ResponseArrays:
    """Return the arrays of the interviews in `rows`, sorted by receipt and id.

    `rows` are read once, in chunks: the answers of a wave as objects would fill the memory.
    """
    items = tuple(item for item in instrument.items() if type_of(item).is_compared)
    books = [_Codebook() for _ in items]
    heads: list[RawResponse] = []
    answers = [np.empty((0, len(items)), dtype=np.int16)]
    seconds = [np.empty((0, len(items)), dtype=np.float32)]
    remaining = iter(rows)
    while chunk := list(islice(remaining, _ENCODING_BATCH_SIZE)):
        answers.append(_encode_answers([row.answers for row in chunk], items, books))
        seconds.append(_build_seconds([row.timings for row in chunk], items))
        heads += [replace(row, answers={}, timings={}) for row in chunk]
    order = sorted(range(len(heads)), key=lambda at: (heads[at].submitted_at, heads[at].id))
    codes = np.concatenate(answers)[order]
    return _build_arrays(
        [heads[at] for at in order],
        instrument.default_language,
        items,
        books,
        codes,
        np.concatenate(seconds)[order],
    )


class _Codebook(dict[Any, int]):
    """Codes of the values of one question; a new value gets the next code."""

    def __init__(self) -> None:
        super().__init__(_SPECIAL_CODES)

    def __missing__(self, value: Any) -> int:
        # Beyond 32,000 values two may share a code: only free numbers have so many.
        code = self[value] = 1 + (len(self) - len(_SPECIAL_CODES)) % _MAX_VALUES
        return code

    def values_by_code(self) -> Floats:
        """Return the number behind each code, at the index of the code; NaN where it is none."""
        table = np.full(_MAX_VALUES + 1, np.nan)
        for value, code in self.items():
            if code > 0 and isinstance(value, int | float):
                table[code] = value
        return table


def _encode_answers(
    answers: Sequence[Mapping[str, Any]], items: Sequence[Item], books: Sequence[_Codebook]
) -> Codes:
    codes = np.empty((len(answers), len(items)), dtype=np.int16)
    columns = zip(*_encode_rows(answers, items, _ABSENT), strict=True)
    for column, (item, book, values) in enumerate(zip(items, books, columns, strict=True)):
        if type_of(item).allows_several:
            values = tuple(frozenset(v) if type(v) is list else v for v in values)
        codes[:, column] = [book[value] for value in values]
    return codes


def _build_seconds(
    timings: Sequence[Mapping[str, float]], items: Sequence[Item]
) -> npt.NDArray[np.float32]:
    rows = list(_encode_rows(timings, items, np.nan))
    return np.array(rows, dtype=np.float32).reshape(len(timings), len(items))


def _encode_rows(
    mappings: Iterable[Mapping[str, Any]], items: Sequence[Item], absent: object
) -> Iterator[Sequence[Any]]:
    """Yield each mapping's values in the order of `items`; `absent` for an item it lacks."""
    template = {item.name: absent for item in items}
    for mapping in mappings:
        # Keys of the template keep their places; what the items do not know comes behind them.
        yield list({**template, **mapping}.values())[: len(items)]


def _build_arrays(
    heads: Sequence[RawResponse],
    default_language: str,
    items: Sequence[Item],
    books: Sequence[_Codebook],
    codes: Codes,
    seconds: npt.NDArray[np.float32],
) -> ResponseArrays:
    rated = [column for column, item in enumerate(items) if type_of(item).is_score]
    scores = np.empty((len(heads), len(rated)))
    for score_column, column in enumerate(rated):
        scores[:, score_column] = books[column].values_by_code()[np.maximum(codes[:, column], 0)]
    return ResponseArrays(
        ids=tuple(row.id for row in heads),
        city=RowGroups.of(row.city_code for row in heads),
        point=RowGroups.of(row.point_id for row in heads),
        surveyor=RowGroups.of(row.surveyor_id for row in heads),
        mode=RowGroups.of(row.mode for row in heads),
        cell=RowGroups.of(row.quota_cell_id for row in heads),
        target=_build_numbers(row.quota_target for row in heads),
        started=np.array(
            [_to_datetime64(_read_start(row)) for row in heads], dtype="datetime64[s]"
        ),
        duration=_build_numbers(row.duration_seconds for row in heads),
        counted=np.array([row.counted for row in heads], dtype=np.bool_),
        answers=codes,
        ratings=tuple(items[column] for column in rated),
        scores=scores,
        seconds=seconds,
        device=RowGroups.of(row.device for row in heads),
        day=np.array([row.day for row in heads], dtype="datetime64[D]"),
        days_off=np.array([row.days_off for row in heads], dtype=np.int64),
        assigned=np.array([row.assigned for row in heads], dtype=np.bool_),
        items=tuple(items),
        language=RowGroups.of(row.language for row in heads),
        default_language=default_language,
    )


def _build_numbers(values: Iterable[float | None]) -> Floats:
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)


def _read_start(row: RawResponse) -> datetime | None:
    """Return when an interview began; None for a keyed sheet, which knows the day only."""
    is_day_only = row.mode == Mode.PAPER and row.duration_seconds is None
    return None if is_day_only else row.started_at


def _to_datetime64(moment: datetime | None) -> np.datetime64:
    return np.datetime64("NaT") if moment is None else np.datetime64(int(moment.timestamp()), "s")
