"""List of accounts for administrators, and many new ones at once with their setup links."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlmodel import Session

from survey.access.accounts import (
    AccountData,
    InvalidAccountError,
    create_account,
    create_setup_link,
    last_day_of,
)
from survey.access.roles import Action, Role
from survey.access.secret_hashes import LINK_LIFETIME, active_filter
from survey.access.sessions import get_account_by_login, open_session_filter
from survey.access.sign_in_codes import PrintedSecret, SecretSheet
from survey.access.work import Work
from survey.locale import SurveyError, msg
from survey.records import build_from
from survey.store.tables import Account, AnyRow, Credential, LoginSession, SetupLink, table_of

MAX_ACCOUNTS_AT_ONCE = 1_000
BATCH_ROLES = tuple(role for role in Role if role is not Role.ADMINISTRATOR)
"""Roles that a list may name: whoever may create accounts is created alone, in a form."""
_ACCOUNTS, _CREDENTIALS = table_of(Account), table_of(Credential)
_LINKS, _SESSIONS = table_of(SetupLink), table_of(LoginSession)


@dataclass(frozen=True)
class NewAccount:
    """Account to be created: its login and its editable fields."""

    login: str
    entry: AccountData


@dataclass(frozen=True)
class PendingAccount:
    """Open account that has no password yet, with the end of its setup link if one is valid."""

    login: str
    name: str
    role: Role
    area: str
    link_expires_at: datetime | None
    """End of the present setup link; None if there is none that works."""


def create_accounts(work: Work, *, accounts: Sequence[NewAccount]) -> SecretSheet:
    """Create all accounts and a setup link for each, or none; return the links for printing.

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
    return SecretSheet(tuple(links), work.now + LINK_LIFETIME)


def issue_setup_links(work: Work, *, logins: Sequence[str]) -> SecretSheet:
    """Replace the setup links of accounts without a password; return the new ones for printing.

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
    return SecretSheet(tuple(links), work.now + LINK_LIFETIME)


def _require_count(count: int) -> None:
    if not 1 <= count <= MAX_ACCOUNTS_AT_ONCE:
        raise InvalidAccountError(
            msg("Please choose from one to {most} people at once.", most=MAX_ACCOUNTS_AT_ONCE)
        )


def _issue_link(work: Work, login: str, name: str) -> PrintedSecret:
    return PrintedSecret(login, name, create_setup_link(work, login=login))


def list_pending_accounts(work: Work) -> list[PendingAccount]:
    """Return the open accounts that have no password yet, by area and login."""
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


MAX_LISTED_ACCOUNTS = 200


@dataclass(frozen=True)
class AccountSummary:
    """One account in the administrators' list: fields, state, kinds of credentials, last use."""

    id: UUID
    login: str
    name: str
    role: Role
    area: str
    email: str
    active: bool
    is_demo: bool
    last_day: date | None
    is_over: bool
    """The last day has passed."""
    has_password: bool
    has_factor: bool
    open_sessions: int
    last_seen: datetime | None

    @property
    def entry(self) -> AccountData:
        """Editable fields of the account: name, role, area, last day, e-mail address."""
        return AccountData(self.name, self.role, self.area, self.last_day, self.email)


@dataclass(frozen=True)
class AccountFilter:
    """Filter of accounts; fields that are None or empty do not restrict it."""

    role: Role | None = None
    area: str = ""
    """Accounts whose own area begins with it: a province, a city."""
    words: str = ""
    """Part of the name, the login or the e-mail address."""
    active: bool | None = None
    demo: bool | None = None


@dataclass(frozen=True)
class AccountPage:
    """First accounts that match a filter (`lines`), and the number of all that do (`count`)."""

    lines: tuple[AccountSummary, ...]
    count: int


def list_accounts(
    work: Work, *, account_filter: AccountFilter, limit: int = MAX_LISTED_ACCOUNTS
) -> AccountPage:
    """Return the first `limit` accounts that match a filter, by login, and count all that do."""
    work.require(Action.ADMINISTER)
    query = _filter_query(select(_ACCOUNTS.c.id), account_filter, work.now)
    connection = work.session.connection()
    count = connection.execute(select(func.count()).select_from(query.subquery())).scalar_one()
    ids = connection.execute(query.order_by(_ACCOUNTS.c.login).limit(limit)).scalars().all()
    return AccountPage(tuple(_list_summaries(work.session, ids, work.now)), count)


def get_account_summary(work: Work, *, login: str) -> AccountSummary:
    """Return one account's fields, state, credentials, last use; raises `AccountNotFoundError`."""
    work.require(Action.ADMINISTER)
    lines = _list_summaries(work.session, [get_account_by_login(work.session, login).id], work.now)
    return lines[0]


def _filter_query(query: Select[Any], account_filter: AccountFilter, now: datetime) -> Select[Any]:
    if account_filter.role is not None:
        query = query.where(_ACCOUNTS.c.role == account_filter.role)
    if account_filter.area:
        query = query.where(_ACCOUNTS.c.area.startswith(account_filter.area, autoescape=True))
    if account_filter.words.strip():
        part = account_filter.words.strip()
        columns = (_ACCOUNTS.c.login, _ACCOUNTS.c.name, func.coalesce(_ACCOUNTS.c.email, ""))
        hits = [column.icontains(part, autoescape=True) for column in columns]
        query = query.where(hits[0] | hits[1] | hits[2])
    if account_filter.active is not None:
        active = active_filter(now)
        query = query.where(active if account_filter.active else ~active)
    if account_filter.demo is not None:
        query = query.where(_ACCOUNTS.c.is_demo.is_(account_filter.demo))
    return query


def _list_summaries(session: Session, ids: Any, now: datetime) -> list[AccountSummary]:
    used = (
        select(
            _SESSIONS.c.account_id,
            func.count().filter(open_session_filter(now)).label("open"),
            func.max(func.coalesce(_SESSIONS.c.seen_at, _SESSIONS.c.created_at)).label("seen"),
        )
        .where(_SESSIONS.c.account_id.in_(ids))
        .group_by(_SESSIONS.c.account_id)
        .subquery()
    )
    query = (
        select(
            _ACCOUNTS,
            _CREDENTIALS.c.password_hash,
            _CREDENTIALS.c.totp_since,
            used.c.open,
            used.c.seen,
        )
        .outerjoin(_CREDENTIALS, _CREDENTIALS.c.account_id == _ACCOUNTS.c.id)
        .outerjoin(used, used.c.account_id == _ACCOUNTS.c.id)
        .where(_ACCOUNTS.c.id.in_(ids))
        .order_by(_ACCOUNTS.c.login)
    )
    return [_build_summary(row, now) for row in session.connection().execute(query)]


def _build_summary(row: AnyRow, now: datetime) -> AccountSummary:
    return build_from(
        AccountSummary,
        row,
        role=Role(row.role),
        email=row.email or "",
        last_day=last_day_of(row.ends_at),
        is_over=row.ends_at is not None and row.ends_at <= now,
        has_password=row.password_hash is not None,
        has_factor=row.totp_since is not None,
        open_sessions=row.open or 0,
        last_seen=row.seen,
    )
