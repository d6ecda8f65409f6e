"""Tables of the audit trail, snapshots, imports, deliveries, and the state of the store."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from survey.store.tables import (
    accounts,  # noqa: F401  (its foreign keys)
    waves,  # noqa: F401  (its foreign keys)
)
from survey.store.tables.columns import (
    DeliveryKind,
    Identified,
    JsonDocument,
    UtcDateTime,
    enum_column,
    now,
    partial_index,
)


class Delivery(Identified, table=True):
    """Delivery of figures from outside, as one file or message, as it was received."""

    __table_args__ = (UniqueConstraint("kind", "external_id", "is_demo"),)

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
    correction: str | None = None
    """Reason given because one of its months was closed."""
    area: str = Field(default="CN", max_length=6, sa_column_kwargs={"server_default": "CN"})
    """Nation, province or city that it speaks of: of its months it replaces this area alone."""
    file_name: str = ""
    """For people, never used as a path."""
    sha256: str = Field(max_length=64)
    row_count: int
    is_demo: bool = False
    account_id: UUID | None = Field(default=None, foreign_key="account.id")
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    withdrawn_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    withdrawal_reason: str | None = None


class DeliveryRevision(Identified, table=True):
    """One month or week of a delivery; of each area the highest `number` not withdrawn counts."""

    __tablename__ = "delivery_revision"
    __table_args__ = (UniqueConstraint("kind", "period", "is_demo", "number"),)

    delivery_id: UUID = Field(foreign_key="delivery.id", index=True)
    kind: DeliveryKind = Field(sa_type=enum_column(DeliveryKind))
    period: str = Field(max_length=7)
    """Month, for example `2024-05`, or week of ISO 8601, for example `2024W05`."""
    number: int
    """From 1 on."""
    is_demo: bool = False


class ClosedMonth(SQLModel, table=True):
    """Month of complaints that the nation closed; what comes later is a correction."""

    __tablename__ = "closed_month"

    period: str = Field(primary_key=True, max_length=7)
    is_demo: bool = Field(primary_key=True, default=False)
    missing: list[str] = Field(sa_type=JsonDocument)
    """Codes of the areas of which nothing stood."""
    account_id: UUID | None = Field(default=None, foreign_key="account.id")
    at: datetime = Field(sa_type=UtcDateTime)


class ComplaintCount(SQLModel, table=True):
    """Complaint counts of one month by area, nature, class, channel and age, as delivered."""

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
    abroad: int | None = None


class ComplaintSummary(SQLModel, table=True):
    """Sums of a month's complaint counts by area and code, computed at import."""

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
    abroad: int | None = None


class ComplaintAmount(SQLModel, table=True):
    """Cases of a month by area, code, and the band of the amount that they claim or recovered."""

    __tablename__ = "complaint_amount"

    revision_id: UUID = Field(foreign_key="delivery_revision.id", primary_key=True)
    lens: str = Field(primary_key=True, max_length=12)
    area: str = Field(primary_key=True, max_length=6)
    code: str = Field(primary_key=True, max_length=24)
    amount: str = Field(primary_key=True, max_length=12)
    """`claimed`, or `recovered` in those cases."""
    band: int = Field(primary_key=True)
    cases: int


class ComplaintWeek(SQLModel, table=True):
    """Complaints accepted in one week by area, nature and class, for early warning."""

    __tablename__ = "complaint_week"

    revision_id: UUID = Field(foreign_key="delivery_revision.id", primary_key=True)
    area: str = Field(primary_key=True, max_length=6)
    nature: str = Field(primary_key=True, max_length=24)
    goods_class: str = Field(primary_key=True, max_length=24)
    accepted: int


class PublishedTable(Identified, table=True):
    """Published counts of the nation's complaints by one code list in a quarter or half-year.

    They have no months, areas or second list, and are added to nothing. For a period and list the
    newest one not withdrawn counts.
    """

    __tablename__ = "published_table"

    period: str = Field(max_length=7)
    """`2024-Q1` or `2024-H1`."""
    lens: str = Field(max_length=12)
    """Code list: nature or class."""
    counts: dict[str, int] = Field(sa_type=JsonDocument)
    """By code of the newest list when it was delivered; under `total` all together."""
    changes: dict[str, int] = Field(sa_type=JsonDocument)
    """Change on a year before as printed, in hundredths of a per cent, by code."""
    code_version: str
    source: str
    data_as_of: date
    known_faults: str = ""
    file_name: str = ""
    """For people, never used as a path."""
    sha256: str = Field(max_length=64)
    is_demo: bool = False
    account_id: UUID | None = Field(default=None, foreign_key="account.id")
    at: datetime = Field(sa_type=UtcDateTime)
    withdrawn_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    withdrawal_reason: str | None = None


