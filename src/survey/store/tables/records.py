"""What must never change again: the audit trail and frozen snapshots."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field, SQLModel

from survey.store.tables.columns import JsonDocument, UtcDateTime, new_id, now


class AuditEntry(SQLModel, table=True):
    """Append-only record of every change and every restricted view."""

    __tablename__ = "audit_entry"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime, index=True)
    actor_id: UUID | None = Field(default=None, foreign_key="account.id")
    action: str
    subject_kind: str
    subject_id: str = Field(index=True)
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=JsonDocument)


class Snapshot(SQLModel, table=True):
    """A frozen reading of one wave: files under `directory`, vouched for by `sha256`."""

    id: UUID = Field(default_factory=new_id, primary_key=True)
    wave_id: UUID = Field(foreign_key="wave.id", index=True)
    final: bool
    sha256: str
    directory: str
    """Relative to the snapshot folder of the settings."""
    rows: int
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
