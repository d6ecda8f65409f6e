"""Review queue: interviews by risk, within the principal's area."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from survey.access.principal import Principal, area_filter
from survey.access.roles import Action
from survey.access.work import Work
from survey.review.quality.flags import MIN_REVIEW_RISK
from survey.store.tables import (
    Account,
    Response,
    ResponseFlag,
    ResponseRisk,
    SamplingPoint,
    Status,
    StudyUnit,
    now,
    table_of,
)
from survey.waves.review_reasons import ReasonCode
from survey.waves.waves import COMPUTED_STATES, WaveSummary, list_started_waves

REVIEWABLE = (
    Status.SUBMITTED, Status.RETURNED, Status.CITY_APPROVED, Status.APPROVED, Status.VOID,
)  # fmt: skip
"""States that a reviewer can look through, in the order of an interview's life."""
ANY_FLAG = "any"
RISKY = "risky"
"""In the place of a kind of flag: all interviews with so high a risk that a person should look."""
MAX_REVIEW_WAIT = timedelta(days=2)
"""How long an interview may wait for its first review."""
NO_DURATION = 1e9
"""Where an interview without a known duration stands among those of its risk: last."""
NOT_ASSESSED = -1

_RESPONSES, _POINTS, _ACCOUNTS = table_of(Response), table_of(SamplingPoint), table_of(Account)
_FLAGS, _RISKS = table_of(ResponseFlag), table_of(ResponseRisk)
_risk = func.coalesce(_RISKS.c.score, NOT_ASSESSED)
_pace = func.coalesce(_RESPONSES.c.duration_seconds, NO_DURATION)


@dataclass(frozen=True)
class ReviewFilter:
    """Selection of interviews of a wave; fields that are None do not restrict it."""

    wave_id: UUID
    status: Status | None = Status.SUBMITTED
    city_code: str | None = None
    surveyor_id: UUID | None = None
    flag: str | None = None
    """A kind of flag; `ANY_FLAG` is any of them, `RISKY` a high risk whatever it comes from."""
    point_id: UUID | None = None
    reason: ReasonCode | None = None
    """Why it was moved where it stands."""
    overdue: bool = False
    """Only what has waited longer than `MAX_REVIEW_WAIT`."""


@dataclass(frozen=True)
class QueuePosition:
    """Position in the queue: highest risk first, then fastest, then by id."""

    risk: int
    pace: float
    id: UUID

    @classmethod
    def of(
        cls, risk: int | None, duration_seconds: float | None, response_id: UUID
    ) -> "QueuePosition":
        """Return the position in the queue; without a risk or duration it is after all others."""
        return cls(
            NOT_ASSESSED if risk is None else risk,
            NO_DURATION if duration_seconds is None else duration_seconds,
            response_id,
        )


@dataclass(frozen=True)
class QueueEntry:
    """One interview in the review queue."""

    id: UUID
    status: Status
    city_code: str
    point_name: str
    surveyor: str
    submitted_at: datetime
    duration_seconds: float | None
    risk: int | None
    """0 to 100; None where no detector has looked yet."""

    @property
    def spot(self) -> QueuePosition:
        """Position of the interview in the review queue."""
        return QueuePosition.of(self.risk, self.duration_seconds, self.id)


def list_review_waves(work: Work) -> list[WaveSummary]:
    """Return the waves of people and of venues that have started, open ones first."""
    work.require(Action.REVIEW)
    return list_started_waves(work, with_venues=True)


def find_wave_of(work: Work, *, response_id: UUID) -> UUID | None:
    """Return the wave id of an interview; None if it is not in the principal's area."""
    work.require(Action.REVIEW)
    query = select(_RESPONSES.c.wave_id).where(
        _RESPONSES.c.id == response_id, area_filter(work.principal, _RESPONSES.c.city_code)
    )
    wave_id: UUID | None = work.session.connection().execute(query).scalar_one_or_none()
    return wave_id


