"""Registers of consumer education: activities, bases and visits to them, stations, work on rules.

None of them holds data of a person: who can be reached is an office.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlmodel import Field

from survey.locale import Message, msg
from survey.records import Choice, Day, Flag, Number, Record, Text, Year, Yuan
from survey.store.tables import accounts, venue_checks  # noqa: F401  (their foreign keys)
from survey.store.tables.columns import Identified, UtcDateTime, now
from survey.store.tables.evidence import YES_NO

FORM_NAMES: Mapping[str, Message] = {
    "talk": msg("talk or class"),
    "stall": msg("stall or event on the street"),
    "visit": msg("visit of a neighbourhood or village"),
    "school": msg("class at a school"),
    "online": msg("online: article, video, live stream"),
    "media": msg("television, radio, newspaper"),
    "print": msg("poster or leaflet"),
    "other": msg("other form"),
}
AUDIENCE_NAMES: Mapping[str, Message] = {
    "everybody": msg("everybody"),
    "elderly": msg("older people"),
    "minors": msg("children and parents"),
    "students": msg("students"),
    "rural": msg("rural residents"),
    "traders": msg("traders"),
}
BASE_KIND_NAMES: Mapping[str, Message] = {
    "hall": msg("exhibition hall or museum"),
    "school": msg("school or college"),
    "community": msg("community or village"),
    "market": msg("market, mall or scenic spot"),
    "enterprise": msg("enterprise"),
    "laboratory": msg("testing institute or laboratory"),
    "media": msg("media or online"),
    "other": msg("other kind"),
}
BASE_LEVEL_NAMES: Mapping[str, Message] = {
    "national": msg("national level"),
    "province": msg("provincial level"),
    "city": msg("city level"),
    "county": msg("county level"),
}
STATION_KIND_NAMES: Mapping[str, Message] = {
    "association": msg("consumer association"),
    "branch": msg("branch of an association"),
    "station": msg("rights station"),
    "point": msg("contact point"),
}
STATION_PLACE_NAMES: Mapping[str, Message] = {
    "office": msg("office of its own"),
    "market": msg("market"),
    "mall": msg("department store or mall"),
    "scenic": msg("scenic spot"),
    "community": msg("community"),
    "village": msg("village"),
    "school": msg("school or college"),
    "enterprise": msg("enterprise"),
    "online": msg("online platform"),
    "other": msg("elsewhere"),
}
RULE_WORK_NAMES: Mapping[str, Message] = {
    "law": msg("opinion on a law or regulation"),
    "standard_opinion": msg("opinion on a standard"),
    "standard": msg("took part in a standard"),
    "unfair_terms": msg("unfair terms found"),
}
RULE_OUTCOME_NAMES: Mapping[str, Message] = {
    "open": msg("no outcome yet"),
    "adopted": msg("adopted"),
    "partly": msg("partly adopted"),
    "declined": msg("not adopted"),
    "published": msg("standard published"),
    "mended": msg("terms changed or struck"),
    "referred": msg("handed to the authority"),
}
_FIRST_DAY, _FIRST_YEAR = date(1984, 12, 26), 2015
"""Day on which the China Consumers Association was founded; no base was named before."""


Address = Annotated[str, Text(label=msg("Address"), most=200, width=28)]
Office = Annotated[
    str,
    Text(
        label=msg("Contact office"),
        least=0,
        most=100,
        help=msg("An office and its line; no name and no mobile telephone of a person."),
    ),
]


class EntryData(Record):
    """Base of what people enter into a register: the area that it belongs to."""

    area: str = Field(max_length=6)
    """Nation, province or city."""


class RegisterEntry(Identified):
    """Columns of every register: who entered it and when, its version, why it was taken out."""

    is_demo: bool = False
    lock_version: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    entered_by: UUID | None = Field(default=None, foreign_key="account.id")
    entered_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    taken_out_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reason: str = ""
    """Why it was taken out."""


def taken_out_with_reason() -> CheckConstraint:
    """Return the constraint that what is taken out of a register says why."""
    return CheckConstraint("taken_out_at IS NULL OR reason <> ''", name="with_reason")


class ActivityData(EntryData):
    """Fields of an activity of consumer education, as a person enters them."""

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


class EducationActivity(ActivityData, RegisterEntry, table=True):
    """Activity of consumer education."""

    __tablename__ = "education_activity"
    __table_args__ = (
        CheckConstraint("participants > 0 AND cost_fen >= 0", name="counts"),
        taken_out_with_reason(),
        Index("ix_education_activity_held_on", "held_on"),
    )

    photo_id: UUID | None = Field(default=None, foreign_key="photo.id", index=True)


class BaseData(EntryData):
    """Fields of a base of consumer education, as a person enters them."""

    name: Annotated[str, Text(label=msg("Name of the base"), most=100, width=28)] = Field(
        index=True
    )
    kind: Annotated[str, Choice(label=msg("Kind of base"), names=BASE_KIND_NAMES)] = Field(
        max_length=24
    )
    named_by: Annotated[str, Choice(label=msg("Level"), names=BASE_LEVEL_NAMES)] = Field(
        max_length=24
    )
    named_on: Annotated[date, Day(label=msg("Named on"), first=_FIRST_DAY)]
    standard: Annotated[
        str,
        Text(
            label=msg("Standard it was named by"),
            least=0,
            most=200,
            help=msg("Title or number of the document; may stay empty."),
        ),
    ] = ""
    address: Address
    for_elderly: Annotated[bool, Flag(label=msg("For older people"), names=YES_NO)]
    for_minors: Annotated[bool, Flag(label=msg("For children"), names=YES_NO)]
    hours: Annotated[str, Text(label=msg("Opening hours"), least=0, most=100)] = ""
    contact: Office = ""


class EducationBase(BaseData, RegisterEntry, table=True):
    """Base of consumer education that an association named."""

    __tablename__ = "education_base"
    __table_args__ = (taken_out_with_reason(),)


class VisitData(EntryData):
    """Fields of a visit to a base, as a person enters them."""

    base_id: UUID = Field(foreign_key="education_base.id", index=True)
    visited_on: Annotated[date, Day(label=msg("Day of the visit"), first=_FIRST_DAY)]
    found: Annotated[str, Text(label=msg("What was found"), most=500, is_long=True)]


class BaseVisit(VisitData, RegisterEntry, table=True):
    """Visit to a base of consumer education, and what was found."""

    __tablename__ = "base_visit"
    __table_args__ = (taken_out_with_reason(),)

    photo_id: UUID | None = Field(default=None, foreign_key="photo.id", index=True)


class StationData(EntryData):
    """Fields of a year of an association or station, as a person enters them."""

    name: Annotated[str, Text(label=msg("Name of the station"), most=100, width=28)] = Field(
        index=True
    )
    year: Annotated[int, Year(label=msg("Year"), least=_FIRST_YEAR)]
    kind: Annotated[str, Choice(label=msg("Kind of station"), names=STATION_KIND_NAMES)] = Field(
        max_length=24
    )
    place: Annotated[str, Choice(label=msg("Where it is"), names=STATION_PLACE_NAMES)] = Field(
        max_length=24
    )
    address: Address
    contact: Office = ""
    mediators: Annotated[int, Number(label=msg("Mediators"), least=0, most=10_000)]
    training_hours: Annotated[
        int, Number(label=msg("Hours of training in the year"), least=0, most=1_000_000)
    ]
    settled: Annotated[
        int, Number(label=msg("Cases settled in the year"), least=0, most=10_000_000)
    ]


class ConsumerStation(StationData, RegisterEntry, table=True):
    """Association or station for consumers' rights in one year."""

    __tablename__ = "consumer_station"
    __table_args__ = (
        CheckConstraint("mediators >= 0 AND training_hours >= 0 AND settled >= 0", name="counts"),
        taken_out_with_reason(),
    )


