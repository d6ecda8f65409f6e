"""Alerts: cities behind or beyond the plan, void interviews, waiting reviews, surveyors."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select

from survey.access.principal import area_filter
from survey.access.work import Work
from survey.fieldwork.progress.tallies import AreaProgress
from survey.fieldwork.quality.flags import MIN_REVIEW_RISK
from survey.fieldwork.quality.interviewer_effect import wilson
from survey.fieldwork.review.review_queue import MAX_REVIEW_WAIT
from survey.store.tables import Account, Response, ResponseRisk, Status, table_of

MIN_FLAGGED = 3
"""Interviews at risk before a surveyor is pointed out."""

_RESPONSES, _RISKS, _ACCOUNTS = table_of(Response), table_of(ResponseRisk), table_of(Account)


class AlertKind(StrEnum):
    """Reason for an alert."""

    BEHIND = "behind"
    NO_PACE = "no_pace"
    WASTE = "waste"
    OVER = "over"
    WAITING = "waiting"
    SURVEYOR = "surveyor"


@dataclass(frozen=True)
class Alert:
    """One alert, ranked by the number of interviews it concerns."""

    concern: AlertKind
    city_code: str
    interviews: int
    surveyor_id: UUID | None = None
    surveyor: str = ""
    of: int = 0
    """Of how many, where that says something."""


def list_alerts(
    work: Work,
    wave_id: UUID,
    cities: Iterable[AreaProgress],
    *,
    left: int | None,
    usual_waste: float,
) -> tuple[Alert, ...]:
    """Return all alerts in the principal's area, those about most interviews first."""
    concerns = (
        *(each for city in cities for each in _list_city_alerts(city, left, usual_waste)),
        *_list_waiting_alerts(work, wave_id),
        *_list_surveyor_alerts(work, wave_id),
    )
    return tuple(
        sorted(concerns, key=lambda each: (-each.interviews, each.city_code, each.concern))
    )


def _list_city_alerts(city: AreaProgress, left: int | None, usual_waste: float) -> list[Alert]:
    code = city.city_code or ""
    concerns = []
    late = _estimate_shortfall(city, left)
    if late:
        # Without a pace nothing can be said of the last day, only of today.
        kind = AlertKind.NO_PACE if city.forecast is None else AlertKind.BEHIND
        concerns.append(Alert(kind, code, late, of=city.still_missing))
    if city.beyond:
        concerns.append(Alert(AlertKind.OVER, code, city.beyond))
    waste = city.waste
    if waste is not None and waste.low > usual_waste:
        too_many = round(city.tally.void - usual_waste * waste.of)
        concerns.append(Alert(AlertKind.WASTE, code, max(too_many, 1), of=waste.of))
    return concerns


def _estimate_shortfall(city: AreaProgress, left: int | None) -> int:
    """Return interviews that will be missing on the last day at the recent pace."""
    if left is None or not city.still_missing:
        return 0
    if city.forecast is None:
        return city.still_missing
    if city.forecast.chance is None or city.forecast.chance >= 0.5:
        return 0
    return max(1, round(city.still_missing - city.forecast.per_day * left))


def _list_waiting_alerts(work: Work, wave_id: UUID) -> list[Alert]:
    """Return alerts for cities whose interviews wait too long for their first review."""
    query = (
        select(_RESPONSES.c.city_code, func.count())
        .where(
            _RESPONSES.c.wave_id == wave_id,
            area_filter(work.principal, _RESPONSES.c.city_code),
            _RESPONSES.c.status == Status.SUBMITTED,
            _RESPONSES.c.submitted_at < work.now - MAX_REVIEW_WAIT,
        )
        .group_by(_RESPONSES.c.city_code)
    )
    return [
        Alert(AlertKind.WAITING, city, number)
        for city, number in work.session.connection().execute(query)
    ]


def _list_surveyor_alerts(work: Work, wave_id: UUID) -> list[Alert]:
    """Return alerts for surveyors with clearly more risky interviews than usual."""
    query = (
        select(
            _RESPONSES.c.city_code,
            _RESPONSES.c.surveyor_id,
            _ACCOUNTS.c.name,
            func.count().label("assessed"),
            func.count().filter(_RISKS.c.score >= MIN_REVIEW_RISK).label("risky"),
        )
        .select_from(
            _RESPONSES.join(_RISKS, _RISKS.c.response_id == _RESPONSES.c.id).join(
                _ACCOUNTS, _ACCOUNTS.c.id == _RESPONSES.c.surveyor_id
            )
        )
        .where(
            _RESPONSES.c.wave_id == wave_id,
            area_filter(work.principal, _RESPONSES.c.city_code),
            _RESPONSES.c.status == Status.SUBMITTED,
        )
        .group_by(_RESPONSES.c.city_code, _RESPONSES.c.surveyor_id, _ACCOUNTS.c.name)
    )
    rows = work.session.connection().execute(query).all()
    assessed = sum(row.assessed for row in rows)
    usual = sum(row.risky for row in rows) / assessed if assessed else 0.0
    return [
        Alert(
            AlertKind.SURVEYOR, row.city_code, row.risky, row.surveyor_id, row.name, of=row.assessed
        )
        for row in rows
        if row.risky >= MIN_FLAGGED and wilson(row.risky, row.assessed)[0] > usual
    ]
