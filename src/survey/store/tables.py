"""Every table of the product. Times are UTC, ids UUIDv7, cities GB/T 2260 codes."""

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import uuid_utils.compat
from sqlalchemy import (
    JSON,
    CheckConstraint,
    DateTime,
    Enum,
    Index,
    LargeBinary,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel


class UtcDateTime(TypeDecorator[datetime]):
    """Timezone-aware UTC in Python on every database (SQLite itself keeps no zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: object) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("store times must carry a time zone")
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, _dialect: object) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


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
    """A time-ordered UUIDv7."""
    return uuid_utils.compat.uuid7()


def now() -> datetime:
    return datetime.now(UTC)


class WaveState(StrEnum):
    PLANNED = "planned"
    OPEN = "open"
    CLOSED = "closed"
    FROZEN = "frozen"
    RELEASED = "released"


class Status(StrEnum):
    """Where a response stands in its life (architecture.md, one state machine)."""

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
    """How the answers reached us."""

    SELF = "self"
    ASSISTED = "assisted"
    PAPER = "paper"
    IMPORT = "import"


class PointKind(StrEnum):
    COMPOUND = "compound"
    MALL = "mall"
    SUPERMARKET = "supermarket"
    SCENIC = "scenic"
    VILLAGE = "village"


def _words(kind: type[StrEnum]) -> Enum:
    """Store an enumeration as its words, held to the list by a CHECK constraint."""
    return Enum(
        kind,
        name=kind.__name__.lower(),
        native_enum=False,
        create_constraint=True,
        length=24,
        values_callable=lambda members: [member.value for member in members],
    )


class City(SQLModel, table=True):
    code: str = Field(primary_key=True, max_length=6)
    name_zh: str
    name_en: str
    province_zh: str
    region: str
    region3: str
    city_class: str
    lon: float
    lat: float
    resident_population_2020: int
    share_male: float
    share_age_0_14: float
    share_age_15_59: float
    share_age_60_plus: float
    share_age_65_plus: float
    urbanization_rate: float
    retail_sales: float | None = None
    retail_sales_year: int | None = None
    retail_sales_source: str = ""
    census_source: str = ""
    list_basis: str = ""


class InstrumentVersion(SQLModel, table=True):
    __tablename__ = "instrument_version"
    __table_args__ = (UniqueConstraint("name", "version"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    name: str
    version: str
    sha256: str = Field(unique=True)
    document: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class IndicatorTreeVersion(SQLModel, table=True):
    __tablename__ = "indicator_tree_version"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    name: str = Field(unique=True)
    sha256: str = Field(unique=True)
    document: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class Wave(SQLModel, table=True):
    id: UUID = Field(default_factory=new_id, primary_key=True)
    key: str = Field(unique=True)
    """For people and the command line, for example `main-2024`."""
    series: str
    """Waves of one series are compared: `main`, `elderly`, `minors`, or an import's own."""
    year: int
    title_zh: str
    title_en: str
    instrument_id: UUID = Field(foreign_key="instrument_version.id")
    tree_id: UUID | None = Field(default=None, foreign_key="indicator_tree_version.id")
    state: WaveState = Field(default=WaveState.PLANNED, sa_type=_words(WaveState))
    opens_on: date | None = None
    closes_on: date | None = None
    composite: str = "item_means"
    is_demo: bool = False
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class SamplingPoint(SQLModel, table=True):
    """A primary sampling unit: one place in one city where one wave is collected."""

    __tablename__ = "sampling_point"
    __table_args__ = (UniqueConstraint("wave_id", "code"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    wave_id: UUID = Field(foreign_key="wave.id")
    city_code: str = Field(foreign_key="city.code", index=True)
    code: str
    """Stable between waves, so that a point visited twice is recognised."""
    name: str
    kind: PointKind = Field(sa_type=_words(PointKind))
    stratum: str
    """`urban` or `rural`; strata are nested in the city."""
    target: int


class Account(SQLModel, table=True):
    id: UUID = Field(default_factory=new_id, primary_key=True)
    login: str = Field(unique=True)
    name: str
    role: str
    area: str
    is_demo: bool = False
    active: bool = True
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class LoginSession(SQLModel, table=True):
    """A signed-in browser; the cookie holds the secret, this table its SHA-256."""

    __tablename__ = "login_session"

    secret_sha256: str = Field(primary_key=True, max_length=64)
    account_id: UUID = Field(foreign_key="account.id", index=True)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Assignment(SQLModel, table=True):
    __table_args__ = (UniqueConstraint("account_id", "point_id"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    account_id: UUID = Field(foreign_key="account.id")
    point_id: UUID = Field(foreign_key="sampling_point.id", index=True)


class QuotaCell(SQLModel, table=True):
    """Target and running count of one city x age band x gender cell of a wave."""

    __tablename__ = "quota_cell"
    __table_args__ = (UniqueConstraint("wave_id", "city_code", "age_band", "gender"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    wave_id: UUID = Field(foreign_key="wave.id")
    city_code: str = Field(foreign_key="city.code")
    age_band: str
    gender: str
    target: int
    collected: int = 0


class Invitation(SQLModel, table=True):
    """A one-time link: 128 random bits handed out, only their SHA-256 kept."""

    id: UUID = Field(default_factory=new_id, primary_key=True)
    token_sha256: str = Field(unique=True, max_length=64)
    wave_id: UUID = Field(foreign_key="wave.id")
    city_code: str = Field(foreign_key="city.code")
    point_id: UUID = Field(foreign_key="sampling_point.id")
    surveyor_id: UUID = Field(foreign_key="account.id", index=True)
    issued_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    opened_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Response(SQLModel, table=True):
    """One interview. Its answers are in `ResponseRevision`; here is what access and quotas need."""

    __table_args__ = (
        # Holds all that the control tower counts by, so that it never reads the rows themselves.
        Index(
            "ix_response_wave_city_status",
            "wave_id",
            "city_code",
            "status",
            "quota_cell_id",
            "submitted_at",
        ),
        Index("ix_response_surveyor_submitted", "surveyor_id", "submitted_at"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    client_uuid: UUID = Field(unique=True)
    wave_id: UUID = Field(foreign_key="wave.id")
    city_code: str = Field(foreign_key="city.code")
    instrument_id: UUID = Field(foreign_key="instrument_version.id")
    point_id: UUID | None = Field(default=None, foreign_key="sampling_point.id")
    surveyor_id: UUID | None = Field(default=None, foreign_key="account.id")
    invitation_id: UUID | None = Field(default=None, foreign_key="invitation.id", unique=True)
    quota_cell_id: UUID | None = Field(default=None, foreign_key="quota_cell.id")
    mode: Mode = Field(sa_type=_words(Mode))
    status: Status = Field(sa_type=_words(Status))
    reason: str = ""
    language: str = "zh"
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    submitted_at: datetime = Field(sa_type=UtcDateTime)
    duration_seconds: float | None = None
    dropped_answers: int = 0
    """Answers that came for questions off the route and were not kept."""
    lock_version: int = 1
    is_demo: bool = False


class ResponseRevision(SQLModel, table=True):
    """One state of an interview's answers; never changed, only followed by the next one."""

    __tablename__ = "response_revision"
    __table_args__ = (
        UniqueConstraint("response_id", "number"),
        Index(
            "ux_response_revision_current",
            "response_id",
            unique=True,
            sqlite_where=text("is_current"),
            postgresql_where=text("is_current"),
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    response_id: UUID = Field(foreign_key="response.id")
    number: int
    is_current: bool = True
    answers: dict[str, Any] = Field(sa_type=JsonDocument)
    """Item name -> score, code, text, number or list of choice names; unanswered items absent."""
    timings: dict[str, float] = Field(default_factory=dict, sa_type=JsonDocument)
    """Item name -> seconds in view before it was answered."""
    author_id: UUID | None = Field(default=None, foreign_key="account.id")
    reason: str = ""
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class ResponseFlag(SQLModel, table=True):
    """What a detector found odd about one interview; a person decides what follows from it."""

    __tablename__ = "response_flag"
    __table_args__ = (
        UniqueConstraint("response_id", "kind"),
        CheckConstraint("strength > 0 AND strength <= 1", name="strength"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    response_id: UUID = Field(foreign_key="response.id")
    kind: str = Field(max_length=24)
    """One of `survey.fieldwork.quality.FlagKind`; the detectors own the list."""
    strength: float
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=JsonDocument)
    """The numbers of the reason in words (`survey.fieldwork.quality.reason_of`)."""
    detected_at: datetime = Field(sa_type=UtcDateTime)
    detector_version: str = Field(max_length=24)


class ResponseRisk(SQLModel, table=True):
    """What the assessment measured on one interview; without a row it was not assessed."""

    __tablename__ = "response_risk"
    __table_args__ = (CheckConstraint("score >= 0 AND score <= 100", name="score"),)

    response_id: UUID = Field(foreign_key="response.id", primary_key=True)
    score: int
    """How much reason there is to look at the interview again, 0 to 100."""
    pace: float | None = None
    """Time for a question relative to the wave's typical time for it: 0.5 is twice as fast."""
    mean_score: float | None = None
    """Mean of the scored (else of all) ratings, 0 to 100; what surveyors are compared on."""
    detected_at: datetime = Field(sa_type=UtcDateTime)
    detector_version: str = Field(max_length=24)


class AuditEntry(SQLModel, table=True):
    """Append-only record of every change and every restricted view."""

    __tablename__ = "audit_entry"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime, index=True)
    actor_id: UUID | None = Field(default=None, foreign_key="account.id")
    action: str
    subject_kind: str
    subject_id: str = Field(index=True)
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=JsonDocument)


class Snapshot(SQLModel, table=True):
    """A frozen reading of one wave: files under `directory`, vouched for by `sha256`."""

    id: UUID = Field(default_factory=new_id, primary_key=True)
    wave_id: UUID = Field(foreign_key="wave.id", index=True)
    final: bool
    sha256: str
    directory: str
    """Relative to the snapshot folder of the settings."""
    rows: int
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