def count_by_status(work: Work, *, wave_id: UUID) -> dict[str, dict[Status, int]]:
    """Return city -> state -> number of interviews, in the principal's area."""
    work.require(Action.REVIEW)
    query = (
        select(_RESPONSES.c.city_code, _RESPONSES.c.status, func.count())
        .where(_RESPONSES.c.wave_id == wave_id, area_filter(work.principal, _RESPONSES.c.city_code))
        .group_by(_RESPONSES.c.city_code, _RESPONSES.c.status)
        .order_by(_RESPONSES.c.city_code)
    )
    counts: dict[str, dict[Status, int]] = {}
    for city_code, status, count in work.session.connection().execute(query):
        counts.setdefault(city_code, {})[status] = count
    return counts


def list_surveyors(work: Work, *, wave_id: UUID, city_code: str) -> list[tuple[UUID, str, int]]:
    """Return (id, name, number of interviews) of a city's surveyors in a wave, sorted by name."""
    work.require(Action.REVIEW, city_code)
    query = (
        select(_ACCOUNTS.c.id, _ACCOUNTS.c.name, func.count())
        .select_from(_RESPONSES.join(_ACCOUNTS, _ACCOUNTS.c.id == _RESPONSES.c.surveyor_id))
        .where(_RESPONSES.c.wave_id == wave_id, _RESPONSES.c.city_code == city_code)
        .group_by(_ACCOUNTS.c.id, _ACCOUNTS.c.name)
        .order_by(_ACCOUNTS.c.name, _ACCOUNTS.c.id)
    )
    return [(row[0], row[1], row[2]) for row in work.session.connection().execute(query)]


@dataclass(frozen=True)
class ReviewWork:
    """Interviews of a wave that wait in one state for a decision: how many, since when."""

    wave: WaveSummary
    status: Status
    count: int
    since: datetime
    """When the first of them was handed in."""


def list_review_work(work: Work) -> list[ReviewWork]:
    """Return what waits for a decision of the principal in waves without results, open ones first.

    Of interviews approved for their city only for who gives the second approval.
    """
    waves = {wave.id: wave for wave in list_review_waves(work) if wave.state not in COMPUTED_STATES}
    decided = [Status.SUBMITTED]
    if work.principal.may(Action.APPROVE_FINALLY):
        decided.append(Status.CITY_APPROVED)
    query = (
        select(
            _RESPONSES.c.wave_id, _RESPONSES.c.status,
            func.count(), func.min(_RESPONSES.c.submitted_at),
        )
        .where(
            _RESPONSES.c.wave_id.in_(waves),
            _RESPONSES.c.status.in_(decided),
            area_filter(work.principal, _RESPONSES.c.city_code),
        )
        .group_by(_RESPONSES.c.wave_id, _RESPONSES.c.status)
    )  # fmt: skip
    found = {(row[0], row[1]): row[2:] for row in work.session.connection().execute(query)}
    return [
        ReviewWork(wave, status, *found[wave.id, status])
        for wave in waves.values()
        for status in decided
        if (wave.id, status) in found
        # Visits of venues wait there for who signs their check.
        and (status is Status.SUBMITTED or wave.unit is StudyUnit.PERSON)
    ]


def count_queue(work: Work, *, chosen: ReviewFilter) -> int:
    """Return the number of interviews that filter `chosen` selects in the principal's area."""
    work.require(Action.REVIEW)
    query = (
        select(func.count()).select_from(_RESPONSES).where(filter_condition(work.principal, chosen))
    )
    total: int = work.session.connection().execute(query).scalar_one()
    return total


def list_queue(
    work: Work, *, chosen: ReviewFilter, after: QueuePosition | None = None, size: int = 20
) -> list[QueueEntry]:
    """Return up to `size` selected interviews after position `after`, highest risk first."""
    work.require(Action.REVIEW)
    where = filter_condition(work.principal, chosen)
    if after is not None:
        later = or_(_pace > after.pace, and_(_pace == after.pace, _RESPONSES.c.id > after.id))
        where = and_(where, or_(_risk < after.risk, and_(_risk == after.risk, later)))
    query = _select_queue().where(where).order_by(_risk.desc(), _pace, _RESPONSES.c.id).limit(size)
    return [QueueEntry(*row) for row in work.session.connection().execute(query)]


