"""Sessions: an opaque secret in the browser's cookie, its hash in the store."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, delete, func, or_, select, update
from sqlmodel import Session, col
from sqlmodel import select as select_model

from survey.access.attempt_limits import AttemptKey, AttemptKind
from survey.access.audit import record
from survey.access.principal import Principal
from survey.access.roles import Role, demo_login
from survey.access.secret_hashes import active_filter, digest, new_token
from survey.locale import SurveyError, msg
from survey.store.audit_events import AuditEvent
from survey.store.engine import read_scope
from survey.store.tables import Account, AnyRow, LoginSession, SignInStep, UtcDateTime, table_of
from survey.store.transactions import StoreUnavailableError, run_in_transaction

COOKIE = "survey_session"
"""Name of the cookie that holds the secret; `web` sets it, pages read it."""
SESSION_LIFETIME = timedelta(hours=12)
"""Lifetime of a demo session, which does not end by being idle."""
VISIT_GAP = timedelta(hours=1)
"""Signing in again after a shorter time continues the same visit."""
RENEWED_AFTER = timedelta(minutes=1)
"""Use of a session is recorded at most this often, so that reading pages writes little."""

_SESSIONS, _ACCOUNTS = table_of(LoginSession), table_of(Account)
_STEPS = table_of(SignInStep)


def open_session_filter(now: Any) -> ColumnElement[bool]:
    """Return the SQL condition for sessions open at `now`, a time or a bound parameter."""
    return and_(
        _SESSIONS.c.ended_at.is_(None),
        _SESSIONS.c.expires_at > now,
        or_(_SESSIONS.c.idle_until.is_(None), _SESSIONS.c.idle_until > now),
    )


_PRINCIPAL = (
    select(*_ACCOUNTS.c["id", "name", "role", "area", "is_demo"], _SESSIONS.c.seen_at)
    .join(_SESSIONS, _SESSIONS.c.account_id == _ACCOUNTS.c.id)
    .where(
        _SESSIONS.c.secret_sha256 == bindparam("digest"),
        open_session_filter(bindparam("now")),
        active_filter(bindparam("now")),
    )
)


@dataclass(frozen=True)
class SessionLimits:
    """Longest duration of a session, and longest time without use (None: no such limit)."""

    lifetime: timedelta
    idle: timedelta | None


DEMO = SessionLimits(SESSION_LIFETIME, None)


class AccountNotFoundError(SurveyError):
    """Raised when no account has the login that was asked for."""

    code = "account_unknown"
    message = msg("There is no such account.")


class DemoAccountMissingError(SurveyError):
    """Raised when the store has no account of a demonstration for a role."""

    code = "no_demo_account"


@dataclass(frozen=True)
class SignIn:
    """Circumstances of a sign-in: database session, time, client address, secret of its step."""

    session: Session
    now: datetime
    address: str = ""
    """Address under which the client's attempts are counted."""
    secret: str | None = None
    """Secret of the step that this browser has come to."""

    @property
    def address_key(self) -> AttemptKey:
        """Key by which attempts from the client's address are counted."""
        return AttemptKey(AttemptKind.ADDRESS, self.address)

    def record(
        self, account: Account, event: AuditEvent, detail: dict[str, Any] | None = None
    ) -> None:
        """Queue one audit entry about an account, with that account as its actor."""
        record(
            session=self.session,
            actor=principal_of(account),
            event=event,
            subject_id=account.id,
            now=self.now,
            detail=detail,
        )

    def record_refusal(self, account_id: UUID | None, how: str) -> None:
        """Queue the audit entry on a sign-in that failed by method `how`, without typed login."""
        record(
            session=self.session,
            actor=None,
            event=AuditEvent.SESSION_REFUSED,
            subject_id=account_id or "unknown",
            now=self.now,
            detail={"how": how},
        )


def sign_in_demo(sign_in: SignIn, role: Role) -> str:
    """Open a session as a role of a demonstration, and return its secret."""
    return open_session(sign_in, get_demo_account(sign_in.session, role), DEMO, how="demo")


def get_demo_account(session: Session, role: Role) -> Account:
    """Return the account of a demonstration's role; raises `DemoAccountMissingError`."""
    query = select_model(Account).where(
        Account.login == demo_login(role), col(Account.is_demo), col(Account.active)
    )
    account = session.exec(query).one_or_none()
    if account is None:
        raise DemoAccountMissingError(
            msg("Choosing a role is only possible on a demonstration system.")
        )
    return account


def get_account_by_login(session: Session, login: str) -> Account:
    """Return the account with a login, its row locked; raises `AccountNotFoundError`."""
    query = select_model(Account).where(Account.login == login).with_for_update()
    account = session.exec(query.execution_options(populate_existing=True)).one_or_none()
    if account is None:
        raise AccountNotFoundError
    return account


