"""The audit trail: one appended entry for every change and every restricted view."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlmodel import Session

from survey.access.principal import OPERATOR, Principal
from survey.store.bulk import insert_columns
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
            "actor_id": actor_id(actor),
            "action": action,
            "subject_kind": subject_kind,
            "subject_id": str(subject_id),
            "detail": _detail(actor, detail),
        },
    )


def record_many(
    *,
    session: Session,
    actor: Principal | None,
    action: str,
    subject_kind: str,
    subjects: Mapping[UUID, dict[str, Any]],
    now: datetime,
) -> None:
    """As `record`, for the same action on many subjects, each with its own detail."""
    insert_columns(
        session.connection(),
        AuditEntry,
        {
            "id": [new_id() for _ in subjects],
            "subject_id": [str(subject) for subject in subjects],
            "detail": [_detail(actor, detail) for detail in subjects.values()],
        },
        {
            "at": now,
            "actor_id": actor_id(actor),
            "action": action,
            "subject_kind": subject_kind,
        },
    )


def actor_id(actor: Principal | None) -> UUID | None:
    """The account that tables name for somebody; the operator of the server has none."""
    return None if actor is None or actor == OPERATOR else actor.account_id


def _detail(actor: Principal | None, detail: dict[str, Any] | None) -> dict[str, Any]:
    return {"by": OPERATOR.name, **(detail or {})} if actor == OPERATOR else detail or {}
