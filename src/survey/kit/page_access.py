"""Guard in front of Streamlit: session, origin, sockets, limits on uploads, HTML of pages."""

import asyncio
import logging
import re
from collections import Counter
from contextlib import AsyncExitStack
from functools import lru_cache, partial
from html import escape
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import file_util
from streamlit.runtime import Runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from survey.access.roles import ROLES, Role
from survey.access.secret_hashes import digest
from survey.access.sessions import COOKIE
from survey.kit.navigation import PAGES, PageInfo, landing_page
from survey.kit.page_socket import PageSockets, refuse_socket
from survey.locale import LANGUAGES, translator
from survey.settings import Settings
from survey.store.transactions import UNAVAILABLE_ERRORS, StoreUnavailableError
from survey.web.assets import CachedBody, asset_url, cached_response
from survey.web.http import is_own_origin
from survey.web.notice_pages import negotiate_language, render_invitation_error
from survey.web.request_middleware import SessionCache
from survey.web.start_page import LANGUAGE, RequestedPage, show_start
from survey.web.streamlit_texts import HTML_LANGUAGES

_MEDIA_TYPE = "text/html; charset=utf-8"
_OPENING, _TITLE, _FIRST_SCRIPT = '<html lang="en">', "<title>Streamlit</title>", "<script>"
_WITHOUT_SCRIPTS = re.compile(r"<noscript>.*?</noscript>", re.DOTALL)
_HEADERS = {"Cache-Control": "no-cache"}


class DocumentChangedError(Exception):
    """Raised when Streamlit's HTML lacks a part to replace: another version is installed."""


def serve_document(request: Request, default_language: str) -> Response:
    """Return the HTML document of a page in the language of its address."""
    asked = request.query_params.get(LANGUAGE)
    language = asked if asked in LANGUAGES else default_language
    return cached_response(request, build_document(language), headers=_HEADERS)


@lru_cache(maxsize=len(LANGUAGES))
def build_document(language: str) -> CachedBody:
    """Return Streamlit's HTML document with the page's language, title, notice and script."""
    t = translator(language)
    html = (Path(file_util.get_static_dir()) / "index.html").read_text(encoding="utf-8")
    notice = t("This page needs JavaScript. Please switch it on in your browser and reload.")
    html, notices = _WITHOUT_SCRIPTS.subn(
        lambda _: f"<noscript><p>{escape(notice)}</p></noscript>", html
    )
    if notices != 1:
        raise DocumentChangedError("<noscript>")
    script = f'<script src="{asset_url("streamlit.js")}"></script>'
    html = _replace_first(html, _OPENING, f'<html lang="{HTML_LANGUAGES[language]}">')
    title = escape(t("Hundred Cities Survey"))
    html = _replace_first(html, _TITLE, f"<title>{title}</title>")
    html = _replace_first(html, _FIRST_SCRIPT, f"{script}\n    {_FIRST_SCRIPT}")
    return CachedBody(html.encode(), _MEDIA_TYPE)


def _replace_first(html: str, part: str, replacement: str) -> str:
    if part not in html:
        raise DocumentChangedError(part)
    return html.replace(part, replacement, 1)


MAX_CONCURRENT_UPLOADS, MAX_CONCURRENT_UPLOADS_PER_SESSION = 6, 2
"""Bodies that are read at the same time, of everybody and of one session; others wait."""
MAX_CHUNK_SECONDS = 20.0
"""From one piece of a file to the next."""
MAX_UPLOAD_SECONDS = 600.0
ENVELOPE_BYTES = 64 * 1024
"""What a form adds to the file in it."""
_MEGABYTE = 1 << 20


