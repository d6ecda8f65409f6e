"""The number of the request that is being answered: in every log line, and on the screen when
something failed, so that a reader can say it aloud and an operator find the line."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

HEADER = "X-Request-ID"
_ACCEPTED = re.compile(r"[A-Za-z0-9-]{6,64}")
_current: ContextVar[str] = ContextVar("request", default="")


def new_request_id() -> str:
    """Ten hexadecimal digits: short enough to read out."""
    return secrets.token_hex(5)


def valid_request_id(claimed: str | None) -> str:
    """The number that a proxy of ours gave, if it is one; else a new one."""
    return claimed if claimed and _ACCEPTED.fullmatch(claimed) else new_request_id()


def current_request_id() -> str:
    """The number of the request at hand; empty outside of any."""
    return _current.get()


@contextmanager
def request_id_scope(number: str) -> Iterator[str]:
    """Everything within is done for this request."""
    token = _current.set(number)
    try:
        yield number
    finally:
        _current.reset(token)
