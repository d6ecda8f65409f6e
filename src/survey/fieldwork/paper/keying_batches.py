"""Waves, points and surveyors that a typist keys for, and the typist's own counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlmodel import Session

from survey.access.principal import Principal, area_filter
from survey.access.roles import Action
from survey.fieldwork.paper.keying_service import MAX_WAVE_DURATION
from survey.fieldwork.waves import wave_title
from survey.store.china_time import china_date, start_of_china_day
from survey.store.tables import (
    Account,
    Assignment,
    City,
    PaperKeying,
    PointKind,
    SamplingPoint,
    Wave,
    WaveState,
    table_of,
)

_POINTS, _WAVES, _CITIES = table_of(SamplingPoint), table_of(Wave), table_of(City)
_ASSIGNMENTS, _ACCOUNTS = table_of(Assignment), table_of(Account)
_KEYINGS = table_of(PaperKeying)


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
        """Return the first day on which there can be an interview."""
        return self.opens_on or china_date(now) - MAX_WAVE_DURATION


@dataclass(frozen=True)
class SurveyorName:
    """A surveyor who works at a point."""

    account_id: UUID
    name: str


@dataclass(frozen=True)
class TypistDayCount:
    """Sheets that the typist keyed today, and the median seconds for one."""

    sheets: int
    seconds: float | None


def list_keying_points(*, session: Session, principal: Principal) -> list[KeyingPoint]:
    """Return the sampling points with surveyors, of open waves in the principal's area."""
    principal.require(Action.KEY_PAPER)
    query = (
        select(
            _POINTS, _WAVES.c.key, _WAVES.c.title_zh, _WAVES.c.title_en, _WAVES.c.is_demo,
            _WAVES.c.opens_on, _WAVES.c.instrument_id, _CITIES.c.name_zh, _CITIES.c.name_en,
        )
        .join(_WAVES, _WAVES.c.id == _POINTS.c.wave_id)
        .join(_CITIES, _CITIES.c.code == _POINTS.c.city_code)
        .where(
            _WAVES.c.state == WaveState.OPEN,
            area_filter(principal, _POINTS.c.city_code),
            _POINTS.c.id.in_(select(_ASSIGNMENTS.c.point_id)),
        )
        .order_by(_WAVES.c.key, _POINTS.c.code)
    )  # fmt: skip
    return [
        KeyingPoint(
            row.key, wave_title(row), row.is_demo, row.opens_on,
            row.instrument_id, row.city_code, {"zh": row.name_zh, "en": row.name_en},
            row.id, row.code, row.name, row.kind,
        )
        for row in session.connection().execute(query)
    ]  # fmt: skip


def list_surveyors_at(
    *, session: Session, principal: Principal, point_id: UUID
) -> list[SurveyorName]:
    """Return the surveyors of a point in the principal's area, by name."""
    principal.require(Action.KEY_PAPER)
    query = (
        select(_ACCOUNTS.c.id, _ACCOUNTS.c.name)
        .join(_ASSIGNMENTS, _ASSIGNMENTS.c.account_id == _ACCOUNTS.c.id)
        .join(_POINTS, _POINTS.c.id == _ASSIGNMENTS.c.point_id)
        .where(_POINTS.c.id == point_id, area_filter(principal, _POINTS.c.city_code))
        .order_by(_ACCOUNTS.c.name, _ACCOUNTS.c.id)
    )
    return [SurveyorName(row.id, row.name) for row in session.connection().execute(query)]


def count_own_keyings(*, session: Session, principal: Principal, now: datetime) -> TypistDayCount:
    """Count the principal's own keyings since midnight in China."""
    principal.require(Action.KEY_PAPER)
    query = select(_KEYINGS.c.seconds).where(
        _KEYINGS.c.account_id == principal.account_id,
        _KEYINGS.c.created_at >= start_of_china_day(now),
        _KEYINGS.c.created_at < start_of_china_day(now) + timedelta(days=1),
    )
    keying_seconds = list(session.connection().execute(query).scalars())
    known = sorted(seconds for seconds in keying_seconds if seconds is not None)
    return TypistDayCount(len(keying_seconds), known[len(known) // 2] if known else None)
