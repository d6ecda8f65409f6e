"""The audit trail: one appended entry for every change and every restricted view.

Entries wait in their session and are chained and written when it commits (`store/journal.py`).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from survey.access.principal import OPERATOR, Principal
from survey.store.chain import Entry, canonical
from survey.store.journal import add_entries
from survey.store.tables import new_id


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
    record_many(
        session=session, actor=actor, action=action, subject_kind=subject_kind,
        subjects={subject_id: detail or {}}, now=now,
    )  # fmt: skip


def record_many(
    *,
    session: Session,
    actor: Principal | None,
    action: str,
    subject_kind: str,
    subjects: Mapping[UUID, dict[str, Any]] | Mapping[UUID | str, dict[str, Any]],
    now: datetime,
) -> None:
    """As `record`, for the same action on many subjects, each with its own detail."""
    if now.tzinfo is None:
        raise ValueError("store times must carry a time zone")
    who = actor_id(actor)
    add_entries(
        session,
        [
            Entry(
                new_id(), now, who, str(action), subject_kind, str(subject),
                canonical(_detail(actor, detail)),
            )
            for subject, detail in subjects.items()
        ],
    )  # fmt: skip


def actor_id(actor: Principal | None) -> UUID | None:
    """The account that tables name for somebody; the operator of the server has none."""
    return None if actor is None or actor == OPERATOR else actor.account_id


def _detail(actor: Principal | None, detail: dict[str, Any]) -> dict[str, Any]:
    return {"by": OPERATOR.name, **detail} if actor == OPERATOR else detail
