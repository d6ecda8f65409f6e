"""Tables of comparative tests of products: plan, samples, measured values, replies, grades.

None of them refers to a wave, a response or a snapshot, nor is referred to by one.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field, SQLModel

from survey.store.tables import accounts  # noqa: F401  (its foreign keys)
from survey.store.tables.columns import (
    ComparativeTestState,
    JsonDocument,
    MeasurementRound,
    ReplyStance,
    UtcDateTime,
    enum_column,
    new_id,
    now,
)

_TWO_PEOPLE = (
    "{second}_at IS NULL OR one_person <> '' "
    "OR ({first}_by IS NULL) <> ({second}_by IS NULL) "
    "OR ({first}_by IS NOT NULL AND {first}_by <> {second}_by)"
)
"""The operator of the server is one person, whose account is null."""


class ComparativeTest(SQLModel, table=True):
    """Comparative test with its plan, its rules and its state."""

    __tablename__ = "comparative_test"
    __table_args__ = (
        CheckConstraint(
            _TWO_PEOPLE.format(first="first_signed", second="released"), name="two_people"
        ),
        CheckConstraint("(state = 'released') = (released_at IS NOT NULL)", name="released"),
        CheckConstraint("released_at IS NULL OR rules_sha256 <> ''", name="released_with_rules"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    key: str = Field(unique=True)
    """Name of the test for people and files, for example `rice-cooker-2026`."""
    area: str
    """Nation or province whose association runs the test."""
    title_zh: str
    title_en: str
    purpose: str
    funder: str
    """Source of the money: a test paid by a maker is no comparative test."""
    laboratory: str = ""
    accreditation: str = ""
    """Number of the laboratory's accreditation (CNAS) or approval (CMA)."""
    rules: dict[str, Any] = Field(default_factory=dict, sa_type=JsonDocument)
    rules_sha256: str = ""
    """Hash of the rules when they were sealed, before the samples reached the laboratory."""
    reply_due_on: date | None = None
    """Last day on which makers may reply to their results."""
    state: ComparativeTestState = Field(
        default=ComparativeTestState.PLANNED, sa_type=enum_column(ComparativeTestState)
    )
    lock_version: int = 1
    is_demo: bool = False
    planned_by: UUID | None = Field(default=None, foreign_key="account.id")
    planned_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    first_signed_by: UUID | None = Field(default=None, foreign_key="account.id")
    first_signed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    signed_sha256: str = ""
    """Hash of the grades that the first person signed: others would not be the signed ones."""
    released_by: UUID | None = Field(default=None, foreign_key="account.id")
    released_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    one_person: str = ""
    """Why one signature was enough; empty where two people signed."""


class ProductSample(SQLModel, table=True):
    """Product bought for a test, with what proves where it came from."""

    __tablename__ = "product_sample"
    __table_args__ = (
        UniqueConstraint("test_id", "code"),
        CheckConstraint("price_fen > 0", name="price"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    test_id: UUID = Field(foreign_key="comparative_test.id")
    code: str
    """Number under which the laboratory knows it, without its brand."""
    brand: str
    model: str
    gtin: str = ""
    """Empty where the product carries none."""
    batch: str
    maker: str
    channel: str
    place: str
    """Shop or platform where it was bought."""
    bought_on: date
    price_fen: int
    receipt: str
    is_anonymous: bool
    """Whether it was bought as any consumer would buy it."""


class ProductMeasurement(SQLModel, table=True):
    """Measured value of one characteristic; a later round stands beside the earlier ones."""

    __tablename__ = "product_measurement"
    __table_args__ = (
        UniqueConstraint("sample_id", "characteristic", "number"),
        CheckConstraint("number > 0", name="number"),
        CheckConstraint("round = 'first' OR reason <> ''", name="with_reason"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    sample_id: UUID = Field(foreign_key="product_sample.id")
    characteristic: str
    number: int
    """From 1; the highest one counts."""
    round: MeasurementRound = Field(sa_type=enum_column(MeasurementRound))
    value: str
    """Decimal as the laboratory wrote it, with all its digits."""
    is_below: bool = False
    """Whether it was not detected and `value` is the limit of detection."""
    uncertainty: str | None = None
    coverage: str | None = None
    measured_on: date
    reason: str = ""
    entered_by: UUID | None = Field(default=None, foreign_key="account.id")
    entered_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class MakerReply(SQLModel, table=True):
    """Hearing of a maker: when its results were sent, and what it replied."""

    __tablename__ = "maker_reply"
    __table_args__ = (
        UniqueConstraint("test_id", "maker"),
        CheckConstraint("(received_on IS NULL) = (stance IS NULL)", name="received"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    test_id: UUID = Field(foreign_key="comparative_test.id")
    maker: str
    sent_on: date
    due_on: date
    received_on: date | None = None
    stance: ReplyStance | None = Field(default=None, sa_type=enum_column(ReplyStance))
    text: str = ""
    answer: str = ""
    """What the association answered."""


class ProductGrade(SQLModel, table=True):
    """Grade of a sample as it was released, with every step; never changed afterwards."""

    __tablename__ = "product_grade"

    sample_id: UUID = Field(foreign_key="product_sample.id", primary_key=True)
    mark: str
    grade: str
    steps: dict[str, Any] = Field(default_factory=dict, sa_type=JsonDocument)


class ComparativeTestErratum(SQLModel, table=True):
    """Correction of a released value; it stands beside what was released."""

    __tablename__ = "comparative_test_erratum"
    __table_args__ = (
        UniqueConstraint("test_id", "number"),
        CheckConstraint("reason <> ''", name="with_reason"),
        CheckConstraint(
            _TWO_PEOPLE.format(first="proposed", second="confirmed"), name="two_people"
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    test_id: UUID = Field(foreign_key="comparative_test.id")
    number: int
    sample_id: UUID = Field(foreign_key="product_sample.id")
    characteristic: str
    value: str
    is_below: bool = False
    uncertainty: str | None = None
    coverage: str | None = None
    measured_on: date
    reason: str
    proposed_by: UUID | None = Field(default=None, foreign_key="account.id")
    proposed_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    confirmed_by: UUID | None = Field(default=None, foreign_key="account.id")
    confirmed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """Until a second person has confirmed it, nobody but those who run the test sees it."""
    one_person: str = ""
