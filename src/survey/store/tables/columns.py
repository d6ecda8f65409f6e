"""Parts that all tables share: column types, ids, names of constraints, stored enumerations."""

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import uuid_utils.compat
from sqlalchemy import (
    JSON,
    CheckConstraint,
    ColumnElement,
    DateTime,
    Enum,
    Index,
    Row,
    Table,
    and_,
    text,
)
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
    """Return a new UUIDv7; later ids sort after earlier ones."""
    return uuid_utils.compat.uuid7()


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def enum_column(kind: type[StrEnum], *, is_guarded: bool = True) -> Enum:
    """Return a column type that stores an enumeration by value, by default with a CHECK."""
    return Enum(
        kind,
        name=kind.__name__.lower(),
        native_enum=False,
        create_constraint=is_guarded,
        length=24,
        values_callable=lambda members: [member.value for member in members],
    )


class Identified(SQLModel):
    """Base of tables whose rows have a UUIDv7 in their primary key."""

    id: UUID = Field(default_factory=new_id, primary_key=True)


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """Return an index of only the rows that fulfil a condition, for both databases."""
    rows = text(where)
    return Index(name, *columns, unique=unique, sqlite_where=rows, postgresql_where=rows)


def two_people(first: str, second: str) -> CheckConstraint:
    """Return an SQL CHECK that two steps (columns `…_at`, `…_by`) were taken by two accounts.

    The operator of the server is one person, whose account is null.
    """
    return CheckConstraint(
        f"{second}_at IS NULL OR one_person <> '' "
        f"OR ({first}_by IS NULL) <> ({second}_by IS NULL) "
        f"OR ({first}_by IS NOT NULL AND {first}_by <> {second}_by)",
        name="two_people",
    )


AnyRow = Row[*tuple[Any, ...]]
"""A row whose columns are read by name."""


def table_of(model: type[SQLModel]) -> Table:
    """Return the SQLAlchemy Core table of a mapped class, for queries without ORM objects."""
    table: Table = model.__table__  # type: ignore[attr-defined]
    return table


def revision_join(responses: Table, revisions: Table) -> ColumnElement[bool]:
    """Return the SQL condition that joins revisions of answers to their responses.

    It compares the wave too, so that PostgreSQL reads only the partition of that wave.
    """
    return and_(
        revisions.c.response_id == responses.c.id, revisions.c.wave_id == responses.c.wave_id
    )


class WaveState(StrEnum):
    """State of a wave: planned, open, closed, frozen, or released."""

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
    """State of a response: submitted, returned, approved, frozen, void and so on."""

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
    """Way in which answers were collected: by oneself, with a surveyor, on paper, imported."""

    SELF = "self"
    ASSISTED = "assisted"
    PAPER = "paper"
    IMPORT = "import"


class PointKind(StrEnum):
    """Kind of place of a sampling point, such as a compound, mall or village, or a venue."""

    COMPOUND = "compound"
    MALL = "mall"
    SUPERMARKET = "supermarket"
    SCENIC = "scenic"
    VILLAGE = "village"
    VENUE = "venue"
    """Place that is itself observed, not a place where people are asked."""


class SheetState(StrEnum):
    """State of a paper questionnaire: awaits second keying or adjudication, or is settled."""

    SECOND = "second"
    """Waits to be keyed by a second person."""
    VERDICT = "verdict"
    """Keyed twice with differences; waits for a third person."""
    SETTLED = "settled"


class ChosenBy(StrEnum):
    """Way in which an interview was drawn for a back-check: at random, or by its risk score."""

    RANDOM = "random"
    RISK = "risk"


class Outcome(StrEnum):
    """Outcome of a back-check: reached, not reached, refused, or never interviewed."""

    REACHED = "reached"
    NOT_REACHED = "not_reached"
    REFUSED = "refused"
    NEVER_INTERVIEWED = "never_interviewed"


class Channel(StrEnum):
    """Way in which a back-check asks a respondent again: by telephone or on site."""

    PHONE = "phone"
    ON_SITE = "on_site"


class WaveAct(StrEnum):
    """Step of a wave (freeze, release, archive) that one person requests and another confirms."""

    FREEZE = "freeze"
    RELEASE = "release"
    ARCHIVE = "archive"
    """Move the answers out of the database into a file."""


