"""Sampling points assigned to a surveyor, and the interviews still to be made there."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, func, or_, select
from sqlmodel import Session

from survey.access.principal import AccessDeniedError, Principal
from survey.access.roles import Action
from survey.access.work import Work
from survey.locale import labels_of, msg
from survey.records import build_from
from survey.store.china_time import start_of_china_day
from survey.store.tables import (
    AnyRow,
    Assignment,
    City,
    Mode,
    PointKind,
    QuotaCell,
    QuotaMargin,
    Response,
    SamplingPoint,
    StudyUnit,
    VenueRevisit,
    VenueVisit,
    Wave,
    WaveState,
    table_of,
)
from survey.waves.overlap import AT_OVERLAP, OVERLAPS, asked_instrument
from survey.waves.quotas import COUNTED_STATUSES, NEVER_STOPPING_DIMENSIONS

_POINTS, _WAVES, _ASSIGNMENTS = table_of(SamplingPoint), table_of(Wave), table_of(Assignment)
_CITIES, _CELLS, _RESPONSES = table_of(City), table_of(QuotaCell), table_of(Response)
_MARGINS, _VISITS, _REVISITS = table_of(QuotaMargin), table_of(VenueVisit), table_of(VenueRevisit)
_ASSIGNED = (
    select(
        *_POINTS.c["id", "code", "city_code", "wave_id"],
        *_WAVES.c["key", "state"],
        asked_instrument(),
        *_WAVES.c["is_demo", "unit"],
        _POINTS.c.asks_earlier,
    )
    .join(_WAVES, _WAVES.c.id == _POINTS.c.wave_id)
    .outerjoin(OVERLAPS, AT_OVERLAP)
    .join(_ASSIGNMENTS, _ASSIGNMENTS.c.point_id == _POINTS.c.id)
    .where(_ASSIGNMENTS.c.account_id == bindparam("account"), _POINTS.c.id == bindparam("point"))
)
"""The fields of `AssignedPoint`, in their order."""


@dataclass(frozen=True)
class AssignedPoint:
    """A sampling point assigned to the surveyor, and the wave it belongs to."""

    point_id: UUID
    point_code: str
    city_code: str
    wave_id: UUID
    wave_key: str
    wave_state: WaveState
    instrument_id: UUID
    """The questionnaire that is asked here: that of the wave, or the earlier one of its overlap."""
    is_demo: bool
    unit: StudyUnit
    asks_earlier: bool


def get_assigned_point(work: Work, *, point_id: UUID) -> AssignedPoint:
    """Return a point assigned to the principal, and its wave; raise `AccessDeniedError` for others.

    Raises:
        AccessDeniedError: It is not assigned to the principal, or does not exist.
    """
    return require_assigned_point(work.session, work.principal, point_id)


def require_assigned_point(session: Session, principal: Principal, point_id: UUID) -> AssignedPoint:
    """Return a point in the principal's area, assigned to it; else raise `AccessDeniedError`."""
    principal.require(Action.INTERVIEW)
    point = find_assigned_point(session=session, account_id=principal.account_id, point_id=point_id)
    if point is None:
        raise AccessDeniedError(msg("This sampling point is not assigned to you."))
    if not principal.covers_point(point.city_code, point.point_code):
        raise AccessDeniedError(msg("This sampling point is outside your area."))
    return point


def require_people(point: AssignedPoint) -> None:
    """Raise `AccessDeniedError` for a venue: it is observed, and nobody there gets a link."""
    if point.unit is StudyUnit.VENUE:
        raise AccessDeniedError(msg("A venue is observed; nobody there is sent a link."))


def find_assigned_point(
    *, session: Session, account_id: UUID, point_id: UUID
) -> AssignedPoint | None:
    """Return the point if the account is assigned to it, else None; no permission is checked."""
    parameters = {"account": account_id, "point": point_id}
    row = session.connection().execute(_ASSIGNED, parameters).one_or_none()
    return None if row is None else AssignedPoint(*tuple(row))


