"""Logging of the whole process: JSON lines for machines, plain text on a terminal.

The id of the current request is in every log line and on the screen of an error: a reader can say
it aloud, and an operator finds the line.
"""

import logging
import re
import secrets
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TextIO

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import Processor

from survey.observe.scrub import format_error_safely, scrub_event
from survey.settings import Settings

_QUIET = ("alembic", "httpx2", "httpcore2", "watchdog", "PIL", "fontTools", "urllib3")
Event = MutableMapping[str, Any]
HEADER = "X-Request-ID"
_ACCEPTED = re.compile(r"[A-Za-z0-9-]{6,64}")
_current: ContextVar[str] = ContextVar("request", default="")


def configure_logs(settings: Settings, stream: TextIO | None = None) -> None:
    """Send all loggers, ours and foreign, through one scrubbed format to stderr."""
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
    """Return a logger whose entries carry named values: `log.info("audit.anchor", sequence=7)`."""
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
