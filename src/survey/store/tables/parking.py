"""Table of parked interviews: finished, refused for reasons of the platform, and not counted."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from survey.store.tables import accounts, interviews, reference, waves  # noqa: F401  (its foreign keys)
from survey.store.tables.columns import (
    JsonDocument,
    Mode,
    ParkingDecision,
    ParkingReason,
    UtcDateTime,
    enum_column,
    new_id,
)


class ParkedInterview(SQLModel, table=True):
    """Interview that came too late to count by itself; a supervisor of its city decides.

    It is no `Response`, so that nothing which counts, estimates or exports can meet it. Its content
    is erased with the decision; the row stays until it is deleted by schedule, so that a repeated
    send gets the same receipt.
    """

    __tablename__ = "parked_interview"
    __table_args__ = (
        CheckConstraint("(decision IS NULL) = (decided_at IS NULL)", name="decided"),
        CheckConstraint("response_id IS NULL OR decision = 'accepted'", name="accepted"),
        Index(
            "ix_parked_interview_waiting", "city_code", "parked_at",
            sqlite_where=text("decision IS NULL"), postgresql_where=text("decision IS NULL"),
        ),
    )  # fmt: skip

    id: UUID = Field(default_factory=new_id, primary_key=True)
    client_uuid: UUID = Field(unique=True)
    invitation_id: UUID | None = Field(default=None, foreign_key="invitation.id", unique=True)
    """One link parks one interview."""
    wave_id: UUID = Field(foreign_key="wave.id", index=True)
    city_code: str = Field(foreign_key="city.code")
    point_id: UUID | None = Field(default=None, foreign_key="sampling_point.id")
    surveyor_id: UUID | None = Field(default=None, foreign_key="account.id")
    mode: Mode = Field(sa_type=enum_column(Mode))
    why: ParkingReason = Field(sa_type=enum_column(ParkingReason))
    instrument_id: UUID = Field(foreign_key="instrument_version.id")
    """The questionnaire that was on the screen."""
    language: str = "zh"
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    duration_seconds: float | None = None
    stopped: bool = False
    """The form said that it ended early for a full quota."""
    answers: dict[str, Any] = Field(default_factory=dict, sa_type=JsonDocument)
    timings: dict[str, float] = Field(default_factory=dict, sa_type=JsonDocument)
    withdrawal_sha256: str | None = Field(default=None, max_length=64, index=True)
    parked_at: datetime = Field(sa_type=UtcDateTime, index=True)
    decision: ParkingDecision | None = Field(default=None, sa_type=enum_column(ParkingDecision))
    decided_by: UUID | None = Field(default=None, foreign_key="account.id")
    """Empty once decided: the respondent withdrew."""
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    response_id: UUID | None = Field(default=None, foreign_key="response.id", unique=True)
    """Interview that it became."""
