"""Administration of accounts; every change is audited with what it replaced."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import Session
from sqlmodel import select as select_model

from survey.access.attempt_limits import AttemptKey, AttemptKind, reset_attempts
from survey.access.audit import actor_id
from survey.access.principal import AccessDeniedError, Principal, require_area
from survey.access.roles import Action, Role
from survey.access.second_factor import is_enrolled, remove_factor_data
from survey.access.secret_hashes import (
    delete_setup_links,
    is_active,
    lock_credential,
    replace_setup_link,
    requires_factor,
    set_password,
)
from survey.access.sessions import end_sessions, get_account_by_login
from survey.access.sign_in import MAX_LOGIN_CHARS, normalise_login
from survey.access.work import Work
from survey.locale import SurveyError, msg
from survey.store.audit_events import AuditEvent
from survey.store.china_time import CHINA, end_of_china_day
from survey.store.tables import Account, Credential, SignInCode, new_id, table_of

_ACCOUNTS = table_of(Account)
_CREDENTIALS, _CODES = table_of(Credential), table_of(SignInCode)
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")


class InvalidAccountError(SurveyError):
    """Raised for invalid fields of an account, or when its state does not allow what was asked."""

    code = "account_wrong"


class AccountConflictError(SurveyError):
    """Raised when an account is not any more as the administrator last read it."""

    code = "account_changed"
    message = msg("Somebody else changed this account in the meantime. Please look at it again.")


class LastAdministratorError(SurveyError):
    """Raised when a change would leave nobody to administer the platform."""

    code = "last_administrator"
    message = msg(
        "This would leave the system without an administrator who can sign in. "
        "Make another one first."
    )


@dataclass(frozen=True)
class AccountData:
    """Editable fields of an account, which works to the end of `last_day` (a day in China)."""

    name: str
    role: Role
    area: str
    last_day: date | None = None
    email: str = ""


def last_day_of(ends_at: datetime | None) -> date | None:
    """Return the last day in China on which an account works; None if it has no end."""
    if ends_at is None:
        return None
    local = ends_at.astimezone(CHINA)
    return (local - local.resolution).date()


def create_account(work: Work, *, login: str, entry: AccountData) -> Account:
    """Create an account, as yet without password or setup link, and its audit entry; return it."""
    work.require(Action.ADMINISTER)
    name = clean_login(login)
    query = select_model(Account.id).where(Account.login == name)
    if work.session.exec(query).first() is not None:
        raise InvalidAccountError(msg("This login is taken."))
    account = Account(id=new_id(), login=name, name="", role="", area="", created_at=work.now)
    _apply_account_data(work.session, account, entry)
    work.session.add(account)
    work.session.flush()
    work.record(
        AuditEvent.ACCOUNT_CREATED, account.id, {"login": name, **_build_audit_detail(entry)}
    )
    return account


def change_account(work: Work, *, login: str, seen: AccountData, entry: AccountData) -> None:
    """Replace an account's fields by `entry` if still equal to `seen`; also holds in open sessions.

    Raises:
        AccountConflictError: The account is not as it was `seen`.
        LastAdministratorError: Nobody else could administer the platform.
        AccessDeniedError: The change is about one's own role or end date.
    """
    work.require(Action.ADMINISTER)
    _lock_administrators(work.session)
    administrators = _list_administrators(work.session)
    account = get_account_by_login(work.session, login)
    before = _build_account_data(account)
    if before != seen:
        raise AccountConflictError
    if replace(before, name="", email="") != replace(entry, name="", email=""):
        require_other_account(work.principal, account)
    _apply_account_data(work.session, account, entry)
    work.session.add(account)
    work.session.flush()
    _require_other_administrator(work.session, administrators)
    detail_before, detail_after = _build_audit_detail(before), _build_audit_detail(entry)
    changed = {key for key, value in detail_after.items() if detail_before[key] != value}
    if not changed:
        return
    if requires_factor(account) and not is_enrolled(work.session.get(Credential, account.id)):
        # A session of before was opened without a second factor, which the role now asks for.
        end_sessions(work.session, account.id, work.now)
    work.record(
        AuditEvent.ACCOUNT_CHANGED,
        account.id,
        {
            "from": {key: detail_before[key] for key in sorted(changed)},
            "to": {key: detail_after[key] for key in sorted(changed)},
        },
    )


def set_active(work: Work, *, login: str, active: bool) -> None:
    """Reopen a closed account if `active`, else close it and end its sessions, links and codes."""
    work.require(Action.ADMINISTER)
    _lock_administrators(work.session)
    administrators = _list_administrators(work.session)
    account = get_account_by_login(work.session, login)
    require_other_account(work.principal, account)
    if account.active == active:
        return
    account.active = active
    work.session.add(account)
    work.session.flush()
    _require_other_administrator(work.session, administrators)
    if not active:
        end_sessions(work.session, account.id, work.now)
        delete_setup_links(work.session, account.id)
        connection = work.session.connection()
        connection.execute(
            update(_CODES).where(_CODES.c.account_id == account.id).values(expires_at=work.now)
        )
    work.record(
        AuditEvent.ACCOUNT_OPENED if active else AuditEvent.ACCOUNT_CLOSED,
        account.id,
        {"from": {"active": not active}, "to": {"active": active}},
    )


def clean_login(login: str) -> str:
    """Return a login in small letters as the store keeps it; raises `InvalidAccountError`."""
    name = normalise_login(login)
    if not _LOGIN.fullmatch(name) or len(login.strip()) > MAX_LOGIN_CHARS:
        raise InvalidAccountError(
            msg("A login is 2 to 64 small letters, digits, dots, hyphens or underscores.")
        )
    return name


def clean_name(name: str) -> str:
    """Return a person's name without outer spaces; raises `InvalidAccountError`."""
    cleaned = name.strip()
    if not cleaned or len(cleaned) > 80 or not cleaned.isprintable():
        raise InvalidAccountError(msg("Please give a name of at most 80 characters."))
    return cleaned