def open_session(sign_in: SignIn, account: Account, limits: SessionLimits, *, how: str) -> str:
    """Open a session within `limits`; return its secret; `how` names the proof of identity."""
    session, now = sign_in.session, sign_in.now
    visited_before_at = None if account.is_demo else _find_last_visit(session, account.id, now)
    session.execute(
        delete(_SESSIONS).where(_SESSIONS.c.account_id == account.id, _SESSIONS.c.expires_at <= now)
    )
    secret = new_token(bits=256)
    session.add(
        LoginSession(
            secret_sha256=digest(secret),
            account_id=account.id,
            created_at=now,
            expires_at=now + limits.lifetime,
            seen_at=now if limits.idle else None,
            idle_until=now + limits.idle if limits.idle else None,
            visited_before_at=visited_before_at,
        )
    )
    session.flush()
    sign_in.record(account, AuditEvent.SESSION_OPENED, {"how": how})
    return secret


def _find_last_visit(session: Session, account_id: UUID, now: datetime) -> datetime | None:
    """Return when an account was last used before this visit; None if it never was."""
    used_at = func.coalesce(_SESSIONS.c.seen_at, _SESSIONS.c.created_at, type_=UtcDateTime)
    query = (
        select(used_at.label("used_at"), _SESSIONS.c.visited_before_at)
        .where(_SESSIONS.c.account_id == account_id)
        .order_by(used_at.desc())
        .limit(1)
    )
    newest = session.connection().execute(query).one_or_none()
    if newest is None:
        return None
    used: datetime = newest.used_at
    before: datetime | None = newest.visited_before_at
    return before if now - used < VISIT_GAP else used


def find_last_visit(session: Session, secret: str | None) -> datetime | None:
    """Return when the account of a session was last used in an earlier visit; None if never."""
    held = session.get(LoginSession, digest(secret)) if secret else None
    return held.visited_before_at if held else None


def principal_of(account: Account | AnyRow) -> Principal:
    """Return the principal of an account, or of a row with the columns of one."""
    return Principal(account.id, account.name, Role(account.role), account.area, account.is_demo)


def _find_session(
    session: Session, secret: str | None, now: datetime, *, demo: bool
) -> AnyRow | None:
    """Return the row of an open session; None without one, or for a demo account unless `demo`."""
    if not secret:
        return None
    parameters = {"digest": digest(secret), "now": now}
    row = session.connection().execute(_PRINCIPAL, parameters).one_or_none()
    return None if row is None or (row.is_demo and not demo) else row


def find_principal(
    session: Session, secret: str | None, now: datetime, *, demo: bool = True
) -> Principal | None:
    """Return an open session's principal; None without one, or for demo accounts unless `demo`.

    Args:
        demo: Whether the installation is a demonstration: where it is not, or not any more, a
            session of a demo account opens nothing.
    """
    row = _find_session(session, secret, now, demo=demo)
    return None if row is None else principal_of(row)


def extend_session(session: Session, secret: str, now: datetime) -> None:
    """Record the use of a session and postpone its idle end, unless it has ended."""
    held = session.get(LoginSession, digest(secret), with_for_update=True)
    if held is None or held.seen_at is None or held.idle_until is None or held.idle_until <= now:
        return
    held.idle_until = now + (held.idle_until - held.seen_at)
    held.seen_at = now
    session.add(held)


def end_sessions(
    session: Session,
    account_id: UUID,
    now: datetime,
    *,
    keep: str | None = None,
    keep_step: str | None = None,
) -> int:
    """End an account's sessions but `keep` and sign-ins but `keep_step`; return how many sessions.

    The session with the secret `keep` and the sign-in with the secret `keep_step` go on. Returns
    how many sessions ended.
    """
    connection = session.connection()
    steps = _STEPS.c.account_id == account_id
    if keep_step is not None:
        steps &= _STEPS.c.secret_sha256 != digest(keep_step)
    connection.execute(delete(_STEPS).where(steps))
    ended = (
        (_SESSIONS.c.account_id == account_id)
        & _SESSIONS.c.ended_at.is_(None)
        & (_SESSIONS.c.expires_at > now)
    )
    if keep is not None:
        ended &= _SESSIONS.c.secret_sha256 != digest(keep)
    return connection.execute(update(_SESSIONS).where(ended).values(ended_at=now)).rowcount


def sign_out(session: Session, secret: str | None, now: datetime) -> None:
    """End the session that has a secret, and record it; an unknown secret is no error."""
    principal = find_principal(session, secret, now)
    if principal is None or secret is None:
        return
    held = session.get_one(LoginSession, digest(secret))
    held.ended_at = now
    session.add(held)
    session.flush()
    record(
        session=session,
        actor=principal,
        event=AuditEvent.SESSION_ENDED,
        subject_id=principal.account_id,
        now=now,
    )


_LOG = logging.getLogger(__name__)


def authenticate_session(
    url: str, secret: str | None, now: datetime, *, demo: bool
) -> Principal | None:
    """Return the principal of open session `secret`, renew it; None if none, or demo unless `demo`.

    Writes at most once per minute and session; a store that takes no writes does not matter.
    """
    if not secret:
        return None
    with read_scope(url) as session:
        row = _find_session(session, secret, now, demo=demo)
    if row is None:
        return None
    if row.seen_at is not None and row.seen_at <= now - RENEWED_AFTER:
        try:
            run_in_transaction(url, lambda session: extend_session(session, secret, now))
        except StoreUnavailableError:
            _LOG.warning("a session could not be renewed: the store takes nothing in")
    return principal_of(row)
