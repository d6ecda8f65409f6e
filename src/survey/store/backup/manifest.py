"""Manifest of a backup: its last member, against which the content is checked."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]*$")]
"""Of a table or column: it goes into statements, and a file is a stranger's until proven."""


class ColumnKind(StrEnum):
    """Type of a column, independent of the database."""

    TEXT = "text"
    INTEGER = "integer"
    REAL = "real"
    BOOLEAN = "boolean"
    UUID = "uuid"
    TIME = "time"
    DATE = "date"
    JSON = "json"
    BYTES = "bytes"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ColumnRecord(_Part):
    """One column of a table in a backup."""

    name: Name
    kind: ColumnKind


class TableRecord(_Part):
    """One table; `sha256` is of its rows as JSON lines in the order of the key."""

    name: Name
    columns: tuple[ColumnRecord, ...]
    key: tuple[Name, ...]
    rows: int
    sha256: str


class FileRecord(_Part):
    """One file of the data folder; `name` is relative to the folder."""

    name: str
    size: int
    sha256: str


class BackupManifest(_Part):
    """Content of a backup with versions and checksums."""

    format: Literal[1] = 1
    software: str
    migration: str
    made_at: datetime
    database: Literal["sqlite", "postgresql"]
    settings: dict[str, str]
    """For the person who sets up the next server; secrets and addresses of stores are not here."""
    tables: tuple[TableRecord, ...]
    """In an order in which every row finds the rows that it refers to."""
    files: tuple[FileRecord, ...]
    missing_snapshots: tuple[str, ...] = ()
    """Folders that the store names and the disk had no more."""
    left_out: tuple[str, ...] = ()
    """Tables in the database that are not ours."""

    @property
    def rows(self) -> int:
        """Number of rows in all tables."""
        return sum(table.rows for table in self.tables)
