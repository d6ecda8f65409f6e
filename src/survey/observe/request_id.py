"""Id of the current request, in every log line and on the screen of an error.

A reader can say it aloud, and an operator finds the line.
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

HEADER = "X-Request-ID"
_ACCEPTED = re.compile(r"[A-Za-z0-9-]{6,64}")
_current: ContextVar[str] = ContextVar("request", default="")


def new_request_id() -> str:
    """Return ten hexadecimal digits, short enough to read aloud."""
    return secrets.token_hex(5)


def valid_request_id(claimed: str | None) -> str:
    """Return the id that a trusted proxy gave, if it has the form of one; else a new id."""
    return claimed if claimed and _ACCEPTED.fullmatch(claimed) else new_request_id()


def current_request_id() -> str:
    """Return the id of the current request; empty outside of any."""
    return _current.get()


@contextmanager
def request_id_scope(request_id: str) -> Iterator[str]:
    """Set the current request id for the duration of the block."""
    token = _current.set(request_id)
    try:
        yield request_id
    finally:
        _current.reset(token)
