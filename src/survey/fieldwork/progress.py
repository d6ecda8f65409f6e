"""The control tower: what is collected, valid and waiting, by city and quota cell, and what to do.

A handful of grouped queries, each cut to the reader's area; nothing here reads an answer.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import Session

from survey.access.principal import Action, Principal
from survey.fieldwork.clock import china_date, start_of_china_day
from survey.fieldwork.pace import EffectiveSize, Forecast, effective_size, forecast
from survey.fieldwork.quality.effects import wilson
from survey.fieldwork.quality.kinds import REVIEW_FROM
from survey.fieldwork.quota import COUNTED, parse_band
from survey.fieldwork.reach import within_reach
from survey.fieldwork.review import ReviewWave, begun_waves
from survey.store.core import table_of
from survey.store.days import china_day
from survey.store.tables import (
    Account,
    Invitation,
    QuotaCell,
    Response,
    ResponseRisk,
    Status,
    Wave,
    WaveState,
)

WINDOW = 7
"""Complete days that the pace is taken from: every weekday once."""
PATIENCE = timedelta(days=2)
"""How long an interview may wait for its first review."""
FEWEST_FLAGGED = 3
"""Interviews at risk before a surveyor is pointed out."""

_RESPONSES, _CELLS, _WAVES = table_of(Response), table_of(QuotaCell), table_of(Wave)
_INVITATIONS, _RISKS, _ACCOUNTS = table_of(Invitation), table_of(ResponseRisk), table_of(Account)


@dataclass(frozen=True)
class Tally:
    """Interviews by state, of a cell, a city or all cities, with the target they work towards."""

    target: int
    by_status: Mapping[Status, int] = field(default_factory=dict)
    counted: int = 0
    """What the quota counts: everything completed that is not void."""

    def of(self, *statuses: Status) -> int:
        return sum(self.by_status.get(status, 0) for status in statuses)

    @property
    def collected(self) -> int:
        """Completed interviews, whatever review said."""
        return self.counted + self.void

    @property
    def in_review(self) -> int:
        return self.of(Status.SUBMITTED, Status.RETURNED, Status.CITY_APPROVED)

    @property
    def valid(self) -> int:
        return self.of(Status.APPROVED, Status.FROZEN)

    @property
    def void(self) -> int:
        return self.of(Status.VOID)

    @property
    def decided(self) -> int:
        """Interviews that passed at least one level of review, or were taken out."""
        return self.void + self.valid + self.of(Status.CITY_APPROVED)

    @property
    def missing(self) -> int:
        return max(self.target - self.counted, 0)

    @property
    def beyond(self) -> int:
        """Interviews more than the target asks for."""
        return max(self.counted - self.target, 0)

    @property
    def filled(self) -> float | None:
        """Share of the target that is collected; None without a target."""
        return self.counted / self.target if self.target else None


@dataclass(frozen=True)
class Share:
    """A share with its 95% Wilson interval; None where nothing was counted."""

    value: float
    low: float
    high: float
    of: int


@dataclass(frozen=True)
class Cell:
    """One quota cell."""

    age_band: str
    gender: str
    tally: Tally


@dataclass(frozen=True)
class Place:
    """One city, or all cities in reach under the code None."""

    city_code: str | None
    tally: Tally
    cells: tuple[Cell, ...]
    effective: EffectiveSize
    forecast: Forecast | None
    days: Mapping[date, int]
    """Interviews that the quota counts, by day of receipt, of the recent days and today."""
    still_missing: int
    """Over the cells: what one cell has too many helps no other."""

    @property
    def waste(self) -> Share | None:
        return share(self.tally.void, self.tally.decided)


class Concern(StrEnum):
    """Why somebody should look at a place this morning."""

    BEHIND = "behind"
    WASTE = "waste"
    OVER = "over"
    WAITING = "waiting"
    SURVEYOR = "surveyor"


@dataclass(frozen=True)
class ToDo:
    """One thing to do; `interviews` ranks it: how many it is about."""

    concern: Concern
    city_code: str
    interviews: int
    surveyor_id: UUID | None = None
    surveyor: str = ""
    of: int = 0
    """Of how many, where that says something."""


@dataclass(frozen=True)
class Dispositions:
    """How every attempt that the platform knows of ended (docs/progress.md has the definitions)."""

    complete: int
    void: int
    refused: int
    broken_off: int
    unopened: int
    screened_out: int
    quota_full: int

    @property
    def eligible(self) -> int:
        """Attempts with a person who belongs to the survey."""
        return self.complete + self.void + self.refused + self.broken_off

    @property
    def eligibility(self) -> Share | None:
        """e: known to be eligible, of those whose eligibility is known."""
        return share(self.eligible, self.eligible + self.screened_out + self.quota_full)

    @property
    def response_rate(self) -> float | None:
        """After AAPOR RR3: unopened links count with the share e of them."""
        e = self.eligibility
        if e is None:
            return None
        below = self.eligible + e.value * self.unopened
        return self.complete / below if below else None

    @property
    def minimum_response_rate(self) -> float | None:
        """After AAPOR RR1: every unopened link counts as somebody who was eligible."""
        below = self.eligible + self.unopened
        return self.complete / below if below else None

    @property
    def cooperation(self) -> Share | None:
        """After AAPOR COOP1: complete, of those eligible whom the questionnaire reached."""
        return share(self.complete, self.eligible)

    @property
    def refusal_rate(self) -> float | None:
        """After AAPOR REF1."""
        below = self.eligible + self.unopened
        return self.refused / below if below else None


@dataclass(frozen=True)
class Progress:
    """A wave as it stands at one moment."""

    wave: ReviewWave
    at: datetime
    closes_on: date | None
    total: Place
    cities: tuple[Place, ...]
    dispositions: Dispositions
    to_do: tuple[ToDo, ...]


def share(count: int, of: int) -> Share | None:
    """`count` of `of` with its interval."""
    return Share(count / of, *wilson(count, of), of) if of else None


def progress_waves(*, session: Session, principal: Principal) -> list[ReviewWave]:
    """Waves that have begun, those still collecting first."""
    principal.require(Action.FOLLOW_FIELDWORK)
    return begun_waves(session=session)


def progress_of(
    *, session: Session, principal: Principal, wave: ReviewWave, now: datetime, usual_waste: float
) -> Progress:
    """The wave in the reader's area; `usual_waste` is the share above which waste is a concern."""
    principal.require(Action.FOLLOW_FIELDWORK)
    closes_on = session.connection().execute(
        select(_WAVES.c.closes_on).where(_WAVES.c.id == wave.id)
    ).scalar_one()  # fmt: skip
    counts = _counts(session, principal, wave.id)
    cells = _cells(session, principal, wave.id, counts)
    days = _days(session, principal, wave.id, now)
    left = _days_left(wave, closes_on, now)
    cities = tuple(
        _place(city, cells.get(city, ()), counts.get(city, {}), days.get(city, {}), left, now)
        for city in sorted(set(cells) | set(counts))
    )
    total = _all(cities, left, now)
    concerns = (
        *(each for city in cities for each in _concerns(city, left, usual_waste)),
        *_waiting(session, principal, wave.id, now),
        *_surveyors(session, principal, wave.id),
    )
    return Progress(
        wave, now, closes_on, total, cities,
        _dispositions(session, principal, wave.id, total.tally, now),
        tuple(sorted(concerns, key=lambda each: (-each.interviews, each.city_code, each.concern))),
    )  # fmt: skip


