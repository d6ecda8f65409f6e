"""Collection context of an interview: by invitation, by assignment or from a paper sheet."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from survey.access.principal import AccessDeniedError, Principal
from survey.access.roles import Action
from survey.access.work import Work
from survey.collection.invitations import get_usable_invitation
from survey.locale import SurveyError, msg
from survey.store.tables import Mode, StudyUnit, WaveState
from survey.waves.assignments import AssignedPoint, find_assigned_point, require_assigned_point
from survey.waves.waves import WaveNotOpenError


class PointAssignmentError(SurveyError):
    """Raised when the surveyor named on a sheet is not assigned to its sampling point."""

    code = "not_at_this_point"


@dataclass(frozen=True)
class CollectionContext:
    """Wave, point, surveyor and mode of an interview."""

    wave_id: UUID
    city_code: str
    point_id: UUID
    surveyor_id: UUID
    invitation_id: UUID | None
    instrument_id: UUID
    is_demo: bool
    mode: Mode
    unit: StudyUnit = StudyUnit.PERSON

    @property
    def columns(self) -> dict[str, Any]:
        """Return the columns of `Response` that the context fills."""
        return {name: value for name, value in vars(self).items() if name != "unit"}

    @property
    def author_id(self) -> UUID | None:
        """Account that keyed the answers on site; None for respondents."""
        return self.surveyor_id if self.mode is Mode.ASSISTED else None


def context_from_invitation(*, session: Session, token: str, now: datetime) -> CollectionContext:
    """Return the context that an invitation is bound to."""
    invitation = get_usable_invitation(session=session, token=token, now=now)
    return CollectionContext(
        wave_id=invitation.wave_id,
        city_code=invitation.city_code,
        point_id=invitation.point_id,
        surveyor_id=invitation.surveyor_id,
        invitation_id=invitation.id,
        instrument_id=invitation.instrument_id,
        is_demo=invitation.is_demo,
        mode=Mode.SELF,
    )


def context_from_assignment(
    *, session: Session, principal: Principal | None, point_id: UUID
) -> CollectionContext:
    """Return the context of a sampling point assigned to the principal."""
    if principal is None:
        raise AccessDeniedError(msg("Please sign in first."))
    point = require_assigned_point(session, principal, point_id)
    if point.wave_state != WaveState.OPEN:
        raise WaveNotOpenError
    return _build_context_at_point(point, principal.account_id, Mode.ASSISTED)


def context_from_paper(
    work: Work, *, action: Action, point_id: UUID, surveyor_id: UUID, states: Collection[WaveState]
) -> CollectionContext:
    """Return the context named on a paper sheet; its point must lie in the principal's area."""
    work.require(action)
    point = find_assigned_point(session=work.session, account_id=surveyor_id, point_id=point_id)
    if point is None or point.unit is StudyUnit.VENUE:
        raise PointAssignmentError(msg("This surveyor does not work at this sampling point."))
    work.require(action, point.city_code)
    if point.wave_state not in states:
        raise WaveNotOpenError
    return _build_context_at_point(point, surveyor_id, Mode.PAPER)


def _build_context_at_point(
    point: AssignedPoint, surveyor_id: UUID, mode: Mode
) -> CollectionContext:
    return CollectionContext(
        wave_id=point.wave_id,
        city_code=point.city_code,
        point_id=point.point_id,
        surveyor_id=surveyor_id,
        invitation_id=None,
        instrument_id=point.instrument_id,
        is_demo=point.is_demo,
        mode=mode,
        unit=point.unit,
    )
