"""Life cycle of a response: the table of transitions and the functions that make them.

The database holds the same table and the ways back of a decision (`store.guards`), and refuses what
stands in neither.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, select

from survey.access.audit_members import record_members
from survey.access.principal import POINT_SEPARATOR, AccessDeniedError, Principal, covers_whole_area
from survey.access.roles import Action
from survey.access.work import Work
from survey.locale import ConflictError, Message, RefusedError, SurveyError, msg
from survey.store.audit_events import bulk_event, state_event
from survey.store.tables import (
    AnyRow,
    Response,
    SamplingPoint,
    Status,
    StudyUnit,
    VenueCheck,
    Wave,
    table_of,
)
from survey.waves.dual_approval import SecondApproverRequiredError, find_self_approved
from survey.waves.quota_counts import adjust_quota_counts, iter_batches
from survey.waves.quotas import COUNTED_STATUSES
from survey.waves.waves import COMPUTED_STATES, STATE_NAMES

_RESPONSES, _WAVES, _CHECKS = table_of(Response), table_of(Wave), table_of(VenueCheck)


@dataclass(frozen=True)
class Transition:
    """Rule of a change of an interview's state: the right it takes, and whether a reason."""

    action: Action
    needs_reason: bool = False


_REVIEW = Transition(Action.REVIEW)
_REVIEW_WITH_REASON = Transition(Action.REVIEW, needs_reason=True)
_ASSOCIATION = Transition(Action.APPROVE_FINALLY)
_ASSOCIATION_WITH_REASON = Transition(Action.APPROVE_FINALLY, needs_reason=True)
_INTERVIEWER = Transition(Action.INTERVIEW)

TRANSITIONS: dict[tuple[Status, Status], Transition] = {
    (Status.DRAFT, Status.SUBMITTED): _INTERVIEWER,
    (Status.DRAFT, Status.SCREENED_OUT): _INTERVIEWER,
    (Status.DRAFT, Status.REFUSED): _INTERVIEWER,
    (Status.DRAFT, Status.QUOTA_FULL): _INTERVIEWER,
    (Status.SUBMITTED, Status.RETURNED): _REVIEW_WITH_REASON,
    (Status.RETURNED, Status.SUBMITTED): _INTERVIEWER,
    (Status.SUBMITTED, Status.CITY_APPROVED): _REVIEW,
    (Status.CITY_APPROVED, Status.SUBMITTED): _REVIEW_WITH_REASON,
    (Status.CITY_APPROVED, Status.RETURNED): _ASSOCIATION_WITH_REASON,
    (Status.CITY_APPROVED, Status.APPROVED): _ASSOCIATION,
    (Status.APPROVED, Status.RETURNED): _ASSOCIATION_WITH_REASON,
    (Status.APPROVED, Status.FROZEN): Transition(Action.ADMINISTER),
    (Status.SUBMITTED, Status.VOID): _REVIEW_WITH_REASON,
    (Status.RETURNED, Status.VOID): _REVIEW_WITH_REASON,
    (Status.CITY_APPROVED, Status.VOID): _ASSOCIATION_WITH_REASON,
    (Status.APPROVED, Status.VOID): _ASSOCIATION_WITH_REASON,
    (Status.VOID, Status.SUBMITTED): _REVIEW_WITH_REASON,
}


def find_action(start: Status, to: Status, unit: StudyUnit) -> Action | None:
    """Return the right that a change of an interview's state takes; None if there is no such.

    The last word on a visit of a venue is that of who signs its check, of nobody who administers.
    """
    rule = TRANSITIONS.get((start, to))
    if rule is None:
        return None
    is_last = unit is StudyUnit.VENUE and rule.action is Action.APPROVE_FINALLY
    return Action.MANAGE_VENUE_CHECKS if is_last else rule.action


UNDOABLE: frozenset[tuple[Status, Status]] = frozenset(
    (start, to)
    for (start, to), rule in TRANSITIONS.items()
    if rule.action in {Action.REVIEW, Action.APPROVE_FINALLY}
)
"""Decisions that whoever made them can take back; the database knows the ways back as well."""

