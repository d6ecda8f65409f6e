"""Tables of waves: cities, questionnaires, plan, points, quota cells, releases, requests."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, LargeBinary, UniqueConstraint, false, true
from sqlmodel import Field, SQLModel

from survey.store.tables import (
    accounts,  # noqa: F401  (its foreign keys)
    waves,  # noqa: F401  (its foreign keys)
)
from survey.store.tables.columns import (
    Identified,
    JsonDocument,
    Mode,
    PointKind,
    Shown,
    StudyUnit,
    UtcDateTime,
    WaveAct,
    WaveState,
    enum_column,
    now,
    partial_index,
)


class City(SQLModel, table=True):
    """City of the survey, by its GB/T 2260 code, with census figures."""

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


class InstrumentVersion(Identified, table=True):
    """Version of a questionnaire; a stored row is never changed."""

    __tablename__ = "instrument_version"
    __table_args__ = (UniqueConstraint("name", "version"),)

    name: str
    version: str
    sha256: str = Field(unique=True)
    document: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class QuestionnairePicture(SQLModel, table=True):
    """Picture that stored questionnaires show, named in their documents by its SHA-256."""

    __tablename__ = "questionnaire_picture"

    sha256: str = Field(primary_key=True)
    content: bytes = Field(sa_type=LargeBinary)
    """JPEG without metadata."""


class IndicatorTreeVersion(Identified, table=True):
    """Version of an indicator tree; a stored row is never changed."""

    __tablename__ = "indicator_tree_version"

    name: str = Field(unique=True)
    sha256: str = Field(unique=True)
    document: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class Wave(Identified, table=True):
    """Wave of a survey: series, year, titles, questionnaire, indicator tree, state."""

    __table_args__ = (
        # What observers note of venues can be neither frozen nor scored with what people say.
        CheckConstraint(
            "unit = 'person' OR (tree_id IS NULL AND state NOT IN ('frozen', 'released'))",
            name="venues_apart",
        ),
    )

    key: str = Field(unique=True)
    """Name of the wave for people and commands, for example `main-2024`."""
    series: str
    """Series whose waves are compared: `main`, `elderly`, `minors`, or an import's own."""
    year: int
    title_zh: str
    title_en: str
    instrument_id: UUID = Field(foreign_key="instrument_version.id")
    tree_id: UUID | None = Field(default=None, foreign_key="indicator_tree_version.id")
    state: WaveState = Field(default=WaveState.PLANNED, sa_type=enum_column(WaveState))
    opens_on: date | None = None
    closes_on: date | None = None
    composite: str = "item_means"
    is_demo: bool = False
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    unit: StudyUnit = Field(
        default=StudyUnit.PERSON,
        sa_type=enum_column(StudyUnit),
        sa_column_kwargs={"server_default": "person"},
    )


class SamplingPoint(Identified, table=True):
    """Primary sampling unit: one place in one city where one wave is collected."""

    __tablename__ = "sampling_point"
    __table_args__ = (UniqueConstraint("wave_id", "code"),)

    wave_id: UUID = Field(foreign_key="wave.id")
    city_code: str = Field(foreign_key="city.code", index=True)
    code: str
    """Stable between waves, so that a point visited twice is recognised."""
    name: str
    kind: PointKind = Field(sa_type=enum_column(PointKind))
    stratum: str
    """`urban` or `rural`; strata are nested in the city."""
    target: int
    opens_on: date | None = None
    closes_on: date | None = None
    """First and last day of work at the point; empty: those of the wave."""
    asks_earlier: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Whether it was drawn for the overlap: the earlier questionnaire is asked here."""
    offered_mode: Mode | None = Field(default=None, sa_type=enum_column(Mode, is_guarded=False))
    """What the mode experiment offers here, own phone or read aloud; empty: no experiment."""


class Assignment(Identified, table=True):
    """Assignment of a surveyor to a sampling point."""

    __table_args__ = (UniqueConstraint("account_id", "point_id"),)

    account_id: UUID = Field(foreign_key="account.id")
    point_id: UUID = Field(foreign_key="sampling_point.id", index=True)


class QuotaCell(Identified, table=True):
    """Target and running count of one quota cell of a wave: city x age band x gender."""

    __tablename__ = "quota_cell"
    __table_args__ = (UniqueConstraint("wave_id", "city_code", "age_band", "gender"),)

    wave_id: UUID = Field(foreign_key="wave.id")
    city_code: str = Field(foreign_key="city.code")
    age_band: str
    gender: str
    target: int
    collected: int = 0
    stops: bool = Field(default=True, sa_column_kwargs={"server_default": true()})
    """Whether a full cell refuses further interviews; else it is overfilled and flagged."""


class WaveRelease(Identified, table=True):
    """Release of a wave; at most one is in force, earlier ones were revoked."""

    __tablename__ = "wave_release"
    __table_args__ = (
        CheckConstraint("(shown = 'names') = (first_places IS NOT NULL)", name="first_places"),
        partial_index("ix_wave_release_stands", "wave_id", where="revoked_at IS NULL", unique=True),
    )

    wave_id: UUID = Field(foreign_key="wave.id")
    shown: Shown = Field(sa_type=enum_column(Shown))
    first_places: int | None = None
    """Number of first cities that are named, if only names are shown."""
    released_by: UUID | None = Field(default=None, foreign_key="account.id")
    released_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    revoked_by: UUID | None = Field(default=None, foreign_key="account.id")
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reason: str = ""
    """Reason of the revocation."""


class WaveRequest(Identified, table=True):
    """Request to freeze, release or archive a wave; at most one per wave is open."""

    __tablename__ = "wave_request"
    __table_args__ = (
        CheckConstraint("ended_at IS NOT NULL OR NOT confirmed", name="ended"),
        # The operator of the server is one person, whose account is null.
        CheckConstraint(
            "NOT confirmed OR (requested_by IS NULL) <> (ended_by IS NULL) "
            "OR (requested_by IS NOT NULL AND requested_by <> ended_by)",
            name="two_people",
        ),
        partial_index("ix_wave_request_open", "wave_id", where="ended_at IS NULL", unique=True),
    )

    wave_id: UUID = Field(foreign_key="wave.id")
    act: WaveAct = Field(sa_type=enum_column(WaveAct))
    options: dict[str, Any] = Field(default_factory=dict, sa_type=JsonDocument)
    """What was asked for, as the step takes it."""
    requested_by: UUID | None = Field(default=None, foreign_key="account.id")
    requested_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    confirmed: bool = False
    """Whether it was carried out by another person; else, once ended, it was withdrawn."""
    ended_by: UUID | None = Field(default=None, foreign_key="account.id")
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class AnswerArchive(Identified, table=True):
    """File that holds the answers of a released wave in place of the database.

    A restored one stays on record; at most one archive of a wave is in force.
    """

    __tablename__ = "answer_archive"
    __table_args__ = (
        partial_index(
            "ux_answer_archive_wave", "wave_id", where="restored_at IS NULL", unique=True
        ),
    )

    wave_id: UUID = Field(foreign_key="wave.id")
    rows: int = Field(sa_type=BigInteger)
    """Revisions of answers."""
    content_sha256: str = Field(max_length=64)
    """Hash of the canonical lines, which does not depend on the format of the file."""
    file_sha256: str = Field(max_length=64)
    file_name: str
    archived_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    archived_by: UUID | None = Field(default=None, foreign_key="account.id")
    """None: the operator of the server."""
    restored_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    restored_by: UUID | None = Field(default=None, foreign_key="account.id")


class WavePlan(SQLModel, table=True):
    """Precision for which a wave's sample sizes were computed; one row per planned wave."""

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
    """Sample size of one city in one wave, without the reserve for voided interviews."""

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


