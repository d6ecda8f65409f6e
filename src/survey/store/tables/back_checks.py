"""Tables of back-checks: draws, interviews to check, telephone numbers, notes on surveyors."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from survey.store.tables import accounts, interviews, reference, waves  # noqa: F401  (its foreign keys)
from survey.store.tables.columns import (
    Channel,
    ChosenBy,
    JsonDocument,
    Outcome,
    UtcDateTime,
    enum_column,
    new_id,
    now,
)


class BackCheckDraw(SQLModel, table=True):
    """One draw of interviews with everything needed to repeat it; never changed."""

    __tablename__ = "back_check_draw"

    id: UUID = Field(default_factory=new_id, primary_key=True)
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


class BackCheck(SQLModel, table=True):
    """One interview to be checked; without an outcome it was not attempted yet."""

    __tablename__ = "back_check"
    __table_args__ = (
        Index("ix_back_check_wave_city", "wave_id", "city_code"),
        CheckConstraint("attempts >= 0", name="attempts"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
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


class SurveyorNote(SQLModel, table=True):
    """Decision that a surveyor must be trained again, and by when."""

    __tablename__ = "surveyor_note"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    account_id: UUID = Field(foreign_key="account.id", index=True)
    wave_id: UUID = Field(foreign_key="wave.id")
    retrain_by: date
    note: str = ""
    made_by: UUID | None = Field(default=None, foreign_key="account.id")
    made_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class ResponseContact(SQLModel, table=True):
    """Telephone number of a respondent, encrypted with a key that is not in the database.

    It is apart from the answers, so that only a back-check brings the two together.
    """

    __tablename__ = "response_contact"

    response_id: UUID = Field(foreign_key="response.id", primary_key=True)
    sealed: str = Field(max_length=400)
    """A Fernet token (`survey.store.cipher`)."""
    left_at: datetime = Field(sa_type=UtcDateTime, index=True)
