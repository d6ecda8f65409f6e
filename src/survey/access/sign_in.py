"""Steps of one sign-in: password, second factor, set-up of what is missing, session.

Nothing here opens a page before the last step: until then the browser holds the secret of a step,
which is valid for fifteen minutes and for these functions only. The slow comparison of a password
belongs between two transactions, so each half is a function of its own.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import delete
from sqlmodel import Session, col, select

from survey.access.attempt_limits import (
    AttemptKey,
    AttemptKind,
    claim_attempt,
    refund_attempt,
    reset_attempts,
)
from survey.access.audit import record
from survey.access.second_factor import (
    Enrolment,
    WrongFactorError,
    confirm_enrolment,
    is_enrolled,
    start_enrolment,
    verify_factor,
)
from survey.access.secret_hashes import (
    WeakPasswordError,
    digest,
    get_account_of_link,
    hash_password,
    is_active,
    lock_credential,
    needs_rehash,
    new_token,
    requires_factor,
    set_password,
    verify_password,
)
from survey.access.sessions import SessionLimits, end_sessions, open_session, principal_of
from survey.locale import SurveyError, msg
from survey.store.audit_events import AuditEvent
from survey.store.tables import Account, Credential, SignInStep, table_of

STEP_LIFETIME = timedelta(minutes=15)
MAX_LOGIN_CHARS = 64
_STEPS = table_of(SignInStep)


class RequiredStep(StrEnum):
    """Step that is still missing before a session opens."""

    FACTOR = "factor"
    PASSWORD = "password"
    ENROL = "enrol"
    NOTHING = "nothing"


class SignInRefusedError(SurveyError):
    """Raised when a sign-in fails; it does not say why."""

    code = "sign_in_refused"

    def __init__(self) -> None:
        super().__init__(
            msg("Login and password, or code, do not fit together, or the account is closed.")
        )


class SignInExpiredError(SurveyError):
    """Raised when a sign-in step is unknown or has expired."""

    code = "sign_in_step_over"

    def __init__(self) -> None:
        super().__init__(msg("This took too long. Please sign in again."))


@dataclass(frozen=True)
class CredentialLookup:
    """Account and password hash found for a login; both None if there is no such account."""

    account_id: UUID | None
    password_hash: str | None


@dataclass(frozen=True)
class SignInState:
    """State of a sign-in: account, next step, and where to go afterwards."""

    account: Account
    next: RequiredStep
    redirect_to: str
    """Where to go after the last step."""


def normalise_login(typed: str) -> str:
    """Return a login in its stored form, however it was typed."""
    return typed.strip().lower()[:MAX_LOGIN_CHARS]


def sign_in_attempt_keys(login: str, address: str) -> tuple[AttemptKey, AttemptKey]:
    """Return the keys by which attempts of this login and address are counted."""
    return AttemptKey(AttemptKind.NAME, normalise_login(login)), AttemptKey(
        AttemptKind.ADDRESS, address
    )


def look_up_credentials(
    *, session: Session, login: str, address: str, now: datetime
) -> CredentialLookup:
    """Count the attempt and find account and hash; raises `TooManyAttemptsError`."""
    claim_attempt(session=session, keys=sign_in_attempt_keys(login, address), now=now)
    # One statement, whether or not there is such a name.
    query = (
        select(Account, Credential)
        .join(Credential, col(Credential.account_id) == col(Account.id), isouter=True)
        .where(Account.login == normalise_login(login))
    )
    account, credential = session.exec(query).one_or_none() or (None, None)
    if account is None or account.is_demo or not is_active(account, now):
        return CredentialLookup(None, None)
    return CredentialLookup(account.id, credential.password_hash if credential else None)


def record_refused_sign_in(
    *, session: Session, lookup: CredentialLookup, how: str, now: datetime
) -> SignInRefusedError:
    """Record a failed sign-in without the typed login; return the error to raise."""
    record(
        session=session,
        actor=None,
        event=AuditEvent.SESSION_REFUSED,
        subject_id=lookup.account_id or "unknown",
        now=now,
        detail={"how": how},
    )
    return SignInRefusedError()


def open_sign_in(
    *,
    session: Session,
    lookup: CredentialLookup,
    password: str,
    address: str,
    redirect_to: str,
    now: datetime,
) -> str:
    """Open a sign-in after a right password and return the secret of its next step.

    Args:
        redirect_to: Where to go after the last step.

    Raises:
        SignInRefusedError: The password was replaced while it was compared.
    """
    if lookup.account_id is None:
        raise SignInRefusedError
    credential = lock_credential(session=session, account_id=lookup.account_id)
    if credential.password_hash is None or credential.password_hash != lookup.password_hash:
        raise SignInRefusedError
    refund_attempt(session=session, key=AttemptKey(AttemptKind.ADDRESS, address), now=now)
    if needs_rehash(credential.password_hash):
        credential.password_hash = hash_password(password)
        session.add(credential)
    return create_sign_in_step(
        session=session, account_id=lookup.account_id, now=now, detail={"then": redirect_to}
    )


def create_sign_in_step(
    *,
    session: Session,
    account_id: UUID | None,
    now: datetime,
    second_factor: bool = False,
    detail: dict[str, str] | None = None,
) -> str:
    """Store the state of a sign-in and return the secret for the browser."""
    session.connection().execute(delete(_STEPS).where(_STEPS.c.expires_at <= now))
    secret = new_token(bits=256)
    session.add(
        SignInStep(
            secret_sha256=digest(secret),
            account_id=account_id,
            second_factor=second_factor,
            detail=detail or {},
            created_at=now,
            expires_at=now + STEP_LIFETIME,
        )
    )
    session.flush()
    return secret


def lock_sign_in_step(*, session: Session, secret: str | None, now: datetime) -> SignInStep:
    """Return the step of a secret, locked; raises `SignInExpiredError`."""
    step = session.get(SignInStep, digest(secret), with_for_update=True) if secret else None
    if step is None or step.expires_at <= now:
        raise SignInExpiredError
    return step


def get_sign_in_state(*, session: Session, secret: str | None, now: datetime) -> SignInState:
    """Return what the browser has to do next; raises `SignInExpiredError`."""
    step = lock_sign_in_step(session=session, secret=secret, now=now)
    account = session.get(Account, step.account_id) if step.account_id else None
    if account is None or not is_active(account, now):
        raise SignInExpiredError
    credential = session.get(Credential, account.id)
    return SignInState(
        account, _choose_required_step(step, account, credential), step.detail.get("then", "/")
    )


def _choose_required_step(
    step: SignInStep, account: Account, credential: Credential | None
) -> RequiredStep:
    if not step.second_factor and is_enrolled(credential):
        return RequiredStep.FACTOR
    via_provider = "issuer" in step.detail
    if credential is not None and credential.must_change and not via_provider:
        return RequiredStep.PASSWORD
    if requires_factor(account) and not is_enrolled(credential) and not step.second_factor:
        return RequiredStep.ENROL
    return RequiredStep.NOTHING


def _require_step(
    session: Session, secret: str | None, expected: RequiredStep, now: datetime
) -> Account:
    state = get_sign_in_state(session=session, secret=secret, now=now)
    if state.next is not expected:
        raise SignInExpiredError
    return state.account


def claim_factor_attempt(
    *, session: Session, secret: str | None, address: str, now: datetime
) -> Account:
    """Count an attempt at the second factor before the code is compared."""
    account = _require_step(session, secret, RequiredStep.FACTOR, now)
    keys = (
        AttemptKey(AttemptKind.FACTOR, str(account.id)),
        AttemptKey(AttemptKind.ADDRESS, address),
    )
    claim_attempt(session=session, keys=keys, now=now)
    return account


def verify_factor_step(
    *, session: Session, secret: str | None, code: str, address: str, now: datetime
) -> bool:
    """Return whether a code of the app or a recovery code proves the second factor."""
    account = _require_step(session, secret, RequiredStep.FACTOR, now)
    credential = lock_credential(session=session, account_id=account.id)
    how = verify_factor(session=session, credential=credential, code=code, now=now)
    if how is None:
        record_refused_sign_in(
            session=session, lookup=CredentialLookup(account.id, None), how="second factor", now=now
        )
        return False
    reset_attempts(session=session, key=AttemptKey(AttemptKind.FACTOR, str(account.id)))
    refund_attempt(session=session, key=AttemptKey(AttemptKind.ADDRESS, address), now=now)
    if how == "recovery":
        record(
            session=session,
            actor=principal_of(account),
            event=AuditEvent.ACCOUNT_RECOVERY_CODE_USED,
            subject_id=account.id,
            now=now,
        )
    step = lock_sign_in_step(session=session, secret=secret, now=now)
    step.second_factor = True
    session.add(step)
    session.flush()
    return True


def choose_password(*, session: Session, secret: str | None, password: str, now: datetime) -> None:
    """Replace a temporary password by a strong one of the person's own."""
    account = _require_step(session, secret, RequiredStep.PASSWORD, now)
    if verify_password(
        lock_credential(session=session, account_id=account.id).password_hash, password
    ):
        raise WeakPasswordError(msg("Please choose another password than the present one."))
    _change_password(session, account, password, now, keep_step=secret)


