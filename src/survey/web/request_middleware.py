"""Every request gets a number, is counted, and leaves a line in the log when it fails."""

import logging
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from survey.observe.metrics import FAILURES, REQUEST_SECONDS, REQUESTS
from survey.observe.request_id import HEADER, new_request_id, request_id_scope, valid_request_id
from survey.settings import Settings

_LOG = logging.getLogger(__name__)
_PAGES = "pages"
"""All addresses of Streamlit count as one."""


class RequestMiddleware:
    """Stands around the whole application.

    A number that comes with the request is taken over only from proxies of our own; from anybody
    else it could be made to look like another request's.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._believe = settings.trusted_proxies > 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        claimed = Headers(scope=scope).get(HEADER) if self._believe else None
        with request_id_scope(valid_request_id(claimed) if claimed else new_request_id()) as number:
            if scope["type"] == "websocket":
                await self.app(scope, receive, send)
            else:
                await self._answer(scope, receive, send, number)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, number: str) -> None:
        began, status = time.perf_counter(), 0

        async def send_numbered(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = number
            await send(message)

        try:
            await self.app(scope, receive, send_numbered)
        except Exception:
            FAILURES.labels("door").inc()
            _LOG.exception("request failed: %s %s", scope["method"], _route(scope))
            if not status:
                raise
        finally:
            route = _route(scope)
            REQUESTS.labels(route, str(status)).inc()
            REQUEST_SECONDS.labels(route).observe(time.perf_counter() - began)


def _route(scope: Scope) -> str:
    """The pattern of the address, never the address: it may hold a one-time token."""
    route = scope.get("route")
    return route.path if isinstance(route, Route) and "endpoint" in scope else _PAGES
