"""Tables of reference data: cities and their peers, questionnaires, indicator trees."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from survey.store.tables import accounts  # noqa: F401  (its foreign keys)
from survey.store.tables.columns import UtcDateTime, new_id, now


class City(SQLModel, table=True):
    """City of the survey, by its GB/T 2260 code."""

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


class ChosenPeer(SQLModel, table=True):
    """City that another city has chosen to be compared with."""

    __tablename__ = "chosen_peer"
    __table_args__ = (
        UniqueConstraint("city_code", "peer_code"),
        CheckConstraint("position BETWEEN 1 AND 8", name="position"),
        CheckConstraint("peer_code <> city_code", name="other_city"),
    )

    city_code: str = Field(foreign_key="city.code", primary_key=True)
    position: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    """From 1, in the order in which they were chosen; so a city has at most eight."""
    peer_code: str = Field(foreign_key="city.code")
    chosen_by: UUID | None = Field(default=None, foreign_key="account.id")
    chosen_at: datetime = Field(sa_type=UtcDateTime)


class InstrumentVersion(SQLModel, table=True):
    """Immutable version of a questionnaire."""

    __tablename__ = "instrument_version"
    __table_args__ = (UniqueConstraint("name", "version"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    name: str
    version: str
    sha256: str = Field(unique=True)
    document: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class IndicatorTreeVersion(SQLModel, table=True):
    """Immutable version of an indicator tree."""

    __tablename__ = "indicator_tree_version"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    name: str = Field(unique=True)
    sha256: str = Field(unique=True)
    document: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
