"""Services for one's own account; the weighty ones ask for the password again."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from survey.access.attempt_limits import AttemptKey, AttemptKind, claim_attempt, reset_attempts
from survey.access.principal import AccessDeniedError, Principal
from survey.access.second_factor import (
    Enrolment,
    confirm_enrolment,
    is_enrolled,
    new_recovery_codes,
    remove_factor_data,
    start_enrolment,
)
from survey.access.secret_hashes import (
    lock_credential,
    requires_factor,
    set_password,
    verify_password,
)
from survey.access.sessions import end_sessions, open_session_filter, principal_of
from survey.access.work import Work
from survey.locale import SurveyError, msg
from survey.store.audit_events import AuditEvent
from survey.store.tables import Account, Credential, LoginSession, RecoveryCode, table_of

_SESSIONS, _RECOVERY = table_of(LoginSession), table_of(RecoveryCode)


class WrongPasswordError(SurveyError):
    """Raised when the present password is wrong."""

    code = "password_wrong"

    def __init__(self) -> None:
        super().__init__(msg("The present password is not right."))


@dataclass(frozen=True)
class OpenSession:
    """Browser in which the person is signed in."""

    started_at: datetime
    last_seen: datetime
    is_current: bool


@dataclass(frozen=True)
class OwnAccount:
    """One's own account as its page shows it."""

    login: str
    name: str
    has_password: bool
    has_factor: bool
    must_have_factor: bool
    recovery_codes: int
    sessions: tuple[OpenSession, ...]


def get_own_account(work: Work, *, session_hash: str | None) -> OwnAccount:
    """Return the own account; `session_hash` is the SHA-256 of the asking browser's secret."""
    account = _get_own_account(work)
    credential = work.session.get(Credential, account.id)
    left = select(func.count()).where(_RECOVERY.c.account_id == account.id)
    query = (
        select(_SESSIONS)
        .where(_SESSIONS.c.account_id == account.id, open_session_filter(work.now))
        .order_by(_SESSIONS.c.created_at.desc())
    )
    connection = work.session.connection()
    return OwnAccount(
        login=account.login,
        name=account.name,
        has_password=credential is not None and credential.password_hash is not None,
        has_factor=is_enrolled(credential),
        must_have_factor=requires_factor(account),
        recovery_codes=connection.execute(left).scalar_one(),
        sessions=tuple(
            OpenSession(
                row.created_at, row.seen_at or row.created_at, row.secret_sha256 == session_hash
            )
            for row in connection.execute(query)
        ),
    )


def claim_password_attempt(work: Work) -> None:
    """Count an attempt at one's own password, which a stolen session must not guess.

    Runs in its own transaction, before a function below compares the password.
    """
    _get_own_account(work)
    claim_attempt(session=work.session, keys=(_attempt_key(work.principal),), now=work.now)


def change_password(
    work: Work, *, current_password: str, password: str, secret: str | None
) -> None:
    """Replace the password and end all sessions but that of `secret`.

    Raises:
        WrongPasswordError: `current_password` is not the present one.
        WeakPasswordError: `password` is short or easy to guess.
    """
    account = _require_password(work, current_password)
    set_password(session=work.session, account=account, password=password, now=work.now)
    ended = end_sessions(session=work.session, account_id=account.id, now=work.now, keep=secret)
    work.record(AuditEvent.ACCOUNT_PASSWORD_CHANGED, account.id, {"sessions_ended": ended})


def start_factor(work: Work, *, current_password: str) -> Enrolment:
    """Start the set-up of a second factor; an earlier one stops working."""
    account = _require_password(work, current_password)
    credential = lock_credential(session=work.session, account_id=account.id)
    had = is_enrolled(credential)
    remove_factor_data(session=work.session, credential=credential)
    work.record(
        AuditEvent.ACCOUNT_SECOND_FACTOR_BEGUN, account.id, {"from": {"second_factor": had}}
    )
    return start_enrolment(session=work.session, credential=credential, login=account.login)


def find_pending_enrolment(work: Work) -> Enrolment | None:
    """Return the second factor that waits for its first code; None if there is none."""
    account = _get_own_account(work)
    credential = work.session.get(Credential, account.id)
    if credential is None or credential.totp_secret is None or is_enrolled(credential):
        return None
    return start_enrolment(session=work.session, credential=credential, login=account.login)


def confirm_factor(work: Work, *, code: str) -> tuple[str, ...]:
    """Activate the factor by its first code and return the recovery codes.

    Raises `WrongFactorError`.
    """
    account = _get_own_account(work)
    credential = lock_credential(session=work.session, account_id=account.id)
    codes = confirm_enrolment(session=work.session, credential=credential, code=code, now=work.now)
    work.record(AuditEvent.ACCOUNT_SECOND_FACTOR_SET, account.id)
    return codes


def remove_factor(work: Work, *, current_password: str) -> None:
    """Remove the second factor, where the role allows it."""
    account = _require_password(work, current_password)
    if requires_factor(account):
        raise AccessDeniedError(msg("Your role needs a second factor."))
    credential = lock_credential(session=work.session, account_id=account.id)
    remove_factor_data(session=work.session, credential=credential)
    work.record(
        AuditEvent.ACCOUNT_SECOND_FACTOR_REMOVED,
        account.id,
        {"from": {"second_factor": True}, "to": {"second_factor": False}},
    )


def replace_recovery_codes(work: Work, *, current_password: str) -> tuple[str, ...]:
    """Create ten recovery codes; earlier ones stop working."""
    account = _require_password(work, current_password)
    if not is_enrolled(work.session.get(Credential, account.id)):
        raise AccessDeniedError(msg("Set up the second factor first."))
    work.record(AuditEvent.ACCOUNT_RECOVERY_CODES_MADE, account.id)
    return new_recovery_codes(session=work.session, account_id=account.id)


def sign_out_everywhere(work: Work) -> int:
    """End all own sessions, this one included, and return how many there were."""
    ended = end_sessions(session=work.session, account_id=work.principal.account_id, now=work.now)
    work.record(
        AuditEvent.ACCOUNT_SESSIONS_ENDED, work.principal.account_id, {"sessions_ended": ended}
    )
    return ended


def _get_own_account(work: Work) -> Account:
    account = work.session.get(Account, work.principal.account_id)
    if account is None or account.is_demo or principal_of(account) != work.principal:
        raise AccessDeniedError(msg("Demo roles have no account of their own."))
    return account


def _require_password(work: Work, current_password: str) -> Account:
    account = _get_own_account(work)
    credential = work.session.get(Credential, account.id)
    if not verify_password(credential.password_hash if credential else None, current_password):
        raise WrongPasswordError
    reset_attempts(session=work.session, key=_attempt_key(work.principal))
    return account


def _attempt_key(principal: Principal) -> AttemptKey:
    return AttemptKey(AttemptKind.FACTOR, f"own:{principal.account_id}")
