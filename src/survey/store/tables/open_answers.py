"""Tables of open answers: codes of a question, answers drawn to be coded, and what people coded."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field

from survey.locale import msg
from survey.records import Key, Record, Text
from survey.store.tables import interviews  # noqa: F401  (its foreign keys)
from survey.store.tables.columns import Identified, JsonDocument, UtcDateTime, now

_NAME = {"least": 1, "most": 40}
_DEFINITION = {"least": 2, "most": 200, "width": 60}


class CodeData(Record):
    """One code of an open question: its names, what belongs to it, and an example."""

    code: Annotated[str, Key(label=msg("Code"))]
    label_zh: Annotated[str, Text(label=msg("Name in Chinese"), **_NAME)]
    label_en: Annotated[str, Text(label=msg("Name in English"), **_NAME)]
    definition_zh: Annotated[str, Text(label=msg("What belongs to it, in Chinese"), **_DEFINITION)]
    definition_en: Annotated[str, Text(label=msg("What belongs to it, in English"), **_DEFINITION)]
    example_zh: Annotated[str, Text(label=msg("Example"), **_DEFINITION)]


class CodingFrame(Identified, table=True):
    """Version of the codes of an open question, never changed, only followed by the next one."""

    __tablename__ = "coding_frame"
    __table_args__ = (UniqueConstraint("question", "version"),)

    question: str = Field(max_length=64)
    """Name of the question in questionnaires."""
    version: int
    codes: list[dict[str, Any]] = Field(sa_type=JsonDocument)
    """Fields of `CodeData`, in the order in which coders see them."""
    created_by: UUID | None = Field(default=None, foreign_key="account.id")
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class CodingRound(Identified, table=True):
    """Answers of a wave to an open question of which some are coded by two people each."""

    __tablename__ = "coding_round"
    __table_args__ = (
        UniqueConstraint("wave_id", "question"),
        CheckConstraint("drawn BETWEEN 1 AND pool", name="drawn"),
    )

    wave_id: UUID = Field(foreign_key="wave.id")
    question: str = Field(max_length=64)
    frame_id: UUID = Field(foreign_key="coding_frame.id")
    seed: str
    pool: int
    """Answers that were given; all had the same chance to be drawn."""
    drawn: int
    drawn_by: UUID | None = Field(default=None, foreign_key="account.id")
    drawn_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    is_demo: bool = False
    shares: list[dict[str, Any]] = Field(default_factory=list, sa_type=JsonDocument)
    """Rows of shares by area and code, before the gate; empty until they are computed."""
    agreement: dict[str, Any] = Field(default_factory=dict, sa_type=JsonDocument)
    computed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class CodedAnswer(Identified, table=True):
    """Drawn answer with personal data masked, and the codes that two people gave it apart."""

    __tablename__ = "coded_answer"
    __table_args__ = (
        UniqueConstraint("round_id", "response_id"),
        CheckConstraint("first_by <> second_by", name="two_people"),
        CheckConstraint(
            "settled_code IS NULL OR (first_code IS NOT NULL AND second_code IS NOT NULL)",
            name="settled_last",
        ),
    )

    round_id: UUID = Field(foreign_key="coding_round.id")
    response_id: UUID = Field(foreign_key="response.id", index=True)
    city_code: str = Field(foreign_key="city.code")
    place: int
    """Position in the draw."""
    text: str
    """What coders read; the answer itself stays with the interview."""
    first_code: str | None = None
    first_by: UUID | None = Field(default=None, foreign_key="account.id")
    first_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    second_code: str | None = None
    second_by: UUID | None = Field(default=None, foreign_key="account.id")
    second_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    settled_code: str | None = None
    """Code that holds: the one both gave, or that of a third person."""
    settled_by: UUID | None = Field(default=None, foreign_key="account.id")
    """The third person; empty where both agreed."""
    settled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
