"""Register of consumer education: what is entered of an activity, and its table."""

from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Annotated
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlmodel import Field

from survey.locale import Message, msg
from survey.records import Choice, Day, Number, Record, Text, Yuan
from survey.store.tables import accounts, venue_checks  # noqa: F401  (its foreign keys)
from survey.store.tables.columns import UtcDateTime, new_id, now

FORM_NAMES: Mapping[str, Message] = MappingProxyType(
    {
        "talk": msg("talk or class"),
        "stall": msg("stall or event on the street"),
        "visit": msg("visit of a neighbourhood or village"),
        "school": msg("class at a school"),
        "online": msg("online: article, video, live stream"),
        "media": msg("television, radio, newspaper"),
        "print": msg("poster or leaflet"),
        "other": msg("other form"),
    }
)
AUDIENCE_NAMES: Mapping[str, Message] = MappingProxyType(
    {
        "everybody": msg("everybody"),
        "elderly": msg("older people"),
        "minors": msg("children and parents"),
        "students": msg("students"),
        "rural": msg("rural residents"),
        "traders": msg("traders"),
    }
)
_FIRST_YEAR = 2015


class ActivityData(Record):
    """What is recorded of an activity."""

    area: str = Field(max_length=6)
    """Nation, province or city whose association held it."""
    title: Annotated[
        str,
        Text(label=msg("Activity"), most=100, refusal=msg("The title has 2 to 100 characters.")),
    ]
    place: Annotated[
        str,
        Text(label=msg("Location"), most=200, refusal=msg("The place has 2 to 200 characters.")),
    ]
    held_on: Annotated[
        date,
        Day(
            label=msg("Day"),
            first=date(_FIRST_YEAR, 1, 1),
            refusal=msg("The register begins in {year}.", year=_FIRST_YEAR),
        ),
    ]
    form: Annotated[
        str, Choice(label=msg("Form"), names=FORM_NAMES, refusal=msg("Please choose a form."))
    ] = Field(max_length=24)
    audience: Annotated[
        str,
        Choice(
            label=msg("Audience"), names=AUDIENCE_NAMES, refusal=msg("Please choose an audience.")
        ),
    ] = Field(max_length=24)
    participants: Annotated[
        int,
        Number(
            label=msg("Participants"),
            least=1,
            most=100_000_000,
            refusal=msg("The number of people lies between 1 and 100 million."),
        ),
    ]
    """People who took part, or whom it was shown to, as counted or estimated by its organiser."""
    cost_fen: Annotated[
        int,
        Yuan(
            label=msg("Cost (yuan)"),
            least=0,
            most=100_000_000,
            refusal=msg("The cost lies between 0 and 100 million yuan."),
        ),
    ] = Field(sa_type=BigInteger)


class EducationActivity(ActivityData, table=True):
    """Activity of consumer education; taken out with a reason, never changed."""

    __tablename__ = "education_activity"
    __table_args__ = (
        CheckConstraint("participants > 0 AND cost_fen >= 0", name="counts"),
        CheckConstraint("taken_out_at IS NULL OR reason <> ''", name="with_reason"),
        Index("ix_education_activity_held_on", "held_on"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    photo_id: UUID | None = Field(default=None, foreign_key="photo.id", index=True)
    is_demo: bool = False
    entered_by: UUID | None = Field(default=None, foreign_key="account.id")
    entered_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    taken_out_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reason: str = ""
