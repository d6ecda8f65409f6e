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
from survey.locale import RefusedError, msg
from survey.records import build_from
from survey.store.tables import Mode, StudyUnit, WaveState
from survey.waves.assignments import AssignedPoint, find_assigned_point, require_assigned_point
from survey.waves.waves import WaveNotOpenError


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
        """Values for a new `Response` row, as column name -> value: wave, point, surveyor, mode."""
        return {name: value for name, value in vars(self).items() if name != "unit"}

    @property
    def author_id(self) -> UUID | None:
        """Account that keyed the answers on site; None for respondents."""
        return self.surveyor_id if self.mode is Mode.ASSISTED else None


def context_from_invitation(*, session: Session, token: str, now: datetime) -> CollectionContext:
    """Return the context of an interview by link; raise if this is unknown, used or not valid."""
    invitation = get_usable_invitation(session=session, token=token, now=now)
    own = {"invitation_id": invitation.id, "mode": Mode.SELF, "unit": StudyUnit.PERSON}
    return build_from(CollectionContext, invitation, **own)


def context_from_assignment(
    *, session: Session, principal: Principal | None, point_id: UUID
) -> CollectionContext:
    """Return the context of an interview at an open point assigned to the principal."""
    if principal is None:
        raise AccessDeniedError(msg("Please sign in first."))
    point = require_assigned_point(session, principal, point_id)
    if point.wave_state != WaveState.OPEN:
        raise WaveNotOpenError
    return _build_context_at_point(point, principal.account_id, Mode.ASSISTED)


def context_from_paper(
    work: Work, *, action: Action, point_id: UUID, surveyor_id: UUID, states: Collection[WaveState]
) -> CollectionContext:
    """Return the context of a paper sheet; raise unless `action` and wave `states` allow it."""
    work.require(action)
    point = find_assigned_point(session=work.session, account_id=surveyor_id, point_id=point_id)
    if point is None or point.unit is StudyUnit.VENUE:
        raise RefusedError(
            "not_at_this_point", msg("This surveyor does not work at this sampling point.")
        )
    work.require(action, point.city_code)
    if point.asks_earlier:
        raise RefusedError(
            "not_at_this_point",
            msg(
                "At this sampling point the earlier questionnaire is asked. Sheets of paper are "
                "printed for the questionnaire of the wave."
            ),
        )
    if point.wave_state not in states:
        raise WaveNotOpenError
    return _build_context_at_point(point, surveyor_id, Mode.PAPER)


def _build_context_at_point(
    point: AssignedPoint, surveyor_id: UUID, mode: Mode
) -> CollectionContext:
    own = {"surveyor_id": surveyor_id, "invitation_id": None, "mode": mode}
    return build_from(CollectionContext, point, **own)
