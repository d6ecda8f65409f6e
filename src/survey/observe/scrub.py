"""Removal of personal data, secrets and whole addresses from log entries."""

import re
import traceback
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from survey.locale import SurveyError

REDACTED = "[…]"
_SECRET_KEYS = frozenset(
    {"answers", "authorization", "body", "code", "cookie", "document", "login", "name", "params",
     "password", "phone", "secret", "token"}
)  # fmt: skip
_LINKS = re.compile(r"(/q/)[^\s/?\"']+")
_QUERY = re.compile(r"(\?)\S+")
_LOGIN_OF_URL = re.compile(r"://[^/\s@]+@")
_DETAIL = re.compile(r"DETAIL:.*", re.DOTALL)
_ID_NUMBER = re.compile(r"(?<![0-9A-Za-z])\d{17}[\dXx](?![0-9A-Za-z])")
_PHONE = re.compile(r"(?<![0-9A-Za-z])(?:\+?86[- ]?)?1[3-9]\d(?:[- ]?\d{4}){2}(?![0-9A-Za-z])")
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_V4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
_V6 = re.compile(r"(?<![\w:])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:])")
_SAFE_ERROR_TYPES: tuple[type[BaseException], ...] = (
    OSError,
    RuntimeError,
    ImportError,
    AttributeError,
)
"""Errors whose message is about the program; that of a ValueError may hold an answer."""


def scrub(text: str) -> str:
    """Return `text` without tokens, queries, phone and ID numbers, mail and whole IP addresses."""
    for pattern, instead in (
        (_LINKS, rf"\g<1>{REDACTED}"),
        (_LOGIN_OF_URL, f"://{REDACTED}@"),
        (_QUERY, rf"\g<1>{REDACTED}"),
        (_MAIL, REDACTED),
        (_ID_NUMBER, REDACTED),
        (_PHONE, REDACTED),
    ):
        text = pattern.sub(instead, text)
    return _V6.sub(_mask_address, _V4.sub(_mask_address, text))


def _mask_address(match: "re.Match[str]") -> str:
    """Return the network of an address: /24 of IPv4, /48 of IPv6."""
    try:
        address = ip_address(match.group())
    except ValueError:
        return match.group()
    size = 24 if address.version == 4 else 48
    return str(ip_network((address, size), strict=False))


def scrub_event(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return a log entry with scrubbed values, at any depth."""
    return {key: REDACTED if key in _SECRET_KEYS else _clean(value) for key, value in event.items()}


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, Mapping):
        return scrub_event(value)
    if isinstance(value, list | tuple | set):
        return [_clean(element) for element in value]
    return value if value is None or isinstance(value, int | float) else scrub(str(value))


def format_error_safely(error: BaseException) -> str:
    """Format the traceback of `error`, leaving out messages that may contain answers."""
    parts = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        frames = "".join(traceback.format_tb(current.__traceback__))
        parts.append(
            f"{frames}{type(current).__module__}.{type(current).__qualname__}{_safe_error_text(current)}"
        )
        current = current.__cause__ or (
            None if current.__suppress_context__ else current.__context__
        )
    return "\ncaused by:\n".join(parts)


def _safe_error_text(error: BaseException) -> str:
    if isinstance(error, SurveyError):
        return f": {error.message.msgid}"
    if isinstance(error, SQLAlchemyError):
        # PostgreSQL names the values of a violated constraint in its second line.
        reason = str(getattr(error, "orig", None) or error)
        return f": {_DETAIL.sub('', reason).strip().partition(chr(10))[0]}"
    return f": {error}" if isinstance(error, _SAFE_ERROR_TYPES) else ""