@dataclass(frozen=True)
class QuotaProgress:
    """Target and count of one quota of a city: a cell or a marginal quota."""

    groups: tuple[str, ...]
    """Whom it is for, for example `gender=male` and `age_band=25-34`."""
    target: int
    collected: int

    @property
    def missing(self) -> int:
        """Interviews that the quota still asks for."""
        return max(self.target - self.collected, 0)


@dataclass(frozen=True)
class SurveyorTask:
    """One sampling point of the surveyor in an open wave, with what is left to do there."""

    wave_key: str
    wave_title: Mapping[str, str]
    is_demo: bool
    city_code: str
    city_name: Mapping[str, str]
    point_id: UUID
    point_code: str
    point_name: str
    point_kind: PointKind
    stratum: str
    """Urban or rural; of a venue its type."""
    unit: StudyUnit
    target: int
    collected: int
    """Valid interviews at this point so far, whoever made them; at a venue one's own visits, so
    that nobody learns whether another observer was there."""
    mine: int
    mine_today: int
    offered_mode: Mode | None
    """What the mode experiment of the wave offers here first; None without one."""
    is_done: bool
    """Whether the observer has sent the visit of this venue; never of a point with interviews."""
    quota: tuple[QuotaProgress, ...]
    """Quotas of the whole city, which all its surveyors fill together."""


def list_tasks(work: Work) -> list[SurveyorTask]:
    """Return the principal's points in open waves, sorted by wave and point, venues last."""
    work.require(Action.INTERVIEW)
    rows = [
        row
        for row in _list_assigned_points(work.session, work.principal.account_id)
        if work.principal.covers_point(row.city_code, row.code)
    ]
    if not rows:
        return []
    collected = _count_collected(work.session, rows)
    mine, today = _count_own(
        work.session, work.principal.account_id, rows, start_of_china_day(work.now)
    )
    quota = _list_quota_progress(work.session, [(row.wave_id, row.city_code) for row in rows])
    visited = _list_visited_venues(work.session, work.principal.account_id)
    return [
        build_from(
            SurveyorTask,
            row,
            wave_key=row.key,
            wave_title=labels_of(row, "title"),
            city_name=labels_of(row, "name"),
            point_id=row.id,
            point_code=row.code,
            point_name=row.name,
            point_kind=row.kind,
            collected=(mine if row.unit is StudyUnit.VENUE else collected).get(row.id, 0),
            mine=mine.get(row.id, 0),
            mine_today=today.get(row.id, 0),
            is_done=row.id in visited,
            quota=tuple(quota[row.wave_id, row.city_code]),
        )
        for row in rows
    ]


def list_unfilled_quotas(work: Work, *, point_id: UUID) -> list[QuotaProgress] | None:
    """Return unfilled quotas of the point's city, biggest gap first; None if it has none at all."""
    point = get_assigned_point(work, point_id=point_id)
    key = (point.wave_id, point.city_code)
    quotas = _list_quota_progress(work.session, [key])[key]
    if not quotas:
        return None
    return sorted(
        (quota for quota in quotas if quota.missing),
        key=lambda quota: (-quota.missing, quota.groups),
    )


def _list_assigned_points(session: Session, account_id: UUID) -> Sequence[AnyRow]:
    query = (
        select(
            *_POINTS.c["id", "code", "name", "kind", "stratum", "target", "city_code", "wave_id"],
            _POINTS.c.offered_mode,
            *_WAVES.c["key", "title_zh", "title_en", "is_demo", "unit"],
            *_CITIES.c["name_zh", "name_en"],
        )
        .select_from(_ASSIGNMENTS)
        .join(_POINTS, _POINTS.c.id == _ASSIGNMENTS.c.point_id)
        .join(_WAVES, _WAVES.c.id == _POINTS.c.wave_id)
        .join(_CITIES, _CITIES.c.code == _POINTS.c.city_code)
        .where(_ASSIGNMENTS.c.account_id == account_id, _WAVES.c.state == WaveState.OPEN)
        .order_by(_WAVES.c.unit, _WAVES.c.key, _POINTS.c.code)
    )
    return session.connection().execute(query).all()


