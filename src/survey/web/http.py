"""Shared handling of HTTP requests: origin, body, JSON, cookies, form tokens and rate limits.

Limits are per address or session and counted in this process.
"""

import asyncio
import math
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hmac import compare_digest
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import orjson
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import RedirectResponse, Response

from survey.access.secret_hashes import MAX_TOKEN_CHARS, digest, new_token
from survey.access.sessions import COOKIE
from survey.settings import Settings

JSON = "application/json"
MAX_FORM_BYTES = 4 * 1024
BODY_SECONDS = 10.0
_MAX_FORM_FIELDS = 10
_MAX_REDIRECT_CHARS = 512
_NUL, _UNREADABLE = "\x00", "\ufffd"
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_UNKNOWN_ADDRESS = "unknown"

_COMMON_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    # The address of a page holds its one-time token: no other site is told it.
    "Referrer-Policy": "no-referrer",
    **_COMMON_HEADERS,
}
"""Headers of the bare pages."""

FILE_HEADERS = {
    name: PAGE_HEADERS[name] for name in ("X-Content-Type-Options", "Cross-Origin-Resource-Policy")
}
"""Headers of scripts, styles and questionnaires; the page's own headers hold for them as well."""

DASHBOARD_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
        "media-src 'self' data: blob:; connect-src 'self'; worker-src 'self' blob:; "
        "frame-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'self'"
    ),
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    **_COMMON_HEADERS,
}
"""Headers of Streamlit's answers. Its start page and its charts need inline code and `eval`, so
this policy keeps out other sites and frames, but not a script that was injected into a page."""

STRICT_TRANSPORT = "max-age=31536000"
"""A year, without subdomains: they may belong to others."""

NO_STORE = {**PAGE_HEADERS, "Cache-Control": "no-store"}
_JSON_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
MAX_TRACKED_KEYS = 20_000
_ROUNDING_SECONDS = 1e-6
"""Adding up many turns leaves errors of this size at most."""


# Origin of a request


def is_same_site(request: Request, settings: Settings) -> bool:
    """Return whether a request that changes something was sent from a page of this platform.

    Browsers say where a request comes from. A client that says nothing is no browser, so it has no
    signed-in user whose rights could be abused.
    """
    fetch_site = request.headers.get("sec-fetch-site")
    if fetch_site is not None:
        return fetch_site in {"same-origin", "none"}
    return is_own_origin(request.headers, settings.public_url)


def is_own_origin(headers: Headers, public_url: str) -> bool:
    """Return whether `Origin` is missing, this host, or the host of `SURVEY_PUBLIC_URL`.

    A browser sends one with every socket and with every request to another site. The scheme is not
    compared: only a proxy knows whether the browser used HTTPS. A proxy may also rewrite `Host`;
    then `SURVEY_PUBLIC_URL` tells how browsers know this platform.
    """
    origins = headers.getlist("origin")
    if not origins:
        return True
    claimed = _parse_origin(origins[0]) if len(origins) == 1 else None
    if claimed is None:
        return False
    scheme, host = claimed
    own = {_strip_default_port(headers.get("host", "").lower(), scheme)}
    public = _parse_origin(public_url) if public_url else None
    if public is not None:
        own.add(public[1])
    return host in own


def _parse_origin(url: str) -> tuple[str, str] | None:
    """Return scheme and host without default port of an origin; None if it is not a valid one."""
    try:
        parts = urlsplit(url.strip().lower())
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not parts.netloc or "@" in parts.netloc:
        return None
    return parts.scheme, _strip_default_port(parts.netloc, parts.scheme)


def _strip_default_port(host: str, scheme: str) -> str:
    return host.removesuffix(_DEFAULT_PORTS[scheme])


def is_https(request: Request, trusted_proxies: int) -> bool:
    """Return whether the browser uses HTTPS, by the header of trusted proxies if there are any."""
    if trusted_proxies and "x-forwarded-proto" in request.headers:
        return request.headers["x-forwarded-proto"].split(",")[-1].strip() == "https"
    return bool(request.scope["scheme"] == "https")


def client_address(request: HTTPConnection, trusted_proxies: int) -> str:
    """Return the IP address, or IPv6 network, under which the client's requests are counted.

    With `trusted_proxies` in front, the entry of `X-Forwarded-For` that many places from the right
    was written by the outermost of them; everything further left is the client's own claim.
    """
    peer = request.client.host if request.client else _UNKNOWN_ADDRESS
    if trusted_proxies > 0:
        claimed = request.headers.get("x-forwarded-for", "").split(",")
        if len(claimed) >= trusted_proxies:
            peer = claimed[-trusted_proxies].strip()
    return _get_counted_network(peer)


