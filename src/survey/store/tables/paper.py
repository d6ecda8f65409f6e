"""Tables of paper questionnaires: sheets, keyings, and the share that is keyed twice."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field, SQLModel

from survey.store.tables import accounts, interviews, reference, waves  # noqa: F401  (its foreign keys)
from survey.store.tables.columns import (
    JsonDocument,
    SheetState,
    UtcDateTime,
    enum_column,
    new_id,
    now,
)


class PaperPlan(SQLModel, table=True):
    """Share of a wave's sheets that is keyed twice, and the seed that draws them."""

    __tablename__ = "paper_plan"
    __table_args__ = (CheckConstraint("share >= 0 AND share <= 1", name="share"),)

    wave_id: UUID = Field(foreign_key="wave.id", primary_key=True)
    share: float
    seed: str = Field(max_length=64)
    changed_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class PaperSheet(SQLModel, table=True):
    """One paper questionnaire by its printed number; a response once it is settled."""

    __tablename__ = "paper_sheet"
    __table_args__ = (
        UniqueConstraint("wave_id", "serial"),
        CheckConstraint("(state = 'settled') = (response_id IS NOT NULL)", name="settled"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    wave_id: UUID = Field(foreign_key="wave.id")
    city_code: str = Field(foreign_key="city.code", index=True)
    serial: str = Field(max_length=20)
    keyed_twice: bool
    """Drawn at the first keying; a later change of the share has no effect on it."""
    state: SheetState = Field(sa_type=enum_column(SheetState))
    response_id: UUID | None = Field(default=None, foreign_key="response.id", unique=True)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class PaperKeying(SQLModel, table=True):
    """One keying of a sheet, never changed: 1 the first, 2 the second, 3 the adjudication.

    A unique constraint ensures that a person keys or adjudicates a sheet only once.
    """

    __tablename__ = "paper_keying"
    __table_args__ = (
        UniqueConstraint("sheet_id", "number"),
        UniqueConstraint("sheet_id", "account_id"),
        CheckConstraint("number >= 1 AND number <= 3", name="number"),
        CheckConstraint("errors >= 0 AND errors <= fields", name="errors"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
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