STATUS_NAMES: dict[Status, Message] = {
    Status.DRAFT: msg("draft"),
    Status.SUBMITTED: msg("submitted"),
    Status.RETURNED: msg("sent back"),
    Status.CITY_APPROVED: msg("approved by the city"),
    Status.APPROVED: msg("approved"),
    Status.FROZEN: msg("frozen"),
    Status.SCREENED_OUT: msg("screened out"),
    Status.REFUSED: msg("declined"),
    Status.QUOTA_FULL: msg("quota full"),
    Status.VOID: msg("void"),
}


class ResponseNotFoundError(SurveyError):
    """Raised when no response has this id in the principal's area."""

    code = "response_unknown"


def transition(
    work: Work, *, response_id: UUID, to: Status, reason: str, expected_version: int
) -> int:
    """Move a response at `expected_version` to state `to`, with its quotas; return its new version.

    Args:
        expected_version: The version that was seen; another one is a conflict.
    """
    query = select(Response).where(Response.id == response_id).with_for_update()
    response = work.session.exec(query.execution_options(populate_existing=True)).one_or_none()
    if response is None:
        raise ResponseNotFoundError(msg("This interview does not exist."))
    here = _is_at_own_point(work, response)
    check = _find_checks(work.session, {response.wave_id}).get(response.wave_id)
    if response.lock_version != expected_version and _may_view(
        work.principal, response, check, here
    ):
        raise ConflictError(
            "response_changed",
            msg("Somebody else changed this interview in the meantime. Please look at it again."),
        )
    _require_allowed(work.principal, response, to, reason, check=check, at_own_point=here)
    require_not_computed(work.session, {response.wave_id})
    if response.withdrawn_at is not None:
        raise RefusedError(
            "move_forbidden",
            msg("The respondent has withdrawn this interview; what was answered is deleted."),
        )
    _require_other_person(work, [response.id], to)
    start = response.status
    response.status, response.reason = to, reason.strip()
    response.lock_version += 1
    work.session.add(response)
    work.session.flush()
    adjust_quota_counts(session=work.session, changes={response.id: count_change(start, to)})
    work.record(state_event(to), response.id, {"from": start, "to": to, "reason": response.reason})
    return response.lock_version


def transition_many(work: Work, *, rows: Sequence[AnyRow], to: Status, reason: str) -> int:
    """Move all given responses to state `to`, or none of them; return their number.

    `rows` have `id`, `wave_id`, `status`, `city_code` and `surveyor_id`, read and locked in this
    transaction. One entry in the audit trail for each wave names them all.
    """
    if not rows:
        return 0
    words, checks = reason.strip(), _find_checks(work.session, {row.wave_id for row in rows})
    for row in rows:
        _require_allowed(work.principal, row, to, words, check=checks.get(row.wave_id))
    _require_other_person(work, [row.id for row in rows], to)
    require_not_computed(work.session, {row.wave_id for row in rows})
    for batch in iter_batches(rows):
        work.session.connection().execute(
            sa.update(_RESPONSES)
            .where(_RESPONSES.c.id.in_([row.id for row in batch]))
            .values(status=to, reason=words, lock_version=_RESPONSES.c.lock_version + 1)
        )
    adjust_quota_counts(
        session=work.session, changes={row.id: count_change(row.status, to) for row in rows}
    )
    for wave_id, members in group_members(rows).items():
        record_members(
            work,
            event=bulk_event(to),
            subject_id=wave_id,
            members=members,
            detail={"to": to, "reason": words},
        )
    return len(rows)


def group_members(rows: Sequence[AnyRow]) -> dict[UUID, dict[Status, list[UUID]]]:
    """Return wave id -> state -> ids of the responses that are in this state."""
    groups: dict[UUID, dict[Status, list[UUID]]] = {}
    for row in rows:
        groups.setdefault(row.wave_id, {}).setdefault(row.status, []).append(row.id)
    return groups


def lock_responses(*, session: Session, wave_id: UUID) -> None:
    """Lock the rows of a wave's responses against transitions and corrections until the commit.

    They are locked in the order of their ids, as in bulk transitions, so that no two transactions
    wait for each other in a circle.
    """
    held = (
        sa.select(_RESPONSES.c.id)
        .where(_RESPONSES.c.wave_id == wave_id)
        .order_by(_RESPONSES.c.id)
        .with_for_update()
    )
    session.connection().execute(sa.select(sa.func.count()).select_from(held.subquery()))


