"""What to do this morning: cities behind or beyond the plan, waste, waiting, surveyors."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import Session

from survey.access.principal import Principal
from survey.fieldwork.progress.model import Place
from survey.fieldwork.quality.effects import wilson
from survey.fieldwork.quality.kinds import REVIEW_FROM
from survey.fieldwork.reach import within_reach
from survey.store.core import table_of
from survey.store.tables import Account, Response, ResponseRisk, Status

PATIENCE = timedelta(days=2)
"""How long an interview may wait for its first review."""
FEWEST_FLAGGED = 3
"""Interviews at risk before a surveyor is pointed out."""

_RESPONSES, _RISKS, _ACCOUNTS = table_of(Response), table_of(ResponseRisk), table_of(Account)


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


def to_do(
    session: Session,
    principal: Principal,
    wave_id: UUID,
    cities: Iterable[Place],
    *,
    left: int | None,
    usual_waste: float,
    now: datetime,
) -> tuple[ToDo, ...]:
    """Everything that somebody should look at, what concerns most interviews first."""
    concerns = (
        *(each for city in cities for each in _concerns(city, left, usual_waste)),
        *_waiting(session, principal, wave_id, now),
        *_surveyors(session, principal, wave_id),
    )
    return tuple(
        sorted(concerns, key=lambda each: (-each.interviews, each.city_code, each.concern))
    )


def _concerns(city: Place, left: int | None, usual_waste: float) -> list[ToDo]:
    code = city.city_code or ""
    concerns = []
    late = _late_by(city, left)
    if late:
        concerns.append(ToDo(Concern.BEHIND, code, late, of=city.still_missing))
    if city.beyond:
        concerns.append(ToDo(Concern.OVER, code, city.beyond))
    waste = city.waste
    if waste is not None and waste.low > usual_waste:
        too_many = round(city.tally.void - usual_waste * waste.of)
        concerns.append(ToDo(Concern.WASTE, code, max(too_many, 1), of=waste.of))
    return concerns


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
