"""Review decisions on one interview, or on a whole selection as previewed."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import Session

from survey.access.principal import Principal
from survey.access.roles import Action
from survey.access.work import Work
from survey.collection.withdrawal import erase_withdrawn_in_review
from survey.locale import ConflictError, RefusedError, msg
from survey.review.review_queue import ReviewFilter, filter_condition
from survey.store.tables import AnyRow, Response, ResponseFlag, Status, StudyUnit, Wave, table_of
from survey.waves.dual_approval import find_self_approved
from survey.waves.lifecycle import find_action, require_not_computed, transition, transition_many
from survey.waves.quota_counts import iter_batches
from survey.waves.review_reasons import ReasonCode, ReviewReason

MAX_BULK_RESPONSES = 5_000
"""Interviews that one bulk action may move."""
_RESPONSES, _FLAGS = table_of(Response), table_of(ResponseFlag)


@dataclass(frozen=True)
class BulkPreview:
    """Numbers of interviews, by present state, that a bulk decision would move or leave."""

    to: Status
    allowed: Mapping[Status, int]
    not_allowed: Mapping[Status, int]
    """Left as they are: this state does not lead there, or not for this role."""
    fingerprint: str
    flagged: int = 0
    """Of those that move: interviews in which a detector found something odd."""
    self_approved: int = 0
    """Of those left as they are: approved for the city by this person, so that another decides."""

    @property
    def total(self) -> int:
        """Number of interviews that the decision moves."""
        return sum(self.allowed.values())


def decide(
    work: Work, *, response_id: UUID, expected_version: int, to: Status, reason: ReviewReason | None
) -> int:
    """Move an interview to state `to`, raise unless at `expected_version`; return its new version.

    Voiding because the respondent withdrew erases the answers for good.
    """
    work.require(Action.REVIEW)
    version = transition(
        work,
        response_id=response_id,
        to=to,
        reason="" if reason is None else reason.text,
        expected_version=expected_version,
    )
    if not _is_withdrawal(to, reason):
        return version
    erase_withdrawn_in_review(work, response_id=response_id)
    return version + 1


def _is_withdrawal(to: Status, reason: ReviewReason | None) -> bool:
    return to is Status.VOID and reason is not None and reason.code is ReasonCode.WITHDRAWN


def allowed_transitions(
    principal: Principal, status: Status, unit: StudyUnit = StudyUnit.PERSON
) -> tuple[Status, ...]:
    """Return the states to which the principal may move interviews in `status`, approval first."""
    order = (
        Status.CITY_APPROVED, Status.APPROVED, Status.RETURNED, Status.VOID, Status.SUBMITTED
    )  # fmt: skip
    actions = [(to, find_action(status, to, unit)) for to in order]
    return tuple(
        to
        for to, action in actions
        if action is not None and action is not Action.INTERVIEW and principal.may(action)
    )


def preview_bulk_decision(work: Work, *, chosen: ReviewFilter, to: Status) -> BulkPreview:
    """Count interviews of selection `chosen` that would move to `to`, or stay; change nothing."""
    require_not_computed(work.session, {chosen.wave_id})
    rows = _select_responses(work, chosen, lock=False)
    will, cannot, own = _split_by_permission(work, rows, to)
    return BulkPreview(
        to,
        Counter(row.status for row in will),
        Counter(row.status for row in cannot),
        _hash_selection(will),
        _count_flagged(work.session, [row.id for row in will]),
        own,
    )


def decide_many(
    work: Work, *, chosen: ReviewFilter, seen: BulkPreview, reason: ReviewReason | None
) -> dict[UUID, int]:
    """Carry out preview `seen` on selection `chosen`, all or none; return interview id -> version.

    Raises:
        ConflictError: The decision would differ from its preview.
    """
    if _is_withdrawal(seen.to, reason):
        raise RefusedError(
            "one_by_one",
            msg("Withdrawing deletes the answers for good. Please do it interview by interview."),
        )
    rows = _select_responses(work, chosen, lock=True)
    will, _, _ = _split_by_permission(work, rows, seen.to)
    if _hash_selection(will) != seen.fingerprint:
        raise ConflictError(
            "selection_changed",
            msg("Some of these interviews have changed in the meantime. Please look again."),
        )
    transition_many(work, rows=will, to=seen.to, reason="" if reason is None else reason.text)
    return {row.id: row.lock_version + 1 for row in will}


def _select_responses(work: Work, chosen: ReviewFilter, *, lock: bool) -> Sequence[AnyRow]:
    work.require(Action.REVIEW)
    query = (
        select(
            *_RESPONSES.c["id", "wave_id", "status", "city_code", "surveyor_id", "quota_cell_id"],
            *_RESPONSES.c["lock_version", "withdrawn_at"],
        )
        .where(filter_condition(work.principal, chosen))
        .order_by(_RESPONSES.c.id)
        .limit(MAX_BULK_RESPONSES + 1)
    )
    rows = work.session.connection().execute(query.with_for_update() if lock else query).all()
    if len(rows) > MAX_BULK_RESPONSES:
        raise RefusedError(
            "too_many_at_once",
            msg(
                "These are more than {most} interviews. Please narrow the choice.",
                most=f"{MAX_BULK_RESPONSES:,}",
            ),
        )
    return rows


def _split_by_permission(
    work: Work, rows: Sequence[AnyRow], to: Status
) -> tuple[list[AnyRow], list[AnyRow], int]:
    """Return rows that may move to `to`, the others, and how many the principal approved first."""
    if not rows:
        return [], [], 0
    unit = work.session.get_one(Wave, rows[0].wave_id).unit
    states = {row.status for row in rows}
    steps = {each for each in states if to in allowed_transitions(work.principal, each, unit)}
    own: set[UUID] = set()
    if to is Status.APPROVED:
        ids = [row.id for row in rows if row.status in steps]
        own = find_self_approved(work, response_ids=ids)
    will = [
        row
        for row in rows
        if row.status in steps and row.id not in own and row.withdrawn_at is None
    ]
    moved = {row.id for row in will}
    return will, [row for row in rows if row.id not in moved], len(own)


def _count_flagged(session: Session, ids: Sequence[UUID]) -> int:
    """Return how many of these interviews have a flag."""
    flagged = 0
    for batch in iter_batches(ids):
        query = select(func.count(_FLAGS.c.response_id.distinct())).where(
            _FLAGS.c.response_id.in_(batch)
        )
        flagged += session.connection().execute(query).scalar_one()
    return flagged


def _hash_selection(rows: Sequence[AnyRow]) -> str:
    """Return the SHA-256 over ids and versions of the selected interviews."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(row.id.bytes + row.lock_version.to_bytes(8, "big"))
    return digest.hexdigest()
