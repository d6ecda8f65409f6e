"""Tables of publications: the public keys that signatures are checked with."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

from survey.store.tables.columns import UtcDateTime, now


class PublicationKey(SQLModel, table=True):
    """Public key of a key that signs publications; the private half is never in the store."""

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
