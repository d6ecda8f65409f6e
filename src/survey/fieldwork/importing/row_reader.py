"""Rows of a file: each becomes a planned interview, or the reasons why it is refused."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from uuid import UUID, uuid5

import orjson

from survey.fieldwork.importing.column_mapping import ColumnBinding, ColumnBindings, ColumnRole
from survey.fieldwork.importing.rejections import RowRejection
from survey.fieldwork.importing.row_answers import Reader, RowChecker, RowVerdict
from survey.fieldwork.importing.target_wave import UNWEIGHTED, ImportRequest, TargetWave, point_code
from survey.fieldwork.response_bulk_insert import FinishedResponse
from survey.instrument.model import Instrument
from survey.instrument.validation import AnswerProblem
from survey.locale import Message, msg
from survey.store.china_time import CHINA, china_date
from survey.store.tables import Mode, Status

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
    """Parse a moment into UTC; None if it is none of the calendar."""
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
    """Parse `123`, `61.5` or `61.5 s`; None if no interview can take so long."""
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
    """Parse the weight in a cell; None if it is none."""
    plain = unicodedata.normalize("NFKC", text).strip()
    try:
        weight = float(plain)
    except ValueError:
        return None
    # Python reads 1_000 as a number; nobody means it.
    return weight if "_" not in plain and MIN_WEIGHT <= weight <= MAX_WEIGHT else None


class ContentRowIds:
    """UUIDs of rows that depend on nothing but the wave and the content of the row.

    The same file makes the same UUIDs again. Equal rows of one file are different interviews, so
    they are counted.
    """

    def __init__(self, wave_key: str, header: tuple[str, ...]) -> None:
        self._order = sorted(range(len(header)), key=lambda index: (header[index], index))
        named = "\x1f".join(header[index] for index in self._order)
        self._namespace = uuid5(_NAMESPACE, f"{wave_key}\x1e{named}")
        self._seen: Counter[UUID] = Counter()

    def name(self, cells: list[str]) -> UUID:
        """Return the UUID of the next row."""
        content = [cells[index].strip() if index < len(cells) else "" for index in self._order]
        same = uuid5(self._namespace, orjson.dumps(content).decode())
        self._seen[same] += 1
        return same if self._seen[same] == 1 else uuid5(same, str(self._seen[same]))


class SourceRowIds:
    """UUIDs of rows by the number that the other tool gave the interview."""

    def __init__(self, wave_key: str) -> None:
        self._namespace = uuid5(_NAMESPACE, f"{wave_key}\x1eidentity")
        self._rows: dict[UUID, int] = {}

    def name(self, identity: str) -> UUID:
        """Return the UUID of the interview with this number."""
        return uuid5(self._namespace, identity.removeprefix("uuid:").casefold())

    def first_row(self, name: UUID, number: int) -> int:
        """Return the row of the file in which this interview was found first."""
        return self._rows.setdefault(name, number)


@dataclass(slots=True)
class PlannedRow:
    """An interview that may be written, with the names of its sampling point and surveyor."""

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
    """Everything that the rows of one file have in common."""

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
        """State in which a complete interview is stored."""
        is_approved = self.request.reviewed and not self.target.is_open
        return Status.APPROVED if is_approved else Status.SUBMITTED


class _RowRefusedError(Exception):
    """Raised to refuse a row; carries the reasons."""

    def __init__(self, *rejections: RowRejection) -> None:
        super().__init__()
        self.rejections = rejections


class RowReader:
    """Reader of the rows of one file, in their order."""

    def __init__(self, rules: ImportRules) -> None:
        self._rules = rules
        self._content_ids = ContentRowIds(rules.request.wave_key, rules.bindings.header)
        self._source_ids = SourceRowIds(rules.request.wave_key)
        self._items = {
            binding.item: binding for binding in rules.bindings.items if binding.item is not None
        }
        self._joiners = []
        for index, split in enumerate(rules.bindings.splits, start=len(rules.bindings.header)):
            self._items[split.item] = ColumnBinding(index, split.column, split.item, None, {})
            self._joiners.append(rules.joiners[split.item])
        self._checker = RowChecker(
            rules.restricted,
            {
                item: (binding.column_index, rules.readers[item])
                for item, binding in self._items.items()
            },
        )
        self._stratum_of_point: dict[str, str] = {}

    def read(self, number: int, cells: list[str]) -> PlannedRow | tuple[RowRejection, ...]:
        """Return the planned interview, or every reason against it."""
        by_content = self._content_ids.name(cells)
        try:
            self._check_width(number, cells)
            name = self._find_source_uuid(number, cells) or by_content
            if self._joiners:
                cells = cells[: len(self._rules.bindings.header)] + [
                    join(cells) for join in self._joiners
                ]
            return self._plan_row(name, number, cells)
        except _RowRefusedError as refused:
            return refused.rejections

    def _find_source_uuid(self, number: int, cells: list[str]) -> UUID | None:
        """Return the UUID by the other tool's number, if the row has one."""
        column, text = self._read_text(ColumnRole.IDENTITY, cells)
        if not text:
            return None
        name = self._source_ids.name(text)
        first = self._source_ids.first_row(name, number)
        if first != number:
            raise _build_refusal(
                number, column, text, msg("This interview stands in row {row} already.", row=first)
            )
        return name

    def _plan_row(self, name: UUID, number: int, cells: list[str]) -> PlannedRow:
        rules = self._rules
        city = self._read_city(number, cells)
        point, stratum, point_name = self._read_point(number, cells, city)
        surveyor = self._read_name(ColumnRole.SURVEYOR, number, cells)
        times = self._read_times(number, cells)
        checked = self._checker.check(cells, china_date(times.started or rules.now))
        self._check_answers(number, cells, checked)
        status = Status(checked.ending.value) if checked.ending else rules.complete_status
        interview = FinishedResponse(
            client_uuid=name,
            city_code=city,
            mode=Mode.IMPORT,
            status=status,
            submitted_at=times.finished or rules.now,
            answers=checked.answers,
            language=rules.request.instrument.default_language,
            started_at=times.started,
            duration_seconds=times.seconds,
            dropped_answers=checked.dropped,
            given_weight=self._read_weight_cell(number, cells, needed=status not in UNWEIGHTED),
        )
        missing = tuple(p.item for p in checked.problems if p.code == "required")
        return PlannedRow(interview, number, point, point_name, stratum, surveyor, missing)

    def _check_width(self, number: int, cells: list[str]) -> None:
        expected = len(self._rules.bindings.header)
        if len(cells) < expected or any(map(str.strip, cells[expected:])):
            raise _RowRefusedError(
                RowRejection.of(
                    number,
                    "",
                    "",
                    msg(
                        "The row has {cells} cells, the header {columns}.",
                        cells=len(cells),
                        columns=expected,
                    ),
                )
            )

    def _read_text(self, role: ColumnRole, cells: list[str]) -> tuple[str, str]:
        """Return the column of a role and its mapped text; both empty if there is none."""
        binding = self._rules.bindings.roles.get(role)
        if binding is None:
            return "", ""
        text = cells[binding.column_index].strip()
        return binding.column, binding.codes.get(text.casefold(), text)

    def _read_city(self, number: int, cells: list[str]) -> str:
        column, text = self._read_text(ColumnRole.CITY, cells)
        code = self._rules.target.cities.get(text.casefold()) if text else self._rules.default_city
        if code is None:
            raise _build_refusal(number, column, text, msg("This is no city of the survey."))
        if not self._rules.may_import_for(code):
            raise _build_refusal(number, column, text, msg("This city is outside your area."))
        return code

    def _read_point(self, number: int, cells: list[str], city: str) -> tuple[str | None, str, str]:
        """Return code, stratum and name of the sampling point."""
        name = self._read_name(ColumnRole.POINT, number, cells)
        stratum = self._read_name(ColumnRole.STRATUM, number, cells) or URBAN
        if name is None:
            return None, stratum, ""
        if self._rules.target.points is not None:
            planned = self._rules.target.points.get((city, name.casefold()))
            if planned is None:
                raise _build_refusal(
                    number,
                    self._read_text(ColumnRole.POINT, cells)[0],
                    name,
                    msg("This city has no such sampling point in the plan of the wave."),
                )
            return planned, stratum, name
        code = point_code(city, name)
        before = self._stratum_of_point.setdefault(code, stratum)
        if before != stratum:
            raise _build_refusal(
                number,
                self._read_text(ColumnRole.STRATUM, cells)[0],
                stratum,
                msg("This sampling point was in stratum {stratum} above.", stratum=before),
            )
        return code, stratum, name

    def _read_name(self, role: ColumnRole, number: int, cells: list[str]) -> str | None:
        column, text = self._read_text(role, cells)
        if len(text) > _MAX_NAME_CHARS:
            raise _build_refusal(number, column, text, msg("This name is too long."))
        if not text.isprintable():
            raise _build_refusal(
                number, column, text, msg("This name holds characters that cannot be shown.")
            )
        return text or None

    def _read_times(self, number: int, cells: list[str]) -> InterviewTimes:
        """Return the times of the interview, completed from one another."""
        started = self._read_time(ColumnRole.STARTED_AT, number, cells)
        ended = self._read_time(ColumnRole.ENDED_AT, number, cells)
        submitted = self._read_time(ColumnRole.SUBMITTED_AT, number, cells)
        if started is not None and ended is not None and ended < started:
            column, text = self._read_text(ColumnRole.ENDED_AT, cells)
            raise _build_refusal(number, column, text, msg("The interview ends before it begins."))
        return complete_interview_times(
            started, ended, submitted, self._read_duration(number, cells)
        )

    def _read_time(self, role: ColumnRole, number: int, cells: list[str]) -> datetime | None:
        column, text = self._read_text(role, cells)
        if not text:
            return None
        zone = (
            self._rules.bindings.conventions.submitted_zone
            if role is ColumnRole.SUBMITTED_AT
            else CHINA
        )
        moment = parse_time(text, zone)
        if moment is None or moment.year < 2000 or moment > self._rules.now:
            raise _build_refusal(
                number, column, text, msg("This is no past moment such as 2024-05-01 10:30.")
            )
        return moment

    def _read_duration(self, number: int, cells: list[str]) -> float | None:
        column, text = self._read_text(ColumnRole.DURATION, cells)
        if not text:
            return None
        seconds = parse_seconds(text)
        if seconds is None:
            raise _build_refusal(number, column, text, msg("This is no duration in seconds."))
        return seconds

    def _read_weight_cell(self, number: int, cells: list[str], *, needed: bool) -> float | None:
        """Return the interview's weight; refuse it without one where the file gives weights."""
        column, text = self._read_text(ColumnRole.WEIGHT, cells)
        if not column or (not text and not needed):
            return None
        if not text:
            raise _build_refusal(
                number, column, text, msg("The weight is missing: every interview needs one.")
            )
        weight = read_weight(text)
        if weight is None:
            raise _build_refusal(
                number,
                column,
                text,
                msg(
                    "This is no weight: it must be a positive number, from {low} to {high}.",
                    low=f"{MIN_WEIGHT:.9f}",
                    high=f"{MAX_WEIGHT:,.0f}",
                ),
            )
        return weight

    def _check_answers(self, number: int, cells: list[str], checked: RowVerdict) -> None:
        tolerated = {"required"} if self._rules.request.allow_missing else set()
        against = [problem for problem in checked.problems if problem.code not in tolerated]
        if against:
            against.sort(key=self._column_index_of)
            raise _RowRefusedError(
                *(self._build_rejection(number, cells, problem) for problem in against)
            )

    def _column_index_of(self, problem: AnswerProblem) -> int:
        binding = self._items.get(problem.item)
        return binding.column_index if binding else len(self._rules.bindings.header)

    def _build_rejection(
        self, number: int, cells: list[str], problem: AnswerProblem
    ) -> RowRejection:
        binding = self._items.get(problem.item)
        column, value = (
            (binding.column, cells[binding.column_index].strip()) if binding else (problem.item, "")
        )
        return RowRejection.of(number, column, value, problem.message)


def _build_refusal(number: int, column: str, text: str, message: Message) -> _RowRefusedError:
    return _RowRefusedError(RowRejection.of(number, column, text, message))
