"""Recording in the audit trail: one entry for every change and every restricted view.

Entries wait in their session and are chained and written when it commits (`store/audit_writer.py`).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from survey.access.principal import OPERATOR, Principal
from survey.locale import SurveyError
from survey.store.audit_chain import ChainEntry, canonical_json
from survey.store.audit_events import AuditEvent
from survey.store.audit_writer import queue_entries
from survey.store.tables import new_id


def record(
    *,
    session: Session,
    actor: Principal | None,
    event: AuditEvent,
    subject_id: UUID | str,
    now: datetime,
    detail: dict[str, Any] | None = None,
) -> UUID:
    """Queue one audit entry, written when the session commits, and return its id.

    Args:
        actor: Whoever is signed in; None for a respondent behind a public link.
    """
    return record_many(
        session=session, actor=actor, event=event, subjects={subject_id: detail or {}}, now=now
    )[0]


def record_many(
    *,
    session: Session,
    actor: Principal | None,
    event: AuditEvent,
    subjects: Mapping[UUID, dict[str, Any]] | Mapping[UUID | str, dict[str, Any]],
    now: datetime,
) -> list[UUID]:
    """Queue one audit entry for each subject of the same event, and return their ids.

    Every change leaves an entry, so this is where none of an account that may only look gets
    through, whatever screen, route or service it comes from.
    """
    if actor is not None and not event.is_reading:
        actor.require_changes_allowed()
    if now.tzinfo is None:
        raise ValueError("store times must carry a time zone")
    account_id = actor_id(actor)
    entries = [
        ChainEntry(
            new_id(),
            now,
            account_id,
            event.value,
            event.subject_kind.value,
            str(subject),
            canonical_json({"by": OPERATOR.name, **detail} if actor == OPERATOR else detail),
        )
        for subject, detail in subjects.items()
    ]
    queue_entries(session, entries)
    return [entry.id for entry in entries]


def actor_id(actor: Principal | None) -> UUID | None:
    """Return the account id that tables store for an actor; None for operator or respondent."""
    return None if actor is None or actor == OPERATOR else actor.account_id


MIN_REASON_CHARS, MAX_REASON_CHARS = 5, 500


def require_reason(typed: str, refusal: SurveyError) -> str:
    """Return a typed reason in one line; raise `refusal` unless its length is within bounds."""
    reason = " ".join(typed.split())
    if not MIN_REASON_CHARS <= len(reason) <= MAX_REASON_CHARS:
        raise refusal
    return reason


def record_download(
    *, session: Session, principal: Principal, file_name: str, size: int, now: datetime
) -> None:
    """Record in the audit trail that a principal downloaded a file of `size` bytes."""
    record(
        session=session,
        actor=principal,
        event=AuditEvent.EXPORT_DOWNLOADED,
        subject_id=file_name,
        now=now,
        detail={"bytes": size},
    )
