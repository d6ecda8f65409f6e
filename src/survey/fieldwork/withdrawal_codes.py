"""Withdrawal codes: twenty digits, the last of which is a check digit.

Digits because they need no change of the keyboard, have no capital letters and are easily read
aloud; 19 of them drawn by lot are 63 bits. The browser draws them, so that the code is there before
the interview reaches us and the same after every repeated send; only their SHA-256 is stored.
"""

import secrets
import unicodedata

from survey.access.secret_hashes import digest

RANDOM_DIGITS = 19
LENGTH = RANDOM_DIGITS + 1
DISPLAY_GROUP_SIZE = 4
_BETWEEN = frozenset(" -\u2010\u2011\u2012\u2013\u2014\u00a0\u3000.,\u3001\u00b7")
"""What people write between groups of digits."""
_MAX_ENTERED_CHARS = 80
_PURPOSE = "withdraw:"


def generate_code() -> str:
    """Generate a withdrawal code; the form in the browser makes its own in the same way."""
    drawn = "".join(secrets.choice("0123456789") for _ in range(RANDOM_DIGITS))
    return drawn + check_digit(drawn)


def check_digit(digits: str) -> str:
    """Return the digit that completes `digits` by Luhn's rule (ISO/IEC 7812-1, annex B)."""
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if index % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def is_complete(digits: str) -> bool:
    """Whether the last digit agrees with those before it."""
    return len(digits) > 1 and check_digit(digits[:-1]) == digits[-1]


def read_code(typed: str) -> str | None:
    """Parse a typed code, ignoring what stands between its digits; None if it cannot be one."""
    plain = unicodedata.normalize("NFKC", typed[:_MAX_ENTERED_CHARS])
    digits = "".join(sign for sign in plain if sign not in _BETWEEN and not sign.isspace())
    ours = len(digits) == LENGTH and digits.isascii() and digits.isdigit()
    return digits if ours and is_complete(digits) else None


def format_code(code: str) -> str:
    """Format a code in groups of four digits."""
    return " ".join(
        code[index : index + DISPLAY_GROUP_SIZE]
        for index in range(0, len(code), DISPLAY_GROUP_SIZE)
    )


def hash_code(code: str) -> str:
    """Return the hash of a code that the store keeps."""
    return digest(_PURPOSE + code)
