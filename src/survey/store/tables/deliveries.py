"""Tables of outside evidence: deliveries with their revisions, and complaint counts.

Nothing here refers to a wave, an interview or a snapshot, and nothing there refers to this: the
evidence stands beside the score and cannot enter it.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, UniqueConstraint
from sqlmodel import Field, SQLModel

from survey.store.tables import accounts  # noqa: F401  (its foreign keys)
from survey.store.tables.columns import DeliveryKind, UtcDateTime, enum_column, new_id, now


class Delivery(SQLModel, table=True):
    """File or message with figures from outside, as it came."""

    __table_args__ = (UniqueConstraint("kind", "external_id", "is_demo"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    kind: DeliveryKind = Field(sa_type=enum_column(DeliveryKind))
    external_id: str
    """Id that its sender gave it; the same id twice is one delivery."""
    source: str
    """Who counted, as it stands below every figure."""
    data_as_of: date
    known_faults: str = ""
    """What is known to be wrong or missing; shown wherever a figure of it is."""
    code_version: str
    """Version of the code lists by which it is coded."""
    file_name: str = ""
    """For people, never used as a path."""
    sha256: str = Field(max_length=64)
    row_count: int
    is_demo: bool = False
    account_id: UUID | None = Field(default=None, foreign_key="account.id")
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    withdrawn_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    withdrawal_reason: str | None = None


class DeliveryRevision(SQLModel, table=True):
    """One period of a delivery; of those not withdrawn the highest number holds."""

    __tablename__ = "delivery_revision"
    __table_args__ = (UniqueConstraint("kind", "period", "is_demo", "number"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    delivery_id: UUID = Field(foreign_key="delivery.id", index=True)
    kind: DeliveryKind = Field(sa_type=enum_column(DeliveryKind))
    period: str = Field(max_length=7)
    """Month, for example `2024-05`."""
    number: int
    """From 1 on."""
    is_demo: bool = False


class ComplaintCount(SQLModel, table=True):
    """Counts of one area, nature and class in one month, as delivered."""

    __tablename__ = "complaint_count"
    __table_args__ = (
        CheckConstraint("solved <= accepted", name="solved"),
        CheckConstraint("mediation_succeeded <= mediated", name="mediation"),
    )

    revision_id: UUID = Field(foreign_key="delivery_revision.id", primary_key=True)
    area: str = Field(primary_key=True, max_length=6)
    nature: str = Field(primary_key=True, max_length=24)
    goods_class: str = Field(primary_key=True, max_length=24)
    channel: str = Field(primary_key=True, max_length=24)
    age_group: str = Field(primary_key=True, max_length=24)
    accepted: int
    solved: int
    mediated: int | None = None
    mediation_succeeded: int | None = None
    settled_first: int | None = None
    recovered_fen: int | None = Field(default=None, sa_type=BigInteger)
    consultations: int | None = None
    fraud: int | None = None


class ComplaintSummary(SQLModel, table=True):
    """Sums of one revision by area and the codes of one list, made when it was imported."""

    __tablename__ = "complaint_summary"

    revision_id: UUID = Field(foreign_key="delivery_revision.id", primary_key=True)
    lens: str = Field(primary_key=True, max_length=12)
    """`total`, or the code list by which the sums are taken."""
    area: str = Field(primary_key=True, max_length=6)
    """City, or what a province has besides; sums of larger areas are taken when they are read."""
    code: str = Field(primary_key=True, max_length=24)
    accepted: int
    solved: int
    mediated: int | None = None
    mediation_succeeded: int | None = None
    settled_first: int | None = None
    recovered_fen: int | None = Field(default=None, sa_type=BigInteger)
    consultations: int | None = None
    fraud: int | None = None


class OpinionCount(SQLModel, table=True):
    """Items found on one day in one channel with one sentiment, of everything or of a topic."""

    __tablename__ = "opinion_count"

    revision_id: UUID = Field(foreign_key="delivery_revision.id", primary_key=True)
    day: date = Field(primary_key=True)
    area: str = Field(primary_key=True, max_length=6)
    """The nation, a city, or what a province has besides; areas are parts of the nation."""
    channel: str = Field(primary_key=True, max_length=24)
    sentiment: str = Field(primary_key=True, max_length=24)
    topic: str = Field(primary_key=True, max_length=40)
    """Empty: everything that was found."""
    items: int