def find_previous(work: Work, *, chosen: ReviewFilter, before: QueuePosition) -> QueueEntry | None:
    """Return the selected interview just before position `before`; None if there is none."""
    work.require(Action.REVIEW)
    earlier = or_(_pace < before.pace, and_(_pace == before.pace, _RESPONSES.c.id < before.id))
    where = and_(
        filter_condition(work.principal, chosen),
        or_(_risk > before.risk, and_(_risk == before.risk, earlier)),
    )
    query = (
        _select_queue().where(where).order_by(_risk, _pace.desc(), _RESPONSES.c.id.desc()).limit(1)
    )
    row = work.session.connection().execute(query).one_or_none()
    return None if row is None else QueueEntry(*row)


def is_in_queue(work: Work, *, chosen: ReviewFilter, response_id: UUID) -> bool:
    """Return whether filter `chosen` selects an interview at this moment."""
    work.require(Action.REVIEW)
    query = select(_RESPONSES.c.id).where(
        filter_condition(work.principal, chosen), _RESPONSES.c.id == response_id
    )
    return work.session.connection().execute(query).scalar_one_or_none() is not None


def find_nearest(work: Work, *, chosen: ReviewFilter, spot: QueuePosition) -> UUID | None:
    """Return the id of the selected interview after position `spot`, else before it, else None."""
    later = list_queue(work, chosen=chosen, after=spot, size=1)
    near = later[0] if later else find_previous(work, chosen=chosen, before=spot)
    return near.id if near else None


def filter_condition(principal: Principal, chosen: ReviewFilter) -> ColumnElement[bool]:
    """Return the SQL condition of selection `chosen` within the principal's area."""
    shown = REVIEWABLE if chosen.status is None else (chosen.status,)
    parts = [
        _RESPONSES.c.wave_id == chosen.wave_id,
        area_filter(principal, _RESPONSES.c.city_code),
        _RESPONSES.c.status.in_([status for status in shown if status in REVIEWABLE]),
    ]
    if chosen.city_code is not None:
        parts.append(_RESPONSES.c.city_code == chosen.city_code)
    if chosen.surveyor_id is not None:
        parts.append(_RESPONSES.c.surveyor_id == chosen.surveyor_id)
    if chosen.overdue:
        parts.append(_RESPONSES.c.submitted_at < now() - MAX_REVIEW_WAIT)
    if chosen.flag == RISKY:
        risky = select(_RISKS.c.response_id).where(_RISKS.c.score >= MIN_REVIEW_RISK)
        parts.append(_RESPONSES.c.id.in_(risky))
    elif chosen.flag is not None:
        flagged = select(_FLAGS.c.response_id)
        if chosen.flag != ANY_FLAG:
            flagged = flagged.where(_FLAGS.c.kind == chosen.flag)
        parts.append(_RESPONSES.c.id.in_(flagged))
    if chosen.point_id is not None:
        parts.append(_RESPONSES.c.point_id == chosen.point_id)
    if chosen.reason is not None:
        code = chosen.reason.value
        parts.append(
            or_(
                _RESPONSES.c.reason == code,
                _RESPONSES.c.reason.startswith(f"{code}:", autoescape=True),
            )
        )
    return and_(*parts)


def _select_queue() -> Select[Any]:
    """Return a query of the fields of `QueueEntry`, in their order."""
    return select(
        *_RESPONSES.c["id", "status", "city_code"],
        func.coalesce(_POINTS.c.name, ""),
        func.coalesce(_ACCOUNTS.c.name, ""),
        *_RESPONSES.c["submitted_at", "duration_seconds"],
        _RISKS.c.score,
    ).select_from(
        _RESPONSES.outerjoin(_RISKS, _RISKS.c.response_id == _RESPONSES.c.id)
        .outerjoin(_POINTS, _POINTS.c.id == _RESPONSES.c.point_id)
        .outerjoin(_ACCOUNTS, _ACCOUNTS.c.id == _RESPONSES.c.surveyor_id)
    )
