"""Tables of comparative tests and of the problem lists of cities.

None of them refers to a wave, a response or a snapshot, nor is referred to by one.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, false, text
from sqlmodel import Field, SQLModel

from survey.locale import Message, msg
from survey.records import Choice, Day, Flag, Key, Record, Text, Yuan
from survey.store.tables import (
    accounts,  # noqa: F401  (its foreign keys)
    venue_checks,  # noqa: F401  (its foreign keys)
)
from survey.store.tables.columns import (
    ComparativeTestState,
    EvidenceKind,
    Identified,
    JsonDocument,
    MeasurementRound,
    ProblemBasis,
    ProblemState,
    Reply,
    UtcDateTime,
    enum_column,
    new_id,
    now,
    partial_index,
    two_people,
)


class Problem(Identified, table=True):
    """Problem on a city's list after a wave, based on one published figure.

    Of the wave (indicator and group) or from beside the score (reference).
    """

    __table_args__ = (
        CheckConstraint("(unit <> '' AND deadline IS NOT NULL) OR state IN "
                        "('proposed', 'withdrawn')", name="in_somebodys_hands"),
        partial_index(
            "uq_problem_standing", "wave_id", "city_code", "indicator", "respondent_group",
            "reference",
            where="state <> 'withdrawn'", unique=True,
        ),
        Index("ix_problem_city_code", "city_code"),
    )  # fmt: skip

    wave_id: UUID = Field(foreign_key="wave.id")
    city_code: str = Field(foreign_key="city.code")
    basis: ProblemBasis = Field(sa_type=enum_column(ProblemBasis))
    indicator: str
    """Indicator or measure of the figure, by its code in the wave."""
    respondent_group: str
    reference: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    """`kind/reference` of a figure from beside the score; the indicator is empty then."""
    wording: str
    measure: str = ""
    """What is to be done."""
    unit: str = ""
    """Responsible unit."""
    deadline: date | None = None
    state: ProblemState = Field(default=ProblemState.PROPOSED, sa_type=enum_column(ProblemState))
    version: int = 1
    """Counts the changes; a change names the version that it was made from."""
    created_by: UUID | None = Field(default=None, foreign_key="account.id")
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    changed_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class ProblemEvidence(Identified, table=True):
    """Evidence of what was done about a problem; it is never changed or deleted."""

    __tablename__ = "problem_evidence"

    problem_id: UUID = Field(foreign_key="problem.id", index=True)
    # Without a constraint: SQLite could take a further kind only by building the table anew.
    kind: EvidenceKind = Field(sa_type=enum_column(EvidenceKind, is_guarded=False))
    statement: str
    reference: str = ""
    """Address of a link, or which figure from beside the score another kind cites."""
    given_by: UUID | None = Field(default=None, foreign_key="account.id")
    given_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


CHANNEL_NAMES: Mapping[str, Message] = {
    "online": msg("online shop"),
    "supermarket": msg("supermarket"),
    "mall": msg("department store or mall"),
    "market": msg("market"),
    "brand_store": msg("shop of the brand"),
    "other": msg("elsewhere"),
}
YES_NO: Mapping[str, Message] = {"yes": msg("yes"), "no": msg("no")}


class ComparativeTestPlan(Record):
    """Fields of a comparative test that a person enters before samples are bought."""

    key: Annotated[
        str, Key(help=msg("Small letters, digits and hyphens, such as rice-cooker-2026."))
    ] = Field(unique=True)
    """Name of the test for people and files, for example `rice-cooker-2026`."""
    area: str
    """Nation or province whose association runs the test."""
    title_zh: Annotated[str, Text(label=msg("Chinese title"), most=100)]
    title_en: Annotated[str, Text(label=msg("English title"), most=100)]
    purpose: Annotated[str, Text(label=msg("Purpose"), is_long=True)]
    funder: Annotated[
        str,
        Text(
            label=msg("Funder"),
            most=200,
            help=msg("Who pays for the test. A test paid by a maker is no comparative test."),
        ),
    ]
    """Source of the money: a test paid by a maker is no comparative test."""
    laboratory: Annotated[str, Text(label=msg("Laboratory"), least=0, most=200)] = ""
    accreditation: Annotated[
        str,
        Text(
            label=msg("Accreditation number"),
            least=0,
            most=100,
            help=msg("Of the accreditation (CNAS) or approval (CMA) for these methods."),
        ),
    ] = ""
    """Number of the laboratory's accreditation (CNAS) or approval (CMA)."""
    partners: Annotated[
        str,
        Text(
            label=msg("Carried out together with"),
            least=0,
            most=300,
            help=msg(
                "Other associations of a joint test, separated by semicolons; each has to approve "
                "the grades before they are released. May stay empty."
            ),
        ),
    ] = Field(default="", sa_column_kwargs={"server_default": text("''")})
    publishes_photos: Annotated[
        bool, Flag(label=msg("Photos of the samples are published with the results"), names=YES_NO)
    ] = Field(default=False, sa_column_kwargs={"server_default": false()})


