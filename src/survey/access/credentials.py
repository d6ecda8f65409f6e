"""Credentials of an account: password and one-time setup links."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, or_
from sqlmodel import Session

from survey.access.roles import ROLES, Role
from survey.access.secret_hashes import digest, hash_password, new_token, require_strong
from survey.locale import SurveyError, msg
from survey.store.tables import Account, Credential, SetupLink, table_of

LINK_LIFETIME = timedelta(hours=72)
_ACCOUNTS, _LINKS = table_of(Account), table_of(SetupLink)


class LinkNotFoundError(SurveyError):
    """Raised when a setup link does not exist, was used or has expired."""

    code = "setup_link_unknown"

    def __init__(self) -> None:
        super().__init__(
            msg("This link is not valid any more. Ask the administrator for a new one.")
        )


def is_active(account: Account, now: datetime) -> bool:
    """Return whether an account may do anything at this moment."""
    return account.active and (account.ends_at is None or account.ends_at > now)


def active_filter(now: Any) -> ColumnElement[bool]:
    """Return the condition for accounts of which `is_active` is true at a time or parameter."""
    ends_at = _ACCOUNTS.c.ends_at
    return and_(_ACCOUNTS.c.active, or_(ends_at.is_(None), ends_at > now))


def requires_factor(account: Account) -> bool:
    """Return whether the account's role must set up a second factor."""
    return ROLES[Role(account.role)].requires_factor


def lock_credential(*, session: Session, account_id: UUID) -> Credential:
    """Return the credential of an account, locked; create an empty one if there is none."""
    credential = session.get(Credential, account_id, with_for_update=True, populate_existing=True)
    if credential is None:
        credential = Credential(account_id=account_id)
        session.add(credential)
        session.flush()
    return credential


def set_password(
    *, session: Session, account: Account, password: str, now: datetime, must_change: bool = False
) -> None:
    """Replace the password and delete the links that were to set it.

    Raises:
        WeakPasswordError: The password is short or easy to guess.
    """
    require_strong(password, about=(account.login, account.name, account.email or ""))
    credential = lock_credential(session=session, account_id=account.id)
    credential.password_hash = hash_password(password)
    credential.password_set_at = now
    credential.must_change = must_change
    session.add(credential)
    delete_setup_links(session=session, account_id=account.id)
    session.flush()


def replace_setup_link(
    *, session: Session, account_id: UUID, created_by: UUID | None, now: datetime
) -> str:
    """Create a link that sets the password once; return its token, delete earlier links."""
    delete_setup_links(session=session, account_id=account_id)
    token = new_token(bits=192)
    session.add(
        SetupLink(
            token_sha256=digest(token),
            account_id=account_id,
            created_at=now,
            created_by=created_by,
            expires_at=now + LINK_LIFETIME,
        )
    )
    session.flush()
    return token


def delete_setup_links(*, session: Session, account_id: UUID) -> None:
    """Delete the setup links of an account."""
    session.connection().execute(delete(_LINKS).where(_LINKS.c.account_id == account_id))


def get_account_of_link(*, session: Session, token: str, now: datetime) -> Account:
    """Return the account of a setup link without using it; raises `LinkNotFoundError`."""
    link = session.get(SetupLink, digest(token), with_for_update=True)
    account = session.get(Account, link.account_id) if link and link.expires_at > now else None
    if account is None or not is_active(account, now):
        raise LinkNotFoundError
    return account
