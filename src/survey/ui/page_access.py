"""Access control in front of Streamlit: session, origin, sockets and uploads."""

import logging
from functools import partial

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from survey.access.roles import ROLES, Role
from survey.access.secret_hashes import digest
from survey.access.sessions import COOKIE
from survey.locale import translator
from survey.settings import Settings
from survey.store.transactions import UNAVAILABLE_ERRORS, StoreUnavailableError
from survey.ui.navigation import PAGES, PageInfo, landing_page
from survey.ui.page_document import serve_document
from survey.ui.page_socket import PageSockets, refuse_socket
from survey.ui.upload_limits import UploadLimits
from survey.web.current_principal import SessionCache
from survey.web.html import negotiate_language
from survey.web.http import is_own_origin
from survey.web.notice_pages import render_invitation_error
from survey.web.start_page import LANGUAGE, RequestedPage, show_start

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
    """ASGI middleware that lets only signed-in browsers through to Streamlit, without `Origin`.

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
            await self._refuse(request)(scope, receive, send)
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
        own = is_own_origin(headers, self.settings.public_url)
        secret = HTTPConnection(scope).cookies.get(COOKIE)
        if not own or path != _STREAM or not secret:
            await refuse_socket(receive, send)
            return
        try:
            person = await self.sessions.get_principal(secret)
        except UNAVAILABLE_ERRORS as error:
            _LOG.error("the store does not answer: %s", type(error).__name__)
            await refuse_socket(receive, send)
            return
        if person is None:
            await refuse_socket(receive, send)
            return
        await self.sockets.serve(secret, forward_scope(scope, secret), receive, send)


def asks_for_document(request: Request) -> bool:
    """Return whether a browser opens a page; unknown addresses lead to Streamlit's own notice."""
    path = request.url.path
    if request.method != "GET" or path.startswith(_NOT_PAGES):
        return False
    opens = request.headers.get("sec-fetch-mode") == "navigate" and not path.endswith("/")
    return path in _ADDRESSES or opens


def forward_scope(scope: Scope, secret: str = "") -> Scope:
    """Return the scope for Streamlit: with the hashed session, without the origin."""
    kept = [
        (name, value)
        for name, value in scope["headers"]
        if name.lower() not in {b"origin", SESSION_HEADER}
    ]
    if secret:
        kept.append((SESSION_HEADER, digest(secret).encode()))
    return {**scope, "headers": kept}


def get_requested_page(path: str, language: str) -> RequestedPage:
    """Return the page that a path belongs to, for the start page of signed-out visitors."""
    page = _ADDRESSES.get(path.rstrip("/") or "/")
    title = translator(language)(page.title) if page else ""
    return RequestedPage(
        title, partial(_choose_target, page), is_start=page is not None and not page.url
    )


def _choose_target(page: PageInfo | None, role: Role) -> str:
    if page is not None and page.action in ROLES[role].actions:
        return f"/{page.url}"
    return f"/{landing_page(role).url}"
