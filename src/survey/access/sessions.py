"""Sessions: an opaque secret in the browser's cookie, its hash in the store."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, delete, func, or_, select, update
from sqlmodel import Session, col
from sqlmodel import select as select_model

from survey.access.audit import record
from survey.access.principal import Principal
from survey.access.roles import Role, demo_login
from survey.access.secret_hashes import active_filter, digest, new_token
from survey.locale import SurveyError, msg
from survey.store.audit_events import AuditEvent
from survey.store.engine import read_scope
from survey.store.tables import Account, LoginSession, SignInStep, UtcDateTime, table_of
from survey.store.transactions import StoreUnavailableError, run_in_transaction

COOKIE = "survey_session"
"""Name of the cookie that holds the secret; `web` sets it, pages read it."""
LIFETIME = timedelta(hours=12)
"""Lifetime of a demo session, which does not end by being idle."""
VISIT_GAP = timedelta(hours=1)
"""Signing in again after a shorter time continues the same visit."""
RENEWED_AFTER = timedelta(minutes=1)
"""Use of a session is recorded at most this often, so that reading pages writes little."""

_SESSIONS, _ACCOUNTS = table_of(LoginSession), table_of(Account)
_STEPS = table_of(SignInStep)


def open_session_filter(now: Any) -> ColumnElement[bool]:
    """Return the condition for sessions that are open at a time or parameter."""
    return and_(
        _SESSIONS.c.ended_at.is_(None),
        _SESSIONS.c.expires_at > now,
        or_(_SESSIONS.c.idle_until.is_(None), _SESSIONS.c.idle_until > now),
    )


_PRINCIPAL = (
    select(
        _ACCOUNTS.c.id,
        _ACCOUNTS.c.name,
        _ACCOUNTS.c.role,
        _ACCOUNTS.c.area,
        _ACCOUNTS.c.is_demo,
        _SESSIONS.c.seen_at,
    )
    .join(_SESSIONS, _SESSIONS.c.account_id == _ACCOUNTS.c.id)
    .where(
        _SESSIONS.c.secret_sha256 == bindparam("digest"),
        open_session_filter(bindparam("now")),
        active_filter(bindparam("now")),
    )
)


@dataclass(frozen=True)
class SessionLimits:
    """Longest duration of a session, and longest time without use (None: the same)."""

    lifetime: timedelta
    idle: timedelta | None


DEMO = SessionLimits(LIFETIME, None)


@dataclass(frozen=True)
class SessionMatch:
    """Principal of a session; `needs_renewal` if its last use was recorded some time ago."""

    principal: Principal
    needs_renewal: bool


class DemoAccountMissingError(SurveyError):
    """Raised when the store has no account for a demo role."""

    code = "no_demo_account"


def sign_in_demo(*, session: Session, role: Role, now: datetime) -> str:
    """Open a session for a demo role and return its secret; only a demo database has such roles."""
    account = get_demo_account(session, role)
    return open_session(session=session, account=account, limits=DEMO, how="demo", now=now)


def get_demo_account(session: Session, role: Role) -> Account:
    """Return the account of a demo role; only a demo database has such accounts."""
    query = select_model(Account).where(
        Account.login == demo_login(role), col(Account.is_demo), col(Account.active)
    )
    account = session.exec(query).one_or_none()
    if account is None:
        raise DemoAccountMissingError(
            msg("Choosing a role is only possible on a demonstration system.")
        )
    return account


def open_session(
    *, session: Session, account: Account, limits: SessionLimits, how: str, now: datetime
) -> str:
    """Open a session and return its secret; `how` says how the person proved who they are."""
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
    record(
        session=session,
        actor=principal_of(account),
        event=AuditEvent.SESSION_OPENED,
        subject_id=account.id,
        now=now,
        detail={"how": how},
    )
    return secret


def _find_last_visit(session: Session, account_id: UUID, now: datetime) -> datetime | None:
    """Return when an account was used last in an earlier visit; None if it never was."""
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


def find_last_visit(*, session: Session, secret: str | None) -> datetime | None:
    """Return when the account of a session was used last in an earlier visit; None if never."""
    held = session.get(LoginSession, digest(secret)) if secret else None
    return held.visited_before_at if held else None


def principal_of(account: Account) -> Principal:
    """Return the principal of an account."""
    return Principal(account.id, account.name, Role(account.role), account.area, account.is_demo)


def find_session(
    *, session: Session, secret: str | None, now: datetime, demo: bool = True
) -> SessionMatch | None:
    """Return the session of a secret if it is valid now; None otherwise.

    Args:
        demo: Whether the installation is a demonstration: where it is not, or not any more, a
            session of a demo account opens nothing.
    """
    if not secret:
        return None
    parameters = {"digest": digest(secret), "now": now}
    row = session.connection().execute(_PRINCIPAL, parameters).one_or_none()
    if row is None or (row.is_demo and not demo):
        return None
    principal = Principal(row.id, row.name, Role(row.role), row.area, row.is_demo)
    return SessionMatch(principal, row.seen_at is not None and row.seen_at <= now - RENEWED_AFTER)


def find_principal(
    *, session: Session, secret: str | None, now: datetime, demo: bool = True
) -> Principal | None:
    """Return the principal of a secret as `find_session` finds it; None otherwise."""
    seen = find_session(session=session, secret=secret, now=now, demo=demo)
    return seen.principal if seen else None


def extend_session(*, session: Session, secret: str, now: datetime) -> None:
    """Record that a session was used, unless it has ended."""
    held = session.get(LoginSession, digest(secret), with_for_update=True)
    if held is None or held.seen_at is None or held.idle_until is None or held.idle_until <= now:
        return
    held.idle_until = now + (held.idle_until - held.seen_at)
    held.seen_at = now
    session.add(held)


def end_sessions(
    *,
    session: Session,
    account_id: UUID,
    now: datetime,
    keep: str | None = None,
    keep_step: str | None = None,
) -> int:
    """End every open session and every unfinished sign-in of an account.

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


def sign_out(*, session: Session, secret: str | None, now: datetime) -> None:
    """End the session of a secret; an unknown secret is no error."""
    principal = find_principal(session=session, secret=secret, now=now)
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
    """Return the principal of a session cookie; None if it opens no session.

    Writes at most once per minute and session; a store that takes no writes does not matter.
    """
    if not secret:
        return None
    with read_scope(url) as session:
        seen = find_session(session=session, secret=secret, now=now, demo=demo)
    if seen is None:
        return None
    if seen.needs_renewal:
        try:
            run_in_transaction(
                url, lambda session: extend_session(session=session, secret=secret, now=now)
            )
        except StoreUnavailableError:
            _LOG.warning("a session could not be renewed: the store takes nothing in")
    return seen.principal
