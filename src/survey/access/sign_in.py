"""Steps of one sign-in: password, second factor, set-up of what is missing, session.

Nothing here opens a page before the last step: until then the browser holds the secret of a step,
which is valid for fifteen minutes and for these functions only. The slow comparison of a password
belongs between two transactions, so each half is a function of its own.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import delete
from sqlmodel import col, select

from survey.access.attempt_limits import (
    AttemptKey,
    AttemptKind,
    claim_attempt,
    refund_attempt,
    reset_attempts,
)
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
from survey.access.sessions import SessionLimits, SignIn, end_sessions, open_session
from survey.locale import SurveyError, msg
from survey.store.audit_events import AuditEvent
from survey.store.tables import Account, Credential, SignInStep, table_of

STEP_LIFETIME = timedelta(minutes=15)
MAX_LOGIN_CHARS = 64
_STEPS = table_of(SignInStep)


class RequiredStep(StrEnum):
    """Step that a sign-in still needs: second factor, new password, set-up of a factor, or none."""

    FACTOR = "factor"
    PASSWORD = "password"
    ENROL = "enrol"
    NOTHING = "nothing"


class SignInRefusedError(SurveyError):
    """Raised when a sign-in fails; its message does not reveal the reason."""

    code = "sign_in_refused"
    message = msg("Login and password, or code, do not fit together, or the account is closed.")


class SignInExpiredError(SurveyError):
    """Raised when the step of a sign-in is unknown, expired, or not the one expected."""

    code = "sign_in_step_over"
    message = msg("This took too long. Please sign in again.")


@dataclass(frozen=True)
class CredentialLookup:
    """Account id and hash (of password or sign-in code) for a login; None if no account is open."""

    account_id: UUID | None
    password_hash: str | None


@dataclass(frozen=True)
class SignInState:
    """State of a sign-in: account, required step, and address to open afterwards."""

    account: Account
    next: RequiredStep
    redirect_to: str
    """Where to go after the last step."""


def normalise_login(typed: str) -> str:
    """Return a typed login without outer spaces, in small letters, cut to its longest length."""
    return typed.strip().lower()[:MAX_LOGIN_CHARS]


def look_up_credentials(sign_in: SignIn, login: str) -> CredentialLookup:
    """Count a sign-in attempt and find account and hash; raises `TooManyAttemptsError`."""
    name = normalise_login(login)
    keys = (AttemptKey(AttemptKind.NAME, name), sign_in.address_key)
    claim_attempt(sign_in.session, keys, sign_in.now)
    # One statement, whether or not there is such a name.
    query = (
        select(Account, Credential)
        .join(Credential, col(Credential.account_id) == col(Account.id), isouter=True)
        .where(Account.login == name)
    )
    account, credential = sign_in.session.exec(query).one_or_none() or (None, None)
    if account is None or account.is_demo or not is_active(account, sign_in.now):
        return CredentialLookup(None, None)
    return CredentialLookup(account.id, credential.password_hash if credential else None)


def record_refused_sign_in(
    sign_in: SignIn, lookup: CredentialLookup, *, how: str
) -> SignInRefusedError:
    """Record that the sign-in of `lookup` failed by method `how`; return the error to raise."""
    sign_in.record_refusal(lookup.account_id, how)
    return SignInRefusedError()


def open_sign_in(
    sign_in: SignIn, lookup: CredentialLookup, *, password: str, redirect_to: str
) -> str:
    """Open a sign-in after `lookup` matched `password`; return the secret of its next step.

    Args:
        redirect_to: Where to go after the last step.

    Raises:
        SignInRefusedError: The password was replaced while it was compared.
    """
    if lookup.account_id is None:
        raise SignInRefusedError
    credential = lock_credential(sign_in.session, lookup.account_id)
    if credential.password_hash is None or credential.password_hash != lookup.password_hash:
        raise SignInRefusedError
    refund_attempt(sign_in.session, sign_in.address_key, sign_in.now)
    if needs_rehash(credential.password_hash):
        credential.password_hash = hash_password(password)
        sign_in.session.add(credential)
    return create_sign_in_step(sign_in, lookup.account_id, detail={"then": redirect_to})


def create_sign_in_step(
    sign_in: SignIn,
    account_id: UUID | None,
    *,
    second_factor: bool = False,
    detail: dict[str, str] | None = None,
) -> str:
    """Store a step of 15 minutes (`second_factor`: checked before); return the browser's secret."""
    session, now = sign_in.session, sign_in.now
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


def lock_sign_in_step(sign_in: SignIn) -> SignInStep:
    """Return the step of the browser's secret, its row locked; raises `SignInExpiredError`."""
    secret = sign_in.secret
    step = sign_in.session.get(SignInStep, digest(secret), with_for_update=True) if secret else None
    if step is None or step.expires_at <= sign_in.now:
        raise SignInExpiredError
    return step