class ComparativeTest(ComparativeTestPlan, table=True):
    """Comparative test of products: plan, sealed rules, state, signatures."""

    __tablename__ = "comparative_test"
    __table_args__ = (
        two_people("first_signed", "released"),
        CheckConstraint("(state = 'released') = (released_at IS NOT NULL)", name="released"),
        CheckConstraint("released_at IS NULL OR rules_sha256 <> ''", name="released_with_rules"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
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
    partner_approvals: dict[str, Any] = Field(
        default_factory=dict,
        sa_type=JsonDocument,
        sa_column_kwargs={"server_default": text("'{}'")},
    )
    """Partner of a joint test -> letter, day and hash of the grades that it approved."""


class SampleData(Record):
    """Fields of a product sample of a comparative test, as a person enters them."""

    code: Annotated[str, Text(label=msg("Sample number"), width=12)]
    """Number under which the laboratory knows it, without its brand."""
    brand: Annotated[str, Text(label=msg("Brand"), width=18)]
    model: Annotated[str, Text(label=msg("Model"), width=18)]
    gtin: Annotated[str, Text(label=msg("Barcode (GTIN, may stay empty)"), width=18)] = ""
    """Empty where the product carries none."""
    batch: Annotated[str, Text(label=msg("Batch"), width=16)]
    maker: Annotated[str, Text(label=msg("Maker"), width=28)]
    channel: Annotated[str, Choice(label=msg("Channel"), width=18, names=CHANNEL_NAMES)]
    place: Annotated[str, Text(label=msg("Shop or platform"), width=24)]
    """Shop or platform where it was bought."""
    bought_on: Annotated[date, Day(label=msg("Bought on"))]
    price_fen: Annotated[
        int, Yuan(label=msg("Price (yuan)"), width=12, key="price", least=0, most=1_000_000)
    ]
    receipt: Annotated[str, Text(label=msg("Number of the receipt"), width=20)]
    is_anonymous: Annotated[bool, Flag(label=msg("Bought anonymously"), names=YES_NO)]
    """Whether it was bought as any consumer would buy it."""
    claims: Annotated[
        str,
        Text(
            label=msg("Claimed values, such as spf:50; volume:217"),
            width=28,
            least=0,
            is_optional=True,
        ),
    ] = Field(default="", sa_column_kwargs={"server_default": text("''")})
    """Characteristic keys with what the product says of itself; empty if nothing is compared."""


class ProductSample(SampleData, table=True):
    """Product sample bought for a comparative test, with proof of its origin."""

    __tablename__ = "product_sample"
    __table_args__ = (
        UniqueConstraint("test_id", "code"),
        CheckConstraint("price_fen > 0", name="price"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    test_id: UUID = Field(foreign_key="comparative_test.id")


class SamplePhoto(SQLModel, table=True):
    """Photo of a sample, encoded anew; its content is the file named by `sha256`.

    A table of its own, for a photo of a questionnaire refers to an interview.
    """

    __tablename__ = "sample_photo"
    __table_args__ = (CheckConstraint("width > 0 AND height > 0", name="size"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    sample_id: UUID = Field(foreign_key="product_sample.id", index=True)
    sha256: str = Field(max_length=64, index=True)
    width: int
    height: int
    added_by: UUID | None = Field(default=None, foreign_key="account.id")
    added_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class ProductMeasurement(Identified, table=True):
    """Measured value of one characteristic of a sample; the highest `number` counts."""

    __tablename__ = "product_measurement"
    __table_args__ = (
        UniqueConstraint("sample_id", "characteristic", "number"),
        CheckConstraint("number > 0", name="number"),
        CheckConstraint("round = 'first' OR reason <> ''", name="with_reason"),
    )

    sample_id: UUID = Field(foreign_key="product_sample.id")
    characteristic: str
    number: int
    """From 1; the highest one counts."""
    round: MeasurementRound = Field(sa_type=enum_column(MeasurementRound))
    value: str
    """Decimal as the laboratory wrote it, with all its digits; empty: not applicable."""
    is_below: bool = False
    """Whether it was not detected and `value` is the limit of detection."""
    uncertainty: str | None = None
    coverage: str | None = None
    replicates: list[dict[str, Any]] = Field(
        default_factory=list, sa_type=JsonDocument, sa_column_kwargs={"server_default": "[]"}
    )
    """Repeated measurements that `value` combines, as the laboratory wrote them."""
    measured_on: date
    reason: str = ""
    entered_by: UUID | None = Field(default=None, foreign_key="account.id")
    entered_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class MakerReply(Reply, table=True):
    """Hearing of a maker about the results of its own products in a test."""

    __tablename__ = "maker_reply"
    __table_args__ = (
        UniqueConstraint("test_id", "maker"),
        CheckConstraint("(received_on IS NULL) = (stance IS NULL)", name="received"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    test_id: UUID = Field(foreign_key="comparative_test.id")
    maker: str


class ProductGrade(SQLModel, table=True):
    """Released grade of a sample, with each step of its calculation; never changed."""

    __tablename__ = "product_grade"

    sample_id: UUID = Field(foreign_key="product_sample.id", primary_key=True)
    mark: str
    grade: str
    steps: dict[str, Any] = Field(default_factory=dict, sa_type=JsonDocument)


class ComparativeTestErratum(Identified, table=True):
    """Correction of a released value, published beside the value that was released."""

    __tablename__ = "comparative_test_erratum"
    __table_args__ = (
        UniqueConstraint("test_id", "number"),
        CheckConstraint("reason <> ''", name="with_reason"),
        two_people("proposed", "confirmed"),
    )

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
