"""Tables of row-level exports and of requests for exact files."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

from survey.store.tables import accounts, audit_and_snapshots, waves  # noqa: F401  (its foreign keys)
from survey.store.tables.columns import Decision, UtcDateTime, enum_column, new_id, now


class RowExport(SQLModel, table=True):
    """One file of rows: whose, for which purpose, and the secret of the marks in it."""

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
    """SHA-256 of the file as it was handed over."""
    secret: str = Field(max_length=64)
    """Secret behind the names of rows and points in this file, by which a copy is traced."""
    made_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class ExactRowRequest(SQLModel, table=True):
    """Request for one exact file; another person decides, and it is good for one export."""

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

    id: UUID = Field(default_factory=new_id, primary_key=True)
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
