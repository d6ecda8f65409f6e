"""Append-only tables: the audit trail and the snapshots of waves."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from survey.store.tables import waves  # noqa: F401  (its foreign keys)
from survey.store.tables.columns import JsonDocument, UtcDateTime, new_id, now


class AuditEntry(SQLModel, table=True):
    """Record of one change or one restricted view, chained by seals.

    `actor_id` has no foreign key: an entry outlives its account, and the check would lock a row of
    `account` behind the head of the chain.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_action", "action", "sequence"),
        Index(
            "ix_audit_entry_actor_id", "actor_id", "sequence",
            postgresql_where=text("actor_id IS NOT NULL"),
            sqlite_where=text("actor_id IS NOT NULL"),
        ),
    )  # fmt: skip

    id: UUID = Field(default_factory=new_id, primary_key=True)
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime, index=True)
    actor_id: UUID | None = None
    action: str
    subject_kind: str
    subject_id: str = Field(index=True)
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=JsonDocument)
    sequence: int | None = Field(default=None, sa_type=BigInteger, unique=True)
    """Number in the chain; empty if a version before the chain wrote the entry."""
    hash: str | None = Field(default=None, max_length=64)
    key_id: str | None = Field(default=None, max_length=12)
    """Id of the key that made `hash`; empty for a seal without a key."""


class AuditMember(SQLModel, table=True):
    """Interview that an audit entry about many names in its `members`; an index of the trail.

    No foreign keys: an entry is written at the commit, after its members.
    """

    __tablename__ = "audit_member"

    response_id: UUID = Field(primary_key=True)
    entry_id: UUID = Field(primary_key=True, index=True)


class AuditHead(SQLModel, table=True):
    """The only row: number and seal of the last audit entry, locked last by every writer.

    `base_sequence` and `base_hash` are those of the last entry that was lawfully removed
    (docs/audit.md).
    """

    __tablename__ = "audit_head"
    __table_args__ = (
        CheckConstraint("id = 1", name="one"),
        CheckConstraint("base_sequence >= 0 AND base_sequence <= sequence", name="base"),
    )

    id: int = Field(default=1, primary_key=True)
    sequence: int = Field(default=0, sa_type=BigInteger)
    hash: str = Field(max_length=64)
    base_sequence: int = Field(default=0, sa_type=BigInteger)
    base_hash: str = Field(max_length=64)


class Snapshot(SQLModel, table=True):
    """Snapshot of one wave: files under `directory`, verified by `sha256`."""

    id: UUID = Field(default_factory=new_id, primary_key=True)
    wave_id: UUID = Field(foreign_key="wave.id", index=True)
    final: bool
    sha256: str
    directory: str
    """Relative to the snapshot folder of the settings."""
    rows: int
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
