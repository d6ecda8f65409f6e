"""Table of the register of consumer education."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlmodel import Field, SQLModel

from survey.store.tables import accounts, venue_checks  # noqa: F401  (its foreign keys)
from survey.store.tables.columns import UtcDateTime, new_id, now


class EducationActivity(SQLModel, table=True):
    """Activity of consumer education; taken out with a reason, never changed."""

    __tablename__ = "education_activity"
    __table_args__ = (
        CheckConstraint("participants > 0 AND cost_fen >= 0", name="counts"),
        CheckConstraint("taken_out_at IS NULL OR reason <> ''", name="with_reason"),
        Index("ix_education_activity_held_on", "held_on"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    area: str = Field(max_length=6)
    """Nation, province or city whose association held it."""
    held_on: date
    title: str
    place: str
    form: str = Field(max_length=24)
    audience: str = Field(max_length=24)
    participants: int
    cost_fen: int = Field(sa_type=BigInteger)
    photo_id: UUID | None = Field(default=None, foreign_key="photo.id", index=True)
    is_demo: bool = False
    entered_by: UUID | None = Field(default=None, foreign_key="account.id")
    entered_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    taken_out_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reason: str = ""
