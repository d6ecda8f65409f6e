"""Help for people who cannot sign in: setup links, passwords, second factors, sessions."""

from datetime import datetime

from sqlmodel import Session

from survey.access.accounts import InvalidAccountError, get_account_by_login, require_other_account
from survey.access.attempt_limits import AttemptKey, AttemptKind, reset_attempts
from survey.access.audit import actor_id, record
from survey.access.credentials import is_active, lock_credential, replace_setup_link, set_password
from survey.access.principal import Principal
from survey.access.roles import Action
from survey.access.second_factor import is_enrolled, remove_factor_data
from survey.access.sessions import end_sessions
from survey.locale import msg
from survey.store.audit_events import AuditEvent


def create_setup_link(*, session: Session, principal: Principal, login: str, now: datetime) -> str:
    """Create a one-time link for choosing a password and return its token.

    The present password stays valid until the link is used, so that a link sent to the wrong person
    locks nobody out.
    """
    principal.require(Action.ADMINISTER)
    account = get_account_by_login(session, login)
    if account.is_demo or not is_active(account, now):
        raise InvalidAccountError(msg("This account is closed or belongs to the demonstration."))
    reset_attempts(session=session, key=AttemptKey(AttemptKind.NAME, account.login))
    token = replace_setup_link(
        session=session, account_id=account.id, created_by=actor_id(principal), now=now
    )
    record(
        session=session, actor=principal, event=AuditEvent.ACCOUNT_LINK_MADE,
        subject_id=account.id, now=now,
    )  # fmt: skip
    return token


def set_temporary_password(
    *, session: Session, principal: Principal, login: str, password: str, now: datetime
) -> None:
    """Set a password that the person must change at the next sign-in."""
    principal.require(Action.ADMINISTER)
    account = get_account_by_login(session, login)
    set_password(session=session, account=account, password=password, now=now, must_change=True)
    ended = end_sessions(session=session, account_id=account.id, now=now)
    reset_attempts(session=session, key=AttemptKey(AttemptKind.NAME, account.login))
    record(
        session=session, actor=principal, event=AuditEvent.ACCOUNT_PASSWORD_GIVEN,
        subject_id=account.id, now=now, detail={"sessions_ended": ended},
    )  # fmt: skip


def reset_factor(*, session: Session, principal: Principal, login: str, now: datetime) -> None:
    """Remove a lost second factor; the person sets up another one at the next sign-in."""
    principal.require(Action.ADMINISTER)
    account = get_account_by_login(session, login)
    require_other_account(principal, account)
    credential = lock_credential(session=session, account_id=account.id)
    had = is_enrolled(credential)
    remove_factor_data(session=session, credential=credential)
    reset_attempts(session=session, key=AttemptKey(AttemptKind.FACTOR, str(account.id)))
    ended = end_sessions(session=session, account_id=account.id, now=now)
    record(
        session=session, actor=principal, event=AuditEvent.ACCOUNT_SECOND_FACTOR_RESET,
        subject_id=account.id, now=now,
        detail={
            "from": {"second_factor": had}, "to": {"second_factor": False},
            "sessions_ended": ended,
        },
    )  # fmt: skip


def end_all_sessions(*, session: Session, principal: Principal, login: str, now: datetime) -> int:
    """End all sessions of an account and return how many there were."""
    principal.require(Action.ADMINISTER)
    account = get_account_by_login(session, login)
    ended = end_sessions(session=session, account_id=account.id, now=now)
    record(
        session=session, actor=principal, event=AuditEvent.ACCOUNT_SESSIONS_ENDED,
        subject_id=account.id, now=now, detail={"sessions_ended": ended},
    )  # fmt: skip
    return ended