class RuleWorkData(EntryData):
    """Fields of work on laws, standards and terms, as a person enters them."""

    kind: Annotated[str, Choice(label=msg("Kind of work"), names=RULE_WORK_NAMES, width=22)] = (
        Field(max_length=24)
    )
    done_on: Annotated[date, Day(label=msg("Day"), first=_FIRST_DAY)]
    subject: Annotated[
        str,
        Text(
            label=msg("Law, standard or contract"),
            most=200,
            width=28,
            help=msg("Of unfair terms the kind of contract, without the name of a trader."),
        ),
    ]
    text: Annotated[
        str, Text(label=msg("What was said or found"), most=2_000, width=40, is_long=True)
    ]
    outcome: Annotated[str, Choice(label=msg("Outcome"), names=RULE_OUTCOME_NAMES, width=22)] = (
        Field(max_length=24)
    )
    remark: Annotated[
        str, Text(label=msg("Remark on the outcome"), least=0, most=500, is_long=True)
    ] = ""
    source: Annotated[
        str,
        Text(
            label=msg("Source"),
            least=0,
            most=300,
            help=msg("Address of a page or number of a document; may stay empty."),
        ),
    ] = ""


class RuleWork(RuleWorkData, RegisterEntry, table=True):
    """Opinion on a law or standard, part in a standard, or unfair terms found."""

    __tablename__ = "rule_work"
    __table_args__ = (taken_out_with_reason(),)
