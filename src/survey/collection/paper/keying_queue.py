"""Work of a typist: points to key for, sheets that wait for a round, and today's own keyings."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, select

from survey.access.principal import area_filter
from survey.access.roles import Action
from survey.access.work import Work
from survey.collection.paper.keying import KeyedSheet, list_differing_fields, read_serial
from survey.collection.paper.keying_service import (
    FIRST,
    MAX_WAVE_DURATION,
    SECOND,
    SheetAlreadyKeyedError,
    SheetNotFoundError,
    build_already_keyed_error,
    find_sheet,
)
from survey.locale import labels_of, msg
from survey.questionnaire.model import Instrument
from survey.records import build_from
from survey.store.china_time import china_date, start_of_china_day
from survey.store.tables import (
    Account,
    Assignment,
    City,
    PaperKeying,
    PaperSheet,
    PointKind,
    SamplingPoint,
    SheetState,
    StudyUnit,
    Wave,
    WaveState,
    table_of,
)
from survey.waves.instruments import load_instrument
from survey.waves.waves import get_wave

_POINTS, _WAVES, _CITIES = table_of(SamplingPoint), table_of(Wave), table_of(City)
_ASSIGNMENTS, _ACCOUNTS = table_of(Assignment), table_of(Account)
_SHEETS, _KEYINGS = table_of(PaperSheet), table_of(PaperKeying)


@dataclass(frozen=True)
class KeyingPoint:
    """A sampling point of an open wave, as named in the head of a sheet."""

    wave_key: str
    wave_title: Mapping[str, str]
    is_demo: bool
    opens_on: date | None
    instrument_id: UUID
    city_code: str
    city_name: Mapping[str, str]
    point_id: UUID
    code: str
    name: str
    kind: PointKind

    def first_day(self, now: datetime) -> date:
        """Return the first day on which an interview of the wave can have been made."""
        return self.opens_on or china_date(now) - MAX_WAVE_DURATION


@dataclass(frozen=True)
class SurveyorName:
    """Account and name of a surveyor who is assigned to a sampling point."""

    account_id: UUID
    name: str


@dataclass(frozen=True)
class TypistDayCount:
    """Sheets that the typist keyed today, and the median seconds for one."""

    sheets: int
    seconds: float | None


def list_keying_points(work: Work) -> list[KeyingPoint]:
    """Return points of open waves in the principal's area that have a surveyor assigned."""
    work.require(Action.KEY_PAPER)
    query = (
        select(
            _POINTS,
            *_WAVES.c["key", "title_zh", "title_en", "is_demo", "opens_on", "instrument_id"],
            *_CITIES.c["name_zh", "name_en"],
        )
        .join(_WAVES, _WAVES.c.id == _POINTS.c.wave_id)
        .join(_CITIES, _CITIES.c.code == _POINTS.c.city_code)
        .where(
            _WAVES.c.state == WaveState.OPEN,
            _WAVES.c.unit == StudyUnit.PERSON,
            area_filter(work.principal, _POINTS.c.city_code),
            _POINTS.c.id.in_(select(_ASSIGNMENTS.c.point_id)),
        )
        .order_by(_WAVES.c.key, _POINTS.c.code)
    )
    return [
        build_from(
            KeyingPoint,
            row,
            wave_key=row.key,
            wave_title=labels_of(row, "title"),
            city_name=labels_of(row, "name"),
            point_id=row.id,
        )
        for row in work.session.connection().execute(query)
    ]


def list_surveyors_at(work: Work, *, point_id: UUID) -> list[SurveyorName]:
    """Return surveyors assigned to a sampling point of the principal's area, sorted by name."""
    work.require(Action.KEY_PAPER)
    query = (
        select(_ACCOUNTS.c.id, _ACCOUNTS.c.name)
        .join(_ASSIGNMENTS, _ASSIGNMENTS.c.account_id == _ACCOUNTS.c.id)
        .join(_POINTS, _POINTS.c.id == _ASSIGNMENTS.c.point_id)
        .where(_POINTS.c.id == point_id, area_filter(work.principal, _POINTS.c.city_code))
        .order_by(_ACCOUNTS.c.name, _ACCOUNTS.c.id)
    )
    return [SurveyorName(*row) for row in work.session.connection().execute(query)]