class UploadLimits:
    """ASGI middleware that limits number, size and rate of uploads, which are held in memory."""

    def __init__(self, pages: ASGIApp, settings: Settings, owners: dict[str, str]) -> None:
        self.pages, self.owners = pages, owners
        self._max_files = settings.uploads_per_session
        self._max_bytes_per_session = settings.upload_megabytes_per_session * _MEGABYTE
        self._max_bytes = settings.upload_megabytes * _MEGABYTE
        self._pending_bytes: Counter[str] = Counter()
        self._pending_uploads: Counter[str] = Counter()
        self._slots = asyncio.Semaphore(MAX_CONCURRENT_UPLOADS)
        self._session_slots: dict[str, asyncio.Semaphore] = {}

    async def __call__(self, owner: str, scope: Scope, receive: Receive, send: Send) -> None:
        number, _, name = scope["path"].split("/", 3)[-1].partition("/")
        if self.owners.get(number) != owner or not name:
            await _send_refusal(403, scope, receive, send)
        elif scope["method"] != "PUT":
            await self.pages(scope, receive, send)
        else:
            await self._receive_upload(owner, scope, receive, send)

    async def _receive_upload(self, owner: str, scope: Scope, receive: Receive, send: Send) -> None:
        length = Request(scope).headers.get("content-length", "")
        if not length.isascii() or not length.isdecimal():
            await _send_refusal(411, scope, receive, send)
            return
        size = int(length)
        status = self._get_refusal_status(owner, size)
        if status:
            await _send_refusal(status, scope, receive, send)
            return
        self._pending_bytes[owner] += size
        self._pending_uploads[owner] += 1
        try:
            async with AsyncExitStack() as turns, asyncio.timeout(MAX_UPLOAD_SECONDS):
                own_slots = asyncio.Semaphore(MAX_CONCURRENT_UPLOADS_PER_SESSION)
                own_slots = self._session_slots.setdefault(owner, own_slots)
                await turns.enter_async_context(own_slots)
                await turns.enter_async_context(self._slots)
                await self.pages(scope, _limit_chunk_time(receive), send)
        finally:
            self._pending_bytes[owner] -= size
            self._pending_uploads[owner] -= 1
            if not self._pending_uploads[owner]:
                del self._pending_uploads[owner], self._pending_bytes[owner]
                self._session_slots.pop(owner, None)

    def _get_refusal_status(self, owner: str, size: int) -> int:
        """Return the HTTP status that refuses `owner` an upload of `size` bytes; 0 to accept it."""
        held = count_uploaded_files()
        own = [held.get(number, (0, 0)) for number, each in self.owners.items() if each == owner]
        count = sum(files for files, _ in own) + self._pending_uploads[owner]
        if self._max_files and count >= self._max_files:
            return 429
        mine = sum(octets for _, octets in own) + self._pending_bytes[owner]
        if (
            self._max_bytes_per_session
            and mine + size > self._max_bytes_per_session + ENVELOPE_BYTES
        ):
            return 413
        everything = sum(octets for _, octets in held.values()) + self._pending_bytes.total()
        return 503 if self._max_bytes and everything + size > self._max_bytes else 0


def count_uploaded_files() -> dict[str, tuple[int, int]]:
    """Return Streamlit session id -> (files, bytes) of the uploads held in memory."""
    manager = Runtime.instance().uploaded_file_mgr if Runtime.exists() else None
    if not isinstance(manager, MemoryUploadedFileManager):
        return {}
    return {
        number: (len(files), sum(len(file.data) for file in [*files.values()]))
        for number, files in [*manager.file_storage.items()]
    }


def _limit_chunk_time(receive: Receive) -> Receive:
    """Return `receive` with a limit on the time between two parts of a request body."""

    async def patiently() -> Message:
        try:
            return await asyncio.wait_for(receive(), MAX_CHUNK_SECONDS)
        except TimeoutError:
            return {"type": "http.disconnect"}

    return patiently


async def _send_refusal(status: int, scope: Scope, receive: Receive, send: Send) -> None:
    response = PlainTextResponse("refused", status, {"Connection": "close"})
    await response(scope, receive, send)


_LOG = logging.getLogger(__name__)
_STREAM = "/_stcore/stream"
_UPLOAD = "/_stcore/upload_file/"
_PUBLIC = ("/static/",)
"""Scripts and styles of Streamlit's package: the same everywhere, kept by browsers for ever."""
_PUBLIC_FILES = frozenset({"/_stcore/health", "/favicon.png", "/manifest.json"})
_NOT_PAGES = ("/_stcore/", "/media/", "/component/", "/auth/", "/oauth2callback")
"""What scripts of a page fetch: nobody looks at it, so a refusal there needs no words."""
SESSION_HEADER = b"x-survey-session"
"""Binds a page's state to the session that began it (`server.trustedUserHeaders`): whoever learns
the number of another reader's page can neither go on with it nor add files to it."""
_ADDRESSES: dict[str, PageInfo] = {f"/{page.url}": page for page in PAGES}


