"""One row of a file becomes one interview, or the reasons why it cannot."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid5

import orjson

from survey.fieldwork.bulk_store import StoredInterview
from survey.fieldwork.clock import china_date
from survey.fieldwork.importing.cells import is_number
from survey.fieldwork.importing.checking import Checked, Reader, RowChecker
from survey.fieldwork.importing.findings import Rejection
from survey.fieldwork.importing.mapping import ColumnUses, Role
from survey.fieldwork.importing.places import read_moment
from survey.instrument.answers import Problem
from survey.instrument.model import Instrument
from survey.locale import Message, msg
from survey.store.tables import Mode, Status

_NAMESPACE = UUID("6f3d1a52-7a39-5b0c-8f0e-2d9a3c41be77")
_LONGEST_NAME = 80
_LONGEST_INTERVIEW = timedelta(days=30)
URBAN = "urban"


@dataclass(slots=True)
class PlannedRow:
    """An interview that may be written, and the names its sampling point and surveyor go by."""

    interview: StoredInterview
    point: str | None
    stratum: str
    surveyor: str | None
    missing: tuple[str, ...]
    """Required questions of the route that the row leaves empty."""


@dataclass(frozen=True)
class RowRules:
    """Everything that the rows of one file have in common."""

    wave_key: str
    header: tuple[str, ...]
    uses: ColumnUses
    readers: Mapping[str, Reader]
    narrowed: Instrument
    cities: Mapping[str, str]
    default_city: str | None
    allow_missing: bool
    complete_status: Status
    language: str
    now: datetime


class _Refused(Exception):
    """The row stays out; carries why."""

    def __init__(self, *rejections: Rejection) -> None:
        super().__init__()
        self.rejections = rejections


class RowNames:
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


class RowReader:
    """Reads the rows of one file one after the other."""

    def __init__(self, rules: RowRules) -> None:
        self._rules = rules
        self._names = RowNames(rules.wave_key, rules.header)
        self._items = {use.item: use for use in rules.uses.items if use.item is not None}
        self._checker = RowChecker(
            rules.narrowed,
            {item: (use.place, rules.readers[item]) for item, use in self._items.items()},
        )
        self._stratum_of_point: dict[tuple[str, str], str] = {}

    def read(self, number: int, cells: list[str]) -> PlannedRow | tuple[Rejection, ...]:
        """The planned interview, or every reason against it."""
        name = self._names.name(cells)
        try:
            return self._planned(name, number, cells)
        except _Refused as refused:
            return refused.rejections

    def _planned(self, name: UUID, number: int, cells: list[str]) -> PlannedRow:
        rules = self._rules
        self._check_width(number, cells)
        city = self._city(number, cells)
        point, stratum = self._place(number, cells, city)
        surveyor = self._name_in(Role.SURVEYOR, number, cells)
        started = self._started(number, cells)
        duration = self._duration(number, cells)
        today = china_date(started or rules.now)
        checked = self._checker.check(cells, today)
        self._check_answers(number, cells, checked)
        interview = StoredInterview(
            client_uuid=name,
            city_code=city,
            mode=Mode.IMPORT,
            status=Status(checked.ending.value) if checked.ending else rules.complete_status,
            submitted_at=_finished(started, duration) or rules.now,
            answers=checked.answers,
            language=rules.language,
            started_at=started,
            duration_seconds=duration,
            dropped_answers=checked.dropped,
        )
        missing = tuple(p.item for p in checked.problems if p.code == "required")
        return PlannedRow(interview, point, stratum, surveyor, missing)

    def _check_width(self, number: int, cells: list[str]) -> None:
        expected = len(self._rules.header)
        if len(cells) < expected or any(map(str.strip, cells[expected:])):
            raise _Refused(
                Rejection.of(
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

    def _text(self, role: Role, cells: list[str]) -> tuple[str, str]:
        """The column of a role and what it holds, mapped; both empty if there is none."""
        use = self._rules.uses.roles.get(role)
        if use is None:
            return "", ""
        text = cells[use.place].strip()
        return use.column, use.codes.get(text.casefold(), text)

    def _city(self, number: int, cells: list[str]) -> str:
        column, text = self._text(Role.CITY, cells)
        code = self._rules.cities.get(text.casefold()) if text else self._rules.default_city
        if code is None:
            raise _refusal(number, column, text, msg("This is no city of the survey."))
        return code

    def _place(self, number: int, cells: list[str], city: str) -> tuple[str | None, str]:
        point = self._name_in(Role.POINT, number, cells)
        stratum = self._name_in(Role.STRATUM, number, cells) or URBAN
        if point is None:
            return None, stratum
        before = self._stratum_of_point.setdefault((city, point), stratum)
        if before != stratum:
            raise _refusal(
                number,
                self._text(Role.STRATUM, cells)[0],
                stratum,
                msg("This sampling point was in stratum {stratum} above.", stratum=before),
            )
        return point, stratum

    def _name_in(self, role: Role, number: int, cells: list[str]) -> str | None:
        column, text = self._text(role, cells)
        if len(text) > _LONGEST_NAME:
            raise _refusal(number, column, text, msg("This name is too long."))
        return text or None

    def _started(self, number: int, cells: list[str]) -> datetime | None:
        column, text = self._text(Role.STARTED_AT, cells)
        if not text:
            return None
        moment = read_moment(text)
        if moment is None or moment.year < 2000 or moment > self._rules.now:
            raise _refusal(
                number, column, text, msg("This is no past moment such as 2024-05-01 10:30.")
            )
        return moment

    def _duration(self, number: int, cells: list[str]) -> float | None:
        column, text = self._text(Role.DURATION, cells)
        if not text:
            return None
        seconds = float(text) if is_number(text) else -1
        if not 0 <= seconds <= _LONGEST_INTERVIEW.total_seconds():
            raise _refusal(number, column, text, msg("This is no duration in seconds."))
        return seconds

    def _check_answers(self, number: int, cells: list[str], checked: Checked) -> None:
        tolerated = {"required"} if self._rules.allow_missing else set()
        against = [problem for problem in checked.problems if problem.code not in tolerated]
        if against:
            against.sort(key=self._place_of)
            raise _Refused(*(self._rejection(number, cells, problem) for problem in against))

    def _place_of(self, problem: Problem) -> int:
        use = self._items.get(problem.item)
        return use.place if use else len(self._rules.header)

    def _rejection(self, number: int, cells: list[str], problem: Problem) -> Rejection:
        use = self._items.get(problem.item)
        column, value = (use.column, cells[use.place].strip()) if use else (problem.item, "")
        return Rejection.of(number, column, value, problem.message)


def _refusal(number: int, column: str, text: str, message: Message) -> _Refused:
    return _Refused(Rejection.of(number, column, text, message))


def _finished(started: datetime | None, duration: float | None) -> datetime | None:
    return started + timedelta(seconds=duration or 0) if started else None
