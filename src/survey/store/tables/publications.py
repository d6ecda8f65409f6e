"""Tables of publications: register, early readers, errata, keys; and of exported rows."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import CheckConstraint, LargeBinary, UniqueConstraint, false
from sqlmodel import Field, SQLModel

from survey.locale import Message, msg
from survey.records import Record, Text, Yuan
from survey.store.tables import accounts, operations, waves  # noqa: F401  (its foreign keys)
from survey.store.tables.columns import (
    Decision,
    Identified,
    JsonDocument,
    PublicationState,
    Shown,
    UtcDateTime,
    enum_column,
    new_id,
    now,
    two_people,
)


class RowExport(Identified, table=True):
    """File of interview rows handed to an account: purpose, and secret that traces copies."""

    __tablename__ = "row_export"

    account_id: UUID | None = Field(default=None, foreign_key="account.id")
    wave_id: UUID = Field(foreign_key="wave.id", index=True)
    snapshot_sha256: str = Field(max_length=64)
    area: str
    purpose: str
    form: str = Field(max_length=16)
    rows: int
    sha256: str = Field(max_length=64)
    """SHA-256 of the file as it was handed over."""
    secret: str = Field(max_length=64)
    """Secret behind the names of rows and points in this file, by which a copy is traced."""
    made_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class ExactRowRequest(Identified, table=True):
    """Request for one exact file of rows; another person decides; it allows one export."""

    __tablename__ = "exact_row_request"
    __table_args__ = (
        CheckConstraint("decided_by IS NULL OR decided_by <> account_id", name="two_people"),
        CheckConstraint("(decision IS NULL) = (decided_at IS NULL)", name="decided"),
        CheckConstraint(
            "decision IS NULL OR decided_by IS NOT NULL OR NOT by_operator", name="two_places"
        ),
        CheckConstraint(
            "export_id IS NULL OR (decision IS NOT NULL AND decision = 'approved')", name="approved"
        ),
    )

    account_id: UUID = Field(foreign_key="account.id", index=True)
    wave_id: UUID = Field(foreign_key="wave.id", index=True)
    snapshot_id: UUID = Field(foreign_key="snapshot.id")
    """Snapshot that was asked for; a wave that is frozen again needs a new request."""
    area: str
    purpose: str
    by_operator: bool = False
    """Asked for at the command line, in the name of the account."""
    requested_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    decision: Decision | None = Field(default=None, sa_type=enum_column(Decision))
    decided_by: UUID | None = Field(default=None, foreign_key="account.id")
    """Empty once decided: the operator of the server."""
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reason: str = ""
    export_id: UUID | None = Field(default=None, foreign_key="row_export.id", unique=True)
    """Export that was made of the request."""


class PublicationKey(SQLModel, table=True):
    """Public half of a key that signs publications; the store never has the private half."""

    __tablename__ = "publication_key"
    __table_args__ = (
        CheckConstraint("withdrawn_at IS NULL OR reason <> ''", name="withdrawn_with_reason"),
    )

    id: str = Field(primary_key=True, max_length=16)
    """First hexadecimal digits of a hash of the public key."""
    public_key: str
    """32 bytes in base64."""
    is_demo: bool = False
    """Whether it signs demonstrations, and nothing else."""
    registered_by: UUID | None = Field(default=None, foreign_key="account.id")
    registered_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    withdrawn_by: UUID | None = Field(default=None, foreign_key="account.id")
    withdrawn_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reason: str = ""
    """Reason of the withdrawal."""


class PublicationLogo(SQLModel, table=True):
    """Logo that reports of releases carry, named by its SHA-256; a stored row is never changed."""

    __tablename__ = "publication_logo"

    sha256: str = Field(primary_key=True)
    content: bytes = Field(sa_type=LargeBinary)
    """JPEG without metadata."""


class Publication(Identified, table=True):
    """Release in the register: announced, signed by two people, published at a set minute."""

    __table_args__ = (
        CheckConstraint("(shown = 'names') = (first_places IS NOT NULL)", name="first_places"),
        two_people("first_signed", "second_signed"),
        CheckConstraint(
            "published_at IS NULL OR published_at >= embargo_until", name="not_before_its_minute"
        ),
        CheckConstraint(
            "published_at IS NULL OR second_signed_at IS NOT NULL", name="published_signed"
        ),
    )

    key: str = Field(unique=True)
    """Id of the release for people and files, for example `main-2026-1`."""
    wave_id: UUID = Field(foreign_key="wave.id", index=True)
    title_zh: str
    title_en: str
    state: PublicationState = Field(
        default=PublicationState.PLANNED, sa_type=enum_column(PublicationState)
    )
    shown: Shown = Field(sa_type=enum_column(Shown))
    first_places: int | None = None
    builders: list[str] = Field(default_factory=list, sa_type=JsonDocument)
    """Names of the builders of its files."""
    contact: str
    issuer: str | None = None
    """Who publishes, as reports say it; none: as the settings say."""
    logo_sha256: str | None = None
    """Of the logo in `publication_logo`; none without one."""
    is_public: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Whether it goes onto the public site: announced so, or decided by two people since."""
    is_in_calendar: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Whether its title and day stand in the public calendar from its announcement on."""
    embargo_until: datetime = Field(sa_type=UtcDateTime)
    """The announced minute: nothing is published before."""
    corrects_id: UUID | None = Field(default=None, foreign_key="publication.id")
    correction_reason: str = ""
    planned_by: UUID | None = Field(default=None, foreign_key="account.id")
    planned_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    snapshot_id: UUID | None = Field(default=None, foreign_key="snapshot.id")
    seal_sha256: str = ""
    """Seal of the snapshot when it was signed: other files would not be the signed ones."""
    archive_sha256: str = ""
    """Of the archive in the folder of releases."""
    key_id: str | None = Field(default=None, foreign_key="publication_key.id", max_length=16)
    first_signed_by: UUID | None = Field(default=None, foreign_key="account.id")
    first_signed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    second_signed_by: UUID | None = Field(default=None, foreign_key="account.id")
    second_signed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    one_person: str = ""
    """Why one signature was enough; empty where two people signed."""
    published_by: UUID | None = Field(default=None, foreign_key="account.id")
    published_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    retracted_by: UUID | None = Field(default=None, foreign_key="account.id")
    retracted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    retraction_reason: str = ""


class PublicationOpening(Identified, table=True):
    """Decision of two people to put a release, not announced as public, onto the public site."""

    __tablename__ = "publication_opening"
    __table_args__ = (two_people("first_signed", "second_signed"),)

    publication_id: UUID = Field(foreign_key="publication.id", unique=True)
    first_signed_by: UUID | None = Field(default=None, foreign_key="account.id")
    first_signed_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    second_signed_by: UUID | None = Field(default=None, foreign_key="account.id")
    second_signed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    one_person: str = ""
    """Why one signature was enough; empty where two people signed."""


class PublicationReader(Identified, table=True):
    """Account that may read a publication early: the reason, and from when on."""

    __tablename__ = "publication_reader"
    __table_args__ = (UniqueConstraint("publication_id", "account_id"),)

    publication_id: UUID = Field(foreign_key="publication.id")
    account_id: UUID = Field(foreign_key="account.id")
    reason: str
    opens_at: datetime = Field(sa_type=UtcDateTime)
    listed_by: UUID | None = Field(default=None, foreign_key="account.id")
    listed_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class PublicationErratum(Identified, table=True):
    """Figure that a publication corrects, with its value before and after."""

    __tablename__ = "publication_erratum"
    __table_args__ = (UniqueConstraint("publication_id", "figure"),)

    publication_id: UUID = Field(foreign_key="publication.id")
    """The publication that corrects."""
    figure: str = Field(index=True)
    before: dict[str, Any] = Field(default_factory=dict, sa_type=JsonDocument)
    after: dict[str, Any] = Field(default_factory=dict, sa_type=JsonDocument)


class PublicationDayChange(Identified, table=True):
    """Change of the announced minute of a release, with its reason; never changed or deleted."""

    __tablename__ = "publication_day_change"
    __table_args__ = (CheckConstraint("reason <> ''", name="with_reason"),)

    publication_id: UUID = Field(foreign_key="publication.id", index=True)
    before: datetime = Field(sa_type=UtcDateTime)
    after: datetime = Field(sa_type=UtcDateTime)
    reason: str
    """Strangers read it in the public calendar, if the release stands there."""
    changed_by: UUID | None = Field(default=None, foreign_key="account.id")
    changed_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


MAX_STATEMENT_CHARS = 1000
MAX_COST_YUAN = 20_000_000


def _long_text(label: Message) -> Text:
    return Text(label=label, least=0, most=MAX_STATEMENT_CHARS, is_long=True)


class WaveStatementData(Record):
    """What the codes of practice ask of a wave and the store cannot tell; empty: not recorded."""

    statistician: Annotated[
        str, Text(label=msg("Statistician responsible: name and post"), least=0, most=100)
    ] = ""
    impartiality: Annotated[
        str, _long_text(msg("Impartiality: who decides on figures and wording, and who cannot"))
    ] = ""
    applicability: Annotated[
        str, _long_text(msg("Applicability: codes followed, and what is not followed"))
    ] = ""
    revisions: Annotated[str, _long_text(msg("Revision policy"))] = ""
    method_changes: Annotated[str, _long_text(msg("Changes of method since the wave before"))] = ""
    pretests: Annotated[str, _long_text(msg("Pretests of the questionnaire"))] = ""
    translation: Annotated[str, _long_text(msg("Translation, and how it was translated back"))] = ""
    briefing: Annotated[str, _long_text(msg("Training and briefing of surveyors"))] = ""
    agencies: Annotated[str, _long_text(msg("Agencies and contracts"))] = ""
    incentives: Annotated[
        str, Text(label=msg("What respondents were given"), least=0, most=300)
    ] = ""
    cost: Annotated[
        int,
        Yuan(label=msg("Cost of the wave in yuan (0: not recorded)"), least=0, most=MAX_COST_YUAN),
    ] = 0
    misuse: Annotated[
        str, _long_text(msg("Misuse of results that was reported, and what was answered"))
    ] = ""


class WaveStatement(WaveStatementData, table=True):
    """Statement on a wave as somebody saved it; the newest stands, none is ever changed."""

    __tablename__ = "wave_statement"
    __table_args__ = (CheckConstraint(f"cost BETWEEN 0 AND {100 * MAX_COST_YUAN}", name="cost"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    wave_id: UUID = Field(foreign_key="wave.id", index=True)
    saved_by: UUID | None = Field(default=None, foreign_key="account.id")
    saved_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class ReaderAnswerCount(SQLModel, table=True):
    """How often readers of a public page said on one day that it was useful, or that it was not."""

    __tablename__ = "reader_answer_count"

    day: date = Field(primary_key=True)
    """In China."""
    page: str = Field(primary_key=True)
    """Path within the site."""
    is_useful: bool = Field(primary_key=True)
    presses: int


class TransparencyEntry(SQLModel, table=True):
    """Entry of the transparency log: a public act; never changed, never removed."""

    __tablename__ = "transparency_entry"

    position: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    """From 0 on, without a gap: the place of its hash in the tree."""
    subject: str = Field(unique=True)
    """What it is about; no act is entered twice."""
    content: str
    """JSON, whose exact bytes are hashed."""


class TransparencyCheckpoint(SQLModel, table=True):
    """State of the transparency log that the association has signed."""

    __tablename__ = "transparency_checkpoint"

    size: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    """How many entries it covers."""
    note: str
    """Checkpoint with the signature of the association (c2sp.org/tlog-checkpoint)."""


class TransparencyCosignature(Identified, table=True):
    """Signature of a witness under a state of the transparency log."""

    __tablename__ = "transparency_cosignature"
    __table_args__ = (UniqueConstraint("size", "verifier_key"),)

    size: int = Field(foreign_key="transparency_checkpoint.size")
    verifier_key: str
    """Public key of the witness with its name (c2sp.org/signed-note)."""
    line: str
    """Line below the checkpoint (c2sp.org/tlog-cosignature)."""
