"""Finished interviews of a wave as they are stored, read for the detectors."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Table, and_, case, func, select, true
from sqlmodel import Session

from survey.review.quality.response_arrays import RawResponse
from survey.store.tables import (
    Assignment,
    Invitation,
    Mode,
    QuotaCell,
    Response,
    ResponseRevision,
    SamplingPoint,
    Status,
    Wave,
    WavePlan,
    revision_join,
    table_of,
)
from survey.waves.quotas import COUNTED_STATUSES
from survey.waves.waves import require_answers_present

FINISHED = COUNTED_STATUSES | {Status.VOID}
"""What is assessed: whole interviews, the void ones too, so that a restored one has its flags."""
_READ_BATCH_SIZE = 4_000
_ANY_DAY = (None, None)

_RESPONSES, _REVISIONS = table_of(Response), table_of(ResponseRevision)
_CELLS, _PLANS, _WAVES = table_of(QuotaCell), table_of(WavePlan), table_of(Wave)
_POINTS, _ASSIGNMENTS = table_of(SamplingPoint), table_of(Assignment)
_INVITATIONS = table_of(Invitation)
_TARGET = case((_PLANS.c.crossed.is_(False), None), else_=_CELLS.c.target)
"""Under marginal quotas a cell is only what is expected of it and cannot be overfilled."""


@dataclass(frozen=True)
class _PlannedWork:
    """Days and surveyors planned for the sampling points of a wave."""

    days: Mapping[UUID | None, tuple[date | None, date | None]]
    surveyors: Mapping[UUID, frozenset[UUID]]

    @classmethod
    def read(
        cls, session: Session, wave_id: UUID, cities: Collection[str] | None
    ) -> "_PlannedWork":
        """Read days and surveyors of each point; a point without days of its own has the wave's."""
        there = (_POINTS.c.wave_id == wave_id) & _build_city_condition(_POINTS, cities)
        points = (
            select(
                _POINTS.c.id,
                func.coalesce(_POINTS.c.opens_on, _WAVES.c.opens_on).label("first"),
                func.coalesce(_POINTS.c.closes_on, _WAVES.c.closes_on).label("last"),
            )
            .join(_WAVES, _WAVES.c.id == _POINTS.c.wave_id)
            .where(there)
        )
        assigned = (
            select(_ASSIGNMENTS.c.point_id, _ASSIGNMENTS.c.account_id)
            .join(_POINTS, _POINTS.c.id == _ASSIGNMENTS.c.point_id)
            .where(there)
        )
        surveyors: defaultdict[UUID, set[UUID]] = defaultdict(set)
        connection = session.connection()
        for row in connection.execute(assigned):
            surveyors[row.point_id].add(row.account_id)
        return cls(
            {row.id: (row.first, row.last) for row in connection.execute(points)},
            {point: frozenset(people) for point, people in surveyors.items()},
        )

    def covers(self, surveyor_id: UUID | None, point_id: UUID | None) -> bool:
        """Return whether a surveyor is assigned to a point; True if nobody is, or one is None."""
        own = self.surveyors.get(point_id) if point_id is not None else None
        return own is None or surveyor_id is None or surveyor_id in own


def count_stored_interviews(session: Session, wave_id: UUID) -> Mapping[str, int]:
    """Return city -> number of interviews that `stored_interviews` yields, sorted by city."""
    query = (
        select(_RESPONSES.c.city_code, func.count().label("interviews"))
        .where(_build_assessed_condition(wave_id))
        .group_by(_RESPONSES.c.city_code)
        .order_by(_RESPONSES.c.city_code)
    )
    return {row.city_code: row.interviews for row in session.connection().execute(query)}


def stored_interviews(
    session: Session, wave_id: UUID, cities: Collection[str] | None = None
) -> Iterator[RawResponse]:
    """Yield finished interviews of a wave (in `cities` if given) with current answers, in no order.

    Of a withdrawn one nothing is left that could be assessed.

    Args:
        cities: the only ones to read; None: all.
    """
    require_answers_present(session=session, wave_id=wave_id)
    work = _PlannedWork.read(session, wave_id, cities)
    streaming = {"yield_per": _READ_BATCH_SIZE}
    rows = session.connection().execute(_build_query(wave_id, cities), execution_options=streaming)
    for row in rows:
        yield RawResponse(
            row.id,
            row.city_code,
            row.point_id,
            row.surveyor_id,
            row.mode,
            row.started_at,
            row.submitted_at,
            row.duration_seconds,
            row.status in COUNTED_STATUSES,
            row.quota_cell_id,
            row.target,
            row.answers,
            row.timings,
            row.device_sha256 if row.mode == Mode.SELF else None,
            *work.days.get(row.point_id, _ANY_DAY),
            work.covers(row.surveyor_id, row.point_id),
            row.language,
        )


def _build_query(wave_id: UUID, cities: Collection[str] | None) -> Select[tuple[object, ...]]:
    return (
        select(
            *_RESPONSES.c["id", "city_code", "point_id", "surveyor_id", "mode", "started_at"],
            *_RESPONSES.c["submitted_at", "duration_seconds", "status", "quota_cell_id"],
            _TARGET.label("target"),
            *_REVISIONS.c["answers", "timings"],
            _INVITATIONS.c.device_sha256,
            _RESPONSES.c.language,
        )
        .select_from(_RESPONSES)
        .join(_REVISIONS, revision_join(_RESPONSES, _REVISIONS))
        .outerjoin(_CELLS, _CELLS.c.id == _RESPONSES.c.quota_cell_id)
        .outerjoin(_INVITATIONS, _INVITATIONS.c.id == _RESPONSES.c.invitation_id)
        .outerjoin(_PLANS, _PLANS.c.wave_id == _RESPONSES.c.wave_id)
        .where(
            _build_assessed_condition(wave_id),
            _build_city_condition(_RESPONSES, cities),
            _REVISIONS.c.is_current,
        )
    )


def _build_assessed_condition(wave_id: UUID) -> ColumnElement[bool]:
    return and_(
        _RESPONSES.c.wave_id == wave_id,
        _RESPONSES.c.status.in_(FINISHED),
        _RESPONSES.c.withdrawn_at.is_(None),
    )


def _build_city_condition(table: Table, cities: Collection[str] | None) -> ColumnElement[bool]:
    return true() if cities is None else table.c.city_code.in_(cities)
