"""Many accounts at once: created together, and the setup links that are printed for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from survey.access.accounts import (
    AccountData,
    InvalidAccountError,
    create_account,
    create_setup_link,
)
from survey.access.credentials import LINK_LIFETIME, active_filter
from survey.access.roles import Action, Role
from survey.access.work import Work
from survey.locale import SurveyError, msg
from survey.store.tables import Account, Credential, SetupLink, table_of

MAX_ACCOUNTS_AT_ONCE = 1_000
BATCH_ROLES = tuple(role for role in Role if role is not Role.ADMINISTRATOR)
"""Roles that a list may name: whoever may create accounts is created alone, in a form."""
_ACCOUNTS, _CREDENTIALS, _LINKS = table_of(Account), table_of(Credential), table_of(SetupLink)


@dataclass(frozen=True)
class NewAccount:
    """Account that is to be created."""

    login: str
    entry: AccountData


@dataclass(frozen=True)
class PrintedSetupLink:
    """Setup link of one person as it is printed; the store keeps only the hash of its token."""

    login: str
    name: str
    token: str


@dataclass(frozen=True)
class SetupLinkSheet:
    """Setup links that were issued together, valid until `expires_at`."""

    people: tuple[PrintedSetupLink, ...]
    expires_at: datetime


@dataclass(frozen=True)
class PendingAccount:
    """Account in use whose person has not chosen a password yet."""

    login: str
    name: str
    role: Role
    area: str
    link_expires_at: datetime | None
    """End of the present setup link; None if there is none that works."""


def create_accounts(work: Work, *, accounts: Sequence[NewAccount]) -> SetupLinkSheet:
    """Create all accounts with a setup link each, or none of them.

    Raises:
        InvalidAccountError: An account is not possible; the message begins with its login.
    """
    work.require(Action.ADMINISTER)
    _require_count(len(accounts))
    links = []
    for account in accounts:
        try:
            if account.entry.role not in BATCH_ROLES:
                raise InvalidAccountError(msg("An administrator is created alone, in the form."))
            created = create_account(work, login=account.login, entry=account.entry)
        except SurveyError as error:
            raise InvalidAccountError(
                msg("{login}: {reason}", login=account.login, reason=error.message)
            ) from error
        links.append(_issue_link(work, created.login, created.name))
    return SetupLinkSheet(tuple(links), work.now + LINK_LIFETIME)


def issue_setup_links(work: Work, *, logins: Sequence[str]) -> SetupLinkSheet:
    """Replace the setup links of people who have no password yet.

    Raises:
        InvalidAccountError: Somebody has chosen a password since, or the account was closed.
    """
    work.require(Action.ADMINISTER)
    _require_count(len(set(logins)))
    waiting = {account.login: account for account in list_pending_accounts(work)}
    links = []
    for login in sorted(set(logins)):
        if login not in waiting:
            raise InvalidAccountError(
                msg(
                    "{login} waits for no link: a password was chosen, or the account is closed.",
                    login=login,
                )
            )
        links.append(_issue_link(work, login, waiting[login].name))
    return SetupLinkSheet(tuple(links), work.now + LINK_LIFETIME)


def _require_count(count: int) -> None:
    if not 1 <= count <= MAX_ACCOUNTS_AT_ONCE:
        raise InvalidAccountError(
            msg("Please choose from one to {most} people at once.", most=MAX_ACCOUNTS_AT_ONCE)
        )


def _issue_link(work: Work, login: str, name: str) -> PrintedSetupLink:
    token = create_setup_link(work, login=login)
    return PrintedSetupLink(login, name, token)


def list_pending_accounts(work: Work) -> list[PendingAccount]:
    """List the accounts in use that have no password yet, by area and login."""
    work.require(Action.ADMINISTER)
    links = (
        select(_LINKS.c.account_id, func.max(_LINKS.c.expires_at).label("expires_at"))
        .where(_LINKS.c.expires_at > work.now)
        .group_by(_LINKS.c.account_id)
        .subquery()
    )
    query = (
        select(_ACCOUNTS, links.c.expires_at)
        .outerjoin(_CREDENTIALS, _CREDENTIALS.c.account_id == _ACCOUNTS.c.id)
        .outerjoin(links, links.c.account_id == _ACCOUNTS.c.id)
        .where(
            active_filter(work.now), ~_ACCOUNTS.c.is_demo, _CREDENTIALS.c.password_hash.is_(None)
        )
        .order_by(_ACCOUNTS.c.area, _ACCOUNTS.c.login)
    )
    return [
        PendingAccount(row.login, row.name, Role(row.role), row.area, row.expires_at)
        for row in work.session.connection().execute(query)
    ]
