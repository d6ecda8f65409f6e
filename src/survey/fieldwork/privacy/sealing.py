"""Encrypting telephone numbers, each for the interview it belongs to (`survey.store.cipher`)."""

from dataclasses import dataclass
from uuid import UUID

from survey.locale import SurveyError, msg
from survey.settings import Settings
from survey.store.cipher import (
    Cipher,
    KeyUnusable,
    ValueUnreadableError,
    configured_cipher,
    new_key,
)

__all__ = ["KeyUnusable", "Seal", "Unreadable", "new_key", "seal_of"]


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

    _cipher: Cipher

    def close(self, response_id: UUID, number: str) -> str:
        return self._cipher.encrypt(response_id.hex, number)

    def open(self, response_id: UUID, sealed: str) -> str:
        """Raises `Unreadable` also where the number belongs to another interview."""
        try:
            return self._cipher.decrypt(response_id.hex, sealed)
        except ValueUnreadableError as error:
            raise Unreadable from error

    def renewed(self, sealed: str) -> str:
        """The same under the first key. Raises `Unreadable`."""
        try:
            return self._cipher.renew(sealed)
        except ValueUnreadableError as error:
            raise Unreadable from error


def seal_of(settings: Settings) -> Seal | None:
    """The seal of this platform; None without a key, and then no number is asked for.

    Raises `KeyUnusable`.
    """
    cipher = configured_cipher(settings)
    return None if cipher is None else Seal(cipher)
