"""Counts of a wave's interviews by city and state of review, before anything is computed."""

from dataclasses import dataclass

from sqlalchemy import func, select

from survey.access.roles import Action
from survey.access.work import Work
from survey.review.quality.flags import MIN_REVIEW_RISK
from survey.store.tables import Response, ResponseRisk, Status, table_of
from survey.waves.waves import COMPUTED_STATES, get_wave

WAITING = (Status.SUBMITTED, Status.RETURNED, Status.CITY_APPROVED)
"""States of interviews that are finished and on which a reviewer has not decided."""
_RESPONSES, _RISKS = table_of(Response), table_of(ResponseRisk)


@dataclass(frozen=True)
class ReviewCounts:
    """Numbers of interviews of one city: approved, waiting for review, flagged of these, void."""

    city_code: str
    approved: int
    waiting: int
    flagged: int
    """Of those that wait, how many were marked by the detectors."""
    void: int


def list_review_counts(work: Work, *, key: str) -> list[ReviewCounts]:
    """Return each city's approved, waiting and void interviews; [] once the wave has results.

    Then they are what the results hide (docs/disclosure.md, section 12). Raises
    `NotFoundError`.
    """
    work.require(Action.READ_PLAN)
    work.require(Action.FOLLOW_FIELDWORK)
    wave = get_wave(session=work.session, key=key)
    if wave.state in COMPUTED_STATES:
        return []
    waiting = _RESPONSES.c.status.in_(WAITING)
    query = (
        select(
            _RESPONSES.c.city_code,
            func.count().filter(_RESPONSES.c.status == Status.APPROVED),
            func.count().filter(waiting),
            func.count().filter(waiting, _RISKS.c.score >= MIN_REVIEW_RISK),
            func.count().filter(_RESPONSES.c.status == Status.VOID),
        )
        .select_from(_RESPONSES.outerjoin(_RISKS, _RISKS.c.response_id == _RESPONSES.c.id))
        .where(_RESPONSES.c.wave_id == wave.id)
        .group_by(_RESPONSES.c.city_code)
        .order_by(_RESPONSES.c.city_code)
    )
    return [ReviewCounts(*row) for row in work.session.connection().execute(query)]
