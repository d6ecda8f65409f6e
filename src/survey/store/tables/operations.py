"""How the platform runs itself: work in the background, and rules that a wave departs from."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field, SQLModel

from survey.store.tables.columns import JsonDocument, UtcDateTime, now


class BackgroundRun(SQLModel, table=True):
    """One kind of background work: who does it now, and how the last run went."""

    __tablename__ = "background_run"

    name: str = Field(primary_key=True, max_length=40)
    leased_until: datetime = Field(sa_type=UtcDateTime)
    """Nobody else begins before; the one who finishes gives the rest back."""
    lease: UUID
    """Of whoever began last; only the same one may report the end."""
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    result: dict[str, Any] = Field(default_factory=dict, sa_type=JsonDocument)


class SchemaFloor(SQLModel, table=True):
    """One row: the oldest revision whose code can still work with the tables as they are."""

    __tablename__ = "schema_floor"

    revision: str = Field(primary_key=True, max_length=32)


class ReviewRule(SQLModel, table=True):
    """A wave that departs from the usual rules of review; without a row the usual ones hold."""

    __tablename__ = "review_rule"

    wave_id: UUID = Field(foreign_key="wave.id", primary_key=True)
    one_person: bool
    """Whether the same person may give both approvals."""
    set_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
