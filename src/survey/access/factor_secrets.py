"""Secrets of second factors, stored encrypted with a key that the database never sees."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from survey.access.audit import record
from survey.access.principal import OPERATOR
from survey.settings import current_settings
from survey.store.audit_events import AuditEvent
from survey.store.cipher import (
    TOKEN_START,
    Cipher,
    ValueUnreadableError,
    reencrypt_column,
    secret_cipher,
)
from survey.store.tables import Credential, table_of

_CREDENTIALS = table_of(Credential)
_SECRET = _CREDENTIALS.c.totp_secret


def _owner(account_id: UUID) -> str:
    return f"factor {account_id.hex}"


def is_unencrypted(stored: str) -> bool:
    """Return whether a secret is stored unencrypted, as older versions did."""
    return not stored.startswith(TOKEN_START)


def encrypted_secret(account_id: UUID, secret: str) -> str:
    """Return a secret as it is stored; raises `InvalidPhoneKeyError`."""
    return secret_cipher(current_settings()).encrypt(_owner(account_id), secret)


def plain_secret(credential: Credential) -> str | None:
    """Return the secret of a credential; None if there is none or no key decrypts it.

    Then a recovery code still works, and an administrator can reset the factor.
    """
    stored = credential.totp_secret
    if stored is None or is_unencrypted(stored):
        return stored
    try:
        return secret_cipher(current_settings()).decrypt(_owner(credential.account_id), stored)
    except ValueUnreadableError:
        return None


def count_unencrypted(session: Session) -> int:
    """Return how many secrets are stored unencrypted."""
    query = select(func.count()).where(_SECRET.is_not(None), _SECRET.not_like(f"{TOKEN_START}%"))
    return int(session.connection().execute(query).scalar_one())


def count_secrets(session: Session) -> tuple[int, int, int]:
    """Return how many secrets are unencrypted, how many no key decrypts, and how many exist."""
    query = select(Credential).where(col(Credential.totp_secret).is_not(None))
    credentials = session.exec(query).all()
    unencrypted = sum(is_unencrypted(credential.totp_secret or "") for credential in credentials)
    unreadable = sum(plain_secret(credential) is None for credential in credentials)
    return unencrypted, unreadable, len(credentials)


def encrypt_secrets(*, session: Session, cipher: Cipher, now: datetime) -> tuple[int, int]:
    """Encrypt every secret with the first key.

    Returns:
        How many secrets changed, and how many none of the keys opens.
    """

    def reencrypt(account_id: UUID, stored: str) -> str:
        if is_unencrypted(stored):
            return cipher.encrypt(_owner(account_id), stored)
        return cipher.reencrypt(stored)

    renewed, unreadable = reencrypt_column(
        session.connection(), owner=_CREDENTIALS.c.account_id, value=_SECRET, reencrypt=reencrypt
    )
    if renewed or unreadable:
        record(
            session=session, actor=OPERATOR, event=AuditEvent.ACCOUNT_SECRETS_ENCRYPTED,
            subject_id="all", now=now, detail={"renewed": renewed, "unreadable": unreadable},
        )  # fmt: skip
    return renewed, unreadable
