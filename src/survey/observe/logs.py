"""Logging of the whole process, without what may name a person: JSON lines or plain text.

The id of the current request is in every log line and on the screen of an error: a reader can say
it aloud, and an operator finds the line.
"""

import logging
import re
import secrets
import sys
import traceback
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from ipaddress import ip_address, ip_network
from typing import Any, TextIO

import structlog
from sqlalchemy.exc import SQLAlchemyError
from structlog.stdlib import ProcessorFormatter
from structlog.typing import Processor

from survey.locale import SurveyError
from survey.settings import Settings

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
    """Return a text without tokens, queries, phone and ID numbers, mail and whole IP addresses."""
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
    """Return the network of a matched IP address (/24 or /48); other text unchanged."""
    try:
        address = ip_address(match.group())
    except ValueError:
        return match.group()
    size = 24 if address.version == 4 else 48
    return str(ip_network((address, size), strict=False))


def scrub_event(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return a log entry with secret keys redacted and all texts scrubbed, at any depth."""
    return {
        key: REDACTED if key in _SECRET_KEYS else _scrub_text(value) for key, value in event.items()
    }


def _scrub_text(value: Any) -> Any:
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, Mapping):
        return scrub_event(value)
    if isinstance(value, list | tuple | set):
        return [_scrub_text(element) for element in value]
    return value if value is None or isinstance(value, int | float) else scrub(str(value))


def format_error_safely(error: BaseException) -> str:
    """Return traceback and causes of an error, without messages that may contain answers."""
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


_QUIET = ("alembic", "httpx2", "httpcore2", "watchdog", "PIL", "fontTools", "urllib3")
Event = MutableMapping[str, Any]
HEADER = "X-Request-ID"
_ACCEPTED = re.compile(r"[A-Za-z0-9-]{6,64}")
_current: ContextVar[str] = ContextVar("request", default="")


def configure_logs(settings: Settings, stream: TextIO | None = None) -> None:
    """Send all loggers, ours and those of libraries, in one scrubbed format to `stream`."""
    out = stream or sys.stderr
    handler = logging.StreamHandler(out)
    handler.setFormatter(_formatter(as_json=_is_json_format(settings, out)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def event_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return a logger whose entries have named values: `log.info("audit.anchor", sequence=7)`."""
    log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return log


def _is_json_format(settings: Settings, out: TextIO) -> bool:
    if settings.log_format in {"json", "text"}:
        return settings.log_format == "json"
    return not out.isatty()


def _formatter(*, as_json: bool) -> ProcessorFormatter:
    before: list[Processor] = [
        _with_origin,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _with_request,
        _with_error,
        _clean,
    ]
    last: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), timestamp_key="time")
    )
    return ProcessorFormatter(
        foreign_pre_chain=[],
        processors=[*before, last],
        # Left on the record, the error would be appended as Python prints it.
        keep_exc_info=False,
    )


def _with_origin(_logger: Any, _method: str, event: Event) -> Event:
    record = event.pop("_record")
    event.pop("_from_structlog")
    return {**event, "level": record.levelname.lower(), "logger": record.name}


def _with_request(_logger: Any, _method: str, event: Event) -> Event:
    request_id = current_request_id()
    if request_id:
        event.setdefault("request", request_id)
    return event


def _with_error(_logger: Any, _method: str, event: Event) -> Event:
    exc_info = event.pop("exc_info", None)
    if exc_info is True:
        exc_info = sys.exc_info()
    error = exc_info[1] if isinstance(exc_info, tuple) else exc_info
    if isinstance(error, BaseException):
        event["error"] = format_error_safely(error)
    return event


def _clean(_logger: Any, _method: str, event: Event) -> Event:
    return scrub_event(event)


def new_request_id() -> str:
    """Return a new request id: ten hexadecimal digits, short enough to read aloud."""
    return secrets.token_hex(5)


def valid_request_id(claimed: str | None) -> str:
    """Return a request id stated by a proxy if it has a valid form; otherwise a new one."""
    return claimed if claimed and _ACCEPTED.fullmatch(claimed) else new_request_id()


def current_request_id() -> str:
    """Return the id of the request being handled; "" outside of requests."""
    return _current.get()


@contextmanager
def request_id_scope(request_id: str) -> Iterator[str]:
    """Set the current request id, and yield it, for the duration of the block."""
    token = _current.set(request_id)
    try:
        yield request_id
    finally:
        _current.reset(token)
