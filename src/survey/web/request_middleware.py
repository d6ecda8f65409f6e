"""ASGI middleware for request ids, metrics and address limits, and look-up of who is signed in."""

import asyncio
import logging
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from urllib.parse import quote

from anyio import CapacityLimiter, to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from survey.access.principal import Principal
from survey.access.secret_hashes import MAX_TOKEN_CHARS, digest
from survey.access.sessions import COOKIE, authenticate_session, find_principal
from survey.locale import translator
from survey.observe.logs import HEADER, new_request_id, request_id_scope, valid_request_id
from survey.observe.metrics import FAILURES, REQUEST_SECONDS, REQUESTS
from survey.settings import Settings
from survey.store.engine import read_scope
from survey.store.tables import now
from survey.web.http import RateLimit, client_address, refusal, retry_after
from survey.web.notice_pages import build_too_many_response, negotiate_language
from survey.web.submission_intake import TOO_MANY

MAX_HEAD_BYTES = 32 * 1024
"""Request line and headers together; browsers send about 1 kB."""
HEAD_SECONDS = 20.0
"""From the first byte of a connection, or of the next request on it, to the end of the head."""


_HOST = re.compile(rb"[A-Za-z0-9._~-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")
"""A name or an address, and a port; nothing that two programs could read differently."""


class _HeadTooLargeError(Exception):
    """Raised when a request's head is larger than `MAX_HEAD_BYTES`."""


class _AmbiguousHostError(Exception):
    """Raised unless a request has exactly one valid `Host`, as servers and proxies could differ."""


class LimitedHttpProtocol(HttpToolsProtocol):
    """Uvicorn's HTTP/1.1 protocol, which closes connections whose head is too slow or too large."""

    _head_timer: asyncio.TimerHandle | None = None
    _within_head = True
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._refuse_slow_head)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        unfinished = self._within_head
        if unfinished:
            self._head_bytes += len(data)
            if self._head_timer is None:
                self._head_timer = self.loop.call_later(HEAD_SECONDS, self._refuse_slow_head)
        super().data_received(data)
        if unfinished and self._within_head and self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(431)

    def on_headers_complete(self) -> None:
        self._end_head()
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > MAX_HEAD_BYTES:
            # uvicorn answers 400 to exceptions in the callbacks of its parser.
            raise _HeadTooLargeError
        hosts = [value for name, value in self.headers if name == b"host"]
        if len(hosts) != 1 or not _HOST.fullmatch(hosts[0].strip()):
            raise _AmbiguousHostError
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._within_head, self._head_bytes = True, 0

    def _end_head(self) -> None:
        self._within_head = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse_slow_head(self) -> None:
        self._head_timer = None
        self._refuse(408)

    def _refuse(self, status: int) -> None:
        if not self.transport.is_closing():
            self.transport.write(
                STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n"
            )
            self.transport.close()


CACHE_SECONDS = 2.0
"""How long an answer of the store counts. Pages and services ask the store themselves each time:
the cache only decides which sockets stay open."""
MAX_CONCURRENT_LOOK_UPS = 4
"""Look-ups share their threads with the public form, so they use only some of them."""
MAX_CACHED_SESSIONS = 5_000


def find_current_principal(request: Request, settings: Settings) -> Principal | None:
    """Return the signed-in principal and extend the session; None if nobody is signed in."""
    secret = request.cookies.get(COOKIE)
    return authenticate_session(settings.store_url, secret, now(), demo=settings.demo)


@dataclass
class SessionCache:
    """Cache of the principals of open sessions, each looked up again after a few seconds.

    Looking up does not extend a session.
    """

    store_url: str
    demo: bool
    """Whether sessions of demo accounts are taken."""
    clock: Callable[[], float] = time.monotonic
    _cached: OrderedDict[str, tuple[Principal, float]] = field(default_factory=OrderedDict)
    _threads: CapacityLimiter = field(
        default_factory=lambda: CapacityLimiter(MAX_CONCURRENT_LOOK_UPS)
    )

    async def get_principal(self, secret: str | None, *, fresh: bool = False) -> Principal | None:
        """Return the principal of open session `secret`, else None; if `fresh`, ask the store.

        Args:
            secret: Secret in the session's cookie.
            fresh: Ask the store although there is a cached answer.
        """
        if not secret or len(secret) > MAX_TOKEN_CHARS:
            return None
        key = digest(secret)
        known = self._cached.get(key)
        if not fresh and known is not None and self.clock() - known[1] < CACHE_SECONDS:
            return known[0]
        person = await to_thread.run_sync(partial(self._look_up, secret), limiter=self._threads)
        self._cached.pop(key, None)
        if person is not None:
            self._cached[key] = (person, self.clock())
            if len(self._cached) > MAX_CACHED_SESSIONS:
                self._cached.popitem(last=False)
        return person

    def _look_up(self, secret: str) -> Principal | None:
        with read_scope(self.store_url) as session:
            return find_principal(session, secret, now(), demo=self.demo)


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
    """ASGI middleware that assigns request ids, records metrics and logs failures.

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
    """Return the route's pattern for metrics and logs, as the address may hold a secret."""
    route = scope.get("route")
    return route.path if isinstance(route, Route) and "endpoint" in scope else _PAGES


class AddressLimitMiddleware:
    """ASGI middleware that limits how many requests one address may send in all.

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
        """Use a turn, with a delay if the address is fast; return 0, or the seconds to wait."""
        if self._free.seconds_until_allowed(key):
            await self._hold(SLOW_SECONDS)
        wait = self._limit.seconds_until_allowed(key)
        if wait:
            await self._hold(min(wait, HOLD_SECONDS))
        return wait

    def _count_unknown(self, key: tuple[str, bool], send: Send) -> Send:
        """Return a `send` that counts 404 answers (unknown links) against a limit of their own."""

        async def send_counted(message: Message) -> None:
            if message.get("status") == HTTPStatus.NOT_FOUND:
                self._limit.give_back(key)
                self._unknown.seconds_until_allowed(key[0])
            await send(message)

        return send_counted

    async def _hold(self, seconds: float) -> bool:
        """Delay a request by `seconds` and return True; if too many are delayed, return False.

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
    return refusal(429, "too_many", t(TOO_MANY), retry_after(wait))


class NulByteMiddleware:
    """ASGI middleware that replaces NUL in an address by the replacement character U+FFFD.

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
