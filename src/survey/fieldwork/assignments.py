"""Which sampling points a person works at; nobody works anywhere else."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlmodel import Session

from survey.access.principal import AccessDeniedError, Action, Principal
from survey.locale import msg
from survey.store.tables import Assignment, SamplingPoint, Wave, WaveState, table_of

_POINTS, _WAVES, _ASSIGNMENTS = table_of(SamplingPoint), table_of(Wave), table_of(Assignment)
_ASSIGNED = (
    select(
        _POINTS.c.id, _POINTS.c.city_code, _POINTS.c.wave_id, _WAVES.c.key, _WAVES.c.state,
        _WAVES.c.instrument_id, _WAVES.c.is_demo, _POINTS.c.code,
    )
    .join(_WAVES, _WAVES.c.id == _POINTS.c.wave_id)
    .join(_ASSIGNMENTS, _ASSIGNMENTS.c.point_id == _POINTS.c.id)
    .where(
        _ASSIGNMENTS.c.account_id == bindparam("account"), _POINTS.c.id == bindparam("point")
    )
)  # fmt: skip


@dataclass(frozen=True)
class AssignedPoint:
    """A sampling point at which the asking surveyor may collect, and the wave it belongs to."""

    point_id: UUID
    point_code: str
    city_code: str
    wave_id: UUID
    wave_key: str
    wave_state: WaveState
    instrument_id: UUID
    is_demo: bool


def get_assigned_point(*, session: Session, principal: Principal, point_id: UUID) -> AssignedPoint:
    """The point, if it is one of the principal's own; a point that is not there reads the same."""
    principal.require(Action.INTERVIEW)
    point = find_assigned_point(session=session, account_id=principal.account_id, point_id=point_id)
    if point is None:
        raise AccessDeniedError(msg("This sampling point is not assigned to you."))
    if not principal.covers_point(point.city_code, point.point_code):
        raise AccessDeniedError(msg("This sampling point is outside your area."))
    return point


def find_assigned_point(
    *, session: Session, account_id: UUID, point_id: UUID
) -> AssignedPoint | None:
    """The point if that account is assigned to it; decides nothing about who is asking."""
    parameters = {"account": account_id, "point": point_id}
    row = session.connection().execute(_ASSIGNED, parameters).one_or_none()
    if row is None:
        return None
    return AssignedPoint(
        row.id, row.code, row.city_code, row.wave_id, row.key, row.state, row.instrument_id,
        row.is_demo,
    )  # fmt: skip
