"""Who works on the survey, and their signed-in browsers."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from survey.store.tables.columns import UtcDateTime, new_id, now


class Account(SQLModel, table=True):
    id: UUID = Field(default_factory=new_id, primary_key=True)
    login: str = Field(unique=True)
    name: str
    role: str
    area: str
    is_demo: bool = False
    active: bool = True
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class LoginSession(SQLModel, table=True):
    """A signed-in browser; the cookie holds the secret, this table its SHA-256."""

    __tablename__ = "login_session"

    secret_sha256: str = Field(primary_key=True, max_length=64)
    account_id: UUID = Field(foreign_key="account.id", index=True)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
