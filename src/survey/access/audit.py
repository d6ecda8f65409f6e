"""The audit trail: one appended entry for every change and every restricted view.

Entries wait in their session and are chained and written when it commits (`store/audit_writer.py`).
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlmodel import Session

from survey.access.principal import OPERATOR, Principal
from survey.store.audit_chain import ChainEntry, canonical_json
from survey.store.audit_writer import queue_entries
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
    queue_entries(
        session,
        [
            ChainEntry(
                new_id(), now, who, str(action), subject_kind, str(subject),
                canonical_json(_detail(actor, detail)),
            )
            for subject, detail in subjects.items()
        ],
    )  # fmt: skip


def actor_id(actor: Principal | None) -> UUID | None:
    """The account that tables name for somebody; the operator of the server has none."""
    return None if actor is None or actor == OPERATOR else actor.account_id


def _detail(actor: Principal | None, detail: dict[str, Any]) -> dict[str, Any]:
    return {"by": OPERATOR.name, **detail} if actor == OPERATOR else detail


class AuditedView(StrEnum):
    """What somebody restricted may look at; the values are actions of the trail."""

    INTERVIEW = "view.interview"
    """One interview with its answers."""
    UNRELEASED = "view.unreleased"
    """Results of a wave that is not released."""
    AUDIT = "view.audit"


DOWNLOADED = "export.downloaded"


def record_view(
    *, session: Session, principal: Principal, view: AuditedView, subject: UUID | str, now: datetime
) -> None:
    kind = {
        AuditedView.INTERVIEW: "response",
        AuditedView.UNRELEASED: "wave",
        AuditedView.AUDIT: "audit",
    }[view]
    record(
        session=session, actor=principal, action=view, subject_kind=kind, subject_id=subject,
        now=now,
    )  # fmt: skip


def record_download(
    *, session: Session, principal: Principal, file_name: str, size: int, now: datetime
) -> None:
    """`size` in bytes."""
    record(
        session=session, actor=principal, action=DOWNLOADED, subject_kind="file",
        subject_id=file_name, now=now, detail={"bytes": size},
    )  # fmt: skip
