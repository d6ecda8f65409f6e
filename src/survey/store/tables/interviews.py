"""Tables of interviews: invitations, responses, flags, paper, what waits, back-checks."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, false
from sqlmodel import Field, SQLModel

from survey.store.tables import accounts, waves  # noqa: F401  (its foreign keys)
from survey.store.tables.columns import (
    Channel,
    ChosenBy,
    Identified,
    JsonDocument,
    Mode,
    Outcome,
    ParkingDecision,
    ParkingReason,
    SheetState,
    Status,
    UtcDateTime,
    enum_column,
    now,
    partial_index,
)


class Invitation(Identified, table=True):
    """One-time link to one interview; only the SHA-256 of its 128 random bits is stored."""

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


class Response(Identified, table=True):
    """One interview: state, place and times; its answers are `ResponseRevision` rows."""

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
        partial_index(
            "ix_response_withdrawal", "withdrawal_sha256", where="withdrawal_sha256 IS NOT NULL"
        ),
        partial_index(
            "ix_response_withdrawn", "wave_id", "city_code", where="withdrawn_at IS NOT NULL"
        ),
    )

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


class ResponseRevision(Identified, table=True):
    """Version of an interview's answers; never changed, only followed by the next one.

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
        partial_index(
            "ux_response_revision_current",
            "response_id",
            "wave_id",
            where="is_current",
            unique=True,
        ),
        {"postgresql_partition_by": "LIST (wave_id)"},
    )

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


class ResponseFlag(Identified, table=True):
    """Quality flag that a detector set on one interview; people decide what follows."""

    __tablename__ = "response_flag"
    __table_args__ = (
        UniqueConstraint("response_id", "kind"),
        CheckConstraint("strength > 0 AND strength <= 1", name="strength"),
    )

    response_id: UUID = Field(foreign_key="response.id")
    kind: str = Field(max_length=24)
    """One of `survey.review.quality.FlagKind`; the detectors own the list."""
    strength: float
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=JsonDocument)
    """The numbers of the reason in words (`survey.review.quality.reason_of`)."""
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


class BackCheckDraw(Identified, table=True):
    """Draw of interviews for back-checks, with the seed and shares to repeat it; never changed."""

    __tablename__ = "back_check_draw"

    wave_id: UUID = Field(foreign_key="wave.id", index=True)
    area: str
    """Area in which interviews could be drawn: `CN`, a province prefix or a city code."""
    seed: str = Field(max_length=40)
    random_share: float
    risk_share: float
    as_of: datetime = Field(sa_type=UtcDateTime)
    """Interviews that arrived later could not be drawn."""
    pool: int
    drawn: int
    drawn_sha256: str = Field(max_length=64)
    """SHA-256 over the ids of the drawn interviews, in order."""
    drawn_by: UUID | None = Field(default=None, foreign_key="account.id")
    drawn_at: datetime = Field(sa_type=UtcDateTime)


class BackCheck(Identified, table=True):
    """Back-check of one interview; without an outcome it was not attempted yet."""

    __tablename__ = "back_check"
    __table_args__ = (
        Index("ix_back_check_wave_city", "wave_id", "city_code"),
        CheckConstraint("attempts >= 0", name="attempts"),
    )

    draw_id: UUID = Field(foreign_key="back_check_draw.id")
    response_id: UUID = Field(foreign_key="response.id", unique=True)
    wave_id: UUID = Field(foreign_key="wave.id")
    city_code: str = Field(foreign_key="city.code")
    surveyor_id: UUID = Field(foreign_key="account.id", index=True)
    instrument_id: UUID = Field(foreign_key="instrument_version.id")
    """The short questionnaire that is asked."""
    chosen_by: ChosenBy = Field(sa_type=enum_column(ChosenBy))
    outcome: Outcome | None = Field(default=None, sa_type=enum_column(Outcome))
    channel: Channel | None = Field(default=None, sa_type=enum_column(Channel))
    attempts: int = 0
    revision: int | None = None
    """Current revision of the interview when the person was asked again."""
    answers: dict[str, Any] = Field(default_factory=dict, sa_type=JsonDocument)
    note: str = ""
    checked_by: UUID | None = Field(default=None, foreign_key="account.id")
    checked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    lock_version: int = 1


