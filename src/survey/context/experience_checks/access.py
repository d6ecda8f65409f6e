"""Access to experience checks, the lock of a change, and its errors.

Who runs checks in the whole of an area plans, sends and releases them there. Everybody who reads
results reads what was released; single venues are shown to those alone who are responsible for
their city.
"""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, true
from sqlmodel import select

from survey.access.principal import AccessDeniedError, Principal, covers_whole_area
from survey.access.roles import NATION, Action
from survey.access.work import Work
from survey.fieldwork.waves import STATE_NAMES
from survey.locale import Message, SurveyError, msg
from survey.store.audit_events import AuditEvent
from survey.store.tables import StudyUnit, VenueCheck, Wave, WaveState, table_of

_CHECKS, _WAVES = table_of(VenueCheck), table_of(Wave)


class ExperienceCheckNotFoundError(SurveyError):
    """Raised when there is no such check, or the principal may not know of it."""

    code = "experience_check_unknown"

    def __init__(self) -> None:
        super().__init__(msg("There is no such experience check."))


class ExperienceCheckNotAllowedError(SurveyError):
    """Raised when the state of a check or a missing part does not allow a step."""

    code = "experience_check_not_allowed"


class ExperienceCheckConflictError(SurveyError):
    """Raised when somebody else changed the check since it was read."""

    code = "experience_check_changed"

    def __init__(self) -> None:
        super().__init__(
            msg("Somebody changed this check meanwhile. Please look at it again, then repeat.")
        )


def may_manage(principal: Principal, check: VenueCheck, wave: Wave) -> bool:
    """Return whether a principal may see and change a check that is not released."""
    return (
        principal.may(Action.MANAGE_VENUE_CHECKS)
        and covers_whole_area(principal, check.area)
        and (wave.is_demo or not principal.is_demo)
    )


def may_see_venues(principal: Principal, city_code: str) -> bool:
    """Return whether a principal may see single venues of a city once the check is released."""
    answers_for_it = principal.may(Action.MANAGE_VENUE_CHECKS) or principal.may(
        Action.KEEP_PROBLEMS
    )
    return answers_for_it and principal.covers(city_code)


def own_checks(principal: Principal) -> ColumnElement[bool]:
    """Return the condition for checks of the principal's whole area."""
    area = true() if principal.area == NATION else _CHECKS.c.area == principal.area
    return and_(area, _WAVES.c.is_demo) if principal.is_demo else area


def readable_checks(principal: Principal) -> ColumnElement[bool]:
    """Return the condition for checks that a principal may read as they stand."""
    released: ColumnElement[bool] = _CHECKS.c.released_at.is_not(None)
    if principal.is_demo:
        released = and_(released, _WAVES.c.is_demo)
    if not principal.may(Action.MANAGE_VENUE_CHECKS):
        return released
    return or_(released, own_checks(principal))


def require_area_of_check(principal: Principal, area: str) -> None:
    """Raise `AccessDeniedError` unless the principal runs checks in the whole of an area."""
    principal.require(Action.MANAGE_VENUE_CHECKS)
    if not covers_whole_area(principal, area):
        raise AccessDeniedError(msg("This is outside your area."))


def find_check(work: Work, wave_id: UUID) -> tuple[VenueCheck, Wave]:
    """Return a check that the principal may read. Raises `ExperienceCheckNotFoundError`."""
    work.require(Action.READ_RESULTS)
    query = (
        select(VenueCheck, Wave)
        .where(VenueCheck.wave_id == Wave.id)
        .where(VenueCheck.wave_id == wave_id, readable_checks(work.principal))
    )
    found = work.session.exec(query).one_or_none()
    if found is None:
        raise ExperienceCheckNotFoundError
    return found[0], found[1]


def lock_check(
    work: Work, wave_id: UUID, expected_version: int, states: Collection[WaveState]
) -> tuple[VenueCheck, Wave]:
    """Lock a check for a change by those who run it.

    Args:
        expected_version: The version that was seen; another one is a conflict.
        states: States in which the change is possible.

    Raises:
        ExperienceCheckNotFoundError: no such check in the principal's area.
        ExperienceCheckConflictError: it was changed since.
        ExperienceCheckNotAllowedError: its state does not allow the change.
    """
    work.require(Action.MANAGE_VENUE_CHECKS)
    work.principal.require_changes_allowed()
    query = (
        select(VenueCheck, Wave)
        .where(VenueCheck.wave_id == Wave.id, Wave.unit == StudyUnit.VENUE)
        .where(VenueCheck.wave_id == wave_id, own_checks(work.principal))
        .with_for_update()
    )
    found = work.session.exec(query).one_or_none()
    if found is None:
        raise ExperienceCheckNotFoundError
    check, wave = found
    if check.lock_version != expected_version:
        raise ExperienceCheckConflictError
    if wave.state not in states:
        raise ExperienceCheckNotAllowedError(
            msg(
                "This is not possible while the check is in the state “{state}”.",
                state=STATE_NAMES[wave.state],
            )
        )
    return check, wave


def save_check(
    work: Work,
    check: VenueCheck,
    wave: Wave,
    event: AuditEvent,
    subject: UUID | None = None,
    **detail: Any,
) -> int:
    """Store a changed check with its audit entry and return its new version."""
    check.lock_version += 1
    work.session.add(check)
    work.session.flush()
    work.record(event, subject or wave.id, {"key": wave.key, **detail})
    return check.lock_version


def require_text(text: str, what: Message, *, least: int = 2, most: int = 500) -> str:
    """Return a text without outer blanks. Raises `ExperienceCheckNotAllowedError` by its length."""
    words = text.strip()
    if not least <= len(words) <= most:
        raise ExperienceCheckNotAllowedError(
            msg("{what}: between {least} and {most} characters.", what=what, least=least, most=most)
        )
    return words