def count_own_keyings(work: Work) -> TypistDayCount:
    """Count the principal's keyings since midnight in China, and their median seconds."""
    work.require(Action.KEY_PAPER)
    query = select(_KEYINGS.c.seconds).where(
        _KEYINGS.c.account_id == work.principal.account_id,
        _KEYINGS.c.created_at >= start_of_china_day(work.now),
        _KEYINGS.c.created_at < start_of_china_day(work.now) + timedelta(days=1),
    )
    keying_seconds = list(work.session.connection().execute(query).scalars())
    known = sorted(seconds for seconds in keying_seconds if seconds is not None)
    return TypistDayCount(len(keying_seconds), known[len(known) // 2] if known else None)


MAX_PENDING_SHEETS = 200
"""Sheets in one list."""
_GOING_ON = (WaveState.OPEN, WaveState.CLOSED)


@dataclass(frozen=True)
class PendingSheet:
    """A sheet that waits for another person, with the head that its first typist keyed."""

    sheet_id: UUID
    wave_key: str
    serial: str
    point_name: str
    surveyor_name: str
    interview_on: date


@dataclass(frozen=True)
class KeyingSide:
    """One of two keyings that differ, with head and answers as keyed."""

    keyed: KeyedSheet
    point_name: str
    surveyor_name: str


@dataclass(frozen=True)
class KeyingConflict:
    """Two keyings of a sheet and the fields in which they differ, in the sheet's order."""

    sheet_id: UUID
    wave_key: str
    serial: str
    is_demo: bool
    instrument: Instrument
    first: KeyingSide
    second: KeyingSide
    fields: tuple[str, ...]


def get_keying_round(work: Work, *, wave_key: str, serial: str) -> int:
    """Return the round in which the principal may key the sheet: 1 first, 2 second keying.

    The answer holds for the moment only: `submit_keying` decides.

    Raises:
        SheetAlreadyKeyedError: The principal may not key the sheet.
    """
    work.require(Action.KEY_PAPER)
    wave = get_wave(session=work.session, key=wave_key)
    sheet = find_sheet(work.session, wave.id, read_serial(serial))
    if sheet is None:
        return FIRST
    if sheet.state != SheetState.SECOND:
        raise build_already_keyed_error(work, sheet)
    if _has_keyed(work, sheet.id):
        raise SheetAlreadyKeyedError(
            msg("You have keyed this sheet yourself. Somebody else has to do this.")
        )
    return SECOND


def list_awaiting_second(work: Work) -> list[PendingSheet]:
    """Return sheets that await a second keying by the principal, the longest waiting first."""
    work.require(Action.KEY_PAPER)
    return _list_pending(work, SheetState.SECOND)


def list_awaiting_adjudication(work: Work) -> list[PendingSheet]:
    """Return sheets of the principal's area with two differing keyings by other people."""
    work.require(Action.SETTLE_PAPER)
    return _list_pending(work, SheetState.VERDICT)


def get_conflict(work: Work, *, sheet_id: UUID) -> KeyingConflict:
    """Return both differing keyings of a sheet, for a principal who has keyed neither."""
    work.require(Action.SETTLE_PAPER)
    query = (
        select(_SHEETS, _WAVES.c.key, _WAVES.c.is_demo, _WAVES.c.instrument_id)
        .join(_WAVES, _WAVES.c.id == _SHEETS.c.wave_id)
        .where(
            _SHEETS.c.id == sheet_id,
            _SHEETS.c.state == SheetState.VERDICT,
            area_filter(work.principal, _SHEETS.c.city_code),
        )
    )
    row = work.session.connection().execute(query).one_or_none()
    if row is None or _has_keyed(work, sheet_id):
        raise SheetNotFoundError(msg("This sheet does not wait for your verdict."))
    keyings = (
        select(_KEYINGS, _POINTS.c.name.label("point"), _ACCOUNTS.c.name.label("surveyor"))
        .join(_POINTS, _POINTS.c.id == _KEYINGS.c.point_id)
        .join(_ACCOUNTS, _ACCOUNTS.c.id == _KEYINGS.c.surveyor_id)
        .where(_KEYINGS.c.sheet_id == sheet_id)
    )
    sides = {
        each.number: KeyingSide(build_from(KeyedSheet, each), each.point, each.surveyor)
        for each in work.session.connection().execute(keyings)
    }
    instrument = load_instrument(session=work.session, instrument_id=row.instrument_id)
    first, second = sides[FIRST], sides[SECOND]
    return KeyingConflict(
        row.id,
        row.key,
        row.serial,
        row.is_demo,
        instrument,
        first,
        second,
        list_differing_fields(instrument, first.keyed, second.keyed),
    )


def _has_keyed(work: Work, sheet_id: UUID) -> bool:
    query = select(_KEYINGS.c.id).where(
        _KEYINGS.c.sheet_id == sheet_id, _KEYINGS.c.account_id == work.principal.account_id
    )
    return work.session.connection().execute(query).first() is not None


def _list_pending(work: Work, state: SheetState) -> list[PendingSheet]:
    first = and_(_KEYINGS.c.sheet_id == _SHEETS.c.id, _KEYINGS.c.number == FIRST)
    own = select(_KEYINGS.c.sheet_id).where(_KEYINGS.c.account_id == work.principal.account_id)
    query = (
        select(
            _SHEETS.c.id,
            _WAVES.c.key,
            _SHEETS.c.serial,
            _POINTS.c.name,
            _ACCOUNTS.c.name,
            _KEYINGS.c.interview_on,
        )
        .join(_KEYINGS, first)
        .join(_WAVES, _WAVES.c.id == _SHEETS.c.wave_id)
        .join(_POINTS, _POINTS.c.id == _KEYINGS.c.point_id)
        .join(_ACCOUNTS, _ACCOUNTS.c.id == _KEYINGS.c.surveyor_id)
        .where(
            _SHEETS.c.state == state,
            _WAVES.c.state.in_(_GOING_ON),
            area_filter(work.principal, _SHEETS.c.city_code),
            _SHEETS.c.id.not_in(own),
        )
        .order_by(_SHEETS.c.created_at, _SHEETS.c.id)
        .limit(MAX_PENDING_SHEETS)
    )
    return [PendingSheet(*row) for row in work.session.connection().execute(query)]
