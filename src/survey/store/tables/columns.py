"""Parts that all tables share: column types, ids, names of constraints, stored enumerations."""

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import uuid_utils.compat
from sqlalchemy import JSON, ColumnElement, DateTime, Enum, Row, Table, and_
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel


class UtcDateTime(TypeDecorator[datetime]):
    """Column type of times: aware and in UTC on every database, also on SQLite without zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: object) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("store times must carry a time zone")
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, _dialect: object) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


SQLModel.model_config["defer_build"] = True
"""Validators are made when a row is first validated, which rows of tables are not: a sixth of what
it takes to import the tables."""

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
"""Every constraint has a name, so that a later migration can change it on both databases."""

JsonDocument = JSON().with_variant(JSONB(), "postgresql")


def new_id() -> UUID:
    """Return a new UUIDv7, whose order is that of time."""
    return uuid_utils.compat.uuid7()


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def enum_column(kind: type[StrEnum]) -> Enum:
    """Return a column type that stores an enumeration by value, guarded by a CHECK constraint."""
    return Enum(
        kind,
        name=kind.__name__.lower(),
        native_enum=False,
        create_constraint=True,
        length=24,
        values_callable=lambda members: [member.value for member in members],
    )


AnyRow = Row[*tuple[Any, ...]]
"""A row whose columns are read by name."""


def table_of(model: type[SQLModel]) -> Table:
    """Return the Core table of a mapped class, for paths where an ORM object costs too much."""
    table: Table = model.__table__  # type: ignore[attr-defined]
    return table


def revision_join(responses: Table, revisions: Table) -> ColumnElement[bool]:
    """Return the condition that joins revisions to their responses.

    It compares the wave too, so that PostgreSQL reads only the partition of that wave.
    """
    return and_(
        revisions.c.response_id == responses.c.id, revisions.c.wave_id == responses.c.wave_id
    )


class WaveState(StrEnum):
    """State of a wave, from planning to release."""

    PLANNED = "planned"
    OPEN = "open"
    CLOSED = "closed"
    FROZEN = "frozen"
    RELEASED = "released"


class StudyUnit(StrEnum):
    """What a questionnaire is about: a person who answers, or a venue that an observer visits."""

    PERSON = "person"
    VENUE = "venue"


class Status(StrEnum):
    """State of a response (architecture.md, one state machine)."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    CITY_APPROVED = "city_approved"
    APPROVED = "approved"
    FROZEN = "frozen"
    SCREENED_OUT = "screened_out"
    REFUSED = "refused"
    QUOTA_FULL = "quota_full"
    VOID = "void"


class Mode(StrEnum):
    """Way in which answers were collected."""

    SELF = "self"
    ASSISTED = "assisted"
    PAPER = "paper"
    IMPORT = "import"


class PointKind(StrEnum):
    """Kind of place of a sampling point."""

    COMPOUND = "compound"
    MALL = "mall"
    SUPERMARKET = "supermarket"
    SCENIC = "scenic"
    VILLAGE = "village"
    VENUE = "venue"
    """Place that is itself observed, not a place where people are asked."""


class SheetState(StrEnum):
    """Progress of a paper questionnaire towards a response."""

    SECOND = "second"
    """Waits to be keyed by a second person."""
    VERDICT = "verdict"
    """Keyed twice with differences; waits for a third person."""
    SETTLED = "settled"


class ChosenBy(StrEnum):
    """Reason why an interview is back-checked."""

    RANDOM = "random"
    RISK = "risk"


class Outcome(StrEnum):
    """Result of an attempt to ask a respondent again."""

    REACHED = "reached"
    NOT_REACHED = "not_reached"
    REFUSED = "refused"
    NEVER_INTERVIEWED = "never_interviewed"


class Channel(StrEnum):
    """Way in which a respondent was asked again."""

    PHONE = "phone"
    ON_SITE = "on_site"


