"""Signing in step by step: password, second factor, what is still to be set up, session.

Nothing of this opens a page before the last step: until then the browser holds the secret of a
step, which is good for fifteen minutes and for these functions only. The slow comparison of a
password belongs between two transactions, so each half is a function of its own.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import delete
from sqlmodel import Session, col, select

from survey.access.audit import record
from survey.access.credentials import (
    credential_of,
    is_alive,
    linked_account,
    must_have_factor,
    set_password,
)
from survey.access.passwords import PasswordWeak, hashed, is_outdated, matches
from survey.access.second_factor import (
    Enrolment,
    FactorWrong,
    begin_enrolment,
    confirm_enrolment,
    is_enrolled,
    show_factor,
)
from survey.access.sessions import Limits, as_principal, end_sessions, open_session
from survey.access.tokens import digest, new_token
from survey.access.tries import Counted, Kind, claim_try, forget_tries, give_back_try
from survey.locale import SurveyError, msg
from survey.store.core import table_of
from survey.store.tables import Account, Credential, SignInStep

STEP_LIFETIME = timedelta(minutes=15)
LONGEST_LOGIN = 64
_STEPS = table_of(SignInStep)


class Next(StrEnum):
    """What is still missing before a session opens."""

    FACTOR = "factor"
    PASSWORD = "password"
    ENROL = "enrol"
    NOTHING = "nothing"


class SignInRefused(SurveyError):
    """Whatever was wrong: it does not say what."""

    code = "sign_in_refused"

    def __init__(self) -> None:
        super().__init__(
            msg("Login and password, or code, do not fit together, or the account is closed.")
        )


class StepOver(SurveyError):
    code = "sign_in_step_over"

    def __init__(self) -> None:
        super().__init__(msg("This took too long. Please sign in again."))


@dataclass(frozen=True)
class Knock:
    """Somebody at the door: what to compare the password with, None where nothing can fit."""

    account_id: UUID | None
    password_hash: str | None


@dataclass(frozen=True)
class Progress:
    """Where a sign-in stands."""

    account: Account
    next: Next
    then: str
    """Where the person wanted to go."""


def plain_login(typed: str) -> str:
    """Names are the same however they are written."""
    return typed.strip().lower()[:LONGEST_LOGIN]


def counted_at_door(login: str, address: str) -> tuple[Counted, Counted]:
    return Counted(Kind.NAME, plain_login(login)), Counted(Kind.ADDRESS, address)


def knock(*, session: Session, login: str, address: str, now: datetime) -> Knock:
    """Count the try and find what the password must match; raises `TooManyTries`."""
    claim_try(session=session, counted=counted_at_door(login, address), now=now)
    # One statement, whether or not there is such a name.
    query = (
        select(Account, Credential)
        .join(Credential, col(Credential.account_id) == col(Account.id), isouter=True)
        .where(Account.login == plain_login(login))
    )
    account, credential = session.exec(query).one_or_none() or (None, None)
    if account is None or account.is_demo or not is_alive(account, now):
        return Knock(None, None)
    return Knock(account.id, credential.password_hash if credential else None)


def refuse(*, session: Session, knocked: Knock, how: str, now: datetime) -> SignInRefused:
    """Write down that somebody was not let in; what they typed as a name is not kept."""
    record(
        session=session, actor=None, action="session.refused", subject_kind="account",
        subject_id=knocked.account_id or "unknown", now=now, detail={"how": how},
    )  # fmt: skip
    return SignInRefused()


def begin(
    *, session: Session, knocked: Knock, password: str, address: str, then: str, now: datetime
) -> str:
    """The password was right: the secret of the step after it; `then` is where to go at last.

    Raises `SignInRefused` when the password was replaced while it was compared.
    """
    if knocked.account_id is None:
        raise SignInRefused
    credential = credential_of(session=session, account_id=knocked.account_id)
    if credential.password_hash is None or credential.password_hash != knocked.password_hash:
        raise SignInRefused
    give_back_try(session=session, counted=Counted(Kind.ADDRESS, address), now=now)
    if is_outdated(credential.password_hash):
        credential.password_hash = hashed(password)
        session.add(credential)
    return new_step(session=session, account_id=knocked.account_id, now=now, detail={"then": then})


def new_step(
    *, session: Session, account_id: UUID | None, now: datetime, second_factor: bool = False,
    detail: dict[str, str] | None = None,
) -> str:  # fmt: skip
    """Remember somebody who has begun to sign in; returns the secret for their browser."""
    session.connection().execute(delete(_STEPS).where(_STEPS.c.expires_at <= now))
    secret = new_token(bits=256)
    session.add(
        SignInStep(
            secret_sha256=digest(secret), account_id=account_id, second_factor=second_factor,
            detail=detail or {}, created_at=now, expires_at=now + STEP_LIFETIME,
        )
    )  # fmt: skip
    session.flush()
    return secret


def step_of(*, session: Session, secret: str | None, now: datetime) -> SignInStep:
    """The step behind a secret, locked; raises `StepOver`."""
    step = session.get(SignInStep, digest(secret), with_for_update=True) if secret else None
    if step is None or step.expires_at <= now:
        raise StepOver
    return step


def progress(*, session: Session, secret: str | None, now: datetime) -> Progress:
    """What the holder of this secret has to do next; raises `StepOver`."""
    step = step_of(session=session, secret=secret, now=now)
    account = session.get(Account, step.account_id) if step.account_id else None
    if account is None or not is_alive(account, now):
        raise StepOver
    credential = session.get(Credential, account.id)
    return Progress(account, _next(step, account, credential), step.detail.get("then", "/"))


def _next(step: SignInStep, account: Account, credential: Credential | None) -> Next:
    if not step.second_factor and is_enrolled(credential):
        return Next.FACTOR
    outside = "issuer" in step.detail
    if credential is not None and credential.must_change and not outside:
        return Next.PASSWORD
    if must_have_factor(account) and not is_enrolled(credential) and not step.second_factor:
        return Next.ENROL
    return Next.NOTHING


def _must_be(session: Session, secret: str | None, expected: Next, now: datetime) -> Account:
    where = progress(session=session, secret=secret, now=now)
    if where.next is not expected:
        raise StepOver
    return where.account


def try_factor(*, session: Session, secret: str | None, address: str, now: datetime) -> Account:
    """Count a try at the second factor, before the code is looked at."""
    account = _must_be(session, secret, Next.FACTOR, now)
    counted = (Counted(Kind.FACTOR, str(account.id)), Counted(Kind.ADDRESS, address))
    claim_try(session=session, counted=counted, now=now)
    return account


def prove_factor(
    *, session: Session, secret: str | None, code: str, address: str, now: datetime
) -> bool:
    """Take a code of the app or a recovery code for the second factor; False: it was neither."""
    account = _must_be(session, secret, Next.FACTOR, now)
    credential = credential_of(session=session, account_id=account.id)
    how = show_factor(session=session, credential=credential, code=code, now=now)
    if how is None:
        refuse(session=session, knocked=Knock(account.id, None), how="second factor", now=now)
        return False
    forget_tries(session=session, counted=Counted(Kind.FACTOR, str(account.id)))
    give_back_try(session=session, counted=Counted(Kind.ADDRESS, address), now=now)
    if how == "recovery":
        record(
            session=session, actor=as_principal(account), action="account.recovery_code_used",
            subject_kind="account", subject_id=account.id, now=now,
        )  # fmt: skip
    step = step_of(session=session, secret=secret, now=now)
    step.second_factor = True
    session.add(step)
    session.flush()
    return True


def choose_password(*, session: Session, secret: str | None, password: str, now: datetime) -> None:
    """Replace a password that somebody else had chosen; another one, and a strong one."""
    account = _must_be(session, secret, Next.PASSWORD, now)
    if matches(credential_of(session=session, account_id=account.id).password_hash, password):
        raise PasswordWeak(msg("Please choose another password than the present one."))
    _change_password(session, account, password, now, keep_step=secret)


def use_link(*, session: Session, token: str, password: str, now: datetime) -> str:
    """Set the password with a one-time link, which is used up; the secret of the step after it."""
    account = linked_account(session=session, token=token, now=now)
    _change_password(session, account, password, now)
    return new_step(session=session, account_id=account.id, now=now)


def _change_password(
    session: Session, account: Account, password: str, now: datetime, keep_step: str | None = None
) -> None:
    set_password(session=session, account=account, password=password, now=now)
    ended = end_sessions(session=session, account_id=account.id, now=now, keep_step=keep_step)
    record(
        session=session, actor=as_principal(account), action="account.password_changed",
        subject_kind="account", subject_id=account.id, now=now, detail={"sessions_ended": ended},
    )  # fmt: skip


def show_enrolment(*, session: Session, secret: str | None, now: datetime) -> Enrolment:
    """What the authenticator app of this person must be told."""
    account = _must_be(session, secret, Next.ENROL, now)
    credential = credential_of(session=session, account_id=account.id)
    return begin_enrolment(session=session, credential=credential, login=account.login)


def finish_enrolment(
    *, session: Session, secret: str | None, code: str, now: datetime
) -> tuple[str, ...]:
    """Take the app's first code; returns the recovery codes. Raises `FactorWrong`."""
    account = _must_be(session, secret, Next.ENROL, now)
    credential = credential_of(session=session, account_id=account.id)
    if credential.totp_secret is None:
        raise FactorWrong
    codes = confirm_enrolment(session=session, credential=credential, code=code, now=now)
    step = step_of(session=session, secret=secret, now=now)
    step.second_factor = True
    session.add(step)
    record(
        session=session, actor=as_principal(account), action="account.second_factor_set",
        subject_kind="account", subject_id=account.id, now=now,
    )  # fmt: skip
    return codes


def finish(*, session: Session, secret: str | None, limits: Limits, now: datetime) -> str:
    """Everything is shown: a session with a new secret; the step is over."""
    account = _must_be(session, secret, Next.NOTHING, now)
    step = step_of(session=session, secret=secret, now=now)
    how = "outside" if "issuer" in step.detail else "password"
    forget_tries(session=session, counted=Counted(Kind.NAME, plain_login(account.login)))
    session.delete(step)
    session.flush()
    return open_session(session=session, account=account, limits=limits, how=how, now=now)