class QuotaMargin(Identified, table=True):
    """Marginal quota: target of one category of a city, for example `stratum` = `rural`."""

    __tablename__ = "quota_margin"
    __table_args__ = (
        UniqueConstraint("wave_id", "city_code", "dimension", "category"),
        CheckConstraint("target >= 0", name="target"),
    )

    wave_id: UUID = Field(foreign_key="wave.id")
    city_code: str = Field(foreign_key="city.code")
    dimension: str = Field(max_length=24)
    """`age_band`, `gender`, `stratum`, `guardian` or `school_stage`."""
    category: str = Field(max_length=24)
    target: int
    collected: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    stops: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Whether a full marginal quota refuses further interviews; else it is only counted."""


class PointDraw(Identified, table=True):
    """Draw of sampling points, repeatable from its list and seed."""

    __tablename__ = "point_draw"

    wave_id: UUID = Field(foreign_key="wave.id", index=True)
    seed: int = Field(sa_type=BigInteger)
    per_city: int
    list_sha256: str = Field(max_length=64)
    list_document: bytes = Field(sa_type=LargeBinary)
    """The list as it was drawn from, as CSV sorted by code; its SHA-256 is `list_sha256`."""
    listed: int
    drawn: int
    drawn_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class Posting(Identified, table=True):
    """City where a surveyor works in a wave, with supervisor and agency."""

    __table_args__ = (UniqueConstraint("wave_id", "account_id", "city_code"),)

    wave_id: UUID = Field(foreign_key="wave.id")
    account_id: UUID = Field(foreign_key="account.id", index=True)
    city_code: str = Field(foreign_key="city.code")
    supervisor_id: UUID | None = Field(default=None, foreign_key="account.id")
    agency: str = Field(default="", max_length=80)


class WaveOverlap(SQLModel, table=True):
    """Overlap of a wave: a part of its points, by chance, is asked the earlier questionnaire."""

    __tablename__ = "wave_overlap"
    __table_args__ = (CheckConstraint("share > 0 AND share <= 0.5", name="share"),)

    wave_id: UUID = Field(foreign_key="wave.id", primary_key=True)
    instrument_id: UUID = Field(foreign_key="instrument_version.id")
    """The earlier questionnaire, which names its indicator tree."""
    share: float
    """Part of the points of each city."""
    seed: int = Field(sa_type=BigInteger)
    declared_by: UUID | None = Field(default=None, foreign_key="account.id")
    """Empty: the operator of the server."""
    declared_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class ModeExperiment(SQLModel, table=True):
    """Mode experiment of a wave: chance decides at which points the own phone is offered."""

    __tablename__ = "mode_experiment"
    __table_args__ = (CheckConstraint("share > 0 AND share < 1", name="share"),)

    wave_id: UUID = Field(foreign_key="wave.id", primary_key=True)
    share: float
    """Part of the points of each city where the own phone is offered."""
    seed: int = Field(sa_type=BigInteger)
    declared_by: UUID | None = Field(default=None, foreign_key="account.id")
    """Empty: the operator of the server."""
    declared_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class LeftOutCity(SQLModel, table=True):
    """City whose interviews the freeze of a wave leaves out; final once it is frozen."""

    __tablename__ = "left_out_city"

    wave_id: UUID = Field(foreign_key="wave.id", primary_key=True)
    city_code: str = Field(foreign_key="city.code", primary_key=True)
    reason: str
    left_out_by: UUID | None = Field(default=None, foreign_key="account.id")
    """Empty: the operator of the server."""
    left_out_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
