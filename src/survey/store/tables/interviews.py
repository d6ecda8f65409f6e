"""Tables of interviews: invitations, responses, answers, flags."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, false, text
from sqlmodel import Field, SQLModel

from survey.store.tables import accounts, reference, waves  # noqa: F401  (its foreign keys)
from survey.store.tables.columns import (
    JsonDocument,
    Mode,
    Status,
    UtcDateTime,
    enum_column,
    new_id,
    now,
)


class Invitation(SQLModel, table=True):
    """One-time link: 128 random bits were handed out, only their SHA-256 is stored."""

    id: UUID = Field(default_factory=new_id, primary_key=True)
    token_sha256: str = Field(unique=True, max_length=64)
    wave_id: UUID = Field(foreign_key="wave.id")
    city_code: str = Field(foreign_key="city.code")
    point_id: UUID = Field(foreign_key="sampling_point.id")
    surveyor_id: UUID = Field(foreign_key="account.id", index=True)
    issued_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    opened_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    device_sha256: str | None = Field(default=None, max_length=64)
    """SHA-256 of the proof of the device that opened the link first (docs/collecting.md)."""
    other_device_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """Time when another device was first refused."""
    ready_made: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Made in advance: unopened, it is no attempt to interview."""
    sheet_id: UUID | None = Field(default=None, index=True)
    """Printed sheet with the code."""
    serial: int | None = None
    """Its number on the sheet."""
    voided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """Time when the surveyor voided it."""


class Response(SQLModel, table=True):
    """One interview with what access and quotas need; its answers are `ResponseRevision`s."""

    __table_args__ = (
        # Holds all that the control tower counts by, so that it never reads the rows themselves.
        Index(
            "ix_response_wave_city_status",
            "wave_id",
            "city_code",
            "status",
            "quota_cell_id",
            "submitted_at",
        ),
        Index("ix_response_surveyor_submitted", "surveyor_id", "submitted_at"),
        # What the answers refer to, so that they lie in the part of their own wave.
        Index("ux_response_id_wave", "id", "wave_id", unique=True),
        Index(
            "ix_response_withdrawal",
            "withdrawal_sha256",
            sqlite_where=text("withdrawal_sha256 IS NOT NULL"),
            postgresql_where=text("withdrawal_sha256 IS NOT NULL"),
        ),
        Index(
            "ix_response_withdrawn",
            "wave_id",
            "city_code",
            sqlite_where=text("withdrawn_at IS NOT NULL"),
            postgresql_where=text("withdrawn_at IS NOT NULL"),
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    client_uuid: UUID = Field(unique=True)
    wave_id: UUID = Field(foreign_key="wave.id")
    city_code: str = Field(foreign_key="city.code")
    instrument_id: UUID = Field(foreign_key="instrument_version.id")
    point_id: UUID | None = Field(default=None, foreign_key="sampling_point.id")
    surveyor_id: UUID | None = Field(default=None, foreign_key="account.id")
    invitation_id: UUID | None = Field(default=None, foreign_key="invitation.id", unique=True)
    quota_cell_id: UUID | None = Field(default=None, foreign_key="quota_cell.id")
    mode: Mode = Field(sa_type=enum_column(Mode))
    status: Status = Field(sa_type=enum_column(Status))
    reason: str = ""
    language: str = "zh"
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    submitted_at: datetime = Field(sa_type=UtcDateTime)
    duration_seconds: float | None = None
    dropped_answers: int = 0
    """Number of answers to questions off the route, which were not stored."""
    lock_version: int = 1
    is_demo: bool = False
    withdrawal_sha256: str | None = Field(default=None, max_length=64)
    """SHA-256 of the respondent's withdrawal code, which itself is stored nowhere."""
    withdrawn_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """Time of the withdrawal, at which the answers were deleted for good."""
    given_weight: float | None = None
    """The weight that the interview was imported with; all of a wave have one, or none."""


class ResponseRevision(SQLModel, table=True):
    """One state of an interview's answers; never changed, only followed by the next.

    On PostgreSQL every wave has its own partition of the table (docs/postgresql.md), made by the
    database when the wave is created. An interview never changes its wave, so what is unique with
    the wave is unique without it.
    """

    __tablename__ = "response_revision"
    __table_args__ = (
        ForeignKeyConstraint(
            ["response_id", "wave_id"],
            ["response.id", "response.wave_id"],
            name="fk_response_revision_response_id_wave_id",
        ),
        UniqueConstraint("response_id", "number", "wave_id"),
        Index(
            "ux_response_revision_current",
            "response_id",
            "wave_id",
            unique=True,
            sqlite_where=text("is_current"),
            postgresql_where=text("is_current"),
        ),
        {"postgresql_partition_by": "LIST (wave_id)"},
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    wave_id: UUID = Field(primary_key=True)
    """Wave of the interview."""
    response_id: UUID
    number: int
    is_current: bool = True
    answers: dict[str, Any] = Field(sa_type=JsonDocument)
    """Item name -> score, code, text, number or list of choice names; unanswered items absent."""
    timings: dict[str, float] = Field(default_factory=dict, sa_type=JsonDocument)
    """Item name -> seconds in view before it was answered."""
    author_id: UUID | None = Field(default=None, foreign_key="account.id")
    reason: str = ""
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class ResponseFlag(SQLModel, table=True):
    """Oddity that a detector found in one interview; people decide what follows."""

    __tablename__ = "response_flag"
    __table_args__ = (
        UniqueConstraint("response_id", "kind"),
        CheckConstraint("strength > 0 AND strength <= 1", name="strength"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    response_id: UUID = Field(foreign_key="response.id")
    kind: str = Field(max_length=24)
    """One of `survey.fieldwork.quality.FlagKind`; the detectors own the list."""
    strength: float
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=JsonDocument)
    """The numbers of the reason in words (`survey.fieldwork.quality.reason_of`)."""
    detected_at: datetime = Field(sa_type=UtcDateTime)
    detector_version: str = Field(max_length=24)


class ResponseRisk(SQLModel, table=True):
    """Risk score of one interview; without a row it was not assessed."""

    __tablename__ = "response_risk"
    __table_args__ = (CheckConstraint("score >= 0 AND score <= 100", name="score"),)

    response_id: UUID = Field(foreign_key="response.id", primary_key=True)
    score: int
    """Need for review, 0 to 100."""
    pace: float | None = None
    """Time for a question relative to the wave's typical time for it: 0.5 is twice as fast."""
    mean_score: float | None = None
    """Mean of the scored (else of all) ratings, 0 to 100; what surveyors are compared on."""
    detected_at: datetime = Field(sa_type=UtcDateTime)
    detector_version: str = Field(max_length=24)