# --- counting ------------------------------------------------------------------------------------

_CellCounts = Mapping[UUID | None, Mapping[Status, int]]


def _counts(session: Session, principal: Principal, wave_id: UUID) -> dict[str, _CellCounts]:
    """City -> cell -> state -> interviews."""
    keys = (_RESPONSES.c.city_code, _RESPONSES.c.quota_cell_id, _RESPONSES.c.status)
    query = (
        select(*keys, func.count())
        .where(_RESPONSES.c.wave_id == wave_id, within_reach(principal, _RESPONSES.c.city_code))
        .group_by(*keys)
    )
    counts: dict[str, dict[UUID | None, dict[Status, int]]] = {}
    for city, cell, status, number in session.connection().execute(query):
        counts.setdefault(city, {}).setdefault(cell, {})[status] = number
    return dict(counts)


def _cells(
    session: Session, principal: Principal, wave_id: UUID, counts: Mapping[str, _CellCounts]
) -> dict[str, tuple[Cell, ...]]:
    query = select(_CELLS).where(
        _CELLS.c.wave_id == wave_id, within_reach(principal, _CELLS.c.city_code)
    )
    cells: dict[str, list[Cell]] = {}
    for row in session.connection().execute(query):
        by_status = counts.get(row.city_code, {}).get(row.id, {})
        cell = Cell(row.age_band, row.gender, _tally(row.target, by_status))
        cells.setdefault(row.city_code, []).append(cell)
    return {
        city: tuple(sorted(own, key=lambda cell: (parse_band(cell.age_band)[0], cell.gender)))
        for city, own in cells.items()
    }


