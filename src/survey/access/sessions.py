"""Signing in and out: an opaque secret in the browser's cookie, its hash in the store."""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, select
from sqlmodel import Session, col
from sqlmodel import select as select_model

from survey.access.audit import record
from survey.access.principal import Principal, Role
from survey.access.tokens import digest, new_token
from survey.locale import SurveyError, msg
from survey.store.core import table_of
from survey.store.tables import Account, LoginSession

COOKIE = "survey_session"
"""Name of the cookie that holds the secret; web sets it, pages read it."""
LIFETIME = timedelta(hours=12)

_SESSIONS, _ACCOUNTS = table_of(LoginSession), table_of(Account)
_PRINCIPAL = (
    select(
        _ACCOUNTS.c.id, _ACCOUNTS.c.name, _ACCOUNTS.c.role, _ACCOUNTS.c.area, _ACCOUNTS.c.is_demo
    )
    .join(_SESSIONS, _SESSIONS.c.account_id == _ACCOUNTS.c.id)
    .where(
        _SESSIONS.c.secret_sha256 == bindparam("digest"),
        _SESSIONS.c.expires_at > bindparam("now"),
        _SESSIONS.c.ended_at.is_(None),
        _ACCOUNTS.c.active,
    )
)  # fmt: skip


class NoDemoAccount(SurveyError):
    code = "no_demo_account"


def sign_in_demo(*, session: Session, role: Role, now: datetime) -> str:
    """Open a session for a demo role and return its secret; only a demo database has such roles."""
    query = select_model(Account).where(
        Account.login == f"demo-{role}", col(Account.is_demo), col(Account.active)
    )
    account = session.exec(query).one_or_none()
    if account is None:
        raise NoDemoAccount(msg("Choosing a role is only possible on a demonstration system."))
    return _open_session(session, account, now)


def _open_session(session: Session, account: Account, now: datetime) -> str:
    session.execute(
        delete(_SESSIONS).where(_SESSIONS.c.account_id == account.id, _SESSIONS.c.expires_at <= now)
    )
    secret = new_token(bits=256)
    session.add(
        LoginSession(
            secret_sha256=digest(secret),
            account_id=account.id,
            created_at=now,
            expires_at=now + LIFETIME,
        )
    )
    session.flush()
    record(
        session=session, actor=_as_principal(account), action="session.opened",
        subject_kind="account", subject_id=account.id, now=now,
    )  # fmt: skip
    return secret


def _as_principal(account: Account) -> Principal:
    return Principal(account.id, account.name, Role(account.role), account.area, account.is_demo)


def principal_for(*, session: Session, secret: str | None, now: datetime) -> Principal | None:
    """Who holds this secret at this moment; None for everyone else."""
    if not secret:
        return None
    parameters = {"digest": digest(secret), "now": now}
    row = session.connection().execute(_PRINCIPAL, parameters).one_or_none()
    if row is None:
        return None
    return Principal(row.id, row.name, Role(row.role), row.area, row.is_demo)


def sign_out(*, session: Session, secret: str | None, now: datetime) -> None:
    """End the session; a secret that opens nothing is no error."""
    principal = principal_for(session=session, secret=secret, now=now)
    if principal is None or secret is None:
        return
    held = session.get_one(LoginSession, digest(secret))
    held.ended_at = now
    session.add(held)
    session.flush()
    record(
        session=session, actor=principal, action="session.ended",
        subject_kind="account", subject_id=principal.account_id, now=now,
    )  # fmt: skip
