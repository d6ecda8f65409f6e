"""Rows of a file: each becomes a planned interview, or the reasons why it is refused."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from operator import itemgetter
from typing import NamedTuple
from uuid import UUID, uuid5

import numpy as np
import orjson

from survey.collection.importing.column_mapping import (
    ColumnBindings,
    ColumnRole,
    SplitChoiceBinding,
)
from survey.collection.importing.rejections import RowRejection
from survey.collection.importing.row_answers import Reader
from survey.collection.importing.target_wave import (
    UNWEIGHTED,
    ImportRequest,
    TargetWave,
    point_code,
)
from survey.collection.response_bulk_insert import FinishedResponse
from survey.locale import Message, msg
from survey.locale.figures import format_quantity, format_score
from survey.questionnaire.column_validation import ColumnVerdicts, validate_columns
from survey.questionnaire.model import Instrument
from survey.questionnaire.question_types.question_type import Answer
from survey.questionnaire.validation import AnswerProblem
from survey.store.china_time import CHINA, china_date
from survey.store.tables import Mode, Status
from survey.tabular.text_table import CodedColumn, TextTable, group_rows

_NAMESPACE = UUID("6f3d1a52-7a39-5b0c-8f0e-2d9a3c41be77")
_MAX_NAME_CHARS = 80
URBAN = "urban"
MIN_WEIGHT, MAX_WEIGHT = 1e-9, 1e12
"""Bounds of a weight: one beyond them is a slip, and its square soon no number."""
MAX_INTERVIEW_DURATION = timedelta(days=30)
_DATE_TIME = re.compile(
    r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})"
    r"(?:[ T]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]+)?)?)?\s*(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_SECONDS = re.compile(r"([0-9]{1,9}(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?)\s*(?:\u79d2|s|sec)?")


@dataclass(frozen=True, slots=True)
class InterviewTimes:
    """Beginning and end of an interview, and its duration in seconds."""

    started: datetime | None
    finished: datetime | None
    seconds: float | None


def parse_time(text: str, usual_zone: tzinfo = CHINA) -> datetime | None:
    """Parse a date, with or without time, into UTC; return None if it is no valid one."""
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=usual_zone)
        if match[7] is not None:
            zone = datetime.strptime(match[7], "%z").tzinfo
            moment = moment.replace(tzinfo=zone)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def parse_seconds(text: str) -> float | None:
    """Parse seconds such as `123` or `61.5 s`; return None if unreadable or over 30 days."""
    match = _SECONDS.fullmatch(text)
    if match is None:
        return None
    seconds = float(match[1])
    return seconds if seconds <= MAX_INTERVIEW_DURATION.total_seconds() else None


def complete_interview_times(
    started: datetime | None,
    ended: datetime | None,
    submitted: datetime | None,
    seconds: float | None,
) -> InterviewTimes:
    """Complete beginning, end and duration, each from the other two where the file lacks it.

    An interview may be sent long after it ended: the duration follows from its end alone.
    """
    if seconds is None and started is not None and ended is not None:
        span = (ended - started).total_seconds()
        seconds = span if span <= MAX_INTERVIEW_DURATION.total_seconds() else None
    last = ended or submitted
    if started is None and last is not None and seconds is not None:
        started = last - timedelta(seconds=seconds)
    if last is None and started is not None:
        last = started + timedelta(seconds=seconds or 0)
    return InterviewTimes(started, submitted or last, seconds)


def read_weight(text: str) -> float | None:
    """Parse the design weight in a cell; return None if it is no number within the bounds."""
    plain = unicodedata.normalize("NFKC", text).strip()
    try:
        weight = float(plain)
    except ValueError:
        return None
    # Python reads 1_000 as a number; nobody means it.
    return weight if "_" not in plain and MIN_WEIGHT <= weight <= MAX_WEIGHT else None


def name_rows_by_content(wave_key: str, table: TextTable) -> list[UUID]:
    """Return one UUID per row, calculated from the wave's key and the row's content alone.

    The same file makes the same UUIDs again. Equal rows of one file are different interviews, so
    they are counted.
    """
    header = table.header
    order = sorted(range(len(header)), key=lambda index: (header[index], index))
    named = "\x1f".join(header[index] for index in order)
    namespace = uuid5(_NAMESPACE, f"{wave_key}\x1e{named}")
    seen: Counter[str] = Counter()
    names = []
    columns = [table.texts(index).of_rows() for index in order]
    for cells in zip(*columns, strict=True):
        content = orjson.dumps(cells).decode()
        seen[content] += 1
        name = uuid5(namespace, content)
        names.append(name if seen[content] == 1 else uuid5(name, str(seen[content])))
    return names


@dataclass(slots=True)
class PlannedRow:
    """Interview of one row that may be stored, with names of its sampling point and surveyor."""

    interview: FinishedResponse
    row: int
    point: str | None
    """Code of the sampling point, unique in the wave."""
    point_name: str
    stratum: str
    surveyor: str | None
    missing: tuple[str, ...]
    """Required questions of the route that the row leaves empty."""


@dataclass(frozen=True)
class ImportRules:
    """Rules for reading every row of a file: target wave, columns, cell readers, questionnaire."""

    request: ImportRequest
    target: TargetWave
    bindings: ColumnBindings
    readers: Mapping[str, Reader]
    joiners: Mapping[str, Callable[[Sequence[str]], str]]
    """Item that several columns answer -> function from a row to one cell."""
    may_import_for: Callable[[str], bool]
    """Whether the principal may import interviews of this city."""
    restricted: Instrument
    """The part of the questionnaire that the file answers."""
    default_city: str | None
    now: datetime

    @property
    def complete_status(self) -> Status:
        """State of a complete interview: approved if it was reviewed elsewhere, else submitted."""
        is_approved = self.request.reviewed and not self.target.is_open
        return Status.APPROVED if is_approved else Status.SUBMITTED


class _RowRefusedError(Exception):
    """Raised to refuse a row of an import file; carries every reason as `RowRejection`."""

    def __init__(self, *rejections: RowRejection) -> None:
        super().__init__()
        self.rejections = rejections


class _Interview(NamedTuple):
    """Place, surveyor and times of a row's interview, without its answers."""

    name: UUID
    city: str
    point: str | None
    stratum: str
    point_name: str
    surveyor: str | None
    times: InterviewTimes