def _tally(target: int, by_status: Mapping[Status, int]) -> Tally:
    counted = sum(number for status, number in by_status.items() if status in COUNTED)
    return Tally(target, by_status, counted)


def _days(
    session: Session, principal: Principal, wave_id: UUID, now: datetime
) -> dict[str, dict[date, int]]:
    """City -> day -> interviews that count, of the recent days and today."""
    since = start_of_china_day(now) - timedelta(days=WINDOW)
    day = china_day(_RESPONSES.c.submitted_at)
    query = (
        select(_RESPONSES.c.city_code, day, func.count())
        .where(
            _RESPONSES.c.wave_id == wave_id,
            within_reach(principal, _RESPONSES.c.city_code),
            _RESPONSES.c.status.in_(COUNTED),
            _RESPONSES.c.submitted_at >= since,
        )
        .group_by(_RESPONSES.c.city_code, day)
    )
    days: dict[str, dict[date, int]] = {}
    for city, text, number in session.connection().execute(query):
        days.setdefault(city, {})[date.fromisoformat(text)] = number
    return days


def _days_left(wave: ReviewWave, closes_on: date | None, now: datetime) -> int | None:
    """Days from today to the last one, both included; None where collecting is over."""
    if wave.state is not WaveState.OPEN or closes_on is None:
        return None
    return max((closes_on - china_date(now)).days + 1, 0)


def _place(
    city: str, cells: Sequence[Cell], counts: _CellCounts, days: Mapping[date, int],
    left: int | None, now: datetime,
) -> Place:  # fmt: skip
    by_status = _sum(counts.values())
    tally = _tally(sum(cell.tally.target for cell in cells), by_status)
    missing = sum(cell.tally.missing for cell in cells)
    return Place(
        city_code=city,
        tally=tally,
        cells=tuple(cells),
        effective=effective_size(
            [cell.tally.target for cell in cells], [cell.tally.counted for cell in cells]
        ),
        forecast=_forecast(missing, days, left, now) if cells else None,
        days=days,
        still_missing=missing,
    )


def _all(cities: Sequence[Place], left: int | None, now: datetime) -> Place:
    """All cities together, weighted to the plan over all their cells."""
    by_status = _sum(city.tally.by_status for city in cities)
    cells = [cell for city in cities for cell in city.cells]
    days: dict[date, int] = {}
    for city in cities:
        for day, number in city.days.items():
            days[day] = days.get(day, 0) + number
    missing = sum(city.still_missing for city in cities)
    together: dict[tuple[str, str], list[Tally]] = {}
    for cell in cells:
        together.setdefault((cell.age_band, cell.gender), []).append(cell.tally)
    return Place(
        city_code=None,
        tally=_tally(sum(city.tally.target for city in cities), by_status),
        cells=tuple(
            Cell(
                *key,
                _tally(sum(t.target for t in tallies), _sum(t.by_status for t in tallies)),
            )
            for key, tallies in together.items()
        ),
        effective=effective_size(
            [cell.tally.target for cell in cells], [cell.tally.counted for cell in cells]
        ),
        forecast=_forecast(missing, days, left, now) if cells else None,
        days=days,
        still_missing=missing,
    )


def _sum(parts: Iterable[Mapping[Status, int]]) -> dict[Status, int]:
    total: dict[Status, int] = {}
    for part in parts:
        for status, number in part.items():
            total[status] = total.get(status, 0) + number
    return total


def _forecast(
    missing: int, days: Mapping[date, int], left: int | None, now: datetime
) -> Forecast | None:
    """From the complete days of the window, beginning with the first that has any interview."""
    today = china_date(now)
    recent = [days.get(today - timedelta(days=back), 0) for back in range(WINDOW, 0, -1)]
    while recent and not recent[0]:
        recent = recent[1:]
    return forecast(missing, recent, left)


