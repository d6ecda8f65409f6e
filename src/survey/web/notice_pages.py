"""HTML pages from templates, and pages with one notice such as an error or a thank-you.

The last one is kept on the device by a service worker, with the form's files. The worker handles
addresses under `/q/` only, and browsers run it over HTTPS or on this machine; elsewhere the page
works as long as it stays open.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from survey.collection.invitations import (
    InvitationExpiredError,
    InvitationNotFoundError,
    InvitationUsedError,
    InvitationVoidedError,
    OpenedOnOtherDeviceError,
)
from survey.locale import LANGUAGES, Message, SurveyError, msg, translator
from survey.observe.logs import current_request_id
from survey.settings import Settings
from survey.store.transactions import StoreUnavailableError
from survey.waves.waves import WaveNotOpenError
from survey.web.assets import (
    JAVASCRIPT,
    STRICT,
    CachedBody,
    asset_url,
    cached_response,
    read_script,
)
from survey.web.http import PAGE_HEADERS, RateLimit, client_address, retry_after
from survey.web.streamlit_texts import HTML_LANGUAGES

_HTML = "text/html; charset=utf-8"
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    auto_reload=False,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
"""Every value that a template shows is escaped; a value that is missing is an error."""
_BOOT_MARK = Markup("<boot>")
"""No value of a page can contain it, because its "<" would be escaped."""


@dataclass(frozen=True)
class HtmlPage:
    """Template of one page with its values; `title` is the text on the browser's tab."""

    template: str
    language: str
    title: str
    values: Mapping[str, Any] = field(default_factory=dict)
    boot: Mapping[str, Any] | None = None
    """Data for the page's script, with the `kind` of page."""
    is_cached: bool = False
    """Whether many browsers get the same page but for `boot`, so that it is rendered once."""