class OpinionCount(SQLModel, table=True):
    """Number of items on public pages of a day and area, by channel, sentiment and topic."""

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


class ImportedFile(Identified, table=True):
    """File of interviews that was imported, recorded to recognise the same file again."""

    __tablename__ = "imported_file"

    wave_id: UUID = Field(foreign_key="wave.id", index=True)
    name: str
    """Name of the uploaded file; for people, never used as a path."""
    sha256: str = Field(max_length=64)
    source: str = Field(max_length=24)
    """One of `survey.collection.importing.column_mapping.ExportSource`."""
    written: int
    duplicates: int
    rejected: int
    account_id: UUID | None = Field(default=None, foreign_key="account.id")
    at: datetime = Field(sa_type=UtcDateTime)
    weight_column: str | None = None
    """The column that gave the interviews their weights."""


class ImportMapping(Identified, table=True):
    """Saved mapping of an import file's columns to the items of a questionnaire."""

    __tablename__ = "import_mapping"
    __table_args__ = (UniqueConstraint("instrument_name", "name"),)

    instrument_name: str
    """Name that all versions of the questionnaire share."""
    name: str
    document: bytes = Field(sa_type=LargeBinary)
    """The mapping file, as `survey import --mapping` takes it."""
    author_id: UUID | None = Field(default=None, foreign_key="account.id")
    changed_at: datetime = Field(sa_type=UtcDateTime)


class BackgroundRun(SQLModel, table=True):
    """Lease and last run of one background task, by the task's name."""

    __tablename__ = "background_run"

    name: str = Field(primary_key=True, max_length=40)
    leased_until: datetime = Field(sa_type=UtcDateTime)
    """Earliest next start; the end of a run moves it to the end of the pause."""
    lease: UUID
    """Lease of the last run; only its holder may report the end."""
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    result: dict[str, Any] = Field(default_factory=dict, sa_type=JsonDocument)


class SchemaFloor(SQLModel, table=True):
    """Single row: oldest migration whose software still works with the present tables."""

    __tablename__ = "schema_floor"

    revision: str = Field(primary_key=True, max_length=32)


class ReviewRule(SQLModel, table=True):
    """Rule of one wave, other than the default, on whether one person may give both approvals."""

    __tablename__ = "review_rule"

    wave_id: UUID = Field(foreign_key="wave.id", primary_key=True)
    one_person: bool
    """Whether the same person may give both approvals."""
    set_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class AuditEntry(Identified, table=True):
    """Audit record of one change or one restricted view, chained to the one before by a hash.

    `actor_id` has no foreign key: an entry outlives its account, and the check would lock a row of
    `account` behind the head of the chain.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_action", "action", "sequence"),
        partial_index(
            "ix_audit_entry_actor_id", "actor_id", "sequence", where="actor_id IS NOT NULL"
        ),
    )

    at: datetime = Field(default_factory=now, sa_type=UtcDateTime, index=True)
    actor_id: UUID | None = None
    action: str
    subject_kind: str
    subject_id: str = Field(index=True)
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=JsonDocument)
    sequence: int | None = Field(default=None, sa_type=BigInteger, unique=True)
    """Number in the chain; empty if a version before the chain wrote the entry."""
    hash: str | None = Field(default=None, max_length=64)
    key_id: str | None = Field(default=None, max_length=12)
    """Id of the key that made `hash`; empty for a seal without a key."""


class AuditMember(SQLModel, table=True):
    """Link from an interview to an audit entry about many interviews that names it.

    No foreign keys: an entry is written at the commit, after its members.
    """

    __tablename__ = "audit_member"

    response_id: UUID = Field(primary_key=True)
    entry_id: UUID = Field(primary_key=True, index=True)


class AuditHead(SQLModel, table=True):
    """Single row: number and seal (hash) of the last audit entry, locked last by every writer.

    `base_sequence` and `base_hash` are those of the last entry that was lawfully removed
    (docs/audit.md).
    """

    __tablename__ = "audit_head"
    __table_args__ = (
        CheckConstraint("id = 1", name="one"),
        CheckConstraint("base_sequence >= 0 AND base_sequence <= sequence", name="base"),
    )

    id: int = Field(default=1, primary_key=True)
    sequence: int = Field(default=0, sa_type=BigInteger)
    hash: str = Field(max_length=64)
    base_sequence: int = Field(default=0, sa_type=BigInteger)
    base_hash: str = Field(max_length=64)


class Snapshot(Identified, table=True):
    """Snapshot of one wave: its files lie under `directory`, verified by `sha256`."""

    wave_id: UUID = Field(foreign_key="wave.id", index=True)
    final: bool
    sha256: str
    directory: str
    """Relative to the snapshot folder of the settings."""
    rows: int
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
