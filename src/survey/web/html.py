"""Bare HTML pages: small templates, every value escaped, data for the script as inert JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from survey.locale import LANGUAGES
from survey.web.assets import (
    contact_script_url,
    notice_script_url,
    script_url,
    style_url,
)
from survey.web.compression import CachedBody, cached_response
from survey.web.http import PAGE_HEADERS

_TEMPLATES = Path(__file__).parent / "templates"
_HTML = "text/html; charset=utf-8"
_HTML_LANGUAGES = {"zh": "zh-CN"}


@dataclass(frozen=True)
class HtmlPage:
    """What one page shows; `boot` is what its script is told, with the `kind` of page it is."""

    language: str
    title: str
    body: str
    boot: Mapping[str, Any] | None = None
    head: str = ""


@lru_cache(maxsize=16)
def _template(name: str) -> Template:
    return Template((_TEMPLATES / f"{name}.html").read_text(encoding="utf-8"))


def render_template(name: str, /, **texts: str) -> str:
    """A filled template; the texts are plain and become safe HTML here."""
    return _template(name).substitute({key: escape(text) for key, text in texts.items()})


def render_wrapper(name: str, inner: Mapping[str, str], /, **texts: str) -> str:
    """Like `fragment`, with `inner` made of fragments already."""
    safe = {key: escape(text) for key, text in texts.items()}
    return _template(name).substitute({**safe, **inner})


def _boot(data: Mapping[str, Any] | None) -> str:
    if data is None:
        return ""
    # Within a script element only "<" could end it early.
    document = orjson.dumps(data).decode().replace("<", "\\u003c")
    scripts = [script_url() if data["kind"] == "form" else notice_script_url()]
    if "phone" in data.get("meta", ()):
        scripts.append(contact_script_url())
    tags = "".join(f'<script src="{source}" defer></script>\n' for source in scripts)
    return f'<script type="application/json" id="boot">{document}</script>\n{tags}'


def html_response(
    request: Request, page: HtmlPage, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """The whole page, never kept by the browser."""
    inner = {"head": page.head, "body": page.body, "boot": _boot(page.boot)}
    html = render_wrapper(
        "page",
        inner,
        lang=_HTML_LANGUAGES.get(page.language, page.language),
        title=page.title,
        style=style_url(),
    )
    every = {**PAGE_HEADERS, "Content-Language": page.language, **(headers or {})}
    return cached_response(request, CachedBody(html.encode(), _HTML), status=status, headers=every)


def negotiate_language(request: Request, default: str, offered: tuple[str, ...] = LANGUAGES) -> str:
    """The first language of the browser's list that is offered."""
    for entry in request.headers.get("accept-language", "").split(",")[:10]:
        code = entry.partition(";")[0].strip().lower().partition("-")[0]
        for language in offered:
            if code and language.lower().partition("-")[0] == code:
                return language
    return default
