"""Tables of accounts, their sessions and credentials, unfinished sign-ins, failed attempts."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, String
from sqlmodel import Field, SQLModel

from survey.store.tables.columns import Identified, JsonDocument, KeyScope, UtcDateTime, now


class Account(Identified, table=True):
    """Account of a person who works on the survey, with a role and an area."""

    __table_args__ = (Index("ux_account_email", "email", unique=True),)

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
    visited_before_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """Last use of the account in an earlier visit; empty at the first one, and in a demo."""


class Credential(SQLModel, table=True):
    """Password and second factor of an account; without a row there is no password."""

    account_id: UUID = Field(foreign_key="account.id", primary_key=True)
    password_hash: str | None = None
    """Argon2id, with its own salt and parameters."""
    password_set_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    must_change: bool = False
    """An administrator chose the password, so it only serves to choose another one."""
    totp_secret: str | None = Field(
        default=None, sa_type=String(64).with_variant(String(400), "postgresql")
    )
    """Base32, encrypted (`survey.access.second_factor`); in force from `totp_since` on, before
    that waiting for its first code. SQLite, which knows no lengths, keeps the declared one."""
    totp_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    totp_step: int | None = None
    """The 30-second step of the last accepted code: no code of it or before is taken again."""


class RecoveryCode(SQLModel, table=True):
    """Code with which a person signs in once without the second factor."""

    __tablename__ = "recovery_code"

    code_sha256: str = Field(primary_key=True, max_length=64)
    account_id: UUID = Field(foreign_key="account.id", index=True)


class SetupLink(SQLModel, table=True):
    """One-time link, made by an administrator, with which a person chooses a password."""

    __tablename__ = "setup_link"

    token_sha256: str = Field(primary_key=True, max_length=64)
    account_id: UUID = Field(foreign_key="account.id", index=True)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    created_by: UUID | None = Field(default=None, foreign_key="account.id")
    expires_at: datetime = Field(sa_type=UtcDateTime)


class SignInCode(SQLModel, table=True):
    """One-time code of a surveyor on paper; a new one replaces the previous one."""

    __tablename__ = "sign_in_code"

    account_id: UUID = Field(foreign_key="account.id", primary_key=True)
    code_hash: str
    """Argon2id: short codes must not be found by trying all of them."""
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    created_by: UUID | None = Field(default=None, foreign_key="account.id")
    expires_at: datetime = Field(sa_type=UtcDateTime)


class SignInStep(SQLModel, table=True):
    """Sign-in that is under way, between its first and last step; it opens no page."""

    __tablename__ = "sign_in_step"

    secret_sha256: str = Field(primary_key=True, max_length=64)
    account_id: UUID | None = Field(default=None, foreign_key="account.id", index=True)
    """Empty while the person signs in at an OpenID provider."""
    second_factor: bool = False
    """Whether the second factor was verified already."""
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=JsonDocument)
    """State of the sign-in: target, and what the answer of an OpenID provider must match."""
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)


class SignInTries(SQLModel, table=True):
    """Number of counted sign-in attempts by login or address, both stored as hashes."""

    __tablename__ = "sign_in_tries"

    subject: str = Field(primary_key=True, max_length=80)
    """`name:` or `address:` and a SHA-256; logins that do not exist are counted as well."""
    tries: int
    last_at: datetime = Field(sa_type=UtcDateTime, index=True)
    locked_until: datetime | None = Field(default=None, sa_type=UtcDateTime)


class OutsideIdentity(Identified, table=True):
    """Identity of an OpenID Connect provider, linked to one account."""

    __tablename__ = "outside_identity"

    key_sha256: str = Field(unique=True, max_length=64)
    """SHA-256 over issuer and subject, which together identify one person."""
    issuer: str
    subject: str
    account_id: UUID = Field(foreign_key="account.id", index=True)
    linked_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class ApiKey(Identified, table=True):
    """Key with which a program acts as an account, limited to the key's scope."""

    __tablename__ = "api_key"

    account_id: UUID = Field(foreign_key="account.id", index=True)
    name: str
    """What the key is for, in the words of whoever made it."""
    secret_sha256: str = Field(unique=True, max_length=64)
    created_by: UUID | None = Field(default=None, foreign_key="account.id")
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    scope: str = Field(
        default=KeyScope.RESULTS, max_length=24, sa_column_kwargs={"server_default": "results"}
    )
    """One of `KeyScope`."""
