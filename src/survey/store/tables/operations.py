"""Tables of the platform's operation: background tasks, schema floor, review rules."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field, SQLModel

from survey.store.tables import waves  # noqa: F401  (its foreign keys)
from survey.store.tables.columns import JsonDocument, UtcDateTime, now


class BackgroundRun(SQLModel, table=True):
    """Lease and last run of one background task."""

    __tablename__ = "background_run"

    name: str = Field(primary_key=True, max_length=40)
    leased_until: datetime = Field(sa_type=UtcDateTime)
    """Earliest next start; the end of a run moves it to the end of the pause."""
    lease: UUID
    """Lease of the last run; only its holder may report the end."""
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    result: dict[str, Any] = Field(default_factory=dict, sa_type=JsonDocument)


class SchemaFloor(SQLModel, table=True):
    """The only row: the oldest revision whose code can still work with these tables."""

    __tablename__ = "schema_floor"

    revision: str = Field(primary_key=True, max_length=32)


class ReviewRule(SQLModel, table=True):
    """Review rules of a wave that differ from the usual ones."""

    __tablename__ = "review_rule"

    wave_id: UUID = Field(foreign_key="wave.id", primary_key=True)
    one_person: bool
    """Whether the same person may give both approvals."""
    set_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
