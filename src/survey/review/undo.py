"""Undoing of a decision by whoever made it, on one interview or on many.

The audit trail says what the newest decision on each interview was, by whom, and what stood before.
A first decision can be undone until somebody decides anew; one of the association only for a
moment, because others rely on it. What is undone is entered as well, so that nothing is hidden.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, update
from sqlmodel import Session

from survey.access.audit import actor_id
from survey.access.audit_members import iter_members, record_members
from survey.access.principal import Principal, area_filter
from survey.access.roles import Action
from survey.access.work import Work
from survey.locale import SurveyError, msg
from survey.store.audit_events import EVENTS_OF_MANY, RESPONSE_TRANSITION_EVENTS, AuditEvent
from survey.store.tables import AnyRow, AuditEntry, AuditMember, Response, Status, table_of
from survey.waves.lifecycle import (
    TRANSITIONS,
    UNDOABLE,
    count_change,
    group_members,
    require_not_computed,
)
from survey.waves.quota_counts import adjust_quota_counts, iter_batches

UNDO_WINDOW = timedelta(minutes=1)
"""Time in which a decision of the association can be undone; the page offers it for ten seconds."""

_RESPONSES = table_of(Response)
_AUDIT, _MEMBERS = table_of(AuditEntry), table_of(AuditMember)


class UndoNotPossibleError(SurveyError):
    """Raised when a decision cannot be undone any more; nothing was changed."""

    code = "undo_not_possible"
    message = msg(
        "This cannot be undone any more: the interview has changed since, or somebody else decided."
    )


@dataclass(frozen=True)
class _LastDecision:
    """Newest change of an interview's state in the audit trail: by whom, when, from and to."""

    sequence: int
    at: datetime
    actor_id: UUID | None
    start: Status | None
    to: Status | None


def undo_decision(work: Work, *, versions: Mapping[UUID, int]) -> int:
    """Undo the principal's decision on all interviews (id -> version after it), or on none.

    Args:
        versions: The version of each interview that the decision left behind: a later decision
            of the same person is another one than the one that was seen.

    Raises:
        UndoNotPossibleError: Another decision is the newest, its time is over, or an interview
            was withdrawn.
    """
    work.require(Action.REVIEW)
    rows = _lock_responses(work, versions)
    if {row.id: row.lock_version for row in rows} != versions:
        raise UndoNotPossibleError
    require_not_computed(work.session, {row.wave_id for row in rows})
    last = _find_last_decisions(work.session, [row.id for row in rows])
    back = {
        row.id: _find_state_before(work.principal, row, last.get(row.id), work.now) for row in rows
    }
    _move_back(work.session, back)
    changes = {row.id: count_change(row.status, back[row.id]) for row in rows}
    adjust_quota_counts(session=work.session, changes=changes)
    _record_undone(work, rows, back)
    return len(rows)


def is_undoable(work: Work, *, response_id: UUID) -> bool:
    """Whether the newest decision on an interview is the principal's own and can be undone."""
    work.require(Action.REVIEW)
    query = _select_in_own_area(work.principal, [response_id])
    row = work.session.connection().execute(query).one_or_none()
    if row is None:
        return False
    last = _find_last_decisions(work.session, [response_id])
    try:
        _find_state_before(work.principal, row, last.get(response_id), work.now)
    except UndoNotPossibleError:
        return False
    return True


def _select_in_own_area(principal: Principal, ids: Sequence[UUID]) -> Select[Any]:
    return select(*_RESPONSES.c["id", "wave_id", "status", "withdrawn_at", "lock_version"]).where(
        _RESPONSES.c.id.in_(ids), area_filter(principal, _RESPONSES.c.city_code)
    )


def _lock_responses(work: Work, response_ids: Iterable[UUID]) -> list[AnyRow]:
    rows: list[AnyRow] = []
    for ids in iter_batches(sorted(response_ids)):
        query = _select_in_own_area(work.principal, ids).order_by(_RESPONSES.c.id).with_for_update()
        rows += work.session.connection().execute(query).all()
    return rows