class WaveAct(StrEnum):
    """Step of a wave that one person requests and another confirms."""

    FREEZE = "freeze"
    RELEASE = "release"
    ARCHIVE = "archive"
    """Move the answers out of the database into a file."""


class Decision(StrEnum):
    """Decision about a request for an exact file of rows."""

    APPROVED = "approved"
    REFUSED = "refused"


class ParkingReason(StrEnum):
    """Reason why a finished interview was parked instead of counted."""

    LINK_EXPIRED = "link_expired"
    LINK_VOIDED = "link_voided"
    WAVE_CLOSED = "wave_closed"
    INSTRUMENT_REPLACED = "instrument_replaced"
    POINT_REASSIGNED = "point_reassigned"


class ParkingDecision(StrEnum):
    """What became of a parked interview."""

    ACCEPTED = "accepted"
    DISCARDED = "discarded"
    WITHDRAWN = "withdrawn"


class Shown(StrEnum):
    """Extent to which a release shows cities outside a reader's area."""

    SCORES = "scores"
    """Names and every figure."""
    NAMES = "names"
    """The names of the first places, and no figure of any of them."""
    NOTHING = "nothing"


class PublicationState(StrEnum):
    """State of a publication, from the announced date to what became of it."""

    PLANNED = "planned"
    SIGNED = "signed"
    PUBLISHED = "published"
    CORRECTED = "corrected"
    """Replaced by a publication that corrects it."""
    RETRACTED = "retracted"


class ProblemState(StrEnum):
    """State of a problem on the list of a city."""

    PROPOSED = "proposed"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    """Evidence was given; acceptance is waited for."""
    ACCEPTED = "accepted"
    REOPENED = "reopened"
    WITHDRAWN = "withdrawn"


class ProblemBasis(StrEnum):
    """Rule by which a problem was proposed, or that it was chosen without one."""

    PRIORITY = "priority"
    """First to improve."""
    BELOW_NATION = "below_nation"
    GROUP_GAP = "group_gap"
    """A special group rates lower than everybody else in the city."""
    CHOSEN = "chosen"


class EvidenceKind(StrEnum):
    """Kind of evidence for what was done about a problem."""

    STATEMENT = "statement"
    LINK = "link"
    COMPLAINTS = "complaints"
    EXPERIENCE_CHECK = "experience_check"
    COMPARATIVE_TEST = "comparative_test"


class ComparativeTestState(StrEnum):
    """State of a comparative test of products, from its plan to its release."""

    PLANNED = "planned"
    BOUGHT = "bought"
    AT_LABORATORY = "at_laboratory"
    RESULTS_IN = "results_in"
    MAKERS_HEARD = "makers_heard"
    RELEASED = "released"


class MeasurementRound(StrEnum):
    """Occasion of a measured value of a comparative test."""

    FIRST = "first"
    CORRECTION = "correction"
    """The laboratory corrected what it had reported."""
    RETEST = "retest"


class ReplyStance(StrEnum):
    """What a maker says of its results in a comparative test."""

    AGREES = "agrees"
    OBJECTS = "objects"
    WANTS_RETEST = "wants_retest"
    REMARKS = "remarks"
    """It neither agrees nor objects."""


class Reply(SQLModel):
    """Hearing of a maker or a venue: when it was sent a finding, and what it replied."""

    sent_on: date
    due_on: date
    received_on: date | None = None
    stance: ReplyStance | None = Field(default=None, sa_type=enum_column(ReplyStance))
    text: str = ""
    answer: str = ""
    """What the association answered."""

    @property
    def is_late(self) -> bool:
        """Whether it was received after the deadline."""
        return self.received_on is not None and self.received_on > self.due_on


class DeliveryKind(StrEnum):
    """Kind of outside evidence that is delivered by period."""

    COMPLAINTS = "complaints"
    OPINION = "opinion"


class KeyScope(StrEnum):
    """What an API key opens; a key of one scope opens nothing of another."""

    RESULTS = "results"
    DELIVERIES = "deliveries"