def use_link(*, session: Session, token: str, password: str, now: datetime) -> str:
    """Set the password with a setup link, now used; return the secret of the next step."""
    account = get_account_of_link(session=session, token=token, now=now)
    _change_password(session, account, password, now)
    return create_sign_in_step(session=session, account_id=account.id, now=now)


def _change_password(
    session: Session, account: Account, password: str, now: datetime, keep_step: str | None = None
) -> None:
    set_password(session=session, account=account, password=password, now=now)
    ended = end_sessions(session=session, account_id=account.id, now=now, keep_step=keep_step)
    record(
        session=session,
        actor=principal_of(account),
        event=AuditEvent.ACCOUNT_PASSWORD_CHANGED,
        subject_id=account.id,
        now=now,
        detail={"sessions_ended": ended},
    )


def get_enrolment(*, session: Session, secret: str | None, now: datetime) -> Enrolment:
    """Return the secret for the authenticator app."""
    account = _require_step(session, secret, RequiredStep.ENROL, now)
    credential = lock_credential(session=session, account_id=account.id)
    return start_enrolment(session=session, credential=credential, login=account.login)


def finish_enrolment(
    *, session: Session, secret: str | None, code: str, now: datetime
) -> tuple[str, ...]:
    """Activate the app by its first code and return recovery codes.

    Raises:
        WrongFactorError: The code is wrong.
    """
    account = _require_step(session, secret, RequiredStep.ENROL, now)
    credential = lock_credential(session=session, account_id=account.id)
    if credential.totp_secret is None:
        raise WrongFactorError
    codes = confirm_enrolment(session=session, credential=credential, code=code, now=now)
    step = lock_sign_in_step(session=session, secret=secret, now=now)
    step.second_factor = True
    session.add(step)
    record(
        session=session,
        actor=principal_of(account),
        event=AuditEvent.ACCOUNT_SECOND_FACTOR_SET,
        subject_id=account.id,
        now=now,
    )
    return codes


def complete_sign_in(
    *, session: Session, secret: str | None, limits: SessionLimits, now: datetime
) -> str:
    """Open the session after the last step and return its secret."""
    account = _require_step(session, secret, RequiredStep.NOTHING, now)
    step = lock_sign_in_step(session=session, secret=secret, now=now)
    how = "outside" if "issuer" in step.detail else "password"
    reset_attempts(
        session=session, key=AttemptKey(AttemptKind.NAME, normalise_login(account.login))
    )
    session.delete(step)
    session.flush()
    return open_session(session=session, account=account, limits=limits, how=how, now=now)
