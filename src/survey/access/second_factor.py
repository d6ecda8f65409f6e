"""Second factor: six digits of an authenticator app, and recovery codes.

Its secrets are stored encrypted with a key that the database never sees.
"""

import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import pyotp
from sqlalchemy import delete, func
from sqlmodel import Session, col, select

from survey.access.audit import record
from survey.access.principal import OPERATOR
from survey.access.secret_hashes import digest
from survey.locale import SurveyError, msg
from survey.settings import current_settings
from survey.store.audit_events import AuditEvent
from survey.store.cipher import (
    TOKEN_START,
    Cipher,
    InvalidPhoneKeyError,
    ValueUnreadableError,
    reencrypt_column,
    secret_cipher,
)
from survey.store.tables import Credential, RecoveryCode, table_of

STEP_SECONDS = 30
DRIFT = 1
"""Steps by which a phone's clock may be fast or slow."""
RECOVERY_CODES = 10
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Thirty characters that cannot be confused."""
_RECOVERY_SIGNS = 16
_ISSUER = "Hundred Cities Survey"
_CODES = table_of(RecoveryCode)
_CREDENTIALS = table_of(Credential)
_SECRET = _CREDENTIALS.c.totp_secret


class WrongFactorError(SurveyError):
    """Raised when a code is wrong or was used already."""

    code = "second_factor_wrong"
    message = msg("This code is not right, or it was used already. Wait for the next one.")


@dataclass(frozen=True)
class Enrolment:
    """Secret for an authenticator app, as text and as the content of a QR code."""

    secret: str
    uri: str


def is_enrolled(credential: Credential | None) -> bool:
    """Return whether a second factor was confirmed, so that signing in requires it."""
    return credential is not None and credential.totp_since is not None


def start_enrolment(session: Session, credential: Credential, login: str) -> Enrolment:
    """Return the secret awaiting its first code, created if needed; raise if a factor is in force.

    A second factor in force has to be removed first.
    """
    if credential.totp_since is not None:
        raise WrongFactorError
    secret = plain_secret(credential)
    if secret is None:
        # None yet, or one that no key opens any more: nobody has proved it, so another one will do.
        secret = pyotp.random_base32()
        credential.totp_secret = encrypted_secret(credential.account_id, secret)
        session.add(credential)
        session.flush()
    uri = pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=_ISSUER)
    return Enrolment(secret, uri)


def confirm_enrolment(
    session: Session, credential: Credential, code: str, now: datetime
) -> tuple[str, ...]:
    """Activate the second factor by its first code, return recovery codes; raise if it is wrong."""
    if credential.totp_since is not None or not _accept_code(credential, code, now):
        raise WrongFactorError
    credential.totp_since = now
    session.add(credential)
    session.flush()
    return new_recovery_codes(session, credential.account_id)


def new_recovery_codes(session: Session, account_id: UUID) -> tuple[str, ...]:
    """Replace the recovery codes of an account and return the ten new ones."""
    session.connection().execute(delete(_CODES).where(_CODES.c.account_id == account_id))
    codes = tuple(random_code(_RECOVERY_SIGNS) for _ in range(RECOVERY_CODES))
    session.add_all(RecoveryCode(code_sha256=digest(code), account_id=account_id) for code in codes)
    session.flush()
    return codes


def verify_factor(session: Session, credential: Credential, code: str, now: datetime) -> str | None:
    """Return `app` or `recovery` for a right code, now used up, and None for a wrong one."""
    if credential.totp_since is None:
        return None
    if _accept_code(credential, code, now):
        session.add(credential)
        session.flush()
        return "app"
    used = session.connection().execute(
        delete(_CODES).where(
            _CODES.c.account_id == credential.account_id,
            _CODES.c.code_sha256 == digest(normalise_code(code)),
        )
    )
    return "recovery" if used.rowcount == 1 else None


def remove_factor_data(session: Session, credential: Credential) -> None:
    """Delete the second factor of a credential, and its recovery codes."""
    credential.totp_secret = credential.totp_since = credential.totp_step = None
    session.add(credential)
    session.connection().execute(delete(_CODES).where(_CODES.c.account_id == credential.account_id))
    session.flush()


def random_code(count: int) -> str:
    """Return a random code of `count` characters that can be read aloud and typed."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(count))


