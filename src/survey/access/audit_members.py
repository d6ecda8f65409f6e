"""Audit entries about many interviews: their members, and the index that finds an entry by one.

The members stand in the sealed detail of the entry, by the state that each had before. The table
`audit_member` repeats their ids, so that the history of one interview and the person who approved
it first are found without reading long entries; `verify` compares the two.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import exists, func, insert, select
from sqlmodel import Session

from survey.access.work import Work
from survey.locale import Message, msg
from survey.store.audit_events import EVENTS_OF_MANY, AuditEvent
from survey.store.tables import AnyRow, AuditEntry, AuditMember, Status, table_of

MEMBERS = "members"
"""Key in the detail of an entry: ids of interviews by their state before."""
_MEMBER_BATCH_SIZE = 2_000
_ENTRIES, _MEMBERS = table_of(AuditEntry), table_of(AuditMember)


def record_members(
    work: Work,
    *,
    event: AuditEvent,
    subject_id: UUID,
    members: Mapping[Status, Sequence[UUID]],
    detail: Mapping[str, Any],
) -> None:
    """Queue one audit entry on many interviews (`members`: ids by state), and index it by each."""
    by_state = {
        state.value: [response_id.hex for response_id in ids] for state, ids in members.items()
    }
    together = sum(map(len, members.values()))
    entry_id = work.record(event, subject_id, {**detail, "together": together, MEMBERS: by_state})
    rows = [
        {"response_id": response_id, "entry_id": entry_id}
        for ids in members.values()
        for response_id in ids
    ]
    for first in range(0, len(rows), _MEMBER_BATCH_SIZE):
        batch = rows[first : first + _MEMBER_BATCH_SIZE]
        work.session.connection().execute(insert(_MEMBERS), batch)


def iter_members(detail: Mapping[str, Any]) -> Iterator[tuple[UUID, Status]]:
    """Yield each interview that an entry about many names, with its state before the change.

    Raises:
        ValueError: The entry holds what is no member.
    """
    for state, ids in detail.get(MEMBERS, {}).items():
        for plain in ids:
            yield UUID(plain), Status(state)


def verify_members(session: Session, row: AnyRow, add: Callable[[Message, int], None]) -> None:
    """Report a defect by `add` if the index differs from the members in the audit entry `row`."""
    if row.action not in EVENTS_OF_MANY:
        return
    try:
        named = {response_id for response_id, _ in iter_members(orjson.loads(row.detail))}
    except (ValueError, TypeError, AttributeError):
        # What holds no members has lost its seal as well, and that is reported.
        return
    entry_id = row.id if isinstance(row.id, UUID) else UUID(row.id)
    query = select(_MEMBERS.c.response_id).where(_MEMBERS.c.entry_id == entry_id)
    if named != set(session.connection().execute(query).scalars()):
        other = msg("The index of members does not name the interviews of this entry.")
        add(other, row.sequence)


def count_stray_members(session: Session) -> int:
    """Return how many rows of the member index belong to no entry about many interviews."""
    entry = exists().where(
        _ENTRIES.c.id == _MEMBERS.c.entry_id, _ENTRIES.c.action.in_(sorted(EVENTS_OF_MANY))
    )
    query = select(func.count()).select_from(_MEMBERS).where(~entry)
    return int(session.connection().execute(query).scalar_one())
