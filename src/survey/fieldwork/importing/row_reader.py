"""One row of a file becomes one interview, or the reasons why it cannot."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from uuid import UUID, uuid5

import orjson

from survey.fieldwork.importing.cell_parsing import (
    InterviewTimes,
    complete_interview_times,
    parse_seconds,
    parse_time,
)
from survey.fieldwork.importing.column_mapping import ColumnBinding, ColumnBindings, ColumnRole
from survey.fieldwork.importing.name_lookup import PointNameIndex, point_code
from survey.fieldwork.importing.rejections import RowRejection
from survey.fieldwork.importing.row_validation import Reader, RowChecker, RowVerdict
from survey.fieldwork.importing.weights import MAX_WEIGHT, MIN_WEIGHT, UNWEIGHTED, read_weight
from survey.fieldwork.response_bulk_insert import FinishedResponse
from survey.instrument.answers import AnswerProblem
from survey.instrument.model import Instrument
from survey.locale import Message, msg
from survey.store.china_time import CHINA, china_date
from survey.store.tables import Mode, Status

_NAMESPACE = UUID("6f3d1a52-7a39-5b0c-8f0e-2d9a3c41be77")


class ContentRowIds:
    """A UUID for each row that depends on nothing but the wave and what the row says.

    The same file again makes the same UUIDs; two people who answered alike are told apart by
    counting, because within one file both are meant.
    """

    def __init__(self, wave_key: str, header: tuple[str, ...]) -> None:
        self._order = sorted(range(len(header)), key=lambda place: (header[place], place))
        named = "\x1f".join(header[place] for place in self._order)
        self._namespace = uuid5(_NAMESPACE, f"{wave_key}\x1e{named}")
        self._seen: Counter[UUID] = Counter()

    def name(self, cells: list[str]) -> UUID:
        content = [cells[place].strip() if place < len(cells) else "" for place in self._order]
        same = uuid5(self._namespace, orjson.dumps(content).decode())
        self._seen[same] += 1
        return same if self._seen[same] == 1 else uuid5(same, str(self._seen[same]))


class SourceRowIds:
    """UUIDs for rows that the other tool numbered: the number alone says which interview it is."""

    def __init__(self, wave_key: str) -> None:
        self._namespace = uuid5(_NAMESPACE, f"{wave_key}\x1eidentity")
        self._rows: dict[UUID, int] = {}

    def name(self, identity: str) -> UUID:
        return uuid5(self._namespace, identity.removeprefix("uuid:").casefold())

    def first_row(self, name: UUID, number: int) -> int:
        """In which row of the file this interview stood first."""
        return self._rows.setdefault(name, number)


_MAX_NAME_CHARS = 80
URBAN = "urban"


@dataclass(slots=True)
class PlannedRow:
    """An interview that may be written, and the names its sampling point and surveyor go by."""

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

    wave_key: str
    header: tuple[str, ...]
    uses: ColumnBindings
    readers: Mapping[str, Reader]
    joiners: Mapping[str, Callable[[Sequence[str]], str]]
    """For each item that several columns answer: from a row to one cell."""
    covers: Callable[[str], bool]
    """Whether whoever imports may bring in interviews of this city."""
    points: PointNameIndex | None
    """Where sampling points must be planned; None where they are made as they appear."""
    narrowed: Instrument
    cities: Mapping[str, str]
    default_city: str | None
    allow_missing: bool
    complete_status: Status
    language: str
    now: datetime
    submitted_zone: tzinfo = CHINA


class _RowRefusedError(Exception):
    """The row stays out; carries why."""

    def __init__(self, *rejections: RowRejection) -> None:
        super().__init__()
        self.rejections = rejections


class RowReader:
    """Reads the rows of one file one after the other."""

    def __init__(self, rules: ImportRules) -> None:
        self._rules = rules
        self._names = ContentRowIds(rules.wave_key, rules.header)
        self._source_ids = SourceRowIds(rules.wave_key)
        self._items = {use.item: use for use in rules.uses.items if use.item is not None}
        self._joiners = []
        for place, split in enumerate(rules.uses.splits, start=len(rules.header)):
            self._items[split.item] = ColumnBinding(place, split.column, split.item, None, {})
            self._joiners.append(rules.joiners[split.item])
        self._checker = RowChecker(
            rules.narrowed,
            {item: (use.column_index, rules.readers[item]) for item, use in self._items.items()},
        )
        self._stratum_of_point: dict[str, str] = {}

    def read(self, number: int, cells: list[str]) -> PlannedRow | tuple[RowRejection, ...]:
        """The planned interview, or every reason against it."""
        by_content = self._names.name(cells)
        try:
            self._check_width(number, cells)
            name = self._name(number, cells) or by_content
            if self._joiners:
                cells = cells[: len(self._rules.header)] + [join(cells) for join in self._joiners]
            return self._planned(name, number, cells)
        except _RowRefusedError as refused:
            return refused.rejections

    def _name(self, number: int, cells: list[str]) -> UUID | None:
        """By the other tool's own number, if the row has one."""
        column, text = self._text(ColumnRole.IDENTITY, cells)
        if not text:
            return None
        name = self._source_ids.name(text)
        first = self._source_ids.first_row(name, number)
        if first != number:
            raise _refusal(
                number, column, text, msg("This interview stands in row {row} already.", row=first)
            )
        return name

    def _planned(self, name: UUID, number: int, cells: list[str]) -> PlannedRow:
        rules = self._rules
        city = self._city(number, cells)
        point, stratum, point_name = self._read_point(number, cells, city)
        surveyor = self._name_in(ColumnRole.SURVEYOR, number, cells)
        times = self._times(number, cells)
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
            language=rules.language,
            started_at=times.started,
            duration_seconds=times.seconds,
            dropped_answers=checked.dropped,
            given_weight=self._weight(number, cells, needed=status not in UNWEIGHTED),
        )
        missing = tuple(p.item for p in checked.problems if p.code == "required")
        return PlannedRow(interview, number, point, point_name, stratum, surveyor, missing)

    def _check_width(self, number: int, cells: list[str]) -> None:
        expected = len(self._rules.header)
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

    def _text(self, role: ColumnRole, cells: list[str]) -> tuple[str, str]:
        """The column of a role and what it holds, mapped; both empty if there is none."""
        use = self._rules.uses.roles.get(role)
        if use is None:
            return "", ""
        text = cells[use.column_index].strip()
        return use.column, use.codes.get(text.casefold(), text)

    def _city(self, number: int, cells: list[str]) -> str:
        column, text = self._text(ColumnRole.CITY, cells)
        code = self._rules.cities.get(text.casefold()) if text else self._rules.default_city
        if code is None:
            raise _refusal(number, column, text, msg("This is no city of the survey."))
        if not self._rules.covers(code):
            raise _refusal(number, column, text, msg("This city is outside your area."))
        return code

    def _read_point(self, number: int, cells: list[str], city: str) -> tuple[str | None, str, str]:
        """Code and stratum of the sampling point, and its name."""
        name = self._name_in(ColumnRole.POINT, number, cells)
        stratum = self._name_in(ColumnRole.STRATUM, number, cells) or URBAN
        if name is None:
            return None, stratum, ""
        if self._rules.points is not None:
            return self._planned_point(number, cells, city, name), stratum, name
        code = point_code(city, name)
        before = self._stratum_of_point.setdefault(code, stratum)
        if before != stratum:
            raise _refusal(
                number,
                self._text(ColumnRole.STRATUM, cells)[0],
                stratum,
                msg("This sampling point was in stratum {stratum} above.", stratum=before),
            )
        return code, stratum, name

    def _planned_point(self, number: int, cells: list[str], city: str, name: str) -> str:
        assert self._rules.points is not None
        code = self._rules.points.code(city, name)
        if code is None:
            raise _refusal(
                number,
                self._text(ColumnRole.POINT, cells)[0],
                name,
                msg("This city has no such sampling point in the plan of the wave."),
            )
        return code

    def _name_in(self, role: ColumnRole, number: int, cells: list[str]) -> str | None:
        column, text = self._text(role, cells)
        if len(text) > _MAX_NAME_CHARS:
            raise _refusal(number, column, text, msg("This name is too long."))
        if not text.isprintable():
            raise _refusal(
                number, column, text, msg("This name holds characters that cannot be shown.")
            )
        return text or None

    def _times(self, number: int, cells: list[str]) -> InterviewTimes:
        """When it was; what the file leaves out follows from the rest."""
        started = self._read_time(ColumnRole.STARTED_AT, number, cells)
        ended = self._read_time(ColumnRole.ENDED_AT, number, cells)
        submitted = self._read_time(ColumnRole.SUBMITTED_AT, number, cells)
        if started is not None and ended is not None and ended < started:
            column, text = self._text(ColumnRole.ENDED_AT, cells)
            raise _refusal(number, column, text, msg("The interview ends before it begins."))
        return complete_interview_times(started, ended, submitted, self._duration(number, cells))

    def _read_time(self, role: ColumnRole, number: int, cells: list[str]) -> datetime | None:
        column, text = self._text(role, cells)
        if not text:
            return None
        zone = self._rules.submitted_zone if role is ColumnRole.SUBMITTED_AT else CHINA
        moment = parse_time(text, zone)
        if moment is None or moment.year < 2000 or moment > self._rules.now:
            raise _refusal(
                number, column, text, msg("This is no past moment such as 2024-05-01 10:30.")
            )
        return moment

    def _duration(self, number: int, cells: list[str]) -> float | None:
        column, text = self._text(ColumnRole.DURATION, cells)
        if not text:
            return None
        seconds = parse_seconds(text)
        if seconds is None:
            raise _refusal(number, column, text, msg("This is no duration in seconds."))
        return seconds

    def _weight(self, number: int, cells: list[str], *, needed: bool) -> float | None:
        """The interview's own weight; without one it stays out where the file gives weights."""
        column, text = self._text(ColumnRole.WEIGHT, cells)
        if not column or (not text and not needed):
            return None
        if not text:
            raise _refusal(
                number, column, text, msg("The weight is missing: every interview needs one.")
            )
        weight = read_weight(text)
        if weight is None:
            raise _refusal(
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
        tolerated = {"required"} if self._rules.allow_missing else set()
        against = [problem for problem in checked.problems if problem.code not in tolerated]
        if against:
            against.sort(key=self._column_index)
            raise _RowRefusedError(
                *(self._rejection(number, cells, problem) for problem in against)
            )

    def _column_index(self, problem: AnswerProblem) -> int:
        use = self._items.get(problem.item)
        return use.column_index if use else len(self._rules.header)

    def _rejection(self, number: int, cells: list[str], problem: AnswerProblem) -> RowRejection:
        use = self._items.get(problem.item)
        column, value = (use.column, cells[use.column_index].strip()) if use else (problem.item, "")
        return RowRejection.of(number, column, value, problem.message)


def _refusal(number: int, column: str, text: str, message: Message) -> _RowRefusedError:
    return _RowRefusedError(RowRejection.of(number, column, text, message))
