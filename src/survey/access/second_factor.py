"""The second factor: six digits from an app on the phone, and codes for when it is lost."""

import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import pyotp
from sqlalchemy import delete
from sqlmodel import Session

from survey.access.factor_secrets import encrypted_secret, is_readable, plain_secret
from survey.access.tokens import digest
from survey.locale import SurveyError, msg
from survey.store.cipher import InvalidPhoneKeyError
from survey.store.tables import Credential, RecoveryCode, table_of

STEP_SECONDS = 30
DRIFT = 1
"""Steps by which a phone's clock may be off, either way."""
RECOVERY_CODES = 10
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Thirty signs that are not mistaken for one another."""
_RECOVERY_SIGNS = 16
_ISSUER = "Hundred Cities Survey"
_CODES = table_of(RecoveryCode)


class WrongFactorError(SurveyError):
    code = "second_factor_wrong"

    def __init__(self) -> None:
        super().__init__(
            msg("This code is not right, or it was used already. Wait for the next one.")
        )


@dataclass(frozen=True)
class Enrolment:
    """What an authenticator app must be told, as text and as the content of a QR code."""

    secret: str
    uri: str


def is_enrolled(credential: Credential | None) -> bool:
    return credential is not None and credential.totp_since is not None


def start_enrolment(*, session: Session, credential: Credential, login: str) -> Enrolment:
    """Show the secret that waits for its first code; made once, so that a reload changes nothing.

    A second factor in force has to be cleared first.
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
    *, session: Session, credential: Credential, code: str, now: datetime
) -> tuple[str, ...]:
    """Put the second factor in force with its first code; returns the recovery codes, once."""
    if credential.totp_since is not None or not _accept(credential, code, now):
        raise WrongFactorError
    credential.totp_since = now
    session.add(credential)
    session.flush()
    return new_recovery_codes(session=session, account_id=credential.account_id)


def new_recovery_codes(*, session: Session, account_id: UUID) -> tuple[str, ...]:
    """Ten fresh ones; the ones before do nothing any more."""
    session.connection().execute(delete(_CODES).where(_CODES.c.account_id == account_id))
    codes = tuple(random_code(_RECOVERY_SIGNS) for _ in range(RECOVERY_CODES))
    session.add_all(RecoveryCode(code_sha256=digest(code), account_id=account_id) for code in codes)
    session.flush()
    return codes


def verify_factor(
    *, session: Session, credential: Credential, code: str, now: datetime
) -> str | None:
    """How the code proves the second factor: `app`, `recovery` (used up now), or None: not."""
    if credential.totp_since is None:
        return None
    if _accept(credential, code, now):
        session.add(credential)
        session.flush()
        return "app"
    used = session.connection().execute(
        delete(_CODES).where(
            _CODES.c.account_id == credential.account_id,
            _CODES.c.code_sha256 == digest(normalise_factor_code(code)),
        )
    )
    return "recovery" if used.rowcount == 1 else None


def remove_factor_data(*, session: Session, credential: Credential) -> None:
    """Without a second factor again, as on the first day."""
    credential.totp_secret = credential.totp_since = credential.totp_step = None
    session.add(credential)
    session.connection().execute(delete(_CODES).where(_CODES.c.account_id == credential.account_id))
    session.flush()


def random_code(count: int) -> str:
    """An unguessable code that can be read aloud and typed."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(count))


def format_code(code: str) -> str:
    """As it is shown: four signs at a time."""
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


def normalise_factor_code(typed: str) -> str:
    """A typed code without the hyphens, spaces and small letters that people add."""
    return "".join(sign for sign in typed.upper() if sign.isalnum())


def _accept(credential: Credential, code: str, now: datetime) -> bool:
    """Whether it is a code of now that was not used; marks it as used."""
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
            _encrypt_readable(credential, secret)
            return True
    return False


def _encrypt_readable(credential: Credential, secret: str) -> None:
    """One from before secrets were encrypted. A key that cannot be made keeps nobody out; `survey
    doctor` names it."""
    if is_readable(credential.totp_secret or ""):
        with suppress(InvalidPhoneKeyError):
            credential.totp_secret = encrypted_secret(credential.account_id, secret)
