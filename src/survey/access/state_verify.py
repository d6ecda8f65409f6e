"""Comparison of the stored states of interviews with the newest entry of the trail about each.

An entry says where an interview came in, was moved, or was withdrawn; nothing else changes its
state but the freeze of its wave. Interviews of which the trail holds no state came in many at once
before such entries named it.
"""

from dataclasses import dataclass, field
from uuid import UUID

import orjson
from sqlalchemy import select
from sqlmodel import Session

from survey.access.answer_verify import AddDefect, iter_entries, stream_rows
from survey.access.audit_members import iter_members
from survey.locale import msg
from survey.store.audit_chain import HASH, iter_hashes
from survey.store.audit_events import EVENTS_OF_MANY, RESPONSE_TRANSITION_EVENTS, AuditEvent
from survey.store.tables import AnyRow, Response, Status, table_of

_RESPONSES = table_of(Response)
STATE = "status"
"""Key in the detail of an entry: the state in which interviews came in."""
_ACTIONS = RESPONSE_TRANSITION_EVENTS | EVENTS_OF_MANY | {AuditEvent.RESPONSES_SEALED}
_WITHDRAWN_FROM = frozenset(
    {Status.SUBMITTED, Status.RETURNED, Status.CITY_APPROVED, Status.APPROVED}
)
"""States that a withdrawal makes void; where an interview did not count, it stays."""


@dataclass(frozen=True, slots=True)
class _TrailState:
    """State of an interview after the newest audit entry about it, and that entry's number."""

    status: str
    sequence: int
    is_withdrawn: bool = False


@dataclass
class InterviewStates:
    """Collector of interview states from the audit trail, to compare the stored ones with."""

    _states: dict[bytes, _TrailState] = field(default_factory=dict)

    def add_entry(self, row: AnyRow) -> None:
        """Replay an audit entry (sequence, action, subject, detail) onto the expected states."""
        if row.action not in _ACTIONS:
            return
        try:
            self._add(row)
        except (ValueError, TypeError, AttributeError):
            # What is no document has lost its seal as well, and that is reported.
            return

    def _add(self, row: AnyRow) -> None:
        detail = orjson.loads(row.detail)
        if row.action in EVENTS_OF_MANY:
            for response, _ in iter_members(detail):
                self._states[response.bytes] = _TrailState(detail["to"], row.sequence)
        elif row.action == AuditEvent.RESPONSES_SEALED:
            if STATE in detail and HASH in detail:
                for sealed, *_ in iter_hashes(row.subject_kind, row.subject_id, detail):
                    self._states[sealed] = _TrailState(detail[STATE], row.sequence)
        elif row.action == AuditEvent.RESPONSE_WITHDRAWN:
            self._withdraw(UUID(row.subject_id).bytes, row.sequence, detail.get("from"))
        elif status := detail.get("to") or detail.get(STATE):
            self._states[UUID(row.subject_id).bytes] = _TrailState(status, row.sequence)

    def _withdraw(self, response: bytes, sequence: int, start: str | None) -> None:
        known = self._states.get(response)
        start = start or (known.status if known else None)
        if start is not None:
            left = Status.VOID.value if start in _WITHDRAWN_FROM else start
            self._states[response] = _TrailState(left, sequence, is_withdrawn=True)

    def compare(self, session: Session, *, after: int, add: AddDefect) -> None:
        """Compare stored states with entries collected and those above `after`; report by `add`.

        What was decided meanwhile is explained by the later entries.
        """
        query = select(_RESPONSES.c.id, _RESPONSES.c.status, _RESPONSES.c.withdrawn_at)
        stored = stream_rows(session.connection(), query)
        suspects = [row for row in stored if not self._matches(row)]
        if not suspects:
            return
        for entry in iter_entries(session, after, _ACTIONS):
            self.add_entry(entry)
        for row in suspects:
            if self._matches(row):
                continue
            known = self._states[row.id.bytes]
            other = msg(
                "Interview {response} is stored as {stored}; the newest entry about it says "
                "{written}.",
                response=row.id,
                stored=_name_state(row.status, row.withdrawn_at is not None),
                written=_name_state(known.status, known.is_withdrawn),
            )
            add(other, known.sequence)

    def _matches(self, row: AnyRow) -> bool:
        known = self._states.get(row.id.bytes)
        if known is None:
            return True
        is_frozen = row.status == Status.FROZEN and known.status == Status.APPROVED
        return (row.status == known.status or is_frozen) and known.is_withdrawn == (
            row.withdrawn_at is not None
        )


def _name_state(status: str, is_withdrawn: bool) -> str:
    return f"{status}, withdrawn" if is_withdrawn else str(status)
