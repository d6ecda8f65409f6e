"""ASGI middleware around every request: request ids, metrics, the error log, and NUL bytes."""

import logging
import time
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from survey.observe.logs import HEADER, new_request_id, request_id_scope, valid_request_id
from survey.observe.metrics import FAILURES, REQUEST_SECONDS, REQUESTS
from survey.settings import Settings

_LOG = logging.getLogger(__name__)
_PAGES = "pages"
"""All addresses of Streamlit count as one."""
_NUL, _REPLACEMENT = "\x00", "\ufffd"
_NUL_IN_QUERY = b"%00"
_REPLACEMENT_IN_QUERY = quote(_REPLACEMENT).encode()


class RequestMiddleware:
    """ASGI middleware that assigns request ids, counts requests and logs failures.

    A request id that comes with the request is accepted from trusted proxies only; anyone else
    could make it look like that of another request.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._accepts_ids = settings.trusted_proxies > 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        claimed = Headers(scope=scope).get(HEADER) if self._accepts_ids else None
        new_id = valid_request_id(claimed) if claimed else new_request_id()
        with request_id_scope(new_id) as request_id:
            if scope["type"] == "websocket":
                await self.app(scope, receive, send)
            else:
                await self._answer_request(scope, receive, send, request_id)

    async def _answer_request(
        self, scope: Scope, receive: Receive, send: Send, request_id: str
    ) -> None:
        started, status = time.perf_counter(), 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except Exception:
            FAILURES.labels("door").inc()
            _LOG.exception("request failed: %s %s", scope["method"], _get_route_pattern(scope))
            if not status:
                raise
        finally:
            route = _get_route_pattern(scope)
            REQUESTS.labels(route, str(status)).inc()
            REQUEST_SECONDS.labels(route).observe(time.perf_counter() - started)


def _get_route_pattern(scope: Scope) -> str:
    """Return the pattern of the address, because the address may hold a one-time token."""
    route = scope.get("route")
    return route.path if isinstance(route, Route) and "endpoint" in scope else _PAGES


class NulByteMiddleware:
    """ASGI middleware that replaces NUL in an address by the sign for unreadable text.

    No name or code of the platform holds either, so the address leads nowhere. PostgreSQL, which
    stores no NUL, would otherwise fail at it where SQLite finds nothing.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _contains_nul(scope):
            scope = {
                **scope,
                "path": scope["path"].replace(_NUL, _REPLACEMENT),
                "query_string": scope["query_string"].replace(_NUL_IN_QUERY, _REPLACEMENT_IN_QUERY),
            }
        await self.app(scope, receive, send)


def _contains_nul(scope: Scope) -> bool:
    return _NUL in scope["path"] or _NUL_IN_QUERY in scope["query_string"]