def clean_email(email: str) -> str:
    """Return an e-mail address in small letters, "" for none; raises `InvalidAccountError`."""
    cleaned = email.strip().lower()
    if cleaned and not _EMAIL.fullmatch(cleaned):
        raise InvalidAccountError(msg("This is not an e-mail address."))
    return cleaned


def _apply_account_data(session: Session, account: Account, entry: AccountData) -> None:
    name, email = clean_name(entry.name), clean_email(entry.email)
    if email:
        query = select_model(Account.id).where(Account.email == email, Account.id != account.id)
        if session.exec(query).first() is not None:
            raise InvalidAccountError(msg("Another account has this e-mail address."))
    require_area(session=session, role=entry.role, area=entry.area)
    account.name, account.role, account.area = name, entry.role.value, entry.area
    account.email = email or None
    account.ends_at = end_of_china_day(entry.last_day) if entry.last_day else None


def _build_account_data(account: Account) -> AccountData:
    role, last_day = Role(account.role), last_day_of(account.ends_at)
    return AccountData(account.name, role, account.area, last_day, account.email or "")


def _build_audit_detail(entry: AccountData) -> Mapping[str, str | None]:
    """Return the fields of an account as entries of the audit trail hold them."""
    return {
        **asdict(entry),
        "role": entry.role.value,
        "last_day": entry.last_day.isoformat() if entry.last_day else None,
    }


def require_other_account(principal: Principal, account: Account) -> None:
    """Raise `AccessDeniedError` if the account is that of the principal."""
    if account.id == principal.account_id:
        raise AccessDeniedError(
            msg("You cannot do this to your own account. Ask another administrator.")
        )


def _require_other_administrator(session: Session, before: set[UUID]) -> None:
    """Raise `LastAdministratorError` if there were administrators `before` and now are none."""
    if before and not _list_administrators(session):
        raise LastAdministratorError


def _lock_administrators(session: Session) -> None:
    """Lock the administrators' rows, so that two of them cannot remove each other at once."""
    session.connection().execute(
        select(_ACCOUNTS.c.id)
        .where(_ACCOUNTS.c.role == Role.ADMINISTRATOR)
        .order_by(_ACCOUNTS.c.id)
        .with_for_update()
    )


def _list_administrators(session: Session) -> set[UUID]:
    """Return the ids of administrators who can sign in and whose account has no end date."""
    query = (
        select(_ACCOUNTS.c.id)
        .join(_CREDENTIALS, _CREDENTIALS.c.account_id == _ACCOUNTS.c.id)
        .where(
            _ACCOUNTS.c.role == Role.ADMINISTRATOR,
            _ACCOUNTS.c.active,
            ~_ACCOUNTS.c.is_demo,
            _ACCOUNTS.c.ends_at.is_(None),
            _CREDENTIALS.c.password_hash.is_not(None),
        )
    )
    return set(session.connection().execute(query).scalars())


def create_setup_link(work: Work, *, login: str) -> str:
    """Create a one-time link to choose a password; return its token; raise for closed accounts.

    The present password stays valid until the link is used, so that a link sent to the wrong person
    locks nobody out.
    """
    work.require(Action.ADMINISTER)
    account = get_account_by_login(work.session, login)
    if account.is_demo or not is_active(account, work.now):
        raise InvalidAccountError(msg("This account is closed or belongs to the demonstration."))
    reset_attempts(work.session, AttemptKey(AttemptKind.NAME, account.login))
    token = replace_setup_link(work.session, account.id, actor_id(work.principal), work.now)
    work.record(AuditEvent.ACCOUNT_LINK_MADE, account.id)
    return token


def set_temporary_password(work: Work, *, login: str, password: str) -> None:
    """Set a password that must be changed at the next sign-in; end all sessions."""
    work.require(Action.ADMINISTER)
    account = get_account_by_login(work.session, login)
    set_password(work.session, account, password, work.now, must_change=True)
    ended = end_sessions(work.session, account.id, work.now)
    reset_attempts(work.session, AttemptKey(AttemptKind.NAME, account.login))
    work.record(AuditEvent.ACCOUNT_PASSWORD_GIVEN, account.id, {"sessions_ended": ended})


def reset_factor(work: Work, *, login: str) -> None:
    """Remove a lost second factor and end all sessions; the next sign-in sets up another."""
    work.require(Action.ADMINISTER)
    account = get_account_by_login(work.session, login)
    require_other_account(work.principal, account)
    credential = lock_credential(work.session, account.id)
    had = is_enrolled(credential)
    remove_factor_data(work.session, credential)
    reset_attempts(work.session, AttemptKey(AttemptKind.FACTOR, str(account.id)))
    ended = end_sessions(work.session, account.id, work.now)
    work.record(
        AuditEvent.ACCOUNT_SECOND_FACTOR_RESET,
        account.id,
        {"from": {"second_factor": had}, "to": {"second_factor": False}, "sessions_ended": ended},
    )


def end_all_sessions(work: Work, *, login: str) -> int:
    """End all sessions of an account and return how many were open."""
    work.require(Action.ADMINISTER)
    account = get_account_by_login(work.session, login)
    ended = end_sessions(work.session, account.id, work.now)
    work.record(AuditEvent.ACCOUNT_SESSIONS_ENDED, account.id, {"sessions_ended": ended})
    return ended