# --- what to do ----------------------------------------------------------------------------------


def _concerns(city: Place, left: int | None, usual_waste: float) -> list[ToDo]:
    code = city.city_code or ""
    found = []
    late = _late_by(city, left)
    if late:
        found.append(ToDo(Concern.BEHIND, code, late, of=city.still_missing))
    beyond = sum(cell.tally.beyond for cell in city.cells)
    if beyond:
        found.append(ToDo(Concern.OVER, code, beyond))
    waste = city.waste
    if waste is not None and waste.low > usual_waste:
        too_many = round(city.tally.void - usual_waste * waste.of)
        found.append(ToDo(Concern.WASTE, code, max(too_many, 1), of=waste.of))
    return found


def _late_by(city: Place, left: int | None) -> int:
    """Interviews that will be missing on the last day at the recent pace; 0 where none should."""
    if left is None or not city.still_missing:
        return 0
    if city.forecast is None:
        return city.still_missing
    if city.forecast.chance is None or city.forecast.chance >= 0.5:
        return 0
    return max(1, round(city.still_missing - city.forecast.per_day * left))


def _waiting(session: Session, principal: Principal, wave_id: UUID, now: datetime) -> list[ToDo]:
    """Cities whose interviews wait too long for their first review."""
    query = (
        select(_RESPONSES.c.city_code, func.count())
        .where(
            _RESPONSES.c.wave_id == wave_id,
            within_reach(principal, _RESPONSES.c.city_code),
            _RESPONSES.c.status == Status.SUBMITTED,
            _RESPONSES.c.submitted_at < now - PATIENCE,
        )
        .group_by(_RESPONSES.c.city_code)
    )
    return [
        ToDo(Concern.WAITING, city, number) for city, number in session.connection().execute(query)
    ]


def _surveyors(session: Session, principal: Principal, wave_id: UUID) -> list[ToDo]:
    """Surveyors with clearly more risky interviews than usual, among those waiting for review."""
    query = (
        select(
            _RESPONSES.c.city_code, _RESPONSES.c.surveyor_id, _ACCOUNTS.c.name,
            func.count().label("assessed"),
            func.count().filter(_RISKS.c.score >= REVIEW_FROM).label("risky"),
        )
        .select_from(
            _RESPONSES.join(_RISKS, _RISKS.c.response_id == _RESPONSES.c.id).join(
                _ACCOUNTS, _ACCOUNTS.c.id == _RESPONSES.c.surveyor_id
            )
        )
        .where(
            _RESPONSES.c.wave_id == wave_id,
            within_reach(principal, _RESPONSES.c.city_code),
            _RESPONSES.c.status == Status.SUBMITTED,
        )
        .group_by(_RESPONSES.c.city_code, _RESPONSES.c.surveyor_id, _ACCOUNTS.c.name)
    )  # fmt: skip
    rows = session.connection().execute(query).all()
    assessed = sum(row.assessed for row in rows)
    usual = sum(row.risky for row in rows) / assessed if assessed else 0.0
    return [
        ToDo(Concern.SURVEYOR, row.city_code, row.risky, row.surveyor_id, row.name, of=row.assessed)
        for row in rows
        if row.risky >= FEWEST_FLAGGED and wilson(row.risky, row.assessed)[0] > usual
    ]


def _dispositions(
    session: Session, principal: Principal, wave_id: UUID, tally: Tally, now: datetime
) -> Dispositions:
    """Of links only those that can no longer be used: the others may still be answered."""
    opened = _INVITATIONS.c.opened_at.is_not(None)
    query = select(func.count().filter(opened), func.count().filter(~opened)).where(
        _INVITATIONS.c.wave_id == wave_id,
        within_reach(principal, _INVITATIONS.c.city_code),
        _INVITATIONS.c.used_at.is_(None),
        _INVITATIONS.c.expires_at < now,
    )
    broken_off, unopened = session.connection().execute(query).one()
    return Dispositions(
        complete=tally.counted, void=tally.void, refused=tally.of(Status.REFUSED),
        broken_off=broken_off, unopened=unopened, screened_out=tally.of(Status.SCREENED_OUT),
        quota_full=tally.of(Status.QUOTA_FULL),
    )  # fmt: skip
