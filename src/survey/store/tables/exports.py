"""Row-level exports: who took which rows, for what, and the secret of the marks in them."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from survey.store.tables.columns import UtcDateTime, new_id, now


class RowExport(SQLModel, table=True):
    __tablename__ = "row_export"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    account_id: UUID | None = Field(default=None, foreign_key="account.id")
    wave_id: UUID = Field(foreign_key="wave.id", index=True)
    snapshot_sha256: str = Field(max_length=64)
    area: str
    purpose: str
    form: str = Field(max_length=16)
    rows: int
    sha256: str = Field(max_length=64)
    """Of the file as it was handed over."""
    secret: str = Field(max_length=64)
    """Makes the names of rows and points in this one file; whose a copy is follows from it."""
    made_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
