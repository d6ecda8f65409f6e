"""Tables of planning: sample sizes, marginal quotas, point draws, postings."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, LargeBinary, UniqueConstraint, false
from sqlmodel import Field, SQLModel

from survey.store.tables import accounts, reference, waves  # noqa: F401  (its foreign keys)
from survey.store.tables.columns import UtcDateTime, new_id, now


class WavePlan(SQLModel, table=True):
    """Precision that the sample sizes of a wave were computed for; one row per planned wave."""

    __tablename__ = "wave_plan"
    __table_args__ = (
        CheckConstraint("elderly_factor >= 1 AND guardian_factor >= 1", name="factors"),
        CheckConstraint("reserve >= 0", name="reserve"),
    )

    wave_id: UUID = Field(foreign_key="wave.id", primary_key=True)
    margin: float
    level: float
    deff: float
    rule: str
    total: int
    price: float = 0.0
    budget: float | None = None
    crossed: bool = True
    """Whether each age x gender cell is a quota of its own; else the rows of `QuotaMargin` are."""
    reserve: float = 0.0
    """Additional share of the sample, to replace interviews that review voids."""
    elderly_factor: float = 1.0
    guardian_factor: float = 1.0
    """Oversampling factor of the group in its city."""
    saved_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class CityTarget(SQLModel, table=True):
    """Sample size of one city in one wave, without the reserve."""

    __tablename__ = "city_target"
    __table_args__ = (
        CheckConstraint("target > 0", name="target"),
        CheckConstraint("guardian_share >= 0 AND guardian_share <= 1", name="guardian_share"),
    )

    wave_id: UUID = Field(foreign_key="wave.id", primary_key=True)
    city_code: str = Field(foreign_key="city.code", primary_key=True)
    target: int
    guardian_share: float | None = None
    """Population share of guardians, to which weights bring back an oversampled group."""


class QuotaMargin(SQLModel, table=True):
    """Marginal quota: target of one category of a city, for example `stratum` = `rural`."""

    __tablename__ = "quota_margin"
    __table_args__ = (
        UniqueConstraint("wave_id", "city_code", "dimension", "category"),
        CheckConstraint("target >= 0", name="target"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    wave_id: UUID = Field(foreign_key="wave.id")
    city_code: str = Field(foreign_key="city.code")
    dimension: str = Field(max_length=24)
    """`age_band`, `gender`, `stratum`, `guardian` or `school_stage`."""
    category: str = Field(max_length=24)
    target: int
    collected: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    stops: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Whether a full marginal quota refuses further interviews; else it is only counted."""


class PointDraw(SQLModel, table=True):
    """One draw of sampling points; its list and seed make it repeatable."""

    __tablename__ = "point_draw"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    wave_id: UUID = Field(foreign_key="wave.id", index=True)
    seed: int = Field(sa_type=BigInteger)
    per_city: int
    list_sha256: str = Field(max_length=64)
    list_document: bytes = Field(sa_type=LargeBinary)
    """The list as it was drawn from, as CSV sorted by code; its SHA-256 is `list_sha256`."""
    listed: int
    drawn: int
    drawn_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class Posting(SQLModel, table=True):
    """Place of work of a surveyor in a wave, with supervisor and agency."""

    __table_args__ = (UniqueConstraint("wave_id", "account_id", "city_code"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    wave_id: UUID = Field(foreign_key="wave.id")
    account_id: UUID = Field(foreign_key="account.id", index=True)
    city_code: str = Field(foreign_key="city.code")
    supervisor_id: UUID | None = Field(default=None, foreign_key="account.id")
    agency: str = Field(default="", max_length=80)


class LeftOutCity(SQLModel, table=True):
    """City whose interviews a freeze of the wave does not count; final once it is frozen."""

    __tablename__ = "left_out_city"

    wave_id: UUID = Field(foreign_key="wave.id", primary_key=True)
    city_code: str = Field(foreign_key="city.code", primary_key=True)
    reason: str
    left_out_by: UUID | None = Field(default=None, foreign_key="account.id")
    """Empty: the operator of the server."""
    left_out_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
