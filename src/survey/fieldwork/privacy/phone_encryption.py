"""Encrypting telephone numbers, each for the interview it belongs to (`survey.store.cipher`)."""

from dataclasses import dataclass
from uuid import UUID

from survey.locale import SurveyError, msg
from survey.settings import Settings
from survey.store.cipher import (
    Cipher,
    InvalidPhoneKeyError,
    ValueUnreadableError,
    configured_cipher,
    new_key,
)

__all__ = [
    "InvalidPhoneKeyError",
    "PhoneCipher",
    "UndecryptableNumberError",
    "build_phone_cipher",
    "new_key",
]


class UndecryptableNumberError(SurveyError):
    """None of the keys at hand opens it."""

    code = "unreadable"

    def __init__(self) -> None:
        super().__init__(
            msg("This telephone number cannot be read: its key is not among those in use.")
        )


@dataclass(frozen=True)
class PhoneCipher:
    """Cipher of telephone numbers; `build_phone_cipher` makes it where a key is configured."""

    _cipher: Cipher

    def encrypt(self, response_id: UUID, number: str) -> str:
        return self._cipher.encrypt(response_id.hex, number)

    def decrypt(self, response_id: UUID, sealed: str) -> str:
        """Raises `UndecryptableNumberError` also where the number belongs to another interview."""
        try:
            return self._cipher.decrypt(response_id.hex, sealed)
        except ValueUnreadableError as error:
            raise UndecryptableNumberError from error

    def reencrypt(self, sealed: str) -> str:
        """The same under the first key. Raises `UndecryptableNumberError`."""
        try:
            return self._cipher.renew(sealed)
        except ValueUnreadableError as error:
            raise UndecryptableNumberError from error


def build_phone_cipher(settings: Settings) -> PhoneCipher | None:
    """The seal of this platform; None without a key, and then no number is asked for.

    Raises `InvalidPhoneKeyError`.
    """
    cipher = configured_cipher(settings)
    return None if cipher is None else PhoneCipher(cipher)
