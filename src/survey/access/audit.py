"""The audit trail: one appended entry for every change and every restricted view."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlmodel import Session

from survey.access.principal import OPERATOR, Principal
from survey.store.core import table_of
from survey.store.tables import AuditEntry, new_id

_INSERT = insert(table_of(AuditEntry))


def record(
    *,
    session: Session,
    actor: Principal | None,
    action: str,
    subject_kind: str,
    subject_id: UUID | str,
    now: datetime,
    detail: dict[str, Any] | None = None,
) -> None:
    """Write who did what to whom; nobody is signed in behind a public link: `actor=None`."""
    session.connection().execute(
        _INSERT,
        {
            "id": new_id(),
            "at": now,
            "actor_id": None if actor is None or actor == OPERATOR else actor.account_id,
            "action": action,
            "subject_kind": subject_kind,
            "subject_id": str(subject_id),
            "detail": {"by": OPERATOR.name, **(detail or {})}
            if actor == OPERATOR
            else detail or {},
        },
    )