def _get_counted_network(address: str) -> str:
    """Return an IPv4 address as it is, an IPv6 address as its /64, which one client has."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return _UNKNOWN_ADDRESS
    if isinstance(parsed, IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped) if mapped else str(ip_network((parsed, 64), strict=False))
    return str(parsed)


# Body of a request


class BodyTooLargeError(Exception):
    """Raised when a request's body exceeds the allowed number of bytes."""


async def read_limited_body(
    request: Request, max_bytes: int = MAX_FORM_BYTES, max_seconds: float | None = None
) -> bytes:
    """Return the whole body of a request; raise if it takes over `max_bytes` or `max_seconds`.

    Args:
        max_seconds: Time for the whole body, `BODY_SECONDS` unless given.

    Raises:
        BodyTooLargeError: The body is longer than `max_bytes`.
        TimeoutError: The body did not arrive in time.
        ClientDisconnect: The client closed the connection.
    """
    content = bytearray()
    async with asyncio.timeout(BODY_SECONDS if max_seconds is None else max_seconds):
        async for chunk in request.stream():
            content.extend(chunk)
            if len(content) > max_bytes:
                raise BodyTooLargeError
    return bytes(content)


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form; empty if the body is too large, too slow or unreadable."""
    try:
        content = await read_limited_body(request)
        fields = parse_qs(content.decode("utf-8", "replace"), max_num_fields=_MAX_FORM_FIELDS)
    except (BodyTooLargeError, TimeoutError, ClientDisconnect, ValueError):
        return {}
    # PostgreSQL stores no NUL, and no keyboard types one.
    return {name: values[0].replace(_NUL, _UNREADABLE) for name, values in fields.items()}


def media_type_of(request: Request) -> str:
    """Return the media type of a request's body in small letters; empty if none is declared."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


# Answers


