"""Encrypting telephone numbers with keys that the database never sees.

Keys are Fernet's (AES-128-CBC with HMAC-SHA256, cryptography.io/fernet): the first of the settings
encrypts, all of them decrypt, so that a new key can be put in front and the old one taken away
after `survey keys rotate`. What is sealed names the interview it belongs to, so that a row copied
to another interview cannot be opened there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from survey.locale import SurveyError, msg
from survey.settings import Settings


class KeyUnusable(SurveyError):
    """What the settings name is no key."""

    code = "key_unusable"


class Unreadable(SurveyError):
    """None of the keys at hand opens it."""

    code = "unreadable"

    def __init__(self) -> None:
        super().__init__(
            msg("This telephone number cannot be read: its key is not among those in use.")
        )


@dataclass(frozen=True)
class Seal:
    """Closes and opens telephone numbers; made by `seal_of` where a key is configured."""

    _keys: MultiFernet

    def close(self, response_id: UUID, number: str) -> str:
        return self._keys.encrypt(f"{response_id.hex}:{number}".encode()).decode()

    def open(self, response_id: UUID, sealed: str) -> str:
        """Raises `Unreadable` also where the number belongs to another interview."""
        owner, _, number = _decrypted(self._keys, sealed).partition(":")
        if owner != response_id.hex:
            raise Unreadable
        return number

    def renewed(self, sealed: str) -> str:
        """The same under the first key. Raises `Unreadable`."""
        try:
            return self._keys.rotate(sealed.encode()).decode()
        except InvalidToken as error:
            raise Unreadable from error


def new_key() -> str:
    """A fresh key for the settings."""
    return Fernet.generate_key().decode()


def seal_of(settings: Settings) -> Seal | None:
    """The seal of this platform; None without a key, and then no number is asked for.

    Raises `KeyUnusable`.
    """
    keys = _keys(settings)
    return _sealing(keys) if keys else None


def _keys(settings: Settings) -> list[str]:
    written = settings.phone_key.get_secret_value()
    if not written and settings.phone_key_file is not None:
        try:
            written = settings.phone_key_file.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise KeyUnusable(
                msg("The key file {file} cannot be read.", file=settings.phone_key_file.name)
            ) from error
    return written.replace(",", " ").split()


def _sealing(keys: Sequence[str]) -> Seal:
    try:
        return Seal(MultiFernet([Fernet(key) for key in keys]))
    except ValueError as error:
        # Never the key itself: messages end up in logs.
        raise KeyUnusable(
            msg("A key for telephone numbers is not usable. Make one with: survey keys new")
        ) from error


def _decrypted(keys: MultiFernet, sealed: str) -> str:
    try:
        return keys.decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise Unreadable from error