def format_code(code: str) -> str:
    """Return a code in groups of four characters."""
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


def normalise_code(typed: str) -> str:
    """Return a typed code without hyphens and spaces, in capital letters."""
    return "".join(sign for sign in typed.upper() if sign.isalnum())


def _accept_code(credential: Credential, code: str, now: datetime) -> bool:
    """Return whether a code of the app is valid now and unused, and mark it as used."""
    typed = code.strip().replace(" ", "")
    secret = plain_secret(credential)
    if secret is None or not (len(typed) == 6 and typed.isascii()):
        return False
    totp = pyotp.TOTP(secret)
    current = int(now.timestamp()) // STEP_SECONDS
    for step in range(current - DRIFT, current + DRIFT + 1):
        used = credential.totp_step is not None and step <= credential.totp_step
        if not used and secrets.compare_digest(totp.generate_otp(step), typed):
            credential.totp_step = step
            # A key that cannot be used locks nobody out; `survey doctor` reports it.
            if is_unencrypted(credential.totp_secret or ""):
                with suppress(InvalidPhoneKeyError):
                    credential.totp_secret = encrypted_secret(credential.account_id, secret)
            return True
    return False


def _build_cipher_owner(account_id: UUID) -> str:
    return f"factor {account_id.hex}"


def is_unencrypted(stored: str) -> bool:
    """Return whether a secret is stored unencrypted, as older versions did."""
    return not stored.startswith(TOKEN_START)


def encrypted_secret(account_id: UUID, secret: str) -> str:
    """Return a factor's secret encrypted for the store; raises `InvalidPhoneKeyError`."""
    return secret_cipher(current_settings()).encrypt(_build_cipher_owner(account_id), secret)


def plain_secret(credential: Credential) -> str | None:
    """Return a factor's decrypted secret; None if there is none or no key decrypts it.

    Then a recovery code still works, and an administrator can reset the factor.
    """
    stored = credential.totp_secret
    if stored is None or is_unencrypted(stored):
        return stored
    try:
        return secret_cipher(current_settings()).decrypt(
            _build_cipher_owner(credential.account_id), stored
        )
    except ValueUnreadableError:
        return None


def count_unencrypted(session: Session) -> int:
    """Return how many secrets of second factors are stored unencrypted."""
    query = select(func.count()).where(_SECRET.is_not(None), _SECRET.not_like(f"{TOKEN_START}%"))
    return int(session.connection().execute(query).scalar_one())


def count_secrets(session: Session) -> tuple[int, int, int]:
    """Return how many factor secrets are unencrypted, how many unreadable, how many in all."""
    query = select(Credential).where(col(Credential.totp_secret).is_not(None))
    credentials = session.exec(query).all()
    unencrypted = sum(is_unencrypted(credential.totp_secret or "") for credential in credentials)
    unreadable = sum(plain_secret(credential) is None for credential in credentials)
    return unencrypted, unreadable, len(credentials)


def encrypt_secrets(*, session: Session, cipher: Cipher, now: datetime) -> tuple[int, int]:
    """Encrypt factor secrets with the cipher's first key, record it; return (changed, unreadable).

    Returns:
        How many secrets changed, and how many none of the keys opens.
    """

    def reencrypt(account_id: UUID, stored: str) -> str:
        if is_unencrypted(stored):
            return cipher.encrypt(_build_cipher_owner(account_id), stored)
        return cipher.reencrypt(stored)

    renewed, unreadable = reencrypt_column(
        session.connection(), owner=_CREDENTIALS.c.account_id, value=_SECRET, reencrypt=reencrypt
    )
    if renewed or unreadable:
        record(
            session=session,
            actor=OPERATOR,
            event=AuditEvent.ACCOUNT_SECRETS_ENCRYPTED,
            subject_id="all",
            now=now,
            detail={"renewed": renewed, "unreadable": unreadable},
        )
    return renewed, unreadable
