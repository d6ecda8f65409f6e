"""Tables of the bulk import: imported files and saved column mappings."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from survey.store.tables import accounts, waves  # noqa: F401  (its foreign keys)
from survey.store.tables.columns import UtcDateTime, new_id


class ImportedFile(SQLModel, table=True):
    """File whose interviews were imported, so that it is recognised when it comes again."""

    __tablename__ = "imported_file"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    wave_id: UUID = Field(foreign_key="wave.id", index=True)
    name: str
    """Name of the uploaded file; for people, never used as a path."""
    sha256: str = Field(max_length=64)
    source: str = Field(max_length=24)
    """One of `survey.fieldwork.importing.column_mapping.ExportSource`."""
    written: int
    duplicates: int
    rejected: int
    account_id: UUID | None = Field(default=None, foreign_key="account.id")
    at: datetime = Field(sa_type=UtcDateTime)
    weight_column: str | None = None
    """The column that gave the interviews their weights."""


class ImportMapping(SQLModel, table=True):
    """Meaning of the columns of a kind of file for one questionnaire, saved by name."""

    __tablename__ = "import_mapping"
    __table_args__ = (UniqueConstraint("instrument_name", "name"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    instrument_name: str
    """Name that all versions of the questionnaire share."""
    name: str
    document: bytes = Field(sa_type=LargeBinary)
    """The mapping file, as `survey import --mapping` takes it."""
    author_id: UUID | None = Field(default=None, foreign_key="account.id")
    changed_at: datetime = Field(sa_type=UtcDateTime)