def _find_state_before(
    principal: Principal, row: AnyRow, last: _LastDecision | None, now: datetime
) -> Status:
    """Return the state to which undoing `last` moves an interview; raise if it cannot be undone."""
    if last is None or last.start is None or row.withdrawn_at is not None:
        raise UndoNotPossibleError
    step = (last.start, row.status)
    if last.actor_id != actor_id(principal) or last.to is not row.status or step not in UNDOABLE:
        raise UndoNotPossibleError
    rule = TRANSITIONS[step]
    if rule.action is Action.APPROVE_FINALLY and now - last.at > UNDO_WINDOW:
        raise UndoNotPossibleError
    if not principal.may(rule.action):
        raise UndoNotPossibleError
    return last.start


def _find_last_decisions(
    session: Session, response_ids: Sequence[UUID]
) -> dict[UUID, _LastDecision]:
    last: dict[UUID, _LastDecision] = {}
    for ids in iter_batches(response_ids):
        for response_id, decision in _iter_decisions(session, ids):
            known = last.get(response_id)
            if known is None or known.sequence < decision.sequence:
                last[response_id] = decision
    return last


def _iter_decisions(session: Session, ids: Sequence[UUID]) -> Iterator[tuple[UUID, _LastDecision]]:
    connection = session.connection()
    columns = _AUDIT.c["sequence", "at", "actor_id", "action", "detail"]
    alone = select(*columns, _AUDIT.c.subject_id).where(
        _AUDIT.c.subject_id.in_([str(response_id) for response_id in ids]),
        _AUDIT.c.action.in_(sorted(RESPONSE_TRANSITION_EVENTS)),
    )
    for row in connection.execute(alone):
        yield UUID(row.subject_id), _build_decision(row, row.detail.get("from"))
    # The long detail of an entry about many is read once, not once for each member.
    entries = select(_MEMBERS.c.entry_id).where(_MEMBERS.c.response_id.in_(ids)).distinct()
    entry_ids = connection.execute(entries).scalars().all()
    wanted = set(ids)
    together = select(*columns).where(
        _AUDIT.c.id.in_(entry_ids), _AUDIT.c.action.in_(sorted(EVENTS_OF_MANY))
    )
    for entry in connection.execute(together):
        for response_id, start in iter_members(entry.detail):
            if response_id in wanted:
                yield response_id, _build_decision(entry, start)


def _build_decision(row: AnyRow, start: str | None) -> _LastDecision:
    """Return an audit entry's change of state; its start is `start`, but None for an undoing."""
    undone = row.action in {AuditEvent.RESPONSE_UNDONE, AuditEvent.RESPONSES_UNDONE}
    known = set(Status)
    to = row.detail.get("to")
    return _LastDecision(
        row.sequence or 0,
        row.at,
        row.actor_id,
        None if undone or start not in known else Status(start),
        Status(to) if to in known else None,
    )


def _move_back(session: Session, back: dict[UUID, Status]) -> None:
    for state in sorted(set(back.values())):
        for ids in iter_batches([response_id for response_id, to in back.items() if to is state]):
            session.connection().execute(
                update(_RESPONSES)
                .where(_RESPONSES.c.id.in_(ids))
                .values(status=state, reason="", lock_version=_RESPONSES.c.lock_version + 1)
            )


def _record_undone(work: Work, rows: Sequence[AnyRow], back: dict[UUID, Status]) -> None:
    if len(rows) == 1:
        row = rows[0]
        work.record(AuditEvent.RESPONSE_UNDONE, row.id, {"from": row.status, "to": back[row.id]})
        return
    for wave_id, members in group_members(rows).items():
        for state in sorted(set(back.values())):
            moved = {
                start: ids
                for start, all_ids in members.items()
                if (ids := [response_id for response_id in all_ids if back[response_id] is state])
            }
            if moved:
                record_members(
                    work,
                    event=AuditEvent.RESPONSES_UNDONE,
                    subject_id=wave_id,
                    members=moved,
                    detail={"to": state},
                )