def _count_collected(session: Session, rows: Sequence[AnyRow]) -> dict[UUID, int]:
    query = (
        select(_RESPONSES.c.point_id, func.count())
        .where(
            _RESPONSES.c.wave_id.in_({row.wave_id for row in rows}),
            _RESPONSES.c.city_code.in_({row.city_code for row in rows}),
            _RESPONSES.c.status.in_(COUNTED_STATUSES),
            _RESPONSES.c.point_id.in_([row.id for row in rows]),
        )
        .group_by(_RESPONSES.c.point_id)
    )
    return {row[0]: row[1] for row in session.connection().execute(query)}


def _count_own(
    session: Session, account_id: UUID, rows: Sequence[AnyRow], midnight: datetime
) -> tuple[dict[UUID, int], dict[UUID, int]]:
    query = (
        select(
            _RESPONSES.c.point_id,
            func.count().label("mine"),
            func.count().filter(_RESPONSES.c.submitted_at >= midnight).label("today"),
        )
        .where(
            _RESPONSES.c.surveyor_id == account_id,
            _RESPONSES.c.status.in_(COUNTED_STATUSES),
            _RESPONSES.c.point_id.in_([row.id for row in rows]),
        )
        .group_by(_RESPONSES.c.point_id)
    )
    point_counts = session.connection().execute(query).all()
    return {row.point_id: row.mine for row in point_counts}, {
        row.point_id: row.today for row in point_counts
    }


def _list_visited_venues(session: Session, account_id: UUID) -> set[UUID]:
    """Return the ids of venues that the observer has visited in the present round of each."""
    query = (
        select(_VISITS.c.point_id)
        .outerjoin(_REVISITS, _REVISITS.c.point_id == _VISITS.c.point_id)
        .where(
            _VISITS.c.observer_id == account_id,
            or_(_REVISITS.c.point_id.is_(None), _VISITS.c.round > 1),
        )
    )
    return set(session.connection().execute(query).scalars())


def _list_quota_progress(
    session: Session, points: Sequence[tuple[UUID, str]]
) -> defaultdict[tuple[UUID, str], list[QuotaProgress]]:
    """Return (wave id, city) -> its quotas: cells first, then marginal quotas.

    Where ages and genders have marginal quotas, cells are left out.
    """
    waves, cities = {wave_id for wave_id, _ in points}, {city for _, city in points}
    connection = session.connection()
    rows = connection.execute(
        select(_MARGINS)
        .where(
            _MARGINS.c.wave_id.in_(waves),
            _MARGINS.c.city_code.in_(cities),
            _MARGINS.c.dimension.not_in(NEVER_STOPPING_DIMENSIONS),
        )
        .order_by(_MARGINS.c.dimension, _MARGINS.c.category)
    ).all()
    apart = {row.wave_id for row in rows if row.dimension == "age_band"}
    cells = connection.execute(
        select(_CELLS)
        .where(_CELLS.c.wave_id.in_(waves - apart), _CELLS.c.city_code.in_(cities))
        .order_by(_CELLS.c.age_band, _CELLS.c.gender)
    )
    quotas: defaultdict[tuple[UUID, str], list[QuotaProgress]] = defaultdict(list)
    for row in cells:
        groups = (f"gender={row.gender}", f"age_band={row.age_band}")
        quotas[row.wave_id, row.city_code].append(QuotaProgress(groups, row.target, row.collected))
    for row in rows:
        quotas[row.wave_id, row.city_code].append(
            QuotaProgress((f"{row.dimension}={row.category}",), row.target, row.collected)
        )
    return quotas