def html_response(
    request: Request, page: HtmlPage, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return the page as an HTML response that browsers do not store."""
    headers = {**PAGE_HEADERS, "Content-Language": page.language, **(headers or {})}
    return cached_response(request, render_page(page), status=status, headers=headers)


def render_page(page: HtmlPage) -> CachedBody:
    """Return the finished HTML of a page, with the data for its scripts."""
    frame = _cached_frame if page.is_cached else _render_frame
    html = frame(
        page.template,
        page.language,
        page.title,
        tuple(page.values.items()),
        _list_script_urls(page.boot),
    )
    if page.boot is not None:
        # Within a script element only "<" could end the element early.
        boot = orjson.dumps(page.boot).decode().replace("<", "\\u003c")
        html = html.replace(_BOOT_MARK, boot, 1)
    return CachedBody(html.encode(), _HTML)


def _render_frame(
    template: str,
    language: str,
    title: str,
    values: tuple[tuple[str, Any], ...],
    scripts: tuple[str, ...],
) -> str:
    """Return a page's HTML from `template` and `values`, with a mark for its scripts' data."""
    return _TEMPLATES.get_template(f"{template}.html").render(
        values,
        html_language=HTML_LANGUAGES.get(language, language),
        tab_title=title,
        style=asset_url("form.css"),
        boot=_BOOT_MARK,
        scripts=scripts,
    )


_cached_frame = lru_cache(maxsize=64)(_render_frame)


def _list_script_urls(boot: Mapping[str, Any] | None) -> tuple[str, ...]:
    if boot is None:
        return ()
    urls = (asset_url("form.js") if boot["kind"] == "form" else asset_url("notices.js"),)
    return (*urls, asset_url("contact.js")) if "phone" in boot.get("meta", ()) else urls


def negotiate_language(request: Request, default: str, offered: tuple[str, ...] = LANGUAGES) -> str:
    """Return the first of the browser's languages that is in `offered`, else `default`."""
    for entry in request.headers.get("accept-language", "").split(",")[:10]:
        code = entry.partition(";")[0].strip().lower().partition("-")[0]
        for language in offered:
            if code and language.lower().partition("-")[0] == code:
                return language
    return default


SUBMIT_URL = "/api/responses"
WORKER_URL = "/q/worker.js"
OFFLINE_URL = "/q/offline"


@dataclass(frozen=True)
class NoticePage:
    """Title, advice and HTTP status of a notice; `mark` is the CSS class of its symbol."""

    status: int
    title: Message
    advice: Message
    mark: str = "sf-stop"


_NOTICES: dict[type[SurveyError], NoticePage] = {
    InvitationUsedError: NoticePage(
        410,
        msg("This questionnaire has been handed in"),
        msg("There is nothing more to do. You may close this page now."),
        mark="sf-done",
    ),
    InvitationExpiredError: NoticePage(
        410,
        msg("This link has expired"),
        msg("A new one takes a moment. Thank you for your patience."),
    ),
    InvitationVoidedError: NoticePage(
        410,
        msg("This code is not used any more"),
        msg("A new one takes a moment. Thank you for your patience."),
    ),
    OpenedOnOtherDeviceError: NoticePage(
        409,
        msg("This link was opened on another device"),
        msg(
            "If that was you, please go on there, in the same app. Otherwise ask the surveyor for "
            "a new code: it takes a moment."
        ),
    ),
    InvitationNotFoundError: NoticePage(
        404,
        msg("This link is not complete or not valid"),
        msg("If you copied it by hand, please check that nothing is missing."),
    ),
    WaveNotOpenError: NoticePage(
        410, msg("This survey is closed"), msg("Thank you for your interest in taking part.")
    ),
    StoreUnavailableError: NoticePage(
        503, msg("One moment, please"), msg("Please reload this page in a minute.")
    ),
}


def render_invitation_error(
    request: Request, error: SurveyError, default_language: str, **boot: str
) -> Response:
    """Return the page that says why a link opens no form; it still sends waiting interviews.

    Args:
        boot: Further data for the page's script.
    """
    notice = _NOTICES[type(error)]
    return render_notice(request, notice, error.message, default_language, **boot)


class TooManyRequestsError(Exception):
    """Raised when an address has sent too many requests; answered with a notice page."""

    def __init__(self, wait: float) -> None:
        self.wait = wait


def require_turn(request: Request, limit: RateLimit, settings: Settings) -> None:
    """Count the request; raise `TooManyRequestsError` if its address sent too many."""
    wait = limit.seconds_until_allowed(client_address(request, settings.trusted_proxies))
    if wait:
        raise TooManyRequestsError(wait)


def build_too_many_response(request: Request, settings: Settings, wait: float) -> Response:
    """Return the 429 response that says to wait `wait` seconds, rendered once as floods need it."""
    language = negotiate_language(request, settings.language)
    headers = {**PAGE_HEADERS, "Content-Language": language, **retry_after(wait)}
    return cached_response(request, _too_many_page(language), status=429, headers=headers)


@lru_cache(maxsize=len(LANGUAGES))
def _too_many_page(language: str) -> CachedBody:
    notice = NoticePage(429, msg("One moment, please"), msg("Please reload this page in a minute."))
    text = msg("There are very many visitors from your network just now.")
    return render_page(_build_notice_page(notice, text, language))


def request_id_message(request_id: str) -> Message:
    """Return the sentence that asks users to tell the request's id to the administrator."""
    return msg(
        "If it happens again, tell the administrator this number: {number}", number=request_id
    )


def render_notice(
    request: Request, notice: NoticePage, text: Message, default_language: str, **more: str
) -> Response:
    """Return the page of a notice with `text`; further keywords are data for the page's script."""
    language = negotiate_language(request, default_language)
    page = _build_notice_page(notice, text, language, **more)
    return html_response(request, page, status=notice.status)


def _build_notice_page(notice: NoticePage, text: Message, language: str, **more: str) -> HtmlPage:
    t = translator(language)
    title = t(notice.title)
    advice, request_id = t(notice.advice), current_request_id()
    names_request = notice.status >= HTTPStatus.INTERNAL_SERVER_ERROR and bool(request_id)
    if names_request:
        advice += f" {t(request_id_message(request_id))}"
    values = {"mark": notice.mark, "title": title, "text": t(text), "advice": advice}
    boot = {
        "kind": "notice",
        "submit_url": SUBMIT_URL,
        "pending": t("Interviews on this device waiting to be sent: {count}"),
        **more,
    }
    return HtmlPage("notice", language, title, values, boot, is_cached=not names_request)


@lru_cache(maxsize=1)
def worker_script() -> CachedBody:
    """Return the service worker's script, which contains the addresses of files it keeps."""
    kept = orjson.dumps([OFFLINE_URL, asset_url("notices.js"), asset_url("form.css")]).decode()
    return CachedBody(
        f"{STRICT}\nconst FILES = {kept};\n{read_script('service_worker')}".encode(), JAVASCRIPT
    )


async def _serve_worker(request: Request) -> Response:
    return cached_response(request, worker_script(), headers=PAGE_HEADERS)


def routes(settings: Settings) -> list[BaseRoute]:
    """Return the routes of the service worker and of the offline page."""

    async def offline_page(request: Request) -> Response:
        notice = NoticePage(
            200,
            msg("There is no network just now"),
            msg("This page goes on by itself as soon as there is one."),
        )
        text = msg("What you answered on this device is kept.")
        return render_notice(request, notice, text, settings.language, kind="offline")

    # These come before `/q/{token}`, which matches every address of this form.
    return [
        Route(WORKER_URL, _serve_worker, methods=["GET"]),
        Route(OFFLINE_URL, offline_page, methods=["GET"]),
    ]
