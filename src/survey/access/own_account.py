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
    """Raised when the password that was entered is not the person's present one."""

    code = "password_wrong"
    message = msg("The present password is not right.")


@dataclass(frozen=True)
class OpenSession:
    """Open session of one's account in a browser: start, last use, and whether it is this one."""

    started_at: datetime
    last_seen: datetime
    is_current: bool


@dataclass(frozen=True)
class OwnAccount:
    """What people see of their own account: credentials, recovery codes left, open sessions."""

    login: str
    name: str
    has_password: bool
    has_factor: bool
    must_have_factor: bool
    recovery_codes: int
    sessions: tuple[OpenSession, ...]


def get_own_account(work: Work, *, session_hash: str | None) -> OwnAccount:
    """Return one's own account; `session_hash` is the SHA-256 of this browser's secret."""
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
    """Count an attempt at one's own password, so that a stolen session cannot guess it.

    Runs in its own transaction, before a function below compares the password.
    """
    _get_own_account(work)
    claim_attempt(work.session, [_attempt_key(work.principal)], work.now)


def change_password(
    work: Work, *, current_password: str, password: str, secret: str | None
) -> None:
    """Replace the password and end all sessions but that of `secret`.

    Raises:
        WrongPasswordError: `current_password` is not the present one.
        WeakPasswordError: `password` is short or easy to guess.
    """
    account = _require_password(work, current_password)
    set_password(work.session, account, password, work.now)
    ended = end_sessions(work.session, account.id, work.now, keep=secret)
    work.record(AuditEvent.ACCOUNT_PASSWORD_CHANGED, account.id, {"sessions_ended": ended})


def start_factor(work: Work, *, current_password: str) -> Enrolment:
    """Remove one's second factor and start setting up a new one; return the new one's secret."""
    account = _require_password(work, current_password)
    credential = lock_credential(work.session, account.id)
    had = is_enrolled(credential)
    remove_factor_data(work.session, credential)
    work.record(
        AuditEvent.ACCOUNT_SECOND_FACTOR_BEGUN, account.id, {"from": {"second_factor": had}}
    )
    return start_enrolment(work.session, credential, account.login)


def find_pending_enrolment(work: Work) -> Enrolment | None:
    """Return the second factor whose first code is still missing; None if there is none."""
    account = _get_own_account(work)
    credential = work.session.get(Credential, account.id)
    if credential is None or credential.totp_secret is None or is_enrolled(credential):
        return None
    return start_enrolment(work.session, credential, account.login)


def confirm_factor(work: Work, *, code: str) -> tuple[str, ...]:
    """Activate one's second factor by its first code; return the recovery codes.

    Raises `WrongFactorError`.
    """
    account = _get_own_account(work)
    credential = lock_credential(work.session, account.id)
    codes = confirm_enrolment(work.session, credential, code, work.now)
    work.record(AuditEvent.ACCOUNT_SECOND_FACTOR_SET, account.id)
    return codes


def remove_factor(work: Work, *, current_password: str) -> None:
    """Remove one's own second factor; denied if the role requires one."""
    account = _require_password(work, current_password)
    if requires_factor(account):
        raise AccessDeniedError(msg("Your role needs a second factor."))
    credential = lock_credential(work.session, account.id)
    remove_factor_data(work.session, credential)
    work.record(
        AuditEvent.ACCOUNT_SECOND_FACTOR_REMOVED,
        account.id,
        {"from": {"second_factor": True}, "to": {"second_factor": False}},
    )


def replace_recovery_codes(work: Work, *, current_password: str) -> tuple[str, ...]:
    """Create and return ten recovery codes of one's own; earlier ones stop working."""
    account = _require_password(work, current_password)
    if not is_enrolled(work.session.get(Credential, account.id)):
        raise AccessDeniedError(msg("Set up the second factor first."))
    work.record(AuditEvent.ACCOUNT_RECOVERY_CODES_MADE, account.id)
    return new_recovery_codes(work.session, account.id)


def sign_out_everywhere(work: Work) -> int:
    """End all sessions of one's own account, this one too; return how many there were."""
    ended = end_sessions(work.session, work.principal.account_id, work.now)
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
    reset_attempts(work.session, _attempt_key(work.principal))
    return account


def _attempt_key(principal: Principal) -> AttemptKey:
    return AttemptKey(AttemptKind.FACTOR, f"own:{principal.account_id}")
