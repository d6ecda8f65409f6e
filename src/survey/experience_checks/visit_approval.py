"""Last approval of visits: it belongs to who signs the check, of whatever office.

The first one is a reviewer's; who gave that does not give the last.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlmodel import col, func, select

from survey.access.work import Work
from survey.experience_checks.plan import CHECKS
from survey.store.tables import Response, Status, VenueCheck
from survey.waves.lifecycle import transition


def approve_visits(work: Work, *, visits: Mapping[UUID, int]) -> int:
    """Give visits (id -> version that was seen) their last approval, all or none; return how many.

    Raises:
        AccessDeniedError: one belongs to no check that the principal runs.
        ConflictError: one was changed since it was seen.
        SecondApproverRequiredError: the principal gave the first approval.
    """
    _move(work, visits, Status.APPROVED, "")
    return len(visits)


def send_back_visit(work: Work, *, response_id: UUID, version: int, reason: str) -> None:
    """Send a visit that waits for its last approval, or has it, back to its observer; say why.

    Raises: as `approve_visits`; `RefusedError` without a reason.
    """
    _move(work, {response_id: version}, Status.RETURNED, reason)


def list_visits_to_approve(work: Work) -> dict[UUID, tuple[int, datetime]]:
    """Return `wave id -> (visits that wait for the principal's approval, since when)`."""
    work.require(CHECKS.keeping)
    query = (
        select(Response.wave_id, func.count(), func.min(Response.submitted_at))
        .join(VenueCheck, col(VenueCheck.wave_id) == col(Response.wave_id))
        .where(
            CHECKS.is_own(work.principal),
            col(VenueCheck.released_at).is_(None),
            Response.status == Status.CITY_APPROVED,
        )
        .group_by(col(Response.wave_id))
    )
    return {wave_id: (count, since) for wave_id, count, since in work.session.exec(query)}


def _move(work: Work, visits: Mapping[UUID, int], to: Status, reason: str) -> None:
    work.require(CHECKS.keeping)
    work.principal.require_changes_allowed()
    # In the order of their ids: whoever else locks several does so as well.
    for response_id, version in sorted(visits.items()):
        transition(work, response_id=response_id, to=to, reason=reason, expected_version=version)
