"""Encryption of single values of the store with keys that the database never sees.

Keys are Fernet's (AES-128-CBC with HMAC-SHA256, cryptography.io/fernet): the first one encrypts,
all of them decrypt, so that a new key can be put in front and the old one removed after `survey
keys rotate`. A value is encrypted together with the name of its row, so that a copy of it in
another row cannot be decrypted.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import Column, Connection, select, update

from survey.locale import SurveyError, msg
from survey.settings import Settings

TOKEN_START = "gAAAAA"
"""Beginning of every encrypted value: the version of Fernet and a time of this century."""


class InvalidPhoneKeyError(SurveyError):
    """Raised when a configured key is no Fernet key, or its file cannot be used."""

    code = "key_unusable"


class ValueUnreadableError(Exception):
    """Raised when no key decrypts a value, or the value belongs to another row."""


@dataclass(frozen=True)
class Cipher:
    """Encryption of single values; `owner` names the value's row and contains no colon."""

    keys: MultiFernet

    def encrypt(self, owner: str, value: str) -> str:
        """Return a row's value encrypted with the first key and bound to the row."""
        return self.keys.encrypt(f"{owner}:{value}".encode()).decode()

    def decrypt(self, owner: str, token: str) -> str:
        """Return the plain value of a row's token; raises `ValueUnreadableError`."""
        try:
            whose, _, value = self.keys.decrypt(token.encode()).decode().partition(":")
        except InvalidToken as error:
            raise ValueUnreadableError from error
        if whose != owner:
            raise ValueUnreadableError
        return value

    def reencrypt(self, token: str) -> str:
        """Return a token's value encrypted with the first key; raises `ValueUnreadableError`."""
        try:
            return self.keys.rotate(token.encode()).decode()
        except InvalidToken as error:
            raise ValueUnreadableError from error


def reencrypt_column(
    connection: Connection,
    *,
    owner: Column[Any],
    value: Column[Any],
    reencrypt: Callable[[UUID, str], str],
) -> tuple[int, int]:
    """Replace values in column `value` by `reencrypt(owner, value)`; return counts of done, failed.

    Args:
        owner: Column of the same table that names the row a value belongs to.
        reencrypt: The new value from the owner and the old value.

    Returns:
        How many values were replaced, and how many `reencrypt` could not read.
    """
    table = value.table
    renewed = unreadable = 0
    query = select(owner, value).where(value.is_not(None)).with_for_update()
    for owner_id, stored in connection.execute(query).all():
        try:
            token = reencrypt(owner_id, stored)
        except ValueUnreadableError:
            unreadable += 1
            continue
        connection.execute(update(table).where(owner == owner_id).values({value.name: token}))
        renewed += 1
    return renewed, unreadable


def new_key() -> str:
    """Return a new Fernet key as text for the settings."""
    return Fernet.generate_key().decode()


def configured_cipher(settings: Settings) -> Cipher | None:
    """Return the cipher of the keys that the settings name; None if they name none.

    Raises:
        InvalidPhoneKeyError: A key is not a Fernet key.
    """
    keys = _read_configured_keys(settings)
    return _build_cipher(keys) if keys else None


def secret_cipher(settings: Settings) -> Cipher:
    """Return the cipher for values never stored in plain text; create its key if needed.

    It uses the configured keys, else a key file, which is created when needed and readable by this
    account alone. The key of the file still decrypts its values after a key was configured.

    Raises:
        InvalidPhoneKeyError: A key is not a Fernet key.
    """
    keys, file = _read_configured_keys(settings), settings.own_key_file
    if not keys and not file.exists():
        _make_key_file(file)
    return _build_cipher([*keys, *(_read_keys(file) if file.exists() else ())])


def _read_configured_keys(settings: Settings) -> list[str]:
    written = settings.phone_key.get_secret_value()
    if written or settings.phone_key_file is None:
        return _split_keys(written)
    return _read_keys(settings.phone_key_file)


def _read_keys(file: Path) -> list[str]:
    try:
        return _split_keys(file.read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidPhoneKeyError(
            msg("The key file {file} cannot be read.", file=file.name)
        ) from error


def _split_keys(written: str) -> list[str]:
    return written.replace(",", " ").split()


def _make_key_file(file: Path) -> None:
    """Create the key file whole; of several processes that try, one succeeds."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write(new_key() + "\n")
        with suppress(FileExistsError):
            os.link(draft, file)
    except OSError as error:
        raise InvalidPhoneKeyError(
            msg(
                "The key file {file} cannot be made ({reason}). Set SURVEY_PHONE_KEY, or let the "
                "account that serves write there.",
                file=file,
                reason=error.strerror,
            )
        ) from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _build_cipher(keys: Sequence[str]) -> Cipher:
    try:
        return Cipher(MultiFernet([Fernet(key) for key in keys]))
    except ValueError as error:
        # Never the key itself: messages end up in logs.
        raise InvalidPhoneKeyError(
            msg("A key of the store is not usable. Make one with: survey keys new")
        ) from error