class RowReader:
    """Reader that turns the rows of one import file, in order, into planned interviews.

    What a row says about its interview is read row by row; its answers are checked in columns.
    """

    def __init__(self, rules: ImportRules, table: TextTable) -> None:
        self._rules, self._table = rules, table
        self._numbers = table.rows.tolist()
        self._source_namespace = uuid5(_NAMESPACE, f"{rules.request.wave_key}\x1eidentity")
        self._first_row_of_source: dict[UUID, int] = {}
        self._roles = {
            role: (binding.column, table.texts(binding.column_index).map(binding.mean).of_rows())
            for role, binding in rules.bindings.roles.items()
        }
        self._items = {
            binding.item: (index := binding.column_index, binding.column, table.texts(index))
            for binding in rules.bindings.items
            if binding.item is not None
        }
        for index, split in enumerate(rules.bindings.splits, start=len(table.header)):
            self._items[split.item] = (index, split.column, self._join_choices(split))
        self._stratum_of_point: dict[str, str] = {}

    def _join_choices(self, split: SplitChoiceBinding) -> CodedColumn:
        """Join the columns of one question with several choices into one column of answers."""
        parts = [self._table.texts(index) for index in split.parts]
        firsts, groups = group_rows(parts, np.arange(len(self._numbers)))
        join = self._rules.joiners[split.item]
        joined = [join([part.values[part.codes[row]] for part in parts]) for row in firsts]
        return CodedColumn(joined, groups)

    def read(self) -> Iterator[PlannedRow | tuple[RowRejection, ...]]:
        """Yield for each row the planned interview, or every reason against it."""
        names = name_rows_by_content(self._rules.request.wave_key, self._table)
        opened = [self._read_interview(row, name) for row, name in enumerate(names)]
        checked = self._check_columns(opened)
        for row, answers in enumerate(checked.iter_answers()):
            interview = opened[row]
            if not isinstance(interview, _Interview):
                yield interview
                continue
            try:
                yield self._plan_row(row, interview, answers, checked)
            except _RowRefusedError as refused:
                yield refused.rejections

    def _read_interview(self, row: int, by_content: UUID) -> _Interview | tuple[RowRejection, ...]:
        try:
            self._check_width(row)
            name = self._find_source_uuid(row) or by_content
            city = self._read_city(row)
            point, stratum, point_name = self._read_point(row, city)
            surveyor = self._read_name(ColumnRole.SURVEYOR, row)
            times = self._read_times(row)
        except _RowRefusedError as refused:
            return refused.rejections
        return _Interview(name, city, point, stratum, point_name, surveyor, times)

    def _check_columns(
        self, opened: Sequence[_Interview | tuple[RowRejection, ...]]
    ) -> ColumnVerdicts:
        given = {
            name: cells.map(self._rules.readers[name])
            for name, (_, _, cells) in self._items.items()
        }
        days: dict[date, int] = {}
        codes = []
        for each in opened:
            started = each.times.started if isinstance(each, _Interview) else None
            codes.append(days.setdefault(china_date(started or self._rules.now), len(days)))
        day_of_row = CodedColumn(list(days), np.array(codes, np.intp))
        return validate_columns(self._rules.restricted, given, day_of_row)

    def _find_source_uuid(self, row: int) -> UUID | None:
        """Return the UUID by the other tool's identifier, or None if the row has none."""
        text = self._read_text(ColumnRole.IDENTITY, row)
        if not text:
            return None
        name = uuid5(self._source_namespace, text.removeprefix("uuid:").casefold())
        first = self._first_row_of_source.setdefault(name, self._numbers[row])
        if first != self._numbers[row]:
            raise self._refuse(
                ColumnRole.IDENTITY,
                row,
                msg("This interview stands in row {row} already.", row=first),
            )
        return name

    def _plan_row(
        self, row: int, interview: _Interview, answers: dict[str, Answer], checked: ColumnVerdicts
    ) -> PlannedRow:
        rules, times = self._rules, interview.times
        problems = checked.problems.get(row, ())
        self._check_answers(row, problems)
        ending = checked.endings[row]
        status = Status(ending.value) if ending else rules.complete_status
        finished = FinishedResponse(
            client_uuid=interview.name,
            city_code=interview.city,
            mode=Mode.IMPORT,
            status=status,
            submitted_at=times.finished or rules.now,
            answers=answers,
            language=rules.request.instrument.default_language,
            started_at=times.started,
            duration_seconds=times.seconds,
            dropped_answers=int(checked.dropped[row]),
            given_weight=self._read_weight_cell(row, needed=status not in UNWEIGHTED),
        )
        return PlannedRow(
            finished,
            self._numbers[row],
            interview.point,
            interview.point_name,
            interview.stratum,
            interview.surveyor,
            tuple(problem.item for problem in problems if problem.code == "required"),
        )

    def _check_width(self, row: int) -> None:
        cells = self._table.uneven.get(row)
        if cells is not None:
            message = msg(
                "The row has {cells} cells, the header {columns}.",
                cells=cells,
                columns=len(self._table.header),
            )
            raise _RowRefusedError(RowRejection.of(self._numbers[row], "", "", message))

    def _read_text(self, role: ColumnRole, row: int) -> str:
        """Return the mapped cell text of a role in a row; empty if no column has the role."""
        found = self._roles.get(role)
        return found[1][row] if found else ""

    def _refuse(
        self, role: ColumnRole, row: int, message: Message, text: str | None = None
    ) -> "_RowRefusedError":
        """Return the error that refuses a row because of its cell of a role."""
        column = self._roles[role][0] if role in self._roles else ""
        shown = self._read_text(role, row) if text is None else text
        return _RowRefusedError(RowRejection.of(self._numbers[row], column, shown, message))

    def _read_city(self, row: int) -> str:
        text = self._read_text(ColumnRole.CITY, row)
        code = self._rules.target.cities.get(text.casefold()) if text else self._rules.default_city
        if code is None:
            raise self._refuse(ColumnRole.CITY, row, msg("This is no city of the survey."))
        if not self._rules.may_import_for(code):
            raise self._refuse(ColumnRole.CITY, row, msg("This city is outside your area."))
        return code

    def _read_point(self, row: int, city: str) -> tuple[str | None, str, str]:
        """Return code, stratum and name of a row's sampling point in `city`."""
        name = self._read_name(ColumnRole.POINT, row)
        stratum = self._read_name(ColumnRole.STRATUM, row) or URBAN
        if name is None:
            return None, stratum, ""
        if self._rules.target.points is not None:
            planned = self._rules.target.points.get((city, name.casefold()))
            if planned is None:
                raise self._refuse(
                    ColumnRole.POINT,
                    row,
                    msg("This city has no such sampling point in the plan of the wave."),
                )
            return planned, stratum, name
        code = point_code(city, name)
        before = self._stratum_of_point.setdefault(code, stratum)
        if before != stratum:
            raise self._refuse(
                ColumnRole.STRATUM,
                row,
                msg("This sampling point was in stratum {stratum} above.", stratum=before),
                stratum,
            )
        return code, stratum, name

    def _read_name(self, role: ColumnRole, row: int) -> str | None:
        text = self._read_text(role, row)
        if len(text) > _MAX_NAME_CHARS:
            raise self._refuse(role, row, msg("This name is too long."))
        if not text.isprintable():
            raise self._refuse(role, row, msg("This name holds characters that cannot be shown."))
        return text or None

    def _read_times(self, row: int) -> InterviewTimes:
        """Return the times of the interview, completed from one another."""
        started = self._read_time(ColumnRole.STARTED_AT, row)
        ended = self._read_time(ColumnRole.ENDED_AT, row)
        submitted = self._read_time(ColumnRole.SUBMITTED_AT, row)
        if started is not None and ended is not None and ended < started:
            raise self._refuse(
                ColumnRole.ENDED_AT, row, msg("The interview ends before it begins.")
            )
        return complete_interview_times(started, ended, submitted, self._read_duration(row))

    def _read_time(self, role: ColumnRole, row: int) -> datetime | None:
        text = self._read_text(role, row)
        if not text:
            return None
        zone = (
            self._rules.bindings.conventions.submitted_zone
            if role is ColumnRole.SUBMITTED_AT
            else CHINA
        )
        moment = parse_time(text, zone)
        if moment is None or moment.year < 2000 or moment > self._rules.now:
            raise self._refuse(role, row, msg("This is no past moment such as 2024-05-01 10:30."))
        return moment

    def _read_duration(self, row: int) -> float | None:
        text = self._read_text(ColumnRole.DURATION, row)
        if not text:
            return None
        seconds = parse_seconds(text)
        if seconds is None:
            raise self._refuse(ColumnRole.DURATION, row, msg("This is no duration in seconds."))
        return seconds

    def _read_weight_cell(self, row: int, *, needed: bool) -> float | None:
        """Return a row's weight; None if no column has weights, or it is empty and not `needed`."""
        text = self._read_text(ColumnRole.WEIGHT, row)
        if ColumnRole.WEIGHT not in self._roles or (not text and not needed):
            return None
        if not text:
            message = msg("The weight is missing: every interview needs one.")
            raise self._refuse(ColumnRole.WEIGHT, row, message)
        weight = read_weight(text)
        if weight is None:
            message = msg(
                "This is no weight: it must be a positive number, from {low} to {high}.",
                low=format_score(MIN_WEIGHT, 9),
                high=format_quantity(MAX_WEIGHT),
            )
            raise self._refuse(ColumnRole.WEIGHT, row, message)
        return weight

    def _check_answers(self, row: int, problems: Sequence[AnswerProblem]) -> None:
        """Raise a row's problems as one error in column order; missing answers may be allowed."""
        tolerated = "required" if self._rules.request.allow_missing else ""
        against = []
        for problem in problems:
            if problem.code != tolerated:
                index, column, cells = self._items[problem.item]
                value = cells.values[cells.codes[row]].strip()
                rejection = RowRejection.of(self._numbers[row], column, value, problem.message)
                against.append((index, rejection))
        if against:
            against.sort(key=itemgetter(0))
            raise _RowRefusedError(*(rejection for _, rejection in against))
