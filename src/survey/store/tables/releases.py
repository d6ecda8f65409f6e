"""Releases of waves: what readers may see of other cities, who said so, who took it back."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from survey.store.tables.columns import UtcDateTime, enum_column, new_id, now
from survey.store.tables.enums import Shown

_STANDS = text("revoked_at IS NULL")


class WaveRelease(SQLModel, table=True):
    """One release of one wave; at most one of a wave stands, the others were revoked."""

    __tablename__ = "wave_release"
    __table_args__ = (
        CheckConstraint("(shown = 'names') = (first_places IS NOT NULL)", name="first_places"),
        Index(
            "ix_wave_release_stands", "wave_id",
            unique=True, sqlite_where=_STANDS, postgresql_where=_STANDS,
        ),
    )  # fmt: skip

    id: UUID = Field(default_factory=new_id, primary_key=True)
    wave_id: UUID = Field(foreign_key="wave.id")
    shown: Shown = Field(sa_type=enum_column(Shown))
    first_places: int | None = None
    """How many cities are named, where only names are shown."""
    released_by: UUID | None = Field(default=None, foreign_key="account.id")
    released_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    revoked_by: UUID | None = Field(default=None, foreign_key="account.id")
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reason: str = ""
    """Why it was revoked."""