def json_response(
    status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Response:
    """Return `body` as a JSON response that no cache keeps."""
    return Response(orjson.dumps(body), status, {**_JSON_HEADERS, **(headers or {})}, JSON)


def refusal(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Return an error as a JSON response with a code for programs and a message for people."""
    return json_response(status, {"code": code, "message": message}, headers)


def retry_after(wait: float) -> dict[str, str]:
    """Return the `Retry-After` header for a wait of `wait` seconds, as the next whole second."""
    return {"Retry-After": str(int(wait) + 1)}


def redirect_response(address: str) -> Response:
    """Return a redirect (303) after a form was handled; the browser then gets `address`."""
    return RedirectResponse(address, 303, headers=NO_STORE)


def safe_path(target: str | None) -> str:
    """Return `target` if it is a path on this site, else `/`."""
    if not target or not target.startswith("/") or len(target) > _MAX_REDIRECT_CHARS:
        return "/"
    unsafe = target.startswith("//") or "\\" in target or not target.isprintable()
    return "/" if unsafe else target


# Cookies


@dataclass(frozen=True)
class Cookie:
    """Cookie that scripts cannot read and browsers leave out of POST forms of other sites."""

    name: str
    path: str = "/"
    same_site: Literal["lax", "strict"] = "lax"

    def save(
        self,
        response: Response,
        request: Request,
        settings: Settings,
        value: str,
        max_age: int | None = None,
    ) -> None:
        """Set the cookie in the response; without `max_age` it ends with the browser session."""
        response.set_cookie(
            self.name,
            value,
            max_age=max_age,
            path=self.path,
            httponly=True,
            samesite=self.same_site,
            secure=is_https(request, settings.trusted_proxies),
        )

    def delete(self, response: Response) -> None:
        """Set the response to remove the cookie from the browser."""
        response.delete_cookie(self.name, path=self.path, httponly=True, samesite=self.same_site)

    def get_secret(self, request: Request, *, bits: int) -> str:
        """Return the secret in the request's cookie, or a new one if there is none."""
        kept = request.cookies.get(self.name, "")
        return kept if 0 < len(kept) <= MAX_TOKEN_CHARS else new_token(bits=bits)


SESSION_COOKIE = Cookie(COOKIE)
FORM_COOKIE = Cookie("survey_form", same_site="strict")


@dataclass(frozen=True)
class FormToken:
    """Token that ties a plain form to the browser in which it was shown (against CSRF).

    The browser keeps a secret in a cookie that no script sees, and the form carries its hash, which
    another site can neither read nor guess. It complements `is_same_site` for browsers that do not
    say where a request comes from.
    """

    FIELD = "token"
    BITS = 128

    secret: str

    @classmethod
    def of(cls, request: Request) -> "FormToken":
        """Return the token of the request's browser, with a new secret if it has none."""
        return cls(FORM_COOKIE.get_secret(request, bits=cls.BITS))

    @property
    def value(self) -> str:
        """Value of the hidden field in forms: a hash of the browser's secret."""
        return digest(f"form:{self.secret}")

    def matches(self, value: str) -> bool:
        """Return whether a hidden field's value belongs to this browser."""
        return compare_digest(self.value.encode(), value.encode())

    def save(self, response: Response, request: Request, settings: Settings) -> None:
        """Set the cookie that keeps the token's secret in the browser."""
        FORM_COOKIE.save(response, request, settings, self.secret)


async def read_verified_form(request: Request, settings: Settings) -> dict[str, str]:
    """Return the fields of a form shown by this platform in this browser; raise 403 for others.

    Raises:
        HTTPException: 403, if another site sent it or its token is wrong.
    """
    form = await read_form(request)
    token = FormToken.of(request)
    if not is_same_site(request, settings) or not token.matches(form.get(FormToken.FIELD, "")):
        raise HTTPException(403)
    return form


# Limits


class TooManyConnectionsError(Exception):
    """Raised when one more open connection would exceed the limit."""


@dataclass
class ConnectionCount:
    """Number of open connections per key, limited to `max_open` each; 0 means no limit."""

    max_open: int
    _open: Counter[Hashable] = field(default_factory=Counter)

    @contextmanager
    def count_connection(self, key: Hashable) -> Iterator[None]:
        """Count one connection of `key` during the block; raise if `max_open` are open.

        Raises:
            TooManyConnectionsError: `max_open` connections of `key` are open already.
        """
        if 0 < self.max_open <= self._open[key]:
            raise TooManyConnectionsError
        self._open[key] += 1
        try:
            yield
        finally:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]


@dataclass
class RateLimit:
    """Token bucket per key: `per_second` turns, in bursts of `burst_seconds`; 0 means no limit."""

    per_second: float
    burst_seconds: float = 8.0
    clock: Callable[[], float] = time.monotonic
    _scheduled_until: OrderedDict[Hashable, float] = field(default_factory=OrderedDict)

    @classmethod
    def per_minute(cls, turns: int, clock: Callable[[], float] = time.monotonic) -> "RateLimit":
        """Return a limit of `turns` per minute, all of which may be used at once."""
        return cls(turns / 60, 60.0, clock)

    def seconds_until_allowed(self, key: Hashable) -> float:
        """Use one turn and return 0.0; or return the seconds to wait and use none."""
        return self.reserve(key, max_wait=0.0)

    def is_used_up(self, key: Hashable) -> bool:
        """Return whether there is no turn left now, without using one."""
        return self.reserve(key, max_wait=-1.0) > 0

    def give_back(self, key: Hashable) -> None:
        """Return one turn to `key`, for a request that another limit counts instead."""
        if key in self._scheduled_until:
            self._scheduled_until[key] -= 1 / self.per_second

    def reserve(self, key: Hashable, turns: int = 1, max_wait: float = math.inf) -> float:
        """Reserve `turns`, or none if the wait exceeds `max_wait`; return that wait in seconds.

        Nothing is reserved when they come later than in `max_wait` seconds.
        """
        if self.per_second <= 0:
            return 0.0
        now = self.clock()
        # The time at which everything reserved so far is worked off at the steady pace.
        before = max(self._scheduled_until.get(key, now), now)
        through = before + turns / self.per_second
        seconds = through - now - self.burst_seconds
        if seconds <= _ROUNDING_SECONDS:
            seconds = 0.0
        if seconds <= max_wait:
            self._scheduled_until[key] = through
        if key in self._scheduled_until:
            self._scheduled_until.move_to_end(key)
        if len(self._scheduled_until) > MAX_TRACKED_KEYS:
            self._scheduled_until.popitem(last=False)
        return seconds
