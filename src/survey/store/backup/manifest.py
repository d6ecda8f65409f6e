"""Manifest of a backup, its last member, and the errors of reading one."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator

from survey.locale import SurveyError, msg


class BackupDamagedError(SurveyError):
    """Raised when a backup file is cut off, was changed, or is no backup at all."""

    code = "backup_damaged"


class BackupLockedError(SurveyError):
    """Raised when a backup is encrypted and the right passphrase or key was not given."""

    code = "backup_locked"


class StoreOccupiedError(SurveyError):
    """Raised when the store to restore into holds data or is in use."""

    code = "store_in_the_way"


def truncated_error() -> BackupDamagedError:
    """Return the error about a backup file that is cut off."""
    return BackupDamagedError(
        msg("The backup is cut off: its end is missing. Nothing was restored.")
    )


def checksum_error(part: str) -> BackupDamagedError:
    """Return the error about a part of a backup that does not match its checksum."""
    return BackupDamagedError(
        msg(
            "The backup was changed or damaged after it was made ({part}). Nothing was restored.",
            part=part,
        )
    )


def authentication_error() -> BackupDamagedError:
    """Return the error about an encrypted backup that was cut off or changed."""
    return BackupDamagedError(
        msg("The backup is cut off or was changed after it was made. Nothing was restored.")
    )


Name = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]*$")]
"""Name of a table or column, restricted because it goes into SQL from an untrusted file."""


class ColumnKind(StrEnum):
    """Kind of a column's values (text, integer, time, JSON …), the same for both databases."""

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
    """Column of a table in a backup: name, and kind of its values."""

    name: Name
    kind: ColumnKind


class TableRecord(_Part):
    """Table in a backup; `sha256` is of its rows as JSON lines in key order."""

    name: Name
    columns: tuple[ColumnRecord, ...]
    key: tuple[Name, ...]
    rows: int
    sha256: str

    @model_validator(mode="after")
    def _require_distinct_columns(self) -> Self:
        names = {column.name for column in self.columns}
        if len(names) < len(self.columns) or not names.issuperset(self.key):
            raise ValueError("a column is named twice, or the key names none")
        return self


class FileRecord(_Part):
    """File of the data folder in a backup; `name` is relative to the folder."""

    name: str
    size: int
    sha256: str


class BackupManifest(_Part):
    """Manifest of a backup: versions, tables, files and their checksums."""

    format: Literal[1] = 1
    software: str
    migration: str
    made_at: datetime
    database: Literal["sqlite", "postgresql"]
    settings: dict[str, str]
    """Settings for setting up the next server, without secrets and addresses of stores."""
    tables: tuple[TableRecord, ...]
    """Tables in an order in which each comes after those that it refers to."""
    files: tuple[FileRecord, ...]
    missing_snapshots: tuple[str, ...] = ()
    """Folders of snapshots that were missing on the disk."""
    missing_releases: tuple[str, ...] = ()
    """Ids of releases whose files were missing on the disk or are not those that were signed."""
    missing_photos: tuple[str, ...] = ()
    """Hashes of photos whose files were missing on the disk or are not those that were stored."""
    left_out: tuple[str, ...] = ()
    """Tables of the database that do not belong to the platform."""

    @model_validator(mode="after")
    def _require_distinct_tables(self) -> Self:
        if len({table.name for table in self.tables}) < len(self.tables):
            raise ValueError("a table is named twice")
        return self

    @property
    def rows(self) -> int:
        """Number of rows in all tables of the backup."""
        return sum(table.rows for table in self.tables)