class SurveyorNote(Identified, table=True):
    """Decision that a surveyor must be trained again by a certain day."""

    __tablename__ = "surveyor_note"

    account_id: UUID = Field(foreign_key="account.id", index=True)
    wave_id: UUID = Field(foreign_key="wave.id")
    retrain_by: date
    note: str = ""
    made_by: UUID | None = Field(default=None, foreign_key="account.id")
    made_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class ResponseContact(SQLModel, table=True):
    """Telephone number of a respondent, encrypted by a key outside the database.

    It is apart from the answers, so that only a back-check brings the two together.
    """

    __tablename__ = "response_contact"

    response_id: UUID = Field(foreign_key="response.id", primary_key=True)
    sealed: str = Field(max_length=400)
    """A Fernet token (`survey.store.cipher`)."""
    left_at: datetime = Field(sa_type=UtcDateTime, index=True)


class ParkedInterview(Identified, table=True):
    """Interview that came too late to be counted; a supervisor of its city decides.

    It is no `Response`, so that nothing which counts, estimates or exports can meet it. Its content
    is erased with the decision; the row stays until it is deleted by schedule, so that a repeated
    send gets the same receipt.
    """

    __tablename__ = "parked_interview"
    __table_args__ = (
        CheckConstraint("(decision IS NULL) = (decided_at IS NULL)", name="decided"),
        CheckConstraint("response_id IS NULL OR decision = 'accepted'", name="accepted"),
        partial_index(
            "ix_parked_interview_waiting", "city_code", "parked_at", where="decision IS NULL"
        ),
    )

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


class PaperPlan(SQLModel, table=True):
    """Share of a wave's paper questionnaires that is keyed twice, and the seed that draws them."""

    __tablename__ = "paper_plan"
    __table_args__ = (CheckConstraint("share >= 0 AND share <= 1", name="share"),)

    wave_id: UUID = Field(foreign_key="wave.id", primary_key=True)
    share: float
    seed: str = Field(max_length=64)
    changed_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class PaperSheet(Identified, table=True):
    """Paper questionnaire by its printed number; it becomes a response when settled."""

    __tablename__ = "paper_sheet"
    __table_args__ = (
        UniqueConstraint("wave_id", "serial"),
        CheckConstraint("(state = 'settled') = (response_id IS NOT NULL)", name="settled"),
    )

    wave_id: UUID = Field(foreign_key="wave.id")
    city_code: str = Field(foreign_key="city.code", index=True)
    serial: str = Field(max_length=20)
    keyed_twice: bool
    """Drawn at the first keying; a later change of the share has no effect on it."""
    state: SheetState = Field(sa_type=enum_column(SheetState))
    response_id: UUID | None = Field(default=None, foreign_key="response.id", unique=True)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class PaperKeying(Identified, table=True):
    """Keying of a sheet, never changed; `number` is 1 first, 2 second, 3 adjudication.

    A unique constraint ensures that a person keys or adjudicates a sheet only once.
    """

    __tablename__ = "paper_keying"
    __table_args__ = (
        UniqueConstraint("sheet_id", "number"),
        UniqueConstraint("sheet_id", "account_id"),
        CheckConstraint("number >= 1 AND number <= 3", name="number"),
        CheckConstraint("errors >= 0 AND errors <= fields", name="errors"),
    )

    sheet_id: UUID = Field(foreign_key="paper_sheet.id")
    number: int
    client_uuid: UUID = Field(unique=True)
    account_id: UUID = Field(foreign_key="account.id", index=True)
    point_id: UUID = Field(foreign_key="sampling_point.id")
    surveyor_id: UUID = Field(foreign_key="account.id")
    """Surveyor who is named on the sheet."""
    interview_on: date
    """Day of the interview in China."""
    answers: dict[str, Any] = Field(sa_type=JsonDocument)
    """As in a response revision: null where a question was left open on the paper."""
    seconds: float | None = None
    """Seconds from the first keystroke to the last."""
    strokes: int | None = None
    fields: int | None = None
    """Fields of this keying that were compared on a settled sheet, keyed twice."""
    errors: int | None = None
    """Fields among these that differ from the settled answers."""
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