def freeze_approved(*, session: Session, wave_id: UUID, left_out: Collection[str] = ()) -> int:
    """Freeze a wave's approved interviews except in cities `left_out`; return their number.

    Args:
        left_out: Codes of cities whose interviews stay as they are.
    """
    frozen = session.connection().execute(
        sa.update(_RESPONSES)
        .where(
            _RESPONSES.c.wave_id == wave_id,
            _RESPONSES.c.status == Status.APPROVED,
            _RESPONSES.c.city_code.not_in(left_out),
        )
        .values(status=Status.FROZEN)
    )
    return frozen.rowcount


def _is_at_own_point(work: Work, response: Response) -> bool:
    """Return whether the principal's area is a single point and the interview was made there."""
    if POINT_SEPARATOR not in work.principal.area or response.point_id is None:
        return False
    point = work.session.get_one(SamplingPoint, response.point_id)
    return work.principal.covers_point(response.city_code, point.code)


def _find_checks(session: Session, wave_ids: Collection[UUID]) -> dict[UUID, AnyRow]:
    """Return `wave id -> area and day of release` for those of the waves that are of venues."""
    query = sa.select(*_CHECKS.c["wave_id", "area", "released_at"]).where(
        _CHECKS.c.wave_id.in_(wave_ids)
    )
    return {row.wave_id: row for row in session.connection().execute(query)}


def _signs(principal: Principal, check: AnyRow | None) -> bool:
    return check is not None and covers_whole_area(principal, check.area)


def _may_view(
    principal: Principal, response: Response, check: AnyRow | None, at_own_point: bool
) -> bool:
    if principal.may(Action.MANAGE_VENUE_CHECKS) and _signs(principal, check):
        return True
    own = response.surveyor_id == principal.account_id and principal.may(Action.INTERVIEW)
    within = principal.covers(response.city_code)
    return (own and (within or at_own_point)) or (within and principal.may(Action.REVIEW))


def _require_allowed(
    principal: Principal,
    response: Response | AnyRow,
    to: Status,
    reason: str,
    *,
    check: AnyRow | None,
    at_own_point: bool = False,
) -> None:
    rule = TRANSITIONS.get((response.status, to))
    unit = StudyUnit.PERSON if check is None else StudyUnit.VENUE
    # Without a rule, no action allows it; who may not even look learns nothing about its state.
    action = find_action(response.status, to, unit) or Action.REVIEW
    asks_point = action is Action.INTERVIEW and at_own_point
    principal.require(action, None if asks_point else response.city_code)
    if rule is None:
        raise RefusedError(
            "move_forbidden",
            msg(
                "An interview that is {state} cannot become {to}.",
                state=STATUS_NAMES[response.status],
                to=STATUS_NAMES[to],
            ),
        )
    if action is Action.MANAGE_VENUE_CHECKS and not _signs(principal, check):
        raise AccessDeniedError(msg("This is outside your area."))
    if check is not None and check.released_at is not None:
        raise RefusedError("move_forbidden", msg("The check is released; nothing changes."))
    if rule.action is Action.INTERVIEW and response.surveyor_id != principal.account_id:
        raise AccessDeniedError(msg("This interview was not made by you."))
    if rule.needs_reason and not reason.strip():
        raise RefusedError("reason_missing", msg("Please give a reason."))


def require_not_computed(session: Session, wave_ids: Collection[UUID]) -> None:
    """Raise `RefusedError` if results of one of the waves are computed (frozen or released).

    The interviews are locked, and a wave is frozen for good only after all of its own are locked.
    """
    query = sa.select(_WAVES.c.key, _WAVES.c.state).where(
        _WAVES.c.id.in_(wave_ids), _WAVES.c.state.in_(COMPUTED_STATES)
    )
    wave = session.connection().execute(query).first()
    if wave is not None:
        raise RefusedError(
            "move_forbidden",
            msg(
                "Wave {key} is {state}: its figures are computed, and its interviews stay as they "
                "are.",
                key=wave.key,
                state=STATE_NAMES[wave.state],
            ),
        )


def _require_other_person(work: Work, response_ids: Sequence[UUID], to: Status) -> None:
    """Raise if `to` is the last approval and the principal gave an interview the first one."""
    if to is Status.APPROVED and find_self_approved(work, response_ids=response_ids):
        raise SecondApproverRequiredError


def count_change(start: Status, to: Status) -> int:
    """Return what a change `start` -> `to` adds to counts of an interview's quotas: 1, 0 or -1."""
    return (to in COUNTED_STATUSES) - (start in COUNTED_STATUSES)
