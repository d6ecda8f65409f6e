"""ASGI middleware around every request: request ids, metrics, errors, pace, and NUL bytes."""

import asyncio
import logging
import time
from http import HTTPStatus
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from survey.locale import translator
from survey.observe.logs import HEADER, new_request_id, request_id_scope, valid_request_id
from survey.observe.metrics import FAILURES, REQUEST_SECONDS, REQUESTS
from survey.settings import Settings
from survey.web.html import negotiate_language
from survey.web.http import RateLimit, client_address, json_response
from survey.web.notice_pages import build_too_many_response
from survey.web.submission_intake import TOO_MANY

_LOG = logging.getLogger(__name__)
_PAGES = "pages"
"""All addresses of Streamlit count as one."""
REQUESTS_PER_PUBLIC_ONE = 6
"""Requests of every kind for one that the public rate counts: an interview fetches scripts and a
questionnaire as well, and an office behind one address opens pages."""
FREE_SECONDS, BURST_SECONDS = 2.0, 15.0
"""Of this rate so much is answered at once, so much a moment later; what is more is refused."""
SLOW_SECONDS, HOLD_SECONDS, MAX_HELD = 0.05, 1.0, 200
_BROWSER_FILES = "/static/"
"""Streamlit's scripts, a hundred a first visit, which browsers keep for ever."""
_PROBES = frozenset({"/health", "/ready"})
_LINKS = "/q/"
UNKNOWN_LINK_SHARE, UNKNOWN_BURST_SECONDS = 1 / 72, 60.0
"""Links that lead nowhere, of the requests of every kind: a minute's worth is answered at once, so
that a room full of people may mistype."""
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


class AddressLimitMiddleware:
    """ASGI middleware that limits the requests of one address, whatever they ask for.

    Endpoints that cost more have limits of their own besides. Sockets are counted where they are
    opened. Links that lead nowhere are counted alone: whoever guesses is slowed, and people behind
    the same address still open theirs.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app, self._settings = app, settings
        rate = REQUESTS_PER_PUBLIC_ONE * settings.public_rate_per_minute / 60
        self._free, self._limit = RateLimit(rate, FREE_SECONDS), RateLimit(rate, BURST_SECONDS)
        self._unknown = RateLimit(rate * UNKNOWN_LINK_SHARE, UNKNOWN_BURST_SECONDS)
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_BROWSER_FILES):
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        address = client_address(request, self._settings.trusted_proxies)
        # Whoever watches this process from a flooded network is still answered.
        key = (address, scope["path"] in _PROBES)
        wait = 0.0
        if scope["path"].startswith(_LINKS):
            if self._unknown.is_used_up(address) and not await self._hold(HOLD_SECONDS):
                wait = HOLD_SECONDS
            send = self._count_unknown(key, send)
        wait = wait or await self._take_turn(key)
        answer = _build_refusal(request, self._settings, wait) if wait else self.app
        await answer(scope, receive, send)

    async def _take_turn(self, key: tuple[str, bool]) -> float:
        """Wait as long as the pace of the address asks; the seconds until a turn if it has none."""
        if self._free.seconds_until_allowed(key):
            await self._hold(SLOW_SECONDS)
        wait = self._limit.seconds_until_allowed(key)
        if wait:
            await self._hold(min(wait, HOLD_SECONDS))
        return wait

    def _count_unknown(self, key: tuple[str, bool], send: Send) -> Send:
        """Return `send` that counts a link which leads nowhere as that, and not as a request."""

        async def send_counted(message: Message) -> None:
            if message.get("status") == HTTPStatus.NOT_FOUND:
                self._limit.give_back(key)
                self._unknown.seconds_until_allowed(key[0])
            await send(message)

        return send_counted

    async def _hold(self, seconds: float) -> bool:
        """Keep a request for a moment: a flood that is answered at once comes back at once.

        Whoever opens more lines than are kept is answered at once, so that lines cost no memory;
        False for these.
        """
        if self._held >= MAX_HELD:
            return False
        self._held += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            self._held -= 1
        return True


def _build_refusal(request: Request, settings: Settings, wait: float) -> Response:
    if not request.url.path.startswith("/api/"):
        return build_too_many_response(request, settings, wait)
    t = translator(negotiate_language(request, settings.language))
    body = {"code": "too_many", "message": t(TOO_MANY)}
    return json_response(429, body, {"Retry-After": str(int(wait) + 1)})


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