def get_sign_in_state(sign_in: SignIn) -> SignInState:
    """Return account and required step of a sign-in; raises `SignInExpiredError`."""
    step = lock_sign_in_step(sign_in)
    account = sign_in.session.get(Account, step.account_id) if step.account_id else None
    if account is None or not is_active(account, sign_in.now):
        raise SignInExpiredError
    credential = sign_in.session.get(Credential, account.id)
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


def _require_step(sign_in: SignIn, expected: RequiredStep) -> Account:
    state = get_sign_in_state(sign_in)
    if state.next is not expected:
        raise SignInExpiredError
    return state.account


def _pass_second_factor(sign_in: SignIn) -> None:
    step = lock_sign_in_step(sign_in)
    step.second_factor = True
    sign_in.session.add(step)
    sign_in.session.flush()


def claim_factor_attempt(sign_in: SignIn) -> None:
    """Count an attempt at the second factor, before its code is compared."""
    account = _require_step(sign_in, RequiredStep.FACTOR)
    keys = (AttemptKey(AttemptKind.FACTOR, str(account.id)), sign_in.address_key)
    claim_attempt(sign_in.session, keys, sign_in.now)


def verify_factor_step(sign_in: SignIn, code: str) -> bool:
    """Pass the factor step with an app or recovery code; return whether the code was right."""
    account = _require_step(sign_in, RequiredStep.FACTOR)
    credential = lock_credential(sign_in.session, account.id)
    how = verify_factor(sign_in.session, credential, code, sign_in.now)
    if how is None:
        sign_in.record_refusal(account.id, "second factor")
        return False
    reset_attempts(sign_in.session, AttemptKey(AttemptKind.FACTOR, str(account.id)))
    refund_attempt(sign_in.session, sign_in.address_key, sign_in.now)
    if how == "recovery":
        sign_in.record(account, AuditEvent.ACCOUNT_RECOVERY_CODE_USED)
    _pass_second_factor(sign_in)
    return True


def choose_password(sign_in: SignIn, password: str) -> None:
    """Replace a temporary password by the person's own; raises `WeakPasswordError`."""
    account = _require_step(sign_in, RequiredStep.PASSWORD)
    if verify_password(lock_credential(sign_in.session, account.id).password_hash, password):
        raise WeakPasswordError(msg("Please choose another password than the present one."))
    _change_password(sign_in, account, password)


def use_link(sign_in: SignIn, token: str, password: str) -> str:
    """Set a password by a setup link, which is then used up; return the next step's secret."""
    account = get_account_of_link(sign_in.session, token, sign_in.now)
    # No sign-in of this account that is under way may survive, not even this browser's.
    _change_password(replace(sign_in, secret=None), account, password)
    return create_sign_in_step(sign_in, account.id)


def _change_password(sign_in: SignIn, account: Account, password: str) -> None:
    """Set the password, and end all sessions and sign-ins except the present one."""
    session, now = sign_in.session, sign_in.now
    set_password(session, account, password, now)
    ended = end_sessions(session, account.id, now, keep_step=sign_in.secret)
    sign_in.record(account, AuditEvent.ACCOUNT_PASSWORD_CHANGED, {"sessions_ended": ended})


def get_enrolment(sign_in: SignIn) -> Enrolment:
    """Return the secret for the authenticator app that this sign-in has to set up."""
    account = _require_step(sign_in, RequiredStep.ENROL)
    credential = lock_credential(sign_in.session, account.id)
    return start_enrolment(sign_in.session, credential, account.login)


def finish_enrolment(sign_in: SignIn, code: str) -> tuple[str, ...]:
    """Activate the authenticator app by its first code; return the recovery codes.

    Raises:
        WrongFactorError: The code is wrong.
    """
    account = _require_step(sign_in, RequiredStep.ENROL)
    credential = lock_credential(sign_in.session, account.id)
    if credential.totp_secret is None:
        raise WrongFactorError
    codes = confirm_enrolment(sign_in.session, credential, code, sign_in.now)
    _pass_second_factor(sign_in)
    sign_in.record(account, AuditEvent.ACCOUNT_SECOND_FACTOR_SET)
    return codes


def complete_sign_in(sign_in: SignIn, limits: SessionLimits) -> str:
    """Open the session after the last step of a sign-in, and return its secret."""
    account = _require_step(sign_in, RequiredStep.NOTHING)
    step = lock_sign_in_step(sign_in)
    how = "outside" if "issuer" in step.detail else "password"
    reset_attempts(sign_in.session, AttemptKey(AttemptKind.NAME, normalise_login(account.login)))
    sign_in.session.delete(step)
    sign_in.session.flush()
    return open_session(sign_in, account, limits, how=how)