class Decision(StrEnum):
    """Decision of a second person about a request for an exact file of rows."""

    APPROVED = "approved"
    REFUSED = "refused"


class ParkingReason(StrEnum):
    """Reason why an interview was parked, not counted: link expired, wave closed and so on."""

    LINK_EXPIRED = "link_expired"
    LINK_VOIDED = "link_voided"
    WAVE_CLOSED = "wave_closed"
    INSTRUMENT_REPLACED = "instrument_replaced"
    POINT_REASSIGNED = "point_reassigned"


class ParkingDecision(StrEnum):
    """Outcome for a parked interview: accepted, discarded, or withdrawn by the respondent."""

    ACCEPTED = "accepted"
    DISCARDED = "discarded"
    WITHDRAWN = "withdrawn"


class Shown(StrEnum):
    """Extent to which a release shows cities outside a reader's area: scores, names, nothing."""

    SCORES = "scores"
    """Names and every figure."""
    NAMES = "names"
    """The names of the first places, and no figure of any of them."""
    NOTHING = "nothing"


class PublicationState(StrEnum):
    """State of a release: planned, signed, published, corrected, or retracted."""

    PLANNED = "planned"
    SIGNED = "signed"
    PUBLISHED = "published"
    CORRECTED = "corrected"
    """Replaced by a publication that corrects it."""
    RETRACTED = "retracted"


class ProblemState(StrEnum):
    """State of a problem on a city's list: proposed, in progress, done, accepted and so on."""

    PROPOSED = "proposed"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    """Evidence was given; acceptance is waited for."""
    ACCEPTED = "accepted"
    REOPENED = "reopened"
    WITHDRAWN = "withdrawn"


class ProblemBasis(StrEnum):
    """Rule by which a problem was proposed, or `CHOSEN` if people chose it without one."""

    PRIORITY = "priority"
    """First to improve."""
    BELOW_NATION = "below_nation"
    GROUP_GAP = "group_gap"
    """A special group rates lower than everybody else in the city."""
    CHOSEN = "chosen"


class EvidenceKind(StrEnum):
    """Kind of evidence that a problem was dealt with: statement, link, or a kind of figure."""

    STATEMENT = "statement"
    LINK = "link"
    COMPLAINTS = "complaints"
    EXPERIENCE_CHECK = "experience_check"
    COMPARATIVE_TEST = "comparative_test"
    EARLY_WARNING = "early_warning"
    VILLAGES = "villages"


class ComparativeTestState(StrEnum):
    """State of a test: planned, bought, at laboratory, results in, makers heard, released."""

    PLANNED = "planned"
    BOUGHT = "bought"
    AT_LABORATORY = "at_laboratory"
    RESULTS_IN = "results_in"
    MAKERS_HEARD = "makers_heard"
    RELEASED = "released"


class MeasurementRound(StrEnum):
    """Reason for which a characteristic was measured: first, correction, retest."""

    FIRST = "first"
    CORRECTION = "correction"
    """The laboratory corrected what it had reported."""
    RETEST = "retest"


class ReplyStance(StrEnum):
    """Reply of a maker or venue to results: agrees, objects, wants a retest, or remarks."""

    AGREES = "agrees"
    OBJECTS = "objects"
    WANTS_RETEST = "wants_retest"
    REMARKS = "remarks"
    """It neither agrees nor objects."""


class Reply(SQLModel):
    """Columns of a hearing: when a maker or venue was sent a finding, and its reply."""

    sent_on: date
    due_on: date
    received_on: date | None = None
    stance: ReplyStance | None = Field(default=None, sa_type=enum_column(ReplyStance))
    text: str = ""
    answer: str = ""
    """What the association answered."""

    @property
    def is_late(self) -> bool:
        """Whether the reply was received after the deadline."""
        return self.received_on is not None and self.received_on > self.due_on


class DeliveryKind(StrEnum):
    """Kind of counts that others deliver: complaints by month or week, opinion by day."""

    COMPLAINTS = "complaints"
    OPINION = "opinion"
    COMPLAINT_WEEKS = "complaint-weeks"


class KeyScope(StrEnum):
    """Scope of an API key: reading results, or deliveries, but never both."""

    RESULTS = "results"
    DELIVERIES = "deliveries"
