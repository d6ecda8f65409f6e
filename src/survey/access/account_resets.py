"""Helping people who cannot sign in: links, passwords, second factors, open sessions."""

from datetime import datetime

from sqlmodel import Session

from survey.access.accounts import AccountWrong, account_by_login, require_other
from survey.access.audit import actor_id, record
from survey.access.credentials import credential_of, is_alive, new_link, set_password
from survey.access.principal import Action, Principal
from survey.access.second_factor import clear_factor, is_enrolled
from survey.access.sessions import end_sessions
from survey.access.tries import Counted, Kind, forget_tries
from survey.locale import msg


def make_link(*, session: Session, principal: Principal, login: str, now: datetime) -> str:
    """The token of a one-time link for choosing a password; the password of before stays good
    until the link is used, so that a link sent to the wrong person locks nobody out."""
    principal.require(Action.ADMINISTER)
    account = account_by_login(session, login)
    if account.is_demo or not is_alive(account, now):
        raise AccountWrong(msg("This account is closed or belongs to the demonstration."))
    forget_tries(session=session, counted=Counted(Kind.NAME, account.login))
    token = new_link(
        session=session, account_id=account.id, created_by=actor_id(principal), now=now
    )
    record(
        session=session, actor=principal, action="account.link_made", subject_kind="account",
        subject_id=account.id, now=now,
    )  # fmt: skip
    return token


def give_password(
    *, session: Session, principal: Principal, login: str, password: str, now: datetime
) -> None:
    """Set a password for somebody, who has to change it when they first sign in."""
    principal.require(Action.ADMINISTER)
    account = account_by_login(session, login)
    set_password(session=session, account=account, password=password, now=now, must_change=True)
    ended = end_sessions(session=session, account_id=account.id, now=now)
    forget_tries(session=session, counted=Counted(Kind.NAME, account.login))
    record(
        session=session, actor=principal, action="account.password_given", subject_kind="account",
        subject_id=account.id, now=now, detail={"sessions_ended": ended},
    )  # fmt: skip


def reset_factor(*, session: Session, principal: Principal, login: str, now: datetime) -> None:
    """The phone is lost: the person sets up another one at the next sign-in."""
    principal.require(Action.ADMINISTER)
    account = account_by_login(session, login)
    require_other(principal, account)
    credential = credential_of(session=session, account_id=account.id)
    had = is_enrolled(credential)
    clear_factor(session=session, credential=credential)
    forget_tries(session=session, counted=Counted(Kind.FACTOR, str(account.id)))
    ended = end_sessions(session=session, account_id=account.id, now=now)
    record(
        session=session, actor=principal, action="account.second_factor_reset",
        subject_kind="account", subject_id=account.id, now=now,
        detail={
            "from": {"second_factor": had}, "to": {"second_factor": False},
            "sessions_ended": ended,
        },
    )  # fmt: skip


def end_all_sessions(*, session: Session, principal: Principal, login: str, now: datetime) -> int:
    """Sign somebody out everywhere; returns how many sessions that were."""
    principal.require(Action.ADMINISTER)
    account = account_by_login(session, login)
    ended = end_sessions(session=session, account_id=account.id, now=now)
    record(
        session=session, actor=principal, action="account.sessions_ended", subject_kind="account",
        subject_id=account.id, now=now, detail={"sessions_ended": ended},
    )  # fmt: skip
    return ended
