"""Work: who does something, when, in which session and with which settings.

Every public service takes it first. Whoever makes one says all four: a service reads neither the
clock nor the environment.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, SQLModel

from survey.access import audit
from survey.access.principal import OPERATOR, Principal
from survey.access.roles import Action
from survey.settings import Settings
from survey.store.audit_events import AuditEvent


@dataclass(frozen=True)
class Work:
    """Circumstances of one call of a service.

    `now` carries a time zone. The session ends with the caller's transaction; nothing is committed
    here.
    """

    session: Session
    principal: Principal
    now: datetime
    settings: Settings

    def require(self, action: Action, city_code: str | None = None) -> None:
        """Raise `AccessDeniedError` unless the action, and the city if one is named, is allowed."""
        self.principal.require(action, city_code)

    def record(
        self, event: AuditEvent, subject_id: UUID | str, detail: dict[str, Any] | None = None
    ) -> UUID:
        """Queue one audit entry, written when the session commits, and return its id."""
        return self.record_many(event, {subject_id: detail or {}})[0]

    def record_many(
        self,
        event: AuditEvent,
        subjects: Mapping[UUID, dict[str, Any]] | Mapping[UUID | str, dict[str, Any]],
    ) -> list[UUID]:
        """Queue one audit entry for each subject of the same event, and return their ids."""
        return audit.record_many(
            session=self.session, actor=self.principal, event=event, subjects=subjects, now=self.now
        )

    def add(
        self, row: SQLModel, event: AuditEvent, subject_id: UUID | str, detail: dict[str, Any]
    ) -> None:
        """Store a new row and queue its entry; a row that the database refuses leaves none."""
        self.session.add(row)
        self.session.flush()
        self.record(event, subject_id, detail)


def operator_work(session: Session, settings: Settings) -> Work:
    """Return the work of the server's operator at this moment, for commands."""
    return Work(session, OPERATOR, datetime.now(UTC), settings)
