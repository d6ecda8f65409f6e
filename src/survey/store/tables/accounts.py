"""Tables of accounts and their sessions."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from survey.store.tables.columns import UtcDateTime, new_id, now


class Account(SQLModel, table=True):
    """Account of a person who works on the survey, with a role and an area."""

    __table_args__ = (Index("ux_account_email", "email", unique=True),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    login: str = Field(unique=True)
    name: str
    role: str
    area: str
    """As `Principal.area`: the nation, a province, a city, or one point of a city."""
    is_demo: bool = False
    active: bool = True
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    ends_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """Moment from which the account does not work, also in open sessions."""
    email: str | None = None
    """E-mail address in lower case, by which an OpenID provider knows this person."""


class LoginSession(SQLModel, table=True):
    """Signed-in browser; its cookie holds the secret, this table the SHA-256."""

    __tablename__ = "login_session"

    secret_sha256: str = Field(primary_key=True, max_length=64)
    account_id: UUID = Field(foreign_key="account.id", index=True)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    seen_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """Last use, to the minute; empty if the session does not end by being idle (demo)."""
    idle_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """End of the session unless it is used before."""