class PageAccess:
    """ASGI middleware: passes signed-in requests to Streamlit, their `Origin` header removed.

    Streamlit compares a foreign `Origin` with the address that this machine has on the internet,
    and asks a server there for it, while everybody waits.
    """

    def __init__(self, pages: ASGIApp, settings: Settings) -> None:
        self.pages, self.settings = pages, settings
        self.sessions = SessionCache(settings.store_url, settings.demo)
        self.sockets = PageSockets(pages, settings, self.sessions)
        self.uploads = UploadLimits(pages, settings, self.sockets.owners)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._answer_request(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._connect(scope, receive, send)
        else:
            await self.pages(scope, receive, send)

    async def _answer_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        request, path = Request(scope), scope["path"]
        if not is_own_origin(request.headers, self.settings.public_url):
            response: Response = PlainTextResponse("forbidden", 403)
            await response(scope, receive, send)
            return
        if path.startswith(_PUBLIC) or path in _PUBLIC_FILES:
            await self.pages(forward_scope(scope), receive, send)
            return
        secret = request.cookies.get(COOKIE)
        try:
            # A page opened in the moment after its session ended would find no line, and say so in
            # words of Streamlit's.
            opens_page = request.headers.get("sec-fetch-mode") == "navigate"
            person = await self.sessions.get_principal(secret, fresh=opens_page)
        except UNAVAILABLE_ERRORS as error:
            _LOG.error("the store does not answer: %s", type(error).__name__)
            response = render_invitation_error(
                request, StoreUnavailableError(), self.settings.language
            )
            await response(scope, receive, send)
            return
        if person is None or secret is None:
            # The start page may read the store for its headline.
            response = await run_in_threadpool(self._refuse, request)
            await response(scope, receive, send)
        elif path.startswith(_UPLOAD):
            await self.uploads(digest(secret), forward_scope(scope, secret), receive, send)
        elif asks_for_document(request):
            response = serve_document(request, self.settings.language)
            await response(scope, receive, send)
        else:
            await self.pages(forward_scope(scope, secret), receive, send)

    def _refuse(self, request: Request) -> Response:
        path = request.url.path
        if request.method not in {"GET", "HEAD"} or path.startswith(_NOT_PAGES):
            return PlainTextResponse("forbidden", 403)
        asked = request.query_params.get(LANGUAGE)
        language = asked or negotiate_language(request, self.settings.language)
        return show_start(request, self.settings, get_requested_page(path, language))

    async def _connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, path = Headers(scope=scope), scope["path"]
        secret, person = HTTPConnection(scope).cookies.get(COOKIE), None
        if secret and path == _STREAM and is_own_origin(headers, self.settings.public_url):
            try:
                person = await self.sessions.get_principal(secret)
            except UNAVAILABLE_ERRORS as error:
                _LOG.error("the store does not answer: %s", type(error).__name__)
        if secret is None or person is None:
            await refuse_socket(receive, send)
        else:
            await self.sockets.serve(secret, forward_scope(scope, secret), receive, send)


def asks_for_document(request: Request) -> bool:
    """Return whether the request is of a browser that opens a page, known or unknown."""
    path = request.url.path
    if request.method != "GET" or path.startswith(_NOT_PAGES):
        return False
    opens = request.headers.get("sec-fetch-mode") == "navigate" and not path.endswith("/")
    return path in _ADDRESSES or opens


def forward_scope(scope: Scope, secret: str = "") -> Scope:
    """Return the scope for Streamlit: with the hash of the session `secret`, without `Origin`."""
    kept = [
        (name, value)
        for name, value in scope["headers"]
        if name.lower() not in {b"origin", SESSION_HEADER}
    ]
    if secret:
        kept.append((SESSION_HEADER, digest(secret).encode()))
    return {**scope, "headers": kept}


def get_requested_page(path: str, language: str) -> RequestedPage:
    """Return title and target of the page at `path`, for the start page of signed-out visitors."""
    page = _ADDRESSES.get(path.rstrip("/") or "/")
    title = translator(language)(page.title) if page else ""
    return RequestedPage(
        title, partial(_choose_target, page), is_start=page is not None and not page.url
    )


def _choose_target(page: PageInfo | None, role: Role) -> str:
    if page is not None and page.action in ROLES[role].actions:
        return f"/{page.url}"
    return f"/{landing_page(role).url}"
